package text

import (
	"fmt"
	"strings"
	"unicode"

	"sekisho/sanitize/ir"
	"sekisho/sanitize/plaintext"
)

// The rules of a table of ours, besides those of a text's encoding and control
// characters. Each has a bad sample in the tests.
const (
	lintCSVForm    = "lint_csv_form"    // RFC 4180 with CRLF, one delimiter, quotes where needed
	lintCSVFormula = "lint_csv_formula" // no cell that a spreadsheet runs
	lintCSVStart   = "lint_csv_start"   // does not begin like SYLK
)

// maxFaults bounds what one lint reports.
const maxFaults = 100

// LintCSV reports every violation of the closed form of a table of ours. It
// reads the file with a state machine of its own in which comma and tab both
// divide cells: a proper file has only one of them outside of quotes. The only
// error is one of out.
// spec: rfc4180#2
func LintCSV(data []byte, _ map[[32]byte]bool, out *ir.Writer) error {
	text, note := plaintext.Decode(data)
	if note.Code != "" {
		return out.Write(note)
	}
	l := csvLint{s: text, line: 1, ok: true}
	if strings.HasPrefix(text, "ID") {
		l.add(lintCSVStart, "")
	}
	for l.ok && l.at < len(l.s) {
		l.cell()
	}
	for _, f := range l.faults {
		if err := out.Write(f); err != nil {
			return err
		}
	}
	return nil
}

type csvLint struct {
	s      string
	at     int
	line   int
	delim  byte // the delimiter seen first
	ok     bool // the grammar holds so far
	faults []ir.Note
}

func (l *csvLint) add(code, detail string) {
	if len(l.faults) < maxFaults {
		l.faults = append(l.faults, ir.Note{Code: code, Where: fmt.Sprintf("line %d", l.line), Detail: detail})
	}
}

func (l *csvLint) broken(detail string) {
	l.add(lintCSVForm, detail)
	l.ok = false
}

// cell reads one cell and what ends it.
func (l *csvLint) cell() {
	var c string
	if l.s[l.at] == '"' {
		c = l.inQuotes()
	} else {
		n := strings.IndexAny(l.s[l.at:], ",\t;\"\r\n")
		if n < 0 {
			n = len(l.s) - l.at
		}
		c = l.s[l.at : l.at+n]
		l.at += n
	}
	if !l.ok {
		return
	}
	if err := ir.Clean(c, true); err != nil {
		l.add(plaintext.LintControl, err.Error())
	}
	if dangerous(c) {
		l.add(lintCSVFormula, "")
	}
	l.ending()
}

// inQuotes reads a quoted cell.
func (l *csvLint) inQuotes() string {
	var b strings.Builder
	for i := l.at + 1; i < len(l.s); i++ {
		c := l.s[i]
		if c == '"' {
			if i+1 < len(l.s) && l.s[i+1] == '"' {
				i++
			} else {
				l.at = i + 1
				return b.String()
			}
		}
		b.WriteByte(c)
	}
	l.broken("quote without an end")
	return ""
}

// ending reads the delimiter or line end behind a cell.
func (l *csvLint) ending() {
	rest := l.s[l.at:]
	switch {
	case strings.HasPrefix(rest, "\r\n"):
		l.at += 2
		l.line++
	case rest == "":
		l.broken("last line without an end")
	case rest[0] == ',' || rest[0] == '\t':
		if l.delim == 0 {
			l.delim = rest[0]
		}
		if l.delim != rest[0] {
			l.broken("two delimiters")
		}
		l.at++
		if l.at == len(l.s) {
			l.broken("last line without an end")
		}
	default:
		l.broken("character that needs quotes")
	}
}

// dangerous judges a cell by what may stand in it, not by a grammar: behind a
// plus or minus only digits, signs, separators, currencies and Japanese units.
func dangerous(cell string) bool {
	runes := []rune(cell)
	for i, r := range runes {
		if i == 0 && (r == '\t' || r == '\n' || r == '\r') {
			return true
		}
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) || unicode.IsMark(r) {
			continue
		}
		switch r {
		case '=', '@', '|', '＝', '＠', '｜', '﹦', '﹫':
			return true
		case '+', '-', '＋', '－', '−', '﹢', '﹣', '\uFB29':
			return !arithmetic(runes[i+1:])
		}
		return false
	}
	return false
}

func arithmetic(rest []rune) bool {
	digit := false
	for _, r := range rest {
		isDigit := r >= '0' && r <= '9' || r >= '０' && r <= '９'
		exponent := (r == 'e' || r == 'E' || r == 'ｅ' || r == 'Ｅ') && digit
		kanji := r > 0x7F && unicode.In(r, unicode.Han, unicode.Katakana)
		if !isDigit && !exponent && !kanji && !unicode.IsSpace(r) &&
			!strings.ContainsRune(".,:%‰()¥$€£\\+-℃㎡㎏㎞．，：％（）￥＄￡＼＋－−﹢﹣\uFB29", r) {
			return false
		}
		digit = isDigit
	}
	return true
}
