package quarantine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestLeft: everybody whose authority a request uses has to be there still, in the
// role of their step; only whoever is stood in for may be disabled.
// spec: g11
func TestLeft(t *testing.T) {
	off := func(a Actor) Actor { a.Disabled = true; return a }
	as := func(a Actor, roles ...Role) Actor { a.Roles = roles; return a }
	vice := Actor{ID: "vice", Roles: []Role{Approver}, Dept: "zeimu"}
	stands := by(vice, Deputy{Of: head, To: "vice", From: noon, Until: noon.Add(1e9)})
	granted := func(first Actor, of string) ReleaseRequest {
		r := ask(t, Original, "")
		for n, a := range []Actor{first, admin1} {
			v := Vote{Choice: Approve, Reason: "x"}
			if n == 0 {
				v.OnBehalfOf = of
			}
			var err error
			if r, err = Decide(r, a, v, noon); err != nil {
				t.Fatal(err)
			}
		}
		return r
	}
	own, deputy := granted(head, ""), granted(stands, "head")
	everybody := []Actor{clerk, head, admin1, vice}
	for _, c := range []struct {
		name string
		r    ReleaseRequest
		now  []Actor // instead of whom they were
		gone string
		want string
	}{
		{"everybody stands", own, nil, "", ""},
		{"the requester is disabled", own, []Actor{off(clerk)}, "", "clerk"},
		{"the requester is an auditor by now", own, []Actor{as(clerk, Auditor)}, "", "clerk"},
		{"the requester has another role", own, []Actor{as(clerk, Approver)}, "", ""},
		{"the first approver is disabled", own, []Actor{off(head)}, "", "head"},
		{"the first approver is none any more", own, []Actor{as(head, Staff, Admin)}, "", "head"},
		{"the administrator is disabled", own, []Actor{off(admin1)}, "", "admin1"},
		{"the administrator is an approver by now", own, []Actor{as(admin1, Approver)}, "", "admin1"},
		{"the administrator is an auditor too", own, []Actor{as(admin1, Admin, Auditor)}, "", "admin1"},
		{"an account is gone", own, nil, "head", "head"},
		{"a deputy", deputy, nil, "", ""},
		{"a deputy of somebody disabled", deputy, []Actor{off(head)}, "", ""},
		{"a deputy of a former approver", deputy, []Actor{as(head, Staff)}, "", "head"},
		{"a deputy who is disabled", deputy, []Actor{off(vice)}, "", "vice"},
		{"a deputy who is no approver any more", deputy, []Actor{as(vice, Staff)}, "", "vice"},
	} {
		now := map[string]Actor{}
		for _, a := range append(everybody, c.now...) {
			now[a.ID] = a
		}
		delete(now, c.gone)
		if got := c.r.Left(now); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := fmt.Sprint(deputy.Chain()); got != "[clerk vice head admin1]" {
		t.Errorf("the chain is %s", got)
	}
	os := own
	os.Requester.ID = OSPrefix + "yamada"
	if got := fmt.Sprint(os.Chain()); got != "[head admin1]" || os.Left(map[string]Actor{"head": head, "admin1": admin1}) != "" {
		t.Errorf("a user of the operating system: %s", got)
	}
	if got := (ReleaseRequest{}).Left(nil); got != "" || (ReleaseRequest{}).Granted() == nil {
		t.Errorf("the zero request: %q", got)
	}
	e := openException(t)
	for name, c := range map[string]struct {
		now  Actor
		want string
	}{"stands": {admin1, ""}, "the proposer left": {off(admin1), "admin1"}, "the proposer is a clerk": {as(admin1, Staff), "admin1"},
		"the first left": {off(head), "head"}, "the second left": {off(admin2), "admin2"}} {
		now := map[string]Actor{"admin1": admin1, "head": head, "admin2": admin2}
		now[c.now.ID] = c.now
		if got := e.Left(now); got != c.want {
			t.Errorf("an exception, %s: %q, want %q", name, got, c.want)
		}
	}
}

// TestGoBack: what goes back says why, once, and is never carried out.
func TestGoBack(t *testing.T) {
	r := ask(t, Resanitize, Wide)
	r.Requester.Name = "山田"
	back, err := r.GoBack("clerk", noon)
	last := back.Decisions[len(back.Decisions)-1]
	if err != nil || back.State != SentBack || back.Version != r.Version+1 || !back.EndedAt.Equal(noon) || last.By.ID != Gateway || last.Basis != BySystem ||
		!strings.Contains(last.Reason, "（山田）") {
		t.Fatalf("%+v, %v", back, err)
	}
	if _, err := back.GoBack("clerk", noon); !errors.Is(err, ErrState) {
		t.Errorf("twice: %v", err)
	}
	approved, err := Decide(r, head, Vote{Choice: Approve}, noon)
	if err != nil {
		t.Fatal(err)
	}
	back, err = approved.GoBack("head", noon)
	if err != nil || back.State != SentBack || len(back.Approvals()) != 1 || back.Granted() == nil {
		t.Fatalf("%+v, %v", back, err)
	}
	if _, _, err := back.Execute(heldItem(), "d1", noon); err == nil {
		t.Error("it was carried out")
	}
}
