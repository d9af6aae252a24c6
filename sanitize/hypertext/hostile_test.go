package hypertext

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostileSize is one megabyte, less where the race detector slows everything.
func hostileSize() int {
	if raceEnabled {
		return 1 << 16
	}
	return 1 << 20
}

// fill repeats s up to about hostileSize.
func fill(s string) string { return strings.Repeat(s, hostileSize()/len(s)) }

// cpuTime is the processor time used so far; unlike the clock it does not
// count other programs on a busy machine.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// numbered is fill for a pattern with a counter in it.
func numbered(pattern string) string {
	var b strings.Builder
	for i := 0; b.Len() < hostileSize(); i++ {
		fmt.Fprintf(&b, pattern, i)
	}
	return b.String()
}

// TestHostileTime feeds one megabyte of what makes parsers slow. Each must end
// well below the two seconds of processor time a worker may spend on it.
func TestHostileTime(t *testing.T) {
	cases := map[string]string{
		"divs":                  fill("<div>"),
		"strings in styles":     "<style>a{" + strings.Repeat(`\"`, maxCSS/2),
		"words of styles":       "<style>" + strings.Repeat("a:before{content:'x'}", maxGenerated) + "</style>" + fill("<a>"),
		"words without end":     "<style>" + strings.Repeat("a{content:", maxCSS/10),
		"conditional comments":  fill("<!--[if mso]>x<![endif]-->"),
		"conditions in another": "<!--[if mso]>" + fill("<!--[if mso]>x"),
		"divs with text":        fill("<div>x"),
		"formatting and blocks": strings.Repeat("<b><i><u>", 100) + fill("<p>x"),
		"different fonts":       numbered("<font color=%d>") + "x",
		"fonts and paragraphs":  numbered("<font size=%d><p>"),
		"tables":                fill("<table>"),
		"tables in cells":       fill("<table><tr><td>x"),
		"headed tables":         fill("<table><tr><th>x<th>y"),
		"rowspans":              "<table border=1>" + fill("<tr><td rowspan=200>abcdefgh<td>x"),
		"colspans":              "<table border=1>" + fill("<tr><td colspan=1000>x"),
		"selects":               fill("<select>"),
		"select options":        "<select>" + fill("<option>x"),
		"anchors":               fill("<a href=http://x.test/>x"),
		"anchors in cells":      fill("<table><tr><td><a href=//x.test>x"),
		"links of dots":         "<a href=//x.test>" + fill("a.") + "</a>",
		"urls in text":          fill("http://x.test "),
		"http in text":          fill("http"),
		"one long url":          "http://" + fill("a."),
		"one long href":         "<a href='http://" + fill("%61.") + "'>x",
		"lists":                 fill("<ul><li>x"),
		"list items":            "<ul>" + fill("<li>x"),
		"quotes":                fill("<blockquote>x"),
		"quoted lines":          strings.Repeat("<blockquote>", 100) + fill("<br>x"),
		"end tags":              strings.Repeat("<div>", 500) + fill("</p></b></x>"),
		"end tags that match":   "<x>" + strings.Repeat("<td>", 500) + fill("</x>"),
		"attributes":            "<p " + fill("a=b ") + ">",
		"style attributes":      fill("<p style='color:red;display:block'>x"),
		"one long style":        "<p style='" + fill("color:red;") + "'>x",
		"css rules":             "<style>" + fill(".a .b{color:red}") + "</style>" + fill("<p class='a b'>x"),
		"css deep match":        "<style>" + strings.Repeat(".a .c .a .b{color:red}", 2000) + "</style>" + fill("<i class='a b'>"),
		"css braces":            "<style>" + fill("{") + "</style>",
		"css comments":          "<style>" + fill("/*") + "</style>",
		"css urls":              "<style>" + fill("url(") + "</style>",
		"comments":              fill("<!--"),
		"declarations":          fill("<!x><?y>"),
		"unclosed tags":         fill("<a"),
		"angle brackets":        fill("<"),
		"ampersands":            fill("&"),
		"entities":              fill("&lt;a"),
		"hidden":                fill("<p hidden>hidden words"),
		"hidden and shown":      numbered("<p hidden>hidden %d</p>x"),
		"del":                   fill("<del>x"),
		"svg":                   fill("<svg>"),
		"svg foreign objects":   fill("<svg><foreignObject>x"),
		"math":                  fill("<math><mfrac><mrow>"),
		"math powers":           "<math>" + fill("<msup><mi>x</mi><mi>y</mi></msup>"),
		"noscript":              fill("<noscript>x"),
		"templates":             fill("<template>x"),
		"rubies":                fill("<ruby>x<rt>y"),
		"images":                fill("<img src=http://x.test/a alt=x>"),
		"scripts":               fill("<script><!--<script>"),
		"spaces":                fill(" "),
		"joiners":               fill("\u200D"),
		"colons":                fill("javascript:"),
		"events":                fill("<p onclick=x>"),
		"captions":              "<table>" + fill("<caption>x"),
		"definition lists":      fill("<dl><dt>x<dd>y"),
		"sup":                   fill("<sup>x"),
		"q":                     fill("<q>x"),
		"buttons":               fill("<button>x"),
	}
	for name, doc := range cases {
		t.Run(name, func(t *testing.T) {
			begin := cpuTime(t)
			res, err := Convert(doc, Options{})
			var limit *LimitError
			if err != nil && !errors.As(err, &limit) {
				t.Fatal(err)
			}
			if d := cpuTime(t) - begin; d > 2*time.Second {
				t.Errorf("%v for %d bytes", d, len(doc))
			}
			if len(res.Text) > 4<<20+1024 {
				t.Errorf("%d bytes of text", len(res.Text))
			}
		})
	}
}

