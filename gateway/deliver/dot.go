package deliver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// errForm means that a sealed body is not in the line form of SMTP.
var errForm = errors.New("the sealed mail has a bare CR, a bare LF or a NUL")

// dotBuffer is how many bytes a dotWriter keeps back at most.
const dotBuffer = 32 << 10

// dotWriter writes a body for DATA (RFC 5321 §4.5.2): a line that begins with
// a dot gets another. Bare CR, bare LF and NUL are refused, not mended: peers
// that read them as line ends would see another mail than we sealed, or two.
// It goes by lines, and hands on long runs of them without a copy.
// spec: rfc5321#4.5.2
type dotWriter struct {
	w    io.Writer
	kept []byte // not yet written
	last byte   // '\n' at the start of a line
}

// newDotWriter keeps what it holds back in kept's array, of dotBuffer bytes.
func newDotWriter(w io.Writer, kept []byte) *dotWriter {
	return &dotWriter{w, kept[:0], '\n'}
}

// write takes the next part of a body, cut anywhere.
func (d *dotWriter) write(p []byte) error {
	if bytes.IndexByte(p, 0) >= 0 {
		return errForm
	}
	run := 0 // where what is not yet written begins
	for at := 0; at < len(p); {
		line := p[at:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		if !inForm(d.last, line) {
			return errForm
		}
		if line[0] == '.' && d.last == '\n' {
			if err := d.put(p[run : at+1]); err != nil { // and the dot again
				return err
			}
			run = at
		}
		at += len(line)
		d.last = line[len(line)-1]
	}
	return d.put(p[run:])
}

// inForm tells whether a line, or a part of one, may follow the byte last: CR
// and LF come as a pair only.
func inForm(last byte, line []byte) bool {
	if last == '\r' {
		return line[0] == '\n'
	}
	cr := bytes.IndexByte(line, '\r')
	if line[len(line)-1] == '\n' {
		return cr >= 0 && cr == len(line)-2
	}
	return cr < 0 || cr == len(line)-1
}

// put keeps p or writes it, after what was kept.
func (d *dotWriter) put(p []byte) error {
	if len(d.kept)+len(p) > dotBuffer && len(d.kept) > 0 {
		if _, err := d.w.Write(d.kept); err != nil {
			return err
		}
		d.kept = d.kept[:0]
	}
	if len(p) >= dotBuffer {
		_, err := d.w.Write(p)
		return err
	}
	d.kept = append(d.kept, p...)
	return nil
}

// end returns what ends the body: the rest of it, kept back until now, and the
// final dot. A last line without its end gets one. Nothing else may end it.
func (d *dotWriter) end() ([]byte, error) {
	switch d.last {
	case '\r':
		return nil, fmt.Errorf("at its end: %w", errForm)
	case '\n':
		return append(d.kept, ".\r\n"...), nil
	}
	return append(d.kept, "\r\n.\r\n"...), nil
}
