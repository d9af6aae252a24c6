package quarantine

import (
	"strings"
	"testing"
	"time"
)

// TestTerms: whatever three persons agreed to is in the sum of an exception's
// terms, whatever becomes of it later is not.
func TestTerms(t *testing.T) {
	e := openException(t)
	const want = `{"id":"x1","from":"2026-11-25T03:00:00Z","until":"2026-12-05T03:00:00Z","max_uses":2,` +
		`"recipients":["@town.example"],"senders":["*"],"kinds":["pdf"]}`
	if got := e.Terms(); got != want || len(e.TermsSum()) != 64 {
		t.Fatalf("%s, %s", got, e.TermsSum())
	}
	for name, change := range map[string]func(*Exception){
		"another":             func(e *Exception) { e.ID = "x2" },
		"sooner":              func(e *Exception) { e.From = e.From.Add(-1) },
		"longer":              func(e *Exception) { e.Until = e.Until.Add(time.Second) },
		"more often":          func(e *Exception) { e.MaxUses++ },
		"for everybody":       func(e *Exception) { e.Scope.Recipients = []string{Any} },
		"for one more":        func(e *Exception) { e.Scope.Recipients = append(e.Scope.Recipients, "@x.example") },
		"from one more":       func(e *Exception) { e.Scope.Senders = append(e.Scope.Senders, "a@x.example") },
		"of all kinds":        func(e *Exception) { e.Scope.Kinds = []string{Any} },
		"a sender as a kind":  func(e *Exception) { e.Scope.Senders, e.Scope.Kinds = e.Scope.Kinds, e.Scope.Senders },
		"two words for three": func(e *Exception) { e.Scope.Recipients = []string{`a","b`} },
	} {
		x := e
		x.Scope = e.Scope.clone()
		if change(&x); x.TermsSum() == e.TermsSum() {
			t.Errorf("%s: the same sum", name)
		}
	}
	used, err := e.Use(heldItem(), "a@example.com", noon)
	if err != nil || used.TermsSum() != e.TermsSum() {
		t.Errorf("a use changed the terms: %v", err)
	}
	abroad := e
	abroad.From, abroad.Until = e.From.In(time.FixedZone("JST", 9*3600)), e.Until.Local()
	ended, err := abroad.End(admin1, "要らない", noon)
	if err != nil || ended.TermsSum() != e.TermsSum() || !strings.Contains(ended.Terms(), "2026-12-05T03:00:00Z") {
		t.Errorf("an end or another zone changed the terms: %v", err)
	}
}

// TestInForce: when something that was sealed under an exception may still go.
func TestInForce(t *testing.T) {
	e := openException(t)
	over, err := e.End(head, "要らない", noon)
	if err != nil {
		t.Fatal(err)
	}
	spent := e
	spent.Uses = spent.MaxUses
	for _, c := range []struct {
		name string
		e    Exception
		at   time.Time
		want bool
	}{
		{"the zero exception", Exception{}, noon, false},
		{"before", e, e.From.Add(-1), false},
		{"the first instant", e, e.From, true},
		{"every use was made", spent, noon, true},
		{"the last instant", e, e.Until.Add(-1), true},
		{"after", e, e.Until, false},
		{"ended by a person", over, noon, false},
		{"proposed", func() Exception { x := e; x.State = Proposed; return x }(), noon, false},
	} {
		if got := c.e.InForce(c.at); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
