package mail

import "bytes"

// mimeLines walks the lines of a message. A line ends with LF and any CRs
// before it.
type mimeLines struct {
	b   []byte
	pos int
}

// next returns the next line without its end and where it starts; ok is false
// at the end of the message.
func (l *mimeLines) next() (line []byte, start int, ok bool) {
	if l.pos >= len(l.b) {
		return nil, l.pos, false
	}
	start = l.pos
	end := bytes.IndexByte(l.b[start:], '\n')
	if end < 0 {
		l.pos = len(l.b)
		return mimeTrimCR(l.b[start:]), start, true
	}
	l.pos = start + end + 1
	return mimeTrimCR(l.b[start : start+end]), start, true
}

// mimeProbe is how far into a message a first LF is looked for, in bytes.
const mimeProbe = 8 << 10

// mimeUnix returns b, or for a message of the old Macintosh kind, whose lines
// end with bare CR, a copy with LF. Which of the two it is is decided once for
// the whole message, so that there is only one reading of it (DECISIONS 21).
func mimeUnix(b []byte) []byte {
	head := b[:min(len(b), mimeProbe)]
	cr := bytes.IndexByte(head, '\r')
	lf := bytes.IndexByte(head, '\n')
	if cr < 0 || lf >= 0 && (lf < len(b)-1 || cr >= lf-1) {
		return b
	}
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
}

func mimeTrimCR(line []byte) []byte {
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line
}

// mimeChop removes the line break before a delimiter, which belongs to the
// delimiter (RFC 2046 section 5.1.1).
// spec: rfc2046#5.1.1
func mimeChop(body []byte) []byte {
	if n := len(body); n > 0 && body[n-1] == '\n' {
		body = body[:n-1]
	}
	if n := len(body); n > 0 && body[n-1] == '\r' {
		body = body[:n-1]
	}
	return body
}

func mimeBlank(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }
