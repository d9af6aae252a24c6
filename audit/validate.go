package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ErrInvalid is wrapped by every error that says an event or record breaks the
// schema. Stores MUST validate an event before they commit it: an invalid one
// stops the sequencer, and with it the gateway.
var ErrInvalid = errors.New("invalid audit event")

const (
	maxText       = 256     // bytes of a plain text field
	maxAddress    = 320     // RFC 5321 section 4.5.3.1: 64 + 1 + 255
	maxChange     = 2048    // bytes of change.before and change.after each
	maxRoles      = 16      // entries of actor.roles and of articles
	maxRecipients = 100     // entries of mail.recipients
	maxSeq        = 1 << 53 // JSON numbers are exact below this
	// MaxRecord is the most bytes a canonical record may have. It keeps every
	// record below the 65,535 bytes of an entry in a C2SP tlog-tiles bundle.
	MaxRecord = 60000
)

// Validate checks the event against the schema: version, closed lists, lengths,
// grammars and forbidden characters. The error wraps ErrInvalid and names the
// field, not its value.
func (e Event) Validate() error {
	if e.V != Version {
		return fmt.Errorf("%w: v is not %d", ErrInvalid, Version)
	}
	if !e.Verb.Known() {
		return fmt.Errorf("%w: unknown event verb", ErrInvalid)
	}
	if err := e.validatePlace(); err != nil {
		return err
	}
	for _, f := range e.fields() {
		if err := f.check(); err != nil {
			return err
		}
	}
	if err := e.validateLists(); err != nil {
		return err
	}
	return e.validateNumbers()
}

// validatePlace checks time, sequence and segment.
func (e Event) validatePlace() error {
	if y := e.TS.Year(); y < 2000 || y > 9999 {
		return fmt.Errorf("%w: ts outside the years 2000 to 9999", ErrInvalid)
	}
	if _, off := e.TS.Zone(); off%60 != 0 || off <= -24*3600 || off >= 24*3600 {
		return fmt.Errorf("%w: ts offset is not in whole minutes of a day", ErrInvalid)
	}
	if e.Seg == "" {
		return nil
	}
	if !isMonth(e.Seg) {
		return fmt.Errorf("%w: seg is not a month", ErrInvalid)
	}
	if e.Seq < 0 || e.Seq >= maxSeq {
		return fmt.Errorf("%w: seq out of range", ErrInvalid)
	}
	return nil
}

// field is one text of an event with the rule it must keep. An empty text is
// allowed unless need is set.
type field struct {
	name, value string
	limit       int
	need        bool
	ok          func(string) bool
}

func (f field) check() error {
	switch {
	case f.value == "" && f.need:
		return fmt.Errorf("%w: %s is empty", ErrInvalid, f.name)
	case f.value == "":
		return nil
	case len(f.value) > f.limit:
		return fmt.Errorf("%w: %s is longer than %d bytes", ErrInvalid, f.name, f.limit)
	case !f.ok(f.value):
		return fmt.Errorf("%w: %s has a character or form that is not allowed", ErrInvalid, f.name)
	}
	return nil
}

