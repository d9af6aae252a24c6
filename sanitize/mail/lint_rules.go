package mail

import (
	"regexp"
	"strings"
	"sync"
)

// lintRules are the grammars; nothing changes them. Each is compiled when it is
// first asked for: a lint worker lives for one mail, and compiling them all
// took a third of its time.
type lintRules struct {
	fields      map[string]func() *regexp.Regexp
	box         func() *regexp.Regexp // 1 phrase, 2 its address or 3 the end of a group; 4 a bare group; 5 address
	multipart   func() *regexp.Regexp // 1 boundary
	partType    func() *regexp.Regexp // 1 media, 2 charset, 3 name
	disposition func() *regexp.Regexp // 1 file name, 2 extended pieces
	extended    func() *regexp.Regexp // 1 number and star, 2 value
	opensFile   func() *regexp.Regexp // a line of a text from which a file would be decoded
}

// Pieces of the grammar; spec: rfc5322#3.2 rfc2047#2 rfc5321#4.1.2.
const (
	lintAtext  = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+"
	lintLabel  = `[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?`
	lintHost   = lintLabel + `(?:\.` + lintLabel + `)*`
	lintAddr   = `(?:` + lintAtext + `(?:\.` + lintAtext + `)*|"(?:\.|` + lintAtext + `)+")@` + lintHost
	lintWord   = `=\?utf-8\?B\?[A-Za-z0-9+/]+=?=?\?=`
	lintQuoted = `"(?:[ !#-\[\]-~]|\\["\\])*"`
	lintPhrase = `(?:` + lintQuoted + `|` + lintWord + `(?: ` + lintWord + `)*)`
	lintID     = "<[A-Za-z0-9.!#$%&'*+\\-/=?^_`{|}~\\[\\]:]+@[A-Za-z0-9.!#$%&'*+\\-/=?^_`{|}~@\\[\\]:]+>"
	lintDate   = `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ` +
		`[12][0-9]{3} [0-2][0-9]:[0-5][0-9]:[0-5][0-9] [+\-][01][0-9][0-5][0-9]`
	lintTag = `[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*`
	lintTok = `[A-Za-z0-9._\-]+`
)

// lintGrammar returns the process's grammars.
var lintGrammar = sync.OnceValue(lintNewRules)

// lintNewRules makes the table of fields, one row a field. Address fields are
// read by boxes.
func lintNewRules() *lintRules {
	part := func(s string) func() *regexp.Regexp {
		return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) })
	}
	whole := func(s string) func() *regexp.Regexp { return part(`^(?:` + s + `)$`) }
	ids := whole(lintID + `(?: ` + lintID + `)*`)
	return &lintRules{
		fields: map[string]func() *regexp.Regexp{
			"Received":         whole(`from unspecified by ` + lintHost + ` \(sekisho\) id ` + lintTok + `; ` + lintDate),
			"Date":             whole(lintDate),
			"Subject":          whole(lintWord + `(?: ` + lintWord + `)*|[!-~]+(?: [!-~]+)*`),
			"Message-ID":       whole(lintID),
			"In-Reply-To":      ids,
			"References":       ids,
			"Auto-Submitted":   whole(`no|auto-(?:generated|replied|notified)`),
			"Precedence":       whole(`bulk|list|junk`),
			"List-Id":          whole(`<[A-Za-z0-9_+=\-]+(?:\.[A-Za-z0-9_+=\-]+)*>`),
			"Importance":       whole(`high|normal|low`),
			"Content-Language": whole(lintTag + `(?:, ` + lintTag + `){0,9}`),
			"X-Sekisho-Result": whole(`v=1; verdict=(?:rebuilt|partly|held); receipt=` + lintTok + `; id=` + lintTok +
				`; hops=[0-9]+; held=[0-9]+; stripped=[0-9]+; findings=(?:[a-z0-9_]+(?:, ?[a-z0-9_]+)*)?`),
			"MIME-Version": whole(`1\.0`),
		},
		box:         part(`^(?:(` + lintPhrase + `)(?: <(` + lintAddr + `)>|(:;))|(undisclosed-recipients:;)|(` + lintAddr + `))`),
		multipart:   whole(`multipart/mixed; boundary="(=_sekisho_[0-9a-f]{40})"`),
		partType:    whole(`([a-z0-9.+\-]+/[a-z0-9.+\-]+)(?:; charset=(utf-8|Shift_JIS))?; name=(` + lintQuoted + `)`),
		disposition: whole(`attachment; filename=(` + lintQuoted + `)((?:; filename\*(?:[0-9]{1,2}\*)?=[A-Za-z0-9%'._\-]+)*)`),
		extended:    part(`; filename\*(?:([0-9]{1,2})\*)?=([A-Za-z0-9%'._\-]+)`),
		opensFile:   part(`^(?:begin(?:-base64)?(?:[ \t][0-7]{3,}[ \t]|[ \t]{2})|=ybegin )`),
	}
}

// lintMailbox is a member of an address list: an address, maybe with a phrase
// before it, or a group without members.
type lintMailbox struct{ phrase, addr string }

// boxes reads an address list. groups says whether groups may stand in it. The
// list is nil if it breaks the grammar.
//
// Each member ends where no longer one could begin, so reading them one by one
// finds the same as a grammar of the whole list (lint_boxes_test.go).
func (r *lintRules) boxes(value string, groups bool) []lintMailbox {
	var list []lintMailbox
	for {
		m := r.box().FindStringSubmatch(value)
		if m == nil || !groups && m[3]+m[4] != "" {
			return nil
		}
		list = append(list, lintMailbox{m[1], m[2] + m[5]})
		rest, more := strings.CutPrefix(value[len(m[0]):], ", ")
		if !more {
			if rest != "" {
				return nil
			}
			return list
		}
		value = rest
	}
}

// lintMedia is the closed table of attachments: media type to the extensions
// that a file of this type may have.
var lintMedia = map[string][]string{
	"text/plain":                {"txt", "md"},
	"text/csv":                  {"csv", "tsv"},
	"text/tab-separated-values": {"tsv"},
	"text/calendar":             {"ics"},
	"text/vcard":                {"vcf"},
	"image/png":                 {"png"},
	"image/jpeg":                {"jpg", "jpeg"},
	"image/gif":                 {"gif"},
	"image/bmp":                 {"bmp"},
	"image/tiff":                {"tif", "tiff"},
	"image/webp":                {"webp"},
	"message/rfc822":            {"eml"},
	"application/pdf":           {"pdf"},
	"application/zip":           {"zip"},
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   {"docx"},
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         {"xlsx"},
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": {"pptx"},
	"application/vnd.oasis.opendocument.text":                                   {"odt"},
	"application/vnd.oasis.opendocument.spreadsheet":                            {"ods"},
	"application/vnd.oasis.opendocument.presentation":                           {"odp"},
}
