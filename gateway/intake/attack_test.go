package intake_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/gateway/intake"
)

// second is a whole transaction that an attack hides in or behind a mail.
const second = "MAIL FROM:<forged@evil.example>\r\nRCPT TO:<zeimu@town.example.jp>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"

// TestEndOfData sends what some server takes for the end of a mail, and a whole
// second transaction behind it. No mail may come of it, and nothing after it may
// be answered.
// spec: rfc5321#2.3.8 rfc5321#4.5.2
func TestEndOfData(t *testing.T) {
	st := openStores(t)
	for name, end := range map[string]string{
		"LF.LF": "\n.\n", "LF.CRLF": "\n.\r\n", "LF LF.CRLF": "\n\n.\r\n", "CRLF.LF": "\r\n.\n",
		"CRLF.CR text": "\r\n.\rtext\r\n", "CRLF.CR CRLF": "\r\n.\r\r\n", "CR.CR": "\r.\r", "CR.CRLF": "\r.\r\n",
		"CR.LF": "\r.\n", "LF.CR": "\n.\r", "CR CRLF.CRLF": "\r\r\n.\r\n", "CRLF NUL.CRLF": "\r\n\x00.\r\n",
		"CRLF.NUL CRLF": "\r\n.\x00\r\n", "bare LF": "\n", "bare CR": "\r", "NUL": "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dial func(*running) *dialog) {
				t.Run("DATA", func(t *testing.T) {
					d, r := dialTo(t, st, dial, to354)
					d.send("Subject: outer\r\n\r\nbody" + end + second)
					wantRefused(t, d, r)
				})
				t.Run("BDAT", func(t *testing.T) {
					d, r := dialTo(t, st, dial, toRcpt)
					body := "Subject: outer\r\n\r\nbody" + end + "x"
					d.send(fmt.Sprintf("BDAT %d LAST\r\n%s%s", len(body), body, second))
					wantRefused(t, d, r)
				})
			})
		})
	}
}

// dialTo starts a server and brings a dialog to the state after a script.
func dialTo(t *testing.T, st stores, dial func(*running) *dialog, script string) (*dialog, *running) {
	t.Helper()
	r := start(t, st, nil)
	d := dial(r)
	d.t = t
	d.steps(script)
	return d, r
}

// wantRefused wants 550 for the content, the end of the connection, no mail and
// one record.
func wantRefused(t *testing.T, d *dialog, r *running) {
	t.Helper()
	d.want("550 5.6.0")
	if a := d.answer(); a != "eof" {
		t.Errorf("after the refusal: %q", a)
	}
	checkMails(t, r, nil)
	if n := r.reason(intake.ReasonBareLineEnd); n != 1 {
		t.Errorf("counted %d times", n)
	}
}

// TestCorpusSamples sends the smuggling samples of the corpus after 354. A
// sample makes at most one mail, and never one from its inner envelope.
func TestCorpusSamples(t *testing.T) {
	samples := map[string][]byte{
		"own CRLF.LF": []byte("Subject: o\r\n\r\nbody\r\n.\n" + second),
		"own LF.CRLF": []byte("Subject: o\r\n\r\nbody\n.\r\n" + second),
	}
	for name, want := range expectations(t) {
		// What a server may do with it; refusing is the stricter of the two.
		if want != "bare LF refused (5xx) or ONE mail; no second envelope" {
			t.Fatalf("%s: no test for %q", name, want)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		samples[filepath.Base(name)] = b
	}
	st := openStores(t)
	for name, sample := range samples {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dial func(*running) *dialog) {
				d, r := dialTo(t, st, dial, to354)
				d.send(string(sample))
				wantRefused(t, d, r)
			})
		})
	}
}

