package intake_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sekisho/gateway"
	"sekisho/gateway/intake"
)

// table is who the servers of these tests take mail for.
func table() map[string]bool {
	return map[string]bool{"soumu@town.example.jp": true, "zeimu@town.example.jp": true, "postmaster@town.example.jp": true}
}

const master = "postmaster@town.example.jp"

// modelled runs a server with TLS, on memory, at a loopback address.
func modelled(t testing.TB) (m *memory, addr string, client *tls.Config) {
	t.Helper()
	m = &memory{kept: map[string]string{}}
	entries, err := intake.NewTable([]string{"soumu@town.example.jp", "zeimu@town.example.jp"}, "")
	if err != nil {
		t.Fatal(err)
	}
	server, client := certificate(t)
	s, err := intake.New(intake.Config{Host: "gate.example.jp", TLS: server, Recipients: entries, Postmaster: master,
		UTF8:   func(context.Context) intake.Verdict { return intake.Accept },
		Limits: intake.Limits{MailsPerMinute: 1 << 30, MessageBytes: maxMail, Idle: 10 * time.Second, Upload: 10 * time.Second},
		Ledger: memoryLedger{m: m}, Originals: memoryBlobs{m: m},
		Scribe: gateway.Scribe{Clock: time.Now, Random: rand.Reader}})
	if err != nil {
		t.Fatal(err)
	}
	return m, listen(t, s), client
}

// check compares what the server kept since before with what the model saw.
func (m *model) check(kept *memory, before int) {
	m.t.Helper()
	kept.mu.Lock()
	defer kept.mu.Unlock()
	var got []sent
	for _, msg := range kept.messages[before:] {
		got = append(got, sent{msg.Envelope.From, msg.Envelope.To, kept.kept[msg.Blob]})
		for _, to := range msg.Envelope.To {
			if !m.rcpts[strings.ToLower(to)] {
				m.t.Fatal("recipient", to)
			}
		}
	}
	if d := cmp.Diff(m.mails, got); d != "" {
		m.t.Fatal("mails (-sent +accepted):\n" + d)
	}
	if len(kept.kept) != len(kept.messages) {
		m.t.Fatal(len(kept.kept), "originals,", len(kept.messages), "mails")
	}
}

// fragments are what dialogues are made of: mostly whole commands and mails, and
// between them pieces, ends of mails that some server takes for one, and what
// makes a dialogue go wrong.
func fragments() *rapid.Generator[string] {
	good := rapid.SampledFrom([]string{
		"EHLO c\r\n", "HELO c\r\n", "NOOP\r\n", "RSET\r\n", "VRFY x\r\n", "MAIL FROM:<a@b.test>\r\n", "MAIL FROM:<>\r\n",
		"mail from: <c@d.test> SIZE=9 BODY=8BITMIME\r\n", "MAIL FROM:<佐@b.test> SMTPUTF8\r\n",
		"RCPT TO:<soumu@town.example.jp>\r\n", "RCPT TO:<zeimu@town.example.jp>\r\n", "RCPT TO:<Postmaster>\r\n",
		"RCPT TO:<Soumu@TOWN.example.jp>\r\n", opened, opened, second, second, "BDAT 3\r\nabc", "BDAT 3 LAST\r\nabc",
	})
	bad := rapid.SampledFrom([]string{
		"RCPT TO:<x@elsewhere.example>\r\n", "RCPT TO:<soumu@town.example.jp,x@elsewhere.example>\r\n", "RCPT TO:<x@elsewhere.example> <soumu@town.example.jp>\r\n",
		`RCPT TO:<"x@elsewhere.example> ORCPT=rfc822;y"@town.example.jp>` + "\r\n", "DATA\r\n", "STARTTLS\r\n", "QUIT\r\n",
		"text", ".\r\n", "\r\n.\r\n", "\r", "\n", "\x00", "\t", "\xff", "\r\n", strings.Repeat("long ", 300),
		"BDAT 3\r\nab\r", "BDAT 1\r\n\n", "BDAT 3 LAST\r\nab\r", "BDAT 0 LAST\r\n", "BDAT 99999999999 LAST\r\n", "BDAT 0\r\n", "BDAT\r\n",
	})
	lines := rapid.SampledFrom([]string{"Subject: a\r\n\r\n", "b\r\n", "..\r\n", "..x\r\n", "...\r\n", ".x\r\n", "QUIT\r\n", "佐\xff\r\n", second})
	ends := rapid.SampledFrom([]string{"", "", "", "", "x", "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\r\n.\r\n", "\r\n.\x00\r\n",
		"\r\n\x00.\r\n", "\r\n.\r\r\n", "\n", "\r", "\x00"})
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(lines, 0, 4).Draw(t, "lines"), "") + ends.Draw(t, "end")
	})
	mail := rapid.Custom(func(t *rapid.T) string {
		before := rapid.SampledFrom([]string{opened, opened, ""}).Draw(t, "envelope")
		more := rapid.OneOf(rapid.Just(""), rapid.Just(""), bad).Draw(t, "rcpt")
		return before + more + "DATA\r\n" + text.Draw(t, "text") + "\r\n.\r\n"
	})
	chunks := rapid.Custom(func(t *rapid.T) string {
		part := text.Draw(t, "chunk")
		off := rapid.SampledFrom([]int{0, 0, 0, 0, 0, 1, -1}).Draw(t, "off")
		before := rapid.SampledFrom([]string{opened, ""}).Draw(t, "envelope")
		last := rapid.SampledFrom([]string{"", " LAST"}).Draw(t, "last")
		return before + fmt.Sprintf("BDAT %d%s\r\n%s", max(0, len(part)+off), last, part)
	})
	return rapid.OneOf(good, good, good, mail, chunks, bad)
}

