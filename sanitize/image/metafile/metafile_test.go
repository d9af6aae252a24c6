package metafile

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func words(values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// emf is an enhanced metafile with these calls, a word each behind kind and size.
func emf(calls ...[]uint32) []byte {
	b := slices.Concat(words(1, 88, 0, 0, 9, 9, 0, 0, 900, 900), []byte(" EMF"), words(0x10000, 0, 2, 1, 0, 0, 0, 9, 9, 9, 9))
	for _, c := range calls {
		b = append(b, words(append([]uint32{c[0], uint32(8 + 4*len(c[1:]))}, c[1:]...)...)...)
	}
	return append(b, words(emfEOF, 20, 0, 16, 20)...)
}

// bitmap is a call that draws the three words 7, 8 and 9 as information and one,
// 5, as pixels.
var bitmap = []uint32{emfStretchDIB, 0, 0, 9, 9, 0, 0, 0, 0, 3, 2, 80, 12, 92, 4, 0, copySource, 30, 20, 7, 8, 9, 5}

func TestEMF(t *testing.T) {
	p, err := EMF(append(emf([]uint32{9, 1, 1}, bitmap), "rest"...))
	if err != nil || p.W != 3 || p.H != 2 || p.Off != 12 || !slices.Equal(p.DIB, words(7, 8, 9, 5)) || p.FrameW != 900 || p.PerInch != 2540 || string(p.Rest) != "rest" || p.Comments {
		t.Errorf("%+v, %v", p, err)
	}
	whole := emf(bitmap)
	for n := range len(whole) {
		if _, err := EMF(whole[:n]); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, ErrMalformed) {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
	if _, err := EMF(slices.Concat(emf(bitmap)[:88], []byte(strings.Repeat(string(words(33, 8)), maxRecords)))); !errors.Is(err, ErrUnsupported) {
		t.Errorf("calls without end: %v", err)
	}
}

func TestWMF(t *testing.T) {
	dib := words(12, 0x00020003, 1|24<<16)
	b := slices.Concat(words(0x9AC6CDD7), make([]byte, 2), []byte{0, 0, 0, 0, 90, 0, 60, 0, 100, 0}, make([]byte, 6),
		[]byte{1, 0, 9, 0, 0, 3}, make([]byte, 12), words(uint32(28+len(dib))/2), []byte{0x43, 0x0F}, words(copySource), []byte{0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0}, dib,
		words(3), []byte{0, 0})
	p, err := WMF(b)
	if err != nil || p.W != 3 || p.H != 2 || p.Off != -1 || !slices.Equal(p.DIB, dib) || p.FrameW != 90 || p.FrameH != 60 || p.PerInch != 100 {
		t.Errorf("%+v, %v", p, err)
	}
	for n := range len(b) {
		if _, err := WMF(b[:n]); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, ErrMalformed) {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
}

// FuzzPicture: any bytes give a picture that lies in them, or an error of ours.
func FuzzPicture(f *testing.F) {
	f.Add(emf([]uint32{9, 1, 1}, bitmap))
	f.Add(emf([]uint32{emfComment, 4, binary.LittleEndian.Uint32([]byte("EMF+"))}, bitmap))
	f.Add(emf([]uint32{emfClip, 0, 5}))
	f.Add(append([]byte{1, 0, 9, 0, 0, 3}, make([]byte, 40)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, find := range []func([]byte) (Picture, error){EMF, WMF} {
			p, err := find(data)
			switch {
			case err == nil:
				if len(p.DIB) == 0 || len(p.DIB) > len(data) || p.Off > int64(len(p.DIB)) || p.W < 1 || p.H < 1 || len(p.Rest) > len(data) {
					t.Errorf("%+v", p)
				}
			case !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrMalformed) && !errors.Is(err, io.ErrUnexpectedEOF):
				t.Error(err)
			}
		}
	})
}
