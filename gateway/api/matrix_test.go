package api_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sekisho/gateway/account"
)

// who asks, in the order of the columns below. "stale" is an administrator
// whose last proof of identity is six minutes old, "bare" an approver without
// the second factor that the role demands, "reader" a token of the
// administrator with the scope messages:read alone.
var columns = []string{"nobody", "staff", "approver", "admin", "auditor", "operator", "stale", "bare", "reader"}

// matrix is what each route answers to each of them. 404 and 412 stand for:
// allowed, and what was asked for does not exist.
var matrix = map[string]string{
	//                    nobody staff approver admin auditor operator stale bare reader
	"signIn":             "401 401 401 401 401 401 401 401 401",
	"signOut":            "401 204 204 204 204 204 204 204 403",
	"me":                 "401 200 200 200 200 200 200 200 403",
	"stepUp":             "401 401 401 401 401 401 401 401 403",
	"changePassword":     "401 401 401 401 401 401 401 401 403",
	"mySessions":         "401 200 200 200 200 200 200 200 403",
	"endMySession":       "401 404 404 404 404 404 404 404 403",
	"beginFactor":        "401 201 409 409 409 409 401 201 403",
	"confirmFactor":      "401 422 409 409 409 409 401 409 403",
	"removeFactor":       "401 409 403 403 403 403 401 403 403",
	"renewRecoveryCodes": "401 409 201 201 201 201 401 409 403",
	"listMessages":       "401 200 200 200 200 403 200 403 200",
	"getMessage":         "401 404 404 404 404 403 404 403 404",
	"getTimeline":        "401 404 404 404 404 403 404 403 404",
	"listItems":          "401 200 200 200 200 403 200 403 403",
	"getItem":            "401 404 404 404 404 403 404 403 403",
	"discardItems":       "401 200 403 200 403 403 200 403 403",
	"askPreview":         "401 404 404 404 403 403 404 403 403",
	"getPreview":         "401 404 404 404 403 403 404 403 403",
	"getPicture":         "401 404 404 404 403 403 404 403 403",
	"listRequests":       "401 200 200 200 200 403 200 403 403",
	"askRelease":         "401 404 404 404 403 403 404 403 403",
	"getRequest":         "401 404 404 404 404 403 404 403 403",
	"withdrawRequest":    "401 404 404 404 403 403 404 403 403",
	"decideRequest":      "401 403 404 404 403 403 401 403 403",
	"decideRequests":     "401 403 200 200 403 403 401 403 403",
	"listExceptions":     "401 403 200 200 200 403 200 403 403",
	"getException":       "401 403 404 404 404 403 404 403 403",
	"proposeException":   "401 403 201 201 403 403 401 403 403",
	"decideException":    "401 403 404 404 403 403 401 403 403",
	"listUsers":          "401 403 403 200 200 403 200 403 403",
	"addUser":            "401 403 403 201 403 403 401 403 403",
	"getUser":            "401 403 403 404 404 403 404 403 403",
	"changeUser":         "401 403 403 404 403 403 401 403 403",
	"setUserState":       "401 403 403 404 403 403 401 403 403",
	"unlockUser":         "401 403 403 404 403 403 401 403 403",
	"resetFactor":        "401 403 403 404 403 403 401 403 403",
	"resetPassword":      "401 403 403 404 403 403 401 403 403",
	"importUsers":        "401 403 403 200 403 403 401 403 403",
	"grantRole":          "401 403 403 404 403 403 401 403 403",
	"revokeRole":         "401 403 403 404 403 403 401 403 403",
	"listProposals":      "401 403 403 200 200 403 200 403 403",
	"decideProposal":     "401 403 403 404 403 403 401 403 403",
	"listDepartments":    "401 200 200 200 200 200 200 200 403",
	"putDepartment":      "401 403 403 204 403 403 401 403 403",
	"listDeputies":       "401 200 200 200 200 200 200 200 403",
	"setDeputy":          "401 403 403 404 403 403 401 403 403",
	"endDeputy":          "401 403 404 404 403 403 401 403 403",
	"listTokens":         "401 200 200 200 200 200 200 200 403",
	"addToken":           "401 201 201 201 422 422 401 403 403",
	"endToken":           "401 404 404 404 404 404 404 404 403",
	"exportRecords":      "401 403 403 403 404 403 403 403 403",
	"exportProof":        "401 403 403 403 404 403 403 403 403",
	"proveReceipt":       "401 403 403 403 404 403 403 403 403",
	"listRecords":        "401 403 403 200 200 403 200 403 403",
	"proveRecord":        "401 403 403 404 404 403 404 403 403",
	"latestCheckpoint":   "401 403 403 404 404 403 404 403 403",
	"systemStatus":       "401 403 403 200 403 200 200 403 403",
}

