package inspection

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sekisho/audit"
)

// request is a release request as its records tell it.
type request struct {
	id, receipt, part, form string
	asked                   time.Time
	asker, askerID          string
	approvals               []string // who, in order
	approvers               []string // ids, those stood in for too
	ended                   time.Time
	end                     string
	policy                  int64
	touched                 bool // in the month
}

// exception is a registered exception as its records tell it.
type exception struct {
	id      string
	opened  time.Time
	by      []string // who had a part in it, in order
	persons []string // their ids
	scope   string
	until   time.Time // the day of its end, as its records say; zero when they do not
	uses    int
	ended   time.Time
	touched bool
}

// person takes a record about requests, exceptions or accounts, of any time up to
// the end of the month, in order.
func (c *collector) person(e audit.Event) {
	e.TS = e.TS.In(c.from.Location())
	switch group(e.Verb) {
	case "user":
		c.account(e)
	case "release":
		c.release(e)
	case "exception":
		c.except(e)
	}
}

// account follows which accounts are disabled.
func (c *collector) account(e audit.Event) {
	switch {
	case e.Verb == "user.disabled":
		c.disabled[e.Object.ID] = true
	case e.Verb == "user.changed" && e.Change.Path == "state":
		c.disabled[e.Object.ID] = e.Change.After == "disabled"
	}
}

// release follows one request.
func (c *collector) release(e audit.Event) {
	id := e.Decision.RequestID
	if id == "" {
		id = e.Object.ID
	}
	r := c.requests[id]
	if r == nil {
		r = &request{id: id}
		c.requests[id] = r
	}
	r.touched = r.touched || c.within(e)
	if e.Object.ReceiptNo != "" {
		r.receipt, r.part = e.Object.ReceiptNo, e.Object.Part
	}
	if e.Decision.Form != "" {
		r.form = e.Decision.Form
	}
	if e.Policy.Version > 0 {
		r.policy = e.Policy.Version
	}
	switch e.Verb {
	case "release.requested":
		r.asked, r.asker, r.askerID = e.TS, who(e), e.Actor.ID
	case "release.approved":
		c.approve(r, e)
	case "release.executed":
		c.carriedOut(r, e)
		r.ended, r.end = e.TS, phrase(e)
	default:
		r.ended, r.end = e.TS, phrase(e)
	}
}

// approve holds an approval against what must not be.
func (c *collector) approve(r *request, e audit.Event) {
	why := ""
	switch {
	case r.asked.IsZero():
		why = "申請の記録がない"
	case e.Actor.ID == r.askerID || e.OnBehalfOf != "" && e.OnBehalfOf == r.askerID:
		why = "申請した本人の承認"
	case slices.Contains(r.approvers, e.Actor.ID):
		why = "同じ人の二度目の承認"
	case c.disabled[e.Actor.ID]:
		why = "停止中の利用者の承認"
	}
	if e.OnBehalfOf != "" && c.within(e) {
		c.deputies++
	}
	r.approvals = append(r.approvals, who(e))
	r.approvers = append(r.approvers, e.Actor.ID)
	if e.OnBehalfOf != "" {
		r.approvers = append(r.approvers, e.OnBehalfOf)
	}
	if why != "" && c.within(e) {
		c.faults.add(fmt.Sprint(e.Seq), moment(e.TS), r.id, who(e), why)
	}
}

// carriedOut holds a release against the number of persons that it needs.
func (c *collector) carriedOut(r *request, e audit.Event) {
	need := map[string]int{"exception": 2, "internet_side": 1}[r.form]
	if len(r.approvals) < need && c.within(e) {
		c.faults.add(fmt.Sprint(e.Seq), moment(e.TS), r.id, strings.Join(r.approvals, "、"), fmt.Sprintf("%sに承認が%d人しかない", word(r.form), len(r.approvals)))
	}
}

// except follows one exception.
func (c *collector) except(e audit.Event) {
	x := c.exceptions[e.Object.ID]
	if x == nil {
		x = &exception{id: e.Object.ID}
		c.exceptions[e.Object.ID] = x
	}
	x.touched = x.touched || c.within(e)
	switch e.Verb {
	case "exception.opened":
		c.opened(x, e)
	case "exception.used":
		if c.within(e) {
			x.uses++
		}
	case "exception.ended":
		x.ended = e.TS
	}
}

// opened takes a proposal (pending), the first of two approvals (pending) or the
// second, by which an exception is open.
func (c *collector) opened(x *exception, e audit.Event) {
	if slices.Contains(x.persons, e.Actor.ID) && c.within(e) {
		c.faults.add(fmt.Sprint(e.Seq), moment(e.TS), x.id, who(e), "例外措置を提案または承認した人の、二度目の関わり")
	}
	if c.disabled[e.Actor.ID] && c.within(e) {
		c.faults.add(fmt.Sprint(e.Seq), moment(e.TS), x.id, who(e), "停止中の利用者の承認")
	}
	x.by, x.persons = append(x.by, who(e)), append(x.persons, e.Actor.ID)
	if e.OnBehalfOf != "" {
		x.persons = append(x.persons, e.OnBehalfOf)
	}
	if e.Outcome == audit.Success {
		x.opened = e.TS
	}
	if e.Change.After != "" {
		x.scope = e.Change.After
	}
	// "open 2026-11-01/2026-12-31 x2"
	if _, end, ok := strings.Cut(x.scope, "/"); ok && len(end) >= 10 {
		if t, err := time.ParseInLocation("2006-01-02", end[:10], c.from.Location()); err == nil {
			x.until = t
		}
	}
}

// asked returns the requests that something happened to in the month, or that
// wait at its end, oldest first.
func (c *collector) asked() []*request {
	var list []*request
	for _, r := range c.requests {
		if r.touched || r.ended.IsZero() {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *request) int {
		if n := a.asked.Compare(b.asked); n != 0 {
			return n
		}
		return strings.Compare(a.id, b.id)
	})
	return list
}

func group(v audit.Verb) string { g, _, _ := strings.Cut(string(v), "."); return g }

func phrase(e audit.Event) string {
	i, _ := e.Verb.Info()
	if e.Outcome != audit.Success {
		return i.JA + "（" + e.Outcome.JA() + "）"
	}
	return i.JA
}

func version(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("第%d版", n)
}

// short is a digest as people compare it.
func short(s string) string {
	if len(s) == 64 {
		return s[:12]
	}
	return shorten(s, 60)
}

func shorten(s string, n int) string {
	s = strings.TrimSpace(s)
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
