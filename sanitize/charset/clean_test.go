package charset

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"pgregory.net/rapid"
)

func TestCleanText(t *testing.T) {
	cases := []struct {
		name, in string
		keep     Keep
		want     string
		count    Cleaned
	}{
		{"plain", "Hello", KeepNothing, "Hello", Cleaned{}},
		{"Japanese", "会議　資料①ｱﾞ", KeepNothing, "会議　資料①ｱﾞ", Cleaned{}},
		{"not normalized", "神が\u304b\u3099", KeepNothing, "神が\u304b\u3099", Cleaned{}},
		{"compatibility kanji stay", "\ufa19\ufa11", KeepNothing, "\ufa19\ufa11", Cleaned{}},
		{"line ends", "a\r\nb\rc\nd\u2028e\u2029f\u0085g\vh\fi", KeepLines, "a\nb\nc\nd\ne\nf\ng\nh\ni", Cleaned{}},
		{"CR LF LF", "a\r\n\nb\r\r\n", KeepLines, "a\n\nb\n\n", Cleaned{}},
		{"one line", "a\r\n\tb\n", KeepNothing, "a b ", Cleaned{}},
		{"tab", "a\tb", KeepLines, "a\tb", Cleaned{}},
		{"controls", "a\x00b\x1bc\x7fd\u0080e\u009bf\x08", KeepLines, "abcdef", Cleaned{Control: 6}},
		{"name turned around", "report\u202efdp.exe", KeepNothing, "reportfdp.exe", Cleaned{Bidi: 1}},
		{"all bidi", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061cx", KeepLines, "x", Cleaned{Bidi: 12}},
		{"zero width", "a\u200bb\ufeffc\u2060d\u00ade", KeepLines, "abcde", Cleaned{Invisible: 4}},
		{"tag characters", "x\U000e0001\U000e0041\U000e007f", KeepLines, "x", Cleaned{Invisible: 3}},
		{"Hangul fillers", "\u115f\u1160\u3164\uffa0x", KeepLines, "x", Cleaned{Invisible: 4}},
		{"IVS", "葛\U000e0100飾", KeepLines, "葛\U000e0100飾", Cleaned{}},
		{"text and emoji selectors", "☎\ufe0e❤\ufe0f", KeepLines, "☎\ufe0e❤\ufe0f", Cleaned{}},
		{"selectors as hidden bytes", "x\ufe00\ufe01\U000e0100\U000e0101", KeepLines, "x", Cleaned{Invisible: 4}},
		{"selectors behind kana", "あ\U000e0101い\ufe01ア\ufe0f", KeepLines, "あいア", Cleaned{Invisible: 3}},
		{"variants of kanji and signs", "辻\U000e0101神\ufe00∩\ufe00々\U000e0100", KeepLines, "辻\U000e0101神\ufe00∩\ufe00々\U000e0100", Cleaned{}},
		{"emoji of signs and digits", "1\ufe0f\u20e3©\ufe0fℹ\ufe0f㊗\ufe0f", KeepLines, "1\ufe0f\u20e3©\ufe0fℹ\ufe0f㊗\ufe0f", Cleaned{}},
		{"marks piled up", "a" + strings.Repeat("\u0301", 2000) + "b\u0301", KeepLines, "a" + strings.Repeat("\u0301", 8) + "b\u0301", Cleaned{Invisible: 1992}},
		{"marks of many letters", strings.Repeat("か\u3099", 20), KeepLines, strings.Repeat("か\u3099", 20), Cleaned{}},
		{"selector behind a space", " \ufe00", KeepLines, " ", Cleaned{Invisible: 1}},
		{"selector at the start", "\ufe00x", KeepLines, "x", Cleaned{Invisible: 1}},
		{"emoji family", "👩\u200d👧", KeepLines, "👩\u200d👧", Cleaned{}},
		{"emoji with selector", "❤\ufe0f\u200d🔥", KeepLines, "❤\ufe0f\u200d🔥", Cleaned{}},
		{"joiner between letters", "a\u200db会\u200d議", KeepLines, "ab会議", Cleaned{Invisible: 2}},
		{"joiner in Devanagari", "क\u094d\u200dष", KeepLines, "क\u094d\u200dष", Cleaned{}},
		{"non-joiner in Persian", "می\u200cخواهم", KeepLines, "می\u200cخواهم", Cleaned{}},
		{"gaiji", "\ue000\ue757", KeepLines, "\ue000\ue757", Cleaned{}},
		{"noncharacters", "a\ufffe\uffff\ufdd0\U0001fffeb", KeepLines, "a\ufffd\ufffd\ufffd\ufffdb", Cleaned{Control: 4}},
		{"replacement character", "a\ufffdb", KeepLines, "a\ufffdb", Cleaned{}},
		{"invalid bytes", "a\xff\xe3b", KeepLines, "a\ufffd\ufffdb", Cleaned{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, count := CleanText(c.in, c.keep)
			if got != c.want || count != c.count {
				t.Errorf("%q\n got %q %+v\nwant %q %+v", c.in, got, count, c.want, c.count)
			}
		})
	}
}

// hostileRune draws mostly characters that CleanText has something to say about.
func hostileRune() *rapid.Generator[rune] {
	return rapid.OneOf(rapid.RuneFrom([]rune("a会👩क \t\r\n\x00\x1b\u200b\u200c\u200d\u202e\ufe0f\u180b\u061c\ufeff\u2028\U000e0100\U000e0041❤\ufffe")), rapid.Rune())
}

func TestCleanTextTwiceChangesNothingMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringOf(hostileRune()).Draw(t, "in")
		keep := rapid.SampledFrom([]Keep{KeepNothing, KeepLines}).Draw(t, "keep")
		once, _ := CleanText(in, keep)
		twice, count := CleanText(once, keep)
		if twice != once || count != (Cleaned{}) {
			t.Errorf("%q: once %q, twice %q %+v", in, once, twice, count)
		}
		if !utf8.ValidString(once) || len(once) > 3*len(in) {
			t.Errorf("%q: %q", in, once)
		}
	})
}

