package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// exported makes an export of a log and its proof.
func exported(t *testing.T, d *disk, opt Options, o ExportOptions) (export, proof []byte) {
	t.Helper()
	var e, p bytes.Buffer
	if _, _, err := Export(t.Context(), d, opt.Keys, o, &e, &p); err != nil {
		t.Fatal(err)
	}
	return e.Bytes(), p.Bytes()
}

func TestExportCarriesItsProof(t *testing.T) {
	o := testKeys(t)
	d := signedLog(t, o, 700, 100)
	for _, c := range []struct {
		name     string
		f        Filter
		count    int64
		unbroken bool
		whole    bool
	}{
		{"all", Filter{}, 700, true, true},
		{"a time", Filter{Since: start.Add(100 * time.Second), Until: start.Add(613 * time.Second)}, 513, true, true},
		{"to the end", Filter{Since: start.Add(100 * time.Second)}, 600, true, true},
		{"from the beginning", Filter{Until: start.Add(100 * time.Second)}, 100, true, true},
		{"one", Filter{Receipt: "M-261125-00400"}, 1, true, false},
		{"nothing", Filter{Receipt: "M-000000-00000"}, 0, false, false},
	} {
		for _, form := range []ExportOptions{{Format: JSONL}, {Format: CSV}, {Format: CSV, Lang: English}} {
			form.Filter = c.f
			export, proof := exported(t, d, o, form)
			x, err := VerifyExport(t.Context(), bytes.NewReader(export), bytes.NewReader(proof), o.Keys)
			if err != nil {
				t.Fatalf("%s %s: %v", c.name, form.Format, err)
			}
			if x.Count != c.count || x.Unbroken != c.unbroken || x.Whole != c.whole || x.Checkpoint.Size != 700 || x.Filter.Receipt != c.f.Receipt || !x.Filter.Since.Equal(c.f.Since) {
				t.Errorf("%s: %+v", c.name, x)
			}
		}
	}
}

// Only what is under a checkpoint is exported with a proof; the rest is counted.
func TestExportLeavesUnsignedOut(t *testing.T) {
	o := testKeys(t)
	d := newDisk()
	w := mustOpen(t, d, o)
	mustAppend(t, w, events(0, 10))
	mustSign(t, w)
	mustAppend(t, w, events(10, 14))
	var e, p bytes.Buffer
	n, unsigned, err := Export(t.Context(), d, o.Keys, ExportOptions{Format: JSONL}, &e, &p)
	if err != nil || n != 10 || unsigned != 4 {
		t.Errorf("%d records, %d unsigned: %v", n, unsigned, err)
	}
}

// Whatever is done to an export or its proof, it does not prove any more.
// spec: art-6(9)
func TestExportProofRefusesChanges(t *testing.T) {
	o := testKeys(t)
	d := signedLog(t, o, 40, 20)
	flip := func(b []byte, i int) []byte {
		b = bytes.Clone(b)
		b[i] ^= 1 << (i % 7)
		return b
	}
	for _, form := range []ExportOptions{
		{Format: JSONL, Filter: Filter{Since: start.Add(3 * time.Second), Until: start.Add(9 * time.Second)}},
		{Format: CSV, Filter: Filter{Since: start.Add(3 * time.Second), Until: start.Add(7 * time.Second)}},
	} {
		export, proof := exported(t, d, o, form)
		refused := func(what string, export, proof []byte) {
			t.Helper()
			x, err := VerifyExport(t.Context(), bytes.NewReader(export), bytes.NewReader(proof), o.Keys)
			if err == nil && string(form.Format) == string(x.Format) && x.Filter.Since.Equal(form.Filter.Since) && x.Filter.Until.Equal(form.Filter.Until) {
				t.Fatalf("%s %s: proven", form.Format, what)
			}
			if err != nil && !errors.Is(err, ErrProof) {
				t.Fatalf("%s %s: %v", form.Format, what, err)
			}
		}
		for i := 0; i < len(export); i += 3 { // each field of each line is much longer
			refused("flipped byte of the export", flip(export, i), proof)
		}
		for i := 0; i < len(proof)-1; i += 3 {
			// Two spellings of one value in the last line show the same thing.
			if b := flip(proof, i); !sameProof(t, b, proof) {
				refused("flipped byte of the proof", export, b)
			}
		}
		l := lines(export)
		for i := range l {
			refused("line missing", bytes.Join(slices.Delete(slices.Clone(l), i, i+1), nil), proof)
			refused("line twice", bytes.Join(slices.Insert(slices.Clone(l), i, l[i]), nil), proof)
		}
		refused("lines swapped", bytes.Join(append([][]byte{l[0], l[2], l[1]}, l[3:]...), nil), proof)
		refused("cut", export[:len(export)-1], proof)
		refused("no proof", export, nil)
	}
}

