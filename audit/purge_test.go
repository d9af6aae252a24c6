package audit

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPurgeLeavesProvableRest(t *testing.T) {
	o := testKeys(t)
	d := newDisk()
	w := mustOpen(t, d, o)
	month := func(i int) time.Time { return start.AddDate(0, i, 0) }
	next := 0
	for m := range 4 {
		for range 90 {
			mustAppend(t, w, []Event{eventAt(next, month(m).Add(time.Duration(next)*time.Second))})
			next++
		}
	}
	mustSign(t, w)
	if n, err := w.Index(t.Context()); err != nil || n != 3 {
		t.Fatalf("%d index files: %v", n, err)
	}
	for name, limit := range map[string]string{"too recent": "2027-02", "no month": "2027"} {
		if _, err := w.Purge(t.Context(), limit, month(13)); err == nil {
			t.Errorf("%s: purged", name)
		}
	}
	gone, err := w.Purge(t.Context(), "2027-01", month(15))
	if err != nil || !slices.Equal(gone, []string{"2026-11", "2026-12"}) {
		t.Fatalf("purged %v: %v", gone, err)
	}
	r := wantIntact(t, d, o)
	if r.First != 181 || r.Segments != 3 || r.Signed.Size != r.Size {
		t.Errorf("first record %d, segments %d, signed %d of %d", r.First, r.Segments, r.Signed.Size, r.Size)
	}
	if d.now[indexName("2026-11", 0)] != nil || d.now[indexName("2027-01", 0)] == nil {
		t.Error("the index of a purged month is kept, or that of another is gone")
	}
	for receipt, want := range map[string]int{"M-261125-00020": 0, "M-261125-00200": 1} {
		if got := found(t, d, Filter{Receipt: receipt}, Page{Limit: 9}); len(got) != want {
			t.Errorf("%s after the purge: records %v", receipt, got)
		}
	}
	if again, err := w.Purge(t.Context(), "2027-01", month(15)); err != nil || again != nil {
		t.Errorf("again: %v %v", again, err)
	}
	w.Close()
	for _, p := range slices.Collect(maps.Keys(d.now)) {
		if strings.HasPrefix(p, "tile/1/") && !d.now[p].dir {
			delete(d.now, p)
		}
	}
	w = mustOpen(t, d, o) // upper tiles are made again from what remains
	mustAppend(t, w, []Event{eventAt(next, month(16))})
	mustSign(t, w)
	wantIntact(t, d, o)
	if _, err := Prove(t.Context(), d, o.Keys, 200); err != nil {
		t.Error(err)
	}
	if _, err := Prove(t.Context(), d, o.Keys, 20); err == nil {
		t.Error("proved a purged record")
	}
	silent := d.clone()
	delete(silent.now, segmentName("2027-01"))
	if r := mustVerify(t, silent, o, VerifyOptions{}); r.Verdict != Tampered {
		t.Errorf("segment removed without a record: %v %v", r.Verdict, r.Faults)
	}
}
