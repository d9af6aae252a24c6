package sqlite

import (
	"fmt"
	"testing"
	"time"

	"sekisho/gateway"
)

// TestAnswersOfOnePerson: beyond so many of one person the oldest answers are
// forgotten, and nobody else's; a request under way stays.
func TestAnswersOfOnePerson(t *testing.T) {
	l := openTest(t)
	ask := func(who string, n int, status int) bool {
		t.Helper()
		a := gateway.Answer{Who: who, Key: fmt.Sprint("key-", n), At: begin.Add(time.Duration(n) * time.Millisecond)}
		_, found, err := l.BeginAnswer(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if !found && status != 0 {
			a.Status, a.Body = status, []byte("x")
			if err := l.FinishAnswer(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		return found
	}
	ask("other", 0, 200)
	ask("clerk", 0, 0) // under way
	for n := 1; n <= maxAnswers+9; n++ {
		ask("clerk", n, 200)
	}
	var kept int64
	if err := l.view(t.Context(), func(q query) error {
		return q.row(one(&kept), `SELECT count(*) FROM answers WHERE who = 'clerk'`)
	}); err != nil || kept != maxAnswers+1 {
		t.Errorf("%d answers are kept: %v", kept, err)
	}
	for n, want := range map[int]bool{0: true, 9: false, 500: true, maxAnswers + 9: true} {
		if found := ask("clerk", n, 0); found != want {
			t.Errorf("answer %d is kept: %v", n, found)
		}
	}
	if !ask("other", 0, 0) {
		t.Error("another person's answer is gone")
	}
}
