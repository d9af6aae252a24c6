package text

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// modelUnits, and the expressions below, say the grammars of
// formula_number.go a second time; both must agree on every string.
const modelUnits = `円|千円|万円|百万円|億円|ドル|件|人|名|点|個|回|歳|年|月|日|時間|分|秒|度|℃|㎡|㎏|㎞`

// signedModels are the grammars as regular expressions, with their readers.
var signedModels = []struct {
	name  string
	model *regexp.Regexp
	reads func(string) bool
}{
	{"number", regexp.MustCompile(`^[+-] ?[¥$€£\\]? ?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})? ?(?:[%‰]|` + modelUnits + `)?$`), signedNumber},
	{"clock", regexp.MustCompile(`^[+-]\d{1,3}:\d{2}(?::\d{2}(?:\.\d+)?)?$`), signedClock},
	{"phone", regexp.MustCompile(`^\+\d[\d ().-]{4,28}$`), phoneNumber},
	{"signs", regexp.MustCompile(`^[+-]{1,40}$`), onlySigns},
}

// signedSeeds stand at the edges of the grammars.
var signedSeeds = []string{
	"", "+", "-", "+-", "+ ¥ 1", "+  1", "+   1", "+¥¥1", `-\1`, "-$1,234", "-1,23", "-1234,567", "-1,2345", "-1,234,567.", "-1,234,",
	"+.", "+.5", "+5.", "+5.e1", "+.5e-1234", "+1e12345", "+1e", "+1E+", "+1 %", "+1  %", "+1‰", "+1百万円", "+1 百円", "+1円円", "-1℃\n",
	"+1:00", "+1234:00", "+1:0", "+1:000", "+1:00:00", "+1:00:00.", "+1:00:00.5", "+1:00:00.5x", "-1:00:", "+1:00:0", ":00",
	"+81 (3) 1234-5678", "+81 3", "+81234", "+8123", "-81 (3) 1", "+(81) 3 1234", "+1\xff", "+\xc2", "-1\xe5\x86",
	strings.Repeat("-", 40), strings.Repeat("-", 41), "+" + strings.Repeat("1-", 14) + "1", "+" + strings.Repeat("1-", 15),
	"+" + strings.Repeat("1-", 15) + "1", "+1" + strings.Repeat("-", 28), "+1" + strings.Repeat("-", 29),
}

// signedAgree fails t when a reader and its model differ on s.
func signedAgree(t interface{ Fatalf(string, ...any) }, s string) {
	any := false
	for _, m := range signedModels {
		want := m.model.MatchString(s)
		any = any || want
		if got := m.reads(s); got != want {
			t.Fatalf("%s of %q: read %v, model %v", m.name, s, got, want)
		}
	}
	if got := harmless(s); got != any {
		t.Fatalf("harmless of %q: %v, models %v", s, got, any)
	}
}

func TestSignedCellsAgreeWithTheModel(t *testing.T) {
	units := append(strings.Split(modelUnits, "|"), "%", "‰", "百円", "x")
	for _, s := range signedSeeds {
		signedAgree(t, s)
	}
	for _, u := range units {
		signedAgree(t, "+1"+u)
		signedAgree(t, "-1.5 "+u)
	}
	for r := rune(0); r <= 0x33FF; r++ { // up to the units in one square
		if r == 0x500 {
			r = 0x2000 // only letters between them
		}
		for _, around := range [...][2]string{{"+", "1"}, {"+1", ""}, {"+1", "00"}, {"", "1"}, {"+12345", "6"}} {
			signedAgree(t, around[0]+string(r)+around[1])
		}
	}
}

func TestSignedCellsMutatedAgreeWithTheModel(t *testing.T) {
	alphabet := rapid.SampledFrom(append(strings.Split("+-0123456789 ¥$€£\\,.eE%‰:()円千万百億ドル件時間℃x\n", ""), "\xff", "\xe5", "\xc2"))
	whole := make([]*rapid.Generator[string], 0, len(signedModels)+1)
	for _, m := range signedModels {
		whole = append(whole, rapid.StringMatching(m.model.String()))
	}
	whole = append(whole, rapid.SampledFrom(signedSeeds))
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(whole...).Draw(t, "whole")
		signedAgree(t, s)
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(s)).Draw(t, "at")
			end := min(len(s), at+rapid.IntRange(0, 1).Draw(t, "gone"))
			s = s[:at] + rapid.OneOf(alphabet, rapid.Just("")).Draw(t, "new") + s[end:]
			signedAgree(t, s)
		}
	})
}

func FuzzSignedCells(f *testing.F) {
	for _, s := range signedSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { signedAgree(t, s) })
}

// TestBeginsIsShort: what begins takes for harmless, the long way does as well.
func TestBeginsIsShort(t *testing.T) {
	n := 0
	for r := rune(1); r <= unicode.MaxRune; r++ {
		s := string(r)
		if s == "\uFFFD" || !begins(s) {
			continue
		}
		n++
		if unseen(r) || narrow(r) != r || strings.ContainsRune("=@|+-\t\r\n", r) {
			t.Errorf("%U is not as harmless as begins says", r)
		}
	}
	if n < 21_000 {
		t.Errorf("begins knows %d characters", n)
	}
}
