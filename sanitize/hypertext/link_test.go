package hypertext

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var linkCases = []struct{ name, visible, target, want, code string }{
	{"plain", "こちら", "https://town.example.jp/a?b=1#c", "こちら <https://town.example.jp/a?b=1#c>", ""},
	{"same", "https://town.example.jp/", "https://town.example.jp", "https://town.example.jp/", ""},
	{"same without scheme", "town.example.jp/a", "https://town.example.jp/a", "town.example.jp/a", ""},
	{"same name, other path", "town.example.jp", "https://town.example.jp/a", "town.example.jp <https://town.example.jp/a>", ""},
	{"www and subdomain are kin", "example.jp", "https://www.m.example.jp/", "example.jp <https://www.m.example.jp/>", ""},
	{"no text", "", "http://a.test/", "<http://a.test/>", ""},
	{"case and dots of the host", "x", "HTTP://Town.Example.JP.:80/A", "x <http://town.example.jp:80/A>", ""},
	{"spaces and Japanese in the path", "x", "https://a.test/書 類\"<>", "x <https://a.test/%E6%9B%B8%20%E9%A1%9E%22%3C%3E>", ""},
	{"protocol relative", "x", "//a.test/b", "x <https://a.test/b>", ""},
	{"backslashes", "x", `\\a.test\b?c\d`, "x <https://a.test/b?c%5Cd>", ""},
	{"one slash", "x", "https:/a.test/b", "x <https://a.test/b>", ""},
	{"line breaks inside", "x", " ht\ntps://a.te\tst/b\r\nc ", "x <https://a.test/bc>", ""},
	{"bare www", "x", "www.a.test/b", "x <http://www.a.test/b>", ""},
	{"relative", "x", "/b/c.html", "x", ""},
	{"fragment", "x", "#top", "x", ""},

	{"other host", "https://town.example.jp/", "https://bank.example.net/",
		"hxxps://town[.]example[.]jp/〔注意: 実際の行き先は hxxps://bank[.]example[.]net/ 〕", findMismatch},
	{"other host in a sentence", "詳しくはtown.example.jpをご覧ください", "https://evil.test",
		"詳しくはtown.example.jpをご覧ください〔注意: 実際の行き先は hxxps://evil[.]test 〕", findMismatch},
	{"sibling without a site list", "a.example.jp", "https://b.example.jp/",
		"a.example.jp〔注意: 実際の行き先は hxxps://b[.]example[.]jp/ 〕", findMismatch},
	{"prefix is not kin", "town.example.jp", "https://town.example.jp.evil.test/",
		"town.example.jp〔注意: 実際の行き先は hxxps://town[.]example[.]jp[.]evil[.]test/ 〕", findMismatch},
	{"mail address, web target", "info@town.example.jp", "https://evil.test/",
		"info@town.example.jp〔注意: 実際の行き先は hxxps://evil[.]test/ 〕", findMismatch},
	{"full-width visible", "ｈｔｔｐｓ：／／ｔｏｗｎ．ｅｘａｍｐｌｅ．ｊｐ", "https://evil.test/",
		"ｈｔｔｐｓ：／／ｔｏｗｎ．ｅｘａｍｐｌｅ．ｊｐ〔注意: 実際の行き先は hxxps://evil[.]test/ 〕", findMismatch},
	{"address number", "192.0.2.1", "http://192.0.2.2/", "192.0.2.1〔注意: 実際の行き先は hxxp://192[.]0[.]2[.]2/ 〕", findMismatch},
	{"sentence runs on after the address", "https://town.example.jpをご覧", "https://town.example.jp/",
		"https://town.example.jpをご覧 <https://town.example.jp/>", ""},
	{"open redirect", "https://town.example.jp/", "https://town.example.jp/r?u=https%3A%2F%2Fevil.test%2F",
		"hxxps://town[.]example[.]jp/〔注意: 実際の行き先は hxxps://town[.]example[.]jp/r?u=https%3A%2F%2Fevil.test%2F 〕", findMismatch},
	{"open redirect in a later value", "www.a.test", "https://www.a.test/r?x=1&u=http%3a%2f%2fevil.test",
		"www[.]a[.]test〔注意: 実際の行き先は hxxps://www[.]a[.]test/r?x=1&u=http%3a%2f%2fevil.test 〕", findMismatch},
	{"link checker of the sender's mail system", "https://town.example.jp/a",
		"https://jpn01.safelinks.protection.outlook.com/?url=https%3A%2F%2Ftown.example.jp%2Fa&data=05%7C01&reserved=0",
		"https://town.example.jp/a", ""},
	{"link checker around a lie", "https://town.example.jp/a",
		"https://jpn01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fevil.test%2Fa&data=05",
		"hxxps://town[.]example[.]jp/a〔注意: 実際の行き先は hxxps://evil[.]test/a 〕", findMismatch},
	{"Japanese full stops in a host", "town。example。jp", "https://evil.test/",
		"town。example。jp〔注意: 実際の行き先は hxxps://evil[.]test/ 〕", findMismatch},
	{"letters by another alphabet", "tоwn.example.jp", "https://town.example.jp/",
		"tоwn.example.jp〔注意: 実際の行き先は hxxps://town[.]example[.]jp/ 〕", findMismatch},
	{"file names are no hosts", "申請書.pdf", "https://a.test/1", "申請書.pdf <https://a.test/1>", ""},
	{"file names are no hosts 2", "README.md v1.2 main.py Inc. e.g.", "https://a.test/1", "README.md v1.2 main.py Inc. e.g. <https://a.test/1>", ""},

	{"userinfo", "ログイン", "https://bank.example@evil.test/x",
		"ログイン〔注意: 実際の行き先は hxxps://evil[.]test/x 〕", findDeceptive},
	{"userinfo by backslash", "ログイン", `https://evil.test\@bank.example/`, "ログイン〔注意: 実際の行き先は hxxps://evil[.]test/@bank.example/ 〕", findDeceptive},
	{"percent-encoded host", "bank.example", "https://%65vil.test/",
		"bank.example〔注意: 実際の行き先は hxxps://evil[.]test/ 〕", findMismatch},
	{"number host", "ログイン", "http://3232235777/a", "ログイン〔注意: 実際の行き先は hxxp://192[.]168[.]1[.]1/a 〕", findDeceptive},
	{"octal and hex host", "ログイン", "http://0300.0xa8.257", "ログイン〔注意: 実際の行き先は hxxp://192[.]168[.]1[.]1 〕", findDeceptive},
	{"IPv6 host", "ログイン", "http://[2001:db8::1]/a", "ログイン〔注意: 実際の行き先は hxxp://[2001:db8::1]/a 〕", findDeceptive},
	{"look-alike letters", "ログイン", "https://ex\u0430mple.jp/",
		"ログイン〔注意: 実際の行き先は hxxps://xn--exmple-4nf[.]jp/ （見かけの名前 ex\u0430mple[.]jp） 〕", findDeceptive},
	{"look-alike shown and meant", "https://ex\u0430mple.jp/", "https://xn--exmple-4nf.jp/",
		"hxxps://ex\u0430mple[.]jp/〔注意: 実際の行き先は hxxps://xn--exmple-4nf[.]jp/ （見かけの名前 ex\u0430mple[.]jp） 〕", findDeceptive},
	{"Japanese name", "x", "https://総務省.jp/", "x <https://xn--lhr645fjve.jp/>（総務省.jp）", ""},

	{"javascript", "押す", "javascript:alert(1)", "押す〔javascript: のリンク〕", findScheme},
	{"javascript in disguise", "押す", " \x01JaVa\nScRiPt\t:alert(1)", "押す〔javascript: のリンク〕", findScheme},
	{"javascript shown", "javascript:alert(1)", "javascript:alert(1)", "javascript：alert(1)〔javascript: のリンク〕", findScheme},
	{"data", "x", "data:text/html,<script>", "x〔data: のリンク〕", findScheme},
	{"drive letter", "x", `C:\Users\a.exe`, "x〔file: のリンク〕", findScheme},
	{"file", "x", "file://server/a", "x〔file: のリンク〕", findScheme},
	{"broken host", "x", "https://a b.test/", "x〔https: のリンク〕", findScheme},

	{"mail", "田中", "mailto:tanaka@town.example.jp?subject=a&bcc=x@y.test", "田中 <mailto:tanaka@town.example.jp>", ""},
	{"mail same", "tanaka@town.example.jp", "mailto:Tanaka@Town.example.jp", "tanaka@town.example.jp", ""},
	{"mail lies", "tanaka@town.example.jp", "mailto:tanaka@town.example.test",
		"tanaka@town.example.jp〔注意: 実際の宛先は tanaka[@]town[.]example[.]test 〕", findMismatch},
	{"telephone", "電話", "tel:+81-3-1234-5678", "電話 <tel:+81-3-1234-5678>", ""},
	{"telephone same", "03-1234-5678", "tel:+81312345678", "03-1234-5678", ""},
	{"telephone with more words", "03-1234-5678（内線 12）", "tel:0312345678", "03-1234-5678（内線 12）", ""},
	{"telephone lies", "03-1234-5678", "tel:090-0000-0000", "03-1234-5678〔注意: 実際の電話番号は 090-0000-0000 〕", findMismatch},
}

