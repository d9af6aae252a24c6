package audit

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"
)

var jst = time.FixedZone("JST", 9*60*60)

// start is the time of the first event in most tests.
var start = time.Date(2026, 11, 25, 9, 0, 0, 0, jst)

// testKeys are made from a fixed seed: the same in every run.
func testKeys(t testing.TB) Options {
	t.Helper()
	pair, err := GenerateKey(seed(1), "test")
	if err != nil {
		t.Fatal(err)
	}
	return optionsFor(t, pair)
}

func optionsFor(t testing.TB, pair KeyPair) Options {
	t.Helper()
	signer, err := ParseSigner(pair.Signer)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys(pair.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Signer: signer, Keys: keys, Ballast: 64 << 10}
}

// seed is a reader of one repeated byte, in place of randomness.
type seed byte

func (s seed) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(s)
	}
	return len(b), nil
}

// event makes the i-th event of a test, one second after the one before.
func event(i int) Event { return eventAt(i, start.Add(time.Duration(i)*time.Second)) }

func eventAt(i int, ts time.Time) Event {
	return Event{
		V: Version, TS: ts, ID: fmt.Sprintf("event-%08d", i), Verb: "message.received", Outcome: Success,
		Actor:    Actor{Type: ActorRemote, IP: "192.0.2.1"},
		Object:   Object{Type: "message", ID: fmt.Sprint(i), ReceiptNo: fmt.Sprintf("M-261125-%05d", i)},
		Mail:     Mail{Sender: "sato@example.jp", Recipients: []string{"yamada@town.example.lg.jp"}},
		Route:    Route{From: "internet", To: "lgwan", Direction: "inbound"},
		Articles: Verb("message.received").Articles(),
	}
}

func beat(i int, ts time.Time) Event {
	e := eventAt(i, ts)
	e.Verb, e.Mail, e.Route, e.Object = VerbHeartbeat, Mail{}, Route{}, Object{Type: sequencerObject}
	return e
}

func events(from, to int) []Event {
	var list []Event
	for i := from; i < to; i++ {
		list = append(list, event(i))
	}
	return list
}

