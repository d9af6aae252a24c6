package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"sekisho/gateway/account"
)

// TestParameters: each place in a path, and If-Match where a version is
// changed, is a parameter that handlers get.
func TestParameters(t *testing.T) {
	w := newWorld(t)
	text, err := w.a.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range w.a.Routes() {
		_, op, ok := strings.Cut(string(text), "operationId: "+r.ID+"\n")
		if !ok {
			t.Errorf("%s is not described", r.ID)
			continue
		}
		op, _, _ = strings.Cut(op, "operationId: ")
		for _, m := range regexp.MustCompile(`\{([a-z]+)\}`).FindAllStringSubmatch(r.Path, -1) {
			if !strings.Contains(op, "name: "+m[1]+"\n") {
				t.Errorf("%s has no parameter %s", r.ID, m[1])
			}
		}
		if strings.HasPrefix(r.ID, "list") && (strings.Contains(r.Path, "messages") || strings.Contains(r.Path, "items") || strings.Contains(r.Path, "records")) &&
			!strings.Contains(op, "name: cursor\n") {
			t.Errorf("%s has no cursor", r.ID)
		}
	}
	if !strings.HasPrefix(string(text), "components:") || !strings.Contains(string(text), "openapi: 3.1.0") {
		t.Error("not OpenAPI 3.1")
	}
}

func TestPaging(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	var want []string
	for n := range 25 {
		w.Wait(time.Second)
		m := w.mail(map[bool]string{true: "yamada@town.example", false: "other@town.example"}[n%2 == 0])
		if n%2 == 0 {
			want = append([]string{string(m.ID)}, want...)
		}
	}
	c := w.signIn("yamada")
	var got []string
	path := "messages?limit=3"
	for pages := 0; ; pages++ {
		var list struct {
			Items []struct{ ID string }
			Next  string
		}
		c.want(200, "GET", path, nil).into(t, &list)
		for _, i := range list.Items {
			got = append(got, i.ID)
		}
		if list.Next == "" {
			break
		}
		if path = "messages?limit=3&cursor=" + list.Next; pages > 20 {
			t.Fatal("pages without end")
		}
		w.mail("yamada@town.example") // newer ones do not disturb
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %d of %d in this order: %v", len(got), len(want), got)
	}
	for _, bad := range []string{"x", "bTp4", "aTox", "bTotMQ", strings.Repeat("A", 70)} {
		if a := c.do("GET", "messages?cursor="+bad, nil); a.status != 422 || !strings.Contains(string(a.body), "query.cursor") {
			t.Errorf("cursor %s: %d %s", bad, a.status, a.body)
		}
	}
	c.want(422, "GET", "messages?limit=0", nil)
	c.want(422, "GET", "messages?limit=201", nil)
	c.want(422, "GET", "messages?state=gone", nil)
	var none struct{ Items []struct{ ID string } }
	c.want(200, "GET", "messages?after=2030-01-01T00:00:00Z", nil).into(t, &none)
	if len(none.Items) != 0 {
		t.Errorf("mails of the future: %v", none)
	}
}

// TestVersions: a change names the version that it was meant for.
func TestVersions(t *testing.T) {
	w := newWorld(t)
	w.user("admin", "", account.Admin)
	u := w.user("yamada", "zeimu", account.Staff)
	c := w.signIn("admin")
	path := "users/" + u.ID
	tag := c.want(200, "GET", path, nil).header.Get("ETag")
	if a := c.want(428, "PATCH", path, map[string]any{"display": "山田"}); a.code() != "if_match_missing" {
		t.Errorf("%s", a.body)
	}
	for _, bad := range []string{`"v99"`, `v1`, `*`, `"v"`, `W/"v1"`, `"v0"`} {
		if a := c.do("PATCH", path, map[string]any{"display": "山田"}, "If-Match", bad); a.status != 412 {
			t.Errorf("%s: %d %s", bad, a.status, a.body)
		}
	}
	next := c.want(200, "PATCH", path, map[string]any{"display": "山田"}, "If-Match", tag).header.Get("ETag")
	c.want(412, "PATCH", path, map[string]any{"display": "別の名"}, "If-Match", tag)
	c.want(200, "PUT", path+"/state", map[string]any{"state": "disabled"}, "If-Match", next)
}

