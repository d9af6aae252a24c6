package account

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Sealer seals the keys of second factors before they are stored, to a key that
// is not in the ledger: a copied ledger or backup gives no second factor. The id
// of the account is part of the seal, so that a key put into another's row opens
// for nobody. The zero Sealer seals and opens nothing.
//
// A sealed key is a version byte, the id of the sealing key, a nonce, and what
// AES-256-GCM makes of the key (NIST SP 800-38D), with version, id and account as
// additional data.
type Sealer struct {
	keys []sealingKey // the present one first
}

type sealingKey struct {
	id   [sealIDBytes]byte
	aead cipher.AEAD
	mac  []byte
}

const (
	sealVersion = 1
	sealIDBytes = 8
	sealHead    = 1 + sealIDBytes
	// sealInfo names what is derived, so that the same secret gives other keys for
	// other uses (RFC 5869 section 3.2).
	sealInfo = "sekisho second factors 1"
	// macInfo is that of digests of names and of browsers.
	macInfo = "sekisho names and browsers 1"
)

var (
	errNoSealingKey = errors.New("account: no key to seal second factors with")
	// errUnsealed says that no key opens a sealed second factor: it is another
	// account's, was changed, or its key is gone.
	errUnsealed = errors.New("account: no key opens this second factor; restore the key folder, or reset the factor")
)

// NewSealer returns a Sealer of secrets of at least 16 bytes each, the present
// one first; earlier ones open what they sealed.
// spec: rfc5869#2
func NewSealer(secrets ...[]byte) (Sealer, error) {
	var s Sealer
	for _, secret := range secrets {
		if len(secret) < 16 {
			return Sealer{}, errNoSealingKey
		}
		b, err := hkdf.Key(sha256.New, secret, nil, sealInfo, 32+sealIDBytes)
		if err != nil {
			return Sealer{}, fmt.Errorf("derive the key of second factors: %w", err)
		}
		block, err := aes.NewCipher(b[:32])
		if err != nil {
			return Sealer{}, fmt.Errorf("derive the key of second factors: %w", err)
		}
		k := sealingKey{id: [sealIDBytes]byte(b[32:])}
		if k.mac, err = hkdf.Key(sha256.New, secret, nil, macInfo, sha256.Size); err != nil {
			return Sealer{}, fmt.Errorf("derive the key of names: %w", err)
		}
		if k.aead, err = cipher.NewGCM(block); err != nil {
			return Sealer{}, fmt.Errorf("derive the key of second factors: %w", err)
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// mac is the HMAC-SHA-256 of what is used for something, by the present key. The
// lengths stand before the parts, so that no two lists are one text.
func (s Sealer) mac(use string, parts ...string) []byte {
	var key []byte
	if s.ready() {
		key = s.keys[0].mac
	}
	h := hmac.New(sha256.New, key)
	for _, p := range append([]string{use}, parts...) {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)
}

// ready reports whether there is a key to seal with.
func (s Sealer) ready() bool { return len(s.keys) > 0 }

// seal seals a key for an account.
func (s Sealer) seal(user string, key []byte, random io.Reader) ([]byte, error) {
	if !s.ready() {
		return nil, errNoSealingKey
	}
	k := s.keys[0]
	out := append([]byte{sealVersion}, k.id[:]...)
	nonce := make([]byte, k.aead.NonceSize())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("seal second factor: %w", err)
	}
	return k.aead.Seal(append(out, nonce...), nonce, key, bind(out, user)), nil
}

// open opens a sealed key of an account. present is false when an earlier key
// sealed it.
func (s Sealer) open(user string, sealed []byte) (key []byte, present bool, err error) {
	for i, k := range s.keys {
		n := sealHead + k.aead.NonceSize()
		if len(sealed) < n || sealed[0] != sealVersion || [sealIDBytes]byte(sealed[1:]) != k.id {
			continue
		}
		if key, err := k.aead.Open(nil, sealed[sealHead:n], sealed[n:], bind(sealed[:sealHead], user)); err == nil {
			return key, i == 0, nil
		}
	}
	return nil, false, errUnsealed
}

// bind is the additional data: what stands before the nonce, and whose it is.
func bind(head []byte, user string) []byte {
	return append(append([]byte("sekisho second factor\x00"), head...), user...)
}
