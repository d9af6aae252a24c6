package syslog

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Severity is how much a message asks for attention (RFC 5424 section 6.2.1).
type Severity int

// The severities that are used here.
const (
	Warning Severity = 4
	Notice  Severity = 5
	Info    Severity = 6
)

// facility 13 is "log audit" (RFC 5424 section 6.2.1).
const facility = 13

// The most bytes of the fields of a header (RFC 5424 section 6), and of a whole
// message, which every receiver over TLS should take (RFC 5425 section 4.3.1).
const (
	maxHost    = 255
	maxApp     = 48
	maxProc    = 128
	maxID      = 32
	maxMessage = 8192
	maxValue   = 1024 // of structured data, so that only the text is cut when a message is too long
)

// Message is one syslog message.
type Message struct {
	Severity Severity // zero is Info
	Time     time.Time
	Host     string // who sends it
	App      string
	Proc     string // process id
	ID       string // what kind of message
	Data     []Element
	Text     string
}

// Element is structured data (RFC 5424 section 6.3). ID is a name of ours, such
// as "checkpoint@32473": 32473 is the number for examples (RFC 5612), since the
// project has none of its own.
type Element struct {
	ID     string
	Params []Param
}

// Param is a name, which is ours, and a value of any bytes.
type Param struct{ Name, Value string }

// Format returns the message in the form of RFC 5424, at most 8192 bytes. Control
// characters and invalid bytes become U+FFFD in values and text, and what a
// header cannot hold becomes an underscore there: a value cannot end its field,
// nor a line of a file that a server writes.
// spec: rfc5424#6
func (m Message) Format() []byte {
	sev := m.Severity
	if sev == 0 {
		sev = Info
	}
	var b strings.Builder
	b.WriteString("<" + strconv.Itoa(facility*8+int(sev)) + ">1 ")
	if m.Time.IsZero() {
		b.WriteString("-")
	} else {
		b.WriteString(m.Time.UTC().Format("2006-01-02T15:04:05.000000Z"))
	}
	for _, f := range []struct {
		value string
		limit int
	}{{m.Host, maxHost}, {m.App, maxApp}, {m.Proc, maxProc}, {m.ID, maxID}} {
		b.WriteString(" " + header(f.value, f.limit))
	}
	b.WriteString(" ")
	if len(m.Data) == 0 {
		b.WriteString("-")
	}
	for _, e := range m.Data {
		b.WriteString("[" + header(e.ID, maxID))
		for _, p := range e.Params {
			b.WriteString(" " + header(p.Name, maxID) + `="` + escape(string(cut(clean(p.Value), maxValue))) + `"`)
		}
		b.WriteString("]")
	}
	if m.Text != "" {
		b.WriteString(" " + clean(m.Text))
	}
	return cut(b.String(), maxMessage)
}

// header makes a text a field of the header: printable ASCII without space, and
// without what has a meaning in structured data; "-" for nothing.
func header(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || strings.ContainsRune(`="]`, r) {
			return '_'
		}
		return r
	}, s)
	if s = s[:min(len(s), limit)]; s == "" {
		return "-"
	}
	return s
}

// clean replaces what could begin another line where a message is kept.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// escape writes a value of structured data.
// spec: rfc5424#6.3.3
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`).Replace(s)
}

// cut shortens a message at a character.
func cut(s string, limit int) []byte {
	if len(s) <= limit {
		return []byte(s)
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return []byte(s[:limit])
}

// frame is a message as it goes over the connection: its length in bytes first.
// spec: rfc5425#4.3
func frame(message []byte) []byte {
	return append(strconv.AppendInt(nil, int64(len(message)), 10), append([]byte(" "), message...)...)
}
