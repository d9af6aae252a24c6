package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// signedLog makes a log of n records in one month, signed every step records
// and at the end.
func signedLog(t testing.TB, o Options, n, step int) *disk {
	t.Helper()
	d := newDisk()
	w := mustOpen(t, d, o)
	for i := 0; i < n; i += step {
		mustAppend(t, w, events(i, min(i+step, n)))
		mustSign(t, w)
	}
	w.Close()
	return d
}

func lines(b []byte) [][]byte {
	return slices.Collect(bytes.Lines(b))
}

const november = "segments/2026-11.jsonl"

// Each attack on the files alone is found, and where it can be told which record
// it was, it is told.
func TestVerifyFindsTampering(t *testing.T) {
	o := testKeys(t)
	from := signedLog(t, o, 300, 50)
	other, err := GenerateKey(seed(9), "test")
	if err != nil {
		t.Fatal(err)
	}
	edit := func(d *disk, i int, old, new string) {
		l := lines(d.read(november))
		l[i] = bytes.Replace(l[i], []byte(old), []byte(new), 1)
		d.write(november, bytes.Join(l, nil))
	}
	for _, c := range []struct {
		name   string
		attack func(*disk)
		code   Code
		first  int64 // record named, -1 for none
		until  int64
	}{
		{"edit an address", func(d *disk) { edit(d, 77, "sato", "seto") }, FaultRoot, 77, 78},
		{"edit an address and the tile", func(d *disk) {
			edit(d, 77, "sato", "seto")
			b, h := d.read("tile/0/000"), leafHash(bytes.TrimSuffix(lines(d.read(november))[77], []byte("\n")))
			copy(b[77*32:], h[:])
			d.write("tile/0/000", b)
		}, FaultRoot, 50, 100},
		{"edit in the last signed record", func(d *disk) { edit(d, 299, "sato", "seto") }, FaultRoot, 299, 300},
		{"edit into another spelling", func(d *disk) { edit(d, 10, `"outcome":"success"`, `"outcome": "success"`) }, FaultRecord, 10, 11},
		{"change a number", func(d *disk) { edit(d, 10, `"seq":10,`, `"seq":11,`) }, FaultSequence, 10, 11},
		{"change a month", func(d *disk) { edit(d, 10, `"seg":"2026-11"`, `"seg":"2026-12"`) }, FaultSegment, 10, 11},
		{"delete a record", func(d *disk) { d.write(november, bytes.Join(slices.Delete(lines(d.read(november)), 42, 43), nil)) }, FaultSequence, 42, 43},
		{"delete the first record", func(d *disk) { d.write(november, bytes.Join(lines(d.read(november))[1:], nil)) }, FaultRetention, 0, 1},
		{"swap two records", func(d *disk) {
			l := lines(d.read(november))
			l[20], l[21] = l[21], l[20]
			d.write(november, bytes.Join(l, nil))
		}, FaultSequence, 20, 21},
		{"swap two records and renumber", func(d *disk) {
			l := lines(d.read(november))
			l[20], l[21] = bytes.Replace(l[21], []byte(`"seq":21`), []byte(`"seq":20`), 1), bytes.Replace(l[20], []byte(`"seq":20`), []byte(`"seq":21`), 1)
			d.write(november, bytes.Join(l, nil))
		}, FaultRoot, 20, 21},
		{"insert a record", func(d *disk) {
			l := lines(d.read(november))
			d.write(november, bytes.Join(slices.Insert(l, 5, l[5]), nil))
		}, FaultSequence, 6, 7},
		{"delete the segment", func(d *disk) { delete(d.now, november) }, FaultCut, 0, 50},
		{"empty the segment", func(d *disk) { d.write(november, nil) }, FaultCut, 0, 50},
		{"other tile", func(d *disk) { b := d.read("tile/0/000"); b[3] ^= 1; d.write("tile/0/000", b) }, FaultTile, -1, 0},
		{"other upper tile", func(d *disk) { b := d.read("tile/1/000.p/1"); b[3] ^= 1; d.write("tile/1/000.p/1", b) }, FaultTile, -1, 0},
		{"delete a tile", func(d *disk) { delete(d.now, "tile/0/000") }, FaultTile, -1, 0},
		{"delete a partial tile", func(d *disk) { delete(d.now, "tile/0/001.p/44") }, FaultTile, -1, 0},
		{"short tile", func(d *disk) { d.write("tile/0/000", d.read("tile/0/000")[:8000]) }, FaultTile, -1, 0},
		{"long tile", func(d *disk) { d.write("tile/0/001.p/44", append(d.read("tile/0/001.p/44"), 0)) }, FaultTile, -1, 0},
		{"huge tile", func(d *disk) { d.write("tile/0/000", make([]byte, 1<<20)) }, FaultTile, -1, 0},
		{"huge checkpoint", func(d *disk) { d.write(checkpointFile, make([]byte, 1<<20)) }, FaultCheckpoint, -1, 0},
		{"huge line", func(d *disk) {
			l := lines(d.read(november))
			l[4] = append(bytes.Repeat([]byte("x"), MaxRecord+10), '\n')
			d.write(november, bytes.Join(l, nil))
		}, FaultRecord, 4, 5},
		{"tile for records that are not there", func(d *disk) { d.write("tile/0/002", make([]byte, 8192)) }, FaultCut, -1, 0},
		{"strange file among the tiles", func(d *disk) { d.write("tile/0/x000", make([]byte, 32)) }, FaultForeign, -1, 0},
		{"strange file among the segments", func(d *disk) { d.write("segments/2026-11.jsonl.old", nil) }, FaultForeign, -1, 0},
		{"delete the checkpoint", func(d *disk) { delete(d.now, checkpointFile) }, FaultCheckpoint, -1, 0},
		{"delete the history", func(d *disk) { delete(d.now, historyName("2026-11")) }, FaultCheckpoint, -1, 0},
		{"older checkpoint", func(d *disk) {
			h := d.read(historyName("2026-11"))
			d.write(checkpointFile, h[:historyEnd(h)-1])
			edit(d, 299, "sato", "seto")
		}, FaultRoot, 299, 300},
		{"cut the history", func(d *disk) {
			h := d.read(historyName("2026-11"))
			d.write(historyName("2026-11"), h[:historyEnd(h)])
		}, FaultCheckpoint, -1, 0},
		{"repeat in the history", func(d *disk) {
			h := d.read(historyName("2026-11"))
			d.write(historyName("2026-11"), append(bytes.Clone(h[:historyEnd(h)]), h...))
		}, FaultCheckpoint, -1, 0},
		{"signed by another key of the same name", func(d *disk) {
			c, err := Checkpoint{Origin: "sekisho-audit/test", Size: 300}.sign(optionsFor(t, other).Signer)
			if err != nil {
				t.Fatal(err)
			}
			d.write(checkpointFile, c.Note)
		}, FaultCheckpoint, -1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := from.clone()
			c.attack(d)
			r := mustVerify(t, d, o, VerifyOptions{})
			if r.Verdict != Tampered || r.Verdict.ExitCode() != 1 {
				t.Fatalf("verdict %v: %v", r.Verdict, r.Faults)
			}
			if !slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.Code == c.code }) {
				t.Errorf("no %s among %v", c.code, r.Faults)
			}
			if r.FirstBad != c.first || c.first >= 0 && r.BadUntil != c.until {
				t.Errorf("first bad record %d to %d, want %d to %d: %v", r.FirstBad, r.BadUntil, c.first, c.until, r.Faults)
			}
			if !strings.HasPrefix(r.JA(), "改ざんを検出しました。") || !strings.HasPrefix(r.EN(), "Tampering detected") || strings.Contains(r.EN()+r.JA(), "\n") {
				t.Errorf("lines %q %q", r.JA(), r.EN())
			}
		})
	}
}

