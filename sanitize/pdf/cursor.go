package pdf

import (
	"bytes"
	"strconv"
)

// cursor reads a file of ours from a place on. What does not stand there as it
// must makes it bad, and every read after that fails too.
type cursor struct {
	data []byte
	at   int
	bad  bool
}

// word reads one fixed run of bytes.
func (c *cursor) word(s string) {
	if c.bad || !c.sees(s) {
		c.bad = true
		return
	}
	c.at += len(s)
}

// sees reports whether s comes next.
func (c *cursor) sees(s string) bool {
	return c.at <= len(c.data) && bytes.HasPrefix(c.data[c.at:], []byte(s))
}

// take reads s if it comes next, and reports whether it did.
func (c *cursor) take(s string) bool {
	if c.bad || !c.sees(s) {
		return false
	}
	c.at += len(s)
	return true
}

// maxDigits bounds a number, so that none overflows.
const maxDigits = 12

// number reads a number in its one spelling: digits without leading zeros.
func (c *cursor) number() int64 {
	start := c.at
	for !c.bad && c.at < len(c.data) && c.at-start < maxDigits && c.data[c.at] >= '0' && c.data[c.at] <= '9' {
		c.at++
	}
	if c.bad || c.at == start || c.data[start] == '0' && c.at > start+1 {
		c.bad = true
		return 0
	}
	n, err := strconv.ParseInt(string(c.data[start:c.at]), 10, 64)
	if err != nil {
		c.bad = true
	}
	return n
}

// reference reads "n 0 R".
func (c *cursor) reference() int {
	n := c.number()
	c.word(" 0 R")
	return int(n)
}

// fixed reads a decimal in its one spelling and returns it times 10^digits:
// no sign of zero, no zeros at its end, at most so many digits behind the point.
func (c *cursor) fixed(digits int) int64 {
	minus := c.take("-")
	n := c.number()
	rest := int64(0)
	places := 0
	if c.take(".") {
		for places < digits && c.at < len(c.data) && c.data[c.at] >= '0' && c.data[c.at] <= '9' {
			rest = rest*10 + int64(c.data[c.at]-'0')
			c.at++
			places++
		}
		if places == 0 || rest%10 == 0 {
			c.bad = true
		}
	}
	for i := range digits {
		n *= 10
		if i >= places {
			rest *= 10
		}
	}
	n += rest
	if minus {
		if n == 0 {
			c.bad = true
		}
		return -n
	}
	return n
}

// hexadecimal reads upper-case digits, two a byte, up to max bytes.
func (c *cursor) hexadecimal(max int) []byte {
	var out []byte
	for !c.bad && len(out) < max && c.at+1 < len(c.data) {
		hi, ok := nibble(c.data[c.at])
		if !ok {
			break
		}
		lo, ok := nibble(c.data[c.at+1])
		if !ok {
			c.bad = true
			break
		}
		out = append(out, hi<<4|lo)
		c.at += 2
	}
	return out
}

func nibble(b byte) (byte, bool) {
	switch {
	case b >= '0' && b <= '9':
		return b - '0', true
	case b >= 'A' && b <= 'F':
		return b - 'A' + 10, true
	}
	return 0, false
}

// run reads n bytes as they are.
func (c *cursor) run(n int64) []byte {
	if c.bad || n < 0 || n > int64(len(c.data)-c.at) {
		c.bad = true
		return nil
	}
	p := c.data[c.at : c.at+int(n)]
	c.at += int(n)
	return p
}
