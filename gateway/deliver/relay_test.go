package deliver

import (
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestTaken(t *testing.T) {
	h := newHop(t, "SIZE 1000", "8BITMIME")
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com", to: []string{taro, jiro}})
	blob := w.row(id).Blob
	w.step()
	w.idle()
	got := h.got()
	if len(got) != 1 || got[0].from != "FROM:<a@example.com> SIZE=60" || strings.Join(got[0].to, " ") != taro+" "+jiro {
		t.Fatalf("taken %+v", got)
	}
	if want := strings.ReplaceAll(mail, "\n.", "\n.."); got[0].data != want {
		t.Errorf("sent %q", got[0].data)
	}
	d := w.row(id)
	if d.State != gateway.Relayed || d.Attempts != 1 || d.Blob != "" || d.Reason != "" {
		t.Errorf("delivery %+v", d)
	}
	for _, r := range d.Recipients {
		if r.State != gateway.Taken || r.Code != 250 || r.Text != "2.0.0 queued" || !r.At.Equal(w.now()) {
			t.Errorf("recipient %+v", r)
		}
	}
	if w.inOutbox(blob) {
		t.Error("a relayed mail is still in the outbox")
	}
	if n := w.verbs(id); n["relay.intent"] != 1 || n["relay.relayed"] != 1 || len(n) != 2 {
		t.Errorf("records %v", n)
	}
	if n := w.HopSize(); n != 1000 {
		t.Errorf("hop size %d", n)
	}
}

// A refusal at any step before the final dot is taken leaves the mail waiting.
func TestTransientAtEachStep(t *testing.T) {
	w := newWorld(t, newHop(t))
	for _, c := range []struct {
		step, reply string
		code        int
		text        string
	}{
		{"greeting", "421 busy", 421, "421 busy"},
		{"greeting", "554 go away", 0, "554 go away"}, // about us, not about the mail
		{"EHLO", "451 later", 451, "451 later"},
		{"EHLO", "421 later", 421, "421 later"},
		{"MAIL", "451 4.3.0 local error", 451, "4.3.0 local error"},
		{"MAIL", "421 4.7.0 too many", 421, "4.7.0 too many"},
		{"MAIL", "530 5.7.0 STARTTLS first", 450, "not about this mail: 530 5.7.0"},
		{"RCPT", "450-4.2.0 grey\n450 4.2.0 list", 450, "4.2.0 grey 4.2.0 list"},
		{"RCPT", "421 4.7.0 too many", 421, "4.7.0 too many"},
		{"DATA", "451 no disk", 451, "no disk"},
		{"DATA", "421 no more", 421, "no more"},
		{".", "452 4.3.1 full", 452, "4.3.1 full"},
		{".", "421 4.3.1 full", 421, "4.3.1 full"},
	} {
		t.Run(c.step+" "+c.reply, func(t *testing.T) {
			h := newHop(t)
			w.join(t, h)
			id := w.add(order{from: "a@example.com"})
			h.on(c.step, c.reply)
			w.step()
			w.checkWaits(id, c.code, c.text)
			w.idle()
			w.pass(backOff(1, false))
			w.step()
			if d := w.row(id); d.State != gateway.Relayed || d.Attempts != 2 {
				t.Errorf("then %s", d.State)
			}
		})
	}
}

func TestRefusedAtEachStep(t *testing.T) {
	w := newWorld(t, newHop(t))
	for _, c := range []struct {
		step, reply string
		code        int
	}{
		{"MAIL", "550 5.7.1 no", 550},
		{"MAIL", "552 5.3.4 too big", 552},
		{"RCPT", "550 5.1.1 unknown", 550},
		{"RCPT", "552 5.2.2 over quota", 552}, // the first: not "too many"
		{"DATA", "554 5.5.1 no", 554},
		{".", "550 5.7.1 spam", 550},
	} {
		t.Run(c.step, func(t *testing.T) {
			h := newHop(t, "SIZE 10")
			w.join(t, h)
			id := w.add(order{from: "a@example.com"})
			h.on(c.step, c.reply)
			w.step()
			w.checkFailed(id, reasonRefused)
			if r := w.row(id).Recipients[0]; r.State != gateway.Refused || r.Code != c.code || r.Text != c.reply[4:] {
				t.Errorf("recipient %+v", r)
			}
			if n := w.verbs(id); n["relay.failed"] != 1 {
				t.Errorf("records %v", n)
			}
			w.pass(100 * 24 * time.Hour)
			w.idle()
		})
	}
}

func TestEachRecipientHasItsOwnOutcome(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com", to: []string{taro, jiro, hana}})
	h.on("RCPT "+jiro, "550 5.1.1 unknown")
	h.on("RCPT "+hana, "450 4.2.1 busy", "450 4.2.1 busy")
	w.step()
	d := w.row(id)
	if d.State != gateway.Ready || d.Recipients[0].State != gateway.Taken || d.Recipients[1].State != gateway.Refused || d.Recipients[2].State != gateway.Pending {
		t.Fatalf("%s %+v", d.State, d.Recipients)
	}
	if d.Recipients[0].Code != 250 || d.Recipients[1].Code != 550 || d.Recipients[2].Code != 450 {
		t.Errorf("codes %+v", d.Recipients)
	}
	if len(w.drafts(id)) != 0 {
		t.Error("the postmaster is told before the end")
	}
	w.pass(backOff(1, true))
	w.step()
	w.pass(backOff(2, false))
	w.step()
	w.checkFailed(id, reasonRefused)
	got := h.got()
	if len(got) != 2 || strings.Join(got[0].to, " ") != taro || strings.Join(got[1].to, " ") != hana {
		t.Errorf("taken %+v", got)
	}
	if n := w.verbs(id); n["relay.intent"] != 3 || n["relay.relayed"] != 2 || n["relay.failed"] != 1 || n["relay.deferred"] != 2 {
		t.Errorf("records %v", n)
	}
}

// A next hop that takes few recipients at a time gets the others soon.
func TestTooManyRecipients(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com", to: []string{taro, jiro, hana}})
	h.on("RCPT", "", "552 too many", "452 4.5.3 too many")
	w.step()
	d := w.row(id)
	if d.State != gateway.Ready || d.Recipients[0].State != gateway.Taken || d.Recipients[1].Code != 452 || d.Recipients[2].Code != 452 {
		t.Fatalf("%s %+v", d.State, d.Recipients)
	}
	w.pass(30 * time.Second)
	w.step()
	if d := w.row(id); d.State != gateway.Relayed {
		t.Errorf("%s %+v", d.State, d.Recipients)
	}
}

func TestAddressesThatAreNotSaid(t *testing.T) {
	w := newWorld(t, newHop(t))
	const kanji = "山田@town.example.lg.jp"
	for name, c := range map[string]struct {
		ext   []string
		o     order
		taken string // recipients
		from  string
		text  string // stored for those refused
	}{
		"quoted recipient": {o: order{from: "a@example.com", to: []string{`"x@i.test> ORCPT=y"@a.test`, taro}}, taken: taro,
			from: "FROM:<a@example.com>", text: "5.1.3 not sent"},
		"quoted sender":   {o: order{from: `"a b"@example.com`, to: []string{taro}}, text: "5.1.3 not sent"},
		"null sender":     {o: order{to: []string{taro}}, taken: taro, from: "FROM:<>"},
		"UTF-8 recipient": {o: order{from: "a@example.com", to: []string{kanji, taro}}, taken: taro, from: "FROM:<a@example.com>", text: "5.6.7 not sent"},
		"UTF-8 sender":    {o: order{from: kanji, to: []string{taro}}, text: "5.6.7 not sent"},
		"UTF-8 offered": {ext: []string{"SMTPUTF8"}, o: order{from: "a@example.com", to: []string{kanji, taro}}, taken: kanji + " " + taro,
			from: "FROM:<a@example.com> SMTPUTF8"},
		"UTF-8 offered, not needed": {ext: []string{"SMTPUTF8"}, o: order{from: "a@example.com"}, taken: taro, from: "FROM:<a@example.com>"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHop(t, c.ext...)
			w.join(t, h)
			id := w.add(c.o)
			w.step()
			got := h.got()
			if c.taken == "" && len(got) != 0 || c.taken != "" && (len(got) != 1 || strings.Join(got[0].to, " ") != c.taken || got[0].from != c.from) {
				t.Errorf("taken %+v", got)
			}
			for _, r := range w.row(id).Recipients {
				switch {
				case contains(c.taken, r.Address) && r.State != gateway.Taken:
					t.Errorf("recipient %+v", r)
				case !contains(c.taken, r.Address) && (r.State != gateway.Refused || r.Code != 550 || !contains(r.Text, c.text)):
					t.Errorf("recipient %+v", r)
				}
			}
			if c.text != "" {
				w.checkFailed(id, reasonRefused)
			}
		})
	}
}

