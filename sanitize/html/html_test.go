package html

import (
	"context"
	"flag"
	"path"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"sekisho/sanitize/charset"
	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/plaintext"
	"sekisho/sanitize/sanitizetest"
)

var _ = flag.Bool("update", false, "rewrite golden files")

const mark = "CANARY7391"

func htmlFormat() format.Format {
	return format.Format{Kind: format.HTML, Names: []string{"html"}, Match: Match, Parse: Parse, Build: Build, Lint: plaintext.Lint}
}

// textFormat stands for the kind that the output is.
func textFormat() *format.Format {
	return &format.Format{Kind: format.Text, Names: []string{"txt"}, Build: plaintext.Build, Lint: plaintext.Lint,
		Match: func(b []byte) format.Match {
			if plaintext.Looks(b) {
				return format.Plausible
			}
			return format.NoMatch
		},
		Parse: func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
			s, err := plaintext.Read(ctx, in, "", out)
			if err != nil {
				return err
			}
			return out.Write(ir.Text{Role: ir.RoleContent, S: s})
		}}
}

func show(out []byte) (string, error) { return charset.Decode("", out).Text, nil }

func encode(t testing.TB, s string) (sjis, wide []byte) {
	t.Helper()
	sjis, err := japanese.ShiftJIS.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	wide, err = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return sjis, wide
}

// spec: g1 g9
func TestConformance(t *testing.T) {
	const page = "<!DOCTYPE html><html><head><title>お知らせ</title></head><body><h1>会議の案内</h1><p>日時：４月１日<br>場所：大会議室</p></body></html>"
	sjis, wide := encode(t, page)
	small := sanitizetest.Budget()
	small.Bytes = 30
	s := sanitizetest.Suite{Show: show, Again: textFormat(), Golden: "testdata/golden",
		Good: []sanitizetest.Sample{
			{Name: "page", File: "a.html", Data: []byte(page), Profile: format.Profile{BOM: true}, Shows: []string{"お知らせ\r\n\r\n会議の案内", "日時：４月１日\r\n場所：大会議室"}},
			{Name: "shift jis", Data: sjis, Shows: []string{"会議の案内"}},
			{Name: "wrong label", Data: []byte(strings.Replace(page, "<head>", `<head><meta charset="shift_jis">`, 1)), Findings: []string{"charset_guessed"}, Shows: []string{"会議の案内"}},
			{Name: "utf-16", Data: wide, Shows: []string{"会議の案内"}},
			{Name: "title that the text says", Data: []byte("<html><title>案内</title><h1>案内です</h1></html>"), Shows: []string{"案内です\r\n"}},
			{Name: "script", Data: []byte("<html><body onload=\"x('" + mark + "')\"><script>" + mark + "</script><p>本文</p></body></html>"), Findings: []string{"html_script", "html_event_handler"}, Marks: []string{mark, "<script"}, Shows: []string{"本文"}},
			{Name: "comment", Data: []byte("<html><!-- " + mark + " --><p>本文</p></html>"), Marks: []string{mark}, Shows: []string{"本文"}},
			{Name: "script link", Data: []byte("<html><a href=\"javascript:alert('" + mark + "')\">押す</a></html>"), Findings: []string{"html_script_uri", "link_scheme"}, Marks: []string{mark}, Shows: []string{"押す"}},
			{Name: "lying link", Data: []byte("<html><a href=\"https://evil.example.net/x\">https://www.town.example.jp/</a></html>"), Findings: []string{"link_mismatch"}, Shows: []string{"evil"}},
			{Name: "frame", Data: []byte("<html><p>本文</p><iframe srcdoc=\"<p>" + mark + "</p>\"></iframe></html>"), Findings: []string{"html_iframe"}, Marks: []string{mark}, Shows: []string{"本文"}},
			{Name: "style", Data: []byte("<html><style>p{content:'" + mark + "'}</style><p style=\"x:" + mark + "\">本文</p></html>"), Marks: []string{mark}, Shows: []string{"本文"}},
			{Name: "markup as text", Data: []byte("<html><p>&lt;script&gt;alert(1)&lt;/script&gt;</p></html>"), Shows: []string{"alert(1)"}},
			{Name: "empty page", Data: []byte("<html></html>"), Shows: []string{"（読める文字はありません）\r\n"}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: []byte(page), Budget: &small, Reason: format.LimitExpanded},
			{Name: "too many elements", Data: []byte("<html>" + strings.Repeat("<b>x", 450_000)), Reason: format.LimitCount},
		},
		Bad: []sanitizetest.BadOutput{
			{Name: "encoding", Data: []byte("\xFF"), Code: plaintext.LintEncoding},
			{Name: "control", Data: []byte("\x1b[2J"), Code: plaintext.LintControl},
			{Name: "line", Data: []byte("a\nb"), Code: plaintext.LintLine},
		},
		Rules: []string{plaintext.LintEncoding, plaintext.LintControl, plaintext.LintLine},
	}
	sanitizetest.Run(t, htmlFormat(), s)
}

