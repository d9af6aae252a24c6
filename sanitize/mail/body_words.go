package mail

import (
	"strings"
	"unicode"
)

// bodyShownForms says which forms of an alternative are shown: the best one
// and, when that is plain text, every form most of whose words stand in none
// of those shown before it. A sender can hide the real text in one form and
// write something harmless in the other; mail programs differ in which they
// show.
func bodyShownForms(all []bodyChoice, best int) []bool {
	shown := make([]bool, len(all))
	shown[best] = true
	if all[best].kind != bodyPlain {
		return shown
	}
	known := map[string]bool{}
	bodyWords(bodyJoin(all[best]), func(w string) { known[w] = true })
	for i, c := range all {
		if i == best || c.visible == 0 {
			continue
		}
		words := map[string]bool{}
		bodyWords(bodyJoin(c), func(w string) { words[w] = true })
		missing := 0
		for w := range words {
			if !known[w] {
				missing++
			}
		}
		if 2*missing <= len(words) {
			continue
		}
		shown[i] = true
		for w := range words {
			known[w] = true
		}
	}
	return shown
}

// bodyWords calls f for each word of the first bodyMaxCompared bytes of s in
// lower case: a run of letters and digits or, in scripts that set no blanks,
// each character with the one before it. Web addresses are no words; forms
// differ in them because only HTML hides them behind a text.
func bodyWords(s string, f func(string)) {
	s = strings.ToLower(s[:min(len(s), bodyMaxCompared)])
	for field := range strings.FieldsFuncSeq(s, bodyGap) {
		if strings.Contains(field, "://") {
			continue
		}
		before := rune(0)
		start := -1 // of a run of letters
		for i, r := range field {
			dense := unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
			word := !dense && (unicode.IsLetter(r) || unicode.IsDigit(r))
			if start >= 0 && !word {
				f(field[start:i])
				start = -1
			}
			switch {
			case dense:
				f(string([]rune{before, r}))
				before = r
				continue
			case word && start < 0:
				start = i
			}
			before = 0
		}
		if start >= 0 {
			f(field[start:])
		}
	}
}

// bodyGap reports whether r ends a word or a web address.
func bodyGap(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("<>()[]〔〕「」\"", r)
}
