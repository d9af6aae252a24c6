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
	return m, l.Addr().String()
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

// FuzzSession sends any bytes, in clear. Every 250 with a receipt number is one
// mail and one original, every recipient is in the table, no mail holds a line
// end that is not CRLF, and what comes back is SMTP.
func FuzzSession(f *testing.F) {
	for _, s := range []string{
		opened + "DATA\r\nSubject: a\r\n\r\nb\r\n.\r\nQUIT\r\n", opened + "BDAT 3\r\nabcBDAT 2 LAST\r\n\r\n" + second,
		opened + "DATA\r\na\n.\r\n" + second, opened + "DATA\r\na\r\r\n.\r\n" + second,
		opened + "BDAT 99999999999 LAST\r\n" + second, opened + "BDAT 5\r\n" + opened,
		"EHLO c\r\nMAIL FROM:<> SMTPUTF8 SIZE=3 BODY=8BITMIME\r\nRCPT TO:<Postmaster>\r\nRCPT TO:<postmaster@town.example.jp>\r\nDATA\r\n.\r\n",
		"STARTTLS\r\nHELO x\r\nVRFY x\r\nRSET\r\nNOOP\r\nEXPN x\r\nAUTH PLAIN\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		opened + "BDAT 3\r\nabcRSET\r\n" + opened + "DATA\r\n..\r\n.\r\n", opened + opened + second,
	} {
		f.Add([]byte(s))
	}
	m, addr := onSocket(f, intake.Limits{MailsPerMinute: 1 << 30, MessageBytes: 1 << 16, Idle: 10 * time.Second})
	f.Fuzz(func(t *testing.T, input []byte) {
		before, _ := m.state()
		answers := whole(t, addr, string(input))
		after, kept := m.state()
		if kept != after {
			t.Fatalf("%d originals, %d mails", kept, after)
		}
		lines := strings.Split(strings.TrimSuffix(answers, "\r\n"), "\r\n")
		said := 0
		for _, l := range lines {
			if !replyLine.MatchString(l) {
				t.Fatalf("not a reply: %q", l)
			}
			if strings.HasPrefix(l, "250 2.0.0 M-") {
				said++
			}
		}
		if said > after-before {
			t.Fatalf("%d times 250, %d mails", said, after-before)
		}
		for _, msg := range m.messages[before:after] {
			for _, to := range msg.Envelope.To {
				if a := strings.ToLower(to); a != "soumu@town.example.jp" && a != "postmaster@town.example.jp" {
					t.Fatalf("recipient %q", to)
				}
			}
			if body := m.kept[msg.Blob]; strings.ContainsAny(strings.ReplaceAll(body, "\r\n", ""), "\r\n\x00") {
				t.Fatalf("a mail with other line ends: %q", body)
			}
		}
	})
}
