package charset

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// params builds a list from name, value pairs; a value in quotes is passed on as quoted.
func params(pairs ...string) []Param {
	var list []Param
	for i := 0; i+1 < len(pairs); i += 2 {
		value, quoted := pairs[i+1], false
		if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
			value, quoted = value[1:n-1], true
		}
		list = append(list, Param{Name: pairs[i], Value: []byte(value), Quoted: quoted})
	}
	return list
}

// spec: g10
func TestDecodeParam(t *testing.T) {
	const report = "%E4%BC%9A%E8%AD%B0" // 会議
	cases := []struct {
		name string
		in   []Param
		want string
	}{
		{"none", params("name", "a.txt"), ""},
		{"token", params("filename", "a.txt"), "a.txt"},
		{"quoted", params("filename", `"a b.txt"`), "a b.txt"},
		{"upper case", params("FileName", "a.txt"), "a.txt"},
		{"escaped quote", params("filename", `"a\"b\\c.txt"`), `a"b\c.txt`},
		{"Windows path", params("filename", `"C:\Users\x\a.txt"`), `C:\Users\x\a.txt`},
		{"first of two", params("filename", "a.txt", "filename", "b.exe"), "a.txt"},
		{"extended", params("filename*", "UTF-8''"+report+".txt"), "会議.txt"},
		{"extended with language", params("filename*", "utf-8'ja'"+report+".txt"), "会議.txt"},
		{"extended Shift_JIS", params("filename*", "Shift_JIS''%89%EF%8Bc.txt"), "会議.txt"},
		{"extended ISO-2022-JP", params("filename*", "iso-2022-jp'ja'%1B$B2q5D%1B%28B.txt"), "会議.txt"},
		{"extended wins", params("filename", "kaigi.txt", "filename*", "UTF-8''"+report+".txt"), "会議.txt"},
		{"extended unreadable, plain not", params("filename", "kaigi.txt", "filename*", "UTF-8''%E4%BC.txt"), "kaigi.txt"},
		{"extended empty", params("filename*", "UTF-8''", "filename", "kaigi.txt"), "kaigi.txt"},
		{"charset missing", params("filename*", "''"+report+".txt"), "会議.txt"},
		{"charset and quotes missing", params("filename*", report+".txt"), "会議.txt"},
		{"one quote only", params("filename*", "UTF-8'"+report+".txt"), "会議.txt"},
		{"charset wrong", params("filename*", "iso-8859-1''"+report+".txt"), "会議.txt"},
		{"charset unknown", params("filename*", "x-foo''"+report+".txt"), "会議.txt"},
		{"extended in quotes", params("filename*", `"UTF-8''`+report+`.txt"`), "会議.txt"},
		{"extended with RFC 2047", params("filename*", "=?utf-8?B?5Lya6K2w?="), "会議"},
		{"extended with an apostrophe", params("filename*", "it's.txt"), "it's.txt"},
		{"extended with raw bytes", params("filename*", "UTF-8''会議.txt"), "会議.txt"},
		{"percent without digits", params("filename*", "UTF-8''100%.txt"), "100%.txt"},
		{"continued", params("filename*0", "abc", "filename*1", "def.txt"), "abcdef.txt"},
		{"continued and encoded", params("filename*0*", "UTF-8''%E4%BC%9A", "filename*1*", "%E8%AD%B0.txt"), "会議.txt"},
		{"continued inside a character", params("filename*0*", "UTF-8''%E4%BC%9A%E8", "filename*1*", "%AD%B0.txt"), "会議.txt"},
		{"encoded and plain pieces", params("filename*0*", "UTF-8''"+report, "filename*1", `" 100%25.txt"`), "会議 100%25.txt"},
		{"plain and encoded pieces", params("filename*0", "kaigi-", "filename*1*", "UTF-8''"+report), "kaigi-会議"},
		{"wrong order", params("filename*1*", "%E8%AD%B0.txt", "filename*0*", "UTF-8''%E4%BC%9A"), "会議.txt"},
		{"ten pieces in number order", params("x*10", "k", "x*2", "c", "x*0", "a", "x*1", "b"), ""},
		{"gap", params("filename*0", "a", "filename*2", "c.txt"), "ac.txt"},
		{"begins at one", params("filename*1", "a", "filename*2", "b.txt"), "ab.txt"},
		{"piece twice", params("filename*0", "a", "filename*0", "x", "filename*1", ".txt"), "a.txt"},
		{"charset in every piece", params("filename*0*", "UTF-8''%E4%BC%9A", "filename*1*", "UTF-8''%E8%AD%B0"), "会議"},
		{"pieces of RFC 2047", params("filename*0", `"=?utf-8?B?5Lya"`, "filename*1", `"6K2w?="`), "会議"},
		{"pieces of raw Shift_JIS", params("filename*0", "\x89\xef\x8b", "filename*1", "c.txt"), "会議.txt"},
		{"continued wins over plain", params("filename", "kaigi.txt", "filename*0*", "UTF-8''"+report), "会議"},
		{"bad numbers", params("filename*x", "a", "filename*-1", "b", "filename*99999999999999999999", "c", "filename", "d"), "d"},
		{"RFC 2047, Outlook", params("filename", `"=?UTF-8?B?44Gm44GZ44GoLnR4dA==?="`), "てすと.txt"},
		{"RFC 2047 without quotes", params("filename", "=?UTF-8?B?44Gm44GZ44GoLnR4dA==?="), "てすと.txt"},
		{"RFC 2047 in two words", params("filename", "\"=?UTF-8?B?44Gm44GZ?=\r\n =?UTF-8?B?44GoLnR4dA==?=\""), "てすと.txt"},
		{"raw UTF-8", params("filename", `"会議.txt"`), "会議.txt"},
		{"raw Shift_JIS", params("filename", "\"\x97\x5c\x8e\x5a\x95\x5c.txt\""), "予算表.txt"},
		{"raw Shift_JIS before the quote", params("filename", "\"\x94\x5c\x97\xcd\x95\x5c\""), "能力表"},
		{"raw EUC-JP", params("filename", "\xb2\xf1\xb5\xc4.txt"), "会議.txt"},
		{"raw JIS", params("filename", "\"\x1b$B2q5D\x1b(B.txt\""), "会議.txt"},
		{"raw half-width kana", params("filename", "\xc3\xbd\xc4.txt"), "ﾃｽﾄ.txt"},
		{"URL encoding of UTF-8", params("filename", `"`+report+`.txt"`), "会議.txt"},
		{"a percent sign is no URL encoding", params("filename", `"100%25.txt"`), "100%25.txt"},
		{"no line break comes out", params("filename*", "UTF-8''a%0D%0Ab%00c.txt"), "a  b c.txt"},
		{"name with spaces", params(" filename ", "a.txt"), "a.txt"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := DecodeParam(c.in, "filename"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := DecodeParam(params("x*10", "k", "x*2", "c", "x*0", "a", "x*1", "b"), "x"); got != "abck" {
		t.Errorf("pieces in order: %q", got)
	}
}

// TestDecodeParamPieces cuts a percent-encoded name into pieces at any byte and shuffles them.
func TestDecodeParamPieces(t *testing.T) {
	letter := rapid.RuneFrom([]rune("会議資料①㈱髙アーンあいう、ABCxyz019-_()' "))
	rapid.Check(t, func(t *rapid.T) {
		want := strings.Trim(rapid.StringOfN(letter, 1, 30, -1).Draw(t, "name"), " ") + "x"
		size := rapid.IntRange(1, 12).Draw(t, "size")
		var list []Param
		for i := 0; i < len(want); i += size {
			value := strings.ReplaceAll(url.QueryEscape(want[i:min(i+size, len(want))]), "+", "%20")
			if i == 0 {
				value = "utf-8'ja'" + value
			}
			list = append(list, Param{Name: fmt.Sprintf("filename*%d*", len(list)), Value: []byte(value)})
		}
		list = rapid.Permutation(list).Draw(t, "order")
		if got := DecodeParam(list, "filename"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestDecodeParamBounded(t *testing.T) {
	var list []Param
	for i := range 5000 {
		list = append(list, Param{Name: fmt.Sprintf("filename*%d", i), Value: []byte("ab")})
	}
	if got := DecodeParam(list, "filename"); got != strings.Repeat("ab", maxParamPieces) {
		t.Errorf("%d bytes", len(got))
	}
}

func TestQuotedEnd(t *testing.T) {
	cases := []struct {
		name, in string
		want     int
	}{
		{"plain", `abc" x`, 3},
		{"escaped quote", `a\"b" x`, 4},
		{"escaped backslash", `a\\" x`, 3},
		{"no end", `abc`, -1},
		{"ends in backslash", `abc\`, -1},
		{"empty", `"`, 0},
		{"Shift_JIS 表 before the end", "\x95\x5c\"; x=\"y\"", 2},
		{"Shift_JIS 予算表", "\x97\x5c\x8e\x5a\x95\x5c.txt\"", 10},
		{"Shift_JIS kana and an escaped quote", "\xc3\xbd\xc4\\\"a\"", 6},
		{"UTF-8 and an escaped quote", "会議\\\"a\"", 9},
		{"JIS with quote and backslash bytes", "\x1b$B0\"K\\\x1b(B\"", 10},
		{"JIS kana with quote byte", "\x1b(I\x22\x36\x1b(B\"", 8},
		{"JIS never closed", "\x1b$B0\"", -1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := QuotedEnd([]byte(c.in)); got != c.want {
				t.Errorf("%q: %d, want %d", c.in, got, c.want)
			}
		})
	}
}