func TestJudge(t *testing.T) {
	for _, tc := range linkCases {
		t.Run(tc.name, func(t *testing.T) {
			l := Judge(tc.visible, tc.target, LinkPolicy{})
			if d := cmp.Diff(tc.want, l.Visible+l.Suffix); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if l.Code != tc.code {
				t.Errorf("code %q, want %q", l.Code, tc.code)
			}
		})
	}
}

func TestLinkPolicy(t *testing.T) {
	lastTwo := func(h string) string {
		f := strings.Split(h, ".")
		return strings.Join(f[max(0, len(f)-2):], ".")
	}
	long := "https://town.example.jp/" + strings.Repeat("a", 300)
	cases := []struct {
		name, visible, target string
		p                     LinkPolicy
		want                  string
	}{
		{"defang", "a https://a.test/ b", "https://a.test/x.y", LinkPolicy{Defang: true}, "a hxxps://a[.]test/ b <hxxps://a[.]test/x.y>"},
		{"site", "a.example.jp", "https://b.example.jp/", LinkPolicy{Site: lastTwo}, "a.example.jp <https://b.example.jp/>"},
		{"cut", "x", long, LinkPolicy{MaxURL: 30}, "x <https://town.example.jp/aaaaaa…>"},
		{"cut keeps the host", "x", long, LinkPolicy{MaxURL: 3}, "x <https://town.example.jp…>"},
		{"cut between triplets", "x", "https://a.test/日", LinkPolicy{MaxURL: 17}, "x <https://a.test/…>"},
		{"base", "x", "c?d", LinkPolicy{Base: "http://a.test:8080/b/index.html"}, "x <http://a.test:8080/b/c?d>"},
		{"base, path from the root", "x", "/c", LinkPolicy{Base: "http://a.test/b/"}, "x <http://a.test/c>"},
		{"base makes a lie", "https://town.example.jp/", "/c", LinkPolicy{Base: "http://evil.test/"},
			"hxxps://town[.]example[.]jp/〔注意: 実際の行き先は hxxp://evil[.]test/c 〕"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			l := Judge(tc.visible, tc.target, tc.p)
			if d := cmp.Diff(tc.want, l.Visible+l.Suffix); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestPlainLinks(t *testing.T) {
	cases := []struct {
		name, in string
		p        LinkPolicy
		want     string
	}{
		{"nothing", "日本語だけ。 3. 4", LinkPolicy{}, "日本語だけ。 3. 4"},
		{"honest", "見て https://a.test/b. www.b.test、", LinkPolicy{}, "見て https://a.test/b. www.b.test、"},
		{"userinfo", "見て https://bank.example@evil.test/x です", LinkPolicy{},
			"見て hxxps://bank[.]example@evil[.]test/x〔注意: 実際の行き先は hxxps://evil[.]test/x 〕 です"},
		{"defang", "https://a.test/b。www.b.test:80/c (HTTP://C.test)", LinkPolicy{Defang: true},
			"hxxps://a[.]test/b。www[.]b[.]test:80/c (HXXP://C[.]test)"},
		{"an address in an address", "http://a.test/?u=HTTPS://b.test", LinkPolicy{Defang: true}, "hxxp://a[.]test/?u=HXXPS://b.test"},
		{"an address glued to an address", "https://tohttps://t", LinkPolicy{Defang: true}, "hxxps://tohxxps://t"},
		{"defang twice", "hxxps://a[.]test/b", LinkPolicy{Defang: true}, "hxxps://a[.]test/b"},
		{"IPv6", "http://[::1]/x", LinkPolicy{}, "hxxp://[::1]/x〔注意: 実際の行き先は hxxp://[::1]/x 〕"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got, _ := PlainLinks(tc.in, tc.p)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			again, found := PlainLinks(got, tc.p)
			if again != got || len(found) > 0 {
				t.Errorf("a second pass changes it: %q", again)
			}
		})
	}
}

// Samples of RFC 3492 section 7.1 and common Japanese names.
func TestPunycode(t *testing.T) {
	cases := map[string]string{
		"なぜみんな日本語を話してくれないのか": "xn--n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa",
		"3年b組金八先生": "xn--3b-ww4c5e180e575a65lsy2b",
		"ひとつ屋根の下2": "xn--2-u9tlzr9756bt3uc0v",
		"そのスピードで":  "xn--d9juau41awczczp",
		"bücher":   "xn--bcher-kva",
		"総務省":      "xn--lhr645fjve",
		"ascii":    "ascii",
	}
	for uni, ace := range cases {
		if got, ok := toPuny(uni); got != ace || !ok {
			t.Errorf("toPuny(%q) = %q, want %q", uni, got, ace)
		}
		if got, _ := fromPuny(ace); got != uni {
			t.Errorf("fromPuny(%q) = %q, want %q", ace, got, uni)
		}
	}
	for _, bad := range []string{"xn--", "xn--\x00", "xn--99999999", "xn--a-ä"} {
		if got, ok := fromPuny(bad); ok {
			t.Errorf("fromPuny(%q) = %q", bad, got)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, tc := range linkCases {
		f.Add(tc.visible, tc.target)
	}
	f.Fuzz(func(t *testing.T, visible, target string) {
		visible, target = strings.ToValidUTF8(visible, "?"), strings.ToValidUTF8(target, "?")
		l := Judge(visible, target, LinkPolicy{MaxURL: 200})
		if strings.ContainsAny(l.Suffix, "\n\r\x00\u202E") {
			t.Errorf("suffix %q", l.Suffix)
		}
		if i := strings.Index(l.Suffix, "://"); i >= 0 && !strings.Contains(l.Suffix[:i], "http") && !strings.Contains(l.Suffix[:i], "hxxp") {
			t.Errorf("suffix %q", l.Suffix)
		}
		if len(l.Suffix) > 2000 {
			t.Errorf("suffix of %d bytes", len(l.Suffix))
		}
		if d := Defang(visible); Defang(d) != d {
			t.Errorf("Defang(%q) = %q, and again %q", visible, d, Defang(d))
		}
	})
}
