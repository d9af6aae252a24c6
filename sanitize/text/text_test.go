package text

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sekisho/sanitize/charset"
	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/plaintext"
	"sekisho/sanitize/sanitizetest"
)

func TestNeutral(t *testing.T) {
	stay := []string{
		"", "a", "123", "1,234", "0.5", "12/31", "令和7年4月1日", "2025-04-01", "09:30", "03-1234-5678", "△5", "▲1,000", "¥100",
		"-5", "+5", "-0.5", "-.5", "-1,234,567", "-1E-5", "+1e10", "-5%", "+3.5%", "-¥500", "-\\500", "+$1.20", "- 5", "-500円", "-3点", "+2℃", "-5 %",
		"－５", "＋３．５％", "−5", "＋８１－９０－１２３４－５６７８", "+81-90-1234-5678", "+81 (0)90 1234 5678", "+1.650.555.0100",
		"-1:30", "+09:00", "-", "--", "－", "+", "ー", "・項目", "'=1", "（=1）", "a=b", "*", "%", "#REF!", " ", "\u3000",
	}
	for _, c := range stay {
		if got, changed := neutral(c, asIs); got != c || changed {
			t.Errorf("%q became %q", c, got)
		}
		if dangerous(c) {
			t.Errorf("lint: %q", c)
		}
	}
	prefix := []string{
		"=1", "=", "+A1", "-A1", "@SUM(A1)", "|cmd", "\tx", "\t=1", "\nx", "-1+A1", "+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0",
		" =1", "\u3000＝1", "\u00A0=1", "\uFE0F=1", "\u200B=1", "＝1", "＋A1", "－A1", "＠SUM(1)", "｜cmd", "\u2212A1", "\uFE66A1", "\uFE62A1",
		"-5abc", "+1;1", "-1(2)!", "-", "+SUM(1)", "-1E", "-e5", "-円", "+81-90-1234-5678x", "-1'", "--1+A1", "-@x",
		"=HYPERLINK(\"http://evil.test\",\"x\")", "-'x'!A1",
	}
	for _, c := range prefix {
		got, changed := neutral(c, asIs)
		if c == "-" {
			continue // among those that stay
		}
		if got != "'"+c || !changed {
			t.Errorf("%q became %q", c, got)
		}
		if again, changed := neutral(got, asIs); again != got || changed {
			t.Errorf("%q is prefixed again", c)
		}
		if dangerous(got) {
			t.Errorf("lint: %q", got)
		}
	}
}

// asIs is what a reader gets of a charset that has every character.
func asIs(s string) string { return s }

// Every character of Unicode's first planes, where it could make or hide a
// formula: the builder must have made neutral whatever the lint would refuse.
func TestNeutralWithEveryCharacter(t *testing.T) {
	for _, p := range []format.Profile{bom, cp932} {
		for r := rune(0); r < 0x20000; r++ {
			c := string(r)
			if ir.Clean(c, true) != nil || strings.ContainsAny(c, "\r\n") {
				continue
			}
			row := ir.Row{Cells: []string{c + "=1", "+" + c + "1", "-1" + c, c + "ID", c}}
			var out bytes.Buffer
			enc, err := plaintext.NewEncoder(&out, p)
			if err != nil {
				t.Fatal(err)
			}
			w := tableWriter{enc: enc, delim: ","}
			if err := w.row(row.Cells); err != nil {
				t.Fatal(err)
			}
			faults, err := sanitizetest.Lint(csvFormat(), out.Bytes(), nil)
			if err != nil || len(faults) > 0 {
				t.Errorf("%s: U+%04X: %v %v in %q", p.Charset, r, err, faults, out.Bytes())
			}
		}
	}
}

