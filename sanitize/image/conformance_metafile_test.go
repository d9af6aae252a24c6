package image

import (
	"encoding/binary"
	"slices"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/sanitizetest"
)

func emfFormat() format.Format {
	f := pngFormat()
	f.Kind, f.Output, f.Names, f.Media = format.EMF, format.PNG, []string{"emf"}, []string{"image/emf"}
	f.Match = func(data []byte) format.Match {
		if len(data) > 44 && string(data[40:44]) == " EMF" {
			return format.Certain
		}
		return format.NoMatch
	}
	f.Parse = ParseEMF
	return f
}

func wmfFormat() format.Format {
	f := pngFormat()
	f.Kind, f.Output, f.Names, f.Media = format.WMF, format.PNG, []string{"wmf"}, []string{"image/wmf"}
	f.Match = func(data []byte) format.Match {
		if len(data) > 18 && (data[0] == 1 || data[0] == 0xD7) {
			return format.Certain
		}
		return format.NoMatch
	}
	f.Parse = ParseWMF
	return f
}

func le32(values ...int) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
	}
	return b
}

func le16(values ...int) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(v)))
	}
	return b
}

// emfRecord is a record of an enhanced metafile.
func emfRecord(kind int, body ...byte) []byte {
	body = append(body, make([]byte, -len(body)&3)...)
	return append(le32(kind, 8+len(body)), body...)
}

// emfPicture is the call that draws a bitmap, changed by one of its fields: 32 for
// xSrc, 68 for the raster operation and so on.
func emfPicture(dib []byte, w, h, field, value int) []byte {
	const head, info = 80, 40
	b := le32(0, 0, w, h, 0, 0, 0, 0, w, h, head, info, head+info, len(dib)-info, 0, 0x00CC0020, 3*w, 3*h)
	r := emfRecord(81, append(b, dib...)...)
	if field > 0 {
		copy(r[field:], le32(value))
	}
	return r
}

// emf is an enhanced metafile on a frame of 700 × 500 hundredths of a millimetre.
func emf(rest string, records ...[]byte) []byte {
	head := slices.Concat(le32(0, 0, 6, 4, 0, 0, 700, 500), []byte(" EMF"), le32(0x10000, 0, len(records)+2, 1, 0, 0, 0, 1000, 800, 300, 200))
	return append(slices.Concat(append(append([][]byte{emfRecord(1, head...)}, records...), emfRecord(14, le32(0, 16, 20)...))...), rest...)
}

// wmfRecord is a record of a Windows metafile.
func wmfRecord(kind int, body ...byte) []byte {
	body = append(body, make([]byte, len(body)%2)...)
	return slices.Concat(le32((6+len(body))/2), le16(kind), body)
}

// wmf is a Windows metafile, placeable with 1,000 units an inch when it has a
// size on paper.
func wmf(w, h int, rest string, records ...[]byte) []byte {
	var b []byte
	if w > 0 {
		b = slices.Concat(le32(-1698247209), le16(0, 0, 0, w, h, 1000), le32(0), le16(0))
	}
	b = slices.Concat(b, le16(1, 9, 0x300), le32(0), le16(1), le32(0), le16(0))
	return append(slices.Concat(b, slices.Concat(records...), wmfRecord(0)), rest...)
}

func wmfPicture(dib []byte, w, h int) []byte {
	return wmfRecord(0x0F43, slices.Concat(le32(0x00CC0020), le16(0, h, w, 0, 0, 2*h, 2*w, 0, 0), dib)...)
}

// spec: g1 g9
func TestEMFConformance(t *testing.T) {
	dib := bitmap(40, 7, 5, nothing, "", "")[14:]
	hidden := bitmap(40, 7, 5, nothing, "", mark)[14:]
	quiet := [][]byte{emfRecord(9, le32(7, 5)...), emfRecord(17, le32(8)...), emfRecord(75, le32(0, 5)...), emfRecord(33), emfRecord(21, le32(3)...)}
	good := emf("", append(quiet, emfPicture(dib, 7, 5, 0, 0), emfRecord(34, le32(-1)...))...)
	refused := func(name string, data []byte) sanitizetest.Refusal {
		return sanitizetest.Refusal{Name: name, Data: data, Reason: format.KindUnsupported}
	}
	sanitizetest.Run(t, emfFormat(), sanitizetest.Suite{Show: show, Again: formatOf(pngFormat()), CutIsFault: true, Golden: "testdata/golden",
		Good: []sanitizetest.Sample{
			{Name: "metafile of a picture", Data: good, Findings: []string{codeChanged}, Shows: []string{"png 7x5 c84400ff", "1000,1000 pixels a metre"}},
			{Name: "metafile with carriers", Data: emf(mark, emfRecord(70, append(le32(len(mark)), mark...)...), emfPicture(hidden, 7, 5, 0, 0)),
				Findings: []string{codeChanged, codeMetadata, codeTrailing}, Marks: []string{mark}, Shows: []string{"png 7x5"}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: good, Budget: tiny(34), Reason: format.LimitPixels},
			{Name: "late", Data: good, Budget: late(), Reason: format.LimitTime},
			{Name: "cut", Data: good[:len(good)-30], Reason: format.Truncated},
			{Name: "record of no size", Data: emf("", append(le32(17, 0), 1, 2, 3, 4)), Reason: format.Malformed},
			{Name: "bitmap elsewhere", Data: emf("", emfPicture(dib, 7, 5, 56, 4000)), Reason: format.Malformed},
			{Name: "a second header", Data: emf("", emf("")), Reason: format.Malformed},
			refused("no picture", emf("", quiet...)),
			refused("two pictures", emf("", emfPicture(dib, 7, 5, 0, 0), emfPicture(dib, 7, 5, 0, 0))),
			refused("a line besides", emf("", emfRecord(54, le32(1, 1)...), emfPicture(dib, 7, 5, 0, 0))),
			refused("words besides", emf("", emfPicture(dib, 7, 5, 0, 0), emfRecord(84, make([]byte, 68)...))),
			refused("a drawing in EMF+", emf("", emfRecord(70, append(le32(4), "EMF+"...)...), emfPicture(dib, 7, 5, 0, 0))),
			refused("clipped", emf("", emfRecord(75, le32(32, 1)...), emfPicture(dib, 7, 5, 0, 0))),
			refused("from the middle", emf("", emfPicture(dib, 7, 5, 32, 1))),
			refused("a part", emf("", emfPicture(dib, 7, 5, 40, 6))),
			refused("mixed with what is below", emf("", emfPicture(dib, 7, 5, 68, 0x008800C6))),
			refused("turned over", emf("", emfPicture(dib, 7, 5, 76, -15))),
			refused("colours elsewhere", emf("", emfPicture(dib, 7, 5, 64, 1))),
		},
		Bad: badPNG(t, encodePNG(t, gradient(20, 10))), Rules: pngRules,
	})
}

