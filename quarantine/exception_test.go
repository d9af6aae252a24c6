package quarantine

import (
	"errors"
	"slices"
	"testing"
	"time"

	"sekisho/sanitize/format"
)

func TestPropose(t *testing.T) {
	good := Exception{ID: "x1", Scope: Scope{[]string{"A@Town.example"}, []string{Any}, []string{"pdf"}}, Reason: "入札",
		From: noon, Until: noon.Add(time.Hour), MaxUses: 1}
	with := func(f func(*Exception)) Exception { e := good; f(&e); return e }
	for _, c := range []struct {
		name string
		e    Exception
		who  Actor
		want error
	}{
		{"good", good, admin1, nil},
		{"by an approver", good, head, nil},
		{"brings its own state", with(func(e *Exception) { e.State, e.Version, e.Decisions = Opened, 9, []Decision{{Choice: Approve}} }), admin1, nil},
		{"by a clerk", good, clerk, WrongRole},
		{"by an auditor", good, doubled, WrongRole},
		{"by nobody", good, Actor{}, WrongRole},
		{"by one who left", good, gone, Disabled},
		{"no reason", with(func(e *Exception) { e.Reason = "　" }), admin1, NoReason},
		{"no id", with(func(e *Exception) { e.ID = "" }), admin1, Incomplete},
		{"no beginning", with(func(e *Exception) { e.From = time.Time{} }), admin1, Incomplete},
		{"no end", with(func(e *Exception) { e.Until = time.Time{} }), admin1, Incomplete},
		{"over before it begins", with(func(e *Exception) { e.Until = e.From }), admin1, Incomplete},
		{"over already", with(func(e *Exception) { e.From, e.Until = noon.Add(-2), noon }), admin1, Incomplete},
		{"two years", with(func(e *Exception) { e.Until = e.From.Add(MaxException + 1) }), admin1, Incomplete},
		{"no uses", with(func(e *Exception) { e.MaxUses = 0 }), admin1, Incomplete},
		{"endless uses", with(func(e *Exception) { e.MaxUses = maxUses + 1 }), admin1, Incomplete},
		{"for nobody", with(func(e *Exception) { e.Scope.Recipients = nil }), admin1, Incomplete},
		{"from nobody", with(func(e *Exception) { e.Scope.Senders = []string{""} }), admin1, Incomplete},
		{"a slip in an address", with(func(e *Exception) { e.Scope.Senders = []string{"@a.example", "example.com"} }), admin1, Incomplete},
		{"a list for one address", with(func(e *Exception) { e.Scope.Recipients = []string{"a@x.example, b@x.example"} }), admin1, Incomplete},
		{"a slip in a kind", with(func(e *Exception) { e.Scope.Kinds = []string{"pdf", "docx"} }), admin1, Incomplete},
		{"capitals in a kind", with(func(e *Exception) { e.Scope.Kinds = []string{"PDF"} }), admin1, nil},
		{"at the command line", good, osAdmin, nil},
		{"of no kind", with(func(e *Exception) { e.Scope.Kinds = nil }), admin1, Incomplete},
	} {
		e, err := Propose(c.e, c.who, noon)
		if !errors.Is(err, c.want) && err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil && (e.State != Proposed || e.Version != 1 || len(e.Decisions) > 0 || e.Scope.Recipients[0] != "a@town.example") {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}

// TestExceptionPersons tries every pair of persons: only two others open it, an
// administrator last.
// spec: g11
func TestExceptionPersons(t *testing.T) {
	people := []Actor{clerk, head, head2, other, admin1, admin2, both, auditor, doubled, vendor, gone, {}}
	for _, proposer := range []Actor{admin1, head} {
		for _, a := range people {
			for _, b := range people {
				e, err := Propose(Exception{ID: "x1", Scope: Scope{[]string{Any}, []string{Any}, []string{Any}}, Reason: "x", From: noon,
					Until: noon.Add(time.Hour), MaxUses: 1}, proposer, noon)
				if err != nil {
					t.Fatal(err)
				}
				for _, who := range []Actor{a, b} {
					if next, err := DecideException(e, who, Vote{Choice: Approve}, noon); err == nil {
						e = next
					}
				}
				decides := func(p Actor) bool {
					return slices.Contains([]string{"head", "head2", "other", "admin1", "admin2", "both"}, p.ID)
				}
				administers := func(p Actor) bool { return slices.Contains([]string{"admin1", "admin2", "both"}, p.ID) }
				want := a.ID != b.ID && a.ID != proposer.ID && b.ID != proposer.ID && decides(a) && administers(b)
				if (e.State == Opened) != want {
					t.Errorf("%s proposed, %q and %q approved: %s", proposer.ID, a.ID, b.ID, e.State)
				}
				if _, err := e.Use(heldItem(), "", noon); (err == nil) != want {
					t.Errorf("%s proposed, %q and %q approved: use %v", proposer.ID, a.ID, b.ID, err)
				}
			}
		}
	}
}

// osUser is somebody at the command line, who has every role there.
func osUser(name string) Actor {
	return Actor{ID: OSPrefix + name, Dept: "console", Roles: []Role{Approver, Admin}}
}

var osAdmin = osUser("yamada")

// TestMixedPersons: a user of the operating system and an account are not
// counted as two persons, for they may be one.
// spec: g11
func TestMixedPersons(t *testing.T) {
	yes := Vote{Choice: Approve, Reason: "可"}
	one, two := osUser("tanaka"), osUser("suzuki")
	for _, c := range []struct {
		name   string
		people [3]Actor // asks, then approve
		want   error
	}{
		{"accounts", [3]Actor{admin1, both, admin2}, nil},
		{"users", [3]Actor{osAdmin, one, two}, nil},
		{"asked by an account", [3]Actor{admin1, one, two}, MixedPersons},
		{"asked by a user", [3]Actor{osAdmin, both, admin2}, MixedPersons},
		{"the second is an account", [3]Actor{osAdmin, one, admin2}, MixedPersons},
	} {
		e, err := Propose(Exception{ID: "x1", Scope: Scope{[]string{Any}, []string{Any}, []string{Any}}, Reason: "x", From: noon,
			Until: noon.Add(time.Hour), MaxUses: 1}, c.people[0], noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range c.people[1:] {
			if err == nil {
				e, err = DecideException(e, a, yes, noon)
			}
		}
		if err != c.want {
			t.Errorf("%s: exception: %v", c.name, err)
		}
		if c.want != nil { // a row that somebody has edited
			e.State, e.Decisions = Opened, []Decision{{Choice: Approve, By: c.people[1]}, {Choice: Approve, By: c.people[2]}}
			if _, err := e.Use(heldItem(), "", noon); err != NoException {
				t.Errorf("%s: use of an edited row: %v", c.name, err)
			}
		}
		asker := c.people[0]
		asker.Mailboxes, asker.Dept = []string{"hanako@town.example"}, c.people[1].Dept
		r, err := Request(Ask{ID: "r1", Form: Original, Reason: "x", Exception: openException(t)}, heldItem(), asker, allRules, noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range c.people[1:] {
			if err == nil {
				r, err = Decide(r, a, yes, noon)
			}
		}
		if err != c.want || (err == nil) != (r.State == Approved) {
			t.Errorf("%s: request: %v %s", c.name, err, r.State)
		}
		if c.want != nil {
			r.State, r.Decisions = Approved, []Decision{{Choice: Approve, By: c.people[1], Order: 1, Basis: AsApprover}, {Choice: Approve, By: c.people[2], Order: 2, Basis: AsAdmin}}
			if err := r.Granted(); err != NotEnoughPersons {
				t.Errorf("%s: an edited row: %v", c.name, err)
			}
		}
	}
	// Whoever may decide may be stricter, whatever they are known as.
	r, err := Request(Ask{ID: "r1", Form: Original, Reason: "x", Exception: openException(t)}, heldItem(), clerk, allRules, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decide(r, Actor{ID: OSPrefix + "a", Roles: []Role{Approver}, Dept: r.Dept}, Vote{Choice: Deny, Reason: "x"}, noon); err != nil {
		t.Errorf("deny: %v", err)
	}
}

func TestDecideException(t *testing.T) {
	e, err := Propose(Exception{ID: "x1", Scope: Scope{[]string{Any}, []string{Any}, []string{Any}}, Reason: "x", From: noon,
		Until: noon.Add(time.Hour), MaxUses: 1}, admin1, noon)
	if err != nil {
		t.Fatal(err)
	}
	d, err := DecideException(e, head, Vote{Choice: Deny, Reason: "要らない"}, noon)
	if err != nil || d.State != Over {
		t.Fatalf("%+v, %v", d, err)
	}
	standIn := by(other, Deputy{Of: head, To: "other", From: noon, Until: noon.Add(time.Hour)})
	former := standIn
	former.Roles = []Role{Staff, Admin}
	ofProposer := by(other, Deputy{Of: Actor{ID: "admin1", Roles: []Role{Approver}}, To: "other", From: noon, Until: noon.Add(time.Hour)})
	for name, c := range map[string]struct {
		e    Exception
		who  Actor
		v    Vote
		at   time.Time
		want error
	}{
		"denied":              {d, admin2, Vote{Choice: Approve}, noon, AlreadyDecided},
		"zero":                {Exception{}, admin2, Vote{Choice: Approve}, noon, AlreadyDecided},
		"of nobody":           {Exception{State: Proposed, Until: noon.Add(1)}, admin2, Vote{Choice: Approve}, noon, Incomplete},
		"no vote":             {e, admin2, Vote{}, noon, Incomplete},
		"send back":           {e, admin2, Vote{Choice: SendBack, Reason: "x"}, noon, Incomplete},
		"deny, no reason":     {e, admin2, Vote{Choice: Deny}, noon, NoReason},
		"late":                {e, admin2, Vote{Choice: Approve}, e.Until, RequestExpired},
		"proposer's deputy":   {e, ofProposer, Vote{Choice: Approve, OnBehalfOf: "admin1"}, noon, SelfApproval},
		"that is not said":    {e, ofProposer, Vote{Choice: Approve}, noon, SelfApproval},
		"deputy of the head":  {e, standIn, Vote{Choice: Approve, OnBehalfOf: "head"}, noon, nil},
		"no approver by now":  {e, former, Vote{Choice: Approve, OnBehalfOf: "head"}, noon, WrongRole},
		"deputy out of dates": {e, standIn, Vote{Choice: Approve, OnBehalfOf: "head"}, noon.Add(-1), DeputyRefused},
	} {
		if _, err := DecideException(c.e, c.who, c.v, c.at); !errors.Is(err, c.want) && err != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestUse(t *testing.T) {
	e, i := openException(t), heldItem()
	used := e
	var err error
	for n := 1; n <= 2; n++ {
		if used, err = used.Use(i, "a@example.com", noon); err != nil || used.Uses != n || used.Version != e.Version+n {
			t.Fatalf("use %d: %+v, %v", n, used, err)
		}
	}
	item := func(f func(*Item)) Item { i := heldItem(); f(&i); return i }
	with := func(f func(*Exception)) Exception { x := e; x.Decisions = slices.Clone(e.Decisions); f(&x); return x }
	narrow := with(func(e *Exception) { e.Scope.Senders = []string{"a@example.com", "@bid.example"} })
	for _, c := range []struct {
		name   string
		e      Exception
		i      Item
		sender string
		at     time.Time
		ok     bool
	}{
		{"covered", e, i, "", noon, true},
		{"used up", used, i, "", noon, false},
		{"before its first instant", e, i, "", noon.Add(-1), false},
		{"its last instant", e, i, "", e.Until.Add(-1), true},
		{"over", e, i, "", e.Until, false},
		{"another recipient", e, item(func(i *Item) { i.Recipient = "a@nottown.example" }), "", noon, false},
		{"a recipient below the domain", e, item(func(i *Item) { i.Recipient = "a@sub.town.example" }), "", noon, false},
		{"no recipient", e, item(func(i *Item) { i.Recipient = "" }), "", noon, false},
		{"another kind", e, item(func(i *Item) { i.Kind = format.Zip }), "", noon, false},
		{"sender", narrow, i, "A@example.com", noon, true},
		{"domain", narrow, i, "x@bid.example", noon, true},
		{"another sender", narrow, i, "b@example.com", noon, false},
		{"null sender", narrow, i, "", noon, false},
		{"one approval", with(func(e *Exception) { e.Decisions = e.Decisions[:1] }), i, "", noon, false},
		{"one person twice", with(func(e *Exception) { e.Decisions[1] = e.Decisions[0] }), i, "", noon, false},
		{"the proposer", with(func(e *Exception) { e.Decisions[0].By = admin1 }), i, "", noon, false},
		{"proposed", with(func(e *Exception) { e.State = Proposed }), i, "", noon, false},
		{"zero", Exception{}, i, "", noon, false},
	} {
		if _, err := c.e.Use(c.i, c.sender, c.at); (err == nil) != c.ok || err != nil && !errors.Is(err, NoException) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestExceptionEnds(t *testing.T) {
	e := openException(t)
	if _, err := e.End(clerk, "x", noon); !errors.Is(err, WrongRole) {
		t.Errorf("by a clerk: %v", err)
	}
	if _, err := e.End(admin1, "", noon); !errors.Is(err, NoReason) {
		t.Errorf("without a reason: %v", err)
	}
	if _, err := e.End(gone, "x", noon); !errors.Is(err, Disabled) {
		t.Errorf("by one who left: %v", err)
	}
	over, err := e.End(head, "終わった", noon)
	if err != nil || over.State != Over || len(over.approvals()) != 2 {
		t.Fatalf("%+v, %v", over, err)
	}
	if _, err := over.End(head, "x", noon); !errors.Is(err, AlreadyDecided) {
		t.Errorf("twice: %v", err)
	}
	if _, err := e.Expire(e.Until.Add(-1)); !errors.Is(err, ErrState) {
		t.Errorf("early: %v", err)
	}
	late, err := e.Expire(e.Until)
	if err != nil || late.State != RanOut {
		t.Errorf("%+v, %v", late, err)
	}
	if _, err := late.Expire(e.Until); !errors.Is(err, ErrState) {
		t.Errorf("expired twice: %v", err)
	}
	if _, err := late.Use(heldItem(), "", noon); !errors.Is(err, NoException) {
		t.Errorf("used after its end: %v", err)
	}
}
