package hypertext

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Our remarks in a text stand in 〔 〕. They are worth something only if nobody
// else can write them, so a sender's brackets of that shape become ［ ］: in
// HTML all of them, since there a remark can be put together from elements; in
// plain text those behind which one of our words stands.

// markWords begin our remarks, without 「ー」, which is not compared.
var markWords = []string{"注意", "隠された文字", "削除", "画像", "ボタン", "入力欄", "パスワド入力欄", "ファイル選択欄", "選択",
	"フォムの送信先", "飾り文字", "条件付きの文字", "逆向きの文字"}

const (
	markLink  = "のリンク" // ends the remark on a scheme
	markAhead = 32     // characters looked at behind a bracket
	maxMarks  = 20_000 // brackets looked at in a text; all later ones are exchanged
)

// ownBracket turns a tortoise shell bracket, or one that looks like it, into
// ［ or ］. Other characters come back as they are.
func ownBracket(r rune) rune {
	switch r {
	case '〔', '〘', '❲', '⦗', '﹝', '︹':
		return '［'
	case '〕', '〙', '❳', '⦘', '﹞', '︺':
		return '］'
	}
	return r
}

// Unmark takes the brackets of our own remarks away from plain text that a
// sender wrote: 〔注意: …〕 becomes ［注意: …］, up to the bracket that closes it
// or the end of its line. All other text, and other words in such brackets,
// come back as they were. Unmarking twice changes nothing more. Time is linear.
func Unmark(text string) string {
	at := indexBracket(text)
	if at < 0 {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	ours := 0 // open brackets that were exchanged and are not closed
	budget := maxMarks
	for at >= 0 {
		out.WriteString(text[:at])
		r, size := utf8.DecodeRuneInString(text[at:])
		if strings.IndexByte(text[:at], '\n') >= 0 {
			ours = 0
		}
		text = text[at+size:]
		b := ownBracket(r)
		switch {
		case b == '［' && (ours > 0 || budget == 0 || isMark(text)):
			ours++
			r = b
		case b == '［':
			budget--
		case b == '］' && ours > 0:
			ours--
			r = b
		}
		out.WriteRune(r)
		at = indexBracket(text)
	}
	out.WriteString(text)
	return out.String()
}

// indexBracket finds the first of the brackets that ownBracket knows, -1 if
// there is none.
func indexBracket(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] != 0xE2 && s[i] != 0xE3 && s[i] != 0xEF {
			continue // no bracket begins with another byte
		}
		if r, _ := utf8.DecodeRuneInString(s[i:]); ownBracket(r) != r {
			return i
		}
	}
	return -1
}

// isMark reports whether the text behind an opening bracket reads like a
// remark of ours. Width, spaces, line ends and signs are not compared.
func isMark(after string) bool {
	head, n := after, 0
	for i := range after {
		if n++; n > markAhead {
			head = after[:i]
			break
		}
	}
	words := strings.Map(func(r rune) rune {
		switch {
		case r == ']' || ownBracket(r) == '］':
			return ']'
		case r == 'ー' || !unicode.IsLetter(r):
			return -1
		}
		return r
	}, norm.NFKC.String(head))
	for _, w := range markWords {
		if strings.HasPrefix(words, w) {
			return true
		}
	}
	inside, _, _ := strings.Cut(words, "]")
	return strings.HasSuffix(inside, markLink)
}
