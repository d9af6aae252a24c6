package gateway

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"sekisho/audit"
	"sekisho/quarantine"
)

// Scribe writes audit records in the name of the gateway itself. It is a plain
// value; rooms get one with their clock and randomness.
type Scribe struct {
	Clock   func() time.Time
	Random  io.Reader
	Version string // of the program
}

// System records an act of the gateway itself; fill completes the event.
func (s Scribe) System(v audit.Verb, o audit.Outcome, fill func(*audit.Event)) (Record, error) {
	return s.record(v, o, audit.Actor{Type: audit.ActorSystem, ID: "sekisho"}, fill)
}

// Remote records an act of a peer with the given IP address.
func (s Scribe) Remote(v audit.Verb, o audit.Outcome, ip string, fill func(*audit.Event)) (Record, error) {
	return s.record(v, o, audit.Actor{Type: audit.ActorRemote, IP: ip}, fill)
}

// User records an act of an operating system user at the command line.
func (s Scribe) User(v audit.Verb, o audit.Outcome, user string, fill func(*audit.Event)) (Record, error) {
	return s.record(v, o, audit.Actor{Type: audit.ActorOS, ID: audit.Clean(user, 256)}, fill)
}

func (s Scribe) record(v audit.Verb, o audit.Outcome, a audit.Actor, fill func(*audit.Event)) (Record, error) {
	e, err := audit.New(v, s.Clock(), s.Random)
	if err != nil {
		return Record{}, fmt.Errorf("record %s: %w", v, err)
	}
	e.Outcome, e.Actor = o, a
	e.Engine = audit.Engine{Name: "sekisho", Version: audit.Clean(s.Version, 64)}
	if fill != nil {
		fill(&e)
	}
	return Record{Event: e}, nil
}

// Commit puts commitments to a subject and a file name into r; empty texts are
// left out.
func (s Scribe) Commit(r *Record, subject, filename string) error {
	for _, c := range []struct {
		text string
		to   *string
	}{{subject, &r.Event.Commit.Subject}, {filename, &r.Event.Commit.Filename}} {
		if c.text == "" {
			continue
		}
		o, err := audit.Commit(c.text, s.Random)
		if err != nil {
			return err
		}
		*c.to = o.Digest
		r.Openings = append(r.Openings, o)
	}
	return nil
}

// CommitReason puts a commitment to what a person wrote into r; an empty text is
// left out.
func (s Scribe) CommitReason(r *Record, reason string) error {
	if reason == "" {
		return nil
	}
	o, err := audit.Commit(reason, s.Random)
	if err != nil {
		return fmt.Errorf("commit to a reason: %w", err)
	}
	r.Event.Decision.Comment = o.Digest
	r.Openings = append(r.Openings, o)
	return nil
}

// Inbound is the one route of this version (DECISIONS 20).
func Inbound() audit.Route {
	return audit.Route{From: "zone_internet", To: "zone_lgwan", Direction: "inbound"}
}

// RouteName is Inbound as a passport says it.
const RouteName = "zone_internet>zone_lgwan"

// Hex returns a SHA-256 as records hold it; "" for the zero sum.
func Hex(sum [32]byte) string {
	if sum == [32]byte{} {
		return ""
	}
	return hex.EncodeToString(sum[:])
}

// auditSender returns a reverse-path as records hold it.
func auditSender(from string) string {
	if from == "" {
		return "<>"
	}
	return audit.Clean(from, 320)
}

// MaxNamed is how many recipients one record names.
const MaxNamed = 100

// AuditRecipients returns forward-paths as a record holds them: at most
// MaxNamed.
func AuditRecipients(to []string) []string {
	to = to[:min(len(to), MaxNamed)]
	out := make([]string, len(to))
	for i, a := range to {
		out[i] = audit.Clean(a, 320)
	}
	return out
}

// AuditMail returns an envelope as a record holds it.
func AuditMail(from string, to []string) audit.Mail {
	return audit.Mail{Sender: auditSender(from), Recipients: AuditRecipients(to)}
}

// Object names the message as what a record is about.
func (m Message) Object() audit.Object {
	return audit.Object{Type: "message", ID: string(m.ID), ReceiptNo: m.Receipt, Original: Hex(m.Sum)}
}

// Object names the delivery as what a record is about.
func (d Delivery) Object() audit.Object {
	return audit.Object{Type: "delivery", ID: string(d.ID), ReceiptNo: d.Receipt, Sanitized: Hex(d.Sum)}
}

// ItemObject names an item as what a record is about.
func ItemObject(i quarantine.Item) audit.Object {
	return audit.Object{Type: "item", ID: i.ID, ReceiptNo: i.Receipt, Part: i.Path, Original: Hex(i.Sum)}
}
