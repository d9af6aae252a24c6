package pdf

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sekisho/sanitize/ir"
)

// TestFaxRoundTrip: the lint's reader finds the edges of each row again,
// whatever the row is.
// spec: t6#2.2
func TestFaxRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := ir.Raster{Samples: ir.Gray1, W: rapid.Int64Range(1, 6000).Draw(t, "w"), H: rapid.Int64Range(1, 6).Draw(t, "h")}
		pix := make([]byte, r.Stride()*r.H)
		colour := byte(0xFF)
		for i := 0; i < len(pix); {
			n := rapid.SampledFrom([]int{1, 1, 1, 2, 3, 8, 40, 350, 700}).Draw(t, "n")
			fill := rapid.SampledFrom([]byte{colour, colour, ^colour, 0x0F, 0xE7, 0x55, 0x01}).Draw(t, "fill")
			for ; n > 0 && i < len(pix); n-- {
				pix[i] = fill
				i++
			}
			colour = ^colour
		}
		if s := int(r.Stride()); rapid.Bool().Draw(t, "rows alike") && r.H > 1 {
			copy(pix[s:2*s], pix[:s])
		}
		clearPadding(r, pix)
		var e fax
		data := bytes.Clone(e.encode(r, pix))
		f := faxLint{data: data, modes: printed(printedModes), runs: [2]words{printed(printedWhite + printedLong), printed(printedBlack + printedLong)}}
		for y := range r.H {
			if !f.line(r.W) {
				t.Fatalf("row %d of %d x %d is not read", y, r.W, r.H)
			}
			var want []int64
			for _, x := range findEdges(nil, pix[y*r.Stride():(y+1)*r.Stride()], int(r.W)) {
				if int64(x) < r.W {
					want = append(want, int64(x))
				}
			}
			if !slices.Equal(flat(f.above), want) {
				t.Fatalf("row %d: edges %v, want %v", y, f.above, want)
			}
		}
	})
}

// flat takes out edges between which there is nothing: runs of no length.
func flat(edges []int64) []int64 {
	var out []int64
	for _, x := range edges {
		if len(out) > 0 && out[len(out)-1] == x {
			out = out[:len(out)-1]
			continue
		}
		out = append(out, x)
	}
	return out
}

// TestFindEdges against the definition, pixel by pixel.
func TestFindEdges(t *testing.T) {
	c := chance(5)
	for range 2000 {
		w := int(c.next()%70) + 1
		row := make([]byte, (w+7)/8)
		for i := range row {
			row[i] = []byte{0, 0xFF, byte(c.next()), 0xF0}[c.next()%4]
		}
		clearPadding(ir.Raster{Samples: ir.Gray1, W: int64(w), H: 1}, row)
		var want []int
		last := byte(1)
		for x := range w {
			if b := row[x/8] >> (7 - x%8) & 1; b != last {
				want = append(want, x)
				last = b
			}
		}
		if got := findEdges(nil, row, w); !slices.Equal(got, append(want, w, w, w)) {
			t.Fatalf("%08b, %d wide: %v, want %v", row, w, got, want)
		}
	}
}
