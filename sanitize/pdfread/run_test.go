package pdfread

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// set places the letters of a string one after the other from x, y (the middle
// of the line), 10 points wide each, in a direction in degrees clockwise.
func set(s string, x, y, degrees float64) []letter {
	var all []letter
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	for i, r := range []rune(s) {
		cx, cy := x+(10*float64(i)+5)*cos, y+(10*float64(i)+5)*sin
		all = append(all, place(r, cx, cy, degrees))
	}
	return all
}

// place puts one letter of 10 by 10 points around a middle.
func place(r rune, cx, cy, degrees float64) letter {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	half := 5 * (math.Abs(sin) + math.Abs(cos))
	return letter{pdfium.Char{Rune: r, Size: 10, Angle: float32(math.Mod(degrees+360, 360) * math.Pi / 180),
		Box: pdfium.Rect{Left: float32(cx - half), Top: float32(cy - half), Right: float32(cx + half), Bottom: float32(cy + half)}}, r == ' '}
}

// down places letters below each other.
func down(s string, x, y float64) []letter {
	var all []letter
	for i, r := range []rune(s) {
		all = append(all, place(r, x, y+10*float64(i), 0))
	}
	return all
}

func reversed(l []letter) []letter {
	var all []letter
	for i := range l {
		all = append(all, l[len(l)-1-i])
	}
	return all
}

func join(parts ...[]letter) []letter {
	var all []letter
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func TestLayOut(t *testing.T) {
	for _, test := range []struct {
		name    string
		letters []letter
		want    []ir.Run
	}{
		{"nothing", nil, nil},
		{"blanks alone", set("   ", 0, 0, 0), nil},
		{"a line", set("abc", 100, 50, 0), []ir.Run{{X: 100_000, Y: 146_200, Length: 30_000, Size: 10_000, S: "abc"}}},
		{"blanks within and behind", set("a b ", 100, 50, 0), []ir.Run{{X: 100_000, Y: 146_200, Length: 30_000, Size: 10_000, S: "a b"}}},
		{"upwards", set("ab", 100, 50, 270), []ir.Run{{X: 103_800, Y: 150_000, Length: 20_000, Size: 10_000, Angle: 90, S: "ab"}}},
		{"overhead", set("ab", 100, 50, 180), []ir.Run{{X: 100_000, Y: 153_800, Length: 20_000, Size: 10_000, Angle: 180, S: "ab"}}},
		{"far apart", join(set("ab", 0, 50, 0), set("cd", 90, 50, 0)), []ir.Run{{X: 0, Y: 146_200, Length: 20_000, Size: 10_000, S: "ab"}, {X: 90_000, Y: 146_200, Length: 20_000, Size: 10_000, S: "cd"}}},
		{"two lines", join(set("ab", 0, 50, 0), set("cd", 0, 65, 0)), []ir.Run{{X: 0, Y: 146_200, Length: 20_000, Size: 10_000, S: "ab"}, {X: 0, Y: 131_200, Length: 20_000, Size: 10_000, S: "cd"}}},
		{"upright and down", down("縦書き", 50, 50), []ir.Run{{X: 46_200, Y: 155_000, Length: 30_000, Size: 10_000, Angle: 270, S: "縦書き"}}},
		{"Latin letters below each other are lines", down("abc", 50, 50), []ir.Run{
			{X: 45_000, Y: 146_200, Length: 10_000, Size: 10_000, S: "a"}, {X: 45_000, Y: 136_200, Length: 10_000, Size: 10_000, S: "b"}, {X: 45_000, Y: 126_200, Length: 10_000, Size: 10_000, S: "c"}}},
		{"down, given from the end", reversed(down("縦書き", 50, 50)), []ir.Run{{X: 46_200, Y: 155_000, Length: 30_000, Size: 10_000, Angle: 270, S: "縦書き"}}},
		{"given from the end", reversed(set("back", 100, 50, 180)), []ir.Run{{X: 100_000, Y: 153_800, Length: 40_000, Size: 10_000, Angle: 180, S: "back"}}},
		{"columns from the left", join(down("二行", 50, 50), down("一行", 70, 50)), []ir.Run{
			{X: 66_200, Y: 155_000, Length: 20_000, Size: 10_000, Angle: 270, S: "一行"}, {X: 46_200, Y: 155_000, Length: 20_000, Size: 10_000, Angle: 270, S: "二行"}}},
		{"tiers stay", join(down("一二", 50, 50), down("三四", 70, 150)), []ir.Run{
			{X: 46_200, Y: 155_000, Length: 20_000, Size: 10_000, Angle: 270, S: "一二"}, {X: 66_200, Y: 55_000, Length: 20_000, Size: 10_000, Angle: 270, S: "三四"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, layOut(test.letters, 200_000)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLayOutKeepsLetters: in whatever places letters stand, each comes out
// once, and no run breaks the rules of the wall.
func TestLayOutKeepsLetters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(t, "n")
		var all []letter
		want := map[rune]int{}
		for range n {
			r := rapid.SampledFrom([]rune("ab字行。 ")).Draw(t, "r")
			l := place(r, rapid.Float64Range(-50, 500).Draw(t, "x"), rapid.Float64Range(-50, 500).Draw(t, "y"), float64(rapid.SampledFrom([]int{0, 0, 0, 90, 180, 270, 33}).Draw(t, "a")))
			all = append(all, l)
			if r != ' ' {
				want[r]++
			}
		}
		got := map[rune]int{}
		for _, run := range layOut(all, 842_000) {
			for _, r := range strings.ReplaceAll(run.S, " ", "") {
				got[r]++
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestClean(t *testing.T) {
	for r, want := range map[rune]rune{'a': 'a', '髙': '髙', 0x20B9F: 0x20B9F, 2: '-', 0xFFFE: '-', 0xAD: '-', 0xA0: ' ', '\t': ' ', '\r': '\n', 0x2028: '\n',
		0: 0, 7: 0, 0x202E: 0, 0x2066: 0, 0xFEFF: 0, 0xFFFD: 0, 0xE0041: 0, 0xFDD0: 0, -1: 0} {
		got, ok := clean(pdfium.Char{Rune: r})
		if got != want || ok != (want != 0) {
			t.Errorf("%U: %U %v, want %U", r, got, ok, want)
		}
	}
}
