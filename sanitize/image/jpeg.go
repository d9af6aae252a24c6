package image

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	stdimage "image"
	"image/jpeg"
	"slices"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// JPEG markers, the byte after 0xFF (ITU-T T.81, table B.1).
const (
	markSOF0 = 0xC0
	markSOF2 = 0xC2
	markDHT  = 0xC4
	markJPG  = 0xC8
	markDAC  = 0xCC
	markRST0 = 0xD0
	markRST7 = 0xD7
	markSOI  = 0xD8
	markEOI  = 0xD9
	markSOS  = 0xDA
	markDQT  = 0xDB
	markAPP0 = 0xE0
	markAPPF = 0xEF
	markCOM  = 0xFE
	markTEM  = 0x01
)

// maxScans bounds the passes over a picture. A progressive JPEG has about ten;
// each scan of a hostile one costs a pass over all blocks for a few bytes.
const maxScans = 200

// MatchJPEG judges content by the start of image and the marker behind it.
func MatchJPEG(data []byte) format.Match {
	if len(data) >= 4 && data[0] == 0xFF && data[1] == markSOI && data[2] == 0xFF && data[3] >= markSOF0 && data[3] != 0xFF {
		return format.Certain
	}
	return format.NoMatch
}

// parseJPEG emits the pixels of a baseline or progressive JPEG: grey, YCbCr,
// RGB, CMYK or YCCK. It holds with limit_pixels, limit_count (scans),
// truncated, malformed, kind_unsupported or limit_time. A picture that ends
// in the middle is held: half a page would read as the whole.
func parseJPEG(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	s, scans := surveyJPEG(in.Data)
	if scans.n > maxScans {
		return format.Hold(format.LimitCount, "scans of a JPEG")
	}
	if s.w != 0 || s.h != 0 {
		if err := allowed(s.w, s.h, in.Budget); err != nil {
			return err
		}
	}
	if s.truncated {
		return format.Hold(format.Truncated, "JPEG without its end marker")
	}
	if err := scans.complete(); err != nil {
		return err
	}
	s.coarse, s.profile = scans.coarse(), scans.joined()
	data := in.Data
	if len(scans.frame) == 4 && !scans.adobe {
		data = slices.Concat(data[:2], adobeInk, data[2:])
	}
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return holdDecode(err)
	}
	if err := allowed(int64(cfg.Width), int64(cfg.Height), in.Budget); err != nil {
		return err
	}
	decode := func() (stdimage.Image, error) {
		return jpeg.Decode(ctxReader{ctx, bytes.NewReader(data)})
	}
	return decodeAndEmit(ctx, s, in.Budget, decode, out)
}

// adobeInk is Adobe's segment for inks that are inverted, without which the
// decoder refuses four components. A file without it has inverted inks too:
// libjpeg's users, browsers among them, read every one so.
var adobeInk = []byte("\xFF\xEE\x00\x0EAdobe\x00\x64\x00\x00\x00\x00\x00")

// coverage tells what the scans of a picture brought.
type coverage struct {
	n     int
	frame []byte // component ids
	adobe bool   // Adobe's segment tells of the colours
	// level has, for each component and coefficient, one more than the bits
	// that are still to come (Al of its last scan); 0 is never scanned.
	level map[byte]*[64]byte
	// profile has the pieces of the colour profile, each with its number and
	// the count of all before it.
	profile [][]byte
}

// joined returns the colour profile, nil when a piece is missing (ICC.1:2022,
// B.4).
// spec: icc#B.4
func (c coverage) joined() []byte {
	if len(c.profile) == 0 {
		return nil
	}
	pieces := make([][]byte, len(c.profile))
	for _, p := range c.profile {
		if len(p) < 2 || p[0] < 1 || int(p[0]) > len(pieces) || int(p[1]) != len(pieces) {
			return nil
		}
		pieces[p[0]-1] = p[2:]
	}
	return bytes.Join(pieces, nil)
}

// scan notes a scan header: component ids, the band of coefficients and the
// bit position (T.81 B.2.3).
// spec: jpeg#B.2.3
func (c *coverage) scan(body []byte) {
	c.n++
	if len(body) < 1 || len(body) < 4+2*int(body[0]) {
		return
	}
	n := int(body[0])
	from, to, al := body[1+2*n], body[2+2*n], body[3+2*n]&15
	for i := range n {
		id := body[1+2*i]
		if c.level[id] == nil {
			c.level[id] = new([64]byte)
		}
		for k := int(from); k <= int(to) && k < 64; k++ {
			c.level[id][k] = al + 1
		}
	}
}

