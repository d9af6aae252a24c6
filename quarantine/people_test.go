package quarantine

import (
	"testing"
	"time"

	"sekisho/sanitize/format"
)

var noon = time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)

// The office of the tests.
var (
	clerk   = Actor{ID: "clerk", Roles: []Role{Staff}, Dept: "soumu", Mailboxes: []string{"hanako@town.example"}}
	clerk2  = Actor{ID: "clerk2", Roles: []Role{Staff}, Dept: "soumu", Mailboxes: []string{"jiro@town.example"}}
	head    = Actor{ID: "head", Roles: []Role{Staff, Approver}, Dept: "soumu", Mailboxes: []string{"head@town.example"}}
	head2   = Actor{ID: "head2", Roles: []Role{Approver}, Dept: "soumu"}
	other   = Actor{ID: "other", Roles: []Role{Approver}, Dept: "zeimu"}
	admin1  = Actor{ID: "admin1", Roles: []Role{Admin}, Dept: "joho"}
	admin2  = Actor{ID: "admin2", Roles: []Role{Admin}, Dept: "joho"}
	both    = Actor{ID: "both", Roles: []Role{Approver, Admin}, Dept: "soumu"}
	auditor = Actor{ID: "auditor", Roles: []Role{Auditor}, Dept: "kansa"}
	doubled = Actor{ID: "doubled", Roles: []Role{Auditor, Admin, Approver}, Dept: "soumu"}
	vendor  = Actor{ID: "vendor", Roles: []Role{Operator}, Dept: "soumu"}
	gone    = Actor{ID: "gone", Roles: []Role{Admin, Approver}, Dept: "soumu", Disabled: true}
)

var allRules = Rules{SelfService: true, InternetSide: true, Exceptions: true}

func heldItem() Item {
	return Item{ID: "i1", Message: "m1", Receipt: "M-261125-00001", Recipient: "Hanako@town.example", Path: "2", Kind: format.PDF,
		State: Held, HeldAt: noon, ExpiresAt: noon.Add(30 * 24 * time.Hour)}
}

// openException covers heldItem from noon on.
func openException(t testing.TB) Exception {
	t.Helper()
	e, err := Propose(Exception{ID: "x1", Scope: Scope{[]string{"@town.example"}, []string{Any}, []string{"pdf"}}, Reason: "入札の原本",
		From: noon, Until: noon.Add(10 * 24 * time.Hour), MaxUses: 2}, admin1, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []Actor{head, admin2} {
		if e, err = DecideException(e, a, Vote{Choice: Approve}, noon); err != nil {
			t.Fatal(err)
		}
	}
	if e.State != Opened {
		t.Fatalf("two approvals: %s", e.State)
	}
	return e
}

func ask(t testing.TB, f Form, p Profile) ReleaseRequest {
	t.Helper()
	k := Ask{ID: "r1", Form: f, Profile: p, Reason: "入札に使う", Original: []string{"hanako@town.example", "jiro@town.example"}, Sender: "a@example.com"}
	if f == Original {
		k.Exception = openException(t)
	}
	r, err := Request(k, heldItem(), clerk, allRules, noon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