func TestGuessDelimiter(t *testing.T) {
	cases := map[string]struct {
		s    string
		tsv  bool
		want byte
	}{
		"comma":                   {"a,b\nc,d\n", false, ','},
		"semicolon":               {"a;b\nc;d\n", false, ';'},
		"tab":                     {"a\tb\nc\td\n", false, '\t'},
		"semicolon with decimals": {"a;1,5\nb;2\nc;3,7\n", false, ';'},
		"none":                    {"a\nb\n", false, ','},
		"none called tsv":         {"a\nb\n", true, '\t'},
		"commas in quotes":        {"\"a,b\";c\n\"d,e\";f\n", false, ';'},
		"empty":                   {"", false, ','},
		"one line":                {"a;b;c", false, ';'},
		"called tsv, is csv":      {"a,b\nc,d\n", true, ','},
	}
	for name, c := range cases {
		if got := guessDelimiter(c.s, c.tsv); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestMatch(t *testing.T) {
	yes := map[string][]byte{
		"empty": nil, "ascii": []byte("hello\n"), "utf-8": []byte(letter), "sjis": sjis(t, letter), "jis": jis(t, "日本語"),
		"utf-16": utf16(t, letter), "one control in a long line": []byte(strings.Repeat("x", 50) + "\x01"),
		"cut character": []byte("日本語の長い文章\xE3\x81"),
	}
	for name, b := range yes {
		if Match(b) != format.Plausible {
			t.Errorf("%s is text", name)
		}
	}
	noise := make([]byte, 4000)
	x := uint32(7)
	for i := range noise {
		x = x*1664525 + 1013904223
		noise[i] = byte(x>>24) | 1
	}
	no := map[string][]byte{
		"nul": []byte("a\x00b"), "png": []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "noise": noise, "controls": []byte("\x01\x02\x03ab"),
	}
	for name, b := range no {
		if Match(b) != format.NoMatch {
			t.Errorf("%s is not text", name)
		}
	}
}

// Any cells come out as a table that the lint accepts, that reads back as the
// same cells but for the prefix, and that does not change again.
func TestCSVProperty(t *testing.T) {
	piece := rapid.SampledFrom([]string{"=", "+", "-", "@", "|", "'", "\"", ",", ";", "\t", "\n", " ", "　", "a", "ID", "1", "５", "E", "%", "円", "＝", "－", "\u2212", "(", "!", ":", "."})
	cell := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "") })
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 1, 4), 1, 4).Draw(t, "rows")
		name := rapid.SampledFrom([]string{"a.csv", "a.tsv"}).Draw(t, "name")
		delim := map[string]string{"a.csv": ",", "a.tsv": "\t"}[name]
		profile := format.Profile{BOM: rapid.Bool().Draw(t, "bom")}
		// The sep line makes the delimiter certain for odd tables.
		var in strings.Builder
		fmt.Fprintf(&in, "sep=%s\n", delim)
		for _, r := range rows {
			for i, c := range r {
				if i > 0 {
					in.WriteString(delim)
				}
				in.WriteString(`"` + strings.ReplaceAll(c, `"`, `""`) + `"`)
			}
			in.WriteByte('\n')
		}
		run := func(data []byte) sanitizetest.Output {
			o, err := sanitizetest.Sanitize(t.Context(), csvFormat(), format.Untrusted{Name: name, Data: data, Budget: sanitizetest.Budget()}, format.Construction{Profile: profile}, nil)
			if err != nil || len(o.Faults) > 0 {
				t.Fatalf("%q: %v %v", data, err, o.Faults)
			}
			return o
		}
		o := run([]byte(in.String()))
		p := csvParser{s: strings.ReplaceAll(strings.TrimPrefix(string(o.Data), "\uFEFF"), "\r\n", "\n"), delim: delim[0]}
		for i, want := range rows {
			got, err := p.row()
			if err != nil {
				t.Fatal(err)
			}
			for j, c := range got {
				if c != want[j] && c != "'"+want[j] {
					t.Fatalf("row %d cell %d: %q, want %q", i, j, c, want[j])
				}
			}
		}
		again := run(append([]byte("sep="+delim+"\n"), bytes.TrimPrefix(o.Data, []byte("\uFEFF"))...))
		if !bytes.Equal(o.Data, again.Data) {
			t.Fatalf("%q became %q", o.Data, again.Data)
		}
	})
}

// A million quotes are read in one pass.
func TestCSVIsLinear(t *testing.T) {
	for name, s := range map[string]string{
		"open quotes":  strings.Repeat("\"a\n", 60_000),
		"odd quotes":   strings.Repeat("a,\"b\"c\"\n", 20_000),
		"short rows":   strings.Repeat("\n", 60_000),
		"one open end": strings.Repeat("a,b\n", 20_000) + "\"",
	} {
		in := format.Untrusted{Data: []byte(s), Budget: sanitizetest.Budget()}
		o, err := sanitizetest.Sanitize(t.Context(), csvFormat(), in, format.Construction{}, nil)
		if err != nil || len(o.Faults) > 0 {
			t.Errorf("%s: %v %v", name, err, o.Faults)
		}
		if len(o.Data) > 8*len(s) {
			t.Errorf("%s: %d bytes became %d", name, len(s), len(o.Data))
		}
	}
}

