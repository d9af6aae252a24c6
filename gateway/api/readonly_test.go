package api_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sekisho/gateway/account"
)

// TestGetChangesNothing compares every row of the ledger before and after each
// GET. What a GET may leave is a time of last use, and a record that somebody
// looked.
func TestGetChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.user("admin", "zeimu", account.Admin, account.Staff)
	m := w.mail("admin@town.example", "x@town.example")
	items, _, err := w.l.ItemPage(t.Context(), pageOfAll())
	if err != nil {
		t.Fatal(err)
	}
	c := w.signIn("admin")
	for _, r := range w.a.Routes() {
		if r.Method != "GET" {
			continue
		}
		before := w.dump()
		id := string(m.ID)
		if strings.Contains(r.Path, "/items/") {
			id = items[0].ID
		}
		for _, method := range []string{"GET", "HEAD"} {
			c.do(method, strings.NewReplacer("{id}", id, "{seq}", "0", "{receipt}", "M-261125-00000").Replace(r.Path), nil)
		}
		if after := w.dump(); after != before {
			t.Errorf("%s changed the ledger", r.Path)
		}
	}
}

// dump is all of the ledger but times of last use and records.
func (w *world) dump() string {
	w.T.Helper()
	file := w.l.File()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		w.T.Fatal(err)
	}
	defer db.Close()
	var out strings.Builder
	rows, err := db.Query(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('audit_rows', 'tallies', 'sqlite_sequence')`)
	if err != nil {
		w.T.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			w.T.Fatal(err)
		}
		tables = append(tables, n)
	}
	rows.Close()
	for _, n := range tables {
		columns := "*"
		if n == "sessions" {
			columns = "id, sum, user, auth, proved_at"
		}
		rows, err := db.Query("SELECT " + columns + " FROM " + n)
		if err != nil {
			w.T.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			w.T.Fatal(err)
		}
		for rows.Next() {
			cells := make([]any, len(names))
			for i := range cells {
				cells[i] = new(any)
			}
			if err := rows.Scan(cells...); err != nil {
				w.T.Fatal(err)
			}
			for _, x := range cells {
				fmt.Fprintf(&out, "%v|", *x.(*any))
			}
			out.WriteString(n + "\n")
		}
		rows.Close()
	}
	return out.String()
}

// TestNoRecordsNoChange: when the log takes no records, nothing is changed, and
// reading goes on.
// spec: g6
func TestNoRecordsNoChange(t *testing.T) {
	w := newWorld(t)
	w.user("admin", "", account.Admin)
	c := w.signIn("admin")
	w.sick = http.ErrServerClosed
	before := w.dump()
	for _, r := range w.a.Routes() {
		a := c.do(r.Method, strings.NewReplacer("{id}", "00", "{role}", "staff", "{seq}", "0", "{receipt}", "M-261125-00000").Replace(r.Path), bodies[r.ID],
			"If-Match", `"v1"`, "Idempotency-Key", "key-of-"+r.ID, "Content-Type", contentType(r.ID))
		if (r.Method == "GET") == (a.status == 503) {
			t.Errorf("%s: %d %s", r.ID, a.status, a.body)
		}
	}
	if w.dump() != before {
		t.Error("something was changed")
	}
}
