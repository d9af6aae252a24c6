package pdfium

import "bytes"

// Picture is one picture of a page's content.
type Picture struct {
	// Box is where it stands; empty for one inside a form XObject.
	Box    Rect
	handle uint64
}

// Pictures returns the first pictures of the page's content, those in form
// XObjects too, at most limit. A page with more than most objects is ErrLimit.
func (p *Page) Pictures(most, limit int) ([]Picture, error) {
	left := most
	var all []Picture
	err := p.walk(&left, func(kind int, handle uint64, depth int) error {
		if kind != objectImage || len(all) >= limit {
			return nil
		}
		pic := Picture{handle: handle}
		if depth == 0 {
			ok, err := p.d.in.number("FPDFPageObj_GetBounds", handle, p.d.in.at(0), p.d.in.at(4), p.d.in.at(8), p.d.in.at(12))
			if err != nil {
				return err
			}
			if in := p.d.in; ok != 0 { // left, bottom, right, top
				pic.Box = p.shown(float64(in.float(0)), float64(in.float(3)), float64(in.float(2)), float64(in.float(1)))
			}
		}
		all = append(all, pic)
		return nil
	})
	return all, err
}

// Shows reports whether a picture has something to show: its own pixels are
// not all the same, or cannot be read. A page that is empty where such a picture
// stands has lost it, or something covers it; the blank side of a scan shows
// nothing and has not.
func (p *Page) Shows(pic Picture) (bool, error) {
	blank, err := p.blank(pic.handle)
	return err == nil && !blank, err
}

// blank reports whether all pixels of a picture are the same.
func (p *Page) blank(picture uint64) (bool, error) {
	in := p.d.in
	handle, err := in.call("FPDFImageObj_GetBitmap", picture)
	if err != nil || uint32(handle) == 0 {
		return false, err
	}
	bitmap := uint64(uint32(handle))
	same, err := p.same(bitmap)
	if err != nil {
		return false, err
	}
	_, err = in.call("FPDFBitmap_Destroy", bitmap)
	return same, err
}

// same reports whether all bytes of each row of a bitmap repeat its first pixel.
func (p *Page) same(bitmap uint64) (bool, error) {
	in := p.d.in
	var n [4]int
	for i, name := range []string{"FPDFBitmap_GetWidth", "FPDFBitmap_GetHeight", "FPDFBitmap_GetStride", "FPDFBitmap_GetFormat"} {
		var err error
		if n[i], err = in.number(name, bitmap); err != nil {
			return false, err
		}
	}
	w, h, stride := n[0], n[1], n[2]
	bytesOf := map[int]int{bitmapGray: 1, bitmapBGR: 3, bitmapBGRx: 4, bitmapBGRA: 4, bitmapBGRAPre: 4}[n[3]]
	if bytesOf == 0 || w <= 0 || h <= 0 || stride < w*bytesOf || int64(stride)*int64(h) > in.limit {
		return false, nil
	}
	at, err := in.call("FPDFBitmap_GetBuffer", bitmap)
	if err != nil {
		return false, err
	}
	pix, err := in.view(uint32(at), stride*h)
	if err != nil {
		return false, err
	}
	return repeats(pix, w*bytesOf, h, stride, bytesOf), nil
}

// repeats reports whether each row, row bytes of every stride, is one pixel
// repeated, the same in all rows.
func repeats(pix []byte, row, h, stride, pixel int) bool {
	first := pix[:row]
	if !bytes.Equal(first[pixel:], first[:row-pixel]) {
		return false
	}
	for y := 1; y < h; y++ {
		if !bytes.Equal(pix[y*stride:y*stride+row], first) {
			return false
		}
	}
	return true
}
