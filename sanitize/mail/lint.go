package mail

import (
	"bytes"
	"strconv"

	"sekisho/sanitize/ir"
)

// Limits of a lint.
const (
	lintMaxNotes  = 200     // violations reported for one mail
	lintMaxHeader = 2 << 20 // bytes of one header
	lintMaxParts  = 2000
	lintMaxLine   = 998 // bytes without CRLF
)

// Lint re-reads a mail in the closed form that Build writes, with tables and
// grammar of its own, and writes a Note with a code "lint_…" for every
// violation. No Note means that the mail is in the form. It runs in a box and
// takes time linear in len(data).
//
// The SHA-256 of each attachment must be in known, the sums of files that were
// linted already. For an attachment that is not there, Lint writes a Child and
// its Data, and the caller judges those by their own format.
//
// The checks: lines and bytes (7bit, CRLF); fields, each from a closed list, at
// most once, in order, of valid value; one text part, or multipart/mixed of the
// text and attachments with nothing before, between or after; strict base64;
// clean UTF-8; safe and agreeing file names; and a second reader
// (emersion/go-message) that must see the same mail. The error is out's.
func Lint(data []byte, known map[[32]byte]bool, out *ir.Writer) error {
	l := &linter{out: out, known: known}
	l.bytes(data)
	l.mail(data)
	if l.notes == 0 {
		// A broken mail needs no second opinion.
		l.reread(data)
	}
	return l.err
}

// linter is the state of one lint.
type linter struct {
	out   *ir.Writer
	known map[[32]byte]bool
	notes int
	err   error

	subject string              // decoded, for the second reader
	people  map[string][]string // addresses by field
	parts   []lintPart          // as read, for the second reader
}

// lintPart is what was read of one part.
type lintPart struct {
	media, name string
	sum         [32]byte
	foreign     bool // in a charset that the second reader may convert
}

// report notes a violation. Detail may quote the mail.
func (l *linter) report(code, where, detail string) {
	l.notes++
	if l.err != nil || l.notes > lintMaxNotes {
		return
	}
	if detail != "" {
		detail = strconv.QuoteToASCII(detail[:min(len(detail), 100)])
	}
	l.err = l.out.Write(ir.Note{Code: code, Where: where, Detail: detail})
}

// emit hands an attachment to the caller.
func (l *linter) emit(c ir.Child, data []byte) {
	if l.err != nil {
		return
	}
	if l.err = l.out.Write(c); l.err == nil {
		l.err = l.out.Write(ir.Data{B: data})
	}
}

// bytes checks what holds for every byte and line of a mail. Each rule is
// reported once, with the line.
//
// spec: rfc5322#2.1.1 rfc2045#2.7
func (l *linter) bytes(data []byte) {
	seen := map[string]bool{}
	once := func(code string, line int) {
		if !seen[code] {
			seen[code] = true
			l.report(code, "line "+strconv.Itoa(line), "")
		}
	}
	line, start := 1, 0
	for i, c := range data {
		switch {
		case c == '\n':
			if i == 0 || data[i-1] != '\r' {
				once("lint_bare_lf", line)
			}
			if i-start-1 > lintMaxLine {
				once("lint_line_length", line)
			}
			line, start = line+1, i+1
		case c == '\r':
			if i+1 == len(data) || data[i+1] != '\n' {
				once("lint_bare_cr", line)
			}
		case c == 0:
			once("lint_nul", line)
		case c >= 0x80:
			once("lint_8bit", line)
		case c < ' ' && c != '\t' || c == 0x7F:
			once("lint_control", line)
		}
	}
	if len(data)-start > 0 {
		once("lint_last_line", line)
	}
	if len(data)-start > lintMaxLine {
		once("lint_line_length", line)
	}
}

// mail checks header and structure.
func (l *linter) mail(data []byte) {
	head, body, ok := lintCut(data)
	if !ok {
		l.report("lint_header_end", "header", "")
		return
	}
	fields := l.fields(head, "header")
	l.header(fields)
	media, encoding := lintValue(fields, "Content-Type"), lintValue(fields, "Content-Transfer-Encoding")
	if media == lintTextMedia {
		l.text(body, encoding, "text")
		return
	}
	boundary, ok := (&lintScan{media}).multipart()
	if !ok || encoding != "7bit" {
		l.report("lint_structure", "header", media+" / "+encoding)
		return
	}
	l.multipart(body, boundary)
}

// lintCut splits a header, with its last CRLF, from its body.
func lintCut(data []byte) ([]byte, []byte, bool) {
	i := bytes.Index(data, []byte("\r\n\r\n"))
	if i < 0 || i > lintMaxHeader {
		return nil, nil, false
	}
	return data[:i+2], data[i+4:], true
}
