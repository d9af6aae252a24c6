package fax

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// coder writes codes as the recommendations say, for the tests.
type coder struct{ bits []byte }

func (c *coder) code(s string) {
	for _, b := range s {
		c.bits = append(c.bits, byte(b-'0'))
	}
}

func (c *coder) align() {
	for len(c.bits)%8 != 0 {
		c.bits = append(c.bits, 0)
	}
}

func (c *coder) bytes() []byte {
	c.align()
	out := make([]byte, len(c.bits)/8)
	for i, b := range c.bits {
		out[i/8] |= b << (7 - i%8)
	}
	return out
}

func (c *coder) run(colour, n int) {
	short, long := strings.Fields([]string{whiteShort, blackShort}[colour]), strings.Fields([]string{whiteLong, blackLong}[colour]+" "+bothLong)
	for ; n >= 2560; n -= 2560 {
		c.code(long[len(long)-1])
	}
	if n >= 64 {
		c.code(long[n/64-1])
	}
	c.code(short[n%64])
}

// changes lists where the colour of a row changes, from white.
func changes(row string) []int {
	var all []int
	last := '.'
	for i, c := range row {
		if c != last {
			all, last = append(all, i), c
		}
	}
	return all
}

func (c *coder) oneD(row string) {
	at, colour := 0, 0
	for _, to := range append(changes(row), len(row)) {
		c.run(colour, to-at)
		at, colour = to, colour^1
	}
}

// first returns the first change of row right of at to the other colour than
// the one given.
func first(row string, at, colour int) int {
	for i, p := range changes(row) {
		if p > at && i%2 == colour {
			return p
		}
	}
	return len(row)
}

func (c *coder) twoD(ref, row string) {
	w := len(row)
	at, colour := -1, 0
	next := func(row string, from int) int {
		for _, p := range changes(row) {
			if p > from {
				return p
			}
		}
		return w
	}
	for at < w {
		a1 := first(row, at, colour)
		if at < 0 && strings.HasPrefix(row, "#") {
			a1 = 0
		}
		b1 := first(ref, at, colour)
		b2 := next(ref, b1)
		switch d := a1 - b1; {
		case b2 < a1:
			c.code("0001")
			at = b2
		case d >= -3 && d <= 3:
			c.code(strings.Fields(modes)[modeVertical+3+d])
			at, colour = a1, colour^1
		default:
			a2 := next(row, a1)
			c.code("001")
			c.run(colour, a1-max(at, 0))
			c.run(colour^1, a2-a1)
			at = a2
		}
	}
}

const mark1 = "000000000001"

// encode writes rows of . and # in a scheme.
func encode(s Scheme, k int, rows ...string) []byte {
	c := &coder{}
	ref := strings.Repeat(".", len(rows[0]))
	for i, row := range rows {
		switch {
		case s == Runs:
			c.align()
			c.oneD(row)
		case s == Group3:
			c.code(mark1)
			c.oneD(row)
		case s == Mixed3 && i%k == 0:
			c.code(mark1 + "1")
			c.oneD(row)
		case s == Mixed3:
			c.code("0000" + mark1 + "0") // fill
			c.twoD(ref, row)
		default:
			c.twoD(ref, row)
		}
		ref = row
	}
	switch s {
	case Group3:
		c.code(strings.Repeat(mark1, 6))
	case Mixed3:
		c.code(strings.Repeat(mark1+"1", 6))
	case Group4:
		c.code(mark1 + mark1)
	}
	return c.bytes()
}

// text shows rows as encode takes them.
func text(p Picture, w int) []string {
	var rows []string
	for y := range p.Rows {
		var row strings.Builder
		for x := range w {
			row.WriteByte(".#"[p.Pix[y*p.Stride+x/8]>>(7-x%8)&1])
		}
		rows = append(rows, row.String())
	}
	return rows
}

var schemes = map[string]Scheme{"runs": Runs, "group 3": Group3, "mixed 3": Mixed3, "group 4": Group4}

// Whatever is drawn comes back, in every scheme.
func TestRoundTrip(t *testing.T) {
	d := NewDecoder()
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SampledFrom([]int{1, 2, 7, 8, 9, 31, 64, 100, 1728, 2600, 5300}).Draw(t, "w")
		var rows []string
		for range rapid.IntRange(1, 6).Draw(t, "h") {
			row := ""
			for colour := rapid.IntRange(0, 1).Draw(t, "first"); len(row) < w; colour ^= 1 {
				row += strings.Repeat(".#"[colour:colour+1], rapid.IntRange(1, max(1, min(w, rapid.SampledFrom([]int{3, 70, 2700}).Draw(t, "run")))).Draw(t, "n"))
			}
			if len(rows) > 0 && rapid.Bool().Draw(t, "near") {
				row = "." + rows[len(rows)-1] // moved by a pixel
			}
			rows = append(rows, row[:w])
		}
		for name, s := range schemes {
			p, err := d.Decode(context.Background(), encode(s, 3, rows...), s, w, len(rows))
			if err != nil || p.Lost != 0 {
				t.Fatalf("%s: %v, %d lost", name, err, p.Lost)
			}
			if got := strings.Join(text(p, w), "/"); got != strings.Join(rows, "/") {
				t.Fatalf("%s: %s\nwant %s", name, got, strings.Join(rows, "/"))
			}
		}
	})
}

