package charset

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLabels(t *testing.T) {
	cases := map[string][]string{
		nameShiftJIS: {"shift_jis", "Shift-JIS", "SHIFT JIS", "sjis", "x-sjis", "cp932", "CP-932", "ms932", "windows-31j",
			"csWindows31J", "MS_Kanji", "ms_kanji", "x-ms-cp932", "\"shift_jis\"", "'Shift_JIS'", " shift_jis ;"},
		nameEUCJP: {"euc-jp", "EUC_JP", "x-euc-jp", "eucjp-ms", "eucJP-win", "cp51932", "x-euc", "ujis"},
		name2022JP: {"iso-2022-jp", "ISO2022JP", "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-3", "iso-2022-jp-2004", "ISO-2022-JP-MS",
			"cp50220", "cp50221", "CP50222", "csISO2022JP", "jis", "iso-2022-jp; format=flowed", "charset=iso-2022-jp", "iso-2022-jp*ja"},
		nameUTF8:    {"utf-8", "UTF8", "utf_8", "\"utf-8\"", "utf-8\r\n", "=utf-8", "utf-8, utf-8", "unicode-1-1-utf-8", "cp65001", "utf8mb4"},
		nameUTF7:    {"utf-7", "UTF7", "unicode-1-1-utf-7", "csUnicode11UTF7"},
		nameUTF16:   {"utf-16", "unicode", "ucs-2", "iso-10646-ucs-2"},
		nameASCII:   {"us-ascii", "ASCII", "ANSI_X3.4-1968", "iso646-us"},
		name2022KR:  {"iso-2022-kr", "csISO2022KR"},
		"gb18030":   {"gb2312", "GBK", "cp936", "gb_2312-80", "gb18030"},
		"big5":      {"big5", "cp950", "big5-hkscs", "x-x-big5"},
		"euc-kr":    {"euc-kr", "ks_c_5601-1987", "cp949", "ms949", "windows-949", "uhc"},
		nameLatin:   {"iso-8859-1", "latin1", "windows-1252", "cp1252"},
		"koi8-r":    {"koi8-r", "KOI8_R", "koi"},
		"":          {"", "x-unknown", "unknown-8bit", "x-user-defined", "replacement", "ibm037", "8bit", strings.Repeat("utf-8", 30), "日本語", "\x00", "*", "=?", ";;;"},
		nameUTF16LE: {"utf-16le", "UTF16-LE"},
		"macintosh": {"macintosh", "x-mac-roman"},
	}
	for want, labels := range cases {
		for _, label := range labels {
			if got := lookup(label).name; got != want {
				t.Errorf("lookup(%q) = %q, want %q", label, got, want)
			}
		}
	}
}

func TestResultSaysWhatHappened(t *testing.T) {
	cases := []struct {
		name, label, in string
		want            Result
	}{
		{"label right", "utf-8", "日本", Result{Text: "日本", Charset: nameUTF8, Label: "utf-8"}},
		{"label missing, ASCII", "", "abc", Result{Text: "abc", Charset: nameASCII}},
		{"label missing", "", "日本", Result{Text: "日本", Charset: nameUTF8, Guessed: true}},
		{"label unknown", "x-foo", "日本", Result{Text: "日本", Charset: nameUTF8, Label: "x-foo", Guessed: true}},
		{"label wrong", "Shift_JIS", "日本", Result{Text: "日本", Charset: nameUTF8, Label: "Shift_JIS", Guessed: true}},
		{"label harmless", "Shift_JIS", "abc", Result{Text: "abc", Charset: nameShiftJIS, Label: "Shift_JIS"}},
		{"label hostile", "\x1b\r\nX: y", "abc", Result{Text: "abc", Charset: nameASCII, Label: "?\x3f?X: y"}},
		{"byte order told by content", "utf-16", "\x00a\x00b", Result{Text: "ab", Charset: nameUTF16BE, Label: "utf-16"}},
		{"nothing", "", "", Result{Charset: nameASCII}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Decode(c.label, []byte(c.in))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
