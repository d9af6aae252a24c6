package format

import (
	"io"
	"strings"
	"time"
)

// Profile is how the policy wants a file of one kind to be rebuilt.
type Profile struct {
	Charset string // of text and csv: "utf-8" or "cp932"
	BOM     bool   // write a byte order mark in UTF-8 text
	Quality int    // JPEG quality, 1 to 100

	Method Method // how to rebuild, "" for the kind's own method
	Render Render // of kinds that are drawn

	// MaxBytes bounds the output of a mail (DECISIONS 19); 0 is no bound.
	MaxBytes int64
	// OwnDomains are the office's mail domains, lower case.
	OwnDomains []string
}

// Within reports whether an address lies in a domain, given in lower case, or
// below it.
func Within(address, domain string) bool {
	host := strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
	return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
}

// Facts are what is true of a whole mail outside its bytes. Only the root
// mail's Build gets them.
type Facts struct {
	ReceiptNo  string
	ReceivedAt time.Time // in the office's time zone
	ExpiresAt  time.Time // when held parts are discarded
	Recipients []string  // of this delivery
	Sender     string    // envelope sender, "" for the null reverse-path
	MessageID  string    // internal id of the message, hex

	Instance string // our instance id, for the loop check
	Host     string // our host name in the Received field
	Version  string
	Office   Office
}

// Office is how a notice speaks of the organization that runs the gateway.
type Office struct {
	Name      string // 「○○町 メールゲートウェイ」
	Contact   string // 「情報政策課（内線１２３）」
	PublicURL string // base of the portal, "" when there is none
}

// Child is a file inside another one, after its own decision. Build writes it,
// or says that it is missing.
type Child struct {
	Name     string // safe name; with the rebuilt kind's extension when rebuilt
	Original string // the sender's name, cleaned, "" if none
	Kind     Kind
	Media    string // MIME type of the rebuilt file
	Verdict  Verdict
	Reason   Reason
	Method   Method
	Findings []Finding
	Sum      [32]byte // SHA-256 of the rebuilt file
	Size     int64    // of the rebuilt file
	Open     func() io.Reader
	Kids     []Child
	// Searchable says that the rebuilt file's pages carry text.
	Searchable bool
	// Brief are lines that a held file may show in the notice, such as the
	// summary, start and place of an invitation.
	Brief []string
}

// Present reports whether the child has a rebuilt file.
func (c Child) Present() bool { return c.Verdict == Rebuilt || c.Verdict == Partly }

// Construction is what Build gets besides the values: the decided children in
// the order of their Child frames, the profile, and for a root mail the facts.
type Construction struct {
	Kids    []Child
	Profile Profile
	Facts   *Facts
}
