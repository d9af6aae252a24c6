package plaintext

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"

	"sekisho/sanitize/ir"
)

// The rules of a text file of ours. Each has a bad sample in the tests.
const (
	// LintEncoding: the file is UTF-8 or the two-byte grammar of CP932.
	LintEncoding = "lint_text_encoding"
	// LintControl: no control characters but TAB and line ends, no
	// bidirectional controls, no marks inside.
	LintControl = "lint_text_control"
	// LintLine: lines end in CRLF.
	LintLine = "lint_text_line"
)

// Lint reports every violation of the closed form of a text file of ours. The
// only error is one of out.
func Lint(data []byte, _ map[[32]byte]bool, out *ir.Writer) error {
	text, note := Decode(data)
	if note.Code == "" {
		note = judge(text)
	}
	if note.Code == "" {
		return nil
	}
	return out.Write(note)
}

// Decode reads a written file for a lint: UTF-8 with or without a mark, or
// CP932. The note has a code if it is neither.
func Decode(data []byte) (string, ir.Note) {
	if utf8.Valid(data) {
		return string(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))), ir.Note{}
	}
	if at, ok := doubleByte(data); !ok {
		return "", ir.Note{Code: LintEncoding, Where: fmt.Sprint(at)}
	}
	// User-defined characters come out as U+FFFD here; only what the rules
	// look at matters.
	text, err := japanese.ShiftJIS.NewDecoder().Bytes(data)
	if err != nil {
		return "", ir.Note{Code: LintEncoding, Detail: "cp932"}
	}
	return string(text), ir.Note{}
}

// doubleByte checks the grammar of CP932: single bytes 00-7F and A1-DF, pairs
// of a lead 81-9F or E0-FC and a trail 40-7E or 80-FC. It returns where it
// breaks.
func doubleByte(b []byte) (int, bool) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c < 0x80 || c >= 0xA1 && c <= 0xDF {
			continue
		}
		lead := c >= 0x81 && c <= 0x9F || c >= 0xE0 && c <= 0xFC
		if !lead || i+1 >= len(b) || b[i+1] < 0x40 || b[i+1] == 0x7F || b[i+1] > 0xFC {
			return i, false
		}
		i++
	}
	return 0, true
}

func judge(text string) ir.Note {
	for n, line := range strings.Split(text, "\r\n") {
		if strings.ContainsAny(line, "\r\n") {
			return ir.Note{Code: LintLine, Where: fmt.Sprintf("line %d", n+1)}
		}
		if err := ir.Clean(line, true); err != nil {
			return ir.Note{Code: LintControl, Where: fmt.Sprintf("line %d", n+1), Detail: err.Error()}
		}
	}
	return ir.Note{}
}
