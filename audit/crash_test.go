package audit

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// base is a log of two finished months, so that what is appended next completes
// a tile soon and opening reads little. It holds 252 records.
func base(t testing.TB, o Options) *disk {
	t.Helper()
	d := newDisk()
	w := mustOpen(t, d, o)
	var list []Event
	for i := range 248 {
		list = append(list, beat(1000000+i, start.AddDate(0, -2, 0)))
	}
	mustAppend(t, w, list)
	mustSign(t, w)
	mustAppend(t, w, []Event{beat(2000000, start.AddDate(0, -1, 0)), beat(2000001, start.AddDate(0, -1, 0)), beat(2000002, start.AddDate(0, -1, 0))})
	w.Close()
	return d.clone()
}

// The events of script, and the records of the log with them and two seams more.
const (
	scriptEvents  = 11
	scriptRecords = 252 + scriptEvents + 2
)

// script is what a caller does in the fault sweeps: appends in two months with
// checkpoints in between. It returns how many events were acknowledged, and the
// first error.
func script(t testing.TB, w *Writer) (int, error) {
	acked := 0
	for i, n := range []int{1, 2, 4, 2, 2} {
		var list []Event
		for range n {
			e := event(acked + len(list))
			if i == 4 {
				e = eventAt(acked+len(list), start.AddDate(0, 1, 0))
			}
			list = append(list, e)
		}
		if _, err := w.Append(t.Context(), list); err != nil {
			return acked, err
		}
		acked += n
		if i == 1 {
			continue
		}
		if _, err := w.Checkpoint(t.Context()); err != nil {
			return acked, err
		}
	}
	return acked, nil
}

