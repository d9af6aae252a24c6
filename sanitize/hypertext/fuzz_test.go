package hypertext

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func FuzzConvert(f *testing.F) {
	for _, tc := range textCases {
		f.Add(tc.in)
	}
	files, _ := filepath.Glob("testdata/*.html")
	if dir := os.Getenv("SEKISHO_CORPUS"); dir != "" {
		more, _ := filepath.Glob(filepath.Join(dir, "html", "*"))
		files = append(files, more...)
	}
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(doc))
	}
	f.Fuzz(func(t *testing.T, doc string) { checkConvert(t, doc) })
}

func FuzzMetaCharset(f *testing.F) {
	f.Add([]byte("<meta charset=utf-8>"))
	f.Add([]byte("<?xml encoding='x'?><!--"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := MetaCharset(b); len(got) > 40 || strings.ContainsAny(got, "<> \n\x00") {
			t.Errorf("%q", got)
		}
	})
}

// checkConvert holds what is true for every input.
func checkConvert(t *testing.T, doc string) {
	opt := Options{MaxText: 1 << 20, MaxNodes: 50_000}
	res, err := Convert(doc, opt)
	if err != nil {
		if res.Text != "" {
			t.Error("text beside an error")
		}
		return
	}
	checkText(t, res.Text)
	if strings.Contains(strings.ToLower(res.Text+res.Title), "<script") {
		t.Errorf("script in %q", res.Text)
	}
	if len(res.Text) > opt.MaxText {
		t.Errorf("%d bytes", len(res.Text))
	}
	again, err := Convert(doc, opt)
	if err != nil || show(again) != show(res) {
		t.Errorf("not the same twice: %v", err)
	}
}

// TestTagSoup throws random sequences of tags at Convert.
// spec: html#parsing
func TestTagSoup(t *testing.T) {
	names := strings.Fields(`a p div span b s table tr td th tbody caption ul ol li dl dt dd blockquote pre br hr img input
		select option textarea button form h1 svg math foreignObject mi msup title script style iframe noscript template
		ruby rt q sup del details o:p`)
	attrs := []string{"", "", "", " hidden", " href=https://a.test/", " href=javascript:x", " style='display:none'", " rowspan=3",
		" style='font-size:0'", " onclick=x", " alt='〔x〕'", " border=1", " color=white"}
	words := []string{"日本", "a", " ", "\n", "https://b.test/", "<", "&lt;script&gt;", "\u202E", "info@a.test"}
	rapid.Check(t, func(rt *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 60).Draw(rt, "n") {
			name := rapid.SampledFrom(names).Draw(rt, "name")
			switch rapid.IntRange(0, 3).Draw(rt, "kind") {
			case 0:
				b.WriteString("</" + name + ">")
			case 1:
				b.WriteString(rapid.SampledFrom(words).Draw(rt, "word"))
			default:
				b.WriteString("<" + name + rapid.SampledFrom(attrs).Draw(rt, "attr") + ">")
			}
		}
		checkConvert(t, b.String())
	})
}

// TestTruncation: a mail cut at any byte still reads, and stays clean.
func TestTruncation(t *testing.T) {
	doc, err := os.ReadFile("testdata/phishing.html")
	if err != nil {
		t.Fatal(err)
	}
	for i := range doc {
		res, err := Convert(string(doc[:i]), Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkText(t, res.Text)
	}
}
