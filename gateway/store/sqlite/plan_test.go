package sqlite

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestPlans checks that the queries that run all the time are steps in an
// index, whatever the number of rows: no scan of a table, no sort of more than
// what an index gave.
func TestPlans(t *testing.T) {
	l := openTest(t)
	deliveries := selection{table: "deliveries", columns: deliveryColumns, age: "created_at", states: []string{"ready", "failed"}}
	ofMessage := selection{table: "deliveries", columns: deliveryColumns, age: "created_at"}
	ofMessage.where("message = ?", "x")
	due := selection{table: "items", columns: itemColumns, age: "expires_at", states: []string{"held"}}
	due.where("expires_at < ?", int64(1))
	lapsed := selection{table: "release_requests", columns: requestColumns, age: "expires_at", states: []string{"requested"}}
	lapsed.where("expires_at <= ?", int64(1))
	waiting := selection{table: "release_requests", columns: requestColumns, age: "requested_at", states: []string{"requested", "approved"}}
	previews := selection{table: "jobs", columns: jobColumns, age: "created_at", states: []string{"done", "failed"}}
	previews.where("kind = ?", "preview")
	wanted := selection{table: "jobs", columns: jobColumns, age: "created_at", states: []string{"requested"}}
	wanted.where("kind = ?", "preview")
	wanted.where("by = ?", "x")
	take := `UPDATE deliveries SET state = 'relaying', ` + lease
	type plan struct {
		name, query string
		want        []string
	}
	cases := []plan{
		{"claim message", claimMessage + nextMessage, []string{"USING INDEX messages_queue (queue_at<?)"}},
		{"claim early message", claimMessage + earlyMessage, []string{"USING INDEX messages_due (due_at<?)"}},
		{"claim delivery", take + nextDelivery, []string{"USING INDEX deliveries_queue (queue_at<?)"}},
		{"claim early delivery", take + earlyDelivery, []string{"USING INDEX deliveries_due (due_at<?)"}},
		{"claim draft", `UPDATE deliveries SET ` + lease + nextDraft, []string{"USING INDEX deliveries_drafts (due_at<?)"}},
		{"hasten messages", hasten[0], []string{"USING INDEX messages_due (due_at>?)"}},
		{"hasten deliveries", hasten[1], []string{"USING INDEX deliveries_due (due_at>?)"}},
		{"hasten drafts", hasten[2], []string{"USING INDEX deliveries_drafts (due_at>?)"}},
		{"hasten jobs", hasten[3], []string{"USING INDEX jobs_due (due_at>?)"}},
		{"claim job", takeJob, []string{"INDEX jobs_due (due_at<?)"}},
		{"previews that have ended", previews.sql(), []string{"INDEX jobs_kind (kind=? AND state=?)"}},
		{"previews that somebody waits for", wanted.sql(), []string{"INDEX jobs_person (kind=? AND by=? AND state=?)"}},
		{"open request of an item", openRequest, []string{"release_requests_open (item=?)"}},
		{"requests that are due", lapsed.sql(), []string{"INDEX release_requests_expiry (state=? AND expires_at<?)"}},
		{"requests by state", waiting.sql(), []string{"INDEX release_requests_state (state=?)"}},
		{"decisions", decisionsOfRequest, []string{"INDEX decisions_request (request=?)"}},
		{"note progress", `UPDATE messages SET work_part = 1` + leased, []string{"(id=?)"}},
		{"renew message", `UPDATE messages SET until = 1` + leased, []string{"(id=?)"}},
		{"deliveries by state", deliveries.sql(), []string{"INDEX deliveries_state (state=?)"}},
		{"deliveries of a message", ofMessage.sql(), []string{"INDEX deliveries_message (message=?)"}},
		{"items that are due", due.sql(), []string{"INDEX items_expiry (state=? AND expires_at<?)"}},
		{"purgeable", purgeable, []string{"USING INDEX messages_kept (received_at<?)", "items_message (message=? AND state=?)", "deliveries_message (message=?)"}},
		{"failures without a mail", untold, []string{"INDEX deliveries_state (state=?)", "INDEX deliveries_about (about=?)"}},
		{"pending audit rows", pendingRows, []string{"audit_rows_pending", "audit_rows_seq (seq>?)"}},
		{"oldest message", oldestMessage, []string{"messages_waiting"}},
		{"oldest request", oldestRequest, []string{"INDEX release_requests_state (state=?)"}},
		{"oldest job", oldestJob, []string{"INDEX jobs_state (state=?)"}},
		{"digests that are due", dueNotices, []string{"INDEX notices_waiting"}},
		{"what a digest takes", tellParts, []string{"INDEX notices_address (address=?)"}},
		{"parts of a digest", partsIn, []string{"INDEX notices_digest (digest=?)", "(id=?)"}},
		{"notices that wait", waitingNotices, []string{"INDEX deliveries_notices"}},
		{"notices that were asked for", countNotices, []string{"INDEX deliveries_created (created_at>?)"}},
		{"oldest delivery", oldestDelivery, []string{"deliveries_waiting"}},
		{"recipients", recipientsOf, []string{"USING PRIMARY KEY (delivery=?)"}},
		{"mails of an address", messagesOf, []string{"USING PRIMARY KEY (address=? AND n<?)"}},
		{"items of an address", itemsOf, []string{"INDEX items_whose (<expr>=? AND rowid<?)"}},
		{"mail of a receipt number", mailOfReceipt, []string{"INDEX messages_receipt (receipt=?"}},
		{"items of a receipt number", itemsOfNumber, []string{"INDEX messages_receipt (receipt=?", "INDEX items_message (message=?"}},
		{"items of a mail", itemsOfMail, []string{"INDEX items_message (message=?"}},
		{"records of a mail", recordsOf, []string{"INDEX audit_rows_message (message=? AND rowid<?)"}},
		{"newest mails", allMessages, []string{"INTEGER PRIMARY KEY (rowid<?)"}},
		{"a page of mails", pagedMessages, []string{"INTEGER PRIMARY KEY (rowid=?)"}},
		{"old texts", openTexts(), []string{"USING INDEX openings_texts (row>?)", "items_message (message=? AND state=?)", "deliveries_message (message=?)"}},
		{"the end of a held delivery", endHeld, []string{"(id=?)", "items_message (message=? AND state=?)"}},
		{"openings of a message", eraseOpenings, []string{"openings_message (message=?)"}},
		{"openings of an exception", eraseOpeningsOfException, []string{"openings_exception (exception=?)"}},
	}
	for _, w := range append(wordsOfMail[:], wordsOfException[:]...) {
		cases = append(cases, plan{"words of " + w.table + "." + w.column, w.erase(), nil}, plan{"words of " + w.table + "." + w.column, w.count(), nil})
	}
	for _, c := range cases {
		var plan []string
		err := l.view(t.Context(), func(q query) error {
			return q.rows(func(s scanner) error {
				var id, parent, unused int
				var detail string
				err := s.Scan(&id, &parent, &unused, &detail)
				plan = append(plan, detail)
				return err
			}, "EXPLAIN QUERY PLAN "+c.query, arguments(c.query)...)
		})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		all := strings.Join(plan, "\n")
		for _, want := range c.want {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, all)
			}
		}
		for _, step := range plan {
			if strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "_waiting") && !strings.Contains(step, "deliveries_notices") && !strings.Contains(step, "_pending") &&
				!strings.Contains(step, "json_each") && !strings.HasPrefix(step, "SCAN (subquery") && !strings.HasPrefix(step, "SCAN CONSTANT") {
				t.Errorf("%s: %s in\n%s", c.name, step, all)
			}
		}
	}
}

// arguments returns as many arguments as a query takes.
func arguments(query string) []any {
	n := 0
	for _, p := range regexp.MustCompile(`\?\d*`).FindAllString(query, -1) {
		if at, err := strconv.Atoi(p[1:]); err == nil {
			n = max(n, at)
		} else {
			n++
		}
	}
	args := make([]any, n)
	for i := range args {
		args[i] = 1
	}
	return args
}
