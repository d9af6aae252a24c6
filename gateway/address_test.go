package gateway

import (
	"strings"
	"testing"
)

func TestCheckAddress(t *testing.T) {
	for s, want := range map[string]struct{ ascii, utf8 bool }{
		"a@b":                          {true, true},
		"taro.yamada+x@town.lg.jp":     {true, true},
		"山田@例え.jp":                     {false, true},
		"postmaster":                   {},
		"@b":                           {},
		"a@":                           {},
		"":                             {},
		"a..b@c.jp":                    {},
		".a@c.jp":                      {},
		"a.@c.jp":                      {},
		"a@c..jp":                      {},
		"a@-c.jp":                      {},
		"a@c-.jp":                      {},
		"a@[127.0.0.1]":                {},
		`"a b"@c.jp`:                   {},
		`"v@i.test> ORCPT=x"@a.test`:   {},
		"b@y.test,c@z.test":            {},
		"@relay.test:a@c.jp":           {},
		"a@c.jp>":                      {},
		"a b@c.jp":                     {},
		"a@c.jp\r\nRCPT TO:<x@y.jp>":   {},
		"a\x00@c.jp":                   {},
		"a@b@c.jp":                     {},
		"a\u0085@c.jp":                 {},
		"\xff@c.jp":                    {},
		"a\u202eb@c.jp":                {}, // turns what follows
		"a@c\u2028.jp":                 {}, // begins a line in some logs
		"a\ufeff@c.jp":                 {},
		"a\u3000b@c.jp":                {},
		"\U000e0041@c.jp":              {}, // a tag: not seen at all
		"\uffff@c.jp":                  {},
		strings.Repeat("a", 64) + "@b": {true, true},
		strings.Repeat("a", 65) + "@b": {},
		"a@" + strings.Repeat("b", 64): {},
	} {
		if got := CheckAddress(s, false) == nil; got != want.ascii {
			t.Errorf("CheckAddress(%q, false): %v", s, got)
		}
		if got := CheckAddress(s, true) == nil; got != want.utf8 {
			t.Errorf("CheckAddress(%q, true): %v", s, got)
		}
	}
}
