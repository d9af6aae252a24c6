package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"sekisho/sanitize/ir"
)

// meaning is what a file of ours says, without what may change unseen: the
// colours of a palette, pixels of a JPEG or a fax, which have no checksum, bits
// of a deflate stream that are no part of what it holds, and the width of a picture within the last byte of
// its rows.
func meaning(t *testing.T, data []byte) string {
	t.Helper()
	l := lint{data: data}
	table, end := l.table()
	if !l.read(table, len(header), end) {
		t.Fatal("not a file of ours")
	}
	var b strings.Builder
	for n, o := range l.objects[1:] {
		body := o.body
		if o.shape == picture {
			o.w = (o.w*o.space.bits + 7) / 8
		}
		switch {
		case o.space.filter == "DCTDecode", o.space.filter == "CCITTFaxDecode":
			body = nil // pixels without a checksum
		case body != nil:
			z, err := zlib.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		o.body = nil
		fmt.Fprintf(&b, "%d %+v %q\n", n+1, o, body)
	}
	return b.String()
}

// TestLintSeesEachByte: no byte of a file can be changed unseen but those that
// mean nothing.
// spec: g5
func TestLintSeesEachByte(t *testing.T) {
	lettered := text(ir.Gray4, 24, 12)
	lettered.runs = []ir.Run{{X: 10, Y: 10, Length: 9, Size: 9000, S: "関所 gate"}}
	flips := []byte{1, 0x10, 0x80}
	for name, data := range map[string][]byte{"pixels": mustBuild(t, text(ir.Gray4, 24, 12), text(ir.Gray1, 30, 20)), "palette": mustBuild(t, logo(21, 9, 3)),
		"JPEG": mustBuild(t, photo(ir.RGB8, 16, 16)), "fax": mustBuild(t, lines(40, 9)), "lettered": mustBuild(t, lettered)} {
		t.Run(name, func(t *testing.T) {
			before := meaning(t, data)
			for i := range data {
				for k, flip := range flips {
					if i%len(flips) != k && os.Getenv("SEKISHO_SOAK") == "" || bytes.HasPrefix(data[i:], []byte{data[i], data[i], data[i], data[i]}) {
						continue // one bit of each byte, and of equal ones the last
					}
					bad := bytes.Clone(data)
					bad[i] ^= flip
					if notes, _ := found(t, bad); len(notes) == 0 && meaning(t, bad) != before {
						t.Errorf("byte %d, %q for %q: unseen", i, bad[i], data[i])
					}
				}
			}
		})
	}
}

// FuzzLint: any bytes are judged without a crash, and what is accepted has the
// pages that it tells of.
func FuzzLint(f *testing.F) {
	f.Add(mustBuild(f, text(ir.Gray4, 24, 12)))
	f.Add(mustBuild(f, written(), logo(21, 9, 3)))
	f.Add(mustBuild(f, photo(ir.RGB8, 16, 16)))
	for _, b := range badFiles(f) {
		f.Add(b.Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		notes, sheets := found(t, data)
		if len(notes) == 0 && len(sheets) == 0 {
			t.Error("accepted without a page")
		}
	})
}

// FuzzBuild: whatever values come, Build gives an error or a file that the
// lint accepts and that has the pages it says.
func FuzzBuild(f *testing.F) {
	for i, s := range []ir.Samples{ir.Gray1, ir.Gray4, ir.Gray8, ir.RGB8} { // small, so that many are tried
		f.Add(frames(f, values(text(s, 9, 9), photo(s, 7, 5))), 70+10*i)
	}
	f.Add(frames(f, values(logo(12, 6, 20))), 75)
	small := text(ir.Gray1, 9, 9)
	small.runs = written().runs
	f.Add(frames(f, values(small, small)), 85)
	f.Fuzz(func(t *testing.T, in []byte, quality int) {
		var out bytes.Buffer
		p := profile()
		p.Quality, p.MaxBytes = quality, 1<<20
		built, err := buildFrom(bytes.NewReader(in), p, &out)
		if err != nil {
			return
		}
		notes, sheets := found(t, out.Bytes())
		if len(notes) > 0 || fmt.Sprint(sheets) != fmt.Sprint(built.Sheets) {
			t.Errorf("%v; found %v, built %v", notes, sheets, built.Sheets)
		}
	})
}
