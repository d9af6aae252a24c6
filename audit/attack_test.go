package audit

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// The attacks of UX-AUDIT section 5, each on a log as a gateway leaves it: two
// months, heartbeats, an index, checkpoints kept elsewhere.

// attacked is such a log, and what an auditor keeps of it.
type attacked struct {
	opt    Options
	d      *disk        // as it is
	before *disk        // an image of it made earlier
	kept   []Checkpoint // anchors: the state of the image, and the last
}

// daysWork writes heartbeats every five minutes and mail between them.
func daysWork(t testing.TB, w *Writer, from, to int, mail int) int {
	t.Helper()
	var list []Event
	for m := from; m < to; m += 5 {
		ts := start.AddDate(0, 0, 4).Add(14*time.Hour + time.Duration(m)*time.Minute) // from 23:00 of the 29th on
		list = append(list, beat(1_000_000+m, ts))
		for n := range 2 {
			mail++
			list = append(list, eventAt(mail, ts.Add(time.Duration(n+1)*time.Minute)))
		}
	}
	mustAppend(t, w, list)
	return mail
}

func newAttacked(t testing.TB) attacked {
	t.Helper()
	a := attacked{opt: testKeys(t), d: newDisk()}
	a.opt.stretch = 100
	w := mustOpen(t, a.d, a.opt)
	next := daysWork(t, w, 0, 600, 0)
	a.kept = append(a.kept, mustSign(t, w))
	a.before = a.d.clone()
	for m := 600; m < 2400; m += 300 { // into December
		next = daysWork(t, w, m, m+300, next)
		a.kept = append(a.kept, mustSign(t, w))
	}
	if n, err := w.Index(t.Context()); err != nil || n < 8 {
		t.Fatalf("%d index files: %v", n, err)
	}
	w.Close()
	a.before.locked = false
	return a
}

// spec: g7 art-8
func TestAttacks(t *testing.T) {
	a := newAttacked(t)
	const dec = "segments/2026-12.jsonl"
	all := VerifyOptions{Anchors: a.kept, NeedAnchor: true}
	if r := mustVerify(t, a.d, a.opt, all); r.Verdict != Intact || r.Segments != 2 {
		t.Fatalf("untouched: %v %v", r.Verdict, r.Faults)
	}
	// fork is a log of the same key whose beginning is the same and the rest not.
	fork := func(t *testing.T) *disk {
		d := a.before.clone()
		w := mustOpen(t, d, a.opt)
		n := daysWork(t, w, 600, 900, 5000)
		mustSign(t, w)
		daysWork(t, w, 900, 2400, n)
		mustSign(t, w)
		w.Close()
		return d
	}
	for _, c := range []struct {
		name   string
		do     func(t *testing.T, d *disk) *disk
		alone  Verdict // by the files alone
		with   Verdict // with anchors
		follow error   // what a witness that kept the last checkpoint says
	}{
		{"edit a record", func(t *testing.T, d *disk) *disk {
			d.write(dec, bytes.Replace(d.read(dec), []byte("sato@"), []byte("kato@"), 1))
			return d
		}, Tampered, Tampered, nil},
		{"delete a record", func(t *testing.T, d *disk) *disk {
			d.write(dec, bytes.Join(slices.Delete(lines(d.read(dec)), 30, 31), nil))
			return d
		}, Tampered, Tampered, nil},
		{"swap two records", func(t *testing.T, d *disk) *disk {
			l := lines(d.read(november))
			l[7], l[9] = l[9], l[7]
			d.write(november, bytes.Join(l, nil))
			return d
		}, Tampered, Tampered, nil},
		{"cut the tail", func(t *testing.T, d *disk) *disk {
			l := lines(d.read(dec))
			d.write(dec, bytes.Join(l[:len(l)-5], nil))
			return d
		}, Tampered, Tampered, nil},
		{"cut the tail, and its checkpoints, tiles and index", func(t *testing.T, d *disk) *disk { return a.before.clone() }, Intact, Tampered, ErrRollback},
		{"restore an older image, which goes on", func(t *testing.T, d *disk) *disk {
			d = a.before.clone()
			w := mustOpen(t, d, a.opt)
			daysWork(t, w, 1600, 3000, daysWork(t, w, 600, 1600, 9000))
			mustSign(t, w)
			w.Close()
			return d
		}, Intact, Tampered, ErrFork},
		{"rewrite all with the stolen key", func(t *testing.T, d *disk) *disk {
			d.write(dec, bytes.ReplaceAll(d.read(dec), []byte("sato@"), []byte("kato@")))
			for _, name := range slices.Collect(maps.Keys(d.now)) {
				if strings.HasPrefix(name, indexDir+"/") {
					delete(d.now, name)
				}
			}
			resign(t, d, a.opt)
			return d
		}, Intact, Tampered, ErrFork},
		{"stop logging for an hour", func(t *testing.T, d *disk) *disk {
			w := mustOpen(t, d, a.opt)
			daysWork(t, w, 2460, 2500, 9000)
			mustSign(t, w)
			w.Close()
			return d
		}, Gap, Gap, nil},
		{"set the clock back", func(t *testing.T, d *disk) *disk {
			w := mustOpen(t, d, a.opt)
			daysWork(t, w, 1000, 1100, 9000)
			mustSign(t, w)
			w.Close()
			return d
		}, Gap, Gap, nil},
		{"show the auditor another log", func(t *testing.T, d *disk) *disk { return fork(t) }, Intact, Tampered, ErrFork},
		{"show the auditor the log of another gateway", func(t *testing.T, d *disk) *disk {
			pair, err := GenerateKey(seed(8), "test")
			if err != nil {
				t.Fatal(err)
			}
			d = newDisk()
			w := mustOpen(t, d, optionsFor(t, pair))
			daysWork(t, w, 0, 1600, 0)
			mustSign(t, w)
			w.Close()
			return d
		}, Tampered, Tampered, ErrCheckpoint},
		{"hide a record from the search", func(t *testing.T, d *disk) *disk {
			name := indexName("2026-11", 1)
			b := d.read(name)
			clear(b[len(b)-20:])
			d.write(name, b)
			return d
		}, Tampered, Tampered, nil},
		{"hide a month", func(t *testing.T, d *disk) *disk {
			delete(d.now, november)
			for _, name := range slices.Collect(maps.Keys(d.now)) {
				if strings.HasPrefix(name, indexDir+"/2026-11") {
					delete(d.now, name)
				}
			}
			return d
		}, Tampered, Tampered, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := c.do(t, a.d.clone())
			if r := mustVerify(t, d, a.opt, VerifyOptions{}); r.Verdict != c.alone {
				t.Errorf("by the files alone: %v %v", r.Verdict, r.Faults)
			}
			if r := mustVerify(t, d, a.opt, all); r.Verdict != c.with {
				t.Errorf("with anchors: %v %v", r.Verdict, r.Faults)
			}
			_, err := Follow(t.Context(), d, a.opt.Keys, a.kept[len(a.kept)-1])
			if c.follow == nil && err != nil || c.follow != nil && !errors.Is(err, c.follow) {
				t.Errorf("a witness says %v", err)
			}
		})
	}
}

