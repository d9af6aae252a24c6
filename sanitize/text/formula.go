package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A spreadsheet runs a cell as a formula when it begins with = + - or @ (and
// a DDE command may begin with |), also behind spaces, and Japanese versions
// take the full-width forms as well. Such a cell gets a leading apostrophe,
// which spreadsheets read as "this is text". Plus and minus also begin
// numbers, clock times and telephone numbers; those stay (DECISIONS 6, and
// formula_number.go).

// neutral returns cell in a form that no spreadsheet runs, and whether it had
// to be changed. A neutral cell is returned as it is. The same must hold once
// it is written, when shown tells what a reader gets: "+€0", a number, becomes
// "+〓0" in a charset without the euro.
func neutral(cell string, shown func(string) string) (string, bool) {
	if !runs(cell) && !runs(shown(cell)) {
		return cell, false
	}
	return "'" + cell, true
}

// runs reports whether a spreadsheet might run cell.
func runs(cell string) bool {
	if cell == "" {
		return false
	}
	if c := cell[0]; c == '\t' || c == '\n' || c == '\r' {
		return true
	}
	if begins(cell) {
		return false
	}
	s := strings.TrimLeftFunc(cell, unseen)
	s = strings.Map(narrow, strings.TrimRightFunc(s, unicode.IsSpace))
	if s == "" {
		return false
	}
	switch s[0] {
	case '=', '@', '|':
		return true
	case '+', '-':
		return !harmless(s)
	}
	return false
}

// begins tells most cells apart without a look at the rest: those whose first
// character is a letter or digit of ASCII or a Japanese letter of full width,
// which is seen, is its own narrow form and begins no formula.
func begins(cell string) bool {
	if c := cell[0]; c < utf8.RuneSelf {
		return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
	}
	r, _ := utf8.DecodeRuneInString(cell)
	return r >= 'ぁ' && r <= 'ゖ' || r >= 'ァ' && r <= 'ヺ' || r >= 0x4E00 && r <= 0x9FFF
}

// unseen reports whether r may not be seen in front of a formula: spaces,
// marks, and characters without a picture, which a program may drop.
func unseen(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsGraphic(r) || unicode.IsMark(r)
}

// narrow maps the full-width and small forms of ASCII, the minus sign and the
// full-width yen to ASCII.
func narrow(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFF01 + '!'
	case r == 0x2212, r == 0xFE63: // MINUS SIGN, SMALL HYPHEN-MINUS
		return '-'
	case r == 0xFE62, r == 0xFB29: // SMALL PLUS SIGN, HEBREW ALTERNATIVE PLUS
		return '+'
	case r == 0xFE66:
		return '='
	case r == 0xFE6B:
		return '@'
	case r == 0xFFE5:
		return '¥'
	case r == 0xFFE1:
		return '£'
	case r == 0x3000, r == 0xA0:
		return ' '
	}
	return r
}
