package quarantine

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"sekisho/sanitize/format"
)

func TestRequest(t *testing.T) {
	held := heldItem()
	gift := func(f func(*Item)) Item { i := held; f(&i); return i }
	plain := Ask{ID: "r1", Form: TextOnly, Reason: "x"}
	with := func(f func(*Ask)) Ask { k := plain; f(&k); return k }
	exception := with(func(k *Ask) { k.Form, k.Exception = Original, openException(t) })
	for _, c := range []struct {
		name  string
		ask   Ask
		item  Item
		actor Actor
		rules Rules
		want  error
		state RequestState
		need  int
	}{
		{"text for oneself", plain, held, clerk, allRules, nil, Approved, 0},
		{"policy for oneself", with(func(k *Ask) { k.Form = Resanitize }), held, clerk, allRules, nil, Approved, 0},
		{"self-service off", plain, held, clerk, Rules{}, nil, Requested, 1},
		{"wide", with(func(k *Ask) { k.Form, k.Profile = Resanitize, Wide }), held, clerk, allRules, nil, Requested, 1},
		{"internet side", with(func(k *Ask) { k.Form = InternetSide }), held, clerk, allRules, nil, Requested, 1},
		{"exception", exception, held, clerk, allRules, nil, Requested, 2},
		{"an administrator for others", plain, held, admin1, allRules, nil, Approved, 0},
		{"internet side without a relay", with(func(k *Ask) { k.Form = InternetSide }), held, clerk, Rules{SelfService: true, Exceptions: true}, NotOffered, "", 0},
		{"exception switched off", exception, held, clerk, Rules{SelfService: true, InternetSide: true}, NotOffered, "", 0},
		{"exception without one", with(func(k *Ask) { k.Form = Original }), held, clerk, allRules, NoException, "", 0},
		{"exception of another kind", exception, gift(func(i *Item) { i.Kind = format.Zip }), clerk, allRules, NoException, "", 0},
		{"no such form", with(func(k *Ask) { k.Form = "original" }), held, clerk, allRules, NotOffered, "", 0},
		{"no form", with(func(k *Ask) { k.Form = "" }), held, clerk, allRules, NotOffered, "", 0},
		{"no such profile", with(func(k *Ask) { k.Form, k.Profile = Resanitize, "raw" }), held, clerk, allRules, Incomplete, "", 0},
		{"a profile of text", with(func(k *Ask) { k.Profile = Wide }), held, clerk, allRules, Incomplete, "", 0},
		{"no id", with(func(k *Ask) { k.ID = "" }), held, clerk, allRules, Incomplete, "", 0},
		{"a colleague's mail", plain, held, clerk2, allRules, NotYours, "", 0},
		{"the head's clerk's mail", plain, held, head, allRules, NotYours, "", 0},
		{"auditor", plain, held, auditor, allRules, WrongRole, "", 0},
		{"auditor who is more", plain, held, doubled, allRules, WrongRole, "", 0},
		{"operator", plain, held, vendor, allRules, WrongRole, "", 0},
		{"disabled", plain, held, gone, allRules, Disabled, "", 0},
		{"nobody", plain, held, Actor{}, allRules, WrongRole, "", 0},
		{"no reason where one decides", with(func(k *Ask) { k.Form, k.Profile, k.Reason = Resanitize, Wide, " " }), held, clerk, allRules, NoReason, "", 0},
		{"no reason where nobody does", with(func(k *Ask) { k.Reason = "" }), held, clerk, allRules, nil, Approved, 0},
		{"released", plain, gift(func(i *Item) { i.State = Released }), clerk, allRules, Ended, "", 0},
		{"no state", plain, gift(func(i *Item) { i.State = "" }), clerk, allRules, Ended, "", 0},
		{"past its time", plain, gift(func(i *Item) { i.ExpiresAt = noon }), clerk, allRules, Ended, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Request(c.ask, c.item, c.actor, c.rules, noon)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if r.State != c.state || err == nil && (r.Persons != c.need || r.Version != 1 || r.ExpiresAt.After(c.item.ExpiresAt)) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestRequestEndsFirst: a request never outlives its item or its exception.
func TestRequestEndsFirst(t *testing.T) {
	i := heldItem()
	i.ExpiresAt = noon.Add(time.Hour)
	r, err := Request(Ask{ID: "r", Form: TextOnly, Reason: "x"}, i, clerk, Rules{}, noon)
	if err != nil || !r.ExpiresAt.Equal(i.ExpiresAt) {
		t.Errorf("%v, %v", r.ExpiresAt, err)
	}
	e := openException(t)
	r, err = Request(Ask{ID: "r", Form: Original, Reason: "x", Exception: e, Sender: "a@b.jp"}, heldItem(), clerk,
		Rules{Exceptions: true, Wait: 365 * 24 * time.Hour}, noon)
	if err != nil || !r.ExpiresAt.Equal(e.Until) {
		t.Errorf("%v, %v", r.ExpiresAt, err)
	}
}

// TestWhoDecides is the matrix of DECISIONS 27 and UX-AUDIT section 6: each
// person at each step of each form.
// spec: g11
func TestWhoDecides(t *testing.T) {
	everyone := []Actor{clerk, clerk2, head, head2, other, admin1, admin2, both, auditor, doubled, vendor, gone, {}}
	one := map[string]error{"clerk": SelfApproval, "clerk2": WrongRole, "head": nil, "head2": nil, "other": WrongDepartment,
		"admin1": nil, "admin2": nil, "both": nil, "auditor": WrongRole, "doubled": WrongRole, "vendor": WrongRole, "gone": Disabled, "": WrongRole}
	first := map[string]error{"clerk": SelfApproval, "clerk2": WrongRole, "head": nil, "head2": nil, "other": WrongDepartment,
		"admin1": WrongRole, "admin2": WrongRole, "both": nil, "auditor": WrongRole, "doubled": WrongRole, "vendor": WrongRole, "gone": Disabled, "": WrongRole}
	second := map[string]error{"clerk": SelfApproval, "clerk2": WrongRole, "head": NotEnoughPersons, "head2": WrongRole, "other": WrongRole,
		"admin1": nil, "admin2": nil, "both": nil, "auditor": WrongRole, "doubled": WrongRole, "vendor": WrongRole, "gone": Disabled, "": WrongRole}
	approve := Vote{Choice: Approve, Reason: "原本が要る"}
	after, err := Decide(ask(t, Original, ""), head, approve, noon)
	if err != nil || after.State != Requested {
		t.Fatalf("%s, %v", after.State, err)
	}
	asked := func(f Form, p Profile) ReleaseRequest { return ask(t, f, p) }
	noSelf := asked(TextOnly, "")
	noSelf.State, noSelf.Persons = Requested, 1
	for _, c := range []struct {
		name string
		req  ReleaseRequest
		who  map[string]error
		end  RequestState
	}{
		{"wide", asked(Resanitize, Wide), one, Approved},
		{"internet side", asked(InternetSide, ""), one, Approved},
		{"text without self-service", noSelf, one, Approved},
		{"exception, first", asked(Original, ""), first, Requested},
		{"exception, second", after, second, Approved},
	} {
		for _, a := range everyone {
			want, listed := c.who[a.ID]
			if !listed {
				t.Fatalf("no line for %q", a.ID)
			}
			for _, choice := range []Choice{Approve, Deny, SendBack} {
				got, err := Decide(c.req, a, Vote{Choice: choice, Reason: "x"}, noon)
				if !errors.Is(err, want) && err != want {
					t.Errorf("%s, %q, %s: %v, want %v", c.name, a.ID, choice, err, want)
				}
				end := map[Choice]RequestState{Approve: c.end, Deny: Denied, SendBack: SentBack}[choice]
				if err == nil && got.State != end || err != nil && got.State != c.req.State {
					t.Errorf("%s, %q, %s: became %s", c.name, a.ID, choice, got.State)
				}
			}
		}
	}
}

func TestDecideRefuses(t *testing.T) {
	wide := ask(t, Resanitize, Wide)
	for _, c := range []struct {
		name string
		req  ReleaseRequest
		who  Actor
		vote Vote
		at   time.Time
		want error
	}{
		{"the zero request", ReleaseRequest{}, admin1, Vote{Choice: Approve}, noon, AlreadyDecided},
		{"a request of nobody", func() ReleaseRequest { r := wide; r.Requester = Actor{}; return r }(), admin1, Vote{Choice: Approve}, noon, Incomplete},
		{"the zero vote", wide, admin1, Vote{}, noon, Incomplete},
		{"an unknown vote", wide, admin1, Vote{Choice: "yes"}, noon, Incomplete},
		{"a withdrawal by another", wide, admin1, Vote{Choice: Withdraw, Reason: "x"}, noon, Incomplete},
		{"deny without a reason", wide, admin1, Vote{Choice: Deny, Reason: "　 "}, noon, NoReason},
		{"send back without a reason", wide, admin1, Vote{Choice: SendBack}, noon, NoReason},
		{"an exception without a reason", ask(t, Original, ""), head, Vote{Choice: Approve}, noon, NoReason},
		{"at its end", wide, admin1, Vote{Choice: Approve}, wide.ExpiresAt, RequestExpired},
		{"somebody who did not get the mail", wide, admin1, Vote{Choice: Approve, Also: []string{"jiro@town.example", "x@example.com"}}, noon, NotRecipient},
		{"a second recipient of an original", ask(t, Original, ""), head, Vote{Choice: Approve, Reason: "x", Also: []string{"jiro@town.example"}}, noon, OneRecipient},
		{"self-service is decided already", ask(t, TextOnly, ""), admin1, Vote{Choice: Approve}, noon, AlreadyDecided},
	} {
		got, err := Decide(c.req, c.who, c.vote, c.at)
		if !errors.Is(err, c.want) || got.State != c.req.State || len(got.Decisions) != len(c.req.Decisions) {
			t.Errorf("%s: %v, %s", c.name, err, got.State)
		}
	}
	if _, err := Decide(wide, admin1, Vote{Choice: Approve}, wide.ExpiresAt.Add(-1)); err != nil {
		t.Errorf("just in time: %v", err)
	}
}

// by returns a person with deputations.
func by(a Actor, ds ...Deputy) Actor { a.Stands = ds; return a }

// TestDeputy: one hop, dated, from approver to approver, the approver's part only.
// What counts is what is known of the person, not what the vote says.
func TestDeputy(t *testing.T) {
	vice := Actor{ID: "vice", Roles: []Role{Staff, Approver}, Dept: "zeimu"}
	stand := Deputy{Of: head, To: "vice", From: noon.Add(-time.Hour), Until: noon.Add(time.Hour)}
	change := func(f func(*Deputy)) Deputy { d := stand; f(&d); return d }
	absent := change(func(d *Deputy) { d.Of.Disabled = true })
	ofClerk := change(func(d *Deputy) { d.Of = clerk; d.Of.Roles = []Role{Approver} })
	formerly := func(roles ...Role) Actor { a := vice; a.Roles = roles; return a }
	for _, c := range []struct {
		name string
		who  Actor
		d    Deputy
		of   string
		want error
	}{
		{"stands in", vice, stand, "head", nil},
		{"for a disabled approver", vice, absent, "head", nil},
		{"who is disabled", func() Actor { a := vice; a.Disabled = true; return a }(), stand, "head", Disabled},
		{"who is no approver any more", formerly(Staff), stand, "head", WrongRole},
		{"who is an administrator by now", formerly(Staff, Admin), stand, "head", WrongRole},
		{"before", vice, change(func(d *Deputy) { d.From = noon.Add(time.Second) }), "head", DeputyRefused},
		{"after", vice, change(func(d *Deputy) { d.Until = noon }), "head", DeputyRefused},
		{"without a beginning", vice, change(func(d *Deputy) { d.From = time.Time{} }), "head", DeputyRefused},
		{"without an end", vice, change(func(d *Deputy) { d.Until = time.Time{} }), "head", DeputyRefused},
		{"another's", vice, change(func(d *Deputy) { d.To = "other" }), "head", DeputyRefused},
		{"of somebody else", vice, stand, "head2", DeputyRefused},
		{"of oneself", head, change(func(d *Deputy) { d.To = "head" }), "head", DeputyRefused},
		{"of a clerk", vice, change(func(d *Deputy) { d.Of = Actor{ID: "c3", Roles: []Role{Staff}, Dept: "soumu"} }), "c3", DeputyRefused},
		{"of an administrator", vice, change(func(d *Deputy) { d.Of = admin1 }), "admin1", DeputyRefused},
		{"of another department", vice, change(func(d *Deputy) { d.Of = other }), "other", WrongDepartment},
		{"not said", vice, stand, "", WrongDepartment},
		{"the requester", clerk, change(func(d *Deputy) { d.To = "clerk" }), "head", SelfApproval},
		{"of the requester", vice, ofClerk, "clerk", SelfApproval},
		{"of the requester, not said", by(head2), change(func(d *Deputy) { d.Of, d.To = clerk, "head2" }), "", SelfApproval},
		{"of the requester, another said", by(head2), change(func(d *Deputy) { d.Of, d.To = clerk, "head2" }), "head", SelfApproval},
		{"of the requester until now", by(head2), change(func(d *Deputy) { d.Of, d.To, d.Until = clerk, "head2", noon }), "", nil},
	} {
		got, err := Decide(ask(t, Resanitize, Wide), by(c.who, c.d), Vote{Choice: Approve, OnBehalfOf: c.of}, noon)
		if !errors.Is(err, c.want) && err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil && c.of != "" && (got.State != Approved || got.Decisions[0].OnBehalfOf != "head" || got.Decisions[0].Basis != AsDeputy || got.Granted() != nil) {
			t.Errorf("%s: %+v", c.name, got)
		}
		if err == nil && len(got.Decisions[0].By.Stands) > 0 {
			t.Errorf("%s: the row keeps deputations", c.name)
		}
	}
	t.Run("one authority is one person", func(t *testing.T) {
		vice := Actor{ID: "vice", Roles: []Role{Approver, Admin}, Dept: "joho"}
		standIn := Deputy{Of: both, To: "vice", From: noon.Add(-time.Hour), Until: noon.Add(time.Hour)}
		r, err := Decide(ask(t, Original, ""), by(vice, standIn), Vote{Choice: Approve, Reason: "x", OnBehalfOf: "both"}, noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, again := range []Actor{both, vice} {
			if _, err := Decide(r, again, Vote{Choice: Approve, Reason: "x"}, noon); !errors.Is(err, NotEnoughPersons) {
				t.Errorf("%s: %v", again.ID, err)
			}
		}
		if r, err = Decide(r, admin2, Vote{Choice: Approve, Reason: "x"}, noon); err != nil || r.State != Approved {
			t.Errorf("%s, %v", r.State, err)
		}
		if _, err := Decide(ask(t, Original, ""), admin1, Vote{Choice: Approve, Reason: "x"}, noon); !errors.Is(err, WrongRole) {
			t.Errorf("an administrator first: %v", err)
		}
	})
}

func TestWithdrawAndExpire(t *testing.T) {
	wide := ask(t, Resanitize, Wide)
	if _, err := wide.Withdraw(head, "", noon); !errors.Is(err, NotYours) {
		t.Errorf("by another: %v", err)
	}
	w, err := wide.Withdraw(clerk, "", noon)
	if err != nil || w.State != Withdrawn || w.Version != 2 {
		t.Fatalf("%+v, %v", w, err)
	}
	if _, err := w.Withdraw(clerk, "", noon); !errors.Is(err, AlreadyDecided) || !errors.Is(err, ErrState) {
		t.Errorf("twice: %v", err)
	}
	if _, err := Decide(w, admin1, Vote{Choice: Approve}, noon); !errors.Is(err, AlreadyDecided) {
		t.Errorf("approve what was withdrawn: %v", err)
	}
	if _, err := wide.Expire(wide.ExpiresAt.Add(-1)); !errors.Is(err, ErrState) {
		t.Errorf("early: %v", err)
	}
	if e, err := wide.Expire(wide.ExpiresAt); err != nil || e.State != Lapsed {
		t.Errorf("%+v, %v", e, err)
	}
	done := ask(t, TextOnly, "")
	if _, err := done.Expire(done.ExpiresAt); !errors.Is(err, ErrState) {
		t.Errorf("what is approved does not expire: %v", err)
	}
}

func TestExecute(t *testing.T) {
	r, i := ask(t, TextOnly, ""), heldItem()
	if _, _, err := r.Execute(i, "", noon); err == nil {
		t.Error("without a mail")
	}
	if _, _, err := r.Execute(Item{ID: "i2", State: Held}, "d", noon); err == nil {
		t.Error("another item")
	}
	e, released, err := r.Execute(i, "d1", noon)
	if err != nil || e.State != Executed || e.Delivery != "d1" || released.State != Released || released.DecidedBy != "clerk" {
		t.Fatalf("%+v, %+v, %v", e, released, err)
	}
	if _, _, err := e.Execute(released, "d2", noon); !errors.Is(err, ErrState) {
		t.Errorf("twice: %v", err)
	}
	if _, _, err := r.Execute(released, "d2", noon); !errors.Is(err, ErrState) {
		t.Errorf("a released item: %v", err)
	}
	f, err := r.Fail(format.KindUnsupported, noon)
	if err != nil || f.State != Failed || f.Fault != "kind_unsupported" {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err = r.Fail("made up", noon); err != nil || f.Fault != "internal" {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := f.Fail(format.Internal, noon); !errors.Is(err, ErrState) {
		t.Errorf("failed twice: %v", err)
	}
	wide := ask(t, Resanitize, Wide)
	wide, err = Decide(wide, head, Vote{Choice: Approve, Also: []string{"jiro@town.example"}}, noon)
	if err != nil || !slices.Equal(wide.To(), []string{"Hanako@town.example", "jiro@town.example"}) {
		t.Errorf("%v, %v", wide.To(), err)
	}
	if e, released, err = wide.Execute(i, "d1", noon); err != nil || released.DecidedBy != "head" || e.Granted() == nil {
		t.Errorf("%+v, %v", released, err)
	}
}

// TestEveryRefusalHasWords keeps the table whole, in characters that reach
// everybody.
func TestEveryRefusalHasWords(t *testing.T) {
	for _, r := range Refusals() {
		if w := r.Text(); w.JA == "" || w.EN == "" || r.Error() == "" {
			t.Errorf("%s has no words", r)
		}
	}
	if Refusal("x").Text() != WrongRole.Text() {
		t.Error("an unknown refusal has words of its own")
	}
	if errors.Is(WrongRole, ErrState) || !errors.Is(fmt.Errorf("x: %w", Ended), ErrState) {
		t.Error("ErrState")
	}
}