// A log with more gaps than are listed cannot hide by them that it was changed.
func TestGapsDoNotHideTampering(t *testing.T) {
	o := testKeys(t)
	d := newDisk()
	w := mustOpen(t, d, o)
	for i := range 3 * maxFaults {
		mustAppend(t, w, []Event{beat(i, start.Add(time.Duration(i)*time.Hour))})
	}
	mustSign(t, w)
	if r := mustVerify(t, d, o, VerifyOptions{}); r.Verdict != Gap || len(r.Faults) != maxFaults {
		t.Fatalf("%v, %d faults", r.Verdict, len(r.Faults))
	}
	l := lines(d.read(november))
	l[len(l)-1] = bytes.Replace(l[len(l)-1], []byte(`"ip":"192.0.2.1"`), []byte(`"ip":"192.0.2.9"`), 1)
	d.write(november, bytes.Join(l, nil))
	if r := mustVerify(t, d, o, VerifyOptions{}); r.Verdict != Tampered || r.FirstBad != int64(len(l)-1) {
		t.Errorf("%v at %d: %v", r.Verdict, r.FirstBad, r.Faults)
	}
}

// One byte of each class of the log is changed, and each name of a file that says
// where it belongs. (Texts beside the log: TestChangedTextIsFound, and the store.)
// spec: g7
func TestEveryClassOfByteIsHeld(t *testing.T) {
	a := newAttacked(t)
	classes := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(a.d.now)) {
		if a.d.now[name].dir || name == ballastFile || name == lockName {
			continue
		}
		class, _, _ := strings.Cut(name, "/")
		if classes[class] >= 12 {
			continue // there are many tiles and index files
		}
		whole := a.d.read(name)
		for _, at := range []int{0, len(whole) / 2, len(whole) - 2} { // the last byte may be the end of a line
			b := bytes.Clone(whole)
			b[at] ^= 4
			d := a.d.clone()
			d.write(name, b)
			if r := mustVerify(t, d, a.opt, VerifyOptions{}); r.Verdict != Tampered {
				t.Fatalf("byte %d of %s: %v %v", at, name, r.Verdict, r.Faults)
			}
			classes[class]++
		}
		d := a.d.clone()
		to := strings.NewReplacer("2026-11", "2026-10", "2026-12", "2027-01", "/000", "/001", "/001", "/003").Replace(name)
		if to == name {
			continue
		}
		delete(d.now, name)
		d.write(to, whole)
		if r := mustVerify(t, d, a.opt, VerifyOptions{}); r.Verdict != Tampered {
			t.Fatalf("%s renamed to %s: %v %v", name, to, r.Verdict, r.Faults)
		}
	}
	for _, want := range []string{segmentDir, historyDir, tileDir, indexDir, checkpointFile} {
		if classes[want] == 0 {
			t.Errorf("no byte of %s was tried", want)
		}
	}
}

// A text kept beside the log is held by the digest in its record.
func TestChangedTextIsFound(t *testing.T) {
	o, err := Commit("見積書.xlsx", seed(3))
	if err != nil {
		t.Fatal(err)
	}
	committed := o.Digest
	if !CheckOpening(committed, o) {
		t.Fatal("the true text is refused")
	}
	for i := range o.Value {
		b := []byte(o.Value)
		b[i] ^= 1
		if bad := (Opening{o.Digest, o.Nonce, string(b)}); CheckOpening(committed, bad) {
			t.Errorf("byte %d of the text", i)
		}
	}
	for i := range o.Nonce {
		bad := o
		bad.Nonce[i] ^= 1
		if CheckOpening(committed, bad) {
			t.Errorf("byte %d of the nonce", i)
		}
	}
}