func TestMatch(t *testing.T) {
	cases := map[string]struct {
		in   string
		want format.Match
	}{
		"doctype":            {"<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">\n<html>", format.Certain},
		"html":               {"\n <HTML lang=ja>", format.Certain},
		"comment first":      {"<!-- saved from url -->\n<html>", format.Certain},
		"xhtml":              {"<?xml version=\"1.0\"?>\n<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">", format.Certain},
		"byte order mark":    {"\uFEFF<html>", format.Certain},
		"fragment":           {"<p>こんにちは</p>", format.Plausible},
		"one odd tag":        {"text <b onclick=1>", format.Plausible},
		"address":            {"From: <foo@example.jp>", format.NoMatch},
		"less than":          {"a <b and c> d", format.Plausible},
		"comparison":         {"if a < b then", format.NoMatch},
		"unknown tag":        {"<foo><bar>", format.NoMatch},
		"svg":                {"<svg xmlns=\"http://www.w3.org/2000/svg\"><a/></svg>", format.Plausible},
		"svg with a prolog":  {"<?xml version=\"1.0\"?><svg><a/></svg>", format.NoMatch},
		"html is a prefix":   {"<htmlx>", format.NoMatch},
		"open comment":       {"<!-- <html>", format.Plausible},
		"plain":              {"本文だけ", format.NoMatch},
		"binary":             {"<html>\x00\x01\x02", format.NoMatch},
		"closing tags only":  {"</p></div>", format.NoMatch},
		"declaration, cut":   {"<?xml version=", format.NoMatch},
		"many open brackets": {strings.Repeat("<", 5000), format.NoMatch},
	}
	for name, c := range cases {
		if got := Match([]byte(c.in)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestCorpus(t *testing.T) {
	shows := map[string]string{"tika-testHTMLBadScript.html": "This is a test.", "tika-testHTML_charset_utf16le.html": "Title"}
	for name, data := range sanitizetest.Corpus(t, "html/*.html") {
		name = path.Base(name)
		if Match(data) == format.NoMatch {
			t.Errorf("%s is not recognized", name)
		}
		o, err := sanitizetest.Sanitize(t.Context(), htmlFormat(), format.Untrusted{Name: name, Data: data, Budget: sanitizetest.Budget()}, format.Construction{}, nil)
		if err != nil || len(o.Faults) > 0 {
			t.Errorf("%s: %v %v", name, err, o.Faults)
			continue
		}
		low := strings.ToLower(string(o.Data))
		for _, gone := range []string{"<script", "javascript:alert", "onerror=", "<iframe", "data:text/html", "<form"} {
			if strings.Contains(low, gone) {
				t.Errorf("%s: %q in %q", name, gone, o.Data)
			}
		}
		if want := shows[name]; !strings.Contains(string(o.Data), want) {
			t.Errorf("%s: no %q in %q", name, want, o.Data)
		}
		for _, c := range o.Codes() {
			if _, ok := format.TextOf(c); !ok {
				t.Errorf("%s: unknown finding %s", name, c)
			}
		}
		t.Logf("%s: %q %v", name, o.Data, o.Codes())
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"<html><p>x", "<!DOCTYPE html><table><tr><td>a<td>b", "<a href='javascript:1'>x</a>", "<meta charset=utf-7>+ADw-script+AD4-"} {
		f.Add([]byte(s))
	}
	for _, b := range sanitizetest.Corpus(f, "html/*.html") {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		Match(data)
		in := format.Untrusted{Data: data, Budget: sanitizetest.Budget()}
		o, err := sanitizetest.Sanitize(t.Context(), htmlFormat(), in, format.Construction{}, nil)
		if err != nil {
			if !sanitizetest.ReasonOf(err).Known() {
				t.Fatal(err)
			}
			return
		}
		if len(o.Faults) > 0 || strings.Contains(strings.ToLower(string(o.Data)), "<script") {
			t.Fatalf("%v %q", o.Faults, o.Data)
		}
	})
}
