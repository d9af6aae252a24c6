package api_test

import (
	"slices"
	"testing"

	"sekisho/quarantine"
)

// TestAlso: whoever decides may let further recipients of the mail have the part,
// not of an original; and everybody who reads the request sees who gets it.
// spec: g11
func TestAlso(t *testing.T) {
	w := newTown(t, quarantine.Rules{Exceptions: true})
	second := w.second()
	also := []string{"kacho@town.example"}
	type request struct {
		To        []string
		LeftOut   []string `json:"left_out"`
		Decisions []struct{ Also []string }
	}
	var e struct{ ID string }
	w.post(w.admin, "exceptions", exceptionBody("2026-11-25T00:00:00Z", "2026-12-25T00:00:00Z")).into(t, &e)
	for _, c := range []*client{w.head, second} {
		w.post(c, "exceptions/"+e.ID+"/decisions", map[string]any{"decision": "approve", "reason": "可"})
	}
	id := w.ask(w.clerk, "exception", "exception", e.ID)
	w.wantCode("the first of an original", w.decide(w.head, id, "approve", "also", also), 422, "one_recipient")
	if a := w.decide(w.head, id, "approve"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.wantCode("the last of an original", w.decide(second, id, "approve", "also", also), 422, "one_recipient")
	var r request
	if w.decide(second, id, "approve").into(t, &r); w.state(id) != quarantine.Approved || !slices.Equal(r.To, []string{"yamada@town.example"}) {
		t.Errorf("an original: %s, %+v", w.state(id), r)
	}

	w = newTown(t, quarantine.Rules{})
	id = w.ask(w.clerk, "text_only")
	w.wantCode("a stranger", w.decide(w.head, id, "approve", "also", []string{"x@example.com"}), 422, "not_a_recipient")
	w.decide(w.head, id, "approve", "also", also).into(t, &r)
	var seen request
	w.clerk.want(200, "GET", "release-requests/"+id, nil).into(t, &seen)
	for _, r := range []request{r, seen} {
		if !slices.Equal(r.To, []string{"yamada@town.example", "kacho@town.example"}) || len(r.Decisions) != 1 || !slices.Equal(r.Decisions[0].Also, also) || len(r.LeftOut) > 0 {
			t.Errorf("%+v", r)
		}
	}
}
