package audit

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// day makes the i-th event of a working day: mails of some senders, and between
// them sign-ins and releases of some persons.
func day(i int, ts time.Time) Event {
	e := eventAt(i, ts)
	receipt := fmt.Sprintf("M-%s-%05d", ts.Format("060102"), i/8)
	e.Object.ReceiptNo, e.Mail.Sender = receipt, fmt.Sprintf("Sender%d@example.jp", i%89)
	switch i % 8 {
	case 1:
		e.Object.Original = fmt.Sprintf("%064x", i%977)
	case 2:
		e.Verb, e.Object.Sanitized = "part.textized", fmt.Sprintf("%064x", i%977)
	case 3:
		e.Verb, e.Mail, e.Object = "auth.succeeded", Mail{}, Object{Type: "user"}
		e.Actor = Actor{Type: ActorUser, ID: fmt.Sprintf("u%d", i%53)}
	case 4:
		e.Verb, e.Decision.RequestID = "release.approved", fmt.Sprintf("q%d", i%331)
		e.Actor = Actor{Type: ActorUser, ID: fmt.Sprintf("u%d", i%53)}
	}
	return e
}

// manyRecords appends n events, a second apart, and a month in the middle.
func manyRecords(t testing.TB, w *Writer, n int) {
	t.Helper()
	var list []Event
	for i := range n {
		ts := start.Add(time.Duration(i) * time.Second)
		if i >= n/2 {
			ts = ts.AddDate(0, 1, 0)
		}
		if list = append(list, day(i, ts)); len(list) == MaxBatch || i == n-1 {
			mustAppend(t, w, list)
			list = list[:0]
		}
	}
	mustSign(t, w)
}