func TestEnds(t *testing.T) {
	rows := []string{"..##..##", "..##..##", "#......#"}
	for name, s := range schemes {
		data := encode(s, 2, rows...)
		p, err := NewDecoder().Decode(t.Context(), data, s, 8, 10)
		if s == Runs {
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || p.Rows != 3 || len(p.Pix) != 10 || p.Pix[9] != 0 {
			t.Errorf("%s: the coded end: %v, %d rows", name, err, p.Rows)
		}
		p, err = NewDecoder().Decode(t.Context(), data[:3], s, 8, 10)
		if !errors.Is(err, io.ErrUnexpectedEOF) || p.Rows > 2 {
			t.Errorf("%s: cut: %v, %d rows", name, err, p.Rows)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := NewDecoder().Decode(ctx, data, s, 8, 10); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: cancelled: %v", name, err)
		}
	}
}

// A damaged line costs itself, not the lines behind it.
func TestDamagedLine(t *testing.T) {
	c := &coder{}
	for _, row := range []string{"##..", "....", "#..#"} {
		c.code(mark1)
		if row == "...." {
			c.code("0000000011") // no code of a white run
			continue
		}
		c.oneD(row)
	}
	c.code(strings.Repeat(mark1, 6))
	p, err := NewDecoder().Decode(t.Context(), c.bytes(), Group3, 4, 3)
	if err != nil || p.Lost != 1 || strings.Join(text(p, 4), "/") != "##../##../#..#" {
		t.Fatalf("%v %+v %v", err, p, text(p, 4))
	}
}

func TestMalformed(t *testing.T) {
	coded := func(codes ...string) []byte {
		c := &coder{}
		for _, s := range codes {
			c.code(s)
		}
		return append(c.bytes(), 0x55, 0x55, 0x55)
	}
	for name, c := range map[string]struct {
		data []byte
		s    Scheme
		want error
	}{
		"empty":              {nil, Group4, io.ErrUnexpectedEOF},
		"uncompressed mode":  {coded("0000001111"), Group4, ErrUnsupported},
		"run over the line":  {coded("001", "11011", "00110101", "11"), Group4, ErrMalformed},
		"runs over the line": {coded("11011"), Runs, ErrMalformed},
		"left of the start":  {coded("010", "0000010", "0000010", "0000010", "0000010", "0000010", "0000010"), Group4, ErrMalformed},
		"right of the end":   {coded("011"), Group4, ErrMalformed},
		"no such run":        {coded("0000000011"), Runs, ErrMalformed},
		"no next mark":       {coded(mark1, "0000000011"), Group3, ErrMalformed},
		"empty runs":         {coded(strings.Repeat("001101010000110111", 40)), Runs, ErrMalformed},
		"long runs":          {coded(strings.Repeat("000000011111", 40)), Runs, ErrMalformed},
	} {
		if _, err := NewDecoder().Decode(t.Context(), c.data, c.s, 20, 2); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range schemes {
		f.Add(encode(s, 2, "..##..##.", "..##..##.", "#......##"), byte(s), uint16(9), uint16(3))
	}
	d := NewDecoder()
	f.Fuzz(func(t *testing.T, data []byte, s byte, w, h uint16) {
		w, h = w%4000+1, h%200+1
		p, err := d.Decode(t.Context(), data, Scheme(s%4+1), int(w), int(h))
		switch {
		case err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, io.ErrUnexpectedEOF):
			t.Fatal(err)
		case len(p.Pix) != p.Stride*int(h) || p.Rows > int(h) || p.Lost > p.Rows:
			t.Fatalf("%d bytes, %d rows, %d lost", len(p.Pix), p.Rows, p.Lost)
		case w%8 != 0 && !bytes.Equal(edge(p, int(w)), make([]byte, p.Rows)):
			t.Fatal("pixels behind the edge")
		}
	})
}

// edge returns the unused bits of every row.
func edge(p Picture, w int) []byte {
	var all []byte
	for y := range p.Rows {
		all = append(all, p.Pix[y*p.Stride+p.Stride-1]<<(w%8))
	}
	return all
}
