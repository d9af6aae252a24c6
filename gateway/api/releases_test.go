package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/quarantine"
)

// town is an office with a held part of a clerk.
type town struct {
	*world
	clerk, head, admin *client
	item               string
	keys               int
}

func newTown(t *testing.T, rules quarantine.Rules) *town {
	t.Helper()
	w := newWorld(t)
	w.rules = rules
	w.user("kanri", "", account.Admin)
	w.user("yamada", "zeimu", account.Staff)
	w.user("kacho", "zeimu", account.Staff, account.Approver)
	w.user("other", "soumu", account.Staff, account.Approver)
	w.mail("yamada@town.example", "kacho@town.example")
	items, _, err := w.l.ItemPage(t.Context(), gateway.PageQuery{Addresses: []string{"yamada@town.example"}})
	if err != nil || len(items) != 1 {
		t.Fatal(items, err)
	}
	return &town{world: w, clerk: w.signIn("yamada"), head: w.signIn("kacho"), admin: w.signIn("kanri"), item: items[0].ID}
}

// post sends what moves mail, with a new key.
func (w *town) post(c *client, path string, body any) answer {
	w.T.Helper()
	w.keys++
	return c.do("POST", path, body, "Idempotency-Key", fmt.Sprintf("key-number-%d", w.keys))
}

// ask makes a request and returns its id.
func (w *town) ask(c *client, form string, more ...string) string {
	w.T.Helper()
	body := map[string]any{"item": w.item, "form": form, "reason": "契約の相手からの資料"}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i]] = more[i+1]
	}
	a := w.post(c, "release-requests", body)
	var v struct{ ID, State string }
	a.into(w.T, &v)
	if a.status != 201 || v.ID == "" {
		w.T.Fatalf("ask: %d %s", a.status, a.body)
	}
	return v.ID
}

func (w *town) decide(c *client, id, decision string, more ...any) answer {
	w.T.Helper()
	body := map[string]any{"decision": decision, "reason": "確認した"}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return w.post(c, "release-requests/"+id+"/decisions", body)
}

func (w *town) state(id string) quarantine.RequestState {
	w.T.Helper()
	r, err := w.l.Request(w.T.Context(), id)
	if err != nil {
		w.T.Fatal(err)
	}
	return r.State
}

func (w *town) wantCode(what string, a answer, status int, code string) {
	w.T.Helper()
	if a.status != status || a.code() != code {
		w.T.Errorf("%s: %d %s, want %d %s", what, a.status, a.body, status, code)
	}
}

func TestReleaseByApprover(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	id := w.ask(w.clerk, "text_only")
	w.wantCode("a second request", w.post(w.clerk, "release-requests", map[string]any{"item": w.item, "form": "resanitize", "reason": "x"}), 409, "already_decided")
	w.wantCode("the clerk decides", w.decide(w.clerk, id, "approve"), 403, "not_permitted")
	other := w.signIn("other")
	w.wantCode("another department", w.decide(other, id, "approve"), 404, "not_found")
	if a := other.want(200, "GET", "release-requests", nil); strings.Contains(string(a.body), id) {
		t.Errorf("another department sees it: %s", a.body)
	}
	if a := w.head.want(200, "GET", "release-requests", nil); !strings.Contains(string(a.body), id) {
		t.Errorf("the head does not: %s", a.body)
	}
	w.wantCode("on an old picture", w.decide(w.head, id, "approve", "version", 7), 409, "already_decided")
	if a := w.decide(w.head, id, "approve", "version", 1); a.status != 200 || w.state(id) != quarantine.Approved {
		t.Fatalf("approve: %d %s", a.status, a.body)
	}
	w.wantCode("decided meanwhile", w.decide(w.admin, id, "deny"), 409, "already_decided")
	w.wantCode("withdraw too late", w.clerk.do("DELETE", "release-requests/"+id, nil), 409, "already_decided")
	jobs, err := w.l.Jobs(t.Context(), gateway.JobQuery{Request: id})
	if err != nil || len(jobs) != 1 || jobs[0].Kind != gateway.JobRelease {
		t.Errorf("jobs %+v %v", jobs, err)
	}
	if got := w.records("release."); len(got) != 2 {
		t.Errorf("records %q", got)
	}
}

