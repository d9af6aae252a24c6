package pdf

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"sekisho/sanitize/ir"
)

// The picture of a page of at least a point a side stays two thousandths of a
// point away from its edges.
const (
	edgeOfPage      = 2
	pageWithoutEdge = 1000
)

// Limits of a content, of ours whatever the builder's are.
const (
	maxLine  = 1 << 20  // bytes of a line: 64 K characters and more
	maxLines = 64 << 20 // bytes of all
)

// layerLint reads the content of one page: a line that shows the picture, and
// lines of invisible text.
type layerLint struct {
	lint   *lint
	where  string
	w, h   int64 // of the page
	runes  int64
	planes uint32
	size   int64 // of the text in hand, 0 when there is none
	plane  int   // of the line before
}

func (t *layerLint) fail(code, detail string) error {
	t.lint.fail(code, t.where, detail)
	return errForm
}

func (t *layerLint) read(from io.Reader) error {
	r := bufio.NewReaderSize(io.LimitReader(from, maxLines), maxLine)
	frame, err := t.line(r)
	if err != nil {
		return err
	}
	c := cursor{data: frame}
	c.word("q ")
	w := c.fixed(3)
	c.word(" 0 0 ")
	h := c.fixed(3)
	c.word(" ")
	x := c.fixed(3)
	c.word(" ")
	y := c.fixed(3)
	c.word(" cm /P Do Q\n")
	edge := int64(edgeOfPage)
	if t.w < pageWithoutEdge || t.h < pageWithoutEdge {
		edge = 0
	}
	if c.bad || c.at != len(frame) || x != edge || y != edge || w+2*edge != t.w || h+2*edge != t.h {
		return t.fail(lintContent, "the picture does not fill the page")
	}
	if _, err := r.Peek(1); errors.Is(err, io.EOF) {
		return nil
	}
	for _, want := range []string{"BT\n", "3 Tr\n"} {
		got, err := t.line(r)
		if err != nil {
			return err
		}
		if string(got) != want {
			return t.fail(lintContent, "text does not begin invisibly")
		}
	}
	return t.text(r)
}

// text reads the lines of text up to the end of the content.
func (t *layerLint) text(r *bufio.Reader) error {
	for n := 0; ; n++ {
		got, err := t.line(r)
		if err != nil {
			return err
		}
		if bytes.Equal(got, []byte("ET\n")) {
			break
		}
		if err := t.show(got); err != nil {
			return err
		}
	}
	if t.runes == 0 {
		return t.fail(lintContent, "text without characters")
	}
	if _, err := r.Peek(1); !errors.Is(err, io.EOF) {
		return t.fail(lintContent, "content behind the text")
	}
	return nil
}

func (t *layerLint) line(r *bufio.Reader) ([]byte, error) {
	b, err := r.ReadSlice('\n')
	if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
		return nil, t.fail(lintContent, "a line without an end")
	}
	return b, err
}

// show reads one line of text: the font, where and how it is set unless it
// goes on from the line before, and the characters.
// spec: pdf#9.3.6
func (t *layerLint) show(line []byte) error {
	c := cursor{data: line}
	c.word("/F")
	plane := int(c.number())
	c.word(" ")
	size := c.fixed(3)
	c.word(" Tf ")
	if c.take("<") {
		if size != t.size || plane == t.plane {
			c.bad = true
		}
	} else {
		t.place(&c, size)
		c.word("<")
	}
	codes := c.hexadecimal(maxLine)
	c.word("> Tj\n")
	if c.bad || c.at != len(line) || plane > 16 || len(codes) == 0 || len(codes)%2 != 0 {
		return t.fail(lintContent, "not a line of text")
	}
	t.size, t.plane = size, plane
	t.planes |= 1 << plane
	t.runes += int64(len(codes) / 2)
	for i := 0; i < len(codes); i += 2 {
		r := rune(plane<<16 | int(codes[i])<<8 | int(codes[i+1]))
		if ir.Forbidden(r) || r >= 0xD800 && r <= 0xDFFF {
			return t.fail(lintText, fmt.Sprintf("%U", r))
		}
	}
	return nil
}

// Bounds of text: sizes in thousandths of a point, stretching in hundredths of
// a percent, a sine and a cosine in ten-thousandths.
const (
	leastSize, mostSize       = 100, 2_000_000
	leastStretch, mostStretch = 100, 10_000_000
	unit, rounding            = 100_000_000, 20_000
)

// place reads how a line of text is set: by a size, a stretching, an angle and
// a place on the page.
func (t *layerLint) place(c *cursor, size int64) {
	stretch := c.fixed(2)
	c.word(" Tz ")
	var m [4]int64
	for i := range m {
		m[i] = c.fixed(4)
		c.word(" ")
	}
	x := c.fixed(3)
	c.word(" ")
	y := c.fixed(3)
	c.word(" Tm ")
	turn := m[0]*m[0] + m[1]*m[1]
	switch {
	case size < leastSize, size > mostSize, stretch < leastStretch, stretch > mostStretch:
		c.bad = true
	case m[0] != m[3], m[1] != -m[2], turn < unit-rounding, turn > unit+rounding:
		c.bad = true
	case x < -size, y < -size, x > t.w+size, y > t.h+size:
		c.bad = true
	}
}
