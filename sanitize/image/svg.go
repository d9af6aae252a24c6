package image

import (
	"bytes"
	"context"
	"fmt"
	stdimage "image"
	"unicode/utf8"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Drawer is an engine that draws a drawing with zoom pixels for each of its
// own, or fewer to stay below limit, and returns the zoom that it used.
type Drawer func(text []byte, zoom float64, limit int64) (stdimage.Image, float64, error)

// drawingDensity is pixels an inch of a drawing's own (CSS Values 4, 6.2), in
// thousandths.
const drawingDensity = 96_000

// drawingZoom makes lines and letters fit for print.
const drawingZoom = 2

// SVG returns the parser of drawings with an engine, which has letters or not.
// Without, a drawing with words is held with fidelity_loss: they would be
// missing. The other reasons are limit_pixels, limit_time and malformed.
func SVG(draw Drawer, letters bool) func(context.Context, format.Untrusted, *ir.Writer) error {
	return func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
		ctx, cancel := withDeadline(ctx, in.Budget)
		defer cancel()
		text := bytes.TrimPrefix(in.Data, []byte("\uFEFF"))
		if !utf8.Valid(text) {
			return format.Hold(format.Malformed, "a drawing that is not in UTF-8")
		}
		low := bytes.ToLower(text)
		if !letters && bytes.Contains(low, []byte("<text")) {
			return format.Hold(format.FidelityLoss, "no font to draw words with")
		}
		if err := ctx.Err(); err != nil {
			return holdDecode(err)
		}
		img, zoom, err := draw(text, drawingZoom, min(in.Budget.Pixels, MaxPixels))
		if err != nil {
			return holdDecode(err)
		}
		size := img.Bounds().Size()
		s := survey{w: int64(size.X), h: int64(size.Y), changed: "png"}
		dots := int64(drawingDensity * zoom)
		s.res = density{dots, dots}.believed()
		if bytes.Contains(low, []byte("<metadata")) {
			s.meta |= metaText
		}
		s.animated = bytes.Contains(low, []byte("<animate")) || bytes.Contains(low, []byte("<set"))
		all := active(low)
		if what := strange(low); what != "" {
			all = append(all, ir.Note{Code: "svg_style", Detail: what})
		}
		for _, n := range all {
			if err := out.Write(n); err != nil {
				return fmt.Errorf("write finding: %w", err)
			}
		}
		return decodeAndEmit(ctx, s, in.Budget, func() (stdimage.Image, error) { return img, nil }, out)
	}
}

// active tells what a drawing in lower case would do in a browser. It looks at
// the letters alone: nothing of it crosses the wall, whatever it overlooks.
func active(low []byte) []ir.Note {
	var all []ir.Note
	for _, sign := range []struct {
		code  string
		marks []string
	}{
		{"svg_script", []string{"<script", "javascript:", "onload=", "onclick=", "onerror=", "onmouseover=", "onbegin=", "onfocus="}},
		{"svg_page", []string{"<foreignobject", "<iframe", "<handler"}},
		{"svg_remote", []string{"href=\"http", "href='http", "href=\"//", "href='//", "url(http", "@import"}},
	} {
		for _, m := range sign.marks {
			if bytes.Contains(low, []byte(m)) {
				all = append(all, ir.Note{Code: sign.code, Detail: m})
				break
			}
		}
	}
	return all
}
