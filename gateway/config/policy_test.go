package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sekisho/configs"
	"sekisho/sanitize/policy"
)

func TestTemplateIsTheDefaultPolicy(t *testing.T) {
	p, err := ParsePolicy("policy.yaml", []byte(configs.Policy))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(policy.Policy{Default: policy.Default()}, p); d != "" {
		t.Errorf("-default +template:\n%s", d)
	}
}

func TestOverridesLayOverDefault(t *testing.T) {
	p, err := ParsePolicy("p", []byte(`
default:
  csv_charset: cp932
  own_domains: [Town.example.lg.jp]
  kinds: {gif: quarantine, pdf: strip}
overrides:
  - recipients: [A@town.example.lg.jp, "@kyouiku.example.lg.jp"]
    csv_bom: false
    limits: {output: 20MB}
    kinds: {png: strip}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Default()
	want.CSVCharset, want.OwnDomains = "cp932", []string{"town.example.lg.jp"}
	want.Kinds["gif"], want.Kinds["pdf"] = policy.Quarantine, policy.Strip
	if d := cmp.Diff(want, p.Default); d != "" {
		t.Errorf("default:\n%s", d)
	}
	want.CSVBOM, want.Limits.Output, want.Kinds["png"] = false, 20<<20, policy.Strip
	if d := cmp.Diff(want, p.For("a@TOWN.example.lg.jp")); d != "" {
		t.Errorf("override:\n%s", d)
	}
	if d := cmp.Diff(want, p.For("x@kyouiku.example.lg.jp")); d != "" {
		t.Errorf("domain:\n%s", d)
	}
	if p.Default.Kinds["png"] != policy.Image {
		t.Error("an override changed the default")
	}
}