// TestSecondPerson: the role of an administrator takes two, and neither is the
// one who gets it.
// spec: g11
func TestSecondPerson(t *testing.T) {
	w := newWorld(t)
	w.user("admin", "", account.Admin)
	u := w.user("fukushi", "soumu", account.Staff, account.Approver)
	one := w.signIn("admin")
	one.want(403, "PUT", "users/"+w.id("admin")+"/roles/approver", nil, "If-Match", `"v1"`)
	tag := one.want(200, "GET", "users/"+u.ID, nil).header.Get("ETag")
	var out struct {
		User     struct{ Roles []string }
		Proposal struct{ ID string }
	}
	one.want(202, "PUT", "users/"+u.ID+"/roles/admin", nil, "If-Match", tag).into(t, &out)
	if len(out.User.Roles) != 2 || out.Proposal.ID == "" {
		t.Fatalf("%+v", out)
	}
	decide := "role-proposals/" + out.Proposal.ID + "/decisions"
	if a := one.want(403, "POST", decide, map[string]any{"decision": "confirm"}); a.code() != "second_person_needed" {
		t.Errorf("the proposer confirmed: %s", a.body)
	}
	// The second administrator comes by the machine's user.
	w.user("joho", "", account.Staff, account.Admin)
	if _, err := w.s.Confirm(t.Context(), console, out.Proposal.ID); err == nil {
		t.Error("the machine's user confirmed")
	}
	two := w.signIn("joho")
	two.want(200, "POST", decide, map[string]any{"decision": "confirm"})
	two.want(412, "POST", decide, map[string]any{"decision": "confirm"})
	two.want(200, "GET", "users/"+u.ID, nil).into(t, &out)
	if strings.Join(out.User.Roles, " ") != "staff approver admin" {
		t.Errorf("roles %v", out.User.Roles)
	}
	if a := two.do("DELETE", "users/"+w.id("joho")+"/roles/admin", nil, "If-Match", w.tag("joho")); a.status != 200 {
		t.Errorf("giving one's own up: %d %s", a.status, a.body)
	}
}

func (w *world) id(name string) string {
	w.T.Helper()
	u, err := w.s.UserNamed(w.T.Context(), console, name)
	if err != nil {
		w.T.Fatal(err)
	}
	return u.ID
}

func (w *world) tag(name string) string {
	w.T.Helper()
	u, err := w.s.UserNamed(w.T.Context(), console, name)
	if err != nil {
		w.T.Fatal(err)
	}
	return fmt.Sprintf(`"v%d"`, u.Version)
}

