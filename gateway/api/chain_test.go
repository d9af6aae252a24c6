package api_test

import (
	"strings"
	"testing"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/quarantine"
)

// TestChainLeft: the last approval does not count when the requester or the first
// approver was disabled meanwhile: the request goes back, and says why.
// spec: g11
func TestChainLeft(t *testing.T) {
	for _, gone := range []string{"kacho", "yamada"} {
		w := newTown(t, quarantine.Rules{Exceptions: true})
		second := w.second()
		var e struct{ ID string }
		w.post(w.admin, "exceptions", exceptionBody("2026-11-25T00:00:00Z", "2026-12-25T00:00:00Z")).into(t, &e)
		for _, c := range []*client{w.head, second} {
			w.post(c, "exceptions/"+e.ID+"/decisions", map[string]any{"decision": "approve", "reason": "可"})
		}
		id := w.ask(w.clerk, "exception", "exception", e.ID)
		if a := w.decide(w.head, id, "approve"); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		w.admin = w.signIn("kanri")
		w.admin.want(200, "PUT", "users/"+w.id(gone)+"/state", map[string]any{"state": "disabled"}, "If-Match", w.tag(gone))
		a := w.decide(second, id, "approve")
		if a.status != 200 || w.state(id) != quarantine.SentBack || !strings.Contains(string(a.body), `"by":"sekisho"`) || !strings.Contains(string(a.body), "もう一度申請してください") {
			t.Errorf("%s left: %d %s, now %s", gone, a.status, a.body, w.state(id))
		}
		if jobs, err := w.l.Jobs(t.Context(), gateway.JobQuery{Request: id}); err != nil || len(jobs) > 0 {
			t.Errorf("%d jobs, %v", len(jobs), err)
		}
	}
}

// TestDeputyRules: the requester's deputy does not decide, said or not; a deputy who
// lost the approver's role decides for nobody.
// spec: g11
func TestDeputyRules(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	w.user("hosa", "zeimu", account.Staff, account.Approver)
	w.deputy("kacho", "hosa")
	items, _, err := w.l.ItemPage(t.Context(), gateway.PageQuery{Addresses: []string{"kacho@town.example"}})
	if err != nil || len(items) != 1 {
		t.Fatal(items, err)
	}
	clerks := w.item
	w.item, w.head = items[0].ID, w.signIn("kacho")
	id := w.ask(w.head, "text_only")
	hosa := w.signIn("hosa")
	for name, more := range map[string][]any{"said": {"on_behalf_of", w.id("kacho")}, "not said": nil} {
		for _, choice := range []string{"approve", "deny", "send_back"} {
			w.wantCode(name+", "+choice, w.decide(hosa, id, choice, more...), 403, "self_approval")
		}
	}
	w.item = clerks
	id = w.ask(w.clerk, "text_only")
	w.user("moto", "soumu", account.Staff, account.Approver)
	w.deputy("kacho", "moto")
	w.admin.want(200, "DELETE", "users/"+w.id("moto")+"/roles/approver", nil, "If-Match", w.tag("moto"))
	moto := w.signIn("moto")
	if a := w.decide(moto, id, "approve", "on_behalf_of", w.id("kacho")); a.status == 200 || w.state(id) != quarantine.Requested {
		t.Errorf("a former approver: %d %s, now %s", a.status, a.body, w.state(id))
	}
	if a := w.decide(hosa, id, "approve", "on_behalf_of", w.id("kacho")); a.status != 200 || w.state(id) != quarantine.Approved {
		t.Errorf("a deputy: %d %s", a.status, a.body)
	}
}
