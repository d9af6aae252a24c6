package mail

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// parseSlow is far above the processor time that any of the inputs below may
// take, also with the race detector; a quadratic step takes minutes.
const parseSlow = 8 * time.Second

// parseCPU is the processor time of this process: the clock on the wall says
// little on a busy machine.
func parseCPU(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func parseTimed(t *testing.T, in format.Untrusted) error {
	t.Helper()
	start := parseCPU(t)
	err := Parse(t.Context(), in, ir.NewWriter(io.Discard))
	if d := parseCPU(t) - start; d > parseSlow {
		t.Errorf("took %v", d)
	}
	return err
}

// TestParseHostileSizes feeds inputs built to be slow or large. Each either
// parses or is held for a limit, in time linear in its size.
func TestParseHostileSizes(t *testing.T) {
	rep := strings.Repeat
	mixed := "Content-Type: multipart/mixed; boundary=b\n\n"
	levels := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString("Content-Type: multipart/mixed; boundary=b\n\n--b\n")
		}
		return b.String()
	}
	for _, c := range []struct {
		name, in string
		want     format.Reason
	}{
		{"300k parts", mixed + rep("--b\n\nx\n", 300_000), format.LimitCount},
		{"500 parts with the message", mixed + rep("--b\n\nx\n", 499), ""},
		{"501 parts", mixed + rep("--b\n\nx\n", 500), format.LimitCount},
		{"10,000 levels", levels(10_000), format.LimitDepth},
		{"10,000 levels without boundary", rep("Content-Type: multipart/mixed\n\n--b\n", 10_000), format.LimitCount},
		{"header line of 1 MB", "Subject: " + rep("x", 1<<20) + "\n\nbody", format.LimitSize},
		{"header of 1 MB in short lines", rep("X-A: b\n", 150_000) + "\nbody", format.LimitSize},
		{"header of 250 KB in short lines", rep("X-A: b\n", 36_000) + "\nbody", ""},
		{"headers of parts over 1 MB in all", mixed + rep("--b\nX-A: "+rep("y", 200_000)+"\n\nx\n", 6), format.LimitSize},
		{"continuation lines", "Subject: x\n" + rep(" y\n", 80_000) + "\nbody", ""},
		{"250 KB of parentheses in content-type", "Content-Type: text/plain" + rep("(", 250_000) + "\n\nbody", ""},
		{"250 KB of parentheses in to", "To: " + rep("(", 250_000) + "\n\nbody", ""},
		{"250 KB of quotes in to", "To: " + rep("\"", 250_000) + "\n\nbody", ""},
		{"250 KB of angles in to", "To: " + rep("<", 250_000) + "\n\nbody", ""},
		{"250 KB of groups in to", "To: " + rep("a:;", 83_000) + "\n\nbody", ""},
		{"250 KB of quotes in a name", "Content-Type: text/plain; name=" + rep("\"a", 125_000) + "\n\nbody", ""},
		{"250 KB of blanks in a name", "Content-Type: text/plain; name=a" + rep(" a", 125_000) + "\n\nbody", ""},
		{"100,000 parameters", "Content-Type: text/plain" + rep(";a=b", 60_000) + "\n\nbody", ""},
		{"encoded words", "Subject: " + rep("=?utf-8?B?5Lu2?= ", 14_000) + "\n\nbody", ""},
		{"encoded words never ending", "Subject: " + rep("=?utf-8?Q?", 25_000) + "\n\nbody", ""},
		{"references", "References: " + rep("<a@b> ", 40_000) + "\n\nbody", ""},
		{"references never ending", "References: " + rep("<", 250_000) + "\n\nbody", ""},
		{"lines like boundaries", mixed + rep("--bx\n", 300_000), ""},
		{"lines like boundaries under 20 open ones", parseNestOpen(20) + rep("--ny\n", 200_000), ""},
		{"long line like a boundary", mixed + "--" + rep("b", 2<<20), ""},
		{"dashes", mixed + rep("-", 2<<20), ""},
		{"blank lines", "From: a\n\n" + rep("\n", 2<<20), ""},
		{"one line of 4 MB", "From: a\n\n" + rep("x", 2<<20), ""},
		{"begin lines", "From: a\n\n" + rep("begin 644 x\n", 100_000), ""},
		{"uuencoded files", "From: a\n\n" + rep("begin 644 x\n#86)C\nend\n", 100_000), format.LimitCount},
		{"flowed lines", "Content-Type: text/plain; format=flowed\n\n" + rep("x \n", 300_000), ""},
		{"flowed quotes", "Content-Type: text/plain; format=flowed\n\n" + rep(rep(">", 1000)+"\n", 2_000), ""},
		{"enriched commands", "Content-Type: text/enriched\n\n" + rep("<", 2<<20), ""},
		{"links", "From: a\n\n" + rep("http://a.example/ ", 50_000), ""},
		{"schemes", "From: a\n\n" + rep("http://", 200_000), ""},
		{"html tags", "Content-Type: text/html\n\n" + rep("<b><i>", 100_000), ""},
		{"base64 of junk lines", "Content-Transfer-Encoding: base64\n\n" + rep("*\n", 300_000), ""},
		{"calendar", "Content-Type: text/calendar\n\n" + rep("BEGIN:VEVENT\n", 200_000), ""},
		{"report of encoded words", "Content-Type: message/delivery-status\n\n" + rep("A: =?utf-8?B?5Lu2?=\n b\n", 20_000), ""},
		{"200 alternatives", "Content-Type: multipart/alternative; boundary=b\n\n" + rep("--b\nContent-Type: text/html\n\n<p>http://a.example/x y</p>\n", 200), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := parseTimed(t, parseGiven(c.in))
			if got := parseReason(err); got != c.want || err != nil && c.want == "" {
				t.Errorf("reason %q, want %q (%v)", got, c.want, err)
			}
		})
	}
}

