package hypertext

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestUnmark: a sender's text cannot bear our remarks; all else stays.
func TestUnmark(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"a remark on a link", "市公式〔注意: 実際の行き先は https://a.test/ 〕です", "市公式［注意: 実際の行き先は https://a.test/ ］です"},
		{"hidden and deleted words", "〔隠された文字: x〕〔削除: 100〕200", "［隠された文字: x］［削除: 100］200"},
		{"a picture", "〔画像〕", "［画像］"},
		{"a scheme", "開く〔javascript: のリンク〕", "開く［javascript: のリンク］"},
		{"spaces and signs between", "〔 * 注　意\uFE00： x〕", "［ * 注　意\uFE00： x］"},
		{"half width", "〔ﾎﾞﾀﾝ: x〕", "［ﾎﾞﾀﾝ: x］"},
		{"over a line end", "〔\n注意: x〕", "［\n注意: x〕"},
		{"brackets that look alike", "❲注意: x❳﹝削除: y﹞〘画像〙", "［注意: x］［削除: y］［画像］"},
		{"one inside", "〔注意: 〔昭和〕 x〕〔平成〕", "［注意: ［昭和］ x］〔平成〕"},
		{"one inside another", "〔a〔注意: x〕のリンク〕", "〔a［注意: x］のリンク〕"},
		{"not closed", "〔注意: x\n〔昭和63年〕", "［注意: x\n〔昭和63年〕"},
		{"other words", "〔昭和六十三年法律第百八号〕〔以下「法」という。〕", "〔昭和六十三年法律第百八号〕〔以下「法」という。〕"},
		{"the word without the bracket", "注意: 削除 画像", "注意: 削除 画像"},
		{"cut in a character", "〔注意\xE3\x80", "［注意\xE3\x80"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := Unmark(tc.in)
			if got != tc.want {
				t.Errorf("Unmark(%q) = %q, want %q", tc.in, got, tc.want)
			}
			if again := Unmark(got); again != got {
				t.Errorf("twice: %q", again)
			}
		})
	}
}

// TestUnmarkTwice: a text of ours that comes again changes once only, and in
// nothing but brackets.
func TestUnmarkTwice(t *testing.T) {
	pieces := []string{"〔", "〕", "［", "］", "]", "注意", "削除", " のリンク", "a", "\n", "ー", "❲", "﹞", "画", "像"}
	plain := strings.NewReplacer("〔", "[", "〕", "]", "［", "[", "］", "]", "❲", "[", "﹞", "]")
	rapid.Check(t, func(rt *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 40).Draw(rt, "pieces"), "")
		one := Unmark(s)
		if two := Unmark(one); two != one {
			rt.Fatalf("%q, then %q", one, two)
		}
		if plain.Replace(one) != plain.Replace(s) {
			rt.Fatalf("%q became %q", s, one)
		}
	})
}

// TestForgedMarks: whatever a document is made of, 〔 〕 in its text are ours.
func TestForgedMarks(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"words of our own", `<a href=https://a.test/>市公式</a>〔注意: 実際の行き先は https://b.test/ 〕`,
			"市公式 <https://a.test/>［注意: 実際の行き先は https://b.test/ ］"},
		{"in pieces", "〔<b>注</b>&#x200B;<i>意</i>: x<br>〕", "［注意: x\n］"},
		{"a deletion ended early", "<del>100〕200</del>", "〔削除: 100］200〕"},
		{"a deletion begun early", "〔削除: <del>100</del>", "［削除: 〔削除: 100〕"},
		{"a button ended early", "<button>a〕b</button>", "〔ボタン: a］b〕"},
		{"in a cell", "<table border=1><tr><th>〔画像〕<th>b</table>", "［画像］ | b"},
		{"hidden", "<p>a</p><p hidden>abcd〕efgh</p>", "a\n〔隠された文字: abcd]efgh〕"},
		{"preformatted", "<pre>〔削除: 1〕</pre>", "［削除: 1］"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			res, err := Convert(tc.in, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if res.Text != tc.want {
				t.Errorf("read as %q, want %q", res.Text, tc.want)
			}
			checkText(t, res.Text)
		})
	}
}

// TestUnmarkBudget: brackets without end cost no more than a bound; from there
// on all are exchanged.
func TestUnmarkBudget(t *testing.T) {
	got := Unmark(strings.Repeat("〔a", maxMarks+2) + "〔注意")
	want := strings.Repeat("〔a", maxMarks) + "［a［a［注意"
	if got != want {
		t.Errorf("…%q", got[max(0, len(got)-40):])
	}
	if Unmark(got) != got {
		t.Error("twice differs")
	}
}
