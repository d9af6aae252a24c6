package intake_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/intake"
)

// TestLimits plays scripts against a server with small limits.
// spec: g8
func TestLimits(t *testing.T) {
	st := openStores(t)
	for _, c := range []struct {
		name, script, reason string
		limits               intake.Limits
		mails                []string
	}{
		{name: "size at the limit", limits: intake.Limits{MessageBytes: 8}, script: to354 + `>> .aaaaaa\r\n.\r\n
			< 250`, mails: []string{"aaaaaa\r\n"}},
		{name: "size beyond, then a good mail", limits: intake.Limits{MessageBytes: 8}, reason: intake.ReasonTooLarge,
			script: to354 + `>> aaaaaaa\r\n.\r\n
			< 552 5.3.4
			> MAIL FROM:<a@b.test>
			< 250
			> RCPT TO:<soumu@town.example.jp>
			< 250
			> DATA
			< 354
			>> b\r\n.\r\n
			< 250`, mails: []string{"b\r\n"}},
		{name: "size far beyond", limits: intake.Limits{MessageBytes: 8}, reason: intake.ReasonTooLarge,
			script: to354 + `>> aaaaaaaaaaaaaaaaaaaaaaa\r\n.\r\n
			< 552 5.3.4
			= eof`},
		{name: "bare LF beyond the size", limits: intake.Limits{MessageBytes: 8}, reason: intake.ReasonBareLineEnd,
			script: to354 + `>> aaaaaaaaaa\n.\n
			< 550 5.6.0
			= eof`},
		{name: "chunks beyond the size", limits: intake.Limits{MessageBytes: 8}, reason: intake.ReasonTooLarge,
			script: toRcpt + `>> BDAT 6\r\naaaaaaBDAT 6 LAST\r\naaaaaaNOOP\r\n
			< 250
			< 552 5.3.4
			< 250`},
		{name: "chunk beyond the size", limits: intake.Limits{MessageBytes: 8}, reason: intake.ReasonTooLarge,
			script: toRcpt + `>> BDAT 6\r\naaaaaaBDAT 9 LAST\r\naaaaaaaaaNOOP\r\n
			< 250
			< 552 5.3.4
			= eof`},
		{name: "recipients", limits: intake.Limits{Recipients: 2}, script: toRcpt + `> RCPT TO:<zeimu@town.example.jp>
			< 250
			> RCPT TO:<x@all.example.jp>
			< 452 4.5.3
			> DATA
			< 354
			>> .\r\n
			< 250`, mails: []string{""}},
		{name: "postmaster at the limit, then a stranger", limits: intake.Limits{Recipients: 1}, script: toRcpt + `> RCPT TO:<postmaster>
			< 452 4.5.3
			> RSET
			< 250
			> MAIL FROM:<a@b.test>
			< 250
			> RCPT TO:<victim@elsewhere.example>
			< 550 5.1.1`},
		{name: "bad recipients", limits: intake.Limits{BadRecipients: 2}, reason: intake.ReasonUnknownRecipient,
			script: toRcpt + `> RCPT TO:<a@town.example.jp>
			< 550 5.1.1
			> RCPT TO:<b@town.example.jp>
			< 550 5.1.1
			>> RCPT TO:<c@town.example.jp>\r\nDATA\r\n
			< 421 4.7.0
			= eof`},
		{name: "errors", limits: intake.Limits{Errors: 2}, reason: intake.ReasonErrors, script: `> X
			< 500
			> X
			< 500
			> X
			< 500
			< 421 4.7.0
			= eof`},
		{name: "long command", limits: intake.Limits{CommandLine: 512}, reason: intake.ReasonSyntax,
			script: `> NOOP ` + strings.Repeat("x", 506) + `
			< 500 5.5.2 The line is too long
			= eof`},
		{name: "longest command", limits: intake.Limits{CommandLine: 512},
			script: `> NOOP ` + strings.Repeat("x", 505) + `
			< 250`},
		{name: "endless command", limits: intake.Limits{}, reason: intake.ReasonSyntax,
			script: `>> ` + strings.Repeat("x", 40000) + `
			< 500 5.5.2 The line is too long
			= eof`},
		{name: "mails a minute", limits: intake.Limits{MailsPerMinute: 2}, reason: intake.ReasonRate, script: `> EHLO c
			< 250
			> MAIL FROM:<a@b.test>
			< 250
			> RSET
			< 250
			> MAIL FROM:<a@b.test>
			< 250
			> RSET
			< 250
			> MAIL FROM:<a@b.test>
			< 451 4.7.1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			both(t, func(t *testing.T, dial func(*running) *dialog) {
				r := start(t, st, func(k *intake.Config) { k.Limits = c.limits })
				dial(r).run(c.script)
				checkMails(t, r, c.mails)
				if c.reason != "" && r.reason(c.reason) == 0 {
					t.Errorf("%s was not counted: %v", c.reason, r.rejected)
				}
			})
		})
	}
}

// TestCommandsWithoutMail ends a client that only keeps busy.
func TestCommandsWithoutMail(t *testing.T) {
	r := start(t, openStores(t), nil)
	d := r.dial(t)
	d.want("220")
	go d.send(strings.Repeat("NOOP\r\n", 1300))
	n := 0
	for ; ; n++ {
		if a := d.answer(); a != "250 2.0.0 I have successfully done nothing" {
			if !strings.HasPrefix(a, "421 4.7.0") {
				t.Errorf("got %q", a)
			}
			break
		}
	}
	if n != 1000+2*100 {
		t.Errorf("after %d commands", n)
	}
}

// TestAdmission looks at who gets a greeting.
// spec: g12 rfc5321#3.1
func TestAdmission(t *testing.T) {
	loop := netip.MustParsePrefix("127.0.0.0/8")
	for _, c := range []struct {
		name   string
		change func(*intake.Config)
		want   string
		reason string
	}{
		{"loopback by default", func(c *intake.Config) {}, "220", ""},
		{"listed", func(c *intake.Config) { c.Networks = []netip.Prefix{loop} }, "220", ""},
		{"not listed", func(c *intake.Config) { c.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} },
			"554 5.7.1", intake.ReasonNetwork},
		{"third zone, though listed", func(c *intake.Config) {
			c.Networks = []netip.Prefix{loop}
			c.Forbidden = loop.Contains
		}, "554 5.7.1", intake.ReasonZone},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, openStores(t), c.change)
			d := r.dial(t)
			d.want(c.want)
			if c.reason == "" {
				return
			}
			if a := d.answer(); a != "eof" {
				t.Errorf("after the refusal: %q", a)
			}
			if r.reason(c.reason) != 1 {
				t.Errorf("counted: %v", r.rejected)
			}
		})
	}
}

// records stops a server and returns what the ledger holds for the log.
func records(t *testing.T, r *running) (es []audit.Event) {
	t.Helper()
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := r.ledger.Pending(t.Context(), -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		es = append(es, row.Event)
	}
	return es
}

// TestRecords looks at the records of a mail, a refused one and a client of the
// third zone.
func TestRecords(t *testing.T) {
	r := start(t, openStores(t), nil)
	d := r.dial(t)
	d.want("220")
	d.run(to354 + ">> x\\r\\n.\\r\\n\n< 250\n> MAIL FROM:<>\n< 250\n> RCPT TO:<x@all.example.jp>\n< 250\n> DATA\n< 354\n>> x\\n.\\r\\n\n< 550\n= eof")
	es := records(t, r)
	if len(es) != 2 {
		t.Fatalf("%d records", len(es))
	}
	m, e := r.mails()[0], es[0]
	if e.Verb != "message.received" || e.Outcome != audit.Success || e.Actor.Type != audit.ActorRemote || e.Actor.IP != "127.0.0.1" ||
		e.Object.ReceiptNo != m.Receipt || e.Object.ID != string(m.ID) || e.Object.Original != gateway.Hex(m.Sum) ||
		e.Mail.Sender != "sato@example.com" || strings.Join(e.Mail.Recipients, " ") != "soumu@town.example.jp" {
		t.Errorf("accepted: %+v", e)
	}
	if e = es[1]; e.Verb != "message.rejected" || e.Outcome != audit.Denied || e.Decision.ReasonCode != "malformed" ||
		e.Mail.Sender != "<>" || e.Object.ReceiptNo != "" {
		t.Errorf("refused: %+v", e)
	}
	r = start(t, openStores(t), func(c *intake.Config) { c.Forbidden = func(netip.Addr) bool { return true } })
	for range 30 {
		r.dial(t).want("554 5.7.1")
	}
	es = records(t, r)
	if len(es) != 20 || es[0].Verb != "zone.refused" || es[0].Actor.IP != "127.0.0.1" || es[0].Outcome != audit.Denied {
		t.Errorf("%d records of the third zone", len(es))
	}
}

// TestConnections holds connections up to the limits of one client and of all.
func TestConnections(t *testing.T) {
	for _, l := range []intake.Limits{{Connections: 3}, {ConnectionsPerClient: 3}} {
		holdConnections(t, l)
	}
}

func holdConnections(t *testing.T, l intake.Limits) {
	r := start(t, openStores(t), func(c *intake.Config) { c.Limits = l })
	var ds []*dialog
	for range 3 {
		d := r.dial(t)
		d.want("220")
		ds = append(ds, d)
	}
	d := r.dial(t)
	d.want("421 4.7.0")
	d.want("eof")
	ds[1].run("")
	for range 100 { // until the server has seen it too
		d := r.dial(t)
		if a := d.answer(); strings.HasPrefix(a, "220") {
			return
		}
	}
	t.Error("a place that was given back is not free")
}

// TestConcurrent has 50 clients send 2 mails each.
func TestConcurrent(t *testing.T) {
	r := start(t, openStores(t), func(c *intake.Config) { c.Limits.ConnectionsPerClient = 50 })
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			d := r.dial(t)
			if a := d.answer(); !strings.HasPrefix(a, "220") {
				t.Errorf("client %d: %q", i, a)
				return
			}
			script := "EHLO c\r\n"
			for j := range 2 {
				script += fmt.Sprintf("MAIL FROM:<c%d@b.test>\r\nRCPT TO:<soumu@town.example.jp>\r\nBDAT 6 LAST\r\n%02d-%02dx", i, i, j)
			}
			d.send(script + "QUIT\r\n")
			for _, want := range append(append([]string{"250"}, strings.Fields(strings.Repeat("250 250 250 ", 2))...), "221") {
				if a := d.answer(); !strings.HasPrefix(a, want) {
					t.Errorf("client %d: %q, want %s", i, a, want)
					return
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, m := range r.mails() {
		body := r.read(t, m.Blob)
		if seen[m.Receipt] || seen[body] || m.Envelope.From != fmt.Sprintf("c%d@b.test", number(body[:2])) {
			t.Errorf("%s from %s holds %q", m.Receipt, m.Envelope.From, body)
		}
		seen[m.Receipt], seen[body] = true, true
	}
	if len(seen) != 2*100 {
		t.Errorf("%d mails", len(seen)/2)
	}
	if n := r.blobs(t); n != 100 {
		t.Errorf("%d originals", n)
	}
}

func number(s string) (n int) {
	fmt.Sscanf(s, "%d", &n)
	return n
}
