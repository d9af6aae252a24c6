package pdfread

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// agrees compares what is decided of a page with the model's decisions.
func agrees(t *testing.T, on canvas, chars []pdfium.Char) {
	t.Helper()
	got, plane := count(on.Pixels, nil)
	if want := modelCount(on.Pixels); got != want {
		t.Errorf("count %+v, the model %+v", got, want)
	}
	for _, to := range []ir.Samples{ir.Gray1, ir.Gray4, ir.Gray8, ir.RGB8} {
		for _, dither := range []bool{false, true} {
			k, m := newPacker(on.Pixels, plane, to, dither), newModelPacker(on.Pixels, to, dither)
			for y := range on.H {
				if got, want := k.pack(y), m.pack(y); !bytes.Equal(got, want) {
					t.Fatalf("%s, row %d: %x, the model %x", to, y, got, want)
				}
			}
		}
	}
	for i, ch := range chars {
		if got, want := on.look(ch), modelCanvas(on).look(ch); got != want {
			t.Errorf("character %d, %+v: %d, the model %d", i, ch, got, want)
		}
	}
}

// TestModelOnDocuments: the samples and, where there is one, the corpus.
func TestModelOnDocuments(t *testing.T) {
	files, err := filepath.Glob("testdata/*.pdf")
	if err != nil {
		t.Fatal(err)
	}
	if root := os.Getenv("SEKISHO_CORPUS"); root != "" {
		for _, row := range corpusRows {
			files = append(files, filepath.Join(root, row.path))
		}
	}
	if len(files) == 0 {
		t.Fatal("no documents")
	}
	e := dressed(t)
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := e.Open(data, "")
		if err != nil {
			continue // held: TestCorpus has it
		}
		for n := range min(doc.Pages(), 3) {
			t.Run(fmt.Sprintf("%s/%d", filepath.Base(name), n+1), func(t *testing.T) { documentAgrees(t, doc, n) })
		}
		if err := doc.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func documentAgrees(t *testing.T, doc *pdfium.Document, n int) {
	page, err := doc.Page(n)
	if err != nil {
		return
	}
	defer page.Close()
	w, h := page.Size()
	s, err := measure(w, h, 75, 1_000_000)
	if err != nil {
		return
	}
	c, pix, err := (&reading{tree: &tree{}}).see(page, 0, s)
	if err != nil {
		return
	}
	agrees(t, canvas{pix, float64(s.px) / float64(w), float64(s.py) / float64(h)}, c.text.Chars)
}

// TestModelOnPages: pages of chance, of few colours and many, and characters
// wherever.
func TestModelOnPages(t *testing.T) {
	for seed := range uint64(150) {
		chance := rand.New(rand.NewPCG(seed, 7))
		on := randomPage(chance)
		chars := make([]pdfium.Char, 60)
		for i := range chars {
			chars[i] = randomChar(chance, on)
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { agrees(t, on, chars) })
	}
}

func randomPage(chance *rand.Rand) canvas {
	colours := make([]uint32, 1+chance.IntN(5))
	for i := range colours {
		switch chance.IntN(4) {
		case 0:
			colours[i] = 0xFFFFFF
		case 1:
			colours[i] = uint32(chance.IntN(256)) * 0x010101
		default:
			colours[i] = chance.Uint32() & 0xFFFFFF
		}
	}
	run, noise := 1+chance.IntN(60), chance.IntN(3)*chance.IntN(20)
	at, left := colours[0], 0
	p := paint(1+chance.IntN(90), 1+chance.IntN(60), func(int, int) (uint8, uint8, uint8) {
		if left--; left < 0 {
			at, left = colours[chance.IntN(len(colours))], chance.IntN(run)
		}
		v := at
		if noise > 0 {
			v = (v + uint32(chance.IntN(noise))<<(8*chance.IntN(3))) & 0xFFFFFF
		}
		return uint8(v >> 16), uint8(v >> 8), uint8(v)
	})
	for i := 3; i < len(p.Pix); i += 4 {
		p.Pix[i] = uint8(chance.Uint32())
	}
	return canvas{p, 0.5 + 3*chance.Float64(), 0.5 + 3*chance.Float64()}
}

func randomChar(chance *rand.Rand, on canvas) pdfium.Char {
	box := func() pdfium.Rect {
		x, y := (chance.Float64()*1.4-0.2)*float64(on.W)/on.sx, (chance.Float64()*1.4-0.2)*float64(on.H)/on.sy
		return pdfium.Rect{Left: float32(x), Top: float32(y), Right: float32(x + 12*chance.Float64()), Bottom: float32(y + 12*chance.Float64())}
	}
	ch := pdfium.Char{Rune: 'a', Size: float32(40 * chance.Float64()), Hidden: chance.IntN(4) == 0, Box: box()}
	if chance.IntN(2) == 0 {
		ch.Ink = box()
	}
	// Mostly a colour that the page has, or one near it.
	ch.Fill = at(on.Pixels, chance.IntN(on.W), chance.IntN(on.H))
	if chance.IntN(3) == 0 {
		ch.Fill = (ch.Fill + uint32(chance.IntN(40))<<(8*chance.IntN(3))) & 0xFFFFFF
	}
	return ch
}