// bodies are well-formed requests for what does not exist, where one is needed.
var bodies = map[string]any{
	"signIn":           map[string]string{"name": "nobody", "password": "x"},
	"stepUp":           map[string]string{"password": "wrong", "code": "000000"},
	"changePassword":   map[string]string{"old": "wrong", "new": "別の長い合い言葉を考えてみました"},
	"confirmFactor":    map[string]string{"code": "000000"},
	"discardItems":     map[string]any{"items": []string{"none"}},
	"askPreview":       map[string]any{"item": "none", "page": 1},
	"askRelease":       map[string]any{"item": "none", "form": "text_only", "reason": "x"},
	"decideRequest":    map[string]any{"decision": "approve"},
	"decideException":  map[string]any{"decision": "approve"},
	"decideRequests":   map[string]any{"requests": []string{"none"}, "decision": "approve"},
	"proposeException": exceptionBody("2026-11-25T00:00:00Z", "2026-12-25T00:00:00Z"),
	"addUser":          map[string]any{"name": "shinjin", "display": "新人", "roles": []string{"staff"}},
	"changeUser":       map[string]any{"display": "別の名"},
	"setUserState":     map[string]any{"state": "disabled"},
	"importUsers":      "name,display\nimported,取り込み\n",
	"decideProposal":   map[string]any{"decision": "confirm"},
	"putDepartment":    map[string]any{"name": "建設課"},
	"setDeputy":        map[string]any{"for": "x", "by": "y", "from": "2026-11-25T00:00:00Z", "until": "2026-11-27T00:00:00Z"},
	"addToken":         map[string]any{"name": "試し", "scopes": []string{"releases:request"}, "expires_at": "2026-11-26T00:00:00Z"},
}

// TestMatrix asks every route as everybody, as the routes are registered: one
// without a row in the table fails.
// spec: art-6(6)
func TestMatrix(t *testing.T) {
	for i, who := range columns {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.user("admin", "", account.Admin)
			for _, r := range []account.Role{account.Staff, account.Approver, account.Auditor, account.Operator} {
				w.user(string(r), "zeimu", r)
			}
			if routes := w.a.Routes(); len(routes) != len(matrix) {
				t.Errorf("%d routes, %d rows", len(routes), len(matrix))
			}
			denied := 0
			for _, r := range w.a.Routes() {
				want := strings.Fields(matrix[r.ID])
				if len(want) != len(columns) {
					t.Errorf("%s has no row, or a short one", r.ID)
					continue
				}
				c := w.as(who)
				a := c.do(r.Method, strings.NewReplacer("{id}", "00", "{role}", "staff", "{seq}", "5", "{receipt}", "M-261125-00000").Replace(r.Path), bodies[r.ID],
					"If-Match", `"v1"`, "Idempotency-Key", "key-of-"+r.ID, "Content-Type", contentType(r.ID))
				if want[i] != strconv.Itoa(a.status) {
					t.Errorf("%s: %d %s, want %s", r.ID, a.status, a.body, want[i])
				}
				if a.code() == "not_permitted" {
					denied++
				}
				if a.status >= 400 && a.header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s: a problem of type %s", r.ID, a.header.Get("Content-Type"))
				}
			}
			if got := len(w.records("authz.denied")); got != denied {
				t.Errorf("%d refusals, %d on record", denied, got)
			}
		})
	}
}

func contentType(id string) string {
	if id == "importUsers" {
		return "text/csv"
	}
	return "application/json"
}

// as returns a client that is newly signed in as one of the columns.
func (w *world) as(who string) *client {
	w.T.Helper()
	w.Wait(20 * time.Minute) // rates and delays are not what this is about
	switch who {
	case "nobody":
		return w.client()
	case "stale":
		c := w.signIn("admin")
		w.Wait(account.StepUpTime + time.Minute)
		return c
	case "bare":
		u, err := w.s.UserNamed(w.T.Context(), console, "approver")
		if err != nil {
			w.T.Fatal(err)
		}
		if u.Factor.Confirmed || len(u.Factor.Sealed) > 0 {
			if _, err := w.s.ResetFactor(w.T.Context(), console, u.ID, 0); err != nil {
				w.T.Fatal(err)
			}
		}
		delete(w.codes, "approver")
		return w.signIn("approver")
	case "reader":
		c := w.signIn("admin")
		a := c.want(http.StatusCreated, "POST", "api-tokens", map[string]any{"name": "読む", "scopes": []string{"messages:read"},
			"expires_at": w.Now().Add(time.Hour)})
		var v struct{ ID, Secret string }
		a.into(w.T, &v)
		p := w.client()
		p.token = v.Secret
		return p
	}
	return w.signIn(who)
}

func exceptionBody(from, until string) map[string]any {
	return map[string]any{"scope": map[string]any{"recipients": []string{"@town.example"}, "senders": []string{"*"}, "kinds": []string{"*"}},
		"reason": "入札の原本", "from": from, "until": until, "max_uses": 2}
}
