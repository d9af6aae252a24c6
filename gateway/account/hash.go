package account

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Params are the costs of argon2id (RFC 9106). The zero Params are Standard.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// Standard is what new passwords get: some 30 ms and 19 MiB, so that a few
// sign-ins at once leave a small machine its memory.
func Standard() Params { return Params{Memory: 19 << 10, Time: 2, Threads: 1} }

// Bounds of what is taken from a stored hash.
const (
	saltBytes = 16
	hashBytes = 32
	maxMemory = 256 << 10 // KiB
	maxTime   = 16
	// maxHashing is how many hashes run at once; more wait.
	maxHashing = 2
)

var errHash = errors.New("account: not a password hash of ours")

// phc is a parsed PHC string of argon2id.
type phc struct {
	Params
	salt, sum []byte
}

// hashPassword returns the PHC string of a password.
func hashPassword(password string, p Params, random io.Reader) (string, error) {
	if p == (Params{}) {
		p = Standard()
	}
	h := phc{Params: p, salt: make([]byte, saltBytes)}
	if _, err := io.ReadFull(random, h.salt); err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	h.sum = h.compute(password)
	return h.String(), nil
}

func (h phc) compute(password string) []byte {
	return argon2.IDKey([]byte(normal(password)), h.salt, h.Time, h.Memory, h.Threads, hashBytes)
}

// String returns the PHC form.
func (h phc) String() string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.Memory, h.Time, h.Threads,
		b.EncodeToString(h.salt), b.EncodeToString(h.sum))
}

// parsePHC reads a PHC string that String wrote, and no other spelling.
func parsePHC(s string) (phc, error) {
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errHash
	}
	var h phc
	if n, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &h.Memory, &h.Time, &h.Threads); n != 3 || err != nil {
		return phc{}, errHash
	}
	var err error
	b := base64.RawStdEncoding.Strict()
	if h.salt, err = b.DecodeString(f[4]); err != nil || len(h.salt) != saltBytes {
		return phc{}, errHash
	}
	if h.sum, err = b.DecodeString(f[5]); err != nil || len(h.sum) != hashBytes {
		return phc{}, errHash
	}
	if h.Memory < 8 || h.Memory > maxMemory || h.Time < 1 || h.Time > maxTime || h.Threads < 1 || h.String() != s {
		return phc{}, errHash
	}
	return h, nil
}

// keeper hashes, a few at a time. decoy is what passwords of unknown names are
// compared with, so that they take as long as others.
type keeper struct {
	params Params
	random io.Reader
	slots  chan struct{}
	decoy  string
}

func newKeeper(p Params, random io.Reader) (*keeper, error) {
	if p == (Params{}) {
		p = Standard()
	}
	k := &keeper{params: p, random: random, slots: make(chan struct{}, maxHashing)}
	var err error
	k.decoy, err = hashPassword("", p, random)
	return k, err
}

func (k *keeper) slot(ctx context.Context) (func(), error) {
	select {
	case k.slots <- struct{}{}:
		return func() { <-k.slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash: %w", ctx.Err())
	}
}

func (k *keeper) hash(ctx context.Context, password string) (string, error) {
	done, err := k.slot(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return hashPassword(password, k.params, k.random)
}

// verify compares a password with a stored hash. An empty or broken hash costs
// the same and is never right.
func (k *keeper) verify(ctx context.Context, stored, password string) (bool, error) {
	done, err := k.slot(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	h, err := parsePHC(stored)
	real := err == nil
	if !real {
		if h, err = parsePHC(k.decoy); err != nil {
			return false, err
		}
	}
	if len(password) > maxPassword {
		password, real = "", false
	}
	same := subtle.ConstantTimeCompare(h.compute(password), h.sum) == 1
	return same && real, nil
}
