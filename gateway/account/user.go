package account

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// UserState says whether an account may be used. The zero state may not.
type UserState string

// The states of an account.
const (
	Active   UserState = "active"
	Disabled UserState = "disabled"
)

// User is a person with a local account.
type User struct {
	ID        string // 32 hex digits
	Name      string // for signing in; see CleanName
	Display   string // as people are shown it, 1 to 100 characters
	Dept      string // id of the department, "" for none
	Addresses []string
	Roles     []Role // in the order of Roles
	State     UserState

	Password   string // PHC string of argon2id, "" when none was set
	Long       bool   // the password is long enough to stand alone
	MustChange bool   // it was set by another person
	Factor     Factor
	Recovery   []Digest // of codes that are not used yet
	Given      Given    // who gave password or factor

	CreatedAt  time.Time
	ChangedAt  time.Time
	LastSignIn time.Time
	Version    int64 // grows with every change but a sign-in
}

// Factor is a TOTP second factor (RFC 6238). Without Confirmed it counts for
// nothing: the person has not shown a code of it yet.
type Factor struct {
	Sealed    []byte // the key, by Sealer; nil for none
	Confirmed bool
	Step      int64 // the last time step used; earlier ones and it are refused
}

// Has reports whether the user has the role.
func (u User) Has(r Role) bool { return slices.Contains(u.Roles, r) }

// Privileged reports whether a role of the user demands a second factor.
func (u User) Privileged() bool { return privileged(u.Roles) }

// Alone reports whether the password is the only proof that this user gives.
func (u User) Alone() bool { return !u.Factor.Confirmed && !u.Privileged() }

// Missing returns what the user must do before anything else: ErrNewPassword,
// ErrEnrolFactor or nil.
func (u User) Missing() error {
	switch {
	case u.MustChange || u.Alone() && !u.Long:
		return ErrNewPassword
	case u.Privileged() && !u.Factor.Confirmed:
		return ErrEnrolFactor
	}
	return nil
}

// Able reports whether the user can sign in and act: nothing is missing first.
func (u User) Able() bool { return u.State == Active && u.Password != "" && u.Missing() == nil }

// activeAdmin reports whether the user counts as an administrator.
func (u User) activeAdmin() bool { return u.State == Active && u.Has(Admin) }

// Department is a 課 of the office.
type Department struct {
	ID   string // [a-z0-9-], 1 to 32 characters
	Name string
}

// CleanName returns a name for signing in in its one spelling: NFKC, lower case, 2
// to 64 characters of letters, ASCII digits and . _ -, the letters of one script:
// Latin, or kana and kanji. Others are ErrName: a name that looks like another's
// is another person in every record.
func CleanName(name string) (string, error) {
	name, err := foldName(name)
	if err != nil {
		return "", err
	}
	latin, japanese := false, false
	for _, r := range name {
		switch {
		case r < 0x80 && !unicode.IsLetter(r):
		case isLatin(r):
			latin = true
		case isJapanese(r):
			japanese = true
		default:
			return "", ErrName
		}
	}
	if latin && japanese {
		return "", ErrName
	}
	return name, nil
}

// foldName is CleanName with letters of all scripts: what accounts of earlier
// versions may be called, who sign in as ever.
func foldName(name string) (string, error) {
	name = strings.ToLower(norm.NFKC.String(name))
	n := utf8.RuneCountInString(name)
	bad := strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '_' && r != '-'
	})
	if n < 2 || n > 64 || len(name) > 200 || bad {
		return "", ErrName
	}
	return name, nil
}

// isLatin reports whether r is a Latin letter of European languages, but for the
// dotless i. Those of phonetics look like others.
func isLatin(r rune) bool {
	return unicode.Is(unicode.Latin, r) && r <= 0x17f && r != 'ı'
}

// isJapanese reports whether r is kana or kanji, or one of their two marks that
// Unicode counts to no script.
func isJapanese(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r == 'ー' || r == '〆'
}

// unseen reports whether r shows nothing by itself: controls, formats, and what
// Unicode lists as ignorable (DerivedCoreProperties, Default_Ignorable_Code_Point).
func unseen(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// cleanDisplay checks the name that people are shown: letters are Latin or Japanese,
// which may stand side by side, and nothing is unseen.
func cleanDisplay(s string) (string, error) {
	s = strings.TrimSpace(norm.NFC.String(s))
	bad := strings.ContainsFunc(s, func(r rune) bool {
		return unseen(r) || unicode.IsLetter(r) && !isLatin(r) && !isJapanese(r) && !unicode.Is(unicode.Latin, foldWide(r))
	})
	if n := utf8.RuneCountInString(s); n == 0 || n > 100 || len(s) > 250 || bad || !utf8.ValidString(s) {
		return "", ErrName
	}
	return s, nil
}

// foldWide is a full-width letter as a plain one: displays keep their width.
func foldWide(r rune) rune {
	if r >= '！' && r <= '～' {
		return r - '！' + '!'
	}
	return 0
}

// CheckDepartment reports whether the department can be stored.
func CheckDepartment(d Department) error {
	if d.ID == "" || len(d.ID) > 32 || strings.ContainsFunc(d.ID, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) {
		return ErrDepartment
	}
	if _, err := cleanDisplay(d.Name); err != nil {
		return ErrDepartment
	}
	return nil
}
