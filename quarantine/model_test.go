package quarantine

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/sanitize/format"
)

// The model keeps its own account of an office in which people ask, decide,
// stand in for each other, leave, and let time pass. It knows none of the rules'
// own types beyond what it feeds them, and judges each result by who did what.

// person is somebody of the model.
type person struct {
	name            string
	head, admin     bool
	auditor, absent bool
	dept            int
}

func (p person) actor() Actor {
	a := Actor{ID: p.name, Dept: fmt.Sprint("dept", p.dept), Disabled: p.absent, Mailboxes: []string{p.name + "@town.example"}, Roles: []Role{Staff}}
	for role, has := range map[Role]bool{Approver: p.head, Admin: p.admin, Auditor: p.auditor} {
		if has {
			a.Roles = append(a.Roles, role)
		}
	}
	return a
}

// part is an item of the model and what has become of it.
type part struct {
	item Item
	open int // index of the request that holds it, -1 for none
	ends []State
}

// paper is a request of the model. Heads and admins are everybody whose
// authority was used to say yes, in order.
type paper struct {
	req    ReleaseRequest
	part   int
	asker  string
	self   bool // self-service when it was made
	yes    [][]string
	closed bool
}

type office struct {
	people []person
	parts  []*part
	papers []*paper
	now    time.Time
	mails  map[string]int // follow-up mails of an item
}

// TestNobodyReleasesAlone: whatever people do, in whatever order and at
// whatever time, an item is released at most once, ends exactly once, and never
// with fewer persons than its form demands.
// spec: g11
func TestNobodyReleasesAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &office{now: noon, mails: map[string]int{}}
		for i := range 6 {
			o.people = append(o.people, person{name: fmt.Sprint("p", i), dept: rapid.IntRange(0, 1).Draw(t, "dept"), head: rapid.Bool().Draw(t, "head"),
				admin: rapid.IntRange(0, 2).Draw(t, "admin") == 0, auditor: rapid.IntRange(0, 9).Draw(t, "auditor") == 0})
		}
		t.Repeat(map[string]func(*rapid.T){
			"":         o.check,
			"hold":     o.hold,
			"ask":      o.ask,
			"vote":     o.vote,
			"vote 2":   o.vote,
			"vote 3":   o.vote,
			"withdraw": o.withdraw,
			"time":     o.pass,
			"leave":    o.leave,
			"execute":  o.execute,
			"fail":     o.fail,
			"discard":  o.discard,
			"expire":   o.expire,
		})
	})
}

func (o *office) who(t *rapid.T) *person {
	return &o.people[rapid.IntRange(0, len(o.people)-1).Draw(t, "who")]
}

func (o *office) hold(t *rapid.T) {
	p := o.who(t)
	id := fmt.Sprint("i", len(o.parts))
	o.parts = append(o.parts, &part{open: -1, item: Item{ID: id, Recipient: p.name + "@town.example", Kind: format.PDF, State: Held, HeldAt: o.now,
		ExpiresAt: o.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "days")) * 24 * time.Hour)}})
}

// open picks a part, held or not.
func (o *office) some(t *rapid.T) int {
	if len(o.parts) == 0 {
		t.Skip("no part")
	}
	return rapid.IntRange(0, len(o.parts)-1).Draw(t, "part")
}

func (o *office) paper(t *rapid.T) *paper {
	if len(o.papers) == 0 {
		t.Skip("no paper")
	}
	return o.papers[rapid.IntRange(0, len(o.papers)-1).Draw(t, "paper")]
}

