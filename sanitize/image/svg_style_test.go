package image

import (
	"bytes"
	"strings"
	"testing"

	stdimage "image"

	"sekisho/sanitize/format"
	"sekisho/sanitize/sanitizetest"
)

func TestStrange(t *testing.T) {
	sheet := func(s string) string { return "<style>" + s + "</style>" }
	for text, want := range map[string]string{
		`<rect fill="#fff" style="fill:none;stroke:rgb(1,2,3)"/>`:                       "",
		`<!--<set/>--><g transform="translate(3 4)"><text>!important var(x)</text></g>`: "",
		sheet(".a, #b > g .c{fill:#fff;display:none}\n/* @media */ *{opacity:.5}"):      "",
		sheet("<![CDATA[ .cls-1{fill:url(#a)} ]]>"):                                     "",
		`<path style="text-transform:none;shape-padding:0;unicode-bidi: normal"/>`:      "",
		`<text style="text-transform:uppercase">a</text>`:                               "text-transform",
		`<text text-transform="uppercase">a</text>`:                                     "text-transform",
		sheet(""):                         "",
		`<style type="text/css"/><rect/>`: "",
		`<path style="-inkscape-font-specification:'x';line-height:125%"/>`:                  "",
		`<!DOCTYPE svg [<!ENTITY ns "http://ns.adobe.com/Graphs/1.0/">]><g xmlns:x="&ns;"/>`: "",
		`<filter><feGaussianBlur/><feFuncR/></filter>`:                                       "",
		`<a title="x>y"><path d="M0(0"/></a>`:                                                "",
		sheet("@media screen{.a{display:none}}"):                                             "@ rule",
		sheet("@font-face{font-family:x}"):                                                   "@ rule",
		sheet("@import 'x';"):                                                                "style sheet",
		sheet(".a{fill:none!important}"):                                                     "value !",
		sheet(".a{fill:var(--c)}"):                                                           "value ()",
		sheet(".a{--c:none}"):                                                                "declaration",
		sheet("[x]{fill:none}"):                                                              "selector",
		sheet("a:nth-child(2){fill:none}"):                                                   "selector",
		sheet("a+b{fill:none}"):                                                              "selector",
		sheet(`.\61{fill:none}`):                                                             "selector",
		sheet(".a{.b{fill:none}}"):                                                           "nested rule",
		sheet(".a{transform:scale(0)}"):                                                      "declaration",
		sheet(".a{animation:x 1s}"):                                                          "declaration",
		sheet(".a{fill:v&#97;r(--c)}"):                                                       "value ()",
		"<svg:style>@media print{}</svg:style>":                                              "@ rule",
		`<rect style="fill:INITIAL"/>`:                                                       "value initial",
		`<rect style='fill:red;content-visibility:hidden'/>`:                                 "declaration",
		`<rect fill="var(--x,red)"/>`:                                                        "value ()",
		`<rect fill="v&#x61;r(--x,red)"/>`:                                                   "value ()",
		`<rect fill="url(#a) var(--x)"/>`:                                                    "value ()",
		`<text unicode-bidi="bidi-override">1</text>`:                                        "unicode-bidi",
		`<text style="unicode-bidi:bidi-override">1</text>`:                                  "unicode-bidi",
		`<text systemLanguage="ja">1</text>`:                                                 "systemlanguage",
		`<filter><feTurbulence/></filter>`:                                                   "feturbulence",
		`<text>1<set attributeName="x" to="9"/></text>`:                                      "set",
		`<?xml-stylesheet href="data:text/css,x"?><svg/>`:                                    "xml-stylesheet",
		`<!DOCTYPE svg [<!ENTITY s "fill:var(--c)">]><rect style="&s;"/>`:                    "entity",
		`<rect/><style>.a{fill:none`:                                                         "nested rule",
	} {
		if got := strange(bytes.ToLower([]byte(text))); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// The finding stands in the report, and the time is of the text's length.
func TestStrangeDrawing(t *testing.T) {
	draw := func([]byte, float64, int64) (stdimage.Image, float64, error) {
		return flat(4, 4, stdimage.Black.C), 1, nil
	}
	f := format.Format{Kind: format.SVG, Parse: SVG(draw, true), Build: BuildPNG, Lint: LintPNG}
	for name, c := range map[string]struct{ data, want string }{
		"plain":         {"<svg/>", "format_changed"},
		"strange":       {"<svg><style>@media x{}</style></svg>", "svg_style,format_changed"},
		"open":          {strings.Repeat("<svg a='", 1<<18), "format_changed"},
		"many":          {strings.Repeat("<style>", 1<<18), "svg_style,format_changed"},
		"entries":       {strings.Repeat("<!entity ", 1<<17), "svg_style,format_changed"},
		"many entities": {"<svg>" + strings.Repeat("<!entity a 'http://a'>", 300), "svg_style,format_changed"},
	} {
		o, err := sanitizetest.Sanitize(t.Context(), f, format.Untrusted{Data: []byte(c.data), Budget: sanitizetest.Budget()}, format.Construction{}, nil)
		if err != nil || strings.Join(o.Codes(), ",") != c.want {
			t.Errorf("%s: %v, %v", name, err, o.Codes())
		}
	}
}

func FuzzStrange(f *testing.F) {
	f.Add([]byte("<svg><style>@media x{.a{fill:none}}</style><rect style='fill:var(--c)'/></svg>"))
	f.Add([]byte("<!doctype svg [<!entity a 'b'>]><!-- --><![cdata[ ]]><?xml-stylesheet"))
	f.Fuzz(func(t *testing.T, p []byte) { strange(bytes.ToLower(p)) })
}
