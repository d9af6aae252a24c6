package fs

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"
)

// The format's own package computes the public half of each key anew whenever
// it uses one: 12 multiplications on the curve for a mail, which is written
// twice and read twice, where 6 do. So the two operations of its stanza
// "X25519" (age-encryption.org/v1, "The X25519 recipient type") stand here once
// more, over crypto/ecdh. What they write is the same and is opened by age and
// by every other program for the format; all else is age's.

// stanzaType and wrapLabel are the format's names.
const (
	stanzaType = "X25519"
	wrapLabel  = "age-encryption.org/v1/X25519"
	// fileKeySize is that of the key that a stanza wraps, in bytes.
	fileKeySize = 16
)

// errStanza means that a header names our type of recipient and is not of its
// form.
var errStanza = errors.New("malformed X25519 stanza")

// shares is the format's base64: no padding, one form for each value.
var shares = base64.RawStdEncoding.Strict()

// curveRecipient wraps file keys to a public key.
type curveRecipient struct{ key *ecdh.PublicKey }

// quickRecipient returns a faster one for a key of the curve, and others as
// they are.
func quickRecipient(r age.Recipient) age.Recipient {
	x, ok := r.(*age.X25519Recipient)
	if !ok {
		return r
	}
	point, err := keyBytes(x.String())
	if err != nil {
		return r
	}
	key, err := ecdh.X25519().NewPublicKey(point)
	if err != nil {
		return r
	}
	return curveRecipient{key}
}

// Wrap implements age.Recipient.
func (r curveRecipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	ephemeral, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	share := ephemeral.PublicKey().Bytes()
	key, err := wrapKey(ephemeral, r.key, share, r.key)
	if err != nil {
		return nil, err
	}
	cipher, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, fmt.Errorf("wrap a file key: %w", err)
	}
	body := cipher.Seal(nil, make([]byte, chacha20poly1305.NonceSize), fileKey, nil) // each key is used once
	return []*age.Stanza{{Type: stanzaType, Args: []string{shares.EncodeToString(share)}, Body: body}}, nil
}

// curveIdentity unwraps file keys with a private key.
type curveIdentity struct{ key *ecdh.PrivateKey }

// quickIdentity returns a faster one for a key of the curve, and others as they
// are.
func quickIdentity(i age.Identity) age.Identity {
	x, ok := i.(*age.X25519Identity)
	if !ok {
		return i
	}
	scalar, err := keyBytes(x.String())
	if err != nil {
		return i
	}
	key, err := ecdh.X25519().NewPrivateKey(scalar)
	if err != nil {
		return i
	}
	return curveIdentity{key}
}

// Unwrap implements age.Identity.
func (i curveIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type != stanzaType {
			continue
		}
		fileKey, err := i.unwrap(s)
		if !errors.Is(err, age.ErrIncorrectIdentity) {
			return fileKey, err
		}
	}
	return nil, age.ErrIncorrectIdentity
}

func (i curveIdentity) unwrap(s *age.Stanza) ([]byte, error) {
	if len(s.Args) != 1 || len(s.Body) != fileKeySize+chacha20poly1305.Overhead {
		return nil, errStanza
	}
	share, err := shares.DecodeString(s.Args[0])
	if err != nil || strings.ContainsAny(s.Args[0], "\r\n") { // which the decoder passes over
		return nil, errStanza
	}
	theirs, err := ecdh.X25519().NewPublicKey(share)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStanza, err)
	}
	key, err := wrapKey(i.key, theirs, share, i.key.PublicKey())
	if err != nil {
		return nil, err
	}
	cipher, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, fmt.Errorf("unwrap a file key: %w", err)
	}
	fileKey, err := cipher.Open(nil, make([]byte, chacha20poly1305.NonceSize), s.Body, nil)
	if err != nil {
		return nil, age.ErrIncorrectIdentity
	}
	return fileKey, nil
}

// wrapKey derives the key that a file key is wrapped with, from one
// multiplication. One of a few points that give no secret is an error.
func wrapKey(ours *ecdh.PrivateKey, theirs *ecdh.PublicKey, share []byte, recipient *ecdh.PublicKey) ([]byte, error) {
	secret, err := ours.ECDH(theirs)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStanza, err)
	}
	salt := append(append(make([]byte, 0, 64), share...), recipient.Bytes()...)
	key, err := hkdf.Key(sha256.New, secret, salt, wrapLabel, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive a wrapping key: %w", err)
	}
	return key, nil
}

// errKeyText means that a key is not written as expected.
var errKeyText = errors.New("a key in another form")

// keyBytes reads the 32 bytes of a key as age has just written it: a name, "1",
// and 5 bits a letter, the last six letters a checksum (BIP 173).
func keyBytes(text string) ([]byte, error) {
	const letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	const checksum = 6
	at := strings.LastIndexByte(text, '1')
	if at < 0 || len(text)-at-1 <= checksum {
		return nil, errKeyText
	}
	var key []byte
	bits, n := uint32(0), 0
	for _, c := range strings.ToLower(text[at+1 : len(text)-checksum]) {
		v := strings.IndexRune(letters, c)
		if v < 0 {
			return nil, errKeyText
		}
		bits, n = bits<<5|uint32(v), n+5
		if n >= 8 {
			n -= 8
			key = append(key, byte(bits>>n))
			bits &= 1<<n - 1
		}
	}
	if len(key) != 32 || bits != 0 {
		return nil, errKeyText
	}
	return key, nil
}