// wantAcked checks that the first n events of a test are in the log, once each
// and in order.
func wantAcked(t testing.TB, d *disk, n int) {
	t.Helper()
	var all []byte
	list, err := months(d, segmentDir, ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, month := range list {
		all = append(all, d.read(segmentName(month))...)
	}
	for i := range n {
		mark := []byte(`"id":"` + event(i).ID + `"`)
		at := bytes.Index(all, mark)
		if at < 0 || bytes.Contains(all[at+1:], mark) {
			t.Fatalf("acknowledged %d events, number %d is not in the log once and in its place", n, i)
		}
		all = all[at:]
	}
}

// Every operation of a run is made to fail once. The Writer then goes on, or is
// opened again, and in the end every event is in the log exactly once.
func TestEveryOperationMayFailOnce(t *testing.T) {
	o := testKeys(t)
	from := base(t, o)
	total := operations(t, from.clone(), o)
	for n := 1; n <= total; n++ {
		d := from.clone()
		d.failAt = n
		w, err := Open(t.Context(), d, o)
		if err != nil {
			w = mustOpen(t, d, o)
		}
		acked, err := script(t, w)
		if err == nil && w.Size() < scriptRecords {
			t.Fatalf("operation %d of %d: no error, but %d records", n, total, w.Size())
		}
		wantAcked(t, d, acked)
		if r := wantIntact(t, d, o); r.Size != w.Size() || r.TornBytes > 0 {
			t.Fatalf("operation %d of %d: the files have %d records and %d bytes more, the Writer %d", n, total, r.Size, r.TornBytes, w.Size())
		}
		// The caller sends everything again: to the same Writer, or to a new one.
		if n%2 == 0 {
			w.Close()
			w = mustOpen(t, d, o)
		}
		if again, err := script(t, w); err != nil || again != scriptEvents {
			t.Fatalf("operation %d of %d: again %d, %v", n, total, again, err)
		}
		mustSign(t, w)
		if r := wantIntact(t, d, o); r.Size != scriptRecords {
			t.Fatalf("operation %d of %d: %d records", n, total, r.Size)
		}
		wantAcked(t, d, scriptEvents)
		w.Close()
	}
}

func operations(t *testing.T, d *disk, o Options) int {
	t.Helper()
	w := mustOpen(t, d, o)
	acked, err := script(t, w)
	if err != nil || acked != scriptEvents || w.Size() != scriptRecords {
		t.Fatalf("undisturbed run: %d events, %d records, %v", acked, w.Size(), err)
	}
	w.Close()
	return d.ops
}

// The power is cut at every operation of a run, keeping only what was synced.
// No acknowledged event is lost, and the log goes on.
func TestPowerMayFailAtEveryOperation(t *testing.T) {
	o := testKeys(t)
	from := base(t, o)
	total := operations(t, from.clone(), o)
	for n := 1; n <= total; n++ {
		d := from.clone()
		d.failAt, d.dies = n, true
		acked := 0
		w, err := Open(t.Context(), d, o)
		if err == nil {
			acked, err = script(t, w)
		}
		// The last operations tidy up; failing there is not an error.
		if err == nil && acked < scriptEvents {
			t.Fatalf("operation %d of %d went through", n, total)
		}
		after := d.crash(nil)
		wantIntact(t, after, o) // even before it is mended
		w = mustOpen(t, after, o)
		wantAcked(t, after, acked)
		if again, err := script(t, w); err != nil || again != scriptEvents {
			t.Fatalf("operation %d of %d: again %d, %v", n, total, again, err)
		}
		mustSign(t, w)
		wantIntact(t, after, o)
		wantAcked(t, after, scriptEvents)
	}
}

// Any sequence of appends, checkpoints, power cuts that keep some of what was
// not synced, and reopenings leaves a log that verifies and holds every
// acknowledged event once.
func TestCrashesAtRandom(t *testing.T) {
	o := testKeys(t)
	rapid.Check(t, func(r *rapid.T) {
		d := newDisk()
		var w *Writer
		sent, acked := 0, 0
		for range rapid.IntRange(1, 6).Draw(r, "lives") {
			d.failAt, d.dies, d.dead = 0, true, false
			if rapid.Bool().Draw(r, "cut") {
				d.failAt = d.ops + rapid.IntRange(1, 40).Draw(r, "after")
			}
			var err error
			if w, err = Open(t.Context(), d, o); errors.Is(err, ErrDamaged) {
				r.Fatalf("open after a crash: %v", err)
			}
			for err == nil && rapid.IntRange(0, 5).Draw(r, "go on") > 0 {
				if rapid.IntRange(0, 2).Draw(r, "sign") == 0 {
					_, err = w.Checkpoint(t.Context())
					continue
				}
				sent = min(max(sent, acked+rapid.IntRange(1, 40).Draw(r, "events")), 5000)
				if _, err = w.Append(t.Context(), spread(acked, sent)); err == nil {
					acked = sent
				}
			}
			if w != nil {
				w.Close()
			}
			d = d.crash(func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "left") })
		}
		if rep, err := Verify(t.Context(), d, o.Keys, VerifyOptions{Interval: 1e6 * time.Hour}); err == nil && rep.Verdict == Tampered {
			r.Fatalf("before it is mended: %v", rep.Faults)
		}
		w, err := Open(t.Context(), d, o)
		if err != nil {
			r.Fatal(err)
		}
		defer w.Close()
		wantAcked(t, d, acked)
		if _, err := w.Append(t.Context(), spread(0, min(max(sent, 1), MaxBatch))); err != nil {
			r.Fatal(err)
		}
		if _, err := w.Checkpoint(t.Context()); err != nil {
			r.Fatal(err)
		}
		if rep := mustVerify(t, d, o, VerifyOptions{Interval: 1e6 * time.Hour}); rep.Verdict != Intact {
			r.Fatalf("%v: %v", rep.Verdict, rep.Faults)
		}
	})
}

// spread makes events of which the next month begins every 50.
func spread(from, to int) []Event {
	var list []Event
	for i := from; i < to; i++ {
		list = append(list, eventAt(i, start.AddDate(0, i/50, 0).Add(time.Duration(i)*time.Second)))
	}
	return list
}