// A flipped bit in any signed byte is found.
// spec: g7 art-8
func TestVerifyFindsEveryFlippedByte(t *testing.T) {
	o := testKeys(t)
	d := signedLog(t, o, 3, 2)
	wantIntact(t, d, o)
	for _, name := range slices.Sorted(maps.Keys(d.now)) {
		if d.now[name].dir || name == ballastFile {
			continue
		}
		whole := d.read(name)
		for i := range whole {
			b := bytes.Clone(whole)
			b[i] ^= 1 << (i % 8)
			d.write(name, b)
			if r := mustVerify(t, d, o, VerifyOptions{}); r.Verdict != Tampered {
				t.Fatalf("byte %d of %s, %q for %q: %v %v", i, name, b[i], whole[i], r.Verdict, r.Faults)
			}
		}
		d.write(name, whole)
	}
	wantIntact(t, d, o)
}

// The log is cut at every record and inside the last ones. While the last
// checkpoint is there the cut is found; when the attacker takes all later
// checkpoints and tiles away, only an anchor finds it.
// spec: g7
func TestVerifyFindsEveryCut(t *testing.T) {
	o := testKeys(t)
	from := newDisk()
	w := mustOpen(t, from, o)
	var states []*disk
	var signed []Checkpoint
	for i := range 12 {
		mustAppend(t, w, events(i, i+1))
		if i%3 == 2 {
			signed = append(signed, mustSign(t, w))
			states = append(states, from.clone())
		}
	}
	w.Close()
	whole := from.read(november)
	for cut := range len(whole) {
		if cut > 300 && cut < len(whole)-300 && cut%29 != 0 && whole[cut] != '\n' {
			continue
		}
		d := from.clone()
		d.write(november, whole[:cut])
		if r := mustVerify(t, d, o, VerifyOptions{}); r.Verdict != Tampered {
			t.Fatalf("cut after byte %d: %v %v", cut, r.Verdict, r.Faults)
		}
	}
	for i, older := range states[:len(states)-1] {
		wantIntact(t, older, o) // not to be seen from the files alone
		r := mustVerify(t, older, o, VerifyOptions{Anchors: signed})
		if r.Verdict != Tampered || r.Faults[0].Code != FaultAnchor || r.FirstBad != signed[i].Size {
			t.Errorf("older image %d with anchors: %v %v", i, r.Verdict, r.Faults)
		}
	}
	if r := mustVerify(t, states[3], o, VerifyOptions{Anchors: signed, NeedAnchor: true}); r.Verdict != Intact || r.Anchors != 4 {
		t.Errorf("present image with anchors: %v %v", r.Verdict, r.Faults)
	}
}