func TestLimits(t *testing.T) {
	cases := []struct {
		name, in string
		opt      Options
		what     string
	}{
		{"bytes", "12345", Options{MaxBytes: 4}, "bytes"},
		{"nodes", "<p>a<p>b", Options{MaxNodes: 3}, "nodes"},
		{"text", "<p>aaaa<p>bbbb", Options{MaxText: 6}, "text"},
		{"text in a cell", "<table border=1><tr><td>aaaa<td>bbbb", Options{MaxText: 6}, "text"},
		{"text by link", "<a href=https://a.test/>a</a>", Options{MaxText: 6}, "text"},
		{"at the limits", "<p>a<p>b", Options{MaxBytes: 8, MaxNodes: 4, MaxText: 6}, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			res, err := Convert(tc.in, tc.opt)
			var limit *LimitError
			if !errors.As(err, &limit) {
				if tc.what != "" || err != nil {
					t.Fatalf("error %v, want limit %q", err, tc.what)
				}
				return
			}
			if limit.What != tc.what || res.Text != "" {
				t.Errorf("limit %q and text %q, want %q and no text", limit.What, res.Text, tc.what)
			}
		})
	}
}

// TestDeepNesting: nobody loses a letter because a program forgot end tags.
func TestDeepNesting(t *testing.T) {
	for _, n := range []int{100, 511, 512, 10_000} {
		doc := strings.Repeat("<div>", n) + "<p>本文" + strings.Repeat("</div>", n) + "<p>結び"
		res, err := Convert(doc, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if res.Text != "本文\n\n結び" && res.Text != "本文\n結び" {
			t.Errorf("%d levels: %q", n, res.Text)
		}
		if deep := hasFinding(res, findDeep); deep != (n > 510) {
			t.Errorf("%d levels: deep nesting reported: %v", n, deep)
		}
	}
}

func hasFinding(r Result, code string) bool {
	for _, f := range r.Findings {
		if f.Code == code {
			return true
		}
	}
	return false
}
