package gateway

import (
	"fmt"
	"strings"

	"sekisho/audit"
	"sekisho/quarantine"
)

// RecordRequest fills in what each record of a release request says, so that an
// export alone answers who released what, in which form, on whose request and
// under which policy: decision.request_id joins the records of one request, the
// object names the part by receipt number, path and SHA-256, policy.rule is the
// profile, and change names the registered exception, or else the recipients that
// a decider added and who get nothing.
func RecordRequest(e *audit.Event, r quarantine.ReleaseRequest, i quarantine.Item, inForce audit.Policy) {
	e.Object = ItemObject(i)
	e.Object.Type, e.Object.ID = "release_request", r.ID
	e.Policy = inForce
	e.Policy.Rule = string(r.Profile)
	e.Decision = audit.Decision{Form: string(r.Form), RequestID: r.ID}
	switch {
	case r.Exception != "":
		e.Change = audit.Change{Path: "exception", After: r.Exception}
	case len(r.LeftOut) > 0:
		e.Change = audit.Change{Path: "left_out", After: audit.Clean(strings.Join(r.LeftOut, " "), 2048)}
	}
}

// RecordException fills in what each record about an exception itself says: its
// state, and what it is about. The terms stand there as far as they fit, and their
// SHA-256 whole: who edits the row of an exception afterwards contradicts it.
func RecordException(e *audit.Event, x quarantine.Exception) {
	const day = "2006-01-02"
	e.Object = audit.Object{Type: "exception", ID: x.ID}
	e.Decision = audit.Decision{Form: string(quarantine.Original), RequestID: x.ID}
	after := fmt.Sprintf("%s %s/%s x%d %s%s %s", x.State, x.From.UTC().Format(day), x.Until.UTC().Format(day), x.MaxUses, TermsMark, x.TermsSum(), x.Terms())
	e.Change = audit.Change{Path: "exception", After: audit.Clean(after, 2048)}
}

// RecordUse fills in which exception was used, how often that makes, and what it
// said at that moment.
func RecordUse(e *audit.Event, x quarantine.Exception) {
	e.Object.Type, e.Object.ID = "exception", x.ID
	e.Change = audit.Change{Path: "uses", Before: fmt.Sprint(x.Uses - 1), After: fmt.Sprintf("%d of %d %s%s", x.Uses, x.MaxUses, TermsMark, x.TermsSum())}
}

// TermsMark stands in records before the SHA-256 of an exception's terms.
const TermsMark = "sha256:"
