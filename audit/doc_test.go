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
