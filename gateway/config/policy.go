package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

// maxOverrides bounds the overrides of a policy.
const maxOverrides = 1000

// rulesFile is policy.Rules as the file has it; doc is the label in differences.
type rulesFile struct {
	Kinds       map[string]string `yaml:"kinds" doc:"種類ごとの扱い"`
	Limits      limitsFile        `yaml:"limits"`
	TextCharset string            `yaml:"text_charset" doc:"テキストの文字コード"`
	TextBOM     bool              `yaml:"text_bom" doc:"テキストの先頭の印"`
	CSVCharset  string            `yaml:"csv_charset" doc:"CSV の文字コード"`
	CSVBOM      bool              `yaml:"csv_bom" doc:"CSV の先頭の印"`
	JPEGQuality int               `yaml:"jpeg_quality" doc:"JPEG の画質"`
	Pages       pagesFile         `yaml:"pages"`
	Defang      string            `yaml:"defang" doc:"リンクの無効化"`
	OwnDomains  []string          `yaml:"own_domains" doc:"団体のドメイン"`
	Spoofed     string            `yaml:"spoofed" doc:"団体のドメインを名乗る外部メール"`
}

type limitsFile struct {
	Bytes   Size     `yaml:"bytes" doc:"展開した大きさの上限"`
	Files   int64    `yaml:"files" doc:"ファイルの数の上限"`
	Depth   int      `yaml:"depth" doc:"入れ子の深さの上限"`
	Pixels  int64    `yaml:"pixels" doc:"画像 1 枚の画素数の上限（メール全体ではその 10 倍）"`
	Pages   int64    `yaml:"pages" doc:"メール全体の文書のページ数の上限"`
	Time    Duration `yaml:"time" doc:"無害化の時間の上限"`
	Output  Size     `yaml:"output" doc:"作り直したメールの大きさの上限"`
	Retain  Duration `yaml:"retain" doc:"隔離したものの保管期間"`
	Expires Duration `yaml:"expires" doc:"中継をあきらめるまでの期間"`
}

// pagesFile is how documents are drawn.
type pagesFile struct {
	Profile string `yaml:"profile" doc:"ページ画像の細かさ"`
	Shade   string `yaml:"shade" doc:"ページ画像の色"`
	Layer   bool   `yaml:"text_layer" doc:"ページ画像に重ねる見えない文字"`
}

// overrideFile is one override: recipients and the rules that differ.
type overrideFile struct {
	Recipients []string  `yaml:"recipients"`
	Rules      rulesFile `yaml:",inline"`
}

type policyFile struct {
	Default   rulesFile      `yaml:"default"`
	Overrides []overrideFile `yaml:"overrides"`
}

func fromRules(r policy.Rules) rulesFile {
	f := rulesFile{Kinds: map[string]string{}, TextCharset: r.TextCharset, TextBOM: r.TextBOM, CSVCharset: r.CSVCharset,
		CSVBOM: r.CSVBOM, JPEGQuality: r.JPEGQuality, Defang: r.Defang, OwnDomains: slices.Clone(r.OwnDomains), Spoofed: r.Spoofed}
	f.Pages = pagesFile{string(r.Pages.Profile), string(r.Pages.Shade), r.Pages.Layer}
	for k, a := range r.Kinds {
		f.Kinds[string(k)] = string(a)
	}
	l := r.Limits
	f.Limits = limitsFile{Bytes: Size(l.Bytes), Files: l.Files, Depth: l.Depth, Pixels: l.Pixels, Pages: l.Pages, Time: Duration(l.Time),
		Output: Size(l.Output), Retain: Duration(l.Retain), Expires: Duration(l.Expires)}
	return f
}

func (f rulesFile) rules() policy.Rules {
	r := policy.Rules{Kinds: map[format.Kind]policy.Action{}, TextCharset: f.TextCharset, TextBOM: f.TextBOM,
		CSVCharset: f.CSVCharset, CSVBOM: f.CSVBOM, JPEGQuality: f.JPEGQuality, Defang: f.Defang, Spoofed: f.Spoofed}
	r.Pages = policy.PageRules{Profile: policy.PageProfile(f.Pages.Profile), Shade: format.Shade(f.Pages.Shade), Layer: f.Pages.Layer}
	for k, a := range f.Kinds {
		r.Kinds[format.Kind(k)] = policy.Action(a)
	}
	for _, d := range f.OwnDomains {
		r.OwnDomains = append(r.OwnDomains, strings.ToLower(d))
	}
	l := f.Limits
	r.Limits = policy.Limits{Bytes: int64(l.Bytes), Files: l.Files, Depth: l.Depth, Pixels: l.Pixels, Pages: l.Pages, Time: time.Duration(l.Time),
		Output: int64(l.Output), Retain: time.Duration(l.Retain), Expires: time.Duration(l.Expires)}
	return r
}