// expectations reads from the corpus's list which SMTP samples there are, and
// what is to become of each: the first and the last column.
func expectations(t *testing.T) map[string]string {
	t.Helper()
	dir := os.Getenv("SEKISHO_CORPUS")
	if dir == "" {
		return nil
	}
	list, err := os.ReadFile(filepath.Join(dir, "MANIFEST.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]string{}
	for line := range strings.Lines(string(list)) {
		columns := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if ok, _ := filepath.Match("bugs/smtp-*.raw", columns[0]); ok {
			samples[filepath.Join(dir, columns[0])] = columns[len(columns)-1]
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "bugs", "smtp-*.raw"))
	if err != nil || len(files) == 0 || len(files) != len(samples) {
		t.Fatalf("%d samples listed, %d files (%v)", len(samples), len(files), err)
	}
	return samples
}

// TestDefects has a case for each defect that go-smtp shows without the guard.
// Those of time are in time_test.go.
func TestDefects(t *testing.T) {
	st := openStores(t)
	for _, c := range []struct {
		name, script string
		mails        []string
	}{
		{name: "envelope injection", script: `> EHLO c
			< 250
			> MAIL FROM:<"a@b.test> SIZE=1 x"@c.test>
			< 553 5.1.7
			> MAIL FROM:<a@b.test>
			< 250
			> RCPT TO:<"victim@internal.test> ORCPT=rfc822;x"@all.example.jp>
			< 553 5.1.3
			> RCPT TO:<"soumu"@town.example.jp>
			< 553 5.1.3
			> RCPT TO:<@relay.test:soumu@town.example.jp>
			< 553 5.1.3
			> RCPT TO:<soumu@town.example.jp,zeimu@town.example.jp>
			< 553 5.1.3
			> RCPT TO:<soumu@town.example.jp> <zeimu@town.example.jp>
			< 555 5.5.4
			> RCPT TO:soumu@town.example.jp
			< 501 5.5.2
			> RCPT TO:<soumu@town.example.jp
			< 501 5.5.2
			> RCPT TO:<soumu@[127.0.0.1]>
			< 553 5.1.3
			> RCPT TO:<soumu%elsewhere.example@town.example.jp>
			< 550 5.1.1
			> RCPT TO:<>
			< 553 5.1.3
			> DATA
			< 503 5.5.1`},
		{name: "nested MAIL keeps nothing", script: `> EHLO c
			< 250
			> MAIL FROM:<a@b.test>
			< 250
			> RCPT TO:<soumu@town.example.jp>
			< 250
			> MAIL FROM:<c@d.test>
			< 503 5.5.1
			> RSET
			< 250
			> MAIL FROM:<c@d.test>
			< 250
			> DATA
			< 503 5.5.1`},
		{name: "NUL in a command", script: `> EHLO c
			< 250
			>> MAIL FROM:<a\x00@b.test>\r\n
			< 500 5.5.2
			>> MAIL FROM:<a@b.test>\tSIZE=1\r\n
			< 500 5.5.2`},
		{name: "8-bit in a command", script: `> EHLO c
			< 250
			> MAIL FROM:<佐藤@b.test>
			< 553 5.6.7
			>> MAIL FROM:<\xff@b.test> SMTPUTF8\r\n
			< 553 5.1.7
			> MAIL FROM:<a@b.test>
			< 250
			> RCPT TO:<総務@all.example.jp>
			< 553 5.6.7
			> EHLO é
			< 501`},
		{name: "bare LF ends no command", script: `>> EHLO c\nMAIL FROM:<a@b.test>\r\n
			< 500 5.5.2
			= eof`},
		{name: "bare CR in a command", script: `>> EHLO c\rMAIL FROM:<a@b.test>\r\n
			< 500 5.5.2
			= eof`},
		{name: "CR CR LF", script: `>> EHLO c\r\r\n
			< 500 5.5.2
			= eof`},
		{name: "oversized BDAT", script: toRcpt + `>> BDAT 99999999999 LAST\r\nRSET\r\nNOOP\r\n
			< 552 5.3.4
			= eof`},
		{name: "BDAT beyond 64 bits", script: toRcpt + `>> BDAT 99999999999999999999999 LAST\r\nNOOP\r\n
			< 501 5.5.4
			= eof`},
		{name: "BDAT without a size", script: toRcpt + `>> BDAT LAST\r\nNOOP\r\n
			< 501 5.5.4
			= eof`},
		{name: "negative BDAT", script: toRcpt + `>> BDAT -5 LAST\r\nNOOP\r\n
			< 501 5.5.4
			= eof`},
		{name: "BDAT out of turn", script: `> EHLO c
			< 250
			>> BDAT 6 LAST\r\nRSET\r\nNOOP\r\n
			< 503 5.5.1
			< 250`},
		{name: "bare LF in BDAT out of turn", script: `> EHLO c
			< 250
			>> BDAT 6 LAST\r\nRS\nET\nNOOP\r\n
			< 503 5.5.1
			= eof`},
		{name: "BDAT given up", script: toRcpt + `>> BDAT 3\r\nabcRSET\r\n
			< 250 2.0.0 Go on
			< 250 2.0.0 Session reset
			> DATA
			< 503 5.5.1`},
		{name: "BDAT and QUIT", script: toRcpt + `>> BDAT 3\r\nabcQUIT\r\nNOOP\r\n
			< 250
			< 221
			= eof`},
		{name: "BDAT and DATA", script: toRcpt + `>> BDAT 3\r\nabcNOOP\r\nDATA\r\nNOOP\r\n
			< 250
			< 250
			< 503
			< 250`},
		{name: "BDAT and nonsense", script: toRcpt + `>> BDAT 3\r\nabcBDAT x\r\nNOOP\r\n
			< 250
			< 501
			= eof`},
		{name: "CR at the end of BDAT", script: toRcpt + `>> BDAT 3 LAST\r\nab\rNOOP\r\n
			< 550 5.6.0
			= eof`},
		{name: "CRLF across chunks", script: toRcpt + `>> BDAT 3\r\nab\rBDAT 2\r\n\ncBDAT 0 LAST\r\n
			< 250
			< 250
			< 250 2.0.0 M-`, mails: []string{"ab\r\nc"}},
		{name: "dots in BDAT", script: toRcpt + `>> bdat 15  last\r\n.a\r\n.\r\n..b\r\n.\r\n
			< 250 2.0.0 M-`, mails: []string{".a\r\n.\r\n..b\r\n.\r\n"}},
		{name: "empty mail", script: to354 + `>> .\r\n
			< 250 2.0.0 M-`, mails: []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			both(t, func(t *testing.T, dial func(*running) *dialog) {
				r := start(t, st, nil)
				dial(r).run(c.script)
				checkMails(t, r, c.mails)
			})
		})
	}
}

// TestInjectionBeforeTLS is RFC 3207 §5 turned round: what came in clear ahead
// of the handshake must not be run after it.
// spec: rfc3207#4.2
func TestInjectionBeforeTLS(t *testing.T) {
	r := start(t, openStores(t), nil)
	d := r.dial(t)
	d.want("220")
	d.send("EHLO c\r\nMAIL FROM:<a@b.test>\r\n")
	d.want("250")
	d.want("250")
	d.send("STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@b.test>\r\nRCPT TO:<soumu@town.example.jp>\r\n")
	d.want("220 2.0.0")
	d.handshake(r.tls)
	d.send("DATA\r\n")
	d.want("503 5.5.1") // also the transaction before STARTTLS is gone
	d.send("MAIL FROM:<a@b.test>\r\n")
	d.want("503 5.5.1 Say EHLO first")
}

// TestRefusalArrives sends much more after what is refused; the client must
// still hear why, and not just lose the connection.
func TestRefusalArrives(t *testing.T) {
	both(t, func(t *testing.T, dial func(*running) *dialog) {
		d, r := dialTo(t, openStores(t), dial, to354)
		go d.send("a\n" + strings.Repeat("a line of a mail that is refused already\r\n", 100_000) + ".\r\n")
		wantRefused(t, d, r)
	})
}

// TestNoPostmaster refuses <postmaster> when nobody is it.
func TestNoPostmaster(t *testing.T) {
	r := start(t, openStores(t), func(c *intake.Config) { c.Postmaster = "" })
	d := r.dial(t)
	d.want("220")
	d.run("> EHLO c\n< 250\n> MAIL FROM:<a@b.test>\n< 250\n> RCPT TO:<Postmaster>\n< 550 5.1.1\n> RCPT TO:<>\n< 553")
}

// TestTLS requires it, needs no EHLO before, and ends a failed handshake.
func TestTLS(t *testing.T) {
	r := start(t, openStores(t), func(c *intake.Config) { c.RequireTLS = true })
	d := r.dial(t)
	d.want("220")
	d.send("EHLO c\r\nMAIL FROM:<a@b.test>\r\n")
	d.want("250")
	d.want("530 5.7.0")
	d = r.dial(t)
	d.want("220")
	d.send("STARTTLS\r\n")
	d.want("220")
	d.handshake(r.tls)
	d.run(to354 + ">> a\\r\\n.\\r\\n\n< 250 2.0.0 M-")
	checkMails(t, r, []string{"a\r\n"})
	d = r.dial(t)
	d.want("220")
	d.send("STARTTLS\r\n")
	d.want("220")
	d.send(opened + "DATA\r\na\r\n.\r\n")
	for b := make([]byte, 100); ; { // an alert of TLS may come
		if n, err := d.in.Read(b); err != nil {
			break
		} else if n > 3 && b[0] >= '2' && b[0] <= '5' {
			t.Errorf("an answer in clear after STARTTLS: %q", b[:n])
		}
	}
	checkMails(t, r, []string{"a\r\n"})
}