func parseNestOpen(n int) string {
	in := parseNest(n)
	return in[:strings.Index(in, "deep")]
}

func TestParseDecodedBudget(t *testing.T) {
	in := parseGiven(parseMixed(partText, partPDF))
	in.Budget.Bytes = 13 // hello and %PDF-1.4
	if err := parseTimed(t, in); err != nil {
		t.Errorf("within the budget: %v", err)
	}
	in.Budget.Bytes = 12
	if got := parseReason(parseTimed(t, in)); got != format.LimitExpanded {
		t.Errorf("over the budget: %q", got)
	}
	in.Budget.Bytes = 0
	if got := parseReason(parseTimed(t, in)); got != format.LimitExpanded {
		t.Errorf("no budget: %q", got)
	}
}

func TestParseStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in := parseGiven("From: a\n\n" + strings.Repeat("x\n", 100_000))
	if err := Parse(ctx, in, ir.NewWriter(io.Discard)); parseReason(err) != format.LimitTime {
		t.Errorf("got %v", err)
	}
}

type parseBrokenWriter struct{ left int }

var errParseBroken = errors.New("pipe is gone")

func (w *parseBrokenWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, errParseBroken
	}
	return len(p), nil
}

func TestParseReportsWriteErrors(t *testing.T) {
	in := parseGiven(parseMixed(partText, partPDF))
	for n := range 6 { // each write of this mail
		if err := Parse(t.Context(), in, ir.NewWriter(&parseBrokenWriter{left: n})); !errors.Is(err, errParseBroken) {
			t.Errorf("write %d failed and Parse said %v", n, err)
		}
	}
}

// TestParseTruncated cuts a mail that has most features at every offset: a cut
// mail must parse or be held, never more.
func TestParseTruncated(t *testing.T) {
	in := "From: =?utf-8?B?5Lu2?= <a@example.jp>\r\nSubject: x\r\n y\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n" +
		"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nplain\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--c--\r\n" +
		"--b\r\nContent-Disposition: attachment; filename*0*=utf-8''%E8; filename*1*=%B3%87\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQ=\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: z\r\n\r\nw\r\n--b--\r\n"
	for i := range len(in) + 1 {
		_, err := parseTranscript(t.Context(), parseGiven(in[:i]))
		var held *format.Error
		if err != nil && !errors.As(err, &held) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
}
