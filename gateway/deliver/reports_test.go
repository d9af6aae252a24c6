package deliver

import (
	"testing"
	"time"
)

func TestReportsAreFew(t *testing.T) {
	var r reports
	now := time.Date(2026, 11, 25, 9, 10, 0, 0, time.UTC)
	atOnce, later, silent := 0, 0, 0
	for range 1000 {
		switch at, ok := r.next(now); {
		case !ok:
			silent++
		case at.IsZero():
			atOnce++
		case at.Equal(now.Add(50 * time.Minute)):
			later++
		default:
			t.Fatalf("a mail at %v", at)
		}
	}
	if atOnce != reportsAnHour || later != 1 || silent != 1000-reportsAnHour-1 {
		t.Errorf("%d at once, %d later, %d never", atOnce, later, silent)
	}
	if r.delayed != uint64(later) || r.left != uint64(silent) {
		t.Errorf("counted %d delayed, %d left out", r.delayed, r.left)
	}
	if at, ok := r.next(now.Add(time.Hour)); !ok || !at.IsZero() {
		t.Error("the next hour begins anew")
	}
	if _, ok := r.next(now.Add(-2 * time.Hour)); !ok {
		t.Error("a clock that is put back silences the mails")
	}
}
