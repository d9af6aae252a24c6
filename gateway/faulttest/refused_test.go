package faulttest

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestManyFail: the next hop refuses more mails than the postmaster is told of
// in an hour. One more mail goes when the hour is over, and says how many there
// are beside those that were told of, and how they are listed. It does so after
// a restart too, for it is the ledger that knows.
// spec: rfc5321#6.1
func TestManyFail(t *testing.T) {
	o, s, p := newOffice(t), &sink{}, &promises{}
	w, err := o.open(newDisk(o.clock.now), o.empty, s)
	check(t, err)
	s.peer().Answer("k", "550 5.1.1 no")
	const mails, anHour = 25, 20
	for n := range mails {
		w.send(p, n, letters[0])
		w.work()
	}
	if n := len(s.all()); n != anHour {
		t.Fatalf("%d mails to the postmaster in the first hour", n)
	}
	for _, text := range s.plain(t) {
		if strings.Contains(text, "ほかに") {
			t.Errorf("nothing was left out yet:\n%s", text)
		}
	}
	if delayed, leftOut := w.deliver.Limited(); delayed != 1 || leftOut != mails-anHour-1 {
		t.Errorf("%d mails delayed, %d left out", delayed, leftOut)
	}
	left := readFiles(t, w.file)
	w.close()
	w, err = o.open(w.disk.crash(all), left, s)
	check(t, err)
	defer w.close()
	w.clock.pass(time.Hour)
	w.work()
	texts := s.plain(t)
	if len(texts) != anHour+1 {
		t.Fatalf("%d mails to the postmaster after an hour", len(texts))
	}
	for _, want := range []string{fmt.Sprintf("ほかに %d 通", mails-anHour-1), "sekisho queue list --state=failed --limit=1000", "4 more failed"} {
		if last := texts[anHour]; !strings.Contains(last, want) {
			t.Errorf("no %q in\n%s", want, last)
		}
	}
	check(t, w.tick())
	if faults := w.real.CheckConsistency(t.Context()); len(faults) > 0 {
		t.Error(strings.Join(faults, "\n"))
	}
}

// plain returns what people read of the sink's mails.
func (s *sink) plain(t testing.TB) []string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, mail := range s.texts {
		_, body, _ := strings.Cut(mail, "\r\n\r\n")
		b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\r\n", ""))
		check(t, err)
		texts = append(texts, string(b))
	}
	return texts
}
