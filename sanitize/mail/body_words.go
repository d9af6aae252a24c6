package mail

import (
	"strings"
	"unicode"
)

// bodyForm is what becomes of one form of an alternative.
type bodyForm uint8

const (
	formDropped bodyForm = iota // says nothing that the shown ones do not
	formMore                    // dropped, but says more
	formShown
	formAgainst // shown because it gives other numbers or addresses
)

// bodyShownForms says which forms of an alternative are shown: the best one
// and, when that is plain text, every form most of whose words stand in none
// of those shown before it, or that names other numbers or mail addresses
// where the best one has its own. A sender can hide the real text in one form
// and write something harmless in the other; mail programs differ in which
// they show. A form that adds numbers, addresses or a tenth of its words is
// not shown, for most HTML has a footer that the plain text lacks, but told.
func bodyShownForms(all []bodyChoice, best int) []bodyForm {
	shown := make([]bodyForm, len(all))
	shown[best] = formShown
	if all[best].kind != bodyPlain {
		return shown
	}
	known := bodyWordSet(all[best])
	first := bodyWordSet(all[best])
	for i, c := range all {
		if i == best || c.visible == 0 {
			continue
		}
		words := bodyWordSet(c)
		missing, exact := bodyMissing(words, known)
		_, lacking := bodyMissing(first, words)
		switch {
		case 2*missing > len(words):
			shown[i] = formShown
		case exact > 0 && lacking > 0:
			shown[i] = formAgainst
		case exact > 0 || 10*missing > len(words):
			shown[i] = formMore
			continue
		default:
			continue
		}
		for w := range words {
			known[w] = true
		}
	}
	return shown
}

// bodyWordSet returns the words of a form.
func bodyWordSet(c bodyChoice) map[string]bool {
	words := map[string]bool{}
	bodyWords(bodyJoin(c), func(w string) { words[w] = true })
	return words
}

// bodyMissing counts the words that known has not, and how many of them are
// numbers or mail addresses, which say something by themselves.
func bodyMissing(words, known map[string]bool) (missing, exact int) {
	for w := range words {
		if known[w] {
			continue
		}
		missing++
		if strings.Contains(w, "@") || len(w) > 1 && strings.Trim(w, "0123456789") == "" {
			exact++
		}
	}
	return missing, exact
}

// bodyWords calls f for each word of the first bodyMaxCompared bytes of s in
// lower case: a run of letters and digits or, in scripts that set no blanks,
// each character with the one before it; a mail address as a whole as well.
// Web addresses are no words; forms differ in them because only HTML hides
// them behind a text.
func bodyWords(s string, f func(string)) {
	s = strings.Map(bodyFold, s[:min(len(s), bodyMaxCompared)])
	for field := range strings.FieldsFuncSeq(s, bodyGap) {
		if strings.Contains(field, "://") {
			continue
		}
		if strings.Contains(field, "@") {
			f(strings.Trim(field, ".,:;、。"))
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

// bodyFold makes letters small and digits narrow, as they may be in one form only.
func bodyFold(r rune) rune {
	switch {
	case r >= '０' && r <= '９':
		return r - '０' + '0'
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case r < 0x80:
		return r
	}
	return unicode.ToLower(r)
}

// bodyGap reports whether r ends a word or a web address.
func bodyGap(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("<>()[]〔〕「」\"", r)
}
