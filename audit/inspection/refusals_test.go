package inspection

import (
	"testing"

	"sekisho/audit"
)

// TestRefusals: a record may stand for many refusals; what is no number is one.
func TestRefusals(t *testing.T) {
	for after, want := range map[string]int{"": 1, "x 600": 600, "x 0": 1, "x -5": 1, "many": 1} {
		if got := refusals(audit.Event{Change: audit.Change{After: after}}); got != want {
			t.Errorf("%q: %d, want %d", after, got, want)
		}
	}
}
