package hypertext

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindings(t *testing.T) {
	cases := []struct {
		name, in string
		want     []Finding
	}{
		{"nothing", "<p>a <a href=https://a.test/>b</a></p>", nil},
		{"counted once", "<script></script><script src=//a.test/x.js></script>", []Finding{{findScript, "script", "2: a[.]test"}}},
		{"frames", "<iframe src=https://a.test></iframe>", []Finding{{findFrame, "iframe", "1: a[.]test"}}},
		{"form and password", "<form action=//a.test><input type=password></form>",
			[]Finding{{findForm, "form", "1: a[.]test"}, {findPassword, "input", "1"}}},
		{"objects", "<object data=x></object><embed src=//a.test/x><applet></applet>", []Finding{{findObject, "object", "3: a[.]test"}}},
		{"media", "<audio></audio><canvas></canvas>", []Finding{{findMedia, "audio", "2"}}},
		{"svg", "<svg onload=x></svg>", []Finding{{findEvent, "svg", "1"}, {findSVG, "svg", "1"}}},
		{"pictures", "<img src=http://a.test/1><img src=http://b.test/2 width=1 height=1><td background=//c.test/3>",
			[]Finding{{findRemote, "td", "3: c[.]test, a[.]test, b[.]test"}, {findPixel, "img", "1: b[.]test"}}},
		{"hidden picture tracks", "<img src=http://a.test/1 style='display:none'>",
			[]Finding{{findRemote, "img", "1: a[.]test"}, {findPixel, "img", "1: a[.]test"}}},
		{"picture in a hidden part tracks", "<p hidden><img src=http://a.test/1></p>",
			[]Finding{{findRemote, "img", "1: a[.]test"}, {findPixel, "img", "1: a[.]test"}}},
		{"counted once although read twice", "<img src=http://a.test/1><noscript>本文</noscript>", []Finding{{findRemote, "img", "1: a[.]test"}}},
		{"button with a target", "<button formaction=//a.test>x</button>", []Finding{{findForm, "button", "1: a[.]test"}}},
		{"picture in a style", "<p style='background:url(\"https://a.test/b\")'><style>p{background:url(//b.test/c)}</style>",
			[]Finding{{findRemote, "p", "2: a[.]test, b[.]test"}}},
		{"data", "<img src='data:image/png;base64,AA'>", []Finding{{findDataURI, "img", "1"}}},
		{"refresh", "<meta http-equiv=Refresh content='0; URL=https://a.test/'>", []Finding{{findRefresh, "meta", "1: a[.]test"}}},
		{"base", "<base href=https://a.test/b/>", []Finding{{findBase, "base", "1: a[.]test"}}},
		{"style sheets", "<link rel=stylesheet href=//a.test/c><style>@import url(x.css);</style>", []Finding{{findStyle, "link", "2: a[.]test"}}},
		{"hidden input", "<input type=hidden value=abcd>", []Finding{{findHidden, "input", "1"}}},
		{"invisible characters", "a\u200Bb", []Finding{{findInvisible, "text", "1"}}},
		{"an ordinary soft hyphen", "a\u00ADb", nil},
		{"lying link", "<a href=https://a.test/>https://b.test/</a>", []Finding{{findMismatch, "a", "1: b[.]test -> a[.]test"}}},
		{"bare deceptive address", "https://b.test@a.test/", []Finding{{findDeceptive, "text", "1: a[.]test"}}},
		{"salted lying link", "<a href=https://a.test/>https://b<b hidden>xx</b>.test/</a>",
			[]Finding{{findHidden, "b", "1"}, {findMismatch, "a", "1: b[.]test -> a[.]test"}}},
		{"lying link over several lines", "<a href=https://a.test/><p>見出し</p><p>b.test</p></a>",
			[]Finding{{findMismatch, "a", "1: b[.]test -> a[.]test"}}},
		{"lying link by base", "<base href=https://a.test/><a href=/x>https://b.test/</a>",
			[]Finding{{findBase, "base", "1: a[.]test"}, {findMismatch, "a", "1: b[.]test -> a[.]test"}}},
		{"lying picture", "<a href=https://a.test/><img alt='https://b.test/' src=cid:1></a>",
			[]Finding{{findMismatch, "a", "1: b[.]test -> a[.]test"}}},
		{"scheme", "<a href='vbscript:x'>a</a>", []Finding{{findScriptURI, "a", "1"}, {findScheme, "a", "1: vbscript"}}},
		{"words of a style", "<style>p:after{content:'abc'}</style><p>a", []Finding{{findWritten, "p", "1"}}},
		{"words of a style that cannot be placed", "<style>p:hover::after{content:'abc'}@supports(x:y){p:after{content:'abc'}}li::marker{content:'abc'}</style><p>a", []Finding{{findWritten, "p", "2"}}},
		{"words of a style without effect", "<style>p{content:'abc'}@supports(x:y){p{content:'abc'}}</style><p>a", nil},
		{"a rule that may hide", "<style>[title]{display:none}</style><p>a", []Finding{{findUnread, "style", "1"}}},
		{"a neighbour that may hide", "<style>a+p{font-size:0}</style><p>a", []Finding{{findUnread, "style", "1"}}},
		{"rules that hide nothing of the text", "<style>a:hover{display:none}[title]{color:red}u+i{font-size:12px}a+img{display:none}@media(max-width:600px){.pc{display:none}}</style><p>a", nil},
		{"too many rules", "<style>" + strings.Repeat("a{color:red}", maxRules+1) + "</style>a", []Finding{{findUnread, "style", "1"}}},
		{"too many declarations", "<p style='" + strings.Repeat("top:0;", maxDecls) + "display:none'>a", []Finding{{findUnread, "style", "1"}}},
		{"too many comparisons", "<style>" + strings.Repeat("p p{color:red}", maxRules-1) + "</style>" + strings.Repeat("<p>a", 2200), []Finding{{findUnread, "style", "1"}}},
		{"forced direction", "<bdo dir=rtl>ab</bdo>", []Finding{{findReversed, "text", "1"}}},
		{"words for one mail program", "<!--[if mso]>abc<![endif]-->", []Finding{{findConditional, "comment", "1"}}},
		{"unfinished", "a<b", []Finding{{findBroken, "document", "1"}}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			res, err := Convert(tc.in, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, res.Findings); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			checkText(t, res.Text)
		})
	}
}