// Who makes an export and its proof can leave out the end or the beginning. It
// then still proves, as a part, and never as the whole of its time.
func TestExportCutOff(t *testing.T) {
	o := testKeys(t)
	d := signedLog(t, o, 60, 20)
	asked := Filter{Since: start.Add(10 * time.Second), Until: start.Add(40 * time.Second)}
	for name, c := range map[string]struct{ less, said Filter }{
		"the end":       {Filter{Since: asked.Since, Until: asked.Until.Add(-5 * time.Second)}, asked},
		"the beginning": {Filter{Since: asked.Since.Add(5 * time.Second), Until: asked.Until}, asked},
		"of everything": {Filter{Until: asked.Until}, Filter{}},
	} {
		for _, form := range []Format{JSONL, CSV} {
			export, proof := exported(t, d, o, ExportOptions{Format: form, Filter: c.less})
			p, _, err := lastLine(t.Context(), bytes.NewReader(proof))
			if err != nil {
				t.Fatal(err)
			}
			// The neighbours are of the time that was asked for, so the liar drops them
			// or has them refused.
			p.Filter = c.said.json()
			copies := proof[:bytes.LastIndexByte(proof[:len(proof)-1], '\n')+1]
			if _, err := VerifyExport(t.Context(), bytes.NewReader(export), bytes.NewReader(append(bytes.Clone(copies), asLine(t, p)...)), o.Keys); !errors.Is(err, ErrProof) {
				t.Errorf("%s, %s: neighbours inside the time: %v", name, form, err)
			}
			p.Hashes, p.Before, p.After = reproved(t, d, o, export, proof), nil, nil
			x, err := VerifyExport(t.Context(), bytes.NewReader(export), bytes.NewReader(append(bytes.Clone(copies), asLine(t, p)...)), o.Keys)
			if err != nil || !x.Unbroken || x.Whole {
				t.Errorf("%s, %s: %+v %v", name, form, x, err)
			}
		}
	}
}

// asLine writes a proof.
func asLine(t *testing.T, p exportProof) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// reproved proves the records of an export alone, without its neighbours.
func reproved(t *testing.T, d *disk, o Options, export, proof []byte) []tlog.Hash {
	t.Helper()
	x, err := VerifyExport(t.Context(), bytes.NewReader(export), bytes.NewReader(proof), o.Keys)
	if err != nil {
		t.Fatal(err)
	}
	var seqs []int64
	for n := x.First; n <= x.Last; n++ {
		seqs = append(seqs, n)
	}
	hashes, err := proveSubset(x.Checkpoint.Size, seqs, tlog.TileHashReader(tlog.Tree{N: x.Checkpoint.Size, Hash: x.Checkpoint.Root}, tileFiles{d}))
	if err != nil {
		t.Fatal(err)
	}
	return hashes
}

