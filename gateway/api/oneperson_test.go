package api_test

import (
	"strings"
	"testing"
	"time"

	"sekisho/gateway/account"
	"sekisho/gateway/account/accounttest"
	"sekisho/quarantine"
)

// reset is what an administrator gets for a password-reset.
type reset struct {
	Password string
	Proposal struct{ ID string }
}

// take signs in with a password that somebody gave, and makes the account one's own.
func (w *world) take(name, password string) *client {
	w.T.Helper()
	c := w.client()
	c.want(201, "POST", "sessions", map[string]string{"name": name, "password": password})
	c.want(200, "PUT", "me/password", map[string]string{"old": password, "new": good + "？"})
	return c
}

// TestOneAdministratorIsOnePerson: an administrator who resets, makes and equips
// accounts gets no second person out of it.
func TestOneAdministratorIsOnePerson(t *testing.T) {
	w := newTown(t, quarantine.Rules{Exceptions: true})
	w.user("fuku", "", account.Admin)
	evil := w.signIn("kanri")
	for _, name := range []string{"fuku", "kacho"} {
		var r reset
		evil.want(202, "POST", "users/"+w.id(name)+"/password-resets", nil, "If-Match", w.tag(name)).into(t, &r)
		if r.Password != "" || r.Proposal.ID == "" {
			t.Errorf("%s: %+v", name, r)
		}
		evil.want(202, "POST", "users/"+w.id(name)+"/factor-resets", nil, "If-Match", w.tag(name))
		if a := evil.want(403, "POST", "role-proposals/"+r.Proposal.ID+"/decisions", map[string]any{"decision": "confirm"}); a.code() != "second_person_needed" {
			t.Errorf("%s: %s", name, a.body)
		}
		w.signIn(name) // with what they had
	}
	a := evil.want(201, "POST", "users", map[string]any{"name": "yurei", "display": "幽霊", "dept": "zeimu", "roles": []string{"approver"},
		"addresses": []string{"yamada@town.example", "yurei@town.example"}})
	var made struct {
		User     struct{ Roles, Addresses []string }
		Proposal struct{ ID string }
	}
	a.into(t, &made)
	if strings.Join(made.User.Roles, " ") != "staff" || strings.Join(made.User.Addresses, " ") != "yurei@town.example" || made.Proposal.ID == "" {
		t.Errorf("a ghost: %s", a.body)
	}
}

// TestWhoGaveThePasswordIsThePerson: the clerk's account, taken by the administrator,
// asks for nothing that the administrator approves; another one may, and so may the
// administrator after a week.
func TestWhoGaveThePasswordIsThePerson(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	w.user("fuku", "", account.Admin)
	w.admin = w.signIn("kanri")
	var r reset
	w.admin.want(200, "POST", "users/"+w.id("yamada")+"/password-resets", nil, "If-Match", w.tag("yamada")).into(t, &r)
	w.clerk = w.take("yamada", r.Password)
	id := w.ask(w.clerk, "text_only")
	w.wantCode("the giver", w.decide(w.admin, id, "approve"), 403, "credential_given")
	if a := w.decide(w.signIn("fuku"), id, "approve"); a.status != 200 {
		t.Errorf("another administrator: %d %s", a.status, a.body)
	}
	w.Wait(account.CredentialTime)
	w.mail("yamada@town.example")
	c := w.client()
	c.want(201, "POST", "sessions", map[string]string{"name": "yamada", "password": good + "？"})
	w.item = w.newest(c)
	id = w.ask(c, "text_only")
	if a := w.decide(w.signIn("kanri"), id, "approve"); a.status != 200 {
		t.Errorf("a week later: %d %s", a.status, a.body)
	}
}

// newest is the newest held part that somebody sees.
func (w *world) newest(c *client) string {
	w.T.Helper()
	var v struct{ Items []struct{ ID string } }
	c.want(200, "GET", "items", nil).into(w.T, &v)
	if len(v.Items) == 0 {
		w.T.Fatal("nothing is held")
	}
	return v.Items[0].ID
}

// TestConfirmedReset: the second administrator gets the password and the first does
// not; what was confirmed is done once.
func TestConfirmedReset(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	w.user("fuku", "", account.Admin)
	w.admin = w.signIn("kanri")
	var r reset
	w.admin.want(202, "POST", "users/"+w.id("kacho")+"/password-resets", nil, "If-Match", w.tag("kacho")).into(t, &r)
	w.head.want(200, "GET", "me", nil)
	fuku := w.signIn("fuku")
	if a := fuku.want(200, "GET", "role-proposals", nil); !strings.Contains(string(a.body), `"act":"reset_password"`) {
		t.Errorf("%s", a.body)
	}
	var done reset
	fuku.want(200, "POST", "role-proposals/"+r.Proposal.ID+"/decisions", map[string]any{"decision": "confirm"}).into(t, &done)
	fuku.want(412, "POST", "role-proposals/"+r.Proposal.ID+"/decisions", map[string]any{"decision": "confirm"})
	w.head.want(401, "GET", "me", nil)
	w.Wait(30 * time.Second)
	c := w.client()
	c.want(201, "POST", "sessions", map[string]string{"name": "kacho", "password": done.Password, "code": w.code("kacho")})
	w.Wait(30 * time.Second)
	c.want(200, "PUT", "me/password", map[string]any{"old": done.Password, "new": accounttest.Good + "！", "code": w.code("kacho")})
	// For a week the approver is neither of the two.
	id := w.ask(w.signIn("kanri"), "text_only")
	w.wantCode("who proposed it asks", w.decide(c, id, "approve"), 403, "credential_given")
	w.admin = w.signIn("kanri")
	w.admin.want(204, "DELETE", "release-requests/"+id, nil)
	w.clerk = w.signIn("yamada")
	id = w.ask(w.clerk, "text_only")
	if a := w.decide(c, id, "approve"); a.status != 200 {
		t.Errorf("another's request: %d %s", a.status, a.body)
	}
}
