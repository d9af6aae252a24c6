package intake_test

import (
	"context"
	"testing"
	"time"

	"sekisho/gateway/intake"
)

// TestAddressesBeyondASCII accepts them only if the next hop takes them: mail
// that cannot be handed on must not be accepted.
// spec: rfc6531#3.2
func TestAddressesBeyondASCII(t *testing.T) {
	st := openStores(t)
	for _, c := range []struct {
		name, script, reason string
		hop                  intake.Verdict
		mails                []string
	}{
		{name: "hop takes them", hop: intake.Accept, script: `> EHLO c
			< 250
			> MAIL FROM:<佐藤@例.jp> SMTPUTF8
			< 250
			> RCPT TO:<総務@all.example.jp>
			< 250
			> DATA
			< 354
			>> x\r\n.\r\n
			< 250 2.0.0 M-`, mails: []string{"x\r\n"}},
		{name: "hop does not", hop: intake.Unknown, reason: intake.ReasonUTF8, script: `> EHLO c
			< 250
			> MAIL FROM:<佐藤@例.jp> SMTPUTF8
			< 553 5.6.7
			> RCPT TO:<soumu@town.example.jp>
			< 503
			> MAIL FROM:<a@b.test> SMTPUTF8
			< 250
			> RCPT TO:<総務@all.example.jp>
			< 553 5.6.7
			> DATA
			< 503
			> RCPT TO:<soumu@town.example.jp>
			< 250
			> DATA
			< 354
			>> Subject: 件名\r\n\r\nx\r\n.\r\n
			< 250 2.0.0 M-`, mails: []string{"Subject: 件名\r\n\r\nx\r\n"}},
		{name: "hop not to be asked", hop: intake.TryLater, reason: intake.ReasonTryLater, script: `> EHLO c
			< 250
			> MAIL FROM:<佐藤@例.jp> SMTPUTF8
			< 451 4.3.0
			> MAIL FROM:<a@b.test> SMTPUTF8
			< 250
			> RCPT TO:<総務@all.example.jp>
			< 451 4.3.0
			> RCPT TO:<総務@elsewhere.example>
			< 550 5.1.1
			> DATA
			< 503`},
	} {
		t.Run(c.name, func(t *testing.T) {
			both(t, func(t *testing.T, dial func(*running) *dialog) {
				r := start(t, st, func(k *intake.Config) {
					k.UTF8 = func(context.Context) intake.Verdict { return c.hop }
				})
				dial(r).run(c.script)
				checkMails(t, r, c.mails)
				if c.reason != "" && r.reason(c.reason) != 2 {
					t.Errorf("counted: %v", r.rejected)
				}
			})
		})
	}
	t.Run("nobody to ask", func(t *testing.T) {
		r := start(t, st, func(k *intake.Config) { k.UTF8 = nil })
		d := r.dial(t)
		d.want("220")
		d.run("> EHLO c\n< 250\n> MAIL FROM:<佐藤@例.jp> SMTPUTF8\n< 553 5.6.7")
	})
}

// TestUTF8Hop asks a next hop once and remembers.
func TestUTF8Hop(t *testing.T) {
	for _, c := range []struct {
		name, ext string
		down      error
		want      intake.Verdict
		lasts     time.Duration
	}{
		{"offered", "SMTPUTF8", nil, intake.Accept, time.Hour},
		{"not offered", "SIZE", nil, intake.Unknown, 10 * time.Minute},
		{"down", "", errBroken, intake.TryLater, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &hop{ext: c.ext, down: c.down}
			now := noon
			u, err := intake.NewUTF8Hop(intake.ProbeConfig{Domains: []string{"town.example.jp"}, Dial: h.dial, Host: "gate",
				Clock: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			for i, step := range []time.Duration{0, c.lasts - 1, 1} {
				now = now.Add(step)
				if got := u.Check(t.Context()); got != c.want {
					t.Fatalf("step %d: %v, want %v", i, got, c.want)
				}
				if want := 1 + i/2; h.dials != want {
					t.Fatalf("step %d: %d dials, want %d", i, h.dials, want)
				}
			}
			if len(h.rcpts) != 0 {
				t.Errorf("asked about %q", h.rcpts)
			}
		})
	}
}
