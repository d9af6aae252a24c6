package intake_test

import (
	"bufio"
	"crypto/tls"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sekisho/gateway/intake"
)

// dialogues are held with a real Postfix and with us. A line "> text" sends
// text and CRLF, ">> text" sends text with Go's escapes; "< 5" wants a reply of
// that class from both, "< 5 2" from us the first and from Postfix the second;
// then why says what we do differently and for what reason.
func dialogues() []dialogue {
	const rcpt = "> EHLO c\n< 2\n> MAIL FROM:<a@b.test>\n< 2\n> RCPT TO:<soumu@town.example.jp>\n< 2\n"
	const mail = rcpt + "> DATA\n< 3\n"
	const again = "> MAIL FROM:<c@d.test>\n< 2\n> RCPT TO:<zeimu@town.example.jp>\n< 2\n> DATA\n< 3\n>> b\\r\\n.\\r\\n\n< 2\n"
	one, two := "a@b.test -> soumu@town.example.jp", "c@d.test -> zeimu@town.example.jp"
	return []dialogue{
		{name: "a mail", script: mail + `>> Subject: a\r\n\r\nb\r\n.\r\n` + "\n< 2", mails: []string{one}},
		{name: "two mails", script: mail + `>> a\r\n.\r\n` + "\n< 2\n" + again, mails: []string{one, two}},
		{name: "an empty mail", script: mail + ">> .\\r\\n\n< 2", mails: []string{one}},
		{name: "dots", script: mail + ">> ..\\r\\n...\\r\\n..x\\r\\n.\\r\\n\n< 2\n" + again, mails: []string{one, two}},
		{name: "HELO, small letters, spaces", script: "> helo c\n< 2\n> mail from: <a@b.test> size=5\n< 2\n> rcpt to: <soumu@town.example.jp>\n< 2\n> data\n< 3\n> .\n< 2",
			mails: []string{one}},
		{name: "a pipelined burst", script: `>> EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<soumu@town.example.jp>\r\nRCPT TO:<x@town.example.jp>\r\nDATA\r\n` +
			"\n< 2\n< 2\n< 2\n< 5\n< 3\n" + `>> a\r\n.\r\nMAIL FROM:<c@d.test>\r\nRCPT TO:<zeimu@town.example.jp>\r\nDATA\r\n` + "\n< 2\n< 2\n< 2\n< 3\n> .\n< 2",
			mails: []string{one, two}},
		{name: "order", script: "> MAIL FROM:<a@b.test>\n< 5\n> EHLO c\n< 2\n> RCPT TO:<soumu@town.example.jp>\n< 5\n> DATA\n< 5\n> MAIL FROM:<a@b.test>\n< 2\n> DATA\n< 5"},
		{name: "nested MAIL", script: rcpt + "> MAIL FROM:<c@d.test>\n< 5\n> RCPT TO:<zeimu@town.example.jp>\n< 2\n> DATA\n< 3\n> .\n< 2",
			mails: []string{one + " zeimu@town.example.jp"}},
		{name: "RSET", script: rcpt + "> RSET\n< 2\n> DATA\n< 5\n" + again, mails: []string{two}},
		{name: "EHLO forgets", script: rcpt + "> EHLO c\n< 2\n> DATA\n< 5\n" + again, mails: []string{two}},
		{name: "unknown and foreign recipients", script: "> EHLO c\n< 2\n> MAIL FROM:<c@d.test>\n< 2\n> RCPT TO:<nobody@town.example.jp>\n< 5\n> RCPT TO:<soumu@elsewhere.example>\n< 5\n" +
			"> RCPT TO:<soumu%elsewhere.example@town.example.jp>\n< 5\n> DATA\n< 5\n> RCPT TO:<zeimu@town.example.jp>\n< 2\n> DATA\n< 3\n> .\n< 2", mails: []string{two}},
		{name: "null sender, postmaster", script: "> EHLO c\n< 2\n> MAIL FROM:<>\n< 2\n> RCPT TO:<Postmaster>\n< 2\n> DATA\n< 3\n> .\n< 2",
			mails: []string{" -> postmaster@town.example.jp"}},
		{name: "subaddress, twice the same", script: "> EHLO c\n< 2\n> MAIL FROM:<a@b.test>\n< 2\n> RCPT TO:<soumu+x@town.example.jp>\n< 2\n> RCPT TO:<soumu+x@town.example.jp>\n< 2\n> DATA\n< 3\n> .\n< 2",
			mails: []string{"a@b.test -> soumu+x@town.example.jp"}},
		{name: "too many recipients", script: rcpt + "> RCPT TO:<zeimu@town.example.jp>\n< 2\n> RCPT TO:<postmaster@town.example.jp>\n< 2\n> RCPT TO:<soumu+y@town.example.jp>\n< 4\n> DATA\n< 3\n> .\n< 2",
			mails: []string{"a@b.test -> postmaster@town.example.jp soumu@town.example.jp zeimu@town.example.jp"}},
		{name: "parameters", script: "> EHLO c\n< 2\n> MAIL FROM:<a@b.test> SIZE=99999999\n< 5\n> RSET\n< 2\n> MAIL FROM:<a@b.test> SIZE=x\n< 5\n> MAIL FROM:<a@b.test> NONSENSE=1\n< 5\n" +
			"> MAIL FROM:<a@b.test> BODY=9BIT\n< 5\n> MAIL FROM:<a@b.test> BODY=8BITMIME\n< 2\n> RCPT TO:<soumu@town.example.jp> NONSENSE\n< 5\n> DATA\n< 5"},
		{name: "too large, then another", script: mail + ">> " + strings.Repeat(strings.Repeat("x", 98)+`\r\n`, 250) + `.\r\n` + "\n< 5\n" + again, mails: []string{two}},
		{name: "BDAT", script: rcpt + `>> BDAT 5 LAST\r\na\r\n.\r` + "\n< 5 2", why: "Postfix takes a CR at the end of a chunk, we take CRLF only", theirs: []string{one}},
		{name: "BDAT in chunks", script: rcpt + `>> BDAT 4\r\na\r\n.BDAT 2\r\n\r\nBDAT 3 LAST\r\n.\r\n` + "\n< 2\n< 2\n< 2\n" + again, mails: []string{one, two}},
		{name: "BDAT given up", script: rcpt + `>> BDAT 3\r\nabcRSET\r\n` + "\n< 2\n< 2\n> DATA\n< 5\n" + again, mails: []string{two}},
		{name: "BDAT out of turn", script: "> EHLO c\n< 2\n" + `>> BDAT 6\r\nQUIT\r\n` + "\n< 5\n> RSET\n< 2\n" + again, mails: []string{two}},
		{name: "BDAT and DATA", script: rcpt + `>> BDAT 3\r\nabcDATA\r\n` + "\n< 2\n< 5\n> RSET\n< 2\n" + again, mails: []string{two}},
		{name: "verbs", script: "> EHLO c\n< 2\n> NOOP x\n< 2\n> NONSENSE\n< 5\n> EXPN all\n< 5\n> TURN\n< 5\n> VRFY soumu\n< 2\n> EHLO\n< 5\n> \n< 5"},
		{name: "addresses with SMTPUTF8", script: "> EHLO c\n< 2\n> MAIL FROM:<佐藤@例.jp> SMTPUTF8\n< 2\n> RCPT TO:<soumu@town.example.jp>\n< 2\n> DATA\n< 3\n> .\n< 2",
			mails: []string{"佐藤@例.jp -> soumu@town.example.jp"}},
		{name: "a list of recipients", script: "> EHLO c\n< 2\n> MAIL FROM:<a@b.test>\n< 2\n> RCPT TO:<soumu@town.example.jp,zeimu@town.example.jp>\n< 5\n> RCPT TO:<soumu@town.example.jp\n< 5\n> DATA\n< 5"},
		{name: "addresses beyond ASCII without SMTPUTF8", script: "> EHLO c\n< 2\n> MAIL FROM:<佐藤@例.jp>\n< 5\n> RCPT TO:<soumu@town.example.jp>\n< 5"},

		{name: "bare LF in a mail", script: mail + `>> a\nb\r\n.\r\n` + "\n< 5 2", theirs: []string{one},
			why: "a bare LF is a line end for some and none for others"},
		{name: "smuggling by LF . CRLF", script: mail + `>> a\n.\r\nMAIL FROM:<c@d.test>\r\nRCPT TO:<zeimu@town.example.jp>\r\nDATA\r\nx\r\n.\r\n` + "\n< 5 2",
			theirs: []string{one, two}, why: "this is the second mail that smuggling is about"},
		{name: "NUL in a mail", script: mail + `>> a\x00b\r\n.\r\n` + "\n< 5 2", theirs: []string{one}, why: "a NUL ends a string for some"},
		{name: "bare LF ends a command", script: `>> EHLO c\n` + "\n< 5 2", why: "as in a mail"},
		{name: "quoted local part, source route, no brackets", script: "> EHLO c\n< 2\n> MAIL FROM:<a@b.test>\n< 2\n" + `> RCPT TO:<"soumu"@town.example.jp>` + "\n< 5 2\n" +
			"> RCPT TO:<@relay.test:zeimu@town.example.jp>\n< 5 2\n> RCPT TO:soumu+z@town.example.jp\n< 5 2",
			why: "quoting and routes have carried a second recipient past servers that read them differently (STORAGE-SMTP defect 2)"},
	}
}

