package intake_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// attack is one way that SMTP servers have been fooled or worn down, and where
// it is tried on this one.
type attack struct {
	name string
	test string // function
	part string // case of it, "" if the whole is about this
}

// attacks lists every end of a mail that some server has taken for one, and
// every defect that ADR 0003 found in the library without the guard. All are
// tried in clear and under STARTTLS, except those of time, which run on a
// synthetic clock, and those that are about STARTTLS itself.
func attacks() []attack {
	return []attack{
		{"LF . LF", "TestEndOfData", "LF.LF"},
		{"LF . CRLF", "TestEndOfData", "LF.CRLF"},
		{"LF LF . CRLF", "TestEndOfData", "LF LF.CRLF"},
		{"CRLF . LF, where a dot was lost", "TestEndOfData", "CRLF.LF"},
		{"CRLF . CR and text, where .CR was lost", "TestEndOfData", "CRLF.CR text"},
		{"CRLF . CR CRLF, where .CR was lost", "TestEndOfData", "CRLF.CR CRLF"},
		{"CR . CR, sent on as it was", "TestEndOfData", "CR.CR"},
		{"CR . CRLF, sent on as it was", "TestEndOfData", "CR.CRLF"},
		{"CR . LF, sent on as CR . CRLF", "TestEndOfData", "CR.LF"},
		{"LF . CR, sent on as CRLF .. CR", "TestEndOfData", "LF.CR"},
		{"CR CRLF . CRLF, an end that was missed", "TestEndOfData", "CR CRLF.CRLF"},
		{"CRLF NUL . CRLF", "TestEndOfData", "CRLF NUL.CRLF"},
		{"CRLF . NUL CRLF", "TestEndOfData", "CRLF.NUL CRLF"},
		{"bare LF in BDAT and DATA", "TestEndOfData", "bare LF"},
		{"bare CR in BDAT and DATA", "TestEndOfData", "bare CR"},
		{"the corpus's samples", "TestCorpusSamples", "own CRLF.LF"},

		{"1 stall amid DATA, then commands", "TestTimeout", "DATA"},
		{"1 stall amid BDAT, then commands", "TestTimeout", "BDAT"},
		{"1 stall between chunks", "TestTimeout", "between chunks"},
		{"1 a time that covers the upload, renewed by progress", "TestProgress", ""},
		{"2 a second recipient inside quotes", "TestDefects", "envelope injection"},
		{"3 nested MAIL", "TestDefects", "nested MAIL keeps nothing"},
		{"4 NUL and control characters in addresses", "TestDefects", "NUL in a command"},
		{"4 CR in addresses", "TestDefects", "bare CR in a command"},
		{"4 8-bit and broken UTF-8 in addresses", "TestDefects", "8-bit in a command"},
		{"4 <b@y.test,c@z.test>", "TestDefects", "envelope injection"},
		{"4 <postmaster> must be taken", "TestDialogue", "postmaster"},
		{"5 bare LF ends a command", "TestDefects", "bare LF ends no command"},
		{"6 BDAT 99999999999 LAST, then commands", "TestDefects", "oversized BDAT"},
		{"6 BDAT beyond any number", "TestDefects", "BDAT beyond 64 bits"},
		{"6 BDAT without a transaction", "TestDefects", "BDAT out of turn"},
		{"7 BDAT given up while the mail is read (with the race detector)", "TestDefects", "BDAT given up"},
		{"7 BDAT and the end of the connection", "TestDefects", "BDAT and QUIT"},
		{"8 the receipt number stands in the 250", "TestEnvelope", ""},
		{"a flood of refused recipients", "TestRecipientFlood", ""},
		{"refused recipients up to the limit", "TestLimits", "bad recipients"},
		{"commands without a mail", "TestCommandsWithoutMail", ""},
		{"a client that never reads", "TestSlowReader", ""},
		{"slowloris in a command", "TestSlow", "command"},
		{"slowloris, 500 connections", "TestSlowloris", ""},
		{"connections of one client and of all", "TestConnections", ""},
		{"shutdown does not wait for idle clients", "TestShutdown", "idle"},
		{"pipelined bursts", "TestBursts", ""},
		{"commands hidden before STARTTLS", "TestInjectionBeforeTLS", ""},
		{"any sequence, against a model", "TestNoSequence", ""},
		{"any octets, against a model", "FuzzSession", ""},
		{"any mail, against another reader", "TestExactBytes", ""},
		{"an address that the next hop cannot take", "TestAddressesBeyondASCII", "hop does not"},
	}
}

// TestAttacksAreTried keeps the list honest: each test and case is there.
func TestAttacksAreTried(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]string{} // name to source
	for _, f := range files {
		if f == "index_test.go" {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for piece := range strings.SplitSeq(string(b), "\nfunc ") {
			name, body, _ := strings.Cut(piece, "(")
			functions[name] = body
		}
	}
	for _, a := range attacks() {
		body, ok := functions[a.test]
		quoted := `"` + a.part + `"`
		if !ok || a.part != "" && !strings.Contains(body, quoted) {
			t.Errorf("%s: no case %s in %s", a.name, quoted, a.test)
		}
	}
}