// A log written anew with the stolen key is perfect in itself; anchors tell.
// spec: g7
func TestVerifyFindsForkByAnchors(t *testing.T) {
	o := testKeys(t)
	d := newDisk()
	w := mustOpen(t, d, o)
	mustAppend(t, w, events(0, 20))
	early := mustSign(t, w)
	mustAppend(t, w, events(20, 40))
	late := mustSign(t, w)

	forged := newDisk()
	f := mustOpen(t, forged, o)
	mustAppend(t, f, events(0, 20))
	mustSign(t, f)
	lie := events(20, 50)
	lie[3].Mail.Sender = "suzuki@example.jp"
	mustAppend(t, f, lie)
	mustSign(t, f)
	wantIntact(t, forged, o)

	var kept bytes.Buffer
	fmt.Fprintf(&kept, "# printed on the report\n%s\n\n%s", late, early.Note)
	anchors, _, err := ParseAnchors(kept.Bytes(), o.Keys)
	if err != nil {
		t.Fatal(err)
	}
	r := mustVerify(t, forged, o, VerifyOptions{Anchors: anchors})
	if r.Verdict != Tampered || r.FirstBad != 20 || r.BadUntil != 40 || r.Faults[0].Code != FaultAnchor {
		t.Errorf("fork: %v %v", r.Verdict, r.Faults)
	}
	if r := mustVerify(t, forged, o, VerifyOptions{Since: &late}); r.Verdict != Tampered {
		t.Errorf("fork since: %v %v", r.Verdict, r.Faults)
	}
	if r := mustVerify(t, d, o, VerifyOptions{Anchors: anchors}); r.Verdict != Intact {
		t.Errorf("true log: %v %v", r.Verdict, r.Faults)
	}
}

