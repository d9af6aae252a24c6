package gateway

import (
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
