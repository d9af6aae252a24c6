package image

import (
	"context"
	"fmt"
	stdimage "image"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/tiff"
	"sekisho/sanitize/ir"
)

// ParseTIFF emits the number of pages first. One page is emitted as a Picture;
// more, and one that is to stay a TIFF, are emitted one after the other, each as
// a Sheet of the size that it prints at and a Raster. With Render.Page set only
// that page comes, as the Sheet of its own number. It holds with limit_pixels, limit_pages, limit_count,
// limit_time, truncated, malformed or kind_unsupported.
func ParseTIFF(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	ctx, cancel := withDeadline(ctx, in.Budget)
	defer cancel()
	f, err := tiff.Open(in.Data)
	if err != nil {
		return holdDecode(err)
	}
	if err := out.Write(ir.Number{Name: ir.NumberPages, N: int64(len(f.Pages))}); err != nil {
		return fmt.Errorf("write number: %w", err)
	}
	if len(f.Extras) > 0 {
		meta := metadata(0)
		for i, name := range metaNames {
			for _, e := range f.Extras {
				if e == name {
					meta |= 1 << i
				}
			}
		}
		if err := out.Write(ir.Note{Code: codeMetadata, Detail: meta.String()}); err != nil {
			return fmt.Errorf("write finding: %w", err)
		}
	}
	first, last, err := wanted(len(f.Pages), in)
	if err != nil {
		return err
	}
	for _, p := range f.Pages[first:last] {
		if err := allowed(int64(p.W), int64(p.H), in.Budget); err != nil {
			return err
		}
	}
	switch {
	case in.Render.Method == format.MethodReconstruct, in.Render.Page > 0:
		return manyPages(ctx, f.Pages, first, last, out)
	case last == 1:
		return onePage(ctx, f.Pages[0], in.Budget, out)
	}
	if err := out.Write(ir.Note{Code: codeChanged, Detail: "pdf"}); err != nil {
		return fmt.Errorf("write finding: %w", err)
	}
	return manyPages(ctx, f.Pages, first, last, out)
}

// wanted gives the pages to read, of n: all, or the one that a preview shows.
func wanted(n int, in format.Untrusted) (int, int, error) {
	first, last := 0, n
	if p := in.Render.Page; p > 0 {
		if p > int64(n) {
			return 0, 0, format.Hold(format.LimitPages, fmt.Sprintf("page %d of %d", p, n))
		}
		first, last = int(p)-1, int(p)
	}
	if n > 1 && int64(last-first) > in.Budget.Pages { // one page is a picture
		return 0, 0, format.Hold(format.LimitPages, fmt.Sprintf("%d pages", last-first))
	}
	return first, last, nil
}

// surveyPage takes what a page's tags say.
func surveyPage(p *tiff.Page) survey {
	s := survey{w: int64(p.W), h: int64(p.H), profile: p.Profile, lossy: p.JPEG, deep: p.Deep}
	if p.Profile != nil {
		s.meta |= metaICC
	}
	if p.Orientation >= 1 && p.Orientation <= 8 {
		s.turn = orientation(p.Orientation)
	}
	s.res = newDensity(exifUnit(uint16(p.Unit)), p.XRes[0], p.YRes[0], p.XRes[1], p.YRes[1])
	return s
}

// onePage emits the only page as a picture.
func onePage(ctx context.Context, p *tiff.Page, b format.Budget, out *ir.Writer) error {
	s := surveyPage(p)
	s.changed = "png"
	fx, fy := s.res.square()
	if err := allowed(s.w*fx, s.h*fy, b); err != nil {
		return err
	}
	s.res.x, s.res.y = s.res.x*fx, s.res.y*fy
	lost := faxDamage{}
	err := decodeAndEmit(ctx, s, b, func() (stdimage.Image, error) {
		got, err := p.Decode(ctx)
		if err != nil {
			return nil, err
		}
		if err := lost.add(p, got); err != nil {
			return nil, err
		}
		if fx*fy > 1 {
			return &stretched{got.Image, int(fx), int(fy), sampler(got.Image)}, nil
		}
		return got.Image, nil
	}, out)
	if err != nil {
		return err
	}
	return lost.notes(out)
}

// square returns how often columns and rows are repeated so that pixels come
// near to squares. Fax pages have twice as many pixels across as down, or half
// as many; programs that show pictures take no notice of it.
func (d density) square() (int64, int64) {
	if d.x == 0 || d.y == 0 {
		return 1, 1
	}
	fx, fy := (d.y+d.x/2)/d.x, (d.x+d.y/2)/d.y
	const most = 4 // a fax of the coarsest against the finest
	return min(max(fx, 1), most), min(max(fy, 1), most)
}

// faxDamage gathers what was lost of fax lines.
type faxDamage struct{ lost, short int }

// maxLost is how many lines in a hundred may be damaged: more is no page.
const maxLost = 10

func (d *faxDamage) add(p *tiff.Page, got tiff.Picture) error {
	if got.Lost*100 > p.H*maxLost {
		return format.Hold(format.Malformed, fmt.Sprintf("%d of %d fax lines damaged", got.Lost, p.H))
	}
	if got.Short >= p.H {
		return format.Hold(format.Truncated, "page without a line")
	}
	d.lost, d.short = d.lost+got.Lost, d.short+got.Short
	return nil
}

func (d *faxDamage) notes(out *ir.Writer) error {
	for _, n := range []struct {
		count int
		note  ir.Note
	}{
		{d.lost, ir.Note{Code: codeLines, Detail: fmt.Sprintf("%d lines", d.lost)}},
		{d.short, ir.Note{Code: codeCut, Detail: fmt.Sprintf("%d lines", d.short)}},
	} {
		if n.count == 0 {
			continue
		}
		if err := out.Write(n.note); err != nil {
			return fmt.Errorf("write finding: %w", err)
		}
	}
	return nil
}
