package account

import "time"

// Attempts counts sign-ins that did not succeed, one after the other, for an
// account's name or for an address. It is counted up before an attempt is
// looked at, and set back by a success.
type Attempts struct {
	N     int
	Last  time.Time
	Until time.Time // not before
}

// The limits of SP 800-63B-4 section 3.2.2 and UX-AUDIT section 6.
const (
	freeAttempts  = 3                // without a delay
	lockAttempts  = 10               // then, and at each ten more, LockTime
	LockTime      = 15 * time.Minute // of a locked account
	HardCap       = 100              // then only a person unlocks
	addressFree   = 30               // attempts of one address without a delay
	addressForget = 15 * time.Minute // of quiet, then an address begins anew
)

// Allow reports whether an attempt for an account may be looked at now: nil,
// Wait, or ErrLocked at the hard cap.
func (a Attempts) Allow(now time.Time) error {
	if a.N >= HardCap {
		return ErrLocked
	}
	if now.Before(a.Until) {
		return Wait{a.Until.Sub(now)}
	}
	return nil
}

// Count returns a with one more attempt at now, and whether it locks the
// account.
func (a Attempts) Count(now time.Time) (Attempts, bool) {
	a.N++
	a.Last = now
	a.Until = now.Add(delay(a.N))
	return a, a.N%lockAttempts == 0
}

// delay is what n attempts cost: nothing, then 1, 2, 4 … 64 seconds, and the
// lock at each tenth.
func delay(n int) time.Duration {
	switch {
	case n < freeAttempts:
		return 0
	case n%lockAttempts == 0:
		return LockTime
	}
	return time.Second << min(n-freeAttempts, 6)
}

// CountAddress is Count for an address, behind which many people may be: more
// attempts are free, there is no lock, and a quiet address begins anew.
func (a Attempts) CountAddress(now time.Time) Attempts {
	if now.Sub(a.Last) >= addressForget {
		a = Attempts{}
	}
	a.N++
	a.Last, a.Until = now, now
	if over := a.N - addressFree; over > 0 {
		a.Until = now.Add(time.Second << min(over/5, 6))
	}
	return a
}