// TestNoSequence sends random dialogues, in clear, then perhaps under STARTTLS,
// with perhaps something hidden behind that command. Whatever they are, the
// mails accepted are those that the model saw sent, octet for octet, and nobody
// gets one whom the table does not name.
// spec: rfc5321#4.1.4
func TestNoSequence(t *testing.T) {
	kept, addr, client := modelled(t)
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		before, _ := kept.state()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		m := &model{t: t, in: bufio.NewReader(c), rcpts: table(), extra: master}
		m.granted(220, true, true, "a connection")
		if rapid.Bool().Draw(t, "tls") {
			hidden := rapid.SampledFrom([]string{"", "", "", opened, second, "\r\n"}).Draw(t, "hidden")
			clear := rapid.SampledFrom([]string{"", "EHLO c\r\n", opened, opened + "BDAT 3 LAST\r\nabc"}).Draw(t, "clear")
			m.converse(c, true, clear+"STARTTLS\r\n"+hidden)
			secure := tls.Client(c, client)
			if err := secure.Handshake(); err != nil {
				if hidden == "" {
					t.Fatal(err)
				}
				m.check(kept, before)
				return
			}
			m.in, m.tls, m.greeted, m.open, m.now = bufio.NewReader(secure), false, false, false, sent{}
			c = secure
		}
		first := rapid.SampledFrom([]string{"EHLO c\r\n", "EHLO c\r\n", "", "DATA\r\nb\r\n.\r\n"}).Draw(t, "first")
		all := first + strings.Join(rapid.SliceOfN(fragments(), 1, 12).Draw(t, "dialogue"), "")
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		m.converse(c, false, all[:cut], all[cut:])
		m.drain()
		m.check(kept, before)
		if len(m.mails) > 0 {
			good++
		}
	})
	if good == 0 {
		t.Error("no dialogue brought a mail: the test shows nothing")
	}
}

// drain waits for the end of a connection that waits for a handshake.
func (m *model) drain() {
	if m.tls {
		m.in.WriteTo(discard{}) // alerts of TLS; how it ends does not matter
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// FuzzSession sends any bytes, in clear, and holds the server to the model.
func FuzzSession(f *testing.F) {
	for _, s := range []string{
		opened + "DATA\r\nSubject: a\r\n\r\nb\r\n.\r\nQUIT\r\n", opened + "BDAT 3\r\nabcBDAT 2 LAST\r\n\r\n" + second,
		opened + "DATA\r\na\n.\r\n" + second, opened + "DATA\r\na\r\r\n.\r\n" + second, opened + "DATA\r\nSubject: a\r\n\r\nx\r\n.\n" + second,
		opened + "BDAT 99999999999 LAST\r\n" + second, opened + "BDAT 5\r\n" + opened, opened + "BDAT 1\r\n\rNOOP\r\nBDAT 1\r\n\nRSET\r\n" + second,
		"EHLO c\r\nMAIL FROM:<> SMTPUTF8 SIZE=3 BODY=8BITMIME\r\nRCPT TO:<Postmaster>\r\nRCPT TO:<postmaster@town.example.jp>\r\nDATA\r\n.\r\n",
		"STARTTLS\r\nHELO x\r\nVRFY x\r\nRSET\r\nNOOP\r\nEXPN x\r\nAUTH PLAIN\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		opened + "BDAT 3\r\nabcRSET\r\n" + opened + "DATA\r\n..\r\n.\r\n", opened + opened + second,
		"EHLO c\r\nMAIL FROM:<a@b.test>\r\n" + `RCPT TO:<"x@e.test> ORCPT=rfc822;y"@town.example.jp>` + "\r\nDATA\r\n",
		"NOOP\r\nSTARTTLS\r\n" + opened + "DATA\r\nx\r\n.\r\n",
	} {
		f.Add([]byte(s))
	}
	kept, addr, _ := modelled(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		before, _ := kept.state()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		m := &model{t: t, in: bufio.NewReader(c), rcpts: table(), extra: master}
		m.granted(220, true, true, "a connection")
		m.converse(c, false, string(input))
		m.drain()
		m.check(kept, before)
	})
}