// TestOwnRequest: nobody decides on a request of one's own, not even an
// administrator or by a deputy.
// spec: g11
func TestOwnRequest(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	items, _, err := w.l.ItemPage(t.Context(), gateway.PageQuery{Addresses: []string{"kacho@town.example"}})
	if err != nil {
		t.Fatal(err)
	}
	w.item = items[0].ID
	id := w.ask(w.head, "resanitize")
	w.wantCode("the head's own", w.decide(w.head, id, "approve"), 403, "self_approval")
	admins := w.ask(w.adminOf("yamada@town.example"), "resanitize")
	w.wantCode("the administrator's own", w.decide(w.admin, admins, "approve"), 403, "self_approval")
	if a := w.decide(w.head, admins, "approve"); a.status != 200 {
		t.Errorf("the head for the administrator's request: %d %s", a.status, a.body)
	}
	w.deputy("kacho", "other")
	w.wantCode("the deputy of the requester", w.decide(w.signIn("other"), id, "approve", "on_behalf_of", w.id("kacho")), 403, "self_approval")
}

// adminOf returns the administrator, who is about to ask for another's part.
func (w *town) adminOf(recipient string) *client {
	w.T.Helper()
	items, _, err := w.l.ItemPage(w.T.Context(), gateway.PageQuery{Addresses: []string{recipient}})
	if err != nil || len(items) == 0 {
		w.T.Fatal(err)
	}
	w.item = items[0].ID
	return w.admin
}

func (w *town) deputy(of, by string) {
	w.T.Helper()
	w.admin = w.signIn("kanri")
	w.admin.want(201, "POST", "deputies", map[string]any{"for": w.id(of), "by": w.id(by), "from": w.Now().Add(-time.Hour), "until": w.Now().Add(24 * time.Hour)})
}

// TestDeputyOfDisabled: what waits for a disabled approver goes to the deputy.
func TestDeputyOfDisabled(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	id := w.ask(w.clerk, "text_only")
	w.deputy("kacho", "other")
	w.admin.want(200, "PUT", "users/"+w.id("kacho")+"/state", map[string]any{"state": "disabled"}, "If-Match", w.tag("kacho"))
	other := w.signIn("other")
	if a := other.want(200, "GET", "release-requests", nil); !strings.Contains(string(a.body), id) {
		t.Errorf("the deputy does not see it: %s", a.body)
	}
	w.wantCode("in one's own right", w.decide(other, id, "approve"), 403, "not_your_department")
	w.wantCode("for somebody else", w.decide(other, id, "approve", "on_behalf_of", w.id("kanri")), 403, "deputy")
	if a := w.decide(other, id, "approve", "on_behalf_of", w.id("kacho")); a.status != 200 || !strings.Contains(string(a.body), `"basis":"deputy"`) {
		t.Errorf("as the deputy: %d %s", a.status, a.body)
	}
}

func TestEndsOfRequests(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	for _, c := range []struct {
		name string
		end  func(id string) answer
		ok   int
		want quarantine.RequestState
	}{
		{"deny without a reason", func(id string) answer { return w.decide(w.head, id, "deny", "reason", "") }, 422, quarantine.Requested},
		{"deny", func(id string) answer { return w.decide(w.head, id, "deny") }, 200, quarantine.Denied},
		{"send back", func(id string) answer { return w.decide(w.head, id, "send_back") }, 200, quarantine.SentBack},
		{"withdraw", func(id string) answer { return w.clerk.do("DELETE", "release-requests/"+id, nil) }, 204, quarantine.Withdrawn},
		{"another withdraws", func(id string) answer { return w.admin.do("DELETE", "release-requests/"+id, nil) }, 403, quarantine.Requested},
	} {
		w.Wait(time.Minute) // rates
		w.clerk, w.head, w.admin = w.signIn("yamada"), w.signIn("kacho"), w.signIn("kanri")
		id := w.ask(w.clerk, "text_only")
		if a := c.end(id); a.status != c.ok || w.state(id) != c.want {
			t.Errorf("%s: %d %s, now %s", c.name, a.status, a.body, w.state(id))
		}
		if w.state(id) == quarantine.Requested {
			w.clerk.want(204, "DELETE", "release-requests/"+id, nil)
		}
	}
}

