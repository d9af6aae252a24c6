package account

import "time"

// Session is a signed-in browser. Its secret is known to the browser alone; the
// store has the digest. The id names it in records and lists.
type Session struct {
	ID        string
	Sum       Digest
	User      string
	Auth      string // how: "password", "password+totp", "password+recovery"
	IP        string
	Agent     string // what the browser calls itself, cut to 200 bytes
	CreatedAt time.Time
	SeenAt    time.Time // to the minute
	ProvedAt  time.Time // last proof of identity: sign-in or step-up
	Failed    int       // proofs that were wrong since then
}

// Limits of sessions (UX-AUDIT section 6; inside AAL2 and AAL3 of SP 800-63B-4).
const (
	SessionTime    = 8 * time.Hour
	StaffIdle      = 60 * time.Minute
	PrivilegedIdle = 15 * time.Minute
	StepUpTime     = 5 * time.Minute
	maxSessions    = 10          // of one user; a further sign-in ends the oldest
	touchEvery     = time.Minute // how exact SeenAt is
)

// Idle returns after how long without a request a user's session ends.
func (u User) Idle() time.Duration {
	if u.Privileged() {
		return PrivilegedIdle
	}
	return StaffIdle
}

// live reports ErrSession when the session of u is over at now. A clock that
// was put back ends it too: its times cannot be believed.
func (s Session) live(u User, now time.Time) error {
	switch {
	case s.ID == "" || u.ID == "" || s.User != u.ID || u.State != Active:
		return ErrSession
	case now.Before(s.CreatedAt.Add(-time.Minute)) || !now.Before(s.CreatedAt.Add(SessionTime)):
		return ErrSession
	case !now.Before(s.SeenAt.Add(u.Idle())):
		return ErrSession
	}
	return nil
}

// Fresh reports whether identity was proved within StepUpTime.
func (s Session) Fresh(now time.Time) bool {
	return !s.ProvedAt.IsZero() && !now.Before(s.ProvedAt.Add(-time.Minute)) && now.Before(s.ProvedAt.Add(StepUpTime))
}

// Token is an API token: a person's own, for a program. It can do what its
// scopes and the person's roles both allow.
type Token struct {
	ID        string
	Sum       Digest
	User      string
	Name      string
	Scopes    []Capability
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // to the minute
}

// Limits of API tokens. One that can do what else needs a step-up lives no
// longer than a session.
const (
	TokenTime      = 366 * 24 * time.Hour
	FreshTokenTime = SessionTime
	maxTokens      = 20 // of one user
	tokenPrefix    = "sekisho_"
)

// CheckToken reports why a token cannot be made: ErrScope for none, unknown or
// doubled scopes, or OwnAccount, which would let a program change the password;
// ErrPeriod for a time that is over or too long.
func CheckToken(scopes []Capability, from, until time.Time) error {
	most := TokenTime
	seen := map[Capability]bool{}
	for _, c := range scopes {
		if !known(c) || c == OwnAccount || seen[c] {
			return ErrScope
		}
		seen[c] = true
		if c.NeedsStepUp() {
			most = FreshTokenTime
		}
	}
	switch {
	case len(scopes) == 0:
		return ErrScope
	case !until.After(from) || until.Sub(from) > most:
		return ErrPeriod
	}
	return nil
}

func known(c Capability) bool {
	for _, g := range grants {
		if g.cap == c {
			return true
		}
	}
	return false
}
