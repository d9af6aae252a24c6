package image

import (
	"bytes"
	"image/color"
	"image/png"
	"io"
	"testing"

	"sekisho/sanitize/ir"
	"sekisho/sanitize/sanitizetest"
)

func TestBuildPage(t *testing.T) {
	for name, c := range map[string]struct {
		raster ir.Raster
		pix    []byte
		x, y   int
		want   color.NRGBA
	}{
		"black and white": {ir.Raster{Samples: ir.Gray1, W: 9, H: 2}, []byte{0xFF, 0x80, 0xFF, 0x00}, 8, 1, color.NRGBA{0, 0, 0, 255}},
		"four bits":       {ir.Raster{Samples: ir.Gray4, W: 3, H: 1}, []byte{0x0F, 0x80}, 2, 0, color.NRGBA{136, 136, 136, 255}},
		"eight bits":      {ir.Raster{Samples: ir.Gray8, W: 2, H: 1}, []byte{1, 200}, 1, 0, color.NRGBA{200, 200, 200, 255}},
		"colours":         {ir.Raster{Samples: ir.RGB8, W: 1, H: 2}, []byte{1, 2, 3, 250, 100, 7}, 0, 1, color.NRGBA{250, 100, 7, 255}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			in := frames(ir.Number{Name: ir.NumberPages, N: 5}, ir.Note{Code: "pdf_form"}, ir.Sheet{Page: 3, W: 1000, H: 2000}, c.raster,
				ir.Pixels{B: c.pix}, ir.Run{S: "text", Size: 1})
			page, err := BuildPage(in, &out)
			if err != nil || page != (Page{3, 5, 1000, 2000}) {
				t.Fatalf("%+v, %v", page, err)
			}
			if faults, err := sanitizetest.Lint(pngFormat(), out.Bytes(), nil); err != nil || len(faults) > 0 {
				t.Errorf("lint: %v %v", faults, err)
			}
			m, err := png.Decode(&out)
			if err != nil {
				t.Fatal(err)
			}
			if got := color.NRGBAModel.Convert(m.At(c.x, c.y)); got != c.want {
				t.Errorf("pixel %v, want %v", got, c.want)
			}
		})
	}
}

func TestBuildPageRefuses(t *testing.T) {
	pages, sheet, raster := ir.Number{Name: ir.NumberPages, N: 2}, ir.Sheet{W: 1, H: 1}, ir.Raster{Samples: ir.Gray8, W: 2, H: 1}
	for name, values := range map[string][]ir.Value{
		"nothing":             {},
		"no number of pages":  {sheet, raster, ir.Pixels{B: []byte{1, 2}}},
		"page after the last": {pages, ir.Sheet{Page: 2, W: 1, H: 1}, raster, ir.Pixels{B: []byte{1, 2}}},
		"two pages":           {pages, sheet, raster, ir.Pixels{B: []byte{1, 2}}, sheet},
		"pixels of no page":   {pages, raster, ir.Pixels{B: []byte{1, 2}}},
		"too few pixels":      {pages, sheet, raster, ir.Pixels{B: []byte{1}}},
		"too many pixels":     {pages, sheet, raster, ir.Pixels{B: []byte{1, 2, 3}}},
		"huge":                {pages, sheet, ir.Raster{Samples: ir.Gray1, W: ir.MaxSide, H: ir.MaxSide}},
		"a table":             {pages, sheet, ir.Row{Cells: []string{"a"}}},
		"a failure":           {pages, ir.Fail{Reason: "malformed"}},
	} {
		if _, err := BuildPage(frames(values...), io.Discard); err == nil {
			t.Errorf("%s: a page was built", name)
		}
	}
}
