package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"sekisho/audit"
)

// traced is one release as the records of an export tell it.
type traced struct {
	asked, done, used audit.Event
	approved          []audit.Event
	parts             []audit.Event // what became of the part
}

// trace FILE answers from an export alone, as an auditor does: who released what,
// in which form, on whose request, approved by whom, under which policy version.
// It prints a line for each release that was carried out.
func trace(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "trace FILE")
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	requests, order, parts := map[string]*traced{}, []string{}, map[string][]audit.Event{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		e, err := audit.ParseRecord(lines.Bytes())
		ts.Check(err)
		id := e.Decision.RequestID
		if requests[id] == nil {
			requests[id] = &traced{}
		}
		r := requests[id]
		switch {
		case e.Verb == "release.requested":
			r.asked, order = e, append(order, id)
		case e.Verb == "release.approved":
			r.approved = append(r.approved, e)
		case e.Verb == "release.executed" && e.Outcome == audit.Success:
			r.done, r.parts = e, parts[e.Object.ReceiptNo+" "+e.Object.Part]
		case e.Verb == "exception.used":
			r.used = e
		case strings.HasPrefix(string(e.Verb), "part.") && e.Object.Sanitized != "":
			at := e.Object.ReceiptNo + " " + e.Object.Part
			parts[at] = append(parts[at], e)
		}
	}
	ts.Check(lines.Err())
	for _, id := range order {
		if r := requests[id]; r.done.Verb != "" {
			fmt.Fprintln(ts.Stdout(), r)
		}
	}
}

// String is the answer in one line.
func (r *traced) String() string {
	d := r.done
	var by []string
	for _, a := range r.approved {
		by = append(by, fmt.Sprintf("%d:%s:v%d", a.Decision.Order, named(a.Actor), a.Policy.Version))
	}
	form := d.Decision.Form
	if d.Policy.Rule != "" {
		form += "/" + d.Policy.Rule
	}
	line := fmt.Sprintf("%s part=%s form=%s asked=%s:v%d approved=%s policy=v%d/%s original=%s out=%s", d.Object.ReceiptNo, d.Object.Part, form,
		named(r.asked.Actor), r.asked.Policy.Version, strings.Join(by, ","), d.Policy.Version, d.Policy.SHA256, d.Object.Original, d.Object.Sanitized)
	for _, p := range r.parts {
		line += fmt.Sprintf(" rebuilt=%s/%s", p.Object.Original, p.Object.Sanitized)
	}
	if u := r.used; u.Verb != "" {
		line += fmt.Sprintf(" exception=%s uses=%q of=%s/%s/%s/%s", u.Object.ID, u.Change.After, u.Object.ReceiptNo, u.Object.Part, u.Object.Original, u.Object.Sanitized)
	}
	return line
}

// named is a person as people are shown one.
func named(a audit.Actor) string {
	if a.Name != "" {
		return a.Name
	}
	return a.ID
}
