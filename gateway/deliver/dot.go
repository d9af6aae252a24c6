package deliver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// errForm means that a sealed body is not in the line form of SMTP.
var errForm = errors.New("the sealed mail has a bare CR, a bare LF or a NUL")

// dotWriter writes a body for DATA (RFC 5321 §4.5.2): a line that begins with
// a dot gets another. Bare CR, bare LF and NUL are refused, not mended: peers
// that read them as line ends would see another mail than we sealed, or two.
// spec: rfc5321#4.5.2
type dotWriter struct {
	w    *bufio.Writer
	last byte // '\n' at the start of a line
}

func newDotWriter(w io.Writer) *dotWriter {
	return &dotWriter{bufio.NewWriterSize(w, 32<<10), '\n'}
}

func (d *dotWriter) write(p []byte) error {
	for _, c := range p {
		if c == 0 || (c == '\n') != (d.last == '\r') {
			return errForm
		}
		if c == '.' && d.last == '\n' {
			d.w.WriteByte('.') // its error comes again with the next
		}
		if err := d.w.WriteByte(c); err != nil {
			return err
		}
		d.last = c
	}
	return nil
}

// flush sends what was written so far.
func (d *dotWriter) flush() error {
	if d.last == '\r' {
		return errForm
	}
	return d.w.Flush()
}

// dot ends the body. A last line without its end gets one.
func (d *dotWriter) dot() error {
	end := ".\r\n"
	if d.last != '\n' {
		end = "\r\n" + end
	}
	if _, err := d.w.WriteString(end); err != nil {
		return fmt.Errorf("write final dot: %w", err)
	}
	return d.w.Flush()
}
