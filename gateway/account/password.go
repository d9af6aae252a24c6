package account

import (
	"bufio"
	_ "embed" // the list of passwords that everybody tries
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Lengths in characters after NFKC (SP 800-63B-4 section 3.1.1.2).
const (
	MinAlone  = 15  // when the password is the only proof
	MinFactor = 8   // when a second factor stands beside it
	MaxLength = 256 // at least 64 must be possible
)

// maxPassword bounds a password in bytes before it is looked at.
const maxPassword = 4 * MaxLength

// minOwn is how many characters must remain of a password once the words of
// the person and the office are taken out of it.
const minOwn = 6

//go:embed blocklist.txt
var blocklist string

// normal returns a password as it is hashed: NFKC, so that one that was set
// with a full-width keyboard is the same on another.
func normal(password string) string { return norm.NFKC.String(password) }

// CheckPassword reports why a password is refused: its length, that it is on
// the list of common ones, or that it is little more than words of the person
// and the office. There are no rules of composition, and it does not age
// (SP 800-63B-4 section 3.1.1.2).
func CheckPassword(password string, alone bool, words []string) error {
	if len(password) > maxPassword || !utf8.ValidString(password) {
		return ErrLong
	}
	p := normal(password)
	n := utf8.RuneCountInString(p)
	least := MinFactor
	if alone {
		least = MinAlone
	}
	switch {
	case n < least:
		return ErrShort
	case n > MaxLength:
		return ErrLong
	}
	p = strings.ToLower(p)
	if listed(p) || monotone(p) {
		return ErrListed
	}
	if unit := period(p); unit != p && (utf8.RuneCountInString(unit) <= 4 || listed(unit) || monotone(unit)) {
		return ErrListed
	}
	if rest := remaining(p, words); rest < minOwn && rest < n {
		return ErrOwnWords
	}
	return nil
}

// listed reports whether p, or p without figures and marks around it, is on
// the list.
func listed(p string) bool {
	core := strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) })
	for s := bufio.NewScanner(strings.NewReader(blocklist)); s.Scan(); {
		l := s.Text()
		if l != "" && l[0] != '#' && (l == p || l == core) {
			return true
		}
	}
	return false
}

// monotone reports whether each character follows the one before by the same
// step of -1, 0 or 1: aaaa, 1234, zyxw.
func monotone(p string) bool {
	rs := []rune(p)
	if len(rs) < 2 {
		return true
	}
	step := rs[1] - rs[0]
	if step < -1 || step > 1 {
		return false
	}
	for i := 2; i < len(rs); i++ {
		if d := rs[i] - rs[i-1]; d != step && !(rs[i-1] == '9' && rs[i] == '0') {
			return false
		}
	}
	return true
}

// period returns the shortest beginning of which p is a repetition; p itself
// when it is none.
func period(p string) string {
	for n := 1; n <= len(p)/2; n++ {
		if len(p)%n == 0 && strings.Repeat(p[:n], len(p)/n) == p {
			return p[:n]
		}
	}
	return p
}

// remaining counts the letters of p that are left without the words.
func remaining(p string, words []string) int {
	words = slices.Clone(words)
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	found := false
	for _, w := range words {
		if w = strings.ToLower(normal(w)); utf8.RuneCountInString(w) < 3 {
			continue
		}
		found = found || strings.Contains(p, w)
		p = strings.ReplaceAll(p, w, "\x00")
	}
	if !found {
		return utf8.RuneCountInString(p)
	}
	n := 0
	for _, r := range p {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

// ownWords are the words that a user's password must not consist of.
func ownWords(u User, office []string) []string {
	words := append([]string{u.Name, u.Dept, "sekisho", "関所"}, office...)
	words = append(words, strings.Fields(strings.ReplaceAll(u.Display, "　", " "))...)
	for _, a := range u.Addresses {
		local, domain, _ := strings.Cut(a, "@")
		words = append(words, local)
		words = append(words, strings.Split(domain, ".")...)
	}
	return words
}

// passwordError says which rule refused a password of a user.
func passwordError(u User, password string, office []string) error {
	if err := CheckPassword(password, u.Alone(), ownWords(u, office)); err != nil {
		return fmt.Errorf("new password: %w", err)
	}
	return nil
}
