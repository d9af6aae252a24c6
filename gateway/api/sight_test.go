package api_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"sekisho/gateway/account"
	"sekisho/quarantine"
)

// TestAcrossDepartments: people see mail to themselves, approvers that of their
// department, and of others not even the names of further recipients.
func TestAcrossDepartments(t *testing.T) {
	w := newWorld(t)
	for name, dept := range map[string]string{"yamada": "zeimu", "sato": "zeimu", "tanaka": "soumu"} {
		w.user(name, dept, account.Staff)
	}
	w.user("kacho", "zeimu", account.Approver)
	w.user("admin", "", account.Admin)
	w.user("kansa", "", account.Auditor)
	both := w.mail("Yamada@town.example", "tanaka@town.example")
	own := w.mail("tanaka@town.example")
	type mail struct {
		ID, Subject, From string
		Recipients        []string
	}
	for _, c := range []struct {
		who        string
		both, own  bool
		recipients string
		content    bool
		items      int
		names      bool
		detail     bool
	}{
		{"yamada", true, false, "Yamada@town.example", true, 1, true, false},
		{"sato", false, false, "", false, 0, true, false},
		{"tanaka", true, true, "tanaka@town.example", true, 2, true, false},
		{"kacho", true, false, "Yamada@town.example", false, 1, true, false},
		{"admin", true, true, "Yamada@town.example tanaka@town.example", false, 3, true, true},
		{"kansa", true, true, "Yamada@town.example tanaka@town.example", false, 3, false, false},
	} {
		t.Run(c.who, func(t *testing.T) {
			b := w.signIn(c.who)
			var list struct{ Items []mail }
			b.want(200, "GET", "messages", nil).into(t, &list)
			got := map[string]mail{}
			for _, m := range list.Items {
				got[m.ID] = m
			}
			_, seesBoth := got[string(both.ID)]
			_, seesOwn := got[string(own.ID)]
			if seesBoth != c.both || seesOwn != c.own {
				t.Errorf("sees both %v, own %v", seesBoth, seesOwn)
			}
			status := map[bool]int{true: 200, false: 404}
			one := b.want(status[c.both], "GET", "messages/"+string(both.ID), nil)
			b.want(status[c.own], "GET", "messages/"+string(own.ID), nil)
			b.want(status[c.own], "GET", "messages/"+string(own.ID)+"/timeline", nil)
			if c.both {
				var m mail
				one.into(t, &m)
				if strings.Join(m.Recipients, " ") != c.recipients || (m.Subject != "") != c.content || (m.From != "") != c.content {
					t.Errorf("mail %+v", m)
				}
				hist := b.want(200, "GET", "messages/"+string(both.ID)+"/timeline", nil)
				if n := strings.Count(string(hist.body), `"item.held"`); n != c.items && n != 2 && n != 1 {
					t.Errorf("timeline: %s", hist.body)
				}
				if len(strings.Fields(c.recipients)) == 1 && strings.Count(string(hist.body), `"item.held"`) != 1 {
					t.Errorf("the timeline tells of others: %s", hist.body)
				}
			}
			var items struct {
				Items []struct{ ID, Name, Detail, Recipient string }
			}
			b.want(200, "GET", "items", nil).into(t, &items)
			if len(items.Items) != c.items {
				t.Errorf("%d items", len(items.Items))
			}
			for _, i := range items.Items {
				b.want(200, "GET", "items/"+i.ID, nil)
				if (i.Name != "") != c.names || (i.Detail != "") != c.detail {
					t.Errorf("item %+v", i)
				}
			}
		})
	}
	if got := w.records("message.viewed"); len(got) != 5 { // kacho one, admin two, kansa two
		t.Errorf("views on record: %q", got)
	}
}

// TestContentByRole: whoever audits and has a mailbox too sees what was sent to
// that mailbox, and no names of files in others' mail: for each pair of roles, the
// content is that of the roles that may see it.
func TestContentByRole(t *testing.T) {
	w := newWorld(t)
	w.user("tanaka", "soumu", account.Staff)
	w.mail("tanaka@town.example")
	pairs := map[string][]account.Role{
		"kansa":  {account.Staff, account.Auditor},
		"kacho":  {account.Approver, account.Auditor},
		"joho":   {account.Staff, account.Admin},
		"shocho": {account.Staff, account.Approver},
	}
	for name, roles := range pairs {
		w.user(name, "zeimu", roles...)
	}
	w.mail("kansa@town.example")
	for name, want := range map[string]map[string]bool{ // recipient, and whether the name is seen
		"kansa":  {"tanaka@town.example": false, "kansa@town.example": true},
		"kacho":  {"tanaka@town.example": false, "kansa@town.example": true},
		"joho":   {"tanaka@town.example": true, "kansa@town.example": true},
		"shocho": {"kansa@town.example": true},
	} {
		var items struct {
			Items []struct{ Name, Detail, Recipient string }
		}
		w.signIn(name).want(200, "GET", "items", nil).into(t, &items)
		got := map[string]bool{}
		for _, i := range items.Items {
			got[i.Recipient] = i.Name != ""
			if (i.Detail != "") != (name == "joho") {
				t.Errorf("%s: item %+v", name, i)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s sees %v, want %v", name, got, want)
		}
	}
}

// TestDiscard: of one's own parts only, each with a result, once for a key.
func TestDiscard(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	w.user("tanaka", "soumu", account.Staff)
	w.mail("yamada@town.example", "tanaka@town.example")
	items, _, err := w.l.ItemPage(t.Context(), pageOfAll())
	if err != nil || len(items) != 2 {
		t.Fatal(items, err)
	}
	ids := map[string]string{}
	for _, i := range items {
		ids[i.Recipient] = i.ID
	}
	mine, other := ids["yamada@town.example"], ids["tanaka@town.example"]
	c := w.signIn("yamada")
	ask := map[string]any{"items": []string{mine, other, "x"}}
	if a := c.want(400, "POST", "item-discards", ask); a.code() != "idempotency_key_missing" {
		t.Errorf("%s", a.body)
	}
	one := c.want(200, "POST", "item-discards", ask, "Idempotency-Key", "first-key")
	want := fmt.Sprintf(`{"results":[{"id":%q,"done":true},{"id":%q,"done":false,"code":"not_found"},{"id":"x","done":false,"code":"not_found"}]}`, mine, other)
	if strings.TrimSpace(string(one.body)) != want {
		t.Errorf("%s", one.body)
	}
	again := c.want(200, "POST", "item-discards", ask, "Idempotency-Key", "first-key")
	if string(again.body) != string(one.body) || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("again: %s %v", again.body, again.header)
	}
	if a := c.want(422, "POST", "item-discards", map[string]any{"items": []string{"y"}}, "Idempotency-Key", "first-key"); a.code() != "idempotency_key_reused" {
		t.Errorf("%s", a.body)
	}
	if a := c.want(200, "POST", "item-discards", ask, "Idempotency-Key", "second-key"); !strings.Contains(string(a.body), "already_decided") {
		t.Errorf("%s", a.body)
	}
	d := w.signIn("tanaka") // the key of one is not another's
	if a := d.want(200, "POST", "item-discards", map[string]any{"items": []string{mine}}, "Idempotency-Key", "first-key"); !strings.Contains(string(a.body), "not_found") {
		t.Errorf("%s", a.body)
	}
	i, err := w.l.Item(t.Context(), mine)
	if err != nil || i.State != quarantine.Discarded || i.DecidedBy == "" {
		t.Errorf("%+v %v", i, err)
	}
	if got := w.records("item.discarded"); len(got) != 1 {
		t.Errorf("records %q", got)
	}
}
