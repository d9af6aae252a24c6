package charset

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

var fuzzLabels = []string{"", "utf-8", "shift_jis", "euc-jp", "iso-2022-jp", "utf-7", "utf-16", "utf-32", "big5", "gb18030", "euc-kr",
	"hz-gb-2312", "iso-2022-kr", "koi8-r", "windows-1252", "x-unknown"}

func checkText(t *testing.T, in int, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Fatalf("not UTF-8: %q", text)
	}
	if len(text) > 4*in+16 {
		t.Fatalf("%d bytes became %d", in, len(text))
	}
}

func FuzzDecode(f *testing.F) {
	for i, s := range append(shortSamples, sketchSamples...) {
		for _, c := range japaneseCharsets {
			if b, ok := encoded(f, c.enc, s); ok {
				f.Add(uint8(i), b)
			}
		}
	}
	for _, s := range []string{"\x1b$B$3$s\r\n$K$A\x1b(Babc", "$B2q5D(B", "\x1b$)C\x0e0!\x0f", "+ZeU-+", "\xff\xfea\x00", "\x1b.A\x1bNi", "~{<:Ky2;~}"} {
		f.Add(uint8(4), []byte(s))
	}
	f.Fuzz(func(t *testing.T, label uint8, b []byte) {
		res := Decode(fuzzLabels[int(label)%len(fuzzLabels)], b)
		checkText(t, len(b), res.Text)
		if n := strings.Count(res.Text, "\uFFFD"); res.Replaced > n {
			t.Errorf("%d replaced, %d there", res.Replaced, n)
		}
		if bytes.IndexByte(b, '<') < 0 && !isASCII(b) && res.Charset == "" {
			t.Error("no charset")
		}
		if Detect(b) == "" {
			t.Error("nothing detected")
		}
		for _, label := range fuzzLabels[:9] { // each decoder by itself, whatever choose says
			w := writer{}
			c := lookup(label)
			c.decode(&w, b)
			checkText(t, len(b), string(w.out))
		}
		clean, _ := CleanText(res.Text, KeepLines)
		if again, count := CleanText(clean, KeepLines); again != clean || count != (Cleaned{}) {
			t.Errorf("cleaned twice: %q, %q", clean, again)
		}
	})
}

func FuzzLabel(f *testing.F) {
	for _, s := range []string{"utf-8", "\"Shift_JIS\"", "iso-2022-jp; x", "charset=", "*", "'", "\x00", "utf-8''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, label string) {
		checkText(t, 6, Decode(label, []byte("日\x1b$B")).Text)
		if p := printableLabel(label); !isASCII([]byte(p)) || len(p) > maxLabelBytes {
			t.Errorf("%q", p)
		}
	})
}

func FuzzDecodeHeader(f *testing.F) {
	for _, s := range []string{
		"Re: =?UTF-8?B?5Lya6K2w?= (2)", "=?iso-2022-jp?Q?=1B=24B=21Z=3Bj5?=\r\n =?iso-2022-jp?Q?=24N2q=1B=28B?=", "\x1b$B2q5D\x1b(B",
		"=?utf-8?B?5Lya6K2w", "=?UTF-8?B?5Lya6K2w6L?= =?UTF-8?B?OH5paZ?=", "\x89\xef\x8bc =?x?q?=??=", "=?UTF-\r\n 8?B?5Lya!6K2w?=",
		"=?iso-2022-jp?B?GyRCMnE1RA==?= =?iso-2022-jp?Q?_abc?=",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := DecodeHeader(b).Text
		checkText(t, len(b), got)
		if strings.ContainsAny(got, "\x00\r\n\t\u0085\u2028\u2029") {
			t.Errorf("more than a line: %q", got)
		}
	})
}

func FuzzDecodeParam(f *testing.F) {
	f.Add("filename*0*", []byte("UTF-8''%E4%BC"), "filename*1*", []byte("%9A.txt"), false)
	f.Add("filename*", []byte("'%1B$B2q"), "filename", []byte("=?utf-8?B?5Lya6K2w?="), true)
	f.Add("filename", []byte("\x95\x5c\\\".txt"), "filename*2", []byte("x"), true)
	f.Fuzz(func(t *testing.T, name1 string, value1 []byte, name2 string, value2 []byte, quoted bool) {
		list := []Param{{name1, value1, quoted}, {name2, value2, quoted}}
		got := DecodeParam(list, "filename")
		checkText(t, len(value1)+len(value2), got)
		if strings.ContainsAny(got, "\x00\r\n\t") {
			t.Errorf("more than a line: %q", got)
		}
		if end := QuotedEnd(value1); end >= 0 && value1[end] != '"' {
			t.Errorf("quoted string ends at %d", end)
		}
	})
}
