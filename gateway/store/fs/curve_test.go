package fs

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"io"
	"testing"

	"filippo.io/age"
)

// newKey makes a key of the format.
func newKey(tb testing.TB) *age.X25519Identity {
	tb.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// seal writes a file of the format.
func seal(tb testing.TB, text string, to ...age.Recipient) []byte {
	tb.Helper()
	var file bytes.Buffer
	w, err := age.Encrypt(&file, to...)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

func open(file []byte, with ...age.Identity) (string, error) {
	r, err := age.Decrypt(bytes.NewReader(file), with...)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// What we write age opens, and the reverse, whichever key of several it is.
func TestCurveAgreesWithAge(t *testing.T) {
	for range 50 {
		id, other := newKey(t), newKey(t)
		ours, theirs := quickRecipient(id.Recipient()), age.Recipient(id.Recipient())
		if _, ok := ours.(curveRecipient); !ok {
			t.Fatal("the key was not recognized")
		}
		if _, ok := quickIdentity(id).(curveIdentity); !ok {
			t.Fatal("the key was not recognized")
		}
		for _, file := range [][]byte{seal(t, "本文", ours), seal(t, "本文", theirs), seal(t, "本文", quickRecipient(other.Recipient()), ours)} {
			for _, with := range [][]age.Identity{{id}, {quickIdentity(id)}, {quickIdentity(newKey(t)), quickIdentity(id)}, {newKey(t), quickIdentity(id)}} {
				if got, err := open(file, with...); err != nil || got != "本文" {
					t.Fatalf("%q, %v", got, err)
				}
			}
		}
		var none *age.NoIdentityMatchError
		if _, err := open(seal(t, "本文", ours), quickIdentity(other)); !errors.As(err, &none) {
			t.Fatalf("another's key: %v", err)
		}
	}
}

// Each file has a key of its own.
func TestCurveRepeatsNothing(t *testing.T) {
	r := quickRecipient(newKey(t).Recipient())
	seen := map[string]bool{}
	for range 20 {
		s, err := r.Wrap(make([]byte, fileKeySize))
		if err != nil || len(s) != 1 || s[0].Type != stanzaType || len(s[0].Body) != 32 || seen[s[0].Args[0]] || seen[string(s[0].Body)] {
			t.Fatalf("%+v, %v", s, err)
		}
		seen[s[0].Args[0]], seen[string(s[0].Body)] = true, true
	}
}

// Other kinds of keys stay as they are.
func TestOtherKeysStay(t *testing.T) {
	id, err := age.NewScryptIdentity("secret")
	if err != nil {
		t.Fatal(err)
	}
	to, err := age.NewScryptRecipient("secret")
	if err != nil {
		t.Fatal(err)
	}
	if quickIdentity(id) != age.Identity(id) || quickRecipient(to) != age.Recipient(to) {
		t.Error("a passphrase became something else")
	}
}

func TestKeyBytes(t *testing.T) {
	id := newKey(t)
	scalar, err := keyBytes(id.String())
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdh.X25519().NewPrivateKey(scalar)
	if err != nil {
		t.Fatal(err)
	}
	if point, err := keyBytes(id.Recipient().String()); err != nil || !bytes.Equal(point, key.PublicKey().Bytes()) {
		t.Errorf("%x, %v", point, err)
	}
	text := id.Recipient().String()
	for name, bad := range map[string]string{
		"nothing": "", "no key": "age1", "checksum only": "age1qqqqqq", "a letter less": text[:20] + text[21:], "a foreign letter": text[:10] + "b" + text[11:],
		"bits left": text[:len(text)-7] + "l" + text[len(text)-6:], "no divider": "qqqqqqqq", "not a letter": text[:10] + "あ" + text[13:],
	} {
		if key, err := keyBytes(bad); err == nil {
			t.Errorf("%s: %x", name, key)
		}
	}
}

// FuzzUnwrap holds our reading of a stanza against that of age.
func FuzzUnwrap(f *testing.F) {
	id := newKey(f)
	ours := quickIdentity(id)
	good, err := id.Recipient().Wrap(make([]byte, fileKeySize))
	if err != nil {
		f.Fatal(err)
	}
	zero := shares.EncodeToString(make([]byte, 32)) // a point that gives no secret
	f.Add(true, good[0].Args[0], good[0].Body, 1)
	f.Add(true, good[0].Args[0]+"\n", good[0].Body, 1)
	f.Add(true, zero, good[0].Body, 1)
	f.Add(true, good[0].Args[0], good[0].Body[:31], 1)
	f.Add(true, good[0].Args[0], append([]byte{1}, good[0].Body[1:]...), 1)
	f.Add(true, "", []byte{}, 0)
	f.Add(true, good[0].Args[0], good[0].Body, 2)
	f.Add(false, good[0].Args[0], good[0].Body, 1)
	f.Fuzz(func(t *testing.T, curve bool, arg string, body []byte, args int) {
		s := &age.Stanza{Type: "other", Body: body}
		if curve {
			s.Type = stanzaType
		}
		for range min(max(args, 0), 3) {
			s.Args = append(s.Args, arg)
		}
		want, errWant := id.Unwrap([]*age.Stanza{s})
		got, err := ours.Unwrap([]*age.Stanza{s})
		if !bytes.Equal(got, want) || (err == nil) != (errWant == nil) || errors.Is(err, age.ErrIncorrectIdentity) != errors.Is(errWant, age.ErrIncorrectIdentity) {
			t.Errorf("%x, %v; age: %x, %v", got, err, want, errWant)
		}
	})
}

// BenchmarkCurve writes and reads a small file, as is done twice for a mail.
func BenchmarkCurve(b *testing.B) {
	id := newKey(b)
	for _, with := range []struct {
		name string
		to   age.Recipient
		from age.Identity
	}{{"age", id.Recipient(), id}, {"ours", quickRecipient(id.Recipient()), quickIdentity(id)}} {
		b.Run(with.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := open(seal(b, "本文", with.to), with.from); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
