package plaintext

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

func TestLooks(t *testing.T) {
	long := strings.Repeat("会議の日程を変更します。\n", 4000)
	for name, c := range map[string]struct {
		in   string
		want bool
	}{
		"empty":                     {"", true},
		"one letter":                {"a", true},
		"long":                      {long, true},
		"head ends inside a letter": {"x" + long, true},
		"one control":               {"a\x01", false},
		"one control in a word":     {"abc\x01", true},
		"nul":                       {"abc\x00def", false},
		"nul far behind":            {long + "\x00", true},
		"utf-16 with a mark":        {"\xFE\xFF\x30\x42\x30\x44", true},
		"escape sequences":          {"\x1b$B$\"\x1b(B", true},
		"page feed and end mark":    {"a\x0c\x1a", true},
		"controls everywhere":       {strings.Repeat("\x02a\x03", 50), false},
		"gzip without zeros":        {"\x1f\x8b\x08\x08\x01\x02\x03\x04\x05\x06\x07", false},
		"windows-1252":              {"caf\xe9 au lait, voil\xe0\n", true},
	} {
		if got := Looks([]byte(c.in)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestReadHoldsWhenLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Read(ctx, format.Untrusted{Data: []byte("x"), Budget: format.Budget{Bytes: 9}}, "", ir.NewWriter(&bytes.Buffer{}))
	var hold *format.Error
	if !errors.As(err, &hold) || hold.Reason != format.LimitTime {
		t.Fatal(err)
	}
}

func frames(values ...ir.Value) *ir.Reader {
	var b []byte
	for _, v := range values {
		b = ir.Append(b, v)
	}
	return ir.NewReader(bytes.NewReader(b), math.MaxInt64)
}

func TestBuildRefuses(t *testing.T) {
	text := ir.Text{Role: ir.RoleContent, S: "x"}
	for name, c := range map[string]struct {
		in     []ir.Value
		reason format.Reason
	}{
		"row":              {[]ir.Value{text, ir.Row{Cells: []string{"a"}}}, ""},
		"body":             {[]ir.Value{ir.Text{Role: ir.RoleBody, S: "x"}}, ""},
		"second text":      {[]ir.Value{text, ir.Text{Role: ir.RoleContent, Seq: 1, S: "x"}}, ""},
		"subject":          {[]ir.Value{ir.Field{Name: ir.FieldSubject, Value: "x"}}, ""},
		"child":            {[]ir.Value{ir.Child{Role: ir.RoleMember}}, ""},
		"fail":             {[]ir.Value{text, ir.Fail{Reason: "truncated"}}, format.Truncated},
		"fail, odd reason": {[]ir.Value{ir.Fail{Reason: "nonsense"}}, format.Internal},
	} {
		_, err := Build(frames(c.in...), format.Construction{}, &bytes.Buffer{})
		var hold *format.Error
		if err == nil || errors.As(err, &hold) != (c.reason != "") || hold != nil && hold.Reason != c.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBuildPassesOverNotes(t *testing.T) {
	var out bytes.Buffer
	b, err := Build(frames(ir.Field{Name: ir.FieldCharset, Value: "utf-8"}, ir.Note{Code: "bidi_removed"}, ir.Number{Name: ir.NumberHTML, N: 1},
		ir.Text{Role: ir.RoleContent, S: "a\n"}, ir.Text{Role: ir.RoleContent, S: "b"}, ir.End{}), format.Construction{Profile: format.Profile{BOM: true}}, &out)
	if err != nil || out.String() != "\uFEFFa\r\nb" || b.Media != "text/plain; charset=utf-8" || b.Extension != "txt" {
		t.Fatalf("%q %+v %v", out.String(), b, err)
	}
}

// A disk that is full must not look like a finished file.
func TestBuildReportsWriteErrors(t *testing.T) {
	for _, p := range []format.Profile{{BOM: true}, {}, {Charset: "cp932"}} {
		if _, err := Build(frames(ir.Text{Role: ir.RoleContent, S: "x"}), format.Construction{Profile: p}, full{}); !errors.Is(err, errFull) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// What the encoder writes of clean text, the lint accepts, in both charsets.
func TestLintAcceptsWhatIsWritten(t *testing.T) {
	letter := rapid.SampledFrom([]rune("aZ0 ~\t\nあ漢①髙㈱ｱ\u301C\u2212\u2014¥é😀\uE000鷗葛\U000E0100ー"))
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(letter).Draw(t, "text"))
		p := rapid.SampledFrom([]format.Profile{{}, {BOM: true}, {Charset: "cp932"}}).Draw(t, "profile")
		var out, notes bytes.Buffer
		if _, err := Build(frames(ir.Text{Role: ir.RoleContent, S: s}), format.Construction{Profile: p}, &out); err != nil {
			t.Fatal(err)
		}
		if err := Lint(out.Bytes(), nil, ir.NewWriter(&notes)); err != nil || notes.Len() > 0 {
			t.Fatalf("%q: %q %v", out.Bytes(), notes.Bytes(), err)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"", "a\r\nb", "\xEF\xBB\xBF\xE3", "\x1b$B$\"", "\x82\xA0\x1a", "\xFF\xFEa\x00", "\u202Ex"} {
		f.Add([]byte(s), "")
		f.Add([]byte(s), "shift_jis")
	}
	f.Fuzz(func(t *testing.T, data []byte, label string) {
		Looks(data)
		var buf bytes.Buffer
		s, err := Read(t.Context(), format.Untrusted{Data: data, Budget: format.Budget{Bytes: 1 << 30}}, label, ir.NewWriter(&buf))
		if err != nil {
			t.Fatal(err)
		}
		if err := ir.Clean(s, true); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if len(s) > 12*len(data)+64 {
			t.Fatalf("%d bytes became %d", len(data), len(s))
		}
	})
}

func BenchmarkLooks(b *testing.B) {
	data := []byte(strings.Repeat("会議の日程を変更します。\n", 4000))
	for b.Loop() {
		Looks(data)
	}
}