func TestSelfService(t *testing.T) {
	w := newTown(t, quarantine.Rules{SelfService: true})
	id := w.ask(w.clerk, "text_only")
	if w.state(id) != quarantine.Approved {
		t.Errorf("%s", w.state(id))
	}
	if jobs, err := w.l.Jobs(t.Context(), gateway.JobQuery{Request: id}); err != nil || len(jobs) != 1 {
		t.Errorf("jobs %v %v", jobs, err)
	}
}

// TestExceptionTakesTwo: the original needs a registered exception, opened by
// two others, and then two others for the part itself.
func TestExceptionTakesTwo(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	w.wantCode("off", w.post(w.clerk, "release-requests", map[string]any{"item": w.item, "form": "exception", "reason": "x"}), 403, "form_not_offered")
	w.rules.Exceptions = true
	w.wantCode("none registered", w.post(w.clerk, "release-requests", map[string]any{"item": w.item, "form": "exception", "reason": "x"}), 403, "no_exception")
	second := w.second()
	a := w.post(w.admin, "exceptions", exceptionBody("2026-11-25T00:00:00Z", "2026-12-25T00:00:00Z"))
	var e struct{ ID, State string }
	a.into(t, &e)
	if a.status != 201 || e.State != "proposed" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	vote := func(c *client) answer {
		return w.post(c, "exceptions/"+e.ID+"/decisions", map[string]any{"decision": "approve", "reason": "可"})
	}
	w.wantCode("the proposer", vote(w.admin), 403, "self_approval")
	if a := vote(w.head); a.status != 200 || !strings.Contains(string(a.body), `"state":"proposed"`) {
		t.Errorf("first: %s", a.body)
	}
	w.wantCode("the first again", vote(w.head), 403, "not_enough_persons")
	if a := vote(second); a.status != 200 || !strings.Contains(string(a.body), `"state":"open"`) {
		t.Errorf("second: %s", a.body)
	}
	id := w.ask(w.clerk, "exception", "exception", e.ID)
	if a := w.decide(w.head, id, "approve"); a.status != 200 || w.state(id) != quarantine.Requested {
		t.Errorf("one person was enough: %s", a.body)
	}
	w.wantCode("the same again", w.decide(w.head, id, "approve"), 403, "not_enough_persons")
	if a := w.decide(second, id, "approve"); a.status != 200 || w.state(id) != quarantine.Approved {
		t.Errorf("two persons: %d %s", a.status, a.body)
	}
	if got := w.records("exception.opened"); len(got) != 3 || !strings.Contains(got[0], "pending") || !strings.Contains(got[1], "pending") || !strings.Contains(got[2], "success") {
		t.Errorf("records %q", got)
	}
	if a := w.post(w.head, "exceptions/"+e.ID+"/decisions", map[string]any{"decision": "end", "reason": "用が済んだ"}); a.status != 200 || !strings.Contains(string(a.body), `"state":"ended"`) {
		t.Errorf("end: %d %s", a.status, a.body)
	}
}

// second makes and returns a second administrator.
func (w *town) second() *client {
	w.T.Helper()
	w.user("fuku", "", account.Admin)
	w.admin = w.signIn("kanri")
	c := w.signIn("fuku")
	w.head = w.signIn("kacho")
	return c
}

// TestManyDecisions: each has a result, and what is refused stops no other.
func TestManyDecisions(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	own := w.ask(w.clerk, "text_only")
	items, _, err := w.l.ItemPage(t.Context(), gateway.PageQuery{Addresses: []string{"kacho@town.example"}})
	if err != nil {
		t.Fatal(err)
	}
	w.item = items[0].ID
	heads := w.ask(w.head, "text_only")
	a := w.post(w.head, "release-decisions", map[string]any{"requests": []string{heads, own, "x", own}, "decision": "approve"})
	want := fmt.Sprintf(`{"results":[{"id":%q,"done":false,"code":"self_approval"},{"id":%q,"done":true},{"id":"x","done":false,"code":"not_found"},`+
		`{"id":%q,"done":false,"code":"already_decided"}]}`, heads, own, own)
	if a.status != 200 || strings.TrimSpace(string(a.body)) != want || w.state(own) != quarantine.Approved || w.state(heads) != quarantine.Requested {
		t.Errorf("%d %s", a.status, a.body)
	}
}
