package quarantine

import (
	"errors"
	"testing"
	"time"
)

// given is a person who signs in with what these gave.
func given(a Actor, by ...string) Actor {
	a.GivenBy, a.GivenUntil = by, noon.Add(time.Minute)
	return a
}

// TestGivenCredential: who gave another what it signs in with is no further person,
// on either side of a request or an exception; a third one is.
func TestGivenCredential(t *testing.T) {
	for name, c := range map[string]struct {
		requester, first, second Actor
		want                     error
	}{
		"nobody gave anything":                    {clerk, head, admin1, nil},
		"somebody else gave them all":             {given(clerk, "admin2"), given(head, "admin2"), given(admin1, "admin2"), nil},
		"the machine's user gave them":            {given(clerk, "os:root"), given(head, "os:root"), given(admin1, "os:root"), nil},
		"the requester gave the first approver's": {clerk, given(head, "x", "clerk"), admin1, GivenCredential},
		"the first approver the requester's":      {given(clerk, "head"), head, admin1, GivenCredential},
		"the requester the last approver's":       {clerk, head, given(admin1, "clerk"), GivenCredential},
		"the last approver the requester's":       {given(clerk, "admin1"), head, admin1, GivenCredential},
		"the last approver the first's":           {clerk, given(head, "admin1"), admin1, GivenCredential},
		"the first approver the last's":           {clerk, head, given(admin1, "head"), GivenCredential},
	} {
		t.Run(name, func(t *testing.T) {
			r := ask(t, Original, "")
			r.Requester = c.requester.named()
			var err error
			for _, a := range []Actor{c.first, c.second} {
				var next ReleaseRequest
				if next, err = Decide(r, a, Vote{Choice: Approve, Reason: "x"}, noon); err != nil {
					break
				}
				r = next
			}
			if !errors.Is(err, c.want) || (r.State == Approved) != (c.want == nil) {
				t.Errorf("%v, %s", err, r.State)
			}
			if again, err := Decide(ask(t, Original, ""), given(head, clerk.ID), Vote{Choice: Approve, Reason: "x"}, noon.Add(time.Minute)); err != nil {
				t.Errorf("when the time is over: %v %s", err, again.State)
			}
			// The row, however it came about, says so as well.
			forged := ask(t, Original, "")
			forged.State, forged.Requester = Approved, c.requester.named()
			forged.Decisions = []Decision{{Choice: Approve, By: c.first.named(), At: noon, Order: 1, Basis: AsApprover, Reason: "x"},
				{Choice: Approve, By: c.second.named(), At: noon, Order: 2, Basis: AsAdmin, Reason: "x"}}
			if err := forged.Granted(); !errors.Is(err, c.want) {
				t.Errorf("the row: %v", err)
			}
		})
	}
}

// TestGivenCredentialOfExceptions is the same for the register, where the giver of a
// credential denies and ends as others do: that is stricter.
func TestGivenCredentialOfExceptions(t *testing.T) {
	for name, c := range map[string]struct {
		proposer, first, second Actor
		want                    error
	}{
		"nobody gave anything":             {admin1, head, admin2, nil},
		"the proposer gave the first's":    {admin1, given(head, "admin1"), admin2, GivenCredential},
		"the proposer gave the second's":   {admin1, head, given(admin2, "admin1"), GivenCredential},
		"the second gave the proposer's":   {given(admin1, "admin2"), head, admin2, GivenCredential},
		"one approver gave the other's":    {admin1, given(head, "admin2"), admin2, GivenCredential},
		"a person beside gave the first's": {admin1, given(head, "head2"), admin2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := Propose(Exception{ID: "x1", Scope: Scope{[]string{"@town.example"}, []string{Any}, []string{"pdf"}}, Reason: "入札の原本",
				From: noon, Until: noon.Add(24 * time.Hour), MaxUses: 2}, c.proposer, noon)
			for _, a := range []Actor{c.first, c.second} {
				if err == nil {
					var next Exception
					if next, err = DecideException(e, a, Vote{Choice: Approve, Reason: "x"}, noon); err == nil {
						e = next
					}
				}
			}
			if !errors.Is(err, c.want) || (e.State == Opened) != (c.want == nil) {
				t.Errorf("%v, %s", err, e.State)
			}
			forged := openException(t)
			forged.ProposedBy = c.proposer.named()
			forged.Decisions[0].By, forged.Decisions[1].By = c.first.named(), c.second.named()
			if _, err := forged.Use(heldItem(), "a@example.com", noon); (err == nil) != (c.want == nil) {
				t.Errorf("the row: %v", err)
			}
			if e.State == Proposed {
				if _, err := DecideException(e, c.second, Vote{Choice: Deny, Reason: "x"}, noon); err != nil {
					t.Errorf("to deny: %v", err)
				}
			}
		})
	}
}
