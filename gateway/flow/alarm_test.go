package flow

import (
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

// hop settles whatever is ready as a next hop that takes it, refuses it, or does
// not answer.
func (w *world) hop(state gateway.DeliveryState, r gateway.RecipientState) {
	w.t.Helper()
	for {
		err := w.ledger.Do(w.t.Context(), func(tx gateway.Tx) error {
			d, err := tx.ClaimDelivery("deliver", w.now, w.now.Add(time.Minute))
			if err != nil {
				return err
			}
			rec, err := w.Scribe.System("relay.intent", audit.Pending, nil)
			if err != nil {
				return err
			}
			d.State, d.Attempts, d.NextAt = state, d.Attempts+1, w.now.Add(time.Hour)
			for i := range d.Recipients {
				d.Recipients[i].State, d.Recipients[i].At = r, w.now
			}
			return tx.Outcome(d, rec)
		})
		if err != nil {
			return // nothing is ready any more
		}
	}
}

// watch looks whether notices get through, and says what it found.
func (w *world) watch() bool {
	w.t.Helper()
	if err := w.WatchNotices(w.t.Context(), w.now); err != nil {
		w.t.Fatal(err)
	}
	_, stopped := w.NoticesStopped()
	return stopped
}

// TestNoticesStopped: a next hop that takes nothing, then something. The alarm
// begins after four hours, once; is on record; tells the postmaster; is there
// again after a start; and ends by itself.
func TestNoticesStopped(t *testing.T) {
	w := newWorld(t)
	w.accept(fragment, yamada)
	w.step()
	begun := w.now
	for range 4 {
		if w.watch() {
			t.Fatalf("stopped after %v", w.now.Sub(begun))
		}
		w.hop(gateway.Ready, gateway.Pending)
		w.now = w.now.Add(59 * time.Minute)
	}
	w.now = begun.Add(4 * time.Hour)
	if !w.watch() || !w.watch() {
		t.Fatal("not stopped after four hours")
	}
	if since, _ := w.NoticesStopped(); !since.Equal(begun) {
		t.Errorf("since %v, want %v", since, begun)
	}
	w.stopped.Store(nil) // as after a start
	if !w.watch() {
		t.Error("a new process does not know")
	}
	if v := w.verbs(); v["notice.stopped"] != 1 || v["notice.resumed"] != 0 {
		t.Errorf("%v", v)
	}
	w.step()
	told := w.letters(gateway.KindPostmaster)[w.Postmaster]
	if len(told) != 1 || !strings.Contains(told[0], "【通知停止中】") || !strings.Contains(told[0], "２０２６年４月１７日（金）９時１２分") ||
		!strings.Contains(told[0], "送れていないお知らせ 1 通") {
		t.Errorf("the postmaster was told %q", told)
	}
	w.now = w.now.Add(2 * time.Hour)
	w.hop(gateway.Relayed, gateway.Taken)
	if w.watch() {
		t.Error("stopped, although one got through")
	}
	if v := w.verbs(); v["notice.stopped"] != 1 || v["notice.resumed"] != 1 {
		t.Errorf("%v", v)
	}
	w.now = w.now.Add(48 * time.Hour)
	if w.watch() {
		t.Error("stopped, although nothing is due")
	}
}

// TestNoticesRefused: one refused notice is a mailbox that is gone, three in a row
// are a next hop that wants none.
func TestNoticesRefused(t *testing.T) {
	w := newWorld(t)
	for n := range 3 {
		w.accept(fragment, yamada)
		w.step()
		w.hop(gateway.Failed, gateway.Refused)
		w.now = w.now.Add(5 * time.Hour)
		if got := w.watch(); got != (n == 2) {
			t.Fatalf("%d refused: stopped %v", n+1, got)
		}
	}
}

// TestDigestsStopped: digests that nobody writes are notices that do not get
// through.
func TestDigestsStopped(t *testing.T) {
	w := newWorld(t)
	digests(w)
	w.NoticeAlarm = time.Hour
	w.accept(withExe, yamada)
	w.step() // at 9:12
	for _, c := range []struct {
		hour, minute int
		want         bool
	}{{12, 59, false}, {13, 0, false}, {13, 59, false}, {14, 0, true}} {
		w.now = time.Date(2026, 4, 17, c.hour, c.minute, 0, 0, w.Location)
		if got := w.watch(); got != c.want {
			t.Errorf("at %d:%02d stopped %v", c.hour, c.minute, got)
		}
	}
	w.step() // the mail to the postmaster
	if n := w.tell(); n != 1 {
		t.Fatalf("%d digests", n)
	}
	w.hop(gateway.Relayed, gateway.Taken)
	if w.watch() {
		t.Error("stopped, although the digest got through")
	}
}

// TestWarningAboutWhatIsOver: the mail that was drafted and is composed when all
// is well again says so.
func TestWarningAboutWhatIsOver(t *testing.T) {
	w := newWorld(t)
	w.accept(fragment, yamada)
	w.step()
	w.now = w.now.Add(5 * time.Hour)
	if !w.watch() {
		t.Fatal("not stopped")
	}
	w.hop(gateway.Relayed, gateway.Taken)
	if w.watch() {
		t.Fatal("stopped")
	}
	w.step()
	if told := w.letters(gateway.KindPostmaster)[w.Postmaster]; len(told) != 1 || !strings.Contains(told[0], "いまは送れるようになりました") {
		t.Errorf("%q", told)
	}
}

// TestFailedTrial: the postmaster is told of a notice that failed and is about
// no mail.
func TestFailedTrial(t *testing.T) {
	w := newWorld(t)
	v := gateway.Delivery{ID: "t", Kind: gateway.KindTrial, State: gateway.Drafted, Verdict: "rebuilt", CreatedAt: w.now, NextAt: w.now,
		Recipients: []gateway.Recipient{{Address: yamada, State: gateway.Pending}}}
	report := v
	report.ID, report.Kind, report.About, report.Recipients = "p", gateway.KindPostmaster, "t", []gateway.Recipient{{Address: w.Postmaster, State: gateway.Pending}}
	add := func(d gateway.Delivery) {
		t.Helper()
		r, err := w.Scribe.System("delivery.created", audit.Success, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.ledger.Do(t.Context(), func(tx gateway.Tx) error { return tx.AddDelivery(d, r) }); err != nil {
			t.Fatal(err)
		}
		w.step()
	}
	add(v)
	w.hop(gateway.Failed, gateway.Refused)
	add(report)
	if told := w.letters(gateway.KindPostmaster)[w.Postmaster]; len(told) != 1 || !strings.Contains(told[0], "【配送失敗】") || !strings.Contains(told[0], yamada) {
		t.Errorf("%q", told)
	}
}
