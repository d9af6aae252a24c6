package syslog

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFormat(t *testing.T) {
	at := time.Date(2026, 11, 25, 9, 0, 0, 123456789, time.FixedZone("JST", 9*60*60))
	for _, c := range []struct {
		name string
		m    Message
		want string
	}{
		{"nothing", Message{}, "<110>1 - - - - - -"},
		{"all", Message{Severity: Notice, Time: at, Host: "gw.town.example", App: "sekisho", Proc: "12", ID: "audit.checkpoint",
			Data: []Element{{"a@32473", []Param{{"x", "1"}, {"y", ""}}}, {"b@32473", nil}}, Text: "五霞町 ok"},
			`<109>1 2026-11-25T00:00:00.123456Z gw.town.example sekisho 12 audit.checkpoint [a@32473 x="1" y=""][b@32473] 五霞町 ok`},
		{"values that would end their field", Message{Host: "a b\n<1>1", App: `x"]=`, Data: []Element{{"e@1", []Param{{"k", `a"b\c]d`}, {"n", "l1\nl2\r\x00\u2028\x9f"}}}}},
			`<110>1 - a_b_<1>1 x___ - - [e@1 k="a\"b\\c\]d" n="l1` + "\ufffdl2\ufffd\ufffd\ufffd\ufffd" + `"]`},
		{"text that would begin a line", Message{Text: "one\n<13>1 - - - - - - two\x1b[2J"}, "<110>1 - - - - - - one\ufffd<13>1 - - - - - - two\ufffd[2J"},
	} {
		if got := string(c.m.Format()); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
	if got := string(frame([]byte("abc"))); got != "3 abc" {
		t.Errorf("frame %q", got)
	}
}

// Whatever values hold, a message is one line of bounded UTF-8 that parses back
// into the same number of fields.
func TestFormatCannotBeBroken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		any := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }), rapid.Just(strings.Repeat(`]"\ ＝`, 1500)))
		m := Message{Host: any.Draw(t, "host"), App: any.Draw(t, "app"), Proc: any.Draw(t, "proc"), ID: any.Draw(t, "id"),
			Data: []Element{{"e@1", []Param{{"k", any.Draw(t, "value")}}}}, Text: any.Draw(t, "text")}
		b := m.Format()
		if len(b) > maxMessage || !utf8.Valid(b) || bytes.ContainsAny(b, "\n\r\x00") {
			t.Fatalf("%d bytes, valid %v", len(b), utf8.Valid(b))
		}
		f := strings.SplitN(string(b), " ", 7)
		if len(f) != 7 || f[0] != "<110>1" || f[1] != "-" || !strings.HasPrefix(f[6], `[e@1 k="`) {
			t.Fatalf("%d fields", len(f))
		}
		value, rest, ok := unescape(f[6][len(`[e@1 k="`):])
		if !ok || value != string(cut(clean(m.Data[0].Params[0].Value), maxValue)) || !strings.HasPrefix("] "+clean(m.Text), rest) {
			t.Fatalf("value of %d bytes, rest of %d", len(value), len(rest))
		}
	})
}

// unescape reads a value up to its quote, as a receiver does.
func unescape(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`\"]`, s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}
