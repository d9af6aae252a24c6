package mail

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"sekisho/sanitize/format"
)

// buildMaxLine is the longest line without its CRLF (RFC 5322 section 2.1.1).
const buildMaxLine = 998

// buildCounter counts what is written and stops at max bytes; 0 is no bound.
type buildCounter struct {
	w      io.Writer
	n, max int64
}

func (c *buildCounter) Write(p []byte) (int, error) {
	if c.max > 0 && int64(len(p)) > c.max-c.n {
		return 0, format.Hold(format.TooLargeAfter, fmt.Sprintf("more than %d bytes", c.max))
	}
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// buildDraft is a mail ready to be written.
type buildDraft struct {
	head *buildHeader
	text string // LF line ends
	kids []format.Child
}

// write writes the mail: one text part, or multipart/mixed of the text and the
// children that are present.
func (d buildDraft) write(w io.Writer) error {
	head := d.head.String() + "MIME-Version: 1.0\r\n"
	names := buildNames(d.kids)
	if len(names) == 0 {
		if _, err := io.WriteString(w, head); err != nil {
			return err
		}
		return buildTextPart(w, d.text)
	}
	boundary := d.boundary(head)
	if _, err := io.WriteString(w, head+
		"Content-Type: multipart/mixed;\r\n boundary=\""+boundary+"\"\r\n"+
		"Content-Transfer-Encoding: 7bit\r\n\r\n--"+boundary+"\r\n"); err != nil {
		return err
	}
	if err := buildTextPart(w, d.text); err != nil {
		return err
	}
	next := 0
	for _, k := range d.kids {
		if !k.Present() {
			continue
		}
		if _, err := io.WriteString(w, "\r\n--"+boundary+"\r\n"+buildPartHeader(k, names[next])); err != nil {
			return err
		}
		if err := buildAttach(w, k); err != nil {
			return fmt.Errorf("attachment %d: %w", next+1, err)
		}
		next++
	}
	_, err := io.WriteString(w, "\r\n--"+boundary+"--\r\n")
	return err
}

// boundary derives the boundary from everything between the boundaries, so
// that nothing there can contain it. "=_" stands in no base64 line.
func (d buildDraft) boundary(head string) string {
	h := sha256.New()
	for _, s := range []string{"sekisho boundary\x00", head, "\x00", d.text} {
		_, _ = io.WriteString(h, s) // a hash never fails
	}
	for _, k := range d.kids {
		if k.Present() {
			h.Write(k.Sum[:])
		}
	}
	return "=_sekisho_" + hex.EncodeToString(h.Sum(nil)[:20])
}

// buildTextPart writes the Content fields, the blank line and the text, as
// 7bit when it is ASCII that no mail system changes, else in base64. The text,
// which has LF line ends, is not copied: it may be tens of megabytes.
func buildTextPart(w io.Writer, text string) error {
	encoding := "base64"
	if buildIs7bit(text) {
		encoding = "7bit"
	}
	if _, err := io.WriteString(w, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "+encoding+"\r\n\r\n"); err != nil {
		return err
	}
	if encoding == "7bit" {
		return buildLineEnds(w, text)
	}
	lines := &buildWrapper{w: w}
	enc := base64.NewEncoder(base64.StdEncoding, lines)
	if err := buildLineEnds(enc, text); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	return lines.Close()
}

// buildLineEnds writes text with CRLF for LF.
func buildLineEnds(w io.Writer, text string) error {
	b := bufio.NewWriterSize(w, 32<<10)
	for line := range strings.SplitAfterSeq(text, "\n") {
		if bare, ended := strings.CutSuffix(line, "\n"); ended {
			_, _ = b.WriteString(bare)
			line = "\r\n"
		}
		_, _ = b.WriteString(line) // an error stays until Flush
	}
	return b.Flush()
}

// buildIs7bit reports whether text survives as it is: ASCII, lines of at most
// 998 bytes, none that a mailbox file would change ("From ").
func buildIs7bit(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > buildMaxLine || strings.HasPrefix(line, "From ") || strings.HasPrefix(line, "--=_") {
			return false
		}
		for _, c := range []byte(line) {
			if c != '\t' && (c < ' ' || c > '~') {
				return false
			}
		}
	}
	return true
}

// buildAttach streams a child's bytes and checks that they are the ones that
// were decided on. A mail is written as it is (RFC 2046 section 5.2.1 forbids
// an encoding, and ours need none); every other file in base64.
// spec: rfc2046#5.2.1
func buildAttach(w io.Writer, k format.Child) error {
	if k.Open == nil {
		return format.Hold(format.Internal, "child without bytes")
	}
	sum := sha256.New()
	src := io.TeeReader(k.Open(), sum)
	var n int64
	var err error
	if buildMedia(k.Media) == buildMailMedia {
		n, err = buildVerbatim(w, src)
	} else {
		n, err = buildBase64(w, src)
	}
	if err != nil {
		return err
	}
	if n != k.Size || [32]byte(sum.Sum(nil)) != k.Sum {
		return format.Hold(format.Internal, "child's bytes differ from those decided on")
	}
	return nil
}

// buildBase64 writes src in base64 of whole lines and returns how many bytes
// src had.
func buildBase64(w io.Writer, src io.Reader) (int64, error) {
	lines := &buildWrapper{w: w}
	enc := base64.NewEncoder(base64.StdEncoding, lines)
	n, err := io.Copy(enc, src)
	if err != nil {
		return n, err
	}
	if err := enc.Close(); err != nil {
		return n, err
	}
	return n, lines.Close()
}

// buildVerbatim copies a mail that we built: ASCII lines of at most 998 bytes
// that end in CRLF. Anything else is an error, for it cannot be ours.
func buildVerbatim(w io.Writer, src io.Reader) (int64, error) {
	c := &buildLines{w: w}
	n, err := io.Copy(c, src)
	if err == nil && (c.column != 0 || c.cr) {
		err = format.Hold(format.Internal, "attached mail without final line end")
	}
	return n, err
}

type buildLines struct {
	w      io.Writer
	column int
	cr     bool // the byte before was CR
}

func (l *buildLines) Write(p []byte) (int, error) {
	for _, c := range p {
		switch {
		case l.cr != (c == '\n'), c != '\r' && c != '\n' && c != '\t' && (c < ' ' || c > '~'):
			return 0, format.Hold(format.Internal, "attached mail is not 7bit lines")
		case c == '\r':
			l.cr = true
			continue
		case c == '\n':
			l.cr, l.column = false, 0
			continue
		}
		if l.column++; l.column > buildMaxLine {
			return 0, format.Hold(format.Internal, "attached mail has an overlong line")
		}
	}
	return l.w.Write(p)
}

// buildWrapper breaks base64 text into lines of 76 columns.
//
// spec: rfc2045#6.8
type buildWrapper struct {
	w      io.Writer
	column int
	buf    []byte
}

func (l *buildWrapper) Write(p []byte) (int, error) {
	l.buf = l.buf[:0]
	for rest := p; len(rest) > 0; {
		n := min(len(rest), buildColumns-l.column)
		l.buf = append(l.buf, rest[:n]...)
		rest = rest[n:]
		if l.column += n; l.column == buildColumns {
			l.buf = append(l.buf, '\r', '\n')
			l.column = 0
		}
	}
	if _, err := l.w.Write(l.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close ends the last line.
func (l *buildWrapper) Close() error {
	if l.column == 0 {
		return nil
	}
	_, err := io.WriteString(l.w, "\r\n")
	return err
}
