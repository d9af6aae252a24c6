package ir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxFrame is the largest payload of one frame in bytes. Longer texts, pixels
// and data are split by the Writer.
const MaxFrame = 1 << 20

// chunk is how much text or data the Writer puts into one frame.
const chunk = 64 << 10

// maxCells bounds the cells of one Row.
const maxCells = 16384

// ErrFrame means that the peer broke the grammar: an unknown tag, a length out
// of range, a payload that does not parse, or a value that fails its check.
// The trusted side ends the worker and holds the part.
var ErrFrame = errors.New("ir: malformed frame")

// ErrTooMuch means that the frames exceed the Reader's limit. It is an
// ErrFrame.
var ErrTooMuch = fmt.Errorf("%w: too many bytes in all", ErrFrame)

// A frame is tag (1 byte), length (4 bytes, big endian), payload. Inside a
// payload a string or byte run is a 4-byte length and its bytes, a number is 8
// bytes big endian, a flag is one byte 0 or 1. There is no nesting.
type encoder struct{ b []byte }

func (e *encoder) num(n int64) { e.b = binary.BigEndian.AppendUint64(e.b, uint64(n)) }
func (e *encoder) nums(ns ...int64) {
	for _, n := range ns {
		e.num(n)
	}
}
func (e *encoder) str(s string) {
	e.b = append(binary.BigEndian.AppendUint32(e.b, uint32(len(s))), s...)
}
func (e *encoder) bytes(p []byte) {
	e.b = append(binary.BigEndian.AppendUint32(e.b, uint32(len(p))), p...)
}
func (e *encoder) flag(v bool) {
	if v {
		e.b = append(e.b, 1)
		return
	}
	e.b = append(e.b, 0)
}

// decoder reads a payload; after the first error every read gives zero values.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b) {
		d.bad = true
		return nil
	}
	p := d.b[:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) num() int64 {
	p := d.take(8)
	if p == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(p))
}

func (d *decoder) bytes() []byte {
	p := d.take(4)
	if p == nil {
		return nil
	}
	return d.take(int(binary.BigEndian.Uint32(p)))
}

func (d *decoder) str() string { return string(d.bytes()) }

func (d *decoder) flag() bool {
	p := d.take(1)
	if p == nil {
		return false
	}
	if p[0] > 1 {
		d.bad = true
	}
	return p[0] == 1
}

// Append appends the frame of v to b and returns the extended slice. It does
// not check v: checking is the reader's duty.
func Append(b []byte, v Value) []byte {
	start := len(b)
	b = append(b, byte(v.tag()), 0, 0, 0, 0)
	e := encoder{b}
	v.encode(&e)
	binary.BigEndian.PutUint32(e.b[start+1:], uint32(len(e.b)-start-5))
	return e.b
}

// Reader decodes frames and checks each value. It reads at most limit bytes in
// all; more is ErrFrame. A Reader takes memory for one frame at a time.
type Reader struct {
	r    io.Reader
	left int64
	buf  []byte
	head [5]byte
	kept Value // read ahead by Peek
	err  error
}

// NewReader returns a Reader of at most limit bytes of frames.
func NewReader(r io.Reader, limit int64) *Reader { return &Reader{r: r, left: limit} }

// Next returns the next value, io.EOF after the last whole frame, ErrFrame on
// a grammar error, or the error of the underlying reader. The byte slices of
// Data and Pixels are valid until the next call. After an error every call
// returns it again.
func (r *Reader) Next() (Value, error) {
	if v := r.kept; v != nil {
		r.kept = nil
		return v, nil
	}
	if r.err != nil {
		return nil, r.err
	}
	v, err := r.next()
	if err != nil {
		r.err = err
		return nil, err
	}
	return v, nil
}

// Peek returns what the following Next will.
func (r *Reader) Peek() (Value, error) {
	if r.kept != nil {
		return r.kept, nil
	}
	v, err := r.Next()
	r.kept = v
	return v, err
}

func (r *Reader) next() (Value, error) {
	if _, err := io.ReadFull(r.r, r.head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("%w: cut frame", ErrFrame)
		}
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(r.head[1:]))
	switch {
	case n > MaxFrame:
		return nil, fmt.Errorf("%w: %d bytes exceed a frame", ErrFrame, n)
	case n+5 > r.left:
		return nil, ErrTooMuch
	}
	r.left -= n + 5
	if int64(cap(r.buf)) < n {
		r.buf = make([]byte, n)
	}
	r.buf = r.buf[:n]
	if _, err := io.ReadFull(r.r, r.buf); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("%w: cut frame", ErrFrame)
		}
		return nil, err
	}
	return decode(Tag(r.head[0]), r.buf)
}

func decode(t Tag, payload []byte) (Value, error) {
	if t == 0 || t > TagEnd {
		return nil, fmt.Errorf("%w: tag %d", ErrFrame, t)
	}
	d := &decoder{b: payload}
	v := decoders[t](d)
	if d.bad || len(d.b) != 0 {
		return nil, fmt.Errorf("%w: payload of tag %d", ErrFrame, t)
	}
	if err := v.check(); err != nil {
		return nil, fmt.Errorf("%w: tag %d: %w", ErrFrame, t, err)
	}
	return v, nil
}

// Writer encodes values; it is what a Parse function writes to. It splits long
// texts, pixels and data over several frames.
type Writer struct {
	w   io.Writer
	buf []byte
	err error
}

// NewWriter returns a Writer to w. Callers who want few system calls give a
// buffered w and flush it.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes one value. A value that fails its check is an error here too,
// so that a parser's slip shows in its own tests and not only at the wall.
func (w *Writer) Write(v Value) error {
	if w.err != nil {
		return w.err
	}
	if err := v.check(); err != nil {
		return fmt.Errorf("ir: %T: %w", v, err)
	}
	switch v := v.(type) {
	case Text:
		return w.text(v)
	case Pixels:
		return w.split(v.B, func(p []byte) Value { return Pixels{p} })
	case Data:
		return w.split(v.B, func(p []byte) Value { return Data{p} })
	}
	return w.frame(v)
}

func (w *Writer) frame(v Value) error {
	w.buf = Append(w.buf[:0], v)
	if len(w.buf) > MaxFrame+5 {
		return fmt.Errorf("ir: %T of %d bytes exceeds a frame", v, len(w.buf))
	}
	_, w.err = w.w.Write(w.buf)
	return w.err
}

func (w *Writer) split(b []byte, mk func([]byte) Value) error {
	for len(b) > 0 {
		n := min(len(b), chunk)
		if err := w.frame(mk(b[:n])); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (w *Writer) text(t Text) error {
	for {
		n := len(Cut(t.S, chunk))
		if err := w.frame(Text{t.Role, t.Seq, t.S[:n]}); err != nil {
			return err
		}
		t.S = t.S[n:]
		if t.S == "" {
			return nil
		}
	}
}

// ChildData returns an io.Writer for the bytes of the child announced last.
func (w *Writer) ChildData() io.Writer { return childWriter{w} }

type childWriter struct{ w *Writer }

func (c childWriter) Write(p []byte) (int, error) {
	if err := c.w.Write(Data{p}); err != nil {
		return 0, err
	}
	return len(p), nil
}
