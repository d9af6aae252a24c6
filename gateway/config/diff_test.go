package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

// rules draws rules that pass their check.
func rules(t *rapid.T) policy.Rules {
	f := fromRules(policy.Default())
	for _, k := range rapid.SliceOfDistinct(rapid.SampledFrom(format.Kinds()), rapid.ID).Draw(t, "kinds") {
		possible := slices.Concat(policy.Choices(k), []policy.Action{policy.Quarantine, policy.Strip})
		f.Kinds[string(k)] = string(rapid.SampledFrom(possible).Draw(t, "action"))
	}
	f.Limits.Bytes = Size(rapid.Int64Range(1<<10, 4<<30).Draw(t, "bytes"))
	f.Limits.Retain = Duration(rapid.Int64Range(int64(day), int64(3660*day)).Draw(t, "retain"))
	f.JPEGQuality = rapid.IntRange(1, 100).Draw(t, "quality")
	f.CSVBOM = rapid.Bool().Draw(t, "bom")
	f.CSVCharset = rapid.SampledFrom([]string{"utf-8", "cp932"}).Draw(t, "charset")
	f.OwnDomains = rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,8}\.lg\.jp`), 0, 3).Draw(t, "domains")
	return f.rules()
}

// show writes a policy as a file that ParsePolicy must read back as the same
// policy: the default in full, of each override what differs from it.
func show(p policy.Policy) string {
	var b strings.Builder
	base := entries(fromRules(p.Default))
	b.WriteString("default:\n")
	showRules(&b, "  ", base)
	if len(p.Overrides) == 0 {
		b.WriteString("overrides: []\n")
		return b.String()
	}
	b.WriteString("overrides:\n")
	for _, o := range p.Overrides {
		fmt.Fprintf(&b, "  - recipients: %s\n", flow(o.Recipients))
		showRules(&b, "    ", slices.DeleteFunc(entries(fromRules(o.Rules)), func(e entry) bool { return slices.Contains(base, e) }))
	}
	return b.String()
}

// showRules writes entries, whose paths have one or two steps, under headings.
func showRules(b *strings.Builder, margin string, es []entry) {
	group := ""
	for _, e := range es {
		above, name, nested := strings.Cut(e.key, ".")
		if !nested {
			fmt.Fprintf(b, "%s%s: %s\n", margin, e.key, e.text)
			continue
		}
		if above != group {
			fmt.Fprintf(b, "%s%s:\n", margin, above)
			group = above
		}
		fmt.Fprintf(b, "%s  %s: %s\n", margin, name, e.text)
	}
}

// TestShownPolicyReadsBack: what show writes is the policy that it was given,
// and Diff finds none between them and some between different ones.
func TestShownPolicyReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policy.Policy{Default: rules(t)}
		for _, a := range rapid.SliceOfNDistinct(rapid.StringMatching(`([a-z.-]{0}|[a-z]{1,5})@[a-z]{1,5}\.lg\.jp`), 0, 3, rapid.ID).Draw(t, "recipients") {
			o := rules(t)
			if len(o.OwnDomains) == 0 { // an override cannot take the default's away without naming others
				o.OwnDomains = p.Default.OwnDomains
			}
			for k := range p.Default.Kinds { // nor a kind
				if _, ok := o.Kinds[k]; !ok {
					o.Kinds[k] = p.Default.Kinds[k]
				}
			}
			p.Overrides = append(p.Overrides, policy.Override{Recipients: []string{a}, Rules: o})
		}
		text := show(p)
		got, err := ParsePolicy("shown", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if d := cmp.Diff(p, got); d != "" || got.Digest() != p.Digest() {
			t.Fatalf("%s\n%s", d, text)
		}
		if d := Diff(p, got); len(d) != 0 {
			t.Fatalf("differences of equal policies: %v", d)
		}
		other := policy.Policy{Default: rules(t)}
		if d := Diff(p, other); (len(d) == 0) != (p.Digest() == other.Digest()) {
			t.Fatalf("digests and differences disagree: %v", d)
		}
	})
}

func TestDiff(t *testing.T) {
	read := func(s string) policy.Policy {
		p, err := ParsePolicy("p", []byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a := read("default: {csv_charset: cp932}\noverrides:\n  - recipients: [a@x.lg.jp]\n    csv_bom: false\n  - recipients: [c@x.lg.jp]\n")
	b := read("default: {limits: {output: 20MB}, kinds: {png: quarantine, pdf: strip}}\noverrides:\n  - recipients: [b@x.lg.jp]\n    defang: all\n  - recipients: [c@x.lg.jp]\n    kinds: {png: image}\n")
	want := `default.csv_charset (CSV の文字コード): cp932 → utf-8
default.kinds.pdf (pdf の扱い): image → strip
default.kinds.png (png の扱い): image → quarantine
default.limits.output (作り直したメールの大きさの上限): 50MB → 20MB
overrides [a@x.lg.jp]: 上書きがなくなります / removed
overrides [b@x.lg.jp]: 新しい上書きです / added
overrides [b@x.lg.jp].defang (リンクの無効化): mismatch → all
overrides [c@x.lg.jp].csv_charset (CSV の文字コード): cp932 → utf-8
overrides [c@x.lg.jp].kinds.pdf (pdf の扱い): image → strip
overrides [c@x.lg.jp].limits.output (作り直したメールの大きさの上限): 50MB → 20MB`
	if d := cmp.Diff(want, strings.Join(Diff(a, b), "\n")); d != "" {
		t.Error(d)
	}
	two := read("overrides:\n  - {recipients: [a@x.lg.jp], defang: all}\n  - {recipients: [\"@x.lg.jp\"], csv_bom: false}\n")
	turned := policy.Policy{Default: two.Default, Overrides: []policy.Override{two.Overrides[1], two.Overrides[0]}}
	if d := Diff(two, turned); len(d) != 1 || !strings.Contains(d[0], "順番") {
		t.Errorf("order: %v", d)
	}
}
