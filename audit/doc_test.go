package audit

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated documents again")

const designDir = "../docs/design/"

// The list of events in the documentation is the table of the code.
func TestEventDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Audit events\n\nGenerated from the table in `audit/verb.go` by `go test ./audit -run TestEventDocument -update`. The articles are those that a record of the event helps to show by default.\n\n")
	b.WriteString("| event | 日本語 | English | articles |\n|---|---|---|---|\n")
	for _, v := range Verbs() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.Verb, v.JA, v.EN, strings.Join(v.Articles, ", "))
	}
	b.WriteString(releaseMembers)
	name := designDir + "audit-events.md"
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s is not the table of the code; run with -update", name)
	}
}

// releaseMembers tells what records of releases carry. gateway.RecordRequest fills
// it in; the stories release and exception read it back from an export.
const releaseMembers = `
## What records of a release say

An export alone answers who released what, in which form, on whose request, approved by whom and under which version of the policy.
decision.request_id joins the records of one request.

| event | object | further members |
|---|---|---|
| release.* | type release_request, id of the request; receipt_no, part and sha256_original of the part as it was received | actor, on_behalf_of; decision.form, order (of approvals), comment_c (the reason); policy.version and policy.sha256 in force at that step, as in policy.applied; policy.rule is "wide" for the wider profile; change "exception" is the registered exception |
| release.executed, item.released | type item, id of the item; the same, and sha256_sanitized of the mail that went out, as in delivery.sealed and relay.relayed | the same; outcome failure and decision.reason_code when the part stays held |
| part.* of the same receipt_no and part, before it | sha256_original and sha256_sanitized of the rebuilt part | |
| exception.opened, exception.ended | type exception, id | decision.request_id is that id; order; comment_c; change: state, dates, number of uses, SHA-256 of what it says, and that itself as far as it fits (recipients, senders, kinds). Pending until the second approval |
| exception.used | type exception, id; receipt_no, part, sha256_original, sha256_sanitized as in release.executed | decision.request_id is the request; change "uses" from "0" to "1 of 3 sha256:…", the SHA-256 of what the exception says |
| system.started | type setting, id release.exceptions | change from "false" to "true" or back, at the first start with it |
| authz.denied | type operation, id | change "refusals" to "x 600": for how many refusals it stands, when not one |
| retention.purged | type texts (of a message), exception_texts or ledger_copy (of before an upgrade) | decision.reason_code: retention, erasure_request or restored |
`

// The columns in the documentation are those of the code, in order.
func TestColumnDocument(t *testing.T) {
	got, err := os.ReadFile(designDir + "audit.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range columns {
		names = append(names, "`"+c.en+"`")
	}
	if !strings.HasSuffix(strings.TrimSpace(string(got)), "\n\n"+strings.Join(names, " ")) {
		t.Error("the columns at the end of audit.md are not those of the code")
	}
}
