package pdf

import (
	"fmt"
	"io"
	"strconv"

	"sekisho/sanitize/format"
)

// file writes objects and remembers where they are.
type file struct {
	w    io.Writer
	at   int64
	max  int64   // bytes allowed, 0 for any number
	offs []int64 // of each object number, from 1; 0 while it is not written
	buf  []byte
}

// header names version 1.7 and marks the file as binary (ISO 32000-1, 7.5.2).
// spec: pdf#7.5.2
const header = "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n"

// maxOffset is the largest place that a cross-reference entry can name.
const maxOffset = 9_999_999_999

// reserve gives the next n object numbers and returns the first.
func (f *file) reserve(n int) int {
	first := len(f.offs) + 1
	f.offs = append(f.offs, make([]int64, n)...)
	return first
}

func (f *file) write(p []byte) error {
	f.at += int64(len(p))
	if f.max > 0 && f.at > f.max || f.at > maxOffset {
		return format.Hold(format.TooLargeAfter, fmt.Sprintf("pdf above %d bytes", f.max))
	}
	if _, err := f.w.Write(p); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	return nil
}

// object writes an object without a stream.
func (f *file) object(n int, dict string) error {
	f.offs[n-1] = f.at
	f.buf = fmt.Appendf(f.buf[:0], "%d 0 obj\n%s\nendobj\n", n, dict)
	return f.write(f.buf)
}

// stream writes a stream object. dict are the entries before its length.
func (f *file) stream(n int, dict string, data []byte) error {
	f.offs[n-1] = f.at
	f.buf = fmt.Appendf(f.buf[:0], "%d 0 obj\n<<%s/Length %d>>\nstream\n", n, dict, len(data))
	if err := f.write(f.buf); err != nil {
		return err
	}
	if err := f.write(data); err != nil {
		return err
	}
	return f.write([]byte("\nendstream\nendobj\n"))
}

// end writes the cross-reference table and the trailer (7.5.4, 7.5.5).
// spec: pdf#7.5.4
func (f *file) end() error {
	start := f.at
	b := fmt.Appendf(nil, "xref\n0 %d\n0000000000 65535 f \n", len(f.offs)+1)
	for i, at := range f.offs {
		if at == 0 {
			return fmt.Errorf("write pdf: object %d is missing", i+1)
		}
		b = fmt.Appendf(b, "%010d 00000 n \n", at)
	}
	b = fmt.Appendf(b, "trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(f.offs)+1, catalogNumber, start)
	return f.write(b)
}

// decimal appends n divided by 10^digits, as short as it can be written.
func decimal(b []byte, n int64, digits int) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	unit := int64(1)
	for range digits {
		unit *= 10
	}
	b = strconv.AppendInt(b, n/unit, 10)
	rest := n % unit
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for rest > 0 {
		unit /= 10
		b = append(b, byte('0'+rest/unit))
		rest %= unit
	}
	return b
}

// points writes thousandths of a point.
func points(n int64) string { return string(decimal(nil, n, 3)) }