// TestRoleChangeEndsSessions: what somebody may do is never that of yesterday.
func TestRoleChangeEndsSessions(t *testing.T) {
	w := newWorld(t)
	w.user("admin", "", account.Admin)
	u := w.user("kacho", "zeimu", account.Staff, account.Approver)
	admin := w.signIn("admin")
	c := w.signIn("kacho")
	c.want(http.StatusOK, "GET", "me", nil)
	admin.want(200, "DELETE", "users/"+u.ID+"/roles/approver", nil, "If-Match", w.tag("kacho"))
	c.want(http.StatusUnauthorized, "GET", "me", nil)
	c = w.signIn("kacho")
	admin.want(200, "PUT", "users/"+u.ID+"/state", map[string]any{"state": "disabled"}, "If-Match", w.tag("kacho"))
	c.want(http.StatusUnauthorized, "GET", "me", nil)
	if a := w.client().do("POST", "sessions", map[string]string{"name": "kacho", "password": good}); a.code() != "invalid_credentials" {
		t.Errorf("%s", a.body)
	}
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	w.user("admin", "", account.Admin)
	w.user("yamada", "zeimu", account.Staff)
	c := w.signIn("admin")
	list := "ログイン名,氏名,所属,メールアドレス,役割\nyamada,山田,総務課,yamada@town.example,職員\nshinjin,新人,zeimu,,職員\n"
	type out struct {
		Applied bool
		Rows    []struct{ Name, Action, Error string }
	}
	for _, x := range []struct {
		query, list, rows string
		applied           bool
	}{
		{"", list, "[{yamada change } {shinjin create }]", false},
		{"?dry_run=false", list + "x y,だめ,,,\n", "[{yamada change } {shinjin create } { error bad_name}]", false},
		{"?dry_run=false", list + "kanri,管理,,,隔離管理者\n", "[{yamada change } {shinjin create } {kanri error two_admins_needed}]", false},
		{"?dry_run=false", list + "kacho,課長,,,承認者\n", "[{yamada change } {shinjin create } {kacho error two_admins_needed}]", false},
		{"?dry_run=false", list + "yurei,幽霊,,yamada@town.example,職員\n", "[{yamada change } {shinjin create } {yurei error two_admins_needed}]", false},
		{"?dry_run=false", list, "[{yamada change } {shinjin create }]", true},
		{"?dry_run=false", list, "[{yamada same } {shinjin same }]", true},
		{"?dry_run=false", "ログイン名,氏名\nadmin,自分\n", "[{admin error own_account_forbidden}]", false},
	} {
		var o out
		c.want(200, "POST", "user-imports"+x.query, x.list, "Content-Type", "text/csv").into(t, &o)
		if got := fmt.Sprint(o.Rows); got != x.rows || o.Applied != x.applied {
			t.Errorf("%s: %s applied %v, want %s", x.query, got, o.Applied, x.rows)
		}
	}
	if a := c.do("POST", "user-imports", "no list", "Content-Type", "text/csv"); a.code() != "bad_import" {
		t.Errorf("%s", a.body)
	}
	// A new one has no password before an administrator gives one, once.
	var reset struct{ Password string }
	c.want(200, "POST", "users/"+w.id("shinjin")+"/password-resets", nil, "If-Match", w.tag("shinjin")).into(t, &reset)
	n := w.client()
	if a := n.want(201, "POST", "sessions", map[string]string{"name": "shinjin", "password": reset.Password}); !strings.Contains(string(a.body), `"missing":"password_change"`) {
		t.Errorf("%s", a.body)
	}
	if a := n.want(403, "GET", "messages", nil); a.code() != "password_change" {
		t.Errorf("%s", a.body)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	w.user("admin", "", account.Admin)
	c := w.signIn("admin")
	make := func(hours int, scopes ...string) answer {
		return c.do("POST", "api-tokens", map[string]any{"name": "集計", "scopes": scopes, "expires_at": w.Now().Add(time.Duration(hours) * time.Hour)})
	}
	for _, x := range []struct {
		hours  int
		scopes []string
		code   string
	}{{1, []string{"me"}, "bad_scope"}, {1, []string{"root"}, "bad_scope"}, {9, []string{"users:write"}, "bad_period"}, {24 * 367, []string{"audit:read"}, "bad_period"},
		{0, []string{"audit:read"}, "bad_period"}} {
		if a := make(x.hours, x.scopes...); a.code() != x.code {
			t.Errorf("%v: %s", x.scopes, a.body)
		}
	}
	var v struct{ ID, Secret string }
	make(24*30, "users:read").into(t, &v)
	p := w.client()
	p.token = v.Secret
	p.want(200, "GET", "users", nil)
	p.want(403, "POST", "users", bodies["addUser"])
	if a := c.want(200, "GET", "api-tokens", nil); strings.Contains(string(a.body), v.Secret) || !strings.Contains(string(a.body), v.ID) {
		t.Errorf("%s", a.body)
	}
	w.Wait(24 * 30 * time.Hour)
	p.want(401, "GET", "users", nil)
	c = w.signIn("admin")
	make(1, "users:write").into(t, &v)
	p.token = v.Secret
	p.want(201, "POST", "users", bodies["addUser"])
	c.want(204, "DELETE", "api-tokens/"+v.ID, nil)
	p.want(401, "GET", "users", nil)
	p.token = "sekisho_" + strings.Repeat("A", 43)
	p.want(401, "GET", "users", nil)
	p.header["Authorization"] = "Basic eA=="
	p.token = ""
	p.want(401, "GET", "users", nil)
}
