package hypertext

import (
	"slices"
	"strings"
	"unicode"
)

// Punycode parameters, RFC 3492 section 5.
const (
	pyBase, pyTMin, pyTMax, pySkew, pyDamp = 36, 1, 26, 38, 700
	pyBias, pyN                            = 72, 128
	maxPunyLabel                           = 255 // runes; DNS allows 63 bytes
)

func pyAdapt(delta, n int, first bool) int {
	if first {
		delta /= pyDamp
	} else {
		delta /= 2
	}
	delta += delta / n
	k := 0
	for delta > (pyBase-pyTMin)*pyTMax/2 {
		delta /= pyBase - pyTMin
		k += pyBase
	}
	return k + (pyBase-pyTMin+1)*delta/(delta+pySkew)
}

func pyThreshold(k, bias int) int { return min(max(k-bias, pyTMin), pyTMax) }

func pyDigit(d int) byte {
	if d < 26 {
		return byte('a' + d)
	}
	return byte('0' + d - 26)
}

// toPuny encodes one label with "xn--" in front; an ASCII label comes back as
// it is. ok is false if the label is too long to be one.
func toPuny(label string) (string, bool) {
	in := []rune(label)
	if len(in) > maxPunyLabel {
		return "", false
	}
	var out []byte
	for _, r := range in {
		if r < 0x80 {
			out = append(out, byte(r))
		}
	}
	if len(out) == len(in) {
		return label, true
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias, h := rune(pyN), 0, pyBias, basic
	for h < len(in) {
		m := rune(unicode.MaxRune)
		for _, r := range in {
			if r >= n && r < m {
				m = r
			}
		}
		delta += int(m-n) * (h + 1)
		n = m
		for _, r := range in {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := pyBase; ; k += pyBase {
				t := pyThreshold(k, bias)
				if q < t {
					break
				}
				out = append(out, pyDigit(t+(q-t)%(pyBase-t)))
				q = (q - t) / (pyBase - t)
			}
			out = append(out, pyDigit(q))
			bias = pyAdapt(delta, h+1, h == basic)
			delta, h = 0, h+1
		}
		delta++
		n++
	}
	return "xn--" + string(out), true
}

// fromPuny decodes an "xn--" label; ok is false if it is not valid punycode.
// spec: rfc3492#6.2
func fromPuny(label string) (string, bool) {
	s, isACE := strings.CutPrefix(label, "xn--")
	if !isACE || s == "" || len(s) > maxPunyLabel {
		return label, false
	}
	var out []rune
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		out = []rune(s[:i])
		s = s[i+1:]
	}
	n, i, bias := pyN, 0, pyBias
	for pos := 0; pos < len(s); {
		old, w := i, 1
		for k := pyBase; ; k += pyBase {
			if pos >= len(s) {
				return label, false
			}
			d, ok := pyValue(s[pos])
			pos++
			if !ok || d > (1<<31-1-i)/w {
				return label, false
			}
			i += d * w
			t := pyThreshold(k, bias)
			if d < t {
				break
			}
			if w > (1<<31-1)/(pyBase-t) {
				return label, false
			}
			w *= pyBase - t
		}
		size := len(out) + 1
		bias = pyAdapt(i-old, size, old == 0)
		n += i / size
		i %= size
		if n > unicode.MaxRune || n >= 0xD800 && n < 0xE000 {
			return label, false
		}
		out = slices.Insert(out, i, rune(n))
		i++
	}
	return string(out), true
}

func pyValue(c byte) (int, bool) {
	switch {
	case c >= '0' && c <= '9':
		return int(c-'0') + 26, true
	case c >= 'a' && c <= 'z':
		return int(c - 'a'), true
	case c >= 'A' && c <= 'Z':
		return int(c - 'A'), true
	}
	return 0, false
}
