package charset

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeUTF8 copies valid UTF-8. An invalid sequence becomes one U+FFFD for each maximal subpart (Unicode §3.9, the
// practice of the WHATWG); surrogate pairs in CESU-8 form are put together.
func decodeUTF8(w *writer, b []byte) {
	if utf8.Valid(b) {
		w.out = append(w.out, b...)
		return
	}
	for len(b) > 0 {
		n := 0
		for n < len(b) && b[n] < utf8.RuneSelf {
			n++
		}
		w.out = append(w.out, b[:n]...)
		if b = b[n:]; len(b) == 0 {
			return
		}
		r, n := utf8Char(b)
		if r == 0 {
			w.bad()
		} else {
			w.rune(r)
		}
		b = b[n:]
	}
}

// utf8Char reads one character outside ASCII and returns it with its size; 0 for an invalid sequence of that size.
func utf8Char(b []byte) (rune, int) {
	if r, n := utf8.DecodeRune(b); r != utf8.RuneError || n > 1 {
		return r, n
	}
	if hi := cesuUnit(b); hi != 0 {
		if lo := cesuUnit(b[3:]); lo != 0 {
			if r := utf16.DecodeRune(hi, lo); r != utf8.RuneError {
				return r, 6
			}
		}
		return 0, 3
	}
	return 0, maximalSubpart(b)
}

// cesuUnit returns the surrogate written as three bytes at the start of b, or 0.
func cesuUnit(b []byte) rune {
	if len(b) < 3 || b[0] != 0xed || b[1] < 0xa0 || b[1] > 0xbf || b[2] < 0x80 || b[2] > 0xbf {
		return 0
	}
	return 0xd000 | rune(b[1]&0x3f)<<6 | rune(b[2]&0x3f)
}

// maximalSubpart is how many bytes of b begin a well-formed sequence without completing it; at least 1.
func maximalSubpart(b []byte) int {
	low, high, want := byte(0x80), byte(0xbf), 0
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		want = 1
	case c >= 0xe0 && c <= 0xef:
		want = 2
	case c >= 0xf0 && c <= 0xf4:
		want = 3
	}
	switch b[0] {
	case 0xe0:
		low = 0xa0
	case 0xed:
		high = 0x9f
	case 0xf0:
		low = 0x90
	case 0xf4:
		high = 0x8f
	}
	n := 1
	for ; n <= want && n < len(b) && b[n] >= low && b[n] <= high; n++ {
		low, high = 0x80, 0xbf
	}
	return n
}

// decodeUTF16 reads code units; an unpaired surrogate or a single last byte becomes U+FFFD.
func decodeUTF16(w *writer, b []byte, big bool) {
	for len(b) >= 2 {
		u := unit16(b, big)
		b = b[2:]
		if !utf16.IsSurrogate(u) {
			w.out = utf8.AppendRune(w.out, u)
			continue
		}
		if len(b) >= 2 {
			if r := utf16.DecodeRune(u, unit16(b, big)); r != utf8.RuneError {
				w.rune(r)
				b = b[2:]
				continue
			}
		}
		w.bad()
	}
	if len(b) > 0 {
		w.bad()
	}
}

func decodeUTF32(w *writer, b []byte, big bool) {
	for len(b) >= 4 {
		if u := unit32(b, big); u <= utf8.MaxRune && utf8.ValidRune(rune(u)) {
			w.out = utf8.AppendRune(w.out, rune(u))
		} else {
			w.bad()
		}
		b = b[4:]
	}
	if len(b) > 0 {
		w.bad()
	}
}

func unit16(b []byte, big bool) rune {
	if big {
		return rune(binary.BigEndian.Uint16(b))
	}
	return rune(binary.LittleEndian.Uint16(b))
}

func unit32(b []byte, big bool) uint32 {
	if big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

// decodeUTF7 reads RFC 2152. A '+' that begins no complete UTF-16 unit is taken as a plus sign, because people write
// "a+b" under any label. Bytes above 0x7F do not belong here and become U+FFFD.
// spec: rfc2152
func decodeUTF7(w *writer, b []byte) {
	for i := 0; i < len(b); {
		c := b[i]
		switch {
		case c >= utf8.RuneSelf:
			w.bad()
			i++
		case c != '+':
			w.ascii(c)
			i++
		case i+1 < len(b) && b[i+1] == '-':
			w.ascii('+')
			i += 2
		default:
			i += 1 + shiftedUTF7(w, b[i+1:])
		}
	}
}

// shiftedUTF7 reads the base64 run after a '+' and returns its length with the closing '-'.
func shiftedUTF7(w *writer, b []byte) int {
	n, bits := 0, 0
	acc := uint32(0)
	units := make([]byte, 0, 64)
	for ; n < len(b); n++ {
		v := base64Value(b[n])
		if v < 0 || b[n] == '-' || b[n] == '_' {
			break
		}
		acc = acc<<6 | uint32(v)
		if bits += 6; bits >= 8 {
			bits -= 8
			units = append(units, byte(acc>>bits))
		}
	}
	if len(units) < 2 {
		w.ascii('+')
		w.out = append(w.out, b[:n]...)
		return n
	}
	decodeUTF16(w, units[:len(units)&^1], true)
	if n < len(b) && b[n] == '-' {
		n++
	}
	return n
}

// base64Value is the value of a base64 digit, the URL-safe ones included, or -1.
func base64Value(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return -1
}
