package mail

import "bytes"

// uuFile is one uuencoded file found in a run of bytes.
type uuFile struct {
	name       []byte
	data       []byte
	start, end int  // the lines from begin to end
	whole      bool // the end line is there and every line was well formed
}

// uuFind returns the first uuencoded file in b. A begin line counts only when
// a line of the right length follows it, so that prose that starts with
// "begin" stays prose.
func uuFind(b []byte) (uuFile, bool) {
	for pos := 0; pos < len(b); {
		i := bytes.Index(b[pos:], []byte("begin "))
		if i < 0 {
			return uuFile{}, false
		}
		at := pos + i
		pos = at + len("begin ")
		if at > 0 && b[at-1] != '\n' && b[at-1] != '\r' {
			continue
		}
		line, rest := uuLine(b[at:])
		name, ok := uuBegin(line)
		if !ok {
			continue
		}
		first, _ := uuLine(rest)
		if !uuPlausible(first) {
			continue
		}
		f := uuBody(rest)
		f.name = name
		f.start, f.end = at, len(b)-len(rest)+f.end
		return f, true
	}
	return uuFile{}, false
}

// uuLine cuts the first line off b.
func uuLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return mimeTrimCR(b), nil
	}
	return mimeTrimCR(b[:i]), b[i+1:]
}

// uuBegin reads "begin <mode> <name>".
func uuBegin(line []byte) ([]byte, bool) {
	f := bytes.SplitN(line, []byte(" "), 3)
	if len(f) != 3 || len(f[1]) < 3 || len(f[1]) > 4 || len(bytes.TrimSpace(f[2])) == 0 {
		return nil, false
	}
	for _, c := range f[1] {
		if c < '0' || c > '7' {
			return nil, false
		}
	}
	return bytes.TrimSpace(f[2]), true
}

// uuWant is how many letters a line of that length letter must have.
func uuWant(c byte) int { return (int(c-' ')&63 + 2) / 3 * 4 }

// uuPlausible reports whether a line is a data line or the end of an empty file.
func uuPlausible(line []byte) bool {
	if string(line) == "end" || string(line) == "`" {
		return true
	}
	if len(line) < 2 || line[0] <= ' ' || line[0] > '`' {
		return false
	}
	want := uuWant(line[0])
	// Trailing blanks may be lost and checksum letters may be added.
	return len(line)-1 >= want-3 && len(line)-1 <= want+2
}

// uuBody decodes lines up to the end line; f.end is relative to b.
func uuBody(b []byte) uuFile {
	f := uuFile{whole: true}
	rest := b
	for len(rest) > 0 {
		line, next := uuLine(rest)
		switch {
		case string(bytes.TrimSpace(line)) == "end":
			f.end = len(b) - len(next)
			return f
		case len(line) == 0, string(line) == "`":
		case uuPlausible(line):
			f.data = uuDecodeLine(f.data, line)
		default: // not data any more: the end line is lost
			f.whole = false
			f.end = len(b) - len(rest)
			return f
		}
		rest = next
	}
	f.whole = false
	f.end = len(b)
	return f
}

func uuDecodeLine(out, line []byte) []byte {
	n := int(line[0]-' ') & 63
	text := line[1:]
	at := func(i int) byte {
		if i < len(text) {
			return (text[i] - ' ') & 63
		}
		return 0
	}
	for i := 0; n > 0; i += 4 {
		a, b, c, d := at(i), at(i+1), at(i+2), at(i+3)
		group := [3]byte{a<<2 | b>>4, b<<4 | c>>2, c<<6 | d}
		out = append(out, group[:min(n, 3)]...)
		n -= 3
	}
	return out
}
