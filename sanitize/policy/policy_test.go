package policy

import (
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// spec: g2
func TestZeroRulesHold(t *testing.T) {
	for _, k := range []format.Kind{format.Mail, format.Text, format.PNG, format.Unknown, ""} {
		if d := (Rules{}).Choose(Facts{Kind: k}); d.Do != Hold || d.Reason != format.ByPolicy {
			t.Errorf("%s: %+v", k, d)
		}
	}
	if (Decision{}).Do != Hold {
		t.Error("the zero decision does not hold")
	}
}

func TestChoose(t *testing.T) {
	r := Default()
	r.OwnDomains = []string{"town.example.lg.jp"}
	hold := r
	hold.Spoofed = "hold"
	strip := r
	strip.Kinds = map[format.Kind]Action{format.PNG: Strip, format.CSV: Quarantine}
	own := []string{"mayor@Sub.Town.example.lg.jp"}
	for name, c := range map[string]struct {
		rules  Rules
		facts  Facts
		do     Do
		reason format.Reason
	}{
		"mail":                     {r, Facts{Kind: format.Mail, Root: true}, Build, ""},
		"own domain warned":        {r, Facts{Kind: format.Mail, Root: true, From: own}, Build, ""},
		"own domain held":          {hold, Facts{Kind: format.Mail, Root: true, From: own}, Hold, format.SpoofedOwnDomain},
		"own domain authenticated": {hold, Facts{Kind: format.Mail, Root: true, From: own, Auth: "pass"}, Build, ""},
		"own domain failed":        {hold, Facts{Kind: format.Mail, Root: true, From: own, Auth: "fail:spf"}, Hold, format.SpoofedOwnDomain},
		"own domain nested":        {hold, Facts{Kind: format.Mail, From: own}, Build, ""},
		"look-alike domain":        {hold, Facts{Kind: format.Mail, Root: true, From: []string{"a@nottown.example.lg.jp"}}, Build, ""},
		"zip has no row":           {r, Facts{Kind: format.Zip}, Hold, format.ByPolicy},
		"stripped by policy":       {strip, Facts{Kind: format.PNG, W: 900, H: 900, Size: 1 << 20}, StripOut, format.ByPolicy},
		"held by policy":           {strip, Facts{Kind: format.CSV}, Hold, format.ByPolicy},
		"small inline picture":     {r, Facts{Kind: format.PNG, Inline: true, W: 63, H: 900, Size: 1 << 20}, StripOut, ""},
		"light inline picture":     {r, Facts{Kind: format.PNG, Inline: true, W: 64, H: 64, Size: 4096}, StripOut, ""},
		"inline picture":           {r, Facts{Kind: format.PNG, Inline: true, W: 64, H: 64, Size: 4097}, Build, ""},
		"small attached picture":   {r, Facts{Kind: format.PNG, W: 1, H: 1, Size: 70}, Build, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if d := c.rules.Choose(c.facts); d.Do != c.do || d.Reason != c.reason {
				t.Fatalf("%+v", d)
			}
		})
	}
}

func TestFor(t *testing.T) {
	p := Policy{Default: Default()}
	a, b := Default(), Default()
	a.Defang, b.Defang = "all", "mismatch"
	b.JPEGQuality = 50
	p.Overrides = []Override{{[]string{"a@x.jp"}, a}, {[]string{"@x.jp"}, b}}
	if p.For("A@X.jp").Digest() != a.Digest() || p.For("c@x.jp").Digest() != b.Digest() || p.For("c@y.jp").Digest() != Default().Digest() {
		t.Fatal("wrong override")
	}
	if a.Digest() == b.Digest() {
		t.Fatal("one digest for two rules")
	}
	for range 20 { // maps have another order each time
		if again := Default().Digest(); again != p.Default.Digest() {
			t.Fatal("two digests for equal rules")
		}
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
}

func TestCheck(t *testing.T) {
	r := Default()
	r.Kinds[format.Zip] = Text
	r.Kinds[format.PNG] = "original"
	r.Limits.Depth = 0
	r.TextCharset, r.Defang, r.Spoofed, r.JPEGQuality = "sjis", "no", "pass", 101
	err := Policy{Default: r, Overrides: []Override{{nil, Default()}}}.Check()
	for _, want := range []string{"kinds.zip", "kinds.png", "limits", "text_charset", "defang", "spoofed", "jpeg_quality", "overrides[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported in %v", want, err)
		}
	}
}
