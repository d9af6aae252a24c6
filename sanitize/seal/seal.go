// Package seal makes and opens passports (通行手形). A passport is a signed
// statement that one exact body may go from one reverse-path to a list of
// recipients on one route, under one policy, until a time.
//
// Flow signs with a private key; deliver has public keys only. What deliver
// sends is a Verified, and only Open makes one: the envelope comes from the
// passport, not from the ledger's copy of it, and the body is compared with
// the signed SHA-256 both before the connection and again while it is sent.
//
// A passport needs a Basis: that the body passed the lint, or that an approved
// exception lets an original go. Basis values are made by Linted and Excepted,
// which the import policy lets only package sanitize call. Open refuses the
// second kind; only a gateway whose configuration allows exceptions calls
// OpenExcepted.
package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// context separates these signatures from any other use of the same key.
const context = "sekisho passport v1\n"

// maxPassport bounds an encoded passport in bytes.
const maxPassport = 1 << 20

// ErrSeal means that a passport does not permit this body: a wrong signature,
// an unknown key, another body, or a passed time. Nothing may be sent.
var ErrSeal = errors.New("seal: passport refused")

// Basis is the reason why a body may be sealed. The zero Basis seals nothing.
type Basis struct {
	kind  string
	sum   [32]byte
	size  int64
	grant *Grant
}

// Linted says that the body with this SHA-256 and size in bytes was written by
// a builder and passed its lint. Only package sanitize may call it.
func Linted(sum [32]byte, size int64) Basis { return Basis{linted, sum, size, nil} }

// The kinds of a Basis, as passports say them.
const (
	linted   = "linted"
	excepted = "exception"
)

// OK reports whether the basis seals anything.
func (b Basis) OK() bool { return b.kind != "" }

// Grant is the exception under which an original goes: a request of one person
// that two others approved.
type Grant struct {
	Exception string   `json:"exception"`       // of the register
	Terms     string   `json:"terms,omitempty"` // SHA-256 of what it says, as its records have it, in hex
	Request   string   `json:"request"`
	Requester string   `json:"requester"`
	Approvers []string `json:"approvers"` // in their order
}

// ok reports whether the grant names all, and as many persons as it takes.
func (g Grant) ok() bool {
	persons := map[string]bool{g.Requester: true}
	for _, a := range g.Approvers {
		persons[a] = true
	}
	return g.Exception != "" && g.Request != "" && !persons[""] && len(g.Approvers) == 2 && len(persons) == 3
}

// Excepted says that the mail with this SHA-256 and size in bytes brings an
// original under an approved exception. It is the zero Basis when the grant
// does not name a requester and two other persons. Only package sanitize may
// call it.
func Excepted(sum [32]byte, size int64, g Grant) Basis {
	if !g.ok() {
		return Basis{}
	}
	g.Approvers = slices.Clone(g.Approvers)
	return Basis{excepted, sum, size, &g}
}

// Claims are what a passport says besides its body.
type Claims struct {
	Delivery string   // delivery id
	From     string   // reverse-path, "" for null
	To       []string // forward-paths
	Route    string   // "internet>lgwan"
	Policy   string   // SHA-256 of the effective policy, hex
	Build    string   // version of the program that sanitized
	NotAfter time.Time
}

// payload is the signed form; its JSON bytes are signed as they are.
type payload struct {
	V        int      `json:"v"`
	Delivery string   `json:"delivery"`
	Body     string   `json:"body"`
	Size     int64    `json:"size"`
	From     string   `json:"from"`
	To       []string `json:"to"`
	Route    string   `json:"route"`
	Policy   string   `json:"policy"`
	Build    string   `json:"build"`
	Basis    string   `json:"basis"`
	Grant    *Grant   `json:"grant,omitempty"`
	NotAfter int64    `json:"not_after"`
}

// Passport is an encoded, signed passport: key id, signature and payload.
type Passport []byte

// Sign makes a passport for the body of b. It fails on a zero Basis, a zero
// key, no recipients, or no end of validity.
func Sign(k Key, c Claims, b Basis) (Passport, error) {
	switch {
	case b.kind == "":
		return nil, errors.New("seal: no basis")
	case k.private == nil:
		return nil, errors.New("seal: no key")
	case len(c.To) == 0 || c.Delivery == "" || c.NotAfter.IsZero():
		return nil, errors.New("seal: incomplete claims")
	}
	body, err := json.Marshal(payload{1, c.Delivery, hex.EncodeToString(b.sum[:]), b.size, c.From, c.To,
		c.Route, c.Policy, c.Build, b.kind, b.grant, c.NotAfter.Unix()})
	if err != nil {
		return nil, fmt.Errorf("encode passport: %w", err)
	}
	sig := ed25519.Sign(k.private, append([]byte(context), body...))
	out := append([]byte(k.id+" "+base64.StdEncoding.EncodeToString(sig)+"\n"), body...)
	if len(out) > maxPassport {
		return nil, errors.New("seal: passport too large")
	}
	return out, nil
}

