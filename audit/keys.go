package audit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// keyPrefix begins the name of every log key; the instance follows.
const keyPrefix = "sekisho-audit/"

// ErrKey is wrapped by errors about a key that cannot be used.
var ErrKey = errors.New("audit key")

// KeyPair is a log key in the text forms of the C2SP signed-note format. Signer
// is secret and belongs to the sequencer only; Verifier goes to the auditor.
type KeyPair struct {
	Signer, Verifier string
}

// GenerateKey makes an Ed25519 log key named "sekisho-audit/<instance>".
// instance is 1 to 64 of [0-9A-Za-z._-]; random may be nil for crypto/rand. A
// rotated key keeps the name and differs in its key hash.
// spec: c2sp/signed-note#verifier-keys
func GenerateKey(random io.Reader, instance string) (KeyPair, error) {
	if random == nil {
		random = rand.Reader
	}
	if instance == "" || len(instance) > 64 || strings.ContainsFunc(instance, notInstance) {
		return KeyPair{}, fmt.Errorf("%w: instance name is empty, too long or has other than 0-9 A-Z a-z . _ -", ErrKey)
	}
	signer, verifier, err := note.GenerateKey(random, keyPrefix+instance)
	if err != nil {
		return KeyPair{}, fmt.Errorf("generate audit key: %w", err)
	}
	return KeyPair{Signer: signer, Verifier: verifier}, nil
}

func notInstance(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '.' && r != '_' && r != '-'
}

// ParseSigner reads a secret key. The error never quotes it.
func ParseSigner(text string) (note.Signer, error) {
	s, err := note.NewSigner(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("%w: not a signer key", ErrKey)
	}
	return s, nil
}

// Keys are the public keys of one log: the present one and, after a rotation,
// the earlier ones. It implements note.Verifiers.
type Keys struct {
	list   note.Verifiers
	origin string
}

// ParseKeys reads public keys, one a line; empty lines and lines that begin
// with # are skipped. At most 64 keys, all of the same name.
func ParseKeys(text string) (Keys, error) {
	var list []note.Verifier
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		v, err := note.NewVerifier(line)
		if err != nil {
			return Keys{}, fmt.Errorf("%w: not a verifier key", ErrKey)
		}
		if len(list) > 0 && list[0].Name() != v.Name() {
			return Keys{}, fmt.Errorf("%w: keys of different logs", ErrKey)
		}
		if list = append(list, v); len(list) > 64 {
			return Keys{}, fmt.Errorf("%w: more than 64 keys", ErrKey)
		}
	}
	if len(list) == 0 {
		return Keys{}, fmt.Errorf("%w: no verifier key", ErrKey)
	}
	return Keys{list: note.VerifierList(list...), origin: list[0].Name()}, nil
}

// Origin is the name of the log that the keys belong to, "" for no keys.
func (k Keys) Origin() string { return k.origin }

// Verifier implements note.Verifiers.
func (k Keys) Verifier(name string, hash uint32) (note.Verifier, error) {
	if k.list == nil {
		return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
	}
	return k.list.Verifier(name, hash)
}
