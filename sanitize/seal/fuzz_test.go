package seal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
)

// FuzzOpen: of all passports only the signed one opens, and only its body.
func FuzzOpen(f *testing.F) {
	k := fromSeed(bytes.Repeat([]byte{7}, 32))
	const text = "rebuilt mail"
	signed, err := Sign(k, claims(), Linted(sha256.Sum256([]byte(text)), int64(len(text))))
	if err != nil {
		f.Fatal(err)
	}
	head, payload, _ := bytes.Cut(signed, []byte("\n"))
	f.Add([]byte(signed), text)
	f.Add([]byte(signed), text+"x")
	f.Add(bytes.Join([][]byte{head, payload}, []byte("\r\n")), text)
	f.Add(append(bytes.Clone(signed), '\n'), text)
	f.Add(bytes.Replace(signed, []byte(" "), []byte("  "), 1), text)
	f.Add([]byte(nil), "")
	f.Fuzz(func(t *testing.T, p []byte, held string) {
		v, err := Open(body(held), p, k.Public(), now)
		if err == nil && (!bytes.Equal(p, signed) || held != text) {
			t.Errorf("opened %q with %q", p, held)
		}
		if err != nil && (!errors.Is(err, ErrSeal) || v.open != nil || v.To != nil) {
			t.Errorf("%v with %+v", err, v)
		}
	})
}

// FuzzKeys: what is read as keys is what a file of keys is written as.
func FuzzKeys(f *testing.F) {
	k := fromSeed(bytes.Repeat([]byte{7}, 32))
	f.Add(k.Encode())
	f.Add(k.Public().Encode())
	f.Add("# comment\n\n" + k.Public().Encode())
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := ParseKey(text); err == nil {
			if again, err := ParseKey(k.Encode()); err != nil || again.ID() != k.ID() {
				t.Errorf("%q came back as another key, %v", text, err)
			}
		}
		ks, err := ParseKeyring(text)
		if err != nil {
			return
		}
		again, err := ParseKeyring(ks.Encode())
		if err != nil || len(ks) == 0 || len(again) != len(ks) {
			t.Errorf("%q: %d keys, %d the second time, %v", text, len(ks), len(again), err)
		}
		for id, p := range ks {
			if keyID(p) != id || !bytes.Equal(again[id], p) {
				t.Errorf("%q: a key under another's name", text)
			}
		}
	})
}
