package seal

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Key is a private sealing key.
type Key struct {
	id      string
	private ed25519.PrivateKey
}

// Keyring holds the public keys that deliver accepts, by key id. Several at
// once allow rotation.
type Keyring map[string]ed25519.PublicKey

const (
	privatePrefix = "SEKISHO-SEAL-KEY "
	publicPrefix  = "sekisho-seal-public "
)

// NewKey makes a key from random.
func NewKey(random io.Reader) (Key, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return Key{}, fmt.Errorf("new sealing key: %w", err)
	}
	return fromSeed(seed), nil
}

func fromSeed(seed []byte) Key {
	k := ed25519.NewKeyFromSeed(seed)
	return Key{keyID(k.Public().(ed25519.PublicKey)), k}
}

func keyID(p ed25519.PublicKey) string {
	s := sha256.Sum256(p)
	return hex.EncodeToString(s[:8])
}

// ID returns the key's id: the first 8 bytes of the SHA-256 of its public key.
func (k Key) ID() string { return k.id }

// Public returns the key as a ring of one.
func (k Key) Public() Keyring {
	return Keyring{k.id: k.private.Public().(ed25519.PublicKey)}
}

// String hides the key from logs.
func (k Key) String() string { return "seal key " + k.id }

// GoString hides the key from %#v.
func (k Key) GoString() string { return k.String() }

// Encode returns the private key's file form: one line.
func (k Key) Encode() string {
	return privatePrefix + base64.StdEncoding.EncodeToString(k.private.Seed()) + "\n"
}

// ParseKey reads the file form of a private key.
func ParseKey(s string) (Key, error) {
	b64, ok := strings.CutPrefix(strings.TrimSpace(s), privatePrefix)
	seed, err := decode64(b64)
	if !ok || err != nil || len(seed) != ed25519.SeedSize {
		return Key{}, errors.New("seal: not a private sealing key")
	}
	return fromSeed(seed), nil
}

// Encode returns the ring's file form: one line a key.
func (ks Keyring) Encode() string {
	var b strings.Builder
	for id, p := range ks {
		fmt.Fprintf(&b, "%s%s %s\n", publicPrefix, id, base64.StdEncoding.EncodeToString(p))
	}
	return b.String()
}

// ParseKeyring reads the file form of public keys. Empty lines and lines that
// begin with # are passed over.
func ParseKeyring(s string) (Keyring, error) {
	ks := Keyring{}
	for l := range strings.Lines(s) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		rest, ok := strings.CutPrefix(l, publicPrefix)
		id, b64, ok2 := strings.Cut(rest, " ")
		p, err := decode64(b64)
		if !ok || !ok2 || err != nil || len(p) != ed25519.PublicKeySize || keyID(p) != id {
			return nil, errors.New("seal: not a public sealing key")
		}
		ks[id] = p
	}
	if len(ks) == 0 {
		return nil, errors.New("seal: no public sealing key")
	}
	return ks, nil
}

// decode64 reads base64 in its one form. The decoder passes over CR and LF
// wherever they stand, and there shall be no second form of a passport.
func decode64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("a line end in base64")
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}
