package sanitize

import (
	"io"
	"log/slog"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// A fault of our own holds the file that met it and ends nothing else.
// spec: g2
func TestPanicOfABuilderHoldsThePart(t *testing.T) {
	e := testEngine(t)
	rowOf(e.formats, format.Text).Build = func(*ir.Reader, format.Construction, io.Writer) (format.Built, error) {
		panic("a fault of ours")
	}
	n := runMail(t, e, mailWith(map[string][]byte{"a.txt": []byte("one")}, "a.txt"))
	if n.Verdict != format.Partly || len(n.Kids) != 1 || n.Kids[0].Verdict != format.Held || n.Kids[0].Reason != format.Internal || n.Kids[0].Body.OK() {
		t.Fatalf("%s, kids %+v", n.Verdict, n.Kids)
	}
	if n := runMail(t, e, []byte("From: a@example.com\r\n\r\nhello\r\n")); n.Verdict != format.Rebuilt {
		t.Fatalf("the next mail: %s %s", n.Verdict, n.Reason)
	}
}

func TestPanicOfTheEngineHoldsTheMail(t *testing.T) {
	e := &Engine{formats: Formats(), log: slog.New(slog.DiscardHandler)} // asking for a box meets a nil pool
	n := runMail(t, e, []byte("From: a@example.com\r\n\r\nhello\r\n"))
	if n.Verdict != format.Held || n.Reason != format.Internal || n.Body.OK() {
		t.Fatalf("%s %s", n.Verdict, n.Reason)
	}
}

// What a box says that it saw becomes a metric's label and stands in records.
func TestBoxCannotInventAKind(t *testing.T) {
	tk := &taker{p: &parsed{}, session: &session{engine: &Engine{formats: Formats()}}}
	if err := tk.take(ir.Kind{Content: "call_0900_now", Claimed: "or_else"}); err != nil {
		t.Fatal(err)
	}
	if tk.p.kind != (ir.Kind{Content: string(format.Unknown)}) || tk.refused == nil {
		t.Fatalf("%+v, %v", tk.p.kind, tk.refused)
	}
}
