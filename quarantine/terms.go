package quarantine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// terms is what an exception says, in the order in which it is written.
type terms struct {
	ID      string `json:"id"`
	From    string `json:"from"`
	Until   string `json:"until"`
	MaxUses int    `json:"max_uses"`
	Scope
}

// Terms returns in one line of JSON what the exception is about, from when to when
// and how often it may be used: all that its three persons agreed to, and nothing
// that changes by its use. Equal exceptions have equal terms.
func (e Exception) Terms() string {
	b, err := json.Marshal(terms{e.ID, e.From.UTC().Format(time.RFC3339Nano), e.Until.UTC().Format(time.RFC3339Nano), e.MaxUses, e.Scope})
	if err != nil { // of strings and a number there is none
		return fmt.Sprintf("%q", err)
	}
	return string(b)
}

// TermsSum returns the SHA-256 of the terms in hex: what records, passports and
// sekisho verify compare the row of an exception with.
func (e Exception) TermsSum() string {
	s := sha256.Sum256([]byte(e.Terms()))
	return hex.EncodeToString(s[:])
}

// InForce reports whether the exception is open at now: what was sealed under it
// may go as long as it is.
func (e Exception) InForce(now time.Time) bool {
	return e.ID != "" && e.State == Opened && !now.Before(e.From) && now.Before(e.Until)
}
