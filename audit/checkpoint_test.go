package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
)

func FuzzCheckpoint(f *testing.F) {
	o := testKeys(f)
	d := signedLog(f, o, 3, 1)
	honest := map[string]bool{}
	history := d.read(historyName("2026-11"))
	for b := history; len(b) > 0; b = b[historyEnd(b):] {
		f.Add(b[:historyEnd(b)-1])
		honest[string(b[:historyEnd(b)-1])] = true
	}
	f.Add(history)
	f.Add([]byte("# comment\n3 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if c, err := OpenCheckpoint(in, o.Keys); err == nil {
			again, err := c.sign(o.Signer)
			if err != nil || !honest[string(again.Note)] {
				t.Errorf("opened a checkpoint that was never signed: %q", in)
			}
		} else if !errors.Is(err, ErrCheckpoint) {
			t.Errorf("error of another kind: %v", err)
		}
		anchors, _, err := ParseAnchors(in, o.Keys)
		if err != nil && !errors.Is(err, ErrCheckpoint) {
			t.Errorf("error of another kind: %v", err)
		}
		for _, a := range anchors {
			if a.Note != nil && !bytes.Contains(in, a.Note[:len(a.Note)-1]) || a.Size < 0 || a.Origin != o.Keys.Origin() {
				t.Errorf("anchor %+v out of %q", a, in)
			}
		}
		if n := historyEnd(in); n < 0 || n > len(in) || n > maxNote+1 {
			t.Errorf("entry of %d bytes in %d", n, len(in))
		}
	})
}

func TestCheckpointFormat(t *testing.T) {
	o := testKeys(t)
	c, err := Checkpoint{Origin: "sekisho-audit/test", Size: 5}.sign(o.Signer)
	if err != nil {
		t.Fatal(err)
	}
	want := "sekisho-audit/test\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u2014 sekisho-audit/test "
	if !strings.HasPrefix(string(c.Note), want) || strings.Count(string(c.Note), "\n") != 5 {
		t.Errorf("note %q", c.Note)
	}
	back, err := c.Signed().Open(o.Keys)
	if err != nil || back.Size != 5 || !bytes.Equal(back.Note, c.Note) {
		t.Errorf("through a record: %+v, %v", back, err)
	}
	raw := base64.StdEncoding.EncodeToString(c.Root[:])
	if c.String() != "5 "+raw {
		t.Errorf("printed %q", c)
	}
	for name, text := range map[string]string{
		"extension line": "sekisho-audit/test\n5\n" + raw + "\nmore\n",
		"no root":        "sekisho-audit/test\n5\n",
		"leading zero":   "sekisho-audit/test\n05\n" + raw + "\n",
		"negative":       "sekisho-audit/test\n-5\n" + raw + "\n",
		"plus":           "sekisho-audit/test\n+5\n" + raw + "\n",
		"huge":           "sekisho-audit/test\n9007199254740992\n" + raw + "\n",
		"short root":     "sekisho-audit/test\n5\nAAAA\n",
		"no origin":      "\n5\n" + raw + "\n",
		"spaces":         "sekisho-audit/test\n5 \n" + raw + "\n",
	} {
		if _, err := parseTreeHead(text); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseAnchors(t *testing.T) {
	o := testKeys(t)
	var notes []string
	for size := range int64(3) {
		c, err := Checkpoint{Origin: "sekisho-audit/test", Size: size + 1}.sign(o.Signer)
		if err != nil {
			t.Fatal(err)
		}
		notes = append(notes, string(c.Note))
	}
	for name, c := range map[string]struct {
		text  string
		sizes []int64
	}{
		"nothing":                 {"", nil},
		"comments":                {"# none yet\n\n", nil},
		"history form":            {notes[0] + "\n" + notes[1] + "\n", []int64{1, 2}},
		"last without empty line": {notes[0] + "\n" + notes[1], []int64{1, 2}},
		"printed":                 {"7 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", []int64{7}},
		"mixed":                   {"# report\n7 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n" + notes[2], []int64{7, 3}},
	} {
		list, unsigned, err := ParseAnchors([]byte(c.text), o.Keys)
		var sizes []int64
		for _, a := range list {
			sizes = append(sizes, a.Size)
		}
		if err != nil || unsigned != 0 || !slices.Equal(sizes, c.sizes) {
			t.Errorf("%s: sizes %v, %v", name, sizes, err)
		}
	}
	for name, text := range map[string]string{
		"garbage":        "hello\n",
		"changed note":   strings.Replace(notes[0], "\n1\n", "\n2\n", 1),
		"half a note":    notes[0][:40],
		"notes run on":   notes[0] + notes[1],
		"printed badly":  "7 AAAA\n",
		"size only":      "7\n",
		"over the limit": strings.Repeat("#", maxAnchors+1),
	} {
		if _, _, err := ParseAnchors([]byte(text), o.Keys); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeys(t *testing.T) {
	a, err := GenerateKey(nil, "cho-1")
	if err != nil {
		t.Fatal(err)
	}
	b, err := GenerateKey(nil, "cho-1")
	if err != nil {
		t.Fatal(err)
	}
	other, err := GenerateKey(nil, "cho-2")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys("# old\n" + a.Verifier + "\n\n" + b.Verifier + "\n")
	if err != nil || keys.Origin() != "sekisho-audit/cho-1" {
		t.Fatalf("%q %v", keys.Origin(), err)
	}
	for _, pair := range []KeyPair{a, b} { // both keys of a rotation open checkpoints
		s, err := ParseSigner(pair.Signer + "\n")
		if err != nil {
			t.Fatal(err)
		}
		c, err := Checkpoint{Origin: s.Name(), Size: 1}.sign(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCheckpoint(c.Note, keys); err != nil {
			t.Error(err)
		}
	}
	for name, text := range map[string]string{"none": "", "signer": a.Signer, "two logs": a.Verifier + "\n" + other.Verifier, "too many": strings.Repeat(a.Verifier+"\n", 65)} {
		if _, err := ParseKeys(text); !errors.Is(err, ErrKey) || strings.Contains(err.Error(), a.Signer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "a b", "a+b", "町", strings.Repeat("a", 65), "a/b"} {
		if _, err := GenerateKey(nil, name); !errors.Is(err, ErrKey) {
			t.Errorf("instance %q: %v", name, err)
		}
	}
	if _, err := ParseSigner(a.Verifier); !errors.Is(err, ErrKey) {
		t.Errorf("verifier as signer: %v", err)
	}
}

// A rotated key continues the log; the auditor needs both public keys.
func TestKeyRotation(t *testing.T) {
	old, err := GenerateKey(seed(1), "test")
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := GenerateKey(seed(2), "test")
	if err != nil {
		t.Fatal(err)
	}
	d := signedLog(t, optionsFor(t, old), 20, 10)
	o := optionsFor(t, fresh)
	if o.Keys, err = ParseKeys(old.Verifier + "\n" + fresh.Verifier); err != nil {
		t.Fatal(err)
	}
	w := mustOpen(t, d, o)
	mustAppend(t, w, events(20, 30))
	mustSign(t, w)
	w.Close()
	wantIntact(t, d, o)
	for name, pair := range map[string]KeyPair{"old key only": old, "new key only": fresh} {
		if r := mustVerify(t, d, optionsFor(t, pair), VerifyOptions{}); r.Verdict != Tampered {
			t.Errorf("%s: %v", name, r.Verdict)
		}
	}
}