func TestBuildRefusesOddFrames(t *testing.T) {
	if _, err := sanitizetest.Sanitize(t.Context(), format.Format{Parse: Parse, Build: BuildCSV, Lint: LintCSV}, format.Untrusted{Data: []byte("x"), Budget: sanitizetest.Budget()}, format.Construction{}, nil); err == nil {
		t.Error("a table was built from text")
	}
	if _, err := sanitizetest.Sanitize(t.Context(), format.Format{Parse: ParseCSV, Build: Build, Lint: Lint}, format.Untrusted{Data: []byte("x"), Budget: sanitizetest.Budget()}, format.Construction{}, nil); err == nil {
		t.Error("a text was built from a table")
	}
	if _, err := sanitizetest.Sanitize(t.Context(), textFormat(), format.Untrusted{Data: []byte("x"), Budget: sanitizetest.Budget()}, format.Construction{Profile: format.Profile{Charset: "latin"}}, nil); err == nil {
		t.Error("an unknown charset was written")
	}
}

func TestCorpus(t *testing.T) {
	for name, data := range sanitizetest.Corpus(t, "csv/*") {
		o, err := sanitizetest.Sanitize(t.Context(), csvFormat(), format.Untrusted{Name: name, Data: data, Budget: sanitizetest.Budget()}, format.Construction{Profile: bom}, nil)
		if err != nil || len(o.Faults) > 0 {
			t.Fatal(name, err, o.Faults)
		}
		p := csvParser{s: charset.Decode("", o.Data).Text, delim: ','}
		for p.pos < len(p.s) {
			cells, err := p.row()
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cells {
				if strings.ContainsAny(c[:min(1, len(c))], "=+-@|") {
					t.Errorf("%s: cell %q", name, c)
				}
			}
		}
	}
	for name, data := range sanitizetest.Corpus(t, "bugs/sjis-text-attachment.eml") {
		_, body, ok := bytes.Cut(data, []byte("\n\n"))
		if !ok {
			_, body, ok = bytes.Cut(data, []byte("\r\n\r\n"))
		}
		if !ok {
			t.Errorf("%s: no body", name)
		}
		if Match(body) != format.Plausible {
			t.Errorf("%s: body is text", name)
		}
	}
}

func fuzzSeeds(f *testing.F) {
	for _, s := range []string{letter, "a,b\n\"c\"\"d\",=1\n", "sep=;\na;b\n", "ID;PWXL\n", "\uFEFF-1,+A1\r\n", "=cmd|'/k'!A0"} {
		f.Add([]byte(s), "a.csv", false)
		f.Add(sjis(f, strings.TrimPrefix(s, "\uFEFF")), "a.tsv", true)
	}
	f.Add(utf16(f, letter), "", true)
	f.Add([]byte("+€0"), "", true) // the euro is not in CP932
}

func FuzzParse(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, name string, old bool) {
		if !utf8.ValidString(name) {
			return
		}
		p := bom
		if old {
			p = cp932
		}
		for _, row := range []format.Format{textFormat(), csvFormat()} {
			in := format.Untrusted{Name: name, Data: data, Budget: sanitizetest.Budget()}
			o, err := sanitizetest.Sanitize(t.Context(), row, in, format.Construction{Profile: p}, nil)
			if err != nil {
				if !sanitizetest.ReasonOf(err).Known() {
					t.Fatal(err)
				}
				continue
			}
			if len(o.Faults) > 0 {
				t.Fatalf("%s: %v in %q", row.Kind, o.Faults, o.Data)
			}
			if old {
				continue // a charset guessed again may differ
			}
			in.Data = o.Data
			again, err := sanitizetest.Sanitize(t.Context(), row, in, format.Construction{Profile: p}, nil)
			// A table of a rare delimiter becomes one of commas, which may
			// divide unevenly; text never changes.
			if err != nil || row.Kind == format.Text && !bytes.Equal(again.Data, o.Data) {
				t.Fatalf("%s: %q became %q: %v", row.Kind, o.Data, again.Data, err)
			}
		}
	})
}

func FuzzLint(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, _ string, _ bool) {
		for _, row := range []format.Format{textFormat(), csvFormat()} {
			faults, err := sanitizetest.Lint(row, data, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(faults) == 0 && bytes.IndexByte(data, 0) >= 0 {
				t.Fatalf("lint accepts %q", data)
			}
		}
	})
}