// sameProof reports whether two proof files say the same.
func sameProof(t *testing.T, a, b []byte) bool {
	t.Helper()
	p, n, err := lastLine(t.Context(), bytes.NewReader(a))
	q, m, err2 := lastLine(t.Context(), bytes.NewReader(b))
	if err != nil || err2 != nil || n != m || p.Checkpoint != q.Checkpoint || p.Count != q.Count || p.Lang != q.Lang || p.Format != q.Format {
		return false
	}
	head := func(b []byte) []byte { return b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1] }
	return slices.Equal(p.Hashes, q.Hashes) && bytes.Equal(head(a), head(b))
}

// A proof of any set of records leads to the root, is no longer than it has to
// be, and fits no other leaves. (The size is that of a signed checkpoint.)
func TestSubsetProofs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int64{1, 2, 3, 7, 8, 9, 255, 256, 257, 1000} {
		var tr tree
		var calc calculator
		leaves := make([]hash, size)
		for i := range leaves {
			leaves[i] = leafHash([]byte{byte(i), byte(i >> 8)})
			tr.add(tlog.Hash(leaves[i]))
			calc.push(leaves[i])
		}
		d := newDisk()
		for _, p := range append(tr.full, tr.partials()...) {
			d.write(p.path(), p.bytes())
		}
		tiles := tlog.TileHashReader(tlog.Tree{N: size, Hash: tr.root()}, tileFiles{d})
		for range 30 {
			var seqs []int64
			var own []hash
			share := r.IntN(10) + 1
			for i := range size {
				if r.IntN(share) == 0 {
					seqs, own = append(seqs, i), append(own, leaves[i])
				}
			}
			if len(seqs) == 0 {
				continue
			}
			proof, err := proveSubset(size, seqs, tiles)
			if err != nil {
				t.Fatal(err)
			}
			if root, err := subsetRoot(size, seqs, own, proof); err != nil || root != calc.root() {
				t.Fatalf("size %d, records %v: %v", size, seqs, err)
			}
			if int64(len(seqs)) == size && len(proof) > 0 {
				t.Errorf("a proof of everything needs no hash, has %d", len(proof))
			}
			for name, bad := range map[string]func() (hash, error){
				"fewer hashes": func() (hash, error) { return subsetRoot(size, seqs, own, proof[:max(len(proof)-1, 0)]) },
				"more hashes":  func() (hash, error) { return subsetRoot(size, seqs, own, append(slices.Clone(proof), tlog.Hash{})) },
				"other leaf":   func() (hash, error) { return subsetRoot(size, seqs, append([]hash{{1}}, own[1:]...), proof) },
				"unsorted": func() (hash, error) {
					return subsetRoot(size, append(slices.Clone(seqs), seqs[0]), append(slices.Clone(own), own[0]), proof)
				},
			} {
				if root, err := bad(); err == nil && root == calc.root() && (name != "fewer hashes" || len(proof) > 0) {
					t.Fatalf("%s: proven (size %d, records %v)", name, size, seqs)
				}
			}
		}
	}
}

func FuzzVerifyExport(f *testing.F) {
	o := testKeys(f)
	d := newDisk()
	w := mustOpen(f, d, o)
	mustAppend(f, w, events(0, 9))
	mustSign(f, w)
	for _, form := range []Format{JSONL, CSV} {
		var e, p bytes.Buffer
		if _, _, err := Export(f.Context(), d, o.Keys, ExportOptions{Format: form}, &e, &p); err != nil {
			f.Fatal(err)
		}
		f.Add(e.Bytes(), p.Bytes())
	}
	f.Fuzz(func(t *testing.T, export, proof []byte) {
		x, err := VerifyExport(t.Context(), bytes.NewReader(export), bytes.NewReader(proof), o.Keys)
		if err != nil {
			if !errors.Is(err, ErrProof) {
				t.Errorf("%v", err)
			}
			return
		}
		if x.Format == JSONL {
			for line := range strings.Lines(string(export)) {
				if !bytes.Contains(d.read(november), []byte(line)) {
					t.Errorf("proven, and not in the log: %s", line)
				}
			}
		}
	})
}
