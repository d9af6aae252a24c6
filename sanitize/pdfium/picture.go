package pdfium

import "bytes"

// maxPictures bounds the pictures of one page that Pictures looks into; those
// beyond count as if they showed something.
const maxPictures = 64

// Pictures counts the pictures of the page's content, in form XObjects too,
// that show something: whose own pixels are not all the same, or cannot be
// read. A page of one colour with such a picture has lost it, while one whose
// pictures are the blank sides of a scan is as it should be. A page with more
// than most objects is ErrLimit.
func (p *Page) Pictures(most int) (int, error) {
	left, looked, showing := most, 0, 0
	err := p.walk(&left, func(kind int, handle uint64) error {
		if kind != objectImage {
			return nil
		}
		if looked++; looked > maxPictures {
			showing++
			return nil
		}
		blank, err := p.blank(handle)
		if err == nil && !blank {
			showing++
		}
		return err
	})
	return showing, err
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