// fields lists every single text of the event, in the order of the schema.
func (e Event) fields() []field {
	a, o, d := e.Actor, e.Object, e.Decision
	return []field{
		{"id", e.ID, 64, true, isID},
		{"outcome", string(e.Outcome), 16, true, oneOf(string(Success), string(Failure), string(Denied), string(Pending))},
		{"actor.type", string(a.Type), 16, true, oneOf(string(ActorUser), string(ActorOS), string(ActorSystem), string(ActorRemote))},
		{"actor.id", a.ID, maxText, false, isPlain},
		{"actor.name", a.Name, maxText, false, isPlain},
		{"actor.dept", a.Dept, maxText, false, isPlain},
		{"actor.auth", a.Auth, 64, false, isPlain},
		{"actor.session", a.Session, 128, false, isPlain},
		{"actor.ip", a.IP, 64, false, isIP},
		{"on_behalf_of", e.OnBehalfOf, maxText, false, isPlain},
		{"object.type", o.Type, 64, false, isSnake},
		{"object.id", o.ID, maxText, false, isPlain},
		{"object.receipt_no", o.ReceiptNo, 32, false, isPlain},
		{"object.part", o.Part, 128, false, isPlain},
		{"object.sha256_original", o.Original, 64, false, isSHA256},
		{"object.sha256_sanitized", o.Sanitized, 64, false, isSHA256},
		{"mail.sender", e.Mail.Sender, maxAddress, false, isPlain},
		{"route.from", e.Route.From, 32, false, isSnake},
		{"route.to", e.Route.To, 32, false, isSnake},
		{"route.direction", e.Route.Direction, 16, false, oneOf("inbound", "outbound")},
		{"policy.sha256", e.Policy.SHA256, 64, false, isSHA256},
		{"policy.rule", e.Policy.Rule, maxText, false, isPlain},
		{"engine.name", e.Engine.Name, 64, false, isPlain},
		{"engine.version", e.Engine.Version, 128, false, isPlain},
		{"decision.form", d.Form, 64, false, isSnake},
		{"decision.reason_code", d.ReasonCode, 64, false, isSnake},
		{"decision.comment_c", d.Comment, 64, false, isSHA256},
		{"decision.request_id", d.RequestID, maxText, false, isPlain},
		{"change.path", e.Change.Path, maxText, false, isPlain},
		{"change.before", e.Change.Before, maxChange, false, isPlain},
		{"change.after", e.Change.After, maxChange, false, isPlain},
		{"commit.subject", e.Commit.Subject, 64, false, isSHA256},
		{"commit.filename", e.Commit.Filename, 64, false, isSHA256},
		{"checkpoint.origin", e.Checkpoint.Origin, maxText, false, isPlain},
		{"checkpoint.root", e.Checkpoint.Root, 44, false, isBase64},
		{"checkpoint.sig", e.Checkpoint.Sig, 512, false, isBase64},
	}
}

// validateLists checks roles, recipients and articles, entry by entry.
func (e Event) validateLists() error {
	for _, l := range []struct {
		name       string
		values     []string
		max, limit int
		ok         func(string) bool
	}{
		{"actor.roles", e.Actor.Roles, maxRoles, 64, isSnake},
		{"mail.recipients", e.Mail.Recipients, maxRecipients, maxAddress, isPlain},
		{"articles", e.Articles, maxRoles, 16, isArticle},
	} {
		if len(l.values) > l.max {
			return fmt.Errorf("%w: %s has more than %d entries", ErrInvalid, l.name, l.max)
		}
		for _, v := range l.values {
			if err := (field{l.name, v, l.limit, true, l.ok}).check(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e Event) validateNumbers() error {
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"policy.version", e.Policy.Version},
		{"decision.order", e.Decision.Order},
		{"checkpoint.size", e.Checkpoint.Size},
	} {
		if n.value < 0 || n.value >= maxSeq {
			return fmt.Errorf("%w: %s out of range", ErrInvalid, n.name)
		}
	}
	if e.Checkpoint != (Signed{}) && e.Verb != VerbCheckpoint && e.Verb != VerbAnchored {
		return fmt.Errorf("%w: checkpoint in a record of another verb", ErrInvalid)
	}
	return nil
}

// forbidden reports whether r must not stand in any field: control characters
// and line separators would forge lines in exports, bidirectional formatting
// would show a text in another order than it is stored.
func forbidden(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\ufeff', r == '\u061c':
		return true
	case r == '\u200e', r == '\u200f', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
}

func isPlain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, forbidden)
}

func isID(s string) bool {
	return len(s) >= 8 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-'
	})
}

func isSnake(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '_'
	})
}

func isSHA256(s string) bool {
	return len(s) == 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'f')
	})
}

func isArticle(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && r != '(' && r != ')' && r != '-'
	})
}

func isIP(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && isPlain(s) && a.String() == s
}

func isBase64(s string) bool {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && base64.StdEncoding.EncodeToString(b) == s
}

func isMonth(s string) bool {
	t, err := time.Parse("2006-01", s)
	return err == nil && t.Year() >= 2000 && t.Format("2006-01") == s
}

func oneOf(list ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(list, s) }
}
