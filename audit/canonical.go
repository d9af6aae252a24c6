package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// maxPlace is the most bytes that seq and seg add to a draft.
const maxPlace = 64

// Canonical returns the event as canonical JSON (RFC 8785), without a line end:
// members sorted by name, no white space, empty members left out. A draft has
// neither seq nor seg. The error wraps ErrInvalid.
func (e Event) Canonical() ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	m := members{b: make([]byte, 1, 512)}
	m.b[0] = '{'
	e.encode(&m)
	b := append(m.b, '}')
	limit := MaxRecord
	if e.Seg == "" {
		limit -= maxPlace
	}
	if len(b) > limit {
		return nil, fmt.Errorf("%w: record longer than %d bytes", ErrInvalid, limit)
	}
	return b, nil
}

// ParseRecord reads one record of a segment, without its line end. It accepts
// exactly the bytes that Canonical writes for a placed event: unknown, repeated
// or reordered members, other spellings and empty members are refused. The
// error wraps ErrInvalid.
func ParseRecord(line []byte) (Event, error) {
	e, err := decode(line)
	if err != nil {
		return Event{}, err
	}
	if e.Seg == "" {
		return Event{}, fmt.Errorf("%w: record without seg", ErrInvalid)
	}
	return e, nil
}

// ParseDraft reads an event that has no place in the log yet, as a ledger row
// holds it. It is as strict as ParseRecord.
func ParseDraft(b []byte) (Event, error) {
	e, err := decode(b)
	if err != nil {
		return Event{}, err
	}
	if e.Seg != "" {
		return Event{}, fmt.Errorf("%w: draft with seg", ErrInvalid)
	}
	return e, nil
}

// decode reads canonical bytes. Strictness comes from writing the value again:
// whatever the decoder was lenient about does not come out the same.
func decode(b []byte) (Event, error) {
	if len(b) > MaxRecord {
		return Event{}, fmt.Errorf("%w: record longer than %d bytes", ErrInvalid, MaxRecord)
	}
	var e Event
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrInvalid, plain(err))
	}
	again, err := e.Canonical()
	if err != nil {
		return Event{}, err
	}
	if !bytes.Equal(again, b) {
		return Event{}, fmt.Errorf("%w: not in canonical form", ErrInvalid)
	}
	return e, nil
}

// plain keeps decoder errors free of record content, which they may quote.
func plain(err error) error {
	var s *json.SyntaxError
	if errors.As(err, &s) {
		return fmt.Errorf("JSON syntax at byte %d", s.Offset)
	}
	return errors.New("JSON of another shape than the schema")
}

// encode writes the members in the order of their names, which are all ASCII,
// so byte order is the UTF-16 order that RFC 8785 section 3.2.3 asks for.
// spec: rfc8785#3.2.3
func (e Event) encode(m *members) {
	m.sub("actor", e.Actor.encode)
	m.list("articles", e.Articles)
	m.sub("change", func(m *members) {
		m.text("after", e.Change.After)
		m.text("before", e.Change.Before)
		m.text("path", e.Change.Path)
	})
	m.sub("checkpoint", e.Checkpoint.encode)
	m.sub("commit", func(m *members) {
		m.text("filename", e.Commit.Filename)
		m.text("subject", e.Commit.Subject)
	})
	m.sub("decision", e.Decision.encode)
	m.sub("engine", func(m *members) {
		m.text("name", e.Engine.Name)
		m.text("version", e.Engine.Version)
	})
	m.text("event", string(e.Verb))
	m.text("id", e.ID)
	m.sub("mail", func(m *members) {
		m.list("recipients", e.Mail.Recipients)
		m.text("sender", e.Mail.Sender)
	})
	m.sub("object", e.Object.encode)
	m.text("on_behalf_of", e.OnBehalfOf)
	m.text("outcome", string(e.Outcome))
	m.sub("policy", func(m *members) {
		m.text("rule", e.Policy.Rule)
		m.text("sha256", e.Policy.SHA256)
		m.num("version", e.Policy.Version)
	})
	m.sub("route", func(m *members) {
		m.text("direction", e.Route.Direction)
		m.text("from", e.Route.From)
		m.text("to", e.Route.To)
	})
	if e.Seg != "" {
		m.text("seg", e.Seg)
		m.key("seq")
		m.b = strconv.AppendInt(m.b, e.Seq, 10)
	}
	m.text("ts", e.TS.Truncate(time.Microsecond).Format(timeLayout))
	m.num("v", int64(e.V))
}

func (a Actor) encode(m *members) {
	m.text("auth", a.Auth)
	m.text("dept", a.Dept)
	m.text("id", a.ID)
	m.text("ip", a.IP)
	m.text("name", a.Name)
	m.list("roles", a.Roles)
	m.text("session", a.Session)
	m.text("type", string(a.Type))
}

func (o Object) encode(m *members) {
	m.text("id", o.ID)
	m.text("part", o.Part)
	m.text("receipt_no", o.ReceiptNo)
	m.text("sha256_original", o.Original)
	m.text("sha256_sanitized", o.Sanitized)
	m.text("type", o.Type)
}

func (s Signed) encode(m *members) {
	m.text("origin", s.Origin)
	m.text("root", s.Root)
	m.text("sig", s.Sig)
	m.num("size", s.Size)
}

func (d Decision) encode(m *members) {
	m.text("comment_c", d.Comment)
	m.text("form", d.Form)
	m.num("order", d.Order)
	m.text("reason_code", d.ReasonCode)
	m.text("request_id", d.RequestID)
}

// members writes the members of one JSON object; its methods must be called in
// the order of the keys.
type members struct {
	b []byte
	n int // members written so far
}

func (m *members) key(k string) {
	if m.n > 0 {
		m.b = append(m.b, ',')
	}
	m.n++
	m.b = append(appendString(m.b, k), ':')
}

func (m *members) text(k, v string) {
	if v == "" {
		return
	}
	m.key(k)
	m.b = appendString(m.b, v)
}

func (m *members) num(k string, v int64) {
	if v == 0 {
		return
	}
	m.key(k)
	m.b = strconv.AppendInt(m.b, v, 10)
}

func (m *members) list(k string, v []string) {
	if len(v) == 0 {
		return
	}
	m.key(k)
	sep := byte('[')
	for _, s := range v {
		m.b = appendString(append(m.b, sep), s)
		sep = ','
	}
	m.b = append(m.b, ']')
}

// sub writes an object, or nothing when it has no members.
func (m *members) sub(k string, fill func(*members)) {
	start, count := len(m.b), m.n
	m.key(k)
	in := members{b: append(m.b, '{')}
	fill(&in)
	m.b = append(in.b, '}')
	if in.n == 0 {
		m.b, m.n = m.b[:start], count
	}
}

// appendString quotes s as RFC 8785 section 3.2.2.2 orders: only the quote, the
// backslash and control characters are escaped. All of them are single bytes,
// which occur in UTF-8 as themselves only.
// spec: rfc8785#3.2.2.2
func appendString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"', c == '\\':
			b = append(b, '\\', c)
		case c >= ' ':
			b = append(b, c)
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c == '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(b, '"')
}