func TestVerifyUsage(t *testing.T) {
	o := testKeys(t)
	if r, err := Verify(t.Context(), newDisk(), o.Keys, VerifyOptions{}); err == nil || r.Verdict.ExitCode() != 3 {
		t.Errorf("empty directory: %v %v", r.Verdict, err)
	}
	if r, err := Verify(t.Context(), signedLog(t, o, 3, 3), Keys{}, VerifyOptions{}); !errors.Is(err, ErrKey) || r.Verdict.ExitCode() != 3 {
		t.Errorf("no key: %v %v", r.Verdict, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := Verify(ctx, signedLog(t, o, 3, 3), o.Keys, VerifyOptions{}); !errors.Is(err, context.Canceled) || r.Verdict == Intact {
		t.Errorf("cancelled: %v %v", r.Verdict, err)
	}
}

// A Writer's log verifies at any moment, also while it is being written.
func TestVerifyWhileWriting(t *testing.T) {
	o := testKeys(t)
	f, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := mustOpen(t, f, o)
	mustAppend(t, w, events(0, 1))
	mustSign(t, w)
	done := make(chan error)
	go func() {
		var err error
		for i := 1; i < 300 && err == nil; i += 15 {
			if _, err = w.Append(t.Context(), events(i, i+15)); err == nil {
				_, err = w.Checkpoint(t.Context())
			}
		}
		done <- err
	}()
	for rounds := 0; ; rounds++ {
		r, err := Verify(t.Context(), f, o.Keys, VerifyOptions{})
		if err != nil || r.Verdict != Intact {
			t.Errorf("round %d: %v %v %v", rounds, r.Verdict, r.Faults, err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}

// resign makes tiles and checkpoint anew for whatever the segments say, as the
// holder of the key can.
func resign(t *testing.T, d *disk, o Options) {
	t.Helper()
	for _, p := range slices.Collect(maps.Keys(d.now)) {
		if strings.HasPrefix(p, tileDir+"/") || strings.HasPrefix(p, historyDir+"/") {
			delete(d.now, p)
		}
	}
	var tr tree
	list, err := months(d, segmentDir, ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, month := range list {
		for _, line := range lines(d.read(segmentName(month))) {
			tr.add(tlog.RecordHash(bytes.TrimSuffix(line, []byte("\n"))))
		}
	}
	for _, p := range append(tr.full, tr.partials()...) {
		d.write(p.path(), p.bytes())
	}
	c, err := Checkpoint{Origin: o.Keys.Origin(), Size: tr.size, Root: tr.root()}.sign(o.Signer)
	if err != nil {
		t.Fatal(err)
	}
	d.write(checkpointFile, c.Note)
	d.write(historyName(list[len(list)-1]), append(c.Note, '\n'))
}

// A month that does not begin with the checkpoint of the one before is found
// even when the key was used.
func TestVerifyFindsForgedSeam(t *testing.T) {
	o := testKeys(t)
	from := newDisk()
	w := mustOpen(t, from, o)
	mustAppend(t, w, []Event{eventAt(0, start), eventAt(1, start.AddDate(0, 1, 0))})
	mustSign(t, w)
	const december = "segments/2026-12.jsonl"
	for name, c := range map[string]struct {
		old, new string
		want     Verdict
	}{
		"nothing changed": {"", "", Intact},
		"other size":      {`"size":1}`, `"size":2}`, Tampered},
		"other verb":      {`"event":"audit.checkpoint"`, `"event":"audit.anchored"`, Tampered},
		"other root":      {`"root":"`, `"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","x":"`, Tampered},
	} {
		d := from.clone()
		d.write(december, bytes.Replace(d.read(december), []byte(c.old), []byte(c.new), 1))
		resign(t, d, o)
		r := mustVerify(t, d, o, VerifyOptions{Interval: 10000 * time.Hour})
		if r.Verdict != c.want || c.want == Tampered && r.FirstBad != 1 {
			t.Errorf("%s: %v %v", name, r.Verdict, r.Faults)
		}
	}
}