// Verified is a body that may be relayed, and to whom. Only Open makes one.
type Verified struct {
	Claims
	Size  int64
	Grant *Grant // of an original; nil for what passed the lint
	sum   [32]byte
	open  func() (io.ReadCloser, error)
}

// Open checks p against the keys, the time and the whole body that open gives,
// and returns what may be sent. open is called once here and again by Body.
// A passport whose basis is an exception is refused.
func Open(open func() (io.ReadCloser, error), p Passport, ks Keyring, now time.Time) (Verified, error) {
	pl, err := check(p, ks)
	if err == nil && pl.Basis != linted {
		err = fmt.Errorf("%w: exceptions are switched off", ErrSeal)
	}
	if err != nil {
		return Verified{}, err
	}
	return verify(open, pl, now)
}

// OpenExcepted is Open where exceptions are switched on.
func OpenExcepted(open func() (io.ReadCloser, error), p Passport, ks Keyring, now time.Time) (Verified, error) {
	pl, err := check(p, ks)
	if err != nil {
		return Verified{}, err
	}
	return verify(open, pl, now)
}

func verify(open func() (io.ReadCloser, error), pl payload, now time.Time) (Verified, error) {
	if now.Unix() > pl.NotAfter {
		return Verified{}, fmt.Errorf("%w: no longer valid", ErrSeal)
	}
	v := Verified{Size: pl.Size, Grant: pl.Grant, open: open, Claims: Claims{pl.Delivery, pl.From, pl.To, pl.Route, pl.Policy, pl.Build,
		time.Unix(pl.NotAfter, 0).UTC()}}
	if n, err := hex.Decode(v.sum[:], []byte(pl.Body)); err != nil || n != 32 {
		return Verified{}, fmt.Errorf("%w: malformed sum", ErrSeal)
	}
	r, err := v.Body()
	if err != nil {
		return Verified{}, err
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); err != nil {
		return Verified{}, err
	}
	return v, nil
}

func check(p Passport, ks Keyring) (payload, error) {
	var pl payload
	head, body, ok := bytes.Cut(p, []byte("\n"))
	id, sig64, ok2 := bytes.Cut(head, []byte(" "))
	if !ok || !ok2 || len(p) > maxPassport {
		return pl, fmt.Errorf("%w: malformed", ErrSeal)
	}
	key, ok := ks[string(id)]
	if !ok {
		return pl, fmt.Errorf("%w: unknown key", ErrSeal)
	}
	sig, err := decode64(string(sig64))
	if err != nil || !ed25519.Verify(key, append([]byte(context), body...), sig) {
		return pl, fmt.Errorf("%w: wrong signature", ErrSeal)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&pl); err != nil || pl.V != 1 {
		return pl, fmt.Errorf("%w: malformed payload", ErrSeal)
	}
	switch {
	case pl.Basis == linted && pl.Grant == nil:
	case pl.Basis == excepted && pl.Grant != nil && pl.Grant.ok():
	default:
		return pl, fmt.Errorf("%w: unknown basis", ErrSeal)
	}
	return pl, nil
}

// Body opens the body. The reader gives ErrSeal instead of io.EOF when what
// was read is not the sealed body; a sender MUST NOT end its DATA then.
func (v Verified) Body() (io.ReadCloser, error) {
	r, err := v.open()
	if err != nil {
		return nil, fmt.Errorf("open sealed body: %w", err)
	}
	return &checked{rc: r, v: v, h: sha256.New()}, nil
}

type checked struct {
	rc io.ReadCloser
	v  Verified
	h  interface {
		io.Writer
		Sum([]byte) []byte
	}
	n int64
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.rc.Read(p)
	c.h.Write(p[:n])
	c.n += int64(n)
	if c.n > c.v.Size {
		return 0, fmt.Errorf("%w: body is longer than sealed", ErrSeal)
	}
	if err == io.EOF && (c.n != c.v.Size || !bytes.Equal(c.h.Sum(nil), c.v.sum[:])) {
		return 0, fmt.Errorf("%w: another body", ErrSeal)
	}
	return n, err
}

func (c *checked) Close() error { return c.rc.Close() }
