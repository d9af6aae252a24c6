package account

import (
	"bytes"
	"crypto/rand"
	"testing"

	"pgregory.net/rapid"
)

func sealerOf(t interface{ Fatal(...any) }, secrets ...string) Sealer {
	var all [][]byte
	for _, s := range secrets {
		all = append(all, []byte(s))
	}
	s, err := NewSealer(all...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSealed: what was sealed opens for its account and with its key, and for
// nobody else; a changed byte opens nothing.
func TestSealed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := sealerOf(t, "0123456789abcdef"), sealerOf(t, "fedcba9876543210")
		both := sealerOf(t, "fedcba9876543210", "0123456789abcdef")
		key := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "key")
		user := rapid.StringN(0, 40, -1).Draw(t, "user")
		sealed, err := one.seal(user, key, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		got, present, err := one.open(user, sealed)
		if err != nil || !present || !bytes.Equal(got, key) {
			t.Fatalf("%x %v %v", got, present, err)
		}
		if got, present, err = both.open(user, sealed); err != nil || present || !bytes.Equal(got, key) {
			t.Fatalf("by an earlier key: %x %v %v", got, present, err)
		}
		if _, _, err := two.open(user, sealed); err == nil {
			t.Fatal("another key opens it")
		}
		if _, _, err := one.open(user+"x", sealed); err == nil {
			t.Fatal("another's")
		}
		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		sealed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if _, _, err := both.open(user, sealed); err == nil {
			t.Fatalf("changed at %d, it opens", at)
		}
	})
}

// TestSealerWithoutKey: the zero Sealer does nothing, and a short secret is none.
func TestSealerWithoutKey(t *testing.T) {
	var none Sealer
	if _, err := none.seal("u", []byte("k"), rand.Reader); err == nil {
		t.Error("sealed with nothing")
	}
	if _, _, err := none.open("u", make([]byte, 100)); err == nil {
		t.Error("opened with nothing")
	}
	if _, err := NewSealer([]byte("0123456789abcde")); err == nil {
		t.Error("a short secret was taken")
	}
	if s, err := NewSealer(); err != nil || s.ready() {
		t.Error("no secret makes a key")
	}
}

func FuzzSealedOpens(f *testing.F) {
	s := sealerOf(f, "0123456789abcdef")
	// Each process of the fuzzer must have the same one.
	good, err := s.seal("u", []byte("12345678901234567890"), bytes.NewReader(make([]byte, 64)))
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range [][]byte{good, good[:20], good[:9], {1}, {}, []byte("12345678901234567890")} {
		f.Add(b, "u")
	}
	f.Fuzz(func(t *testing.T, b []byte, user string) {
		if _, _, err := s.open(user, b); err == nil && (user != "u" || !bytes.Equal(b, good)) {
			t.Errorf("%x opens for %q", b, user)
		}
	})
}
