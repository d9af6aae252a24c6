package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func TestProveAndVerifyBundle(t *testing.T) {
	o := testKeys(t)
	d := signedLog(t, o, 700, 100)
	for _, seqs := range [][]int64{{0}, {699}, {255, 256}, {511, 512, 3, 3}, {600, 1, 2}} {
		b, err := Prove(t.Context(), d, o.Keys, seqs...)
		if err != nil {
			t.Fatal(err)
		}
		file, err := b.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		p, err := VerifyBundle(file, o.Keys)
		if err != nil {
			t.Fatalf("%v: %v", seqs, err)
		}
		slices.Sort(seqs)
		for i, seq := range slices.Compact(seqs) {
			if p.Events[i].Seq != seq || p.Events[i].ID != event(int(seq)).ID {
				t.Errorf("proved %d %s for %d", p.Events[i].Seq, p.Events[i].ID, seq)
			}
		}
		if p.Checkpoint.Size != 700 {
			t.Errorf("checkpoint of %d", p.Checkpoint.Size)
		}
	}
}

func TestProveRefuses(t *testing.T) {
	o := testKeys(t)
	d := signedLog(t, o, 20, 10)
	w := mustOpen(t, d, o)
	mustAppend(t, w, events(20, 25))
	w.Close()
	for name, seqs := range map[string][]int64{"not signed yet": {3, 22}, "beyond the end": {99}, "negative": {-1}} {
		if _, err := Prove(t.Context(), d, o.Keys, seqs...); !errors.Is(err, ErrNotSigned) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Prove(t.Context(), d, o.Keys); !errors.Is(err, ErrProof) {
		t.Errorf("nothing asked: %v", err)
	}
	edited := d.clone()
	edited.write(november, bytes.Replace(d.read(november), []byte("sato"), []byte("seto"), 1))
	if _, err := Prove(t.Context(), edited, o.Keys, 0); !errors.Is(err, ErrProof) {
		t.Errorf("edited record: %v", err)
	}
	tile := d.clone()
	b := tile.read("tile/0/000.p/20")
	b[77] ^= 1
	tile.write("tile/0/000.p/20", b)
	if _, err := Prove(t.Context(), tile, o.Keys, 0); !errors.Is(err, ErrProof) {
		t.Errorf("edited tile: %v", err)
	}
	if _, err := Prove(t.Context(), newDisk(), o.Keys, 0); err == nil {
		t.Error("proved in an empty directory")
	}
}

func TestVerifyBundleRefuses(t *testing.T) {
	o := testKeys(t)
	good, err := Prove(t.Context(), signedLog(t, o, 20, 10), o.Keys, 3, 7)
	if err != nil {
		t.Fatal(err)
	}
	otherPair, err := GenerateKey(seed(5), "test")
	if err != nil {
		t.Fatal(err)
	}
	otherLog := signedLog(t, optionsFor(t, otherPair), 20, 10)
	if _, err := VerifyBundle([]byte("{"), o.Keys); !errors.Is(err, ErrProof) {
		t.Errorf("no JSON: %v", err)
	}
	for name, change := range map[string]func(*Bundle){
		"version":               func(b *Bundle) { b.V = 2 },
		"no records":            func(b *Bundle) { b.Records = nil },
		"edited record":         func(b *Bundle) { b.Records[0].Record = strings.Replace(b.Records[0].Record, "sato", "seto", 1) },
		"other number":          func(b *Bundle) { b.Records[0].Seq = 4 },
		"negative number":       func(b *Bundle) { b.Records[0].Seq = -1 },
		"records exchanged":     func(b *Bundle) { b.Records[0].Record, b.Records[1].Record = b.Records[1].Record, b.Records[0].Record },
		"proofs exchanged":      func(b *Bundle) { b.Records[0].Proof, b.Records[1].Proof = b.Records[1].Proof, b.Records[0].Proof },
		"proof cut":             func(b *Bundle) { b.Records[0].Proof = b.Records[0].Proof[1:] },
		"proof longer":          func(b *Bundle) { b.Records[0].Proof = append(b.Records[0].Proof, tlog.Hash{}) },
		"endless proof":         func(b *Bundle) { b.Records[0].Proof = make([]tlog.Hash, 1000) },
		"size in checkpoint":    func(b *Bundle) { b.Checkpoint = strings.Replace(b.Checkpoint, "\n20\n", "\n21\n", 1) },
		"no signature":          func(b *Bundle) { b.Checkpoint = b.Checkpoint[:strings.Index(b.Checkpoint, "\n\n")+2] },
		"checkpoint of another": func(b *Bundle) { b.Checkpoint = string(otherLog.read(checkpointFile)) },
	} {
		b := good
		b.Records = slices.Clone(good.Records)
		for i := range b.Records {
			b.Records[i].Proof = slices.Clone(b.Records[i].Proof)
		}
		change(&b)
		file, err := b.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if p, err := VerifyBundle(file, o.Keys); !errors.Is(err, ErrProof) || p.Events != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	file, err := good.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyBundle(append(file, '{'), o.Keys); !errors.Is(err, ErrProof) {
		t.Errorf("something behind: %v", err)
	}
	if _, err := VerifyBundle(bytes.Replace(file, []byte(`"v"`), []byte(`"w": 1, "v"`), 1), o.Keys); !errors.Is(err, ErrProof) {
		t.Errorf("unknown member: %v", err)
	}
	if _, err := VerifyBundle(file, Keys{}); !errors.Is(err, ErrProof) {
		t.Errorf("no key: %v", err)
	}
}

func FuzzVerifyBundle(f *testing.F) {
	o := testKeys(f)
	d := signedLog(f, o, 20, 10)
	honest := map[string]bool{}
	for line := range bytes.Lines(d.read(november)) {
		honest[string(bytes.TrimSuffix(line, []byte("\n")))] = true
	}
	for _, seqs := range [][]int64{{0}, {3, 19}} {
		b, err := Prove(f.Context(), d, o.Keys, seqs...)
		if err != nil {
			f.Fatal(err)
		}
		file, err := b.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Add([]byte(`{"v":1,"checkpoint":"","records":[{"seq":0,"record":"","proof":[]}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := VerifyBundle(in, o.Keys)
		if err != nil {
			if !errors.Is(err, ErrProof) {
				t.Errorf("error of another kind: %v", err)
			}
			return
		}
		for _, e := range p.Events {
			if b, err := e.Canonical(); err != nil || !honest[string(b)] {
				t.Errorf("proved a record that was never logged: %s, %v", b, err)
			}
		}
	})
}

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
		anchors, err := ParseAnchors(in, o.Keys)
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
	back, err := c.record().Open(o.Keys)
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
		list, err := ParseAnchors([]byte(c.text), o.Keys)
		var sizes []int64
		for _, a := range list {
			sizes = append(sizes, a.Size)
		}
		if err != nil || !slices.Equal(sizes, c.sizes) {
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
		"over the limit": strings.Repeat("#\n", 1<<20),
	} {
		if _, err := ParseAnchors([]byte(text), o.Keys); !errors.Is(err, ErrCheckpoint) {
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
	print, err := Fingerprint(a.Verifier)
	if err != nil || len(print) != 64+15 {
		t.Errorf("fingerprint %q %v", print, err)
	}
	if p, err := Fingerprint(b.Verifier); err != nil || p == print {
		t.Errorf("same fingerprint for another key, %v", err)
	}
	if p, err := PublicKey(a.Verifier); err != nil || len(p) != 32 {
		t.Errorf("public key %x %v", p, err)
	}
	for _, bad := range []string{"", a.Signer, "x+00000000+AAAA"} {
		_, err1 := Fingerprint(bad)
		_, err2 := PublicKey(bad)
		if !errors.Is(err1, ErrKey) || !errors.Is(err2, ErrKey) {
			t.Errorf("%q: %v, %v", bad, err1, err2)
		}
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

func TestBundleIsPlainJSON(t *testing.T) {
	o := testKeys(t)
	b, err := Prove(t.Context(), signedLog(t, o, 5, 5), o.Keys, 2)
	if err != nil {
		t.Fatal(err)
	}
	file, err := b.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(file, &back); err != nil || len(back) != 3 || bytes.Contains(file, []byte(`\u003c`)) {
		t.Errorf("%v: %s", err, file)
	}
}
