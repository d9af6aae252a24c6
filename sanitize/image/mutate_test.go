package image

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/icc/icctest"
	"sekisho/sanitize/image/tiff/tifftest"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdf"
	"sekisho/sanitize/sanitizetest"
)

// seeds are small pictures of every kind.
func seeds(t testing.TB) [][]byte {
	two := encodeGIF(t, flat(6, 4, color.White), flat(6, 4, color.Black))
	m := tifftest.Maker{Order: binary.LittleEndian}
	all := [][]byte{
		encodePNG(t, gradient(9, 5)), encodePNG(t, fade(9, 5)), encodePNG(t, noise(3, 3)), encodeJPEG(t, gradient(9, 5)), encodeJPEG(t, noise(9, 9)), two, overEdge(two),
		withProfile(encodeJPEG(t, gradient(9, 5)), icctest.Profile("RGB ", icctest.P3, icctest.Gamma(2.2))),
		bitmap(40, 7, 5, nothing, mark, ""), bitmap(124, 7, 5, nothing, "", mark),
		icon(1, bitmap(40, 4, 8, nothing, "", "")[14:], encodePNG(t, fade(9, 5))),
		m.File(m.Grey(3, 2, []byte("abcdef"), m.Ratio(282, 2, 1), m.Ratio(283, 1, 1))),
		m.File(m.Grey(3, 2, []byte("abcdef")), m.Grey(8, 4, []byte{0xC0, 4, 0, 64}, m.Short(258, 1), m.Short(259, 4), m.Short(262, 0))),
		webpOf(make([]byte, 12), appendChunk(nil, "VP8X", make([]byte, 10)), appendChunk(nil, "VP8L", []byte{0x2F, 0, 0, 0, 0, 7, 0xD0, 0xFF, 0xFE, 0xF7, 0xBF})),
	}
	for _, b := range sanitizetest.Corpus(t, "image/*") {
		if len(b) < 20000 {
			all = append(all, b)
		}
	}
	return all
}

// tryAll sanitizes data as every kind that it may be; whatever comes out is
// held for a known reason or passes its lint.
func tryAll(t testing.TB, data []byte) {
	t.Helper()
	for _, row := range []format.Format{pngFormat(), jpegFormat(), gifFormat(), bmpFormat(), icoFormat(), webpFormat(pngFormat()), tiffFormat(pngFormat())} {
		if row.Match(data) == format.NoMatch {
			continue
		}
		b := sanitizetest.Budget()
		b.Pixels = 1 << 20
		o, err := sanitizetest.Sanitize(t.Context(), eitherLint(row), format.Untrusted{Data: data, Budget: b}, format.Construction{}, nil)
		if err != nil {
			if !sanitizetest.ReasonOf(err).Known() {
				t.Fatalf("%s: %v", row.Kind, err)
			}
			continue
		}
		if len(o.Faults) > 0 {
			t.Fatalf("%s: %v", row.Kind, o.Faults)
		}
	}
}

// eitherLint chooses the lint by what was built, as the engine does.
func eitherLint(row format.Format) format.Format {
	row.Lint = func(data []byte, known map[[32]byte]bool, out *ir.Writer) error {
		switch {
		case MatchJPEG(data) == format.Certain:
			return LintJPEG(data, known, out)
		case bytes.HasPrefix(data, []byte("%PDF-")):
			return pdf.Lint(data, known, out)
		}
		return LintPNG(data, known, out)
	}
	if row.Kind == format.TIFF {
		row.Build = func(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
			v, err := in.Peek()
			if n, ok := v.(ir.Number); err == nil && ok && n.N > 1 {
				return pdf.Build(in, c, w)
			}
			return BuildNearest(in, c, w)
		}
	}
	return row
}

func FuzzParse(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) { tryAll(t, data) })
}

// TestMutations changes bytes of pictures of every kind in a fixed way.
// SEKISHO_SOAK says how many hundreds of them.
func TestMutations(t *testing.T) {
	rounds := 2
	if n, err := strconv.Atoi(os.Getenv("SEKISHO_SOAK")); err == nil {
		rounds = n
	}
	all := seeds(t)
	for i := range rounds * 100 {
		r := rand.New(rand.NewPCG(uint64(i), 5))
		data := bytes.Clone(all[i%len(all)])
		for range 1 + r.IntN(6) {
			at := r.IntN(len(data))
			if r.IntN(3) > 0 {
				at = r.IntN(min(len(data), 200)) // headers
			}
			switch r.IntN(5) {
			case 0:
				data[at] ^= 1 << r.IntN(8)
			case 1:
				data[at] = []byte{0, 1, 0x7F, 0x80, 0xFF}[r.IntN(5)]
			case 2:
				copy(data[at:], []byte{0xFF, 0xFF, 0xFF, 0xFF}[:r.IntN(4)])
			case 3:
				data = append(data[:at:at], data[min(len(data), at+r.IntN(9)):]...)
			default:
				data = slices.Concat(data[:at], data[at/2:at], data[at:])
			}
			if len(data) < 16 {
				data = append(data, make([]byte, 16)...)
			}
		}
		tryAll(t, data)
	}
}
