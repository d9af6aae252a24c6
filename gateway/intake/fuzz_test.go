package intake_test

import (
	"bufio"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/gateway/intake"
)

// onSocket runs a server on memory at a loopback address.
func onSocket(t testing.TB, limits intake.Limits) (*memory, string) {
	t.Helper()
	m, s := onMemory(t, limits)
	return m, listen(t, s)
}

// listen has a server serve a loopback address until the test ends.
func listen(t testing.TB, s *intake.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// whole sends everything, ends the sending side, and returns all that came back.
func whole(t failer, addr string, pieces ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	answers := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(c) // how it ends is seen in what came
		answers <- string(b)
	}()
	for _, p := range pieces {
		if _, err := io.WriteString(c, p); err != nil {
			break // the server has ended the connection
		}
	}
	c.(*net.TCPConn).CloseWrite()
	return <-answers
}

// opened is a dialog up to DATA, and what a server answers to it.
const opened = "EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<soumu@town.example.jp>\r\n"

// TestExactBytes sends random lines of the bytes that matter after 354, in
// random pieces. A mail is accepted exactly if a plain reading of RFC 5321 finds
// only CRLF line ends in it, and then it is what was sent; net/textproto, a
// reader of another make, agrees.
func TestExactBytes(t *testing.T) {
	m, addr := onSocket(t, intake.Limits{MailsPerMinute: 1 << 30})
	rapid.Check(t, func(t *rapid.T) {
		stream := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{".", "..", "a", "\r\n", "\r\n", "\r\n.", "\r", "\n",
			"\x00", "\xe3\x81\x82", "QUIT\r\n", strings.Repeat("long", 10000)}), 0, 12).Draw(t, "stream"), "") + "\r\n.\r\n"
		cut := rapid.IntRange(0, len(stream)).Draw(t, "cut")
		want, good := reading(stream)
		before, _ := m.state()
		answers := whole(t, addr, opened+"DATA\r\n", stream[:cut], stream[cut:])
		n, kept := m.state()
		if got := strings.Count(answers, "\r\n250 2.0.0 M-"); got != n-before || kept != n {
			t.Fatalf("%d times 250, %d mails, %d originals of %d", got, n-before, kept, n)
		}
		if good != (n > before) {
			t.Fatalf("good: %v, but %d mails; answers:\n%s", good, n-before, answers)
		}
		if !good {
			return
		}
		got := m.kept[m.messages[before].Blob]
		if got != want {
			t.Fatalf("kept %q, sent %q", got, want)
		}
		other, err := textproto.NewReader(bufio.NewReader(strings.NewReader(stream))).ReadDotBytes()
		if err != nil || string(other) != strings.ReplaceAll(got, "\r\n", "\n") {
			t.Fatalf("net/textproto reads %q, %v", other, err)
		}
	})
}

// failer is what testing and rapid have in common.
type failer interface {
	Helper()
	Fatal(...any)
}

// reading is RFC 5321 §4.5.2 in one breath: lines end in CRLF, one leading dot
// goes away, a lone dot ends the mail.
func reading(stream string) (mail string, good bool) {
	var b strings.Builder
	for line := range strings.SplitSeq(stream, "\r\n") {
		switch {
		case strings.ContainsAny(line, "\r\n\x00"):
			return "", false
		case line == ".":
			return b.String(), true
		}
		b.WriteString(strings.TrimPrefix(line, ".") + "\r\n")
	}
	return "", false
}

var replyLine = regexp.MustCompile(`^[2345][0-9][0-9][ -][^\x00-\x1f\x7f]*$`)