// spec: g1 g9
func TestWMFConformance(t *testing.T) {
	dib := bitmap(40, 7, 5, nothing, "", "")[14:]
	hidden := bitmap(40, 7, 5, nothing, "", mark)[14:]
	good := wmf(70, 50, "", wmfRecord(0x020B, le16(0, 0)...), wmfRecord(0x020C, le16(5, 7)...), wmfPicture(dib, 7, 5))
	refused := func(name string, data []byte) sanitizetest.Refusal {
		return sanitizetest.Refusal{Name: name, Data: data, Reason: format.KindUnsupported}
	}
	older := slices.Concat(le32(0x00CC0020), le16(5, 7, 0, 0, 10, 14, 0, 0), dib)
	sanitizetest.Run(t, wmfFormat(), sanitizetest.Suite{Show: show, Again: formatOf(pngFormat()), CutIsFault: true, Golden: "testdata/golden",
		Good: []sanitizetest.Sample{
			{Name: "Windows metafile of a picture", Data: good, Findings: []string{codeChanged}, Shows: []string{"png 7x5 c84400ff", "3937,3937 pixels a metre"}},
			{Name: "bare Windows metafile", Data: wmf(0, 0, "", wmfRecord(0x0B41, older...)), Findings: []string{codeChanged}, Shows: []string{"png 7x5 c84400ff"}},
			{Name: "Windows metafile with carriers", Data: wmf(0, 0, mark, wmfRecord(0x0626, append(le16(15, len(mark)), mark...)...), wmfPicture(hidden, 7, 5)),
				Findings: []string{codeChanged, codeMetadata, codeTrailing}, Marks: []string{mark}, Shows: []string{"png 7x5"}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: good, Budget: tiny(34), Reason: format.LimitPixels},
			{Name: "cut", Data: good[:len(good)-30], Reason: format.Truncated},
			{Name: "record of no size", Data: wmf(0, 0, "", le32(0), le16(0x0102, 1)), Reason: format.Malformed},
			refused("no picture", wmf(0, 0, "", wmfRecord(0x020C, le16(5, 7)...))),
			refused("two pictures, as icons are", wmf(0, 0, "", wmfPicture(dib, 7, 5), wmfPicture(dib, 7, 5))),
			refused("words besides", wmf(0, 0, "", wmfPicture(dib, 7, 5), wmfRecord(0x0521, make([]byte, 26)...))),
			refused("an escape of printers", wmf(0, 0, "", wmfRecord(0x0626, le16(9, 0)...), wmfPicture(dib, 7, 5))),
			refused("a part", wmf(0, 0, "", wmfPicture(dib, 6, 5))),
		},
		Bad: badPNG(t, encodePNG(t, gradient(20, 10))), Rules: pngRules,
	})
}

// FuzzMetafiles: any bytes end in pixels within the budget or in a reason.
func FuzzMetafiles(f *testing.F) {
	dib := bitmap(40, 7, 5, nothing, "", "")[14:]
	f.Add(emf(mark, emfRecord(9, le32(7, 5)...), emfRecord(70, append(le32(4), "EMF+"...)...), emfPicture(dib, 7, 5, 0, 0)))
	f.Add(emf("", emfRecord(75, le32(0, 5)...), emfPicture(dib, 7, 5, 0, 0)))
	f.Add(wmf(70, 50, mark, wmfRecord(0x0626, le16(15, 2, 3)...), wmfPicture(dib, 7, 5)))
	f.Add(wmf(0, 0, "", wmfRecord(0x0B41, slices.Concat(le32(0x00CC0020), le16(5, 7, 0, 0, 10, 14, 0, 0), dib)...)))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, row := range []format.Format{emfFormat(), wmfFormat()} {
			o, err := sanitizetest.Sanitize(t.Context(), row, format.Untrusted{Data: data, Budget: sanitizetest.Budget()}, format.Construction{}, nil)
			if err == nil && (len(o.Faults) > 0 || !slices.Contains(o.Codes(), codeChanged)) {
				t.Errorf("%v %v", o.Faults, o.Codes())
			}
			if err != nil && sanitizetest.ReasonOf(err) == "" {
				t.Error(err)
			}
		}
	})
}
