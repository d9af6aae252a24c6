package audit

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Version is the schema version that Event.V must carry.
const Version = 1

// timeLayout is the only form in which a time stands in a record: fixed width,
// microseconds, numeric offset. The month of a segment is thus its first seven
// characters.
const timeLayout = "2006-01-02T15:04:05.000000-07:00"

// Event is one audit record. An event without Seg is a draft: it has no place
// in the log yet, and Seq is meaningless. The Writer sets Seq and Seg.
//
// Text fields hold at most 256 bytes unless their type says otherwise, and no
// control, line separator or bidirectional formatting characters; Clean makes
// any string acceptable. Empty fields do not appear in the record.
type Event struct {
	V          int        `json:"v"`            // Version
	Seq        int64      `json:"seq"`          // leaf index in the tree, from 0
	Seg        string     `json:"seg"`          // month of the segment, "2026-11"
	TS         time.Time  `json:"ts"`           // when it happened; microseconds
	ID         string     `json:"id"`           // unique; [0-9A-Za-z_-], 8 to 64 bytes
	Verb       Verb       `json:"event"`        // from the closed list of Verbs
	Outcome    Outcome    `json:"outcome"`      // never empty
	Actor      Actor      `json:"actor"`        // who acted; Type is never empty
	OnBehalfOf string     `json:"on_behalf_of"` // id of the person acted for (deputy, admin)
	Object     Object     `json:"object"`       // what was acted upon
	Mail       Mail       `json:"mail"`         // envelope addresses; they stay in clear
	Route      Route      `json:"route"`        // which way it was to cross
	Policy     Policy     `json:"policy"`       // by which policy
	Engine     Engine     `json:"engine"`       // by which program
	Decision   Decision   `json:"decision"`     // form, reason and place in the approval
	Change     Change     `json:"change"`       // setting or file before and after
	Commit     Commitment `json:"commit"`       // digests of texts kept elsewhere
	Checkpoint Signed     `json:"checkpoint"`   // only in audit.checkpoint and audit.anchored
	Articles   []string   `json:"articles"`     // regulation articles shown, "6(3)2"
}

// Outcome says how the act ended. The empty outcome is refused.
type Outcome string

// The closed list of outcomes.
const (
	Success Outcome = "success"
	Failure Outcome = "failure"
	Denied  Outcome = "denied"  // refused by a rule or by a person
	Pending Outcome = "pending" // an intent; a later record of the same object ends it
)

// ActorType says what kind of actor an event names. The empty type is refused.
type ActorType string

// The closed list of actor types.
const (
	ActorUser   ActorType = "user"    // a person with an account
	ActorOS     ActorType = "os_user" // the operating system user of a command line
	ActorSystem ActorType = "system"  // sekisho itself
	ActorRemote ActorType = "remote"  // a peer outside, such as the sending mail server
)

// Actor is who acted, as known at that moment.
type Actor struct {
	Type    ActorType `json:"type"`
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Dept    string    `json:"dept"`
	Roles   []string  `json:"roles"`   // at most 16, lower snake case
	Auth    string    `json:"auth"`    // how the actor was authenticated, "password+totp"
	Session string    `json:"session"` // id of the session, never its secret
	IP      string    `json:"ip"`      // as netip.Addr prints it
}

// Object is what was acted upon.
type Object struct {
	Type      string `json:"type"` // lower snake case: message, delivery, item, policy, user, …
	ID        string `json:"id"`
	ReceiptNo string `json:"receipt_no"`       // M-YYMMDD-NNNNN
	Part      string `json:"part"`             // path of the part in the tree, "2.1"
	Original  string `json:"sha256_original"`  // 64 lower hex digits
	Sanitized string `json:"sha256_sanitized"` // 64 lower hex digits
}

// Mail holds envelope addresses, at most 320 bytes each and 100 recipients; a
// message with more needs more records. A null reverse-path is "<>".
type Mail struct {
	Sender     string   `json:"sender"`
	Recipients []string `json:"recipients"`
}

// Route is the crossing of zones that the event is about.
type Route struct {
	From      string `json:"from"`      // zone, lower snake case
	To        string `json:"to"`        // zone, lower snake case
	Direction string `json:"direction"` // inbound or outbound
}

// Policy is the policy in force.
type Policy struct {
	Version int64  `json:"version"` // from 1
	SHA256  string `json:"sha256"`  // 64 lower hex digits
	Rule    string `json:"rule"`
}

// Engine is the program that did the work.
type Engine struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Decision is what was decided, why, and as which step of an approval.
type Decision struct {
	Form       string `json:"form"`        // lower snake case: resanitize, text_only, …
	ReasonCode string `json:"reason_code"` // lower snake case
	Comment    string `json:"comment_c"`   // Commit digest of the comment
	RequestID  string `json:"request_id"`
	Order      int64  `json:"order"` // 1 first approver, 2 second
}

// Change is one setting or file before and after, at most 2048 bytes each. It
// MUST NOT carry secrets.
type Change struct {
	Path   string `json:"path"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Commitment holds digests made by Commit. The texts themselves stay in a side
// table, so that they can be erased while the log still verifies.
type Commitment struct {
	Subject  string `json:"subject"`
	Filename string `json:"filename"`
}

// Signed is a checkpoint inside a record: the first record of a segment carries
// the last one of the segment before.
type Signed struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"` // base64, as in the note
	Sig    string `json:"sig"`  // base64 of key hash and signature, as in the note
}

// New returns a draft with version, time, a random id and the default articles
// of the verb. The caller fills in the rest, including Outcome and Actor.Type.
func New(v Verb, now time.Time, random io.Reader) (Event, error) {
	id, err := newID(random)
	if err != nil {
		return Event{}, err
	}
	return Event{V: Version, TS: now, ID: id, Verb: v, Articles: v.Articles()}, nil
}

// newID returns 128 random bits as 32 hex digits; random may be nil.
func newID(random io.Reader) (string, error) {
	if random == nil {
		random = rand.Reader
	}
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make an event id: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// Clean makes any string acceptable as a field of at most limit bytes: each
// forbidden character or invalid byte becomes U+FFFD, and the text is cut at a
// character boundary.
func Clean(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		if forbidden(r) {
			r = utf8.RuneError
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
