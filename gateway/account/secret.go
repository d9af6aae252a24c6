package account

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Digest is the SHA-256 of a secret that was made by chance and is too long to
// be guessed. Only digests are stored.
type Digest [sha256.Size]byte

// DigestOf returns the digest of a secret.
func DigestOf(secret string) Digest { return sha256.Sum256([]byte(secret)) }

// secretBytes are the random bytes of session and API tokens: 256 bits, twice
// what is asked for.
const secretBytes = 32

// newSecret returns a new secret for a session or a token.
func newSecret(random io.Reader) (string, error) {
	var b [secretBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("new secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// Recovery codes are for a lost second factor: ten, 80 bits each, used once.
const (
	recoveryCodes = 10
	recoveryBytes = 10
)

var recoveryForm = base32.StdEncoding.WithPadding(base32.NoPadding)

// newRecovery returns codes to show once, and their digests.
func newRecovery(random io.Reader) ([]string, []Digest, error) {
	var codes []string
	var sums []Digest
	for range recoveryCodes {
		var b [recoveryBytes]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return nil, nil, fmt.Errorf("new recovery code: %w", err)
		}
		c := recoveryForm.EncodeToString(b[:])
		codes = append(codes, c[:4]+"-"+c[4:8]+"-"+c[8:12]+"-"+c[12:])
		sums = append(sums, DigestOf(c))
	}
	return codes, sums, nil
}

// useRecovery returns the codes that are left when code is one of them.
func useRecovery(left []Digest, code string) ([]Digest, bool) {
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(foldWidth(code)))
	if len(code) != recoveryForm.EncodedLen(recoveryBytes) {
		return left, false
	}
	sum, at := DigestOf(code), -1
	for i, d := range left {
		if subtle.ConstantTimeCompare(d[:], sum[:]) == 1 {
			at = i
		}
	}
	if at < 0 {
		return left, false
	}
	return slices.Delete(slices.Clone(left), at, at+1), true
}

// maxTyped bounds what is folded of an input, in bytes.
const maxTyped = 256

// foldWidth makes full-width digits and letters plain: a Japanese keyboard
// types them without the person noticing.
func foldWidth(s string) string {
	if len(s) > maxTyped {
		return ""
	}
	return norm.NFKC.String(s)
}
