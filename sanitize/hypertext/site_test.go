package hypertext

import "testing"

func TestRegistrableDomain(t *testing.T) {
	for host, want := range map[string]string{
		"www.bank.example.co.jp":  "example.co.jp",
		"mail.town.sample.lg.jp":  "sample.lg.jp",
		"www.example.com":         "example.com",
		"a.b.c.example.com":       "example.com",
		"xn--r8jz45g.jp":          "xn--r8jz45g.jp",
		"www.city.kobe.jp":        "city.kobe.jp",
		"alice.github.io":         "alice.github.io",
		"co.jp":                   "",
		"github.io":               "",
		"jp":                      "",
		"":                        "",
		".":                       "",
		"example.com.":            "",
		"a..b":                    "",
		"192.0.2.1":               "",
		"[2001:db8::1]":           "",
		"0x7f.1":                  "",
		"www.intranet.unlistedtl": "intranet.unlistedtl",
	} {
		if got := RegistrableDomain(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

// Siblings of one site keep their word; neighbours under one suffix do not.
func TestSiblingsOfOneSite(t *testing.T) {
	p := LinkPolicy{Site: RegistrableDomain}
	for _, c := range []struct {
		visible, target string
		lies            bool
	}{
		{"www.example.co.jp", "https://login.example.co.jp/", false},
		{"www.example.co.jp", "https://evil.co.jp/", true},
		{"https://alice.github.io/", "https://mallory.github.io/", true},
		{"192.0.2.1", "http://198.51.2.1/", true},
		{"www.example.co.jp", "https://www.example.co.jp.evil.example/", true},
		{"https://town.sample.lg.jp/", "https://kouhou.sample.lg.jp/", false},
		{"https://town.sample.lg.jp/", "https://town.other.lg.jp/", true},
	} {
		if l := Judge(c.visible, c.target, p); (l.Code != "") != c.lies {
			t.Errorf("%s to %s: %+v", c.visible, c.target, l)
		}
	}
}