func TestExpiryIsToldOnce(t *testing.T) {
	h := newHop(t)
	h.ever("RCPT", "450 4.2.0 later")
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com"})
	var waits []time.Duration
	for w.row(id).State == gateway.Ready {
		w.step()
		if d := w.row(id); d.State == gateway.Ready {
			waits = append(waits, d.NextAt.Sub(w.now()))
			w.pass(waits[len(waits)-1])
		}
	}
	w.checkFailed(id, reasonExpired)
	if r := w.row(id).Recipients[0]; r.State != gateway.Refused || r.Code != 450 || r.Text != "4.2.0 later" {
		t.Errorf("recipient %+v", r)
	}
	if len(waits) != 77 || waits[0] != 30*time.Second || waits[1] != 2*time.Minute || waits[len(waits)-1] != time.Hour {
		t.Errorf("%d waits %v", len(waits), waits)
	}
	n := w.verbs(id)
	if n["relay.failed"] != 1 || n["relay.deferred"] != len(waits) || n["relay.intent"] != len(waits)+1 {
		t.Errorf("records %v", n)
	}
	w.pass(100 * 24 * time.Hour)
	w.idle()
}

// A mail to the postmaster that fails is not reported to the postmaster.
func TestPostmasterMailFails(t *testing.T) {
	h := newHop(t)
	h.ever("RCPT", "550 5.1.1 no postmaster")
	w := newWorld(t, h)
	id := w.add(order{to: []string{boss}, row: func(d *gateway.Delivery) { d.Kind = gateway.KindPostmaster }})
	w.step()
	if d := w.row(id); d.State != gateway.Failed || len(w.drafts(id)) != 0 {
		t.Errorf("%s, drafts %+v", d.State, w.drafts(id))
	}
	if n := w.verbs(id); n["relay.failed"] != 1 {
		t.Errorf("records %v", n)
	}
}

