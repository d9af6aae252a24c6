package image

import (
	"bytes"
	"context"
	stdimage "image"
	"image/color"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/icc"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/sanitizetest"
)

// A picture that its colours' conversion turns into one flat colour is held.
func TestCrushed(t *testing.T) {
	step, err := icc.Described(icc.RGB, icc.SRGBPrimaries(), 1e9) // all but white is black
	if err != nil {
		t.Fatal(err)
	}
	two := func(a, b color.Color) stdimage.Image {
		m := flat(6, 2, a)
		m.Set(5, 1, b)
		return m
	}
	inks := func(v ...byte) stdimage.Image {
		return &stdimage.CMYK{Pix: v, Stride: len(v), Rect: stdimage.Rect(0, 0, len(v)/4, 1)}
	}
	rgb := func(v uint8) color.NRGBA { return color.NRGBA{R: v, G: v, B: v, A: 255} }
	for name, c := range map[string]struct {
		img    stdimage.Image
		colour *icc.Transform
		want   format.Reason
	}{
		"words go black":             {two(rgb(10), rgb(250)), step, format.FidelityLoss},
		"words stay":                 {two(rgb(10), rgb(255)), step, ""},
		"one colour":                 {flat(6, 2, rgb(70)), step, ""},
		"noise of one colour":        {two(rgb(70), rgb(75)), step, ""},
		"not converted":              {two(rgb(10), rgb(250)), nil, ""},
		"inks under black":           {inks(0, 0, 0, 255, 255, 0, 0, 255), nil, format.FidelityLoss},
		"inks":                       {inks(0, 0, 0, 255, 0, 0, 0, 0), nil, ""},
		"one ink":                    {inks(0, 9, 0, 255, 0, 9, 0, 255), nil, ""},
		"what nobody sees":           {two(color.NRGBA{R: 9}, color.NRGBA{R: 200}), step, ""},
		"words of their opacity":     {two(rgb(10), color.NRGBA{R: 10, G: 10, B: 10, A: 90}), step, ""},
		"the last pixel is the only": {two(rgb(255), rgb(0)), step, ""},
	} {
		for how, run := range map[string]func(*ir.Writer) error{
			"picture": func(w *ir.Writer) error { return emit(context.Background(), c.img, view{colour: c.colour}, w) },
			"page":    func(w *ir.Writer) error { return emitPage(context.Background(), 0, c.img, view{colour: c.colour}, w) },
		} {
			var buf bytes.Buffer
			err := run(ir.NewWriter(&buf))
			if got := sanitizetest.ReasonOf(err); got != c.want || err != nil && got == "" {
				t.Errorf("%s, %s: %v, want %q", name, how, err, c.want)
			}
		}
	}
}