func mustOpen(t testing.TB, f FS, o Options) *Writer {
	t.Helper()
	w, err := Open(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func mustAppend(t testing.TB, w *Writer, list []Event) []int64 {
	t.Helper()
	seqs, err := w.Append(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

func mustSign(t testing.TB, w *Writer) Checkpoint {
	t.Helper()
	c, err := w.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustVerify(t testing.TB, f *disk, o Options, v VerifyOptions) Report {
	t.Helper()
	r, err := Verify(t.Context(), f, o.Keys, v)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantIntact(t testing.TB, f *disk, o Options) Report {
	t.Helper()
	r := mustVerify(t, f, o, VerifyOptions{Interval: 10000 * time.Hour})
	if r.Verdict != Intact {
		t.Fatalf("log is %v: %v", r.Verdict, r.Faults)
	}
	return r
}

func TestAppendSurvivesReopening(t *testing.T) {
	d, o := newDisk(), testKeys(t)
	w := mustOpen(t, d, o)
	for i := 0; i < 1000; i += 100 {
		seqs := mustAppend(t, w, events(i, i+100))
		if seqs[0] != int64(i) || seqs[99] != int64(i+99) {
			t.Fatalf("places %d to %d for events %d to %d", seqs[0], seqs[99], i, i+99)
		}
		if i%300 == 0 {
			mustSign(t, w)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w = mustOpen(t, d, o)
	}
	if w.Size() != 1000 || !w.LastTime().Equal(event(999).TS) {
		t.Errorf("end of log is %d %v", w.Size(), w.LastTime())
	}
	if c := mustSign(t, w); c.Size != 1000 {
		t.Errorf("checkpoint of %d records", c.Size)
	}
	if r := wantIntact(t, d, o); r.Size != 1000 || r.Signed.Size != 1000 || r.Checkpoints != 4 {
		t.Errorf("size %d, signed %d, checkpoints %d", r.Size, r.Signed.Size, r.Checkpoints)
	}
	if _, err := w.Append(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestAppendIsIdempotent(t *testing.T) {
	d, o := newDisk(), testKeys(t)
	o.remember = 300
	w := mustOpen(t, d, o)
	for i := 0; i < 800; i += 100 {
		mustAppend(t, w, events(i, i+100))
	}
	changed := event(790)
	changed.Actor.IP = "192.0.2.2"
	old := event(3)
	old.Outcome = Failure
	for _, again := range []string{"same writer", "reopened"} {
		t.Run(again, func(t *testing.T) {
			for _, from := range []int{0, 450, 700} { // beyond and within what is remembered
				if seqs := mustAppend(t, w, events(from, from+100)); seqs[0] != int64(from) || seqs[99] != int64(from+99) {
					t.Errorf("events from %d again got places %d to %d", from, seqs[0], seqs[99])
				}
			}
			for _, e := range []Event{changed, old} {
				if _, err := w.Append(t.Context(), []Event{e}); !errors.Is(err, ErrConflict) {
					t.Errorf("changed event %s: %v", e.ID, err)
				}
			}
			if w.Size() != 800 {
				t.Errorf("log grew to %d", w.Size())
			}
		})
		w.Close()
		w = mustOpen(t, d, o)
	}
	if seqs := mustAppend(t, w, append(events(799, 801), event(7))); seqs[0] != 799 || seqs[1] != 800 || seqs[2] != 7 {
		t.Errorf("mixed batch got %v", seqs)
	}
}

func TestAppendRefusesWhatIsInvalid(t *testing.T) {
	w := mustOpen(t, newDisk(), testKeys(t))
	bad := event(2)
	bad.Verb = "message.looked_at"
	for name, list := range map[string][]Event{
		"unknown verb":   {event(0), bad},
		"repeated id":    {event(0), event(0)},
		"too many":       events(0, MaxBatch+1),
		"control sign":   {{V: 1, TS: start, ID: "12345678", Verb: VerbHeartbeat, Outcome: Success, Actor: Actor{Type: ActorSystem, Name: "a\nb"}}},
		"record too big": {bigEvent(t)},
	} {
		if _, err := w.Append(t.Context(), list); err == nil || name != "too many" && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.Size() != 0 {
		t.Errorf("%d records of refused batches", w.Size())
	}
}

// bigEvent is valid in each field and too long in all.
func bigEvent(t *testing.T) Event {
	e := event(0)
	e.Mail.Recipients = nil
	for range 100 {
		e.Mail.Recipients = append(e.Mail.Recipients, "")
	}
	quotes := make([]byte, maxChange)
	for i := range quotes {
		quotes[i] = '"'
	}
	e.Change = Change{Before: string(quotes), After: string(quotes)}
	for i := range e.Mail.Recipients {
		e.Mail.Recipients[i] = string(quotes[:maxAddress])
	}
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestMonthsFollowEachOther(t *testing.T) {
	d, o := newDisk(), testKeys(t)
	w := mustOpen(t, d, o)
	late := time.Date(2026, 11, 30, 23, 59, 59, 0, jst)
	mustAppend(t, w, []Event{
		eventAt(0, late), eventAt(1, late.Add(time.Second)), eventAt(2, late.Add(-time.Second)), eventAt(3, late.Add(2*time.Second)),
	})
	w.Close()
	w = mustOpen(t, d, o)
	mustAppend(t, w, []Event{eventAt(4, late.AddDate(0, 3, 0))})
	// The seams take places 1 and 5.
	if seqs := mustAppend(t, w, []Event{eventAt(1, late.Add(time.Second)), eventAt(4, late.AddDate(0, 3, 0))}); seqs[0] != 2 || seqs[1] != 6 {
		t.Errorf("places %v", seqs)
	}
	mustSign(t, w)
	r := wantIntact(t, d, o)
	if r.Segments != 3 || r.Size != 7 || r.Checkpoints != 3 {
		t.Errorf("segments %d, size %d, checkpoints %d", r.Segments, r.Size, r.Checkpoints)
	}
	first, ok, err := firstRecord(t.Context(), d, "2026-12")
	if err != nil || !ok || first.Verb != VerbCheckpoint || first.Checkpoint.Size != 1 || first.Seq != 1 {
		t.Errorf("first record of December: %+v, %v", first, err)
	}
	if c, err := first.Checkpoint.Open(o.Keys); err != nil || c.Size != 1 {
		t.Errorf("checkpoint in the seam: %+v, %v", c, err)
	}
}

func TestOneWriterAtATime(t *testing.T) {
	f, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := testKeys(t)
	w := mustOpen(t, f, o)
	if _, err := Open(t.Context(), f, o); !errors.Is(err, ErrLocked) {
		t.Errorf("second writer: %v", err)
	}
	mustAppend(t, w, events(0, 300))
	mustSign(t, w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Append(t.Context(), events(300, 301)); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	w = mustOpen(t, f, o)
	if w.Size() != 300 {
		t.Errorf("size %d", w.Size())
	}
	if r, err := Verify(t.Context(), f, o.Keys, VerifyOptions{}); err != nil || r.Verdict != Intact {
		t.Errorf("real directory: %v %v %v", r.Verdict, r.Faults, err)
	}
}

// spec: g6
func TestFullDiskLeavesLastWords(t *testing.T) {
	d, o := newDisk(), testKeys(t)
	d.err = syscall.ENOSPC
	w := mustOpen(t, d, o)
	mustAppend(t, w, events(0, 10))
	used := 0
	for _, n := range d.now {
		used += len(n.data)
	}
	d.room = used + 2000
	acked := 10
	var err error
	for i := 10; i < 100 && err == nil; i++ {
		if _, err = w.Append(t.Context(), []Event{event(i)}); err == nil {
			acked++
		}
	}
	if !errors.Is(err, syscall.ENOSPC) || acked < 11 {
		t.Fatalf("after %d: %v", acked, err)
	}
	if d.now[ballastFile] != nil {
		t.Error("ballast was not given up")
	}
	r := wantIntact(t, d, o)
	last := lastRecord(t, d)
	if r.Size != int64(acked+1) || r.Signed.Size != r.Size || last.Decision.ReasonCode != "disk_full" || last.Outcome != Failure {
		t.Errorf("size %d of %d acknowledged, signed %d, last %+v", r.Size, acked, r.Signed.Size, last)
	}
	if _, err := w.Append(t.Context(), []Event{event(acked)}); !errors.Is(err, ErrFull) {
		t.Errorf("append while full: %v", err)
	}
	w.Close()
	w = mustOpen(t, d, o)
	if _, err := w.Append(t.Context(), []Event{event(acked)}); !errors.Is(err, ErrFull) {
		t.Errorf("append while full, reopened: %v", err)
	}
	d.room = 0
	mustAppend(t, w, events(acked, acked+5))
	mustSign(t, w)
	if d.now[ballastFile] == nil {
		t.Error("no new ballast")
	}
	if r := wantIntact(t, d, o); r.Size != int64(acked+6) {
		t.Errorf("size %d after recovery", r.Size)
	}
}

func lastRecord(t *testing.T, d *disk) Event {
	t.Helper()
	var last Event
	if err := Select(t.Context(), d, Filter{}, func(_ []byte, e Event) error { last = e; return nil }); err != nil {
		t.Fatal(err)
	}
	return last
}

func BenchmarkAppend256(b *testing.B) {
	f, err := OpenDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	w := mustOpen(b, f, testKeys(b))
	for i := 0; b.Loop(); i++ {
		mustAppend(b, w, events(i*256, (i+1)*256))
		mustSign(b, w)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/256, "us/record")
}
