package quarantine

import (
	"fmt"
	"slices"
	"testing"
)

// TestLeaveOut: whom a decider adds gets nothing when another policy is for them,
// and whoever is left out stays so. The recipient asked for is never left out.
func TestLeaveOut(t *testing.T) {
	r := ask(t, Resanitize, Wide)
	r.Original = append(r.Original, "saburo@town.example")
	r, err := Decide(r, head, Vote{Choice: Approve, Also: []string{"jiro@town.example", "saburo@town.example", "hanako@town.example"}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		strict  []string
		to, out string
	}{
		{"all alike", nil, "[Hanako@town.example jiro@town.example saburo@town.example hanako@town.example]", "[]"},
		{"one is not", []string{"jiro@town.example"}, "[Hanako@town.example saburo@town.example hanako@town.example]", "[jiro@town.example]"},
		{"it is by now", nil, "[Hanako@town.example saburo@town.example hanako@town.example]", "[jiro@town.example]"},
		{"nobody is", []string{"Hanako@town.example", "hanako@town.example", "saburo@town.example"}, "[Hanako@town.example]", "[jiro@town.example saburo@town.example hanako@town.example]"},
	} {
		before := r
		r = r.LeaveOut(func(a string) bool { return !slices.Contains(c.strict, a) })
		if fmt.Sprint(r.To()) != c.to || fmt.Sprint(r.LeftOut) != c.out {
			t.Errorf("%s: to %v, left out %v", c.name, r.To(), r.LeftOut)
		}
		if len(before.LeftOut) > len(r.LeftOut) {
			t.Errorf("%s: somebody came back", c.name)
		}
	}
	forged := ask(t, Original, "")
	forged.Decisions = []Decision{{Choice: Approve, By: head, Also: []string{"jiro@town.example"}}}
	if to := forged.To(); len(to) != 1 {
		t.Errorf("an original goes to %v", to)
	}
}

// TestGranted forges rows: whatever somebody writes into the ledger, fewer
// persons than the form demands never execute.
func TestGranted(t *testing.T) {
	good := ask(t, Original, "")
	var err error
	for _, a := range []Actor{head, admin1} {
		if good, err = Decide(good, a, Vote{Choice: Approve, Reason: "x"}, noon); err != nil {
			t.Fatal(err)
		}
	}
	if err := good.Granted(); err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]func(*ReleaseRequest){
		"no state":               func(r *ReleaseRequest) { r.State = "" },
		"requested":              func(r *ReleaseRequest) { r.State = Requested },
		"executed":               func(r *ReleaseRequest) { r.State = Executed },
		"needs nobody":           func(r *ReleaseRequest) { r.Persons, r.Decisions = 0, nil },
		"needs one":              func(r *ReleaseRequest) { r.Persons, r.Decisions = 1, r.Decisions[:1] },
		"one person twice":       func(r *ReleaseRequest) { r.Decisions[1].By.ID = "head" },
		"the requester":          func(r *ReleaseRequest) { r.Decisions[0].By.ID = "clerk" },
		"the requester's deputy": func(r *ReleaseRequest) { r.Decisions[0].OnBehalfOf = "clerk" },
		"nobody":                 func(r *ReleaseRequest) { r.Decisions[1].By = Actor{} },
		"a request of nobody":    func(r *ReleaseRequest) { r.Requester = Actor{} },
		"the wrong order":        func(r *ReleaseRequest) { slices.Reverse(r.Decisions) },
		"an administrator first": func(r *ReleaseRequest) { r.Decisions[0].Basis = AsAdmin },
		"no basis":               func(r *ReleaseRequest) { r.Decisions[1].Basis = "" },
		"a deputy of nobody":     func(r *ReleaseRequest) { r.Decisions[0].Basis = AsDeputy },
		"a denial among them":    func(r *ReleaseRequest) { r.Decisions[1].Choice = Deny },
		"denied after":           func(r *ReleaseRequest) { r.Decisions = append(r.Decisions, Decision{Choice: Deny}) },
		"three":                  func(r *ReleaseRequest) { r.Decisions = append(r.Decisions, r.Decisions[1]) },
		"another form":           func(r *ReleaseRequest) { r.Form = "original" },
		"no form":                func(r *ReleaseRequest) { r.Form, r.Persons, r.Decisions = "", 0, nil },
		"wide, alone":            func(r *ReleaseRequest) { r.Form, r.Profile, r.Persons, r.Decisions = Resanitize, Wide, 0, nil },
		"another recipient":      func(r *ReleaseRequest) { r.Decisions[1].Also = []string{"jiro@town.example"} },
		"a made-up profile":      func(r *ReleaseRequest) { r.Form, r.Profile, r.Persons, r.Decisions = Resanitize, "x", 0, nil },
	} {
		r := good
		r.Decisions = slices.Clone(good.Decisions)
		forge(&r)
		if r.Granted() == nil {
			t.Errorf("%s: granted", name)
		}
	}
	if (ReleaseRequest{}).Granted() == nil {
		t.Error("the zero request is granted")
	}
}