type dialogue struct {
	name, script string
	mails        []string // of both
	theirs       []string // of Postfix, where it differs
	why          string
}

// TestPostfix compares replies and mails with Postfix in clear and under
// STARTTLS.
// spec: rfc5321#3.3
func TestPostfix(t *testing.T) {
	p := startPeer(t)
	_, client := certificate(t)
	st := openStores(t)
	agreed := 0
	for _, c := range dialogues() {
		if c.why == "" {
			agreed++
		}
		for name, secure := range map[string]*tls.Config{"clear": nil, "tls": client} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				r := start(t, st, func(k *intake.Config) { k.Limits = intake.Limits{Recipients: 3, MessageBytes: 20000} })
				p.t = t
				c.hold(t, r.addr, secure, 0)
				c.hold(t, p.Address, secure, 1)
				var ours []string
				for _, m := range r.mails() {
					ours = append(ours, summary(m.Envelope.From, m.Envelope.To))
				}
				slices.Sort(ours)
				if d := cmp.Diff(c.mails, ours); d != "" {
					t.Errorf("our mails (-want +got):\n%s", d)
				}
				theirs := c.theirs
				if theirs == nil {
					theirs = c.mails
				}
				if d := cmp.Diff(theirs, p.take()); d != "" {
					t.Errorf("Postfix's mails (-want +got):\n%s", d)
				}
			})
		}
	}
	if agreed < 20 {
		t.Errorf("only %d dialogues in which both agree", agreed)
	}
}

// hold holds a dialogue with one of the two and compares the classes of replies.
func (c dialogue) hold(t *testing.T, addr string, secure *tls.Config, side int) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	d := talk(t, conn)
	d.want("220")
	if secure != nil {
		d.upgrade(secure)
	}
	last := ""
	for line := range strings.Lines(c.script) {
		op, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch op {
		case ">":
			last = text + "\r\n"
			d.send(last)
		case ">>":
			if last, err = strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`); err != nil {
				t.Fatal(err)
			}
			d.send(last)
		case "<":
			classes := strings.Fields(text)
			want := classes[min(side, len(classes)-1)]
			if a := d.answer(); !strings.HasPrefix(a, want) {
				t.Fatalf("%s answered %q to %q, want %s", []string{"we", "Postfix"}[side], a, last, want)
			}
		}
	}
	d.send("QUIT\r\n")
	for r := bufio.NewReader(d.in); ; { // Postfix has put a mail away when it says so; this is its end
		if _, err := r.ReadByte(); err != nil {
			return
		}
	}
}