// LoadPolicy reads a policy file: "default" lays over policy.Default, each of
// "overrides" over that. The error is Problems. The policy has passed its Check.
func LoadPolicy(path string) (policy.Policy, error) {
	text, err := readFile(path, maxFile+1)
	if err != nil {
		return policy.Policy{}, Problems{missing(path, "", err, "sekisho init で雛形を作れます。", "sekisho init writes a template.")}
	}
	return ParsePolicy(path, text)
}

// ParsePolicy is LoadPolicy for a text; file stands in messages.
func ParsePolicy(file string, text []byte) (policy.Policy, error) {
	// The overrides start from the default, so the text is read twice: for the
	// default rules, and again with these laid under every override.
	first := policyFile{Default: fromRules(policy.Default())}
	d := decode(file, text, &first)
	if err := d.problems.Err(); err != nil {
		return policy.Policy{}, err
	}
	d.rules("default", first.Default)
	p := policy.Policy{Default: first.Default.rules()}
	if len(first.Overrides) > maxOverrides {
		d.at("overrides", faultf("上書きが多すぎます (1000 まで)。", "there are too many overrides (1000 at most)."))
		return policy.Policy{}, d.problems
	}
	if len(first.Overrides) > 0 {
		overrides := policyFile{Default: fromRules(policy.Default())}
		decodeOver(file, text, &overrides, under(first.Default))
		for i, o := range overrides.Overrides {
			key := fmt.Sprintf("overrides[%d]", i)
			d.rules(key, o.Rules)
			d.recipients(key, o, overrides.Overrides[:i])
			p.Overrides = append(p.Overrides, policy.Override{Recipients: lower(o.Recipients), Rules: o.Rules.rules()})
		}
	}
	if err := d.problems.Err(); err != nil {
		return policy.Policy{}, err
	}
	if err := p.Check(); err != nil { // what the table above does not know
		return policy.Policy{}, Problems{{File: file, JA: "方針として使えません: " + err.Error(), EN: "the policy is not possible: " + err.Error()}}
	}
	return p, nil
}

// under makes overrides start from base.
func under(base rulesFile) func(reflect.Value) {
	return func(v reflect.Value) {
		if o, ok := v.Addr().Interface().(*overrideFile); ok {
			o.Rules = base
			o.Rules.Kinds = maps.Clone(base.Kinds)
			o.Rules.OwnDomains = slices.Clone(base.OwnDomains)
		}
	}
}

func lower(in []string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = strings.ToLower(s)
	}
	return out
}

// at notes a fault of a key.
func (d *decoder) at(key string, err error) {
	ja, en := sentences(err)
	p := Problem{File: d.file, Key: key, JA: ja, EN: en}
	if at, ok := d.places[key]; ok {
		p.Line, p.Column = at.line, at.column
	}
	if len(d.problems) < maxFaults {
		d.problems = append(d.problems, d.show(p))
	}
}