func (o *office) ask(t *rapid.T) {
	n := o.some(t)
	pt, who := o.parts[n], o.who(t)
	rules := Rules{SelfService: rapid.Bool().Draw(t, "self"), InternetSide: rapid.Bool().Draw(t, "internet"), Exceptions: rapid.Bool().Draw(t, "exceptions")}
	k := Ask{ID: fmt.Sprint("r", len(o.papers)), Form: rapid.SampledFrom(append(Forms(), "")).Draw(t, "form"), Reason: "x", Dept: "dept1"}
	if k.Form == Resanitize {
		k.Profile = rapid.SampledFrom([]Profile{ByPolicy, Wide}).Draw(t, "profile")
	}
	if k.Form == Original {
		k.Exception = Exception{ID: "x", State: Opened, ProposedBy: Actor{ID: "z0"}, From: noon, Until: noon.Add(30 * 24 * time.Hour), MaxUses: 9,
			Scope:     Scope{[]string{Any}, []string{Any}, []string{Any}},
			Decisions: []Decision{{Choice: Approve, By: Actor{ID: "z1"}}, {Choice: Approve, By: Actor{ID: "z2"}}}}
	}
	if pt.open >= 0 {
		return // a store lets one request of an item be open
	}
	r, err := Request(k, pt.item, who.actor(), rules, o.now)
	own := pt.item.Recipient == who.name+"@town.example"
	may := len(pt.ends) == 0 && o.now.Before(pt.item.ExpiresAt) && !who.absent && !who.auditor && (own || who.admin) && k.Form != "" &&
		(k.Form != InternetSide || rules.InternetSide) && (k.Form != Original || rules.Exceptions && o.now.Before(k.Exception.Until))
	if (err == nil) != may {
		t.Fatalf("%+v asked for %s: %v, the model says %v", *who, k.Form, err, may)
	}
	if err == nil {
		pt.open = len(o.papers)
		o.papers = append(o.papers, &paper{req: r, part: n, asker: who.name, self: rules.SelfService})
	}
}

// demand is how many have to say yes.
func (p *paper) demand() int {
	switch {
	case p.req.Form == Original:
		return 2
	case p.req.Form == InternetSide, p.req.Profile == Wide, !p.self:
		return 1
	}
	return 0
}

func (o *office) vote(t *rapid.T) {
	p, who := o.paper(t), o.who(t)
	v := Vote{Choice: rapid.SampledFrom([]Choice{Approve, Approve, Approve, Deny, SendBack, ""}).Draw(t, "choice"), Reason: "x"}
	var of, said *person
	inTime := true
	a := who.actor()
	if rapid.IntRange(0, 2).Draw(t, "deputy") == 0 {
		of = o.who(t)
		d := Deputy{Of: of.actor(), To: who.name, From: o.now, Until: o.now.Add(time.Hour)}
		switch rapid.IntRange(0, 5).Draw(t, "dates") {
		case 0:
			d.From, inTime = o.now.Add(1), false
		case 1:
			d.Until, inTime = o.now, false
		case 2:
			d.To, inTime = "somebody", false
		}
		a.Stands = []Deputy{d}
		if rapid.IntRange(0, 3).Draw(t, "says so") > 0 {
			said, v.OnBehalfOf = of, of.name
		}
	}
	if of != nil && inTime && of.name != who.name && of.name == p.asker {
		inTime = false // whoever stands in for the asker has no voice, said or not
		if said == nil {
			said = of
		}
	}
	of = said
	may := o.mayVote(p, who, of, inTime) && v.Choice != ""
	next, err := Decide(p.req, a, v, o.now)
	if v.Choice != Approve && err != nil != !may && o.spoke(p, who, of) {
		return // whoever said yes may not take it back; the refusal's name is the table's matter
	}
	if (err == nil) != may {
		t.Fatalf("%+v for %+v on %+v: %v, the model says %v", *who, of, p.req, err, may)
	}
	if err != nil {
		return
	}
	p.req = next
	if v.Choice != Approve {
		o.close(p)
		return
	}
	yes := []string{who.name}
	if of != nil {
		yes = append(yes, of.name)
	}
	p.yes = append(p.yes, yes)
}

// spoke reports whether one of the two has said yes before.
func (o *office) spoke(p *paper, who, of *person) bool {
	for _, said := range p.yes {
		for _, name := range said {
			if name == who.name || of != nil && name == of.name {
				return true
			}
		}
	}
	return false
}

// mayVote is the model's own reading of who may take the next step.
func (o *office) mayVote(p *paper, who, of *person, inTime bool) bool {
	asker := o.personOf(p.asker)
	dept := fmt.Sprint("dept", asker.dept)
	if o.parts[p.part].item.Recipient != p.asker+"@town.example" {
		dept = "dept1" // an administrator asked for another
	}
	if p.closed || len(p.yes) >= p.demand() || who.absent || who.name == p.asker || !o.now.Before(p.req.ExpiresAt) || o.spoke(p, who, of) {
		return false
	}
	second := p.req.Form == Original && len(p.yes) == 1
	if of != nil {
		return inTime && of.name != who.name && of.name != p.asker && who.head && !who.auditor && of.head && !of.auditor && fmt.Sprint("dept", of.dept) == dept && !second
	}
	head := who.head && !who.auditor && fmt.Sprint("dept", who.dept) == dept
	admin := who.admin && !who.auditor
	switch {
	case second:
		return admin
	case p.req.Form == Original:
		return head
	}
	return head || admin
}

