package image

import (
	"context"
	"encoding/binary"
	"errors"
	stdimage "image"
	"image/color"
	"slices"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/icc/icctest"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/sanitizetest"
)

func box(kind string, bodies ...[]byte) []byte {
	body := slices.Concat(bodies...)
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), []byte(kind), body)
}

// boxedPicture makes the boxes of a picture of 4 × 3 pixels with properties.
func boxedPicture(properties ...[]byte) []byte {
	size := box("ispe", []byte{0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3})
	// Two items: number 1 with the last property alone, and number 7.
	own := []byte{0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 1, byte(1 + len(properties)), 0, 7, byte(1 + len(properties))}
	for i := range 1 + len(properties) {
		own = append(own, byte(i+1))
	}
	return slices.Concat(box("ftyp", []byte("heic\x00\x00\x00\x00mif1heic")),
		box("meta", []byte{0, 0, 0, 0}, box("hdlr", make([]byte, 20)), box("pitm", []byte{0, 0, 0, 0, 0, 7}),
			box("iinf", []byte{0, 0, 0, 0, 0, 1}, box("infe", []byte("\x02\x00\x00\x00\x00\x08\x00\x00Exif\x00"))),
			box("iprp", box("ipco", size, slices.Concat(properties...)), box("ipma", own))),
		box("mdat", []byte("coded")))
}

// TestBoxes: size, turn, colours and extras of the primary picture are found.
func TestBoxes(t *testing.T) {
	profile := icctest.Profile("RGB ", icctest.P3, icctest.Gamma(2.2))
	for name, c := range map[string]struct {
		data    []byte
		turn    orientation
		narrow  bool
		profile bool
	}{
		"plain":              {boxedPicture(), 1, false, false},
		"turned":             {boxedPicture(box("irot", []byte{1})), 8, false, false},
		"turned and flipped": {boxedPicture(box("irot", []byte{3}), box("imir", []byte{0})), 7, false, false},
		"mirrored":           {boxedPicture(box("imir", []byte{1})), 2, false, false},
		"video numbers":      {boxedPicture(box("colr", []byte("nclx\x00\x01\x00\x0D\x00\x06\x00"))), 1, true, false},
		"full numbers":       {boxedPicture(box("colr", []byte("nclx\x00\x01\x00\x0D\x00\x06\x80"))), 1, false, false},
		"profile":            {boxedPicture(box("colr", []byte("prof"), profile)), 1, false, true},
	} {
		k := bmffWalk{}
		if err := k.walk(c.data); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := k.survey()
		if s.w != 4 || s.h != 3 || s.turn != c.turn || k.narrow != c.narrow || (s.profile != nil) != c.profile || s.meta&^metaICC != metaEXIF {
			t.Errorf("%s: %+v %v", name, s, k.narrow)
		}
	}
}

func TestBoxesRefused(t *testing.T) {
	many := slices.Concat(box("ftyp", []byte("heic\x00\x00\x00\x00")), slices.Repeat(box("free"), maxBoxes+1))
	for name, c := range map[string]struct {
		data []byte
		want format.Reason
	}{
		"empty":      {nil, format.Malformed},
		"no picture": {box("ftyp", []byte("heic\x00\x00\x00\x00")), format.Malformed},
		"cut":        {boxedPicture()[:60], format.Truncated},
		"large size": {[]byte("\x00\x00\x00\x01mdat\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), format.Truncated},
		"many":       {many, format.LimitCount},
	} {
		k := bmffWalk{}
		if got := sanitizetest.ReasonOf(k.walk(c.data)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestBoxedPicture: what an engine returns is judged like any other picture.
func TestBoxedPicture(t *testing.T) {
	var engine Decoder = func([]byte, int64) (stdimage.Image, bool, error) {
		m := flat(4, 3, color.White)
		m.Set(0, 0, color.Black)
		return m, true, nil
	}
	parse := func(parse func(context.Context, format.Untrusted, *ir.Writer) error, b format.Budget) (sanitizetest.Output, error) {
		f := jpegFormat()
		f.Parse, f.Build = parse, BuildNearest
		return sanitizetest.Sanitize(t.Context(), f, format.Untrusted{Data: boxedPicture(box("irot", []byte{1})), Budget: b}, format.Construction{}, nil)
	}
	o, err := parse(AVIF(engine), sanitizetest.Budget())
	if err != nil || len(o.Faults) > 0 || !slices.Equal(o.Codes(), []string{codeChanged, codeMetadata, codeOrientation, codeDepth}) {
		t.Fatalf("%v %v %v", err, o.Faults, o.Codes())
	}
	if s, err := show(o.Data); err != nil || s[:8] != "jpeg 3x4" {
		t.Errorf("%s %v", s, err)
	}
	if o, err := parse(HEIC(engine), sanitizetest.Budget()); err != nil || slices.Contains(o.Codes(), codeOrientation) {
		t.Errorf("the engine turns it itself: %v %v", o.Codes(), err)
	}
	if _, err := parse(HEIC(engine), *tiny(11)); sanitizetest.ReasonOf(err) != format.LimitPixels {
		t.Error(err)
	}
	if _, err := parse(HEIC(engine), *late()); sanitizetest.ReasonOf(err) != format.LimitTime {
		t.Error(err)
	}
	engine = func([]byte, int64) (stdimage.Image, bool, error) { return nil, false, errors.New("no") }
	if _, err := parse(HEIC(engine), sanitizetest.Budget()); sanitizetest.ReasonOf(err) != format.Malformed {
		t.Error(err)
	}
	engine = func([]byte, int64) (stdimage.Image, bool, error) {
		return flat(400, 300, color.White), false, nil // more than the boxes said
	}
	if _, err := parse(HEIC(engine), *tiny(100)); sanitizetest.ReasonOf(err) != format.LimitPixels {
		t.Error(err)
	}
}

func FuzzBoxes(f *testing.F) {
	f.Add(boxedPicture(box("irot", []byte{1}), box("colr", []byte("nclx\x00\x01\x00\x0D\x00\x06\x00"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		k := bmffWalk{}
		if err := k.walk(data); err != nil {
			if !sanitizetest.ReasonOf(err).Known() {
				t.Fatal(err)
			}
			return
		}
		if s := k.survey(); s.turn > 8 {
			t.Fatal(s.turn)
		}
	})
}