// rules notes every fault of the rules at key.
func (d *decoder) rules(key string, f rulesFile) {
	known := map[string]bool{}
	var list []string
	for _, k := range format.Kinds() {
		known[string(k)] = true
		list = append(list, string(k))
	}
	for _, k := range slices.Sorted(maps.Keys(f.Kinds)) {
		where := join(join(key, "kinds"), k)
		possible := slices.Concat(policy.Choices(format.Kind(k)), []policy.Action{policy.Quarantine, policy.Strip})
		switch {
		case !known[k]:
			ja, en := unknownKind(k, list)
			d.at(where, fault{ja, en})
		case !slices.Contains(possible, policy.Action(f.Kinds[k])):
			d.at(where, faultf("%s に「%s」はできません。次のどれかを書いてください: %s。", "%s cannot be treated with %q; write one of: %s.",
				k, f.Kinds[k], words(possible)))
		}
	}
	d.limits(join(key, "limits"), f.Limits)
	d.oneOf(join(key, "text_charset"), f.TextCharset, "utf-8", "cp932")
	d.oneOf(join(key, "csv_charset"), f.CSVCharset, "utf-8", "cp932")
	d.oneOf(join(key, "pages.profile"), f.Pages.Profile, "small", "standard", "fine")
	d.oneOf(join(key, "pages.shade"), f.Pages.Shade, "auto", "gray", "mono")
	d.oneOf(join(key, "defang"), f.Defang, "mismatch", "all")
	d.oneOf(join(key, "spoofed"), f.Spoofed, "warn", "hold")
	if f.JPEGQuality < 1 || f.JPEGQuality > 100 {
		d.at(join(key, "jpeg_quality"), faultf("%d とは書けません。1 から 100 の数を書いてください。", "%d is not possible; write 1 to 100.", f.JPEGQuality))
	}
	for i, o := range f.OwnDomains {
		if err := checkDomain(o); err != nil {
			d.at(fmt.Sprintf("%s[%d]", join(key, "own_domains"), i), err)
		}
	}
}

func unknownKind(k string, list []string) (ja, en string) {
	if near := nearest(k, list); near != "" {
		return fmt.Sprintf("「%s」という種類はありません。%s の書き誤りではありませんか。", k, near), fmt.Sprintf("there is no kind %q; did you mean %s?", k, near)
	}
	return fmt.Sprintf("「%s」という種類はありません。書ける種類: %s。", k, strings.Join(list, ", ")),
		fmt.Sprintf("there is no kind %q; possible: %s.", k, strings.Join(list, ", "))
}

func words(as []policy.Action) string {
	var out []string
	for _, a := range as {
		out = append(out, string(a))
	}
	return strings.Join(out, ", ")
}

func (d *decoder) oneOf(key, value string, possible ...string) {
	if !slices.Contains(possible, value) {
		d.at(key, faultf("「%s」とは書けません。次のどれかを書いてください: %s。", "%q is not possible; write one of: %s.", value, strings.Join(possible, ", ")))
	}
}

// limits notes limits that hold everything, or nothing.
func (d *decoder) limits(key string, l limitsFile) {
	for _, c := range []struct {
		name          string
		n, low, high  int64
		lowest, upper string
	}{
		{"bytes", int64(l.Bytes), 1 << 10, 4 << 30, "1KB", "4GB"},
		{"files", l.Files, 1, 100_000, "1", "100000"},
		{"depth", int64(l.Depth), 1, 32, "1", "32"},
		{"pixels", l.Pixels, 1, 500_000_000, "1", "500000000"},
		{"pages", l.Pages, 1, 100_000, "1", "100000"},
		{"time", int64(l.Time), int64(time.Second), int64(time.Hour), "1s", "1h"},
		{"output", int64(l.Output), 64 << 10, 1 << 30, "64KB", "1GB"},
		{"retain", int64(l.Retain), int64(day), int64(3660 * day), "1d", "3660d"},
		{"expires", int64(l.Expires), int64(time.Hour), int64(60 * day), "1h", "60d"},
	} {
		if c.n < c.low || c.n > c.high {
			d.at(join(key, c.name), faultf("この上限は %s から %s の間にしてください。", "this limit must lie between %s and %s.", c.lowest, c.upper))
		}
	}
}

// recipients notes faults of an override's recipients; one that an earlier
// override has would never count here.
func (d *decoder) recipients(key string, o overrideFile, earlier []overrideFile) {
	if len(o.Recipients) == 0 {
		d.at(key, faultf("宛先 (recipients) がありません。この上書きを使う宛先を書いてください。", "there are no recipients; write whom the override is for."))
	}
	for i, a := range o.Recipients {
		where := fmt.Sprintf("%s.recipients[%d]", key, i)
		if err := checkRecipient(a); err != nil {
			d.at(where, err)
			continue
		}
		for _, e := range earlier {
			if slices.ContainsFunc(e.Recipients, func(r string) bool { return strings.EqualFold(r, a) }) {
				d.at(where, faultf("「%s」は前の上書きにもあります。最初のものだけが使われるので、どちらかを消してください。",
					"%q stands in an earlier override, which alone counts; delete one of them.", a))
				break
			}
		}
	}
}
