package flow

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

// spec: art-2(16) art-6(3)2
func TestPlainMailIsSealed(t *testing.T) {
	w := newWorld(t)
	m := w.accept(plain, "b@town.example.lg.jp", "c@town.example.lg.jp")
	w.step()
	ds := w.deliveries(m)
	if len(ds) != 1 || ds[0].State != gateway.Ready || ds[0].Kind != gateway.KindMail || len(w.items(m)) != 0 {
		t.Fatalf("%+v", ds)
	}
	v, body := w.sealed(ds[0])
	if v.From != "sender@example.com" || len(v.To) != 2 || v.Delivery != string(ds[0].ID) || v.Route != gateway.RouteName {
		t.Errorf("passport %+v", v.Claims)
	}
	if !strings.Contains(body, "Subject: hi\r\n") {
		t.Errorf("body %q", body)
	}
	got, err := w.ledger.Message(t.Context(), m.ID)
	if err != nil || got.State != gateway.Settled || got.Subject != "hi" || got.From != "a@example.com" {
		t.Errorf("%+v, %v", got, err)
	}
	if n := w.verbs(); n["message.received"] != 1 || n["message.sanitized"] != 1 || n["delivery.created"] != 1 || n["delivery.sealed"] != 1 {
		t.Errorf("records %v", n)
	}
}

func TestRecipientsWithOtherRulesGetTheirOwnDelivery(t *testing.T) {
	w := newWorld(t)
	strict := policy.Default()
	strict.Kinds[format.CSV] = policy.Quarantine
	w.policy.Overrides = []policy.Override{{Recipients: []string{"c@town.example.lg.jp"}, Rules: strict}}
	m := w.accept("From: a@example.com\nSubject: t\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nbody\n"+
		"--x\nContent-Type: text/csv; name=a.csv\n\n1,2\n--x--\n", "b@town.example.lg.jp", "c@town.example.lg.jp", "d@town.example.lg.jp")
	w.step()
	ds := w.deliveries(m)
	if len(ds) != 2 {
		t.Fatalf("%d deliveries", len(ds))
	}
	to := map[string]gateway.Delivery{}
	for _, d := range ds {
		var names []string
		for _, r := range d.Recipients {
			names = append(names, r.Address[:1])
		}
		to[strings.Join(names, "")] = d
	}
	if to["bd"].HeldParts != 0 || to["bd"].Verdict != "rebuilt" || to["c"].HeldParts != 1 || to["c"].Verdict != "partly" {
		t.Fatalf("%+v", ds)
	}
	is := w.items(m)
	if len(is) != 1 || is[0].Recipient != "c@town.example.lg.jp" || is[0].Reason != format.ByPolicy || is[0].Name != "a.csv" || is[0].Path != "1" {
		t.Fatalf("items %+v", is)
	}
	if to["bd"].Policy == to["c"].Policy {
		t.Error("the same policy digest")
	}
}

// spec: rfc5321#4.5.5 rfc2046#5.2.2
// DECISIONS 19: the next hop's SIZE bounds the mail like the policy does.
func TestNextHopSizeBoundsTheMail(t *testing.T) {
	w := newWorld(t)
	w.HopSize = func() int64 { return 20_000 }
	m := w.accept("From: a@example.com\nSubject: t\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nbody\n"+
		"--x\nContent-Type: text/plain; name=big.txt\nContent-Disposition: attachment\n\n"+strings.Repeat("0123456789\n", 4000)+"--x--\n", "b@town.example.lg.jp")
	w.step()
	ds, is := w.deliveries(m), w.items(m)
	if len(ds) != 1 || ds[0].State != gateway.Ready || ds[0].Size > 20_000 || len(is) != 1 || is[0].Reason != format.TooLargeAfter {
		t.Fatalf("%+v %+v", ds, is)
	}
}

func TestWhollyHeldMailIsTold(t *testing.T) {
	w := newWorld(t)
	m := w.accept("From: a@example.com\nSubject: part\nMIME-Version: 1.0\nContent-Type: message/partial; id=x; number=1; total=2\n\nfragment SECRET\n",
		"b@town.example.lg.jp", "c@town.example.lg.jp")
	w.step()
	var held, told []gateway.Delivery
	for _, d := range w.deliveries(m) {
		if d.Kind == gateway.KindSubstitute {
			told = append(told, d)
		} else {
			held = append(held, d)
		}
	}
	if len(held) != 1 || held[0].State != gateway.Held || held[0].Blob != "" || held[0].Reason != string(format.FragmentOfMail) {
		t.Fatalf("held %+v", held)
	}
	if len(told) != 2 {
		t.Fatalf("%d substitute mails", len(told))
	}
	for _, d := range told {
		v, body := w.sealed(d)
		if v.From != "" || len(v.To) != 1 || d.About != held[0].ID {
			t.Errorf("passport %+v", v.Claims)
		}
		if strings.Contains(body, "SECRET") {
			t.Error("the held mail's text is in the substitute mail")
		}
	}
	is := w.items(m)
	if len(is) != 2 || !is[0].Whole() || is[0].ExpiresAt.Sub(w.now) != policy.Default().Limits.Retain {
		t.Fatalf("items %+v", is)
	}
}

