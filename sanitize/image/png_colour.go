package image

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"sekisho/sanitize/image/icc"
)

// pngColour is what the chunks before the pixels of a PNG say about its
// colours. Of each kind the first counts.
type pngColour struct {
	coded, profile, srgb, gamma, primaries []byte
	late                                   bool // behind the palette or the pixels
	grey                                   bool // by the type in the header
}

// take keeps the body of a colour chunk. One that stands too late or has a
// false sum does not count, as for other decoders.
func (c *pngColour) take(name string, whole []byte) {
	into := map[string]*[]byte{"cICP": &c.coded, "iCCP": &c.profile, "sRGB": &c.srgb, "gAMA": &c.gamma, "cHRM": &c.primaries}[name]
	end := len(whole) - 4
	if into == nil || *into != nil || c.late || crc32.ChecksumIEEE(whole[4:end]) != binary.BigEndian.Uint32(whole[end:]) {
		return
	}
	*into = whole[8:end:end]
}

// Numbers of a cICP chunk that are read (ITU-T H.273).
const (
	codedSRGB = 1
	codedP3   = 12
	curveSRGB = 13
	curvePQ   = 16
	curveHLG  = 18
)

// resolve sets what the chunk of the highest rank says (PNG 4.3): cICP, then
// iCCP, sRGB, and at last gAMA with cHRM.
// spec: png#4.3
func (c *pngColour) resolve(s *survey) {
	if c.coded != nil && c.video(s) {
		return
	}
	switch {
	case c.profile != nil:
		s.profile = inflateProfile(c.profile)
		s.exact, s.grey = true, c.grey
	case len(c.srgb) == 1:
		s.meta &^= metaICC // one that does not count
	default:
		c.measured(s)
	}
}

// video reads numbers of video. It reports false when the chunks of lower rank
// are to be asked.
// spec: png#11.3.2.6
func (c *pngColour) video(s *survey) bool {
	whole := len(c.coded) == 4 && c.coded[2] == 0 && c.coded[3] == 1
	switch {
	case whole && c.coded[1] == curveSRGB && (c.coded[0] == codedSRGB || c.grey && c.coded[0] == codedP3):
		s.meta &^= metaICC
		return true
	case whole && c.coded[1] == curveSRGB && c.coded[0] == codedP3:
		s.meta &^= metaICC
		s.describe(icc.P3Primaries(), 0, "cICP")
		return true
	}
	what := fmt.Sprintf("cICP %d", c.coded[:min(len(c.coded), 4)])
	if whole && (c.coded[1] == curvePQ || c.coded[1] == curveHLG) {
		s.film = what // light and dark are far apart from what the numbers say
		return false
	}
	s.unread = append(s.unread, what)
	return false
}

// gammaUnit is what gAMA counts in, and sRGB's gamma as writers put it down,
// give or take: the curves differ by less than is seen.
const (
	gammaUnit = 100_000
	gammaSRGB = 45_455
	gammaOff  = 455
)

// measured applies gAMA, and cHRM beside it. Primaries without a curve are a
// finding: browsers take no notice of them.
// spec: png#11.3.2.1 png#11.3.2.2
func (c *pngColour) measured(s *survey) {
	primaries, told := c.chromaticities()
	if c.gamma == nil {
		if told {
			s.unread = append(s.unread, "cHRM alone")
		}
		return
	}
	if len(c.gamma) != 4 {
		s.unread = append(s.unread, "gAMA")
		return
	}
	gamma := binary.BigEndian.Uint32(c.gamma)
	if gamma < 16 || gamma > 625_000_000 { // libpng's bounds
		s.unread = append(s.unread, fmt.Sprintf("gAMA %d", gamma))
		return
	}
	exponent := gammaUnit / float64(gamma)
	if gamma >= gammaSRGB-gammaOff && gamma <= gammaSRGB+gammaOff {
		exponent = 0
	}
	s.describe(primaries, exponent, "gAMA")
}

// chromaticities reads cHRM: white, red, green and blue, x and y. It reports
// false, and the primaries of sRGB, when there is none or they are those.
func (c *pngColour) chromaticities() (icc.Primaries, bool) {
	srgb := icc.SRGBPrimaries()
	if len(c.primaries) != 32 {
		return srgb, c.primaries != nil
	}
	var p [4]icc.Point
	for i := range p {
		at := c.primaries[8*i:]
		p[i] = icc.Point{X: float64(binary.BigEndian.Uint32(at)) / gammaUnit, Y: float64(binary.BigEndian.Uint32(at[4:])) / gammaUnit}
	}
	got := icc.Primaries{White: p[0], Red: p[1], Green: p[2], Blue: p[3]}
	return got, got != srgb
}

// describe keeps colours that are said by their numbers, where they are not
// those of sRGB.
func (s *survey) describe(p icc.Primaries, exponent float64, what string) {
	space := icc.RGB
	if s.grey {
		space = icc.Gray
	}
	t, err := icc.Described(space, p, exponent)
	switch {
	case err != nil:
		s.unread = append(s.unread, what+": "+err.Error())
	case !t.Plain():
		s.described = t
	}
}
