package intake_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sekisho/gateway"
	"sekisho/gateway/intake"
)

// TestDialogue plays scripts in clear and under STARTTLS. The mails a script
// leaves behind are compared byte for byte.
func TestDialogue(t *testing.T) {
	st := openStores(t)
	for _, c := range []struct {
		name, script string
		mails        []string
	}{
		{name: "a mail", script: to354 + `>> Subject: a\r\n\r\nb\r\n.\r\n
			< 250 2.0.0 M-261125-0`, mails: []string{"Subject: a\r\n\r\nb\r\n"}},
		{name: "two mails", script: to354 + `>> a\r\n.\r\n
			< 250 2.0.0 M-
			> MAIL FROM:<>
			< 250
			> rcpt to: <Zeimu+x@Town.Example.JP>
			< 250
			> data
			< 354
			>> ..b\r\n..\r\n...\r\n.\r\n
			< 250`, mails: []string{"a\r\n", ".b\r\n.\r\n..\r\n"}},
		{name: "pipelined", script: `>> EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<soumu@town.example.jp>\r\nDATA\r\n
			< 250
			< 250
			< 250
			< 354
			>> x\r\n.\r\nMAIL FROM:<c@d.test>\r\nRSET\r\nNOOP a b\r\n
			< 250 2.0.0 M-
			< 250
			< 250
			< 250`, mails: []string{"x\r\n"}},
		{name: "unknown recipient", script: `> EHLO c
			< 250
			> MAIL FROM:<a@b.test>
			< 250
			> RCPT TO:<nobody@town.example.jp>
			< 550 5.1.1
			> RCPT TO:<soumu@elsewhere.example>
			< 550 5.1.1
			> DATA
			< 503 5.5.1`},
		{name: "postmaster", script: `> HELO c
			< 250 2.0.0
			> MAIL FROM:<a@b.test>
			< 250
			> RCPT TO:<PostMaster>
			< 250
			> RCPT TO:<postmaster@all.example.jp>
			< 250
			> DATA
			< 354
			>> x\r\n.\r\n
			< 250`, mails: []string{"x\r\n"}},
		{name: "order of commands", script: `> MAIL FROM:<a@b.test>
			< 503 5.5.1
			> RCPT TO:<soumu@town.example.jp>
			< 503 5.5.1
			> DATA
			< 503 5.5.1
			> EHLO c
			< 250
			> MAIL FROM:<a@b.test>
			< 250
			> MAIL FROM:<c@d.test>
			< 503 5.5.1
			> EHLO c
			< 250
			> RCPT TO:<soumu@town.example.jp>
			< 503 5.5.1`},
		{name: "verbs", script: `> EHLO c
			< 250
			> VRFY soumu@town.example.jp
			< 252
			> EXPN all
			< 502 5.5.1
			> ETRN x
			< 502 5.5.1
			> AUTH PLAIN AGEAYg==
			< 502 5.5.1
			> STARTTLSX
			< 500 5.5.2
			> GET / HTTP/1.1
			< 500 5.5.2
			> 
			< 500 5.5.2
			> RSET x
			< 501
			> EHLO
			< 501`},
		{name: "parameters", script: `> EHLO c
			< 250
			> MAIL FROM:<a@b.test> AUTH=<>
			< 555 5.5.4
			> MAIL FROM:<a@b.test> RET=HDRS
			< 555 5.5.4
			> MAIL FROM:<a@b.test> BODY=BINARYMIME
			< 555 5.5.4
			> MAIL FROM:<a@b.test> SIZE=1 SIZE=2
			< 501 5.5.4
			> MAIL FROM:<a@b.test> SIZE=-1
			< 501 5.5.4
			> MAIL FROM:<a@b.test> SIZE=99999999999
			< 552 5.3.4
			> MAIL FROM:<a@b.test>SIZE=1
			< 501 5.5.2
			> MAIL FROM:<a@b.test> size=10 body=8bitmime SMTPUTF8
			< 250
			> RCPT TO:<soumu@town.example.jp> ORCPT=rfc822;x@y.test
			< 555 5.5.4
			> RCPT TO:<soumu@town.example.jp> NOTIFY=NEVER
			< 555 5.5.4`},
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

// checkMails compares what was accepted, what the ledger says of it, and the
// originals.
func checkMails(t *testing.T, r *running, want []string) {
	t.Helper()
	var got []string
	for _, m := range r.mails() {
		body := r.read(t, m.Blob)
		got = append(got, body)
		row, err := r.ledger.MessageByReceipt(t.Context(), m.Receipt)
		if err != nil {
			t.Fatalf("%s: %v", m.Receipt, err)
		}
		if row.ID != m.ID || row.Blob != m.Blob || row.State != gateway.Accepted {
			t.Errorf("the ledger has %+v, the hint said %+v", row, m)
		}
		if row.Size != int64(len(body)) || row.Sum != sha256.Sum256([]byte(body)) {
			t.Errorf("%s: size %d and sum %x do not fit the original", m.Receipt, row.Size, row.Sum)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("accepted mails (-want +got):\n%s", d)
	}
}

// TestEnvelope looks at everything that is kept of a mail.
func TestEnvelope(t *testing.T) {
	both(t, func(t *testing.T, dial func(*running) *dialog) {
		r := start(t, openStores(t), nil)
		d := dial(r)
		d.run(`> EHLO mx_1.example
			< 250
			> MAIL FROM:<佐藤@例.jp> SMTPUTF8
			< 250
			> RCPT TO:<zeimu@town.example.jp>
			< 250
			> RCPT TO:<Soumu@town.example.jp>
			< 250
			> RCPT TO:<ZEIMU@TOWN.example.jp>
			< 250
			> DATA
			< 354
			>> x\r\n.\r\n
			< 250 2.0.0 M-261125-00001 accepted`)
		ms := r.mails()
		if len(ms) != 1 {
			t.Fatalf("%d mails", len(ms))
		}
		row, err := r.ledger.Message(t.Context(), ms[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		want := gateway.Envelope{From: "佐藤@例.jp", To: []string{"zeimu@town.example.jp", "Soumu@town.example.jp"},
			Client: "127.0.0.1", Helo: "mx_1.example", TLS: strings.HasSuffix(t.Name(), "tls"), UTF8: true}
		if d := cmp.Diff(want, row.Envelope); d != "" {
			t.Errorf("envelope (-want +got):\n%s", d)
		}
		if !row.ReceivedAt.Equal(noon) {
			t.Errorf("received at %v", row.ReceivedAt)
		}
	})
}

// TestOffer checks the answer to EHLO, in clear and after STARTTLS.
func TestOffer(t *testing.T) {
	r := start(t, openStores(t), func(c *intake.Config) { c.Limits.MessageBytes = 1000; c.Limits.Recipients = 7 })
	want := "250-Hello c\n250-PIPELINING\n250-8BITMIME\n250-ENHANCEDSTATUSCODES\n250-CHUNKING\n250-SMTPUTF8\n250-SIZE 1000\n"
	d := r.dial(t)
	d.want("220 gate.example.jp ESMTP")
	d.send("EHLO c\r\n")
	if diff := cmp.Diff(want+"250-STARTTLS\n250 LIMITS RCPTMAX=7", d.answer()); diff != "" {
		t.Errorf("in clear (-want +got):\n%s", diff)
	}
	d.upgrade(r.tls)
	d.send("MAIL FROM:<a@b.test>\r\n")
	d.want("503 5.5.1") // the EHLO before is forgotten
	d.send("EHLO c\r\n")
	if diff := cmp.Diff(want+"250 LIMITS RCPTMAX=7", d.answer()); diff != "" {
		t.Errorf("under TLS (-want +got):\n%s", diff)
	}
	d.send("STARTTLS\r\n")
	d.want("503 5.5.1")
}