func (o *office) personOf(name string) *person {
	for i := range o.people {
		if o.people[i].name == name {
			return &o.people[i]
		}
	}
	return &person{}
}

func (o *office) close(p *paper) {
	p.closed = true
	o.parts[p.part].open = -1
}

func (o *office) withdraw(t *rapid.T) {
	p, who := o.paper(t), o.who(t)
	next, err := p.req.Withdraw(who.actor(), "", o.now)
	may := !p.closed && who.name == p.asker && !who.absent && len(p.yes) < p.demand()
	if (err == nil) != may {
		t.Fatalf("%s withdraws %+v: %v", who.name, p.req, err)
	}
	if err == nil {
		p.req = next
		o.close(p)
	}
}

func (o *office) pass(t *rapid.T) {
	o.now = o.now.Add(time.Duration(rapid.IntRange(1, 3*24).Draw(t, "hours")) * time.Hour)
}

func (o *office) leave(t *rapid.T) {
	p := o.who(t)
	p.absent = !p.absent
}

// execute tries to send the part, approved or not.
func (o *office) execute(t *rapid.T) {
	p := o.paper(t)
	pt := o.parts[p.part]
	next, item, err := p.req.Execute(pt.item, "d"+p.req.ID, o.now)
	may := !p.closed && len(p.yes) == p.demand()
	if (err == nil) != may {
		t.Fatalf("execute %+v of %+v: %v, the model says %v", p.req, pt.item, err, may)
	}
	if err == nil {
		p.req, pt.item = next, item
		pt.ends = append(pt.ends, item.State)
		o.mails[item.ID]++
		o.close(p)
	}
}

func (o *office) fail(t *rapid.T) {
	p := o.paper(t)
	next, err := p.req.Fail(format.KindUnsupported, o.now)
	if (err == nil) != (!p.closed && len(p.yes) == p.demand()) {
		t.Fatalf("fail %+v: %v", p.req, err)
	}
	if err == nil {
		p.req = next
		o.close(p)
	}
}

func (o *office) discard(t *rapid.T) {
	pt := o.parts[o.some(t)]
	if pt.open >= 0 {
		return // a store refuses it while a request is open
	}
	if next, err := pt.item.Discard(o.who(t).name, o.now); err == nil {
		pt.item = next
		pt.ends = append(pt.ends, next.State)
	}
}

// expire does what the janitor does: requests first, then parts.
func (o *office) expire(t *rapid.T) {
	for _, p := range o.papers {
		next, err := p.req.Expire(o.now)
		if may := !p.closed && len(p.yes) < p.demand() && !o.now.Before(p.req.ExpiresAt); (err == nil) != may {
			t.Fatalf("expire %+v: %v", p.req, err)
		}
		if err == nil {
			p.req = next
			o.close(p)
		}
	}
	for _, pt := range o.parts {
		if pt.open >= 0 {
			continue
		}
		if next, err := pt.item.Expire(o.now); err == nil {
			pt.item = next
			pt.ends = append(pt.ends, next.State)
		}
	}
}

// check is what holds at every moment.
func (o *office) check(t *rapid.T) {
	for _, p := range o.papers {
		granted := p.req.Granted() == nil
		if want := !p.closed && len(p.yes) == p.demand(); granted != want || granted != (p.req.State == Approved) {
			t.Fatalf("granted is %v of %+v after %v", granted, p.req, p.yes)
		}
		if p.req.State == Approved || p.req.State == Executed {
			seen := map[string]bool{p.asker: true}
			for _, said := range p.yes {
				for _, name := range said {
					if seen[name] {
						t.Fatalf("%s twice in %v of %+v", name, p.yes, p.req)
					}
					seen[name] = true
				}
			}
			if len(p.yes) < p.demand() {
				t.Fatalf("%s with %v", p.req.State, p.yes)
			}
		}
	}
	for _, pt := range o.parts {
		if len(pt.ends) > 1 || (pt.item.State == Held) != (len(pt.ends) == 0) {
			t.Fatalf("%s ended %v", pt.item.ID, pt.ends)
		}
		if mails := o.mails[pt.item.ID]; mails > 1 || (mails == 1) != (pt.item.State == Released) {
			t.Fatalf("%s is %s with %d mails", pt.item.ID, pt.item.State, mails)
		}
	}
}