// complete holds a picture of which a colour component never came: decoders
// show it in a flat grey or green.
func (c coverage) complete() error {
	for _, id := range c.frame {
		if c.level[id] == nil {
			return format.Hold(format.Truncated, fmt.Sprintf("no scan of component %d", id))
		}
	}
	return nil
}

// coarse reports whether a progressive picture lacks its last refinements. It
// is whole but blurred, so it is delivered with a finding.
func (c coverage) coarse() bool {
	for _, id := range c.frame {
		for _, l := range c.level[id] {
			if l != 1 {
				return true
			}
		}
	}
	return false
}

// surveyJPEG walks the markers up to the end of the first image.
// spec: jpeg#B.1
func surveyJPEG(data []byte) (survey, coverage) {
	s := survey{truncated: true}
	cov := coverage{level: map[byte]*[64]byte{}}
	p := data[min(2, len(data)):]
	for cov.n <= maxScans {
		at := bytes.IndexByte(p, 0xFF)
		if at < 0 || at+1 >= len(p) {
			return s, cov
		}
		mark := p[at+1]
		switch {
		case mark == 0xFF: // fill byte
			p = p[at+1:]
			continue
		case mark == markEOI:
			s.truncated = false
			s.trailing = trailing(p[at+2:])
			return s, cov
		case mark == 0, mark == markTEM, mark == markSOI, mark >= markRST0 && mark <= markRST7:
			// Entropy-coded data, and markers that stand alone.
			p = p[at+2:]
			continue
		}
		body, rest, ok := segment(p[at+2:])
		if !ok {
			return s, cov
		}
		s.segment(mark, body, &cov)
		p = rest
	}
	return s, cov
}

// segment cuts off the segment at the start of p, which begins with its length.
func segment(p []byte) ([]byte, []byte, bool) {
	if len(p) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(p))
	if n < 2 || n > len(p) {
		return nil, nil, false
	}
	return p[2:n], p[n:], true
}

func (s *survey) segment(mark byte, body []byte, cov *coverage) {
	switch {
	case mark == markSOS:
		cov.scan(body)
	case isFrame(mark):
		if len(body) < 6 || s.w != 0 {
			return
		}
		s.h, s.w = int64(binary.BigEndian.Uint16(body[1:])), int64(binary.BigEndian.Uint16(body[3:]))
		for i := 0; i < int(body[5]) && 6+3*i < len(body); i++ {
			cov.frame = append(cov.frame, body[6+3*i])
		}
	case mark == markCOM:
		s.meta |= metaComment
	case mark >= markAPP0 && mark <= markAPPF:
		s.app(mark, body, cov)
	}
}

// isFrame reports whether mark begins a frame of any kind.
func isFrame(mark byte) bool {
	return mark >= markSOF0 && mark <= 0xCF && mark != markDHT && mark != markJPG && mark != markDAC
}

// app notes what an application segment carries.
func (s *survey) app(mark byte, body []byte, cov *coverage) {
	has := func(prefix string) bool { return bytes.HasPrefix(body, []byte(prefix)) }
	switch {
	case mark == markAPP0 && has("JFIF\x00"):
		if d := readJFIF(body); d != (density{}) {
			s.res = d
		}
		if len(body) > 14 {
			s.meta |= metaThumbnail
		}
	case mark == markAPP0 && has("JFXX\x00"):
		s.meta |= metaThumbnail
	case mark == 0xEE && has("Adobe"):
		cov.adobe = true // the colour transform; the decoder needs it
	case mark == 0xE1 && has("Exif\x00"):
		s.meta |= metaEXIF
		if s.turn == 0 && len(body) > 6 {
			s.exif(readEXIF(body[6:]))
		}
	case mark == 0xE1 && has("http://ns.adobe.com/"):
		s.meta |= metaXMP
	case mark == 0xE2 && has("ICC_PROFILE\x00"):
		s.meta |= metaICC
		cov.profile = append(cov.profile, body[12:])
	case mark == 0xED:
		s.meta |= metaIPTC
	default:
		s.meta |= metaOther
	}
}

// exif takes over what EXIF says; a resolution that the format itself gives
// counts more.
func (s *survey) exif(f exifFacts) {
	s.turn = f.turn
	if s.res == (density{}) {
		s.res = f.res
	}
}
