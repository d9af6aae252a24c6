package audit

import (
	"bytes"
	"testing"
	"time"
)

func TestVerifyFindsGaps(t *testing.T) {
	o := testKeys(t)
	at := func(min int) time.Time { return start.Add(time.Duration(min) * time.Minute) }
	own := func(v Verb, i, min int) Event {
		e := beat(i, at(min))
		e.Verb = v
		return e
	}
	for _, c := range []struct {
		name   string
		events []Event
		tail   []Event // appended after the checkpoint
		opt    VerifyOptions
		want   Verdict
		code   Code
		first  int64
	}{
		{"regular", []Event{beat(0, at(0)), beat(1, at(5)), beat(2, at(10))}, nil, VerifyOptions{}, Intact, "", -1},
		{"logging stopped for an hour", []Event{beat(0, at(0)), beat(1, at(60))}, nil, VerifyOptions{}, Gap, FaultSilence, 1},
		{"stopped and started", []Event{beat(0, at(0)), own(VerbStopped, 1, 1), own(VerbStarted, 2, 60), beat(3, at(60))}, nil, VerifyOptions{}, Intact, "", -1},
		{"stop of another role", []Event{beat(0, at(0)), stopOf("intake", at(1)), beat(3, at(60))}, nil, VerifyOptions{}, Gap, FaultSilence, 2},
		{"records without heartbeats", []Event{eventAt(0, at(0)), eventAt(1, at(8)), eventAt(2, at(16))}, nil, VerifyOptions{}, Gap, FaultSilence, 2},
		{"silent until now", []Event{beat(0, at(0))}, nil, VerifyOptions{Now: at(30)}, Gap, FaultSilence, 0},
		{"just now", []Event{beat(0, at(0))}, nil, VerifyOptions{Now: at(6)}, Intact, "", -1},
		{"stopped until now", []Event{beat(0, at(0)), own(VerbStopped, 1, 1)}, nil, VerifyOptions{Now: at(600)}, Intact, "", -1},
		{"clock set back", []Event{beat(0, at(0)), beat(1, at(5)), eventAt(2, at(-20)), beat(3, at(-17))}, nil, VerifyOptions{}, Gap, FaultClock, 2},
		{"clock set back and recorded", []Event{beat(0, at(0)), beat(1, at(5)), own(VerbClockChanged, 2, -20), eventAt(3, at(6)), eventAt(4, at(-19)), beat(5, at(-18)), beat(6, at(-13))}, nil, VerifyOptions{}, Intact, "", -1},
		{"clock set on and recorded", []Event{beat(0, at(0)), own(VerbClockChanged, 2, 300), beat(5, at(301))}, nil, VerifyOptions{}, Intact, "", -1},
		{"within the tolerance", []Event{beat(0, at(0)), eventAt(1, at(3)), eventAt(2, at(2))}, nil, VerifyOptions{}, Intact, "", -1},
		{"unsigned end", []Event{beat(0, at(0))}, []Event{beat(1, at(5)), beat(2, at(10)), beat(3, at(16))}, VerifyOptions{}, Gap, FaultUnsigned, 1},
		{"end not signed yet", []Event{beat(0, at(0))}, []Event{beat(1, at(5)), eventAt(2, at(6))}, VerifyOptions{}, Intact, "", -1},
		{"no anchor", []Event{beat(0, at(0))}, nil, VerifyOptions{NeedAnchor: true}, Gap, FaultNoAnchor, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDisk()
			w := mustOpen(t, d, o)
			mustAppend(t, w, c.events)
			head := mustSign(t, w)
			if c.tail != nil {
				mustAppend(t, w, c.tail)
			}
			r := mustVerify(t, d, o, c.opt)
			if r.Verdict != c.want || r.FirstBad != c.first || c.code != "" && r.Faults[0].Code != c.code {
				t.Errorf("%v at %d: %v", r.Verdict, r.FirstBad, r.Faults)
			}
			if code := map[Verdict]int{Intact: 0, Gap: 2}[c.want]; r.Verdict.ExitCode() != code {
				t.Errorf("exit code %d", r.Verdict.ExitCode())
			}
			c.opt.Since, c.opt.NeedAnchor, c.opt.Now = &head, false, time.Time{}
			if r := mustVerify(t, d, o, c.opt); c.tail == nil && r.Verdict != Intact {
				t.Errorf("looked at before: %v %v", r.Verdict, r.Faults)
			}
		})
	}
}

func stopOf(role string, ts time.Time) Event {
	e := beat(77, ts)
	e.Verb, e.Object = VerbStopped, Object{Type: role}
	return e
}

// What follows the last checkpoint is not proven; an unreadable end there is a
// gap, which the next Open mends, and never more.
func TestVerifyUnfinishedEnd(t *testing.T) {
	o := testKeys(t)
	d := newDisk()
	w := mustOpen(t, d, o)
	mustAppend(t, w, events(0, 3))
	mustSign(t, w)
	mustAppend(t, w, events(3, 6))
	w.Close()
	whole := d.read(november)
	torn := d.clone()
	torn.write(november, whole[:len(whole)-9])
	if r := mustVerify(t, torn, o, VerifyOptions{}); r.Verdict != Intact || r.TornBytes == 0 || r.Size != 5 {
		t.Errorf("torn line: %v %v size %d", r.Verdict, r.Faults, r.Size)
	}
	hole := d.clone()
	l := lines(whole)
	clear(l[4][:len(l[4])-1])
	hole.write(november, bytes.Join(l, nil))
	if r := mustVerify(t, hole, o, VerifyOptions{}); r.Verdict != Gap || r.Faults[0].Code != FaultEnd || r.FirstBad != 4 {
		t.Errorf("hole: %v %v", r.Verdict, r.Faults)
	}
	w = mustOpen(t, hole, o)
	if got := w.Recovery(); w.Size() != 4 || got.TornBytes == 0 || got.TailRecords != 1 {
		t.Errorf("size %d, recovery %+v", w.Size(), got)
	}
	if b := hole.read("torn/2026-11-000000000004.bin"); !bytes.Equal(b, bytes.Join(l[4:], nil)) {
		t.Error("the cut-off end was not kept")
	}
	mustAppend(t, w, events(3, 6))
	if r := wantIntact(t, hole, o); r.Size != 6 || len(r.Leftovers) != 1 {
		t.Errorf("after mending: size %d, leftovers %v", r.Size, r.Leftovers)
	}
}
