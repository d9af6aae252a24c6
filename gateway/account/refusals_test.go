package account_test

import (
	"slices"
	"testing"
	"time"

	"sekisho/gateway/account"
)

// TestRefusalsAreCounted: of refusals of the same to the same person one a minute is
// written down, with how many it stands for; none is lost while the process lives.
func TestRefusalsAreCounted(t *testing.T) {
	w := newWorld(t)
	p, _ := w.signIn(w.user("yamada", account.Staff), good)
	q, _ := w.signIn(w.user("sato", account.Staff), good)
	denied := func(p account.Principal, what string, n int) {
		t.Helper()
		for range n {
			if err := w.s.Denied(t.Context(), p, what); err != nil {
				t.Fatal(err)
			}
		}
	}
	tidy := func() {
		t.Helper()
		if err := w.s.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	told := func(want ...string) {
		t.Helper()
		var got []string
		for _, e := range w.Events("authz.denied") {
			got = append(got, e.Object.ID+" "+e.Change.After)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q on record, want %q", got, want)
		}
	}
	denied(p, "searchRecords", 600)
	denied(q, "searchRecords", 1)
	denied(p, "listUsers", 2)
	tidy() // within the minute
	first := []string{"searchRecords ", "searchRecords ", "listUsers "}
	told(first...)
	w.Wait(time.Minute)
	denied(p, "searchRecords", 1)
	told(append(first, "searchRecords x 600")...)
	tidy()
	told(append(first, "searchRecords x 600", "listUsers x 1")...)
	w.Wait(time.Minute)
	tidy()
	denied(p, "searchRecords", 1)
	told(append(first, "searchRecords x 600", "listUsers x 1", "searchRecords ")...)
}