// Without a usable postmaster the outcome is committed all the same: else the
// mail would be sent again and again.
func TestNoPostmaster(t *testing.T) {
	h := newHop(t)
	h.on("RCPT "+taro, "550 5.1.1 unknown")
	w := newWorld(t, h)
	w.Postmaster = ""
	id := w.add(order{to: []string{taro, jiro}})
	w.step()
	if d := w.row(id); d.State != gateway.Failed || d.Recipients[1].State != gateway.Taken || len(w.drafts(id)) != 0 {
		t.Errorf("%s %+v", d.State, d.Recipients)
	}
}

// One record names at most 100 recipients; none of them may go unnamed.
func TestEveryRecipientIsRecorded(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	var to []string
	for i := range 230 {
		to = append(to, strings.Repeat("a", i%50+1)+string(rune('a'+i/50))+"@town.example.lg.jp")
	}
	w.add(order{to: to})
	w.step()
	rows, err := w.ledger.Pending(t.Context(), -1, 100)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, r := range rows {
		if r.Event.Verb == "relay.relayed" {
			for _, a := range r.Event.Mail.Recipients {
				named[a] = true
			}
			if r.Event.Change.After != "250 2.0.0 queued" {
				t.Errorf("evidence %+v", r.Event.Change)
			}
		}
	}
	if len(named) != len(to) {
		t.Errorf("%d of %d recipients are named", len(named), len(to))
	}
}
