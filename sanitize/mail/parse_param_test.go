package mail

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
)

// hdrReadParam reads a parameter of a raw header value as classify does.
func hdrReadParam(raw, name string) string {
	v := hdrParse(string(hdrFolded([]byte(raw))))
	return parseParam(v.params, name)
}

// Names in raw Shift_JIS and raw ISO-2022-JP hold bytes that look like
// backslashes, quotes and separators.
func TestParseRawNames(t *testing.T) {
	names := []string{"予算表.txt", "ソフト.txt", "能力.txt", "予算表", "ソ", "能 予.txt", "会議、資料.txt", "ぼくの表.txt", "表;能.txt", "ｿ表.txt"}
	for label, enc := range map[string]func(string) (string, error){
		"cp932":       japanese.ShiftJIS.NewEncoder().String,
		"iso-2022-jp": japanese.ISO2022JP.NewEncoder().String,
		"euc-jp":      japanese.EUCJP.NewEncoder().String,
		"utf-8":       func(s string) (string, error) { return s, nil },
	} {
		for _, want := range names {
			raw, err := enc(want)
			if err != nil {
				t.Fatal(err)
			}
			for _, param := range []string{"name", "filename"} {
				for form, in := range map[string]string{
					"quoted":               "attachment; " + param + "=\"" + raw + "\"",
					"quoted, another next": "attachment; " + param + "=\"" + raw + "\"; size=12",
					"quoted, no semicolon": "attachment; " + param + "=\"" + raw + "\" size=12",
					"quoted, folded":       "attachment;\r\n\t" + param + "=\"" + raw + "\";\r\n size=12",
					"bare":                 "attachment; " + param + "=" + raw,
					"bare, another next":   "attachment; " + param + "=" + raw + "; size=12",
					"bare, folded":         "attachment;\r\n " + param + "=" + raw + "\r\n size=12",
				} {
					if strings.HasPrefix(form, "bare") && strings.Contains(want, ";") {
						continue // nobody can tell
					}
					if label == "euc-jp" && (want == "能 予.txt" || want == "ｿ表.txt") {
						continue // is UTF-8 or Shift_JIS as well
					}
					t.Run(fmt.Sprint(label, " ", want, " ", param, " ", form), func(t *testing.T) {
						if got := hdrReadParam(in, param); got != want {
							t.Errorf("%q: got %q, want %q", in, got, want)
						}
						if strings.Contains(in, "size") && hdrReadParam(in, "size") != "12" {
							t.Errorf("%q: the parameter after it is %q", in, hdrReadParam(in, "size"))
						}
					})
				}
			}
		}
	}
}

func TestParseParams(t *testing.T) {
	for _, c := range []struct{ name, in, param, want string }{
		{"escaped quote", `a/b; name="x\"y\\z.txt"; size=1`, "name", `x"y\z.txt`},
		{"Windows path", `a/b; name="C:\Users\taro\x.txt"`, "name", `C:\Users\taro\x.txt`},
		{"quote in the middle", `a/b; name="size 5" disk".txt"; size=1`, "name", `size 5" disk".txt`},
		{"strings in a row", "a/b; name=\"one\"\r\n \"two.txt\"", "name", "one two.txt"},
		{"no end", `a/b; name="x.txt; size=1`, "name", "x.txt"},
		{"no end, then another", `a/b; name="x.txt; size=1`, "size", "1"},
		{"escaped end", `a/b; name="C:\dir\"; size=1`, "name", `C:\dir\`},
		{"a parameter in a value", `a/b; dummy="filename=x.exe"; name=y.txt`, "filename", ""},
		{"encoded word cut by a fold", "a/b; name=\"=?UTF-8?B?5LqI566X\r\n 6KGoLnR4dA==?=\"", "name", "予算表.txt"},
		{"encoded words folded", "a/b; name=\"=?UTF-8?B?5LqI566X?=\r\n =?UTF-8?B?6KGoLnR4dA==?=\"", "name", "予算表.txt"},
		{"fold in a quoted name", "a/b; name=\"a\r\n b.txt\"", "name", "a b.txt"},
		{"fold in a bare name", "a/b; name=a\r\n b.txt\r\n size=1", "name", "a b.txt"},
		{"continued over folds", "a/b;\r\n name*0*=UTF-8''%E4%BA%88;\r\n name*1*=%E7%AE%97.txt", "name", "予算.txt"},
		{"boundary with blanks", "multipart/mixed; boundary=\"a  b\"", "boundary", "a  b"},
		{"boundary with a backslash", `multipart/mixed; boundary="a\b"`, "boundary", `a\b`},
		{"NUL", "a/b; name=\"x\x00y.txt\"", "name", "xy.txt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hdrReadParam(c.in, c.param); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A quoted string that never ends is looked for in a bounded stretch.
func TestParseQuotedIsBounded(t *testing.T) {
	long := strings.Repeat("x", hdrMaxQuoted-10)
	if got := hdrReadParam(`a/b; name="`+long+`"; size=1`, "name"); got != long {
		t.Errorf("%d bytes", len(got))
	}
	long += long
	if v := hdrParse(`a/b; name="` + long + `; x"; size=1`); v.params[0].quoted || v.get("name") != long || v.get("size") != "1" {
		t.Errorf("quoted %v, %d bytes, size %q", v.params[0].quoted, len(v.get("name")), v.get("size"))
	}
}

// A subject whose encoded words were folded in the middle is read whole.
func TestParseFoldedSubject(t *testing.T) {
	var c parseCleaner
	for in, want := range map[string]string{
		"=?UTF-8?B?5LqI566X\r\n 6KGo?=":                      "予算表",
		"=?UTF-8?B?5LqI566X?=\r\n =?UTF-8?B?6KGo?=":          "予算表",
		" plain\r\n folded ":                                 "plain folded",
		"\x1b$BM=;;\x1b(B\r\n \x1b$BI=\x1b(B":                "予算 表",
		"=?ISO-2022-JP?B?GyRCTT07O0k9GyhC?=\r\n\tx\x00y\x07": "予算表 xy",
	} {
		if got := c.header([]byte(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// Siblings of one site are not called a lie, in HTML and in plain text.
func TestParseLinksOfOneSite(t *testing.T) {
	const lie = "note link_mismatch"
	parseRunCases(t, []parseCase{
		{name: "sibling", in: parsePlain("Content-Type: text/html", `<a href="https://login.example.co.jp/">www.example.co.jp</a>`),
			want: []string{"www.example.co.jp <https://login.example.co.jp/>"}, absent: []string{lie}},
		{name: "neighbour under one suffix", in: parsePlain("Content-Type: text/html", `<a href="https://login.evil.co.jp/">www.example.co.jp</a>`),
			want: []string{lie}},
	})
}