// found returns the numbers that a search gives, page by page.
func found(t *testing.T, d *disk, f Filter, p Page) []int64 {
	t.Helper()
	var list []int64
	for p.After = -1; ; {
		next, err := Search(t.Context(), d, f, p, func(_ []byte, e Event) error {
			list = append(list, e.Seq)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if next < 0 {
			return list
		}
		p.After = next
	}
}

// A search finds what reading everything finds, in either order and any pages,
// with all, some and no index files.
// spec: art-6(7)
func TestSearchFindsWhatReadingFinds(t *testing.T) {
	o := testKeys(t)
	o.stretch = 400
	d := newDisk()
	w := mustOpen(t, d, o)
	manyRecords(t, w, 900)
	made, err := w.Index(t.Context())
	if err != nil || made != 3 { // 450 records in November are two, of the 451 in December one is full
		t.Fatalf("%d index files: %v", made, err)
	}
	if again, err := w.Index(t.Context()); err != nil || again != 0 {
		t.Errorf("again: %d %v", again, err)
	}
	wantIntact(t, d, o)
	some, none, broken := d.clone(), d.clone(), d.clone()
	for _, name := range slices.Collect(maps.Keys(d.now)) {
		if !strings.HasSuffix(name, ".idx") {
			continue
		}
		delete(none.now, name)
		if name == indexName("2026-11", 0) {
			delete(some.now, name)
		}
		broken.write(name, broken.read(name)[:1000])
	}
	filters := map[string]Filter{
		"nothing":  {Receipt: "M-000000-00000"},
		"receipt":  {Receipt: "M-261125-00050"},
		"hash":     {SHA256: fmt.Sprintf("%064x", 9)},
		"actor":    {Actor: "u7"},
		"request":  {Request: "q12"},
		"sender":   {Sender: "sender3@EXAMPLE.jp"},
		"verb":     {Verbs: []Verb{"release.approved"}},
		"group":    {Verbs: []Verb{"au*"}},
		"two":      {Verbs: []Verb{"release.*", "audit.checkpoint"}, Actor: "u4"},
		"time":     {Since: start.Add(390 * time.Second), Until: start.Add(440 * time.Second)},
		"and time": {Actor: "u9", Since: start.Add(300 * time.Second), Until: start.AddDate(0, 1, 0).Add(800 * time.Second)},
	}
	r := rand.New(rand.NewPCG(3, 4))
	for name, f := range filters {
		var want []int64
		if err := Select(t.Context(), d, f, func(_ []byte, e Event) error { want = append(want, e.Seq); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(want) == 0 != (name == "nothing") {
			t.Fatalf("%s: the test finds %d records", name, len(want))
		}
		back := slices.Clone(want)
		slices.Reverse(back)
		for how, log := range map[string]*disk{"all": d, "some": some, "none": none, "broken": broken} {
			limit := len(want) + 1
			if how == "all" || how == "some" {
				limit = r.IntN(len(want)+2) + 1 + len(want)/3
			}
			if got := found(t, log, f, Page{Limit: limit, Newest: true}); !slices.Equal(got, back) {
				t.Errorf("%s, %s index, newest first: %d records, want %d", name, how, len(got), len(want))
			}
			if how == "none" {
				continue // reading through, in one order, is enough
			}
			if got := found(t, log, f, Page{Limit: limit}); !slices.Equal(got, want) {
				t.Errorf("%s, %s index: %d records, want %d", name, how, len(got), len(want))
			}
		}
	}
	if r := mustVerify(t, broken, o, VerifyOptions{}); r.Verdict != Tampered || r.Faults[0].Code != FaultIndex {
		t.Errorf("broken index: %v %v", r.Verdict, r.Faults)
	}
	for _, fine := range []*disk{some, none} {
		wantIntact(t, fine, o)
	}
}

// An index that hides a record is found, whichever byte it takes.
// spec: g7
func TestVerifyFindsChangedIndex(t *testing.T) {
	o := testKeys(t)
	d := newDisk()
	w := mustOpen(t, d, o)
	mustAppend(t, w, events(0, 12))
	mustAppend(t, w, []Event{eventAt(12, start.AddDate(0, 1, 0))})
	mustSign(t, w)
	if n, err := w.Index(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d index files: %v", n, err)
	}
	wantIntact(t, d, o)
	name := indexName("2026-11", 0)
	whole := d.read(name)
	for i := range whole {
		b := slices.Clone(whole)
		b[i] ^= 1 << (i % 8)
		d.write(name, b)
		if r := mustVerify(t, d, o, VerifyOptions{}); r.Verdict != Tampered || r.Faults[0].Code != FaultIndex {
			t.Fatalf("byte %d: %v %v", i, r.Verdict, r.Faults)
		}
		// Whatever it says, a search does not show what is not there.
		f := Filter{Receipt: "M-261125-00003"}
		if _, err := Search(t.Context(), d, f, Page{Limit: 9, After: -1}, func(_ []byte, e Event) error {
			if e.Object.ReceiptNo != f.Receipt {
				t.Errorf("byte %d: found %s", i, e.Object.ReceiptNo)
			}
			return nil
		}); err != nil && !strings.Contains(err.Error(), "search audit records") {
			t.Error(err)
		}
	}
	d.write(name, append(whole, 0))
	if r := mustVerify(t, d, o, VerifyOptions{}); r.Verdict != Tampered {
		t.Errorf("longer: %v", r.Verdict)
	}
	d.write(name, whole)
	d.write(indexName("2026-11", 1), whole)
	if r := mustVerify(t, d, o, VerifyOptions{}); r.Verdict != Tampered {
		t.Errorf("another file: %v", r.Verdict)
	}
	delete(d.now, indexName("2026-11", 1))
	d.write("index/other", whole)
	if r := mustVerify(t, d, o, VerifyOptions{}); r.Verdict != Tampered || r.Faults[0].Code != FaultForeign {
		t.Errorf("unknown file: %v %v", r.Verdict, r.Faults)
	}
}

// A full disk keeps the index from being made, not the log from going on.
func TestIndexFailsWithoutHarm(t *testing.T) {
	o := testKeys(t)
	d := newDisk()
	w := mustOpen(t, d, o)
	mustAppend(t, w, append(events(0, 3), eventAt(3, start.AddDate(0, 1, 0))))
	mustSign(t, w)
	for fail := 1; ; fail++ {
		d.ops, d.failAt = 0, fail
		n, err := w.Index(t.Context())
		d.failAt = 0
		if err == nil {
			if n > 1 || fail < 4 || d.now[indexName("2026-11", 0)] == nil {
				t.Errorf("%d files after %d operations", n, fail)
			}
			break
		}
		mustAppend(t, w, []Event{eventAt(3+fail, start.AddDate(0, 1, 0).Add(time.Duration(fail)*time.Second))})
		mustSign(t, w)
	}
	wantIntact(t, d, o)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	delete(d.now, indexName("2026-11", 0))
	w.indexed = map[string]bool{}
	if _, err := w.Index(ctx); err == nil {
		t.Error("made an index after the end")
	}
	w.Close()
	if _, err := w.Index(t.Context()); err == nil {
		t.Error("made an index of a closed log")
	}
}

func FuzzIndexFile(f *testing.F) {
	var x indexer
	for i := range 5 {
		x.add(day(i, start.Add(time.Duration(i)*time.Second)), int64(i)*100, 99)
	}
	f.Add(x.encode())
	f.Add([]byte(indexMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := openIndex(strings.NewReader(string(b)), int64(len(b)))
		if err != nil {
			return
		}
		for _, filter := range []Filter{{Verbs: []Verb{"message.*"}}, {Actor: "u1"}, {Since: start}} {
			list, err := x.chosen(filter.terms(), filter)
			if err != nil {
				continue
			}
			for _, n := range list {
				if r, err := x.record(n); err == nil && (r.offset < x.from || r.offset >= x.to) {
					t.Errorf("a place outside of the stretch: %d", r.offset)
				}
			}
		}
	})
}

// What an auditor asks, in a log of a million records (SEKISHO_BENCH_RECORDS for
// another number): what 95 of 100
// answers take at most is reported.
func BenchmarkSearchMillion(b *testing.B) {
	n := 1_000_000
	if s := os.Getenv("SEKISHO_BENCH_RECORDS"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			b.Fatal(err)
		}
	}
	f, err := OpenDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	w := mustOpen(b, f, testKeys(b))
	manyRecords(b, w, n)
	began := time.Now()
	made, err := w.Index(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d index files in %v", made, time.Since(began).Round(time.Millisecond))
	late := start.Add(time.Duration(n/3) * time.Second)
	for _, c := range []struct {
		name string
		f    func(i int) Filter
	}{
		{"receipt", func(i int) Filter {
			e := day(i*7919%(n/2), start.Add(time.Duration(i*7919%(n/2))*time.Second))
			return Filter{Receipt: fmt.Sprintf("M-%s-%05d", e.TS.Format("060102"), (i*7919%(n/2))/8)}
		}},
		{"sha256", func(i int) Filter { return Filter{SHA256: fmt.Sprintf("%064x", i%977)} }},
		{"actor", func(i int) Filter { return Filter{Actor: fmt.Sprintf("u%d", i%53)} }},
		{"verb", func(int) Filter { return Filter{Verbs: []Verb{"release.*"}} }},
		{"rare", func(int) Filter { return Filter{Verbs: []Verb{"system.*"}} }},
		{"hour", func(i int) Filter { return Filter{Since: late, Until: late.Add(time.Hour)} }},
		{"actor and time", func(i int) Filter {
			return Filter{Actor: fmt.Sprintf("u%d", i%53), Since: late, Until: late.Add(24 * time.Hour)}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop() || i < 20; i++ {
				at := time.Now()
				if _, err := Search(b.Context(), f, c.f(i), Page{Limit: 100, Newest: true, After: -1}, func([]byte, Event) error { return nil }); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(at))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}
