package audit

import (
	"bytes"
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