// A message whose parents died is held without being opened.
// spec: g3
func TestPoisonIsHeldUntouched(t *testing.T) {
	w := newWorld(t)
	m := w.accept(plain, "b@town.example.lg.jp")
	for range maxLost { // parents that claim and die
		if _, err := w.claim(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(leaseTime + time.Second)
	}
	w.step()
	is := w.items(m)
	if len(is) != 1 || is[0].Reason != format.CrashLoop || !is[0].Whole() {
		t.Fatalf("items %+v", is)
	}
	if n := len(w.deliveries(m)); n != 2 {
		t.Fatalf("%d deliveries, want the held one and its substitute", n)
	}
}

// A flow that lost its lease commits nothing and leaves no sealed file.
func TestLostLeaseCommitsNothing(t *testing.T) {
	w := newWorld(t)
	m := w.accept(plain, "b@town.example.lg.jp")
	old, err := w.claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(leaseTime + time.Second)
	if _, err := w.claim(t.Context()); err != nil { // another one takes over
		t.Fatal(err)
	}
	if err := w.message(t.Context(), old, &lane{lanes: w.lanes}); err != nil {
		t.Fatalf("a lost lease is an error: %v", err)
	}
	if ds := w.deliveries(m); len(ds) != 0 {
		t.Fatalf("%d deliveries", len(ds))
	}
	files := 0
	if err := w.Outbox.Walk(t.Context(), func(string, int64, time.Time) error { files++; return nil }); err != nil || files != 0 {
		t.Fatalf("%d sealed files left, %v", files, err)
	}
}

// What is not the message's fault gives it back for later.
func TestBrokenStoreGivesBack(t *testing.T) {
	w := newWorld(t)
	m := w.accept(plain, "b@town.example.lg.jp")
	good := w.Originals
	w.Originals = blobs(t, t.TempDir(), "empty")
	if _, err := w.Step(t.Context()); err == nil {
		t.Fatal("a missing original is no error")
	}
	w.Originals = good
	if got, err := w.ledger.Message(t.Context(), m.ID); err != nil || got.State != gateway.Accepted || !got.NextAt.After(w.now) {
		t.Fatalf("%+v, %v", got, err)
	}
	w.now = w.now.Add(backOff + time.Second)
	w.step()
	if ds := w.deliveries(m); len(ds) != 1 || ds[0].State != gateway.Ready {
		t.Fatalf("%+v", ds)
	}
}

func TestDraftIsComposed(t *testing.T) {
	w := newWorld(t)
	m := w.accept(plain, "b@town.example.lg.jp")
	w.step()
	about := w.deliveries(m)[0]
	id, err := gateway.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	draft := gateway.Delivery{ID: id, Message: m.ID, Receipt: m.Receipt, Kind: gateway.KindPostmaster, About: about.ID, State: gateway.Drafted,
		Recipients: []gateway.Recipient{{Address: w.Postmaster, State: gateway.Pending}}, Verdict: "rebuilt",
		CreatedAt: w.now, NextAt: w.now, ExpiresAt: w.now.Add(time.Hour), Policy: about.Policy}
	created, err := w.Scribe.System("delivery.created", audit.Success, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ledger.Do(t.Context(), func(tx gateway.Tx) error { return tx.AddDelivery(draft, created) }); err != nil {
		t.Fatal(err)
	}
	w.step()
	d, err := w.ledger.Delivery(t.Context(), id)
	if err != nil || d.State != gateway.Ready {
		t.Fatalf("%+v, %v", d, err)
	}
	if v, body := w.sealed(d); v.From != "" || v.To[0] != w.Postmaster || !bytes.Contains([]byte(body), []byte("Auto-Submitted: auto-generated")) {
		t.Fatalf("%+v %s", v.Claims, body)
	}
	if worked, err := w.Step(t.Context()); worked || err != nil {
		t.Fatalf("work without work: %v, %v", worked, err)
	}
}

func TestJanitor(t *testing.T) {
	w := newWorld(t)
	relayed := w.accept(plain, "b@town.example.lg.jp")
	w.step()
	held := w.accept("From: a@example.com\nContent-Type: message/partial; id=x; number=1\n\nx\n", "b@town.example.lg.jp")
	w.step()
	finish(t, w, relayed)
	finish(t, w, held)
	j := &Janitor{Ledger: w.ledger, Originals: w.Originals, Outbox: w.Outbox, Scribe: w.Scribe, Retain: func() time.Duration { return 30 * 24 * time.Hour }}
	kept := func(m gateway.Message) bool {
		got, err := w.ledger.Message(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got.Blob != ""
	}
	if err := j.Tidy(t.Context()); err != nil || !kept(relayed) || !kept(held) {
		t.Fatalf("something went early: %v", err)
	}
	w.now = w.now.Add(time.Second)
	j.Cap = 1 // over the disk cap: the relayed one goes, the held one stays
	if err := j.Tidy(t.Context()); err != nil || kept(relayed) || !kept(held) {
		t.Fatalf("cap: relayed kept %v, held kept %v, %v", kept(relayed), kept(held), err)
	}
	w.now = w.now.Add(30*24*time.Hour + time.Second)
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if is := w.items(held); is[0].State != quarantine.Expired {
		t.Fatalf("%+v", is)
	}
	if err := j.Tidy(t.Context()); err != nil || kept(held) {
		t.Fatalf("an expired original stays: %v", err)
	}
	if n := w.verbs(); n["item.expired"] != 1 || n["original.purged"] != 2 {
		t.Errorf("records %v", n)
	}
}
