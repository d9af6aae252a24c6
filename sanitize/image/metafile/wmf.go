package metafile

import (
	"fmt"
	"io"
)

// The records of [MS-WMF] 2.3 that matter.
const (
	wmfEOF        = 0x0000
	wmfEscape     = 0x0626
	wmfStretchBlt = 0x0B41
	wmfStretchDIB = 0x0F43
)

// wmfQuiet are the records that leave no mark, as emfQuiet.
var wmfQuiet = map[uint16]bool{
	0x020B: true, 0x020C: true, 0x020D: true, 0x020E: true, // window and viewport
	0x0102: true, 0x0103: true, 0x0104: true, 0x0106: true, 0x0107: true, 0x012E: true, 0x0201: true, 0x0209: true, // modes and colours
	0x001E: true, 0x0127: true, // save and restore
	0x012D: true, 0x01F0: true, 0x02FA: true, 0x02FB: true, 0x02FC: true, 0x00F7: true, 0x0234: true, 0x0035: true, // pens, brushes, fonts, palettes
	0x0149: true, // layout
}

// placeable is the size of the header that tells the size on paper.
const placeable = 22

// WMF finds the picture of a Windows metafile, with or without the placeable
// header ([MS-WMF] 2.3.2.3).
func WMF(data []byte) (Picture, error) {
	var p Picture
	at := 0
	if len(data) >= placeable && u32(data, 0) == 0x9AC6CDD7 {
		p.FrameW, p.FrameH, p.PerInch = int64(i16(data, 10)-i16(data, 6)), int64(i16(data, 12)-i16(data, 8)), int64(u16(data, 14))
		at = placeable
	}
	if len(data)-at < 18 {
		return p, io.ErrUnexpectedEOF
	}
	if kind := u16(data, at); kind != 1 && kind != 2 || u16(data, at+2) != 9 {
		return p, fmt.Errorf("%w: header", ErrMalformed)
	}
	at += 18
	for range maxRecords {
		if len(data)-at < 6 {
			return p, io.ErrUnexpectedEOF
		}
		size, kind := 2*int64(u32(data, at)), u16(data, at+4)
		switch {
		case size < 6:
			return p, fmt.Errorf("%w: record of %d bytes", ErrMalformed, size)
		case size > int64(len(data)-at):
			return p, io.ErrUnexpectedEOF
		}
		r := data[at : at+int(size)]
		at += int(size)
		if kind == wmfEOF {
			p.Rest = data[at:]
			return p.done()
		}
		if err := p.wmf(kind, r); err != nil {
			return p, err
		}
	}
	return p, fmt.Errorf("%w: more than %d records", ErrUnsupported, maxRecords)
}

func (p *Picture) wmf(kind uint16, r []byte) error {
	switch {
	case kind == wmfEscape: // MFCOMMENT is one; others are for printers
		p.Comments = true
		if len(r) < 8 || u16(r, 6) != 0x000F {
			return fmt.Errorf("%w: an escape", ErrUnsupported)
		}
	case kind == wmfStretchDIB && len(r) > 28: // [MS-WMF] 2.3.1.6
		return p.take(r[28:], -1, call{rop: u32(r, 6), usage: uint32(u16(r, 10)), h: i16(r, 12), w: i16(r, 14), y: i16(r, 16), x: i16(r, 18),
			toH: i16(r, 20), toW: i16(r, 22)})
	case kind == wmfStretchBlt && len(r) > 26: // with a bitmap, 2.3.1.3.1
		return p.take(r[26:], -1, call{rop: u32(r, 6), h: i16(r, 10), w: i16(r, 12), y: i16(r, 14), x: i16(r, 16), toH: i16(r, 18), toW: i16(r, 20)})
	case !wmfQuiet[kind]:
		return fmt.Errorf("%w: record %#04x", ErrUnsupported, kind)
	}
	return nil
}
