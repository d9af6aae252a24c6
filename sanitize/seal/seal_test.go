package seal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

var now = time.Unix(1_700_000_000, 0)

func claims() Claims {
	return Claims{Delivery: "d1", From: "a@example.com", To: []string{"b@town.example.lg.jp"}, Route: "internet>lgwan",
		Policy: "00", Build: "test", NotAfter: now.Add(time.Hour)}
}

func body(s string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}

func key(t *testing.T) Key {
	t.Helper()
	k, err := NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSignOpen(t *testing.T) {
	k := key(t)
	const text = "rebuilt mail"
	p, err := Sign(k, claims(), Linted(sha256.Sum256([]byte(text)), int64(len(text))))
	if err != nil {
		t.Fatal(err)
	}
	v, err := Open(body(text), p, k.Public(), now)
	if err != nil {
		t.Fatal(err)
	}
	if v.From != "a@example.com" || v.To[0] != "b@town.example.lg.jp" || v.Size != int64(len(text)) {
		t.Fatalf("verified %+v", v)
	}
	for name, f := range map[string]func() error{
		"another body":   func() error { _, err := Open(body("rebuilt maiL"), p, k.Public(), now); return err },
		"longer body":    func() error { _, err := Open(body(text+"x"), p, k.Public(), now); return err },
		"shorter body":   func() error { _, err := Open(body(text[1:]), p, k.Public(), now); return err },
		"other key":      func() error { _, err := Open(body(text), p, key(t).Public(), now); return err },
		"too late":       func() error { _, err := Open(body(text), p, k.Public(), now.Add(2*time.Hour)); return err },
		"empty passport": func() error { _, err := Open(body(text), nil, k.Public(), now); return err },
	} {
		if err := f(); !errors.Is(err, ErrSeal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// spec: g5
func TestBodySwappedAfterOpen(t *testing.T) {
	k := key(t)
	text := "first"
	p, err := Sign(k, claims(), Linted(sha256.Sum256([]byte(text)), 5))
	if err != nil {
		t.Fatal(err)
	}
	v, err := Open(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }, p, k.Public(), now)
	if err != nil {
		t.Fatal(err)
	}
	text = "other"
	r, err := v.Body()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, ErrSeal) {
		t.Fatalf("a swapped body was read to its end: %v", err)
	}
}

// spec: g5
func TestEveryFlippedByteIsRefused(t *testing.T) {
	k := key(t)
	text := "body"
	p, err := Sign(k, claims(), Linted(sha256.Sum256([]byte(text)), 4))
	if err != nil {
		t.Fatal(err)
	}
	for i := range p {
		q := bytes.Clone(p)
		q[i] ^= 1
		if _, err := Open(body(text), q, k.Public(), now); !errors.Is(err, ErrSeal) {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
	}
}

// spec: g1 g5
func TestZeroBasisSealsNothing(t *testing.T) {
	if _, err := Sign(key(t), claims(), Basis{}); err == nil {
		t.Fatal("a zero basis was sealed")
	}
	if _, err := Sign(Key{}, claims(), Linted([32]byte{}, 0)); err == nil {
		t.Fatal("a zero key signed")
	}
}

func TestKeyFiles(t *testing.T) {
	k := key(t)
	k2, err := ParseKey(k.Encode())
	if err != nil || k2.ID() != k.ID() {
		t.Fatalf("%v, %v", k2, err)
	}
	ring := k.Public()
	for id, p := range key(t).Public() {
		ring[id] = p
	}
	got, err := ParseKeyring("# keys\n\n" + ring.Encode())
	if err != nil || len(got) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "x", k.Encode(), strings.Replace(ring.Encode(), k.ID(), "0000000000000000", 1)} {
		if _, err := ParseKeyring(bad); err == nil {
			t.Errorf("ring %q was accepted", bad)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", k, k, k); strings.Contains(s, strings.Fields(k.Encode())[1]) {
		t.Error("a key prints itself")
	}
}
