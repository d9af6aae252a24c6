package account

import (
	"slices"
	"time"
)

// CredentialTime is for how long an account counts as whoever gave it what it signs
// in with: in a week its owner, who can no longer sign in, has missed it.
const CredentialTime = 7 * 24 * time.Hour

// maxGivers bounds how many persons one account counts as.
const maxGivers = 8

// Given says who gave an account the password or the state of the second factor
// that it has: Principal.IDs, and when the last of them did. Whoever gives a
// credential can be that person until the owner takes it back.
type Given struct {
	By []string
	At time.Time
}

// GivenBy returns as whom the account counts at now besides itself. A clock that was
// put back does not shorten it.
func (u User) GivenBy(now time.Time) []string {
	if !now.Before(u.Given.At.Add(CredentialTime)) {
		return nil
	}
	return slices.Clone(u.Given.By)
}

// with returns g after these persons gave something. Those of the last
// CredentialTime stay: what one gave and another gave anew was in both hands.
func (g Given) with(now time.Time, persons ...string) Given {
	var by []string
	if now.Before(g.At.Add(CredentialTime)) {
		by = slices.Clone(g.By)
	}
	for _, p := range persons {
		if !slices.Contains(by, p) {
			by = append(by, p)
		}
	}
	return Given{By: by[max(0, len(by)-maxGivers):], At: now}
}

// SamePerson reports whether two accounts count as one person at now: one gave the
// other its credential.
func SamePerson(a, b User, now time.Time) bool {
	return a.ID == b.ID || slices.Contains(a.GivenBy(now), b.ID) || slices.Contains(b.GivenBy(now), a.ID)
}
