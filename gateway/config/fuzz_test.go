package config

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sekisho/configs"
)

// FuzzLoad: any text gives a configuration or problems, each with both
// sentences and a place that exists; nothing of it stops the program.
func FuzzLoad(f *testing.F) {
	f.Add(configs.Config, "SEKISHO_RELAY_WORKERS=3")
	for _, c := range wrong {
		f.Add(clip(strings.Replace(configs.Config, c.old, c.new, 1)), "SEKISHO_"+strings.ToUpper(c.name)+"=x")
	}
	for _, s := range []string{"a: b: c", "- x", "? {a: b}", "<<: {a: 1}", "a: |\n  x\n", "\"\": 1", "[[[[", "a:\n- - - - -\n", "%TAG ! x", "\x00", "\xff\xfe", "a: \"\\ud800\""} {
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, text, variable string) {
		_, err := parse("f.yaml", []byte(text), []string{variable})
		sound(t, text, err)
	})
}

// FuzzPolicy: any text gives a policy that passes its own check, or problems.
func FuzzPolicy(f *testing.F) {
	f.Add(configs.Policy)
	f.Add("overrides:\n  - recipients: [a@b.jp]\n    kinds: {gif: text}\n  - recipients: [A@B.JP]\n    limits: {time: 0s}\n")
	f.Add("default:\n  kinds:\n    pdf: text\n    pngg: image\n  own_domains: [a b]\n")
	f.Add("overrides: [{recipients: [\"@x.jp\"], limits: {bytes: 1GB, depth: 3}}]\ndefault: {}\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy("p.yaml", []byte(text))
		sound(t, text, err)
		if err != nil {
			return
		}
		if err := p.Check(); err != nil {
			t.Fatalf("accepted: %v", err)
		}
		again, err := ParsePolicy("shown", []byte(show(p)))
		if err != nil || again.Digest() != p.Digest() {
			t.Fatalf("shown as\n%s\n%v", show(p), err)
		}
	})
}

// FuzzRecipients: what is taken is an address or a domain.
func FuzzRecipients(f *testing.F) {
	f.Add(configs.Recipients)
	f.Add("a@b.jp #x\n@b.jp\n<a@b.jp>\n\ufeffx@y")
	f.Fuzz(func(t *testing.T, text string) {
		list, ps := parseRecipients("r.txt", []byte(text))
		for _, a := range list {
			if checkRecipient(a) != nil || strings.ContainsAny(a, " \t\r\n<>,;\"") {
				t.Errorf("taken: %q", a)
			}
		}
		sound(t, text, ps.Err())
	})
}

func sound(t *testing.T, text string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	ps, ok := err.(Problems)
	if !ok || len(ps) == 0 {
		t.Fatalf("not problems: %v", err)
	}
	for _, p := range ps {
		if p.JA == "" || p.EN == "" || p.Line < 0 || p.Line > strings.Count(text, "\n")+strings.Count(text, "\r")+2 || utf8.ValidString(text) && !utf8.ValidString(p.String()) {
			t.Errorf("%#v", p)
		}
	}
}

// clip keeps seeds short.
func clip(s string) string { return s[:min(len(s), 1<<14)] }
