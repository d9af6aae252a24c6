package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
)

// NonceSize is the length in bytes of the nonce of a commitment. A nonce as
// long as the digest keeps short texts, such as a file name, from being guessed
// by hashing candidates.
const NonceSize = 32

// Opening is what a ledger keeps beside a record so that a committed text can
// be shown and checked. Deleting it is the erasure of the text; the digest in
// the record then says nothing, and the log still verifies.
type Opening struct {
	Digest string // 64 lower hex digits: SHA-256(Nonce ‖ Value); the value in the record
	Nonce  [NonceSize]byte
	Value  string
}

// Commit binds value to a digest that can stand in a record. random may be nil
// for crypto/rand. The error says that random could not be read.
func Commit(value string, random io.Reader) (Opening, error) {
	if random == nil {
		random = rand.Reader
	}
	o := Opening{Value: value}
	if _, err := io.ReadFull(random, o.Nonce[:]); err != nil {
		return Opening{}, fmt.Errorf("draw a commitment nonce: %w", err)
	}
	o.Digest = digest(o.Nonce, value)
	return o, nil
}

// CheckOpening reports whether o opens the commitment that a record holds.
func CheckOpening(committed string, o Opening) bool {
	want := digest(o.Nonce, o.Value)
	return o.Digest == committed && subtle.ConstantTimeCompare([]byte(want), []byte(committed)) == 1
}

// Commitments returns the digests of texts kept elsewhere that the event holds.
func (e Event) Commitments() []string {
	var list []string
	for _, d := range []string{e.Commit.Subject, e.Commit.Filename, e.Decision.Comment} {
		if d != "" {
			list = append(list, d)
		}
	}
	return list
}

func digest(nonce [NonceSize]byte, value string) string {
	h := sha256.New()
	h.Write(nonce[:])
	io.WriteString(h, value)
	return hex.EncodeToString(h.Sum(nil))
}