func TestImages(t *testing.T) {
	cases := []struct {
		name, in string
		want     []Image
	}{
		{"cid", "<img src='cid:%3Ca@b%3E' alt=' 庁 \n舎 ' width=200px height=80>", []Image{{CID: "a@b", Alt: "庁 舎", W: 200, H: 80}}},
		{"size by style", "<img src=CID:x style='width:64px;height:48pt'>", []Image{{CID: "x", W: 64, H: 64}}},
		{"percent is no size", "<img src=https://a.test/x width=100%>", []Image{{Remote: true}}},
		{"title instead of alt", "<img src=x.png title=t>", []Image{{Alt: "t"}}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			res, err := Convert(tc.in, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, res.Images); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestStubAndTitle(t *testing.T) {
	cases := []struct {
		name, in string
		stub     bool
		title    string
	}{
		{"empty", "", true, ""},
		{"title only", "<title> お知らせ\n 第1号 </title>", true, "お知らせ 第1号"},
		{"one picture", "<img src=https://a.test/x>", true, ""},
		{"a picture with words", "<img alt=庁舎>", false, ""},
		{"hidden only", "<p hidden>隠された文字</p>", true, ""},
		{"signs only", "<p>-- * --</p>", true, ""},
		{"words", "<p>a</p>", false, ""},
		{"title of a drawing is not the title", "<svg><title>x</title></svg><title>y</title>", false, "y"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			res, err := Convert(tc.in, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if res.Stub != tc.stub || res.Title != tc.title {
				t.Errorf("stub %v title %q, want %v %q", res.Stub, res.Title, tc.stub, tc.title)
			}
		})
	}
}

// spec: html#encoding-sniffing
func TestMetaCharset(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"none", "<html><head>", ""},
		{"html5", "<!doctype html><meta charset=\"Shift_JIS\">", "shift_jis"},
		{"unquoted", "<META CHARSET=euc-jp/>", "euc-jp/"[:6]},
		{"http-equiv", "<meta http-equiv='Content-Type' content='text/html; charset=iso-2022-jp'>", "iso-2022-jp"},
		{"xml", "\xEF\xBB\xBF<?xml version='1.0' encoding='Windows-31J'?><html>", "windows-31j"},
		{"in a comment", "<!-- <meta charset=x> --><meta charset=y>", "y"},
		{"other meta first", "<meta name=a content='charset of x'><meta charset=z>", "z"},
		{"unclosed comment", "<!-- <meta charset=x>", ""},
		{"not a meta", "<metal charset=x>", ""},
		{"cut", "<meta charset=utf-8", "utf-8"},
		{"strange", "<meta charset='<script>'>", ""},
		{"bytes of Shift_JIS before", "<title>\x93\xFA\x96\x7B</title><meta charset=sjis>", "sjis"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if got := MetaCharset([]byte(tc.in)); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
	far := make([]byte, metaWindow)
	if got := MetaCharset(append(far, "<meta charset=x>"...)); got != "" {
		t.Errorf("beyond the window: %q", got)
	}
}