func TestEncodeCP932(t *testing.T) {
	cases := []struct {
		name, in, want string
		lost           int
	}{
		{"ASCII", "a,b\r\n\\~", "a,b\r\n\\~", 0},
		{"Japanese", "会議ｱ、", "\x89\xef\x8bc\xb1\x81\x41", 0},
		{"vendor", "①㈱髙﨑", "\x87\x40\x87\x8a\xfb\xfc\xfa\xb1", 0},
		{"twins", "〜−‖—¢£¬¦¥‾·", "\x81\x60\x81\x7c\x81\x61\x81\x5c\x81\x91\x81\x92\x81\xca\xfa\x55\x81\x8f\x81\x50\x81\x45", 0},
		{"CP932's own", "～－∥―￠￡￢", "\x81\x60\x81\x7c\x81\x61\x81\x5c\x81\x91\x81\x92\x81\xca", 0},
		{"spaces and hyphens", "a\u00a0b\u2011c", "a b\x81\x5dc", 0},
		{"decomposed kana", "か\u3099は\u309aヴウ\u3099", "\x82\xaa\x82\xcf\x83\x94\x83\x94", 0},
		{"mark with nothing to join", "あ\u3099", "\x82\xa0\x81\xac", 1},
		{"gaiji", "\ue000\ue757", "\xf0\x40\xf9\xfc", 0},
		{"behind the gaiji", "\ue758", "\x81\xac", 1},
		{"older form", "鷗𠮟", "\x89\xa8\x8e\xb6", 2},
		{"nothing like it", "𠮷한👩", "\x81\xac\x81\xac\x81\xac", 3},
		{"variation selector", "葛\U000e0100", "\x8a\x8b", 1},
		{"U+0080", "\u0080", "\x81\xac", 1},
		{"invalid byte", "a\xffb", "a\x81\xacb", 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, lost := EncodeCP932(c.in)
			if string(got) != c.want || lost != c.lost {
				t.Errorf("%q: % x lost %d, want % x lost %d", c.in, got, lost, c.want, c.lost)
			}
		})
	}
}

// TestCP932RoundTrip writes every character that CP932 has and reads it back.
func TestCP932RoundTrip(t *testing.T) {
	n := 0
	for _, u := range append(tables().cp932.from(1), 0xE000, 0xE123, 0xE757) {
		if u == 0 {
			continue
		}
		n++
		out, lost := EncodeCP932(string(rune(u)))
		if got := Decode(nameShiftJIS, out).Text; lost != 0 || got != string(rune(u)) {
			t.Errorf("U+%04X: % x reads %q, lost %d", u, out, got, lost)
		}
	}
	if n < 7000 {
		t.Errorf("only %d characters", n)
	}
}

func TestEncodeCP932ReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.String().Draw(t, "in")
		out, _ := EncodeCP932(in)
		if len(out) > 2*len(in) {
			t.Errorf("%q: %d bytes", in, len(out))
		}
		if _, err := japanese.ShiftJIS.NewDecoder().Bytes(out); err != nil {
			t.Errorf("%q: %v", in, err)
		}
		w := writer{}
		if decodeShiftJIS(&w, out); w.replaced != 0 {
			t.Errorf("%q: % x is not CP932", in, out)
		}
	})
}

// TestOrdinaryIsShort: what ordinary passes over, the long way writes as it is.
func TestOrdinaryIsShort(t *testing.T) {
	for r := rune(0); r <= 0x10FFFF; r++ {
		s := string(r)
		if ordinary(s) == 0 {
			continue
		}
		c := cleaner{keep: KeepLines, last: 'x', cr: true}
		c.rune(r, "")
		if c.out.String() != s || c.count != (Cleaned{}) || c.cr || c.last != r {
			t.Errorf("%U is not as ordinary as it seems", r)
		}
	}
}
