package inspection

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
)

// seed is a reader of one repeated byte, in place of randomness.
type seed byte

func (s seed) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(s)
	}
	return len(b), nil
}

// book is a log being written for a test.
type book struct {
	t    *testing.T
	dir  *audit.Dir
	w    *audit.Writer
	keys audit.Keys
	n    int
	at   time.Time
	list []audit.Event
}

func newBook(t *testing.T) *book {
	t.Helper()
	pair, err := audit.GenerateKey(seed(7), "machi")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.ParseSigner(pair.Signer)
	if err != nil {
		t.Fatal(err)
	}
	b := &book{t: t, at: time.Date(2026, 10, 31, 9, 0, 0, 0, jst)}
	if b.keys, err = audit.ParseKeys(pair.Verifier); err != nil {
		t.Fatal(err)
	}
	if b.dir, err = audit.OpenDir(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if b.w, err = audit.Open(t.Context(), b.dir, audit.Options{Signer: signer, Keys: b.keys, Location: jst}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.w.Close(); b.dir.Close() })
	return b
}

// add writes an event an hour after the one before.
func (b *book) add(v audit.Verb, o audit.Outcome, actor string, fill func(*audit.Event)) {
	b.n++
	e := audit.Event{V: audit.Version, TS: b.at, ID: fmt.Sprintf("event-%08d", b.n), Verb: v, Outcome: o,
		Actor: audit.Actor{Type: audit.ActorUser, ID: actor}, Engine: audit.Engine{Name: "sekisho", Version: "1.0"}, Articles: v.Articles()}
	if actor == "" {
		e.Actor = audit.Actor{Type: audit.ActorSystem, ID: "sekisho"}
	}
	if fill != nil {
		fill(&e)
	}
	b.list = append(b.list, e)
	b.at = b.at.Add(time.Hour)
}

// mail is one mail from its receipt to its relay.
func (b *book) mail(n int, held string) {
	receipt, digest := fmt.Sprintf("M-261101-%05d", n), fmt.Sprintf("%064x", n)
	o := audit.Object{Type: "message", ID: fmt.Sprint("m", n), ReceiptNo: receipt, Original: fmt.Sprintf("%064x", 1000+n)}
	b.add("message.received", audit.Success, "", func(e *audit.Event) {
		e.Object, e.Mail = o, audit.Mail{Sender: "sato@example.jp", Recipients: []string{"yamada@town.example.lg.jp"}}
	})
	b.add("message.sanitized", audit.Success, "", func(e *audit.Event) { e.Object = o })
	b.add("part.textized", audit.Success, "", func(e *audit.Event) { e.Object = o; e.Object.Part = "1" })
	if held != "" {
		b.add("part.quarantined", audit.Denied, "", func(e *audit.Event) {
			e.Object = audit.Object{Type: "part", ID: o.ID, ReceiptNo: receipt, Part: "2", Original: strings.Repeat("ab", 32)}
			e.Decision.ReasonCode = held
		})
		b.add("item.held", audit.Success, "", func(e *audit.Event) {
			e.Object = audit.Object{Type: "item", ID: fmt.Sprint("i", n), ReceiptNo: receipt, Part: "2"}
			e.Decision.ReasonCode, e.Mail.Sender = held, "sato@example.jp"
		})
	}
	b.relay(n, digest, digest, "mail")
}

func (b *book) relay(n int, sealed, relayed, kind string) {
	o := audit.Object{Type: "delivery", ID: fmt.Sprint("d", n), ReceiptNo: fmt.Sprintf("M-261101-%05d", n), Sanitized: sealed}
	b.add("delivery.sealed", audit.Success, "", func(e *audit.Event) { e.Object = o; e.Decision.Form = kind })
	b.add("relay.relayed", audit.Success, "", func(e *audit.Event) {
		e.Object, e.Mail.Recipients = o, []string{"yamada@town.example.lg.jp"}
		e.Object.Sanitized, e.Decision.Form = relayed, kind
	})
}

func about(id string, n int, form string, order int64) func(*audit.Event) {
	return func(e *audit.Event) {
		e.Object = audit.Object{Type: "item", ID: fmt.Sprint("i", n), ReceiptNo: fmt.Sprintf("M-261101-%05d", n), Part: "2"}
		e.Decision = audit.Decision{Form: form, RequestID: id, Order: order}
		e.Policy.Version = 3
	}
}

// exceptional is about an exception up to the end of November.
func exceptional(state string) func(*audit.Event) {
	return func(e *audit.Event) {
		e.Object = audit.Object{Type: "exception", ID: "x1"}
		e.Change = audit.Change{Path: "exception", After: state + " 2026-11-01/2026-11-28 x2"}
	}
}

// collect signs the log, verifies it and makes the report of November 2026.
func (b *book) collect(accounts []Account) Report {
	b.t.Helper()
	for len(b.list) > 0 {
		n := min(len(b.list), audit.MaxBatch)
		if _, err := b.w.Append(b.t.Context(), b.list[:n]); err != nil {
			b.t.Fatal(err)
		}
		b.list = b.list[n:]
	}
	c, err := b.w.Checkpoint(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	v, err := audit.Verify(b.t.Context(), b.dir, b.keys, audit.VerifyOptions{Interval: 1000 * time.Hour, Anchors: []audit.Checkpoint{c}})
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := Collect(b.t.Context(), Input{Log: b.dir, Verified: v, Origin: b.keys.Origin(), Month: time.Date(2026, 11, 15, 0, 0, 0, 0, jst),
		Now: time.Date(2026, 12, 1, 9, 0, 0, 0, jst), Office: "さくら町", Accounts: accounts,
		Reason: func(code string) string {
			return map[string]string{"limit_time": "時間がかかりすぎる", "kind_unknown": "種類がわからない"}[code]
		}})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// ordinary is a month in which nothing is wrong.
func ordinary(b *book) {
	b.mail(1, "") // in October
	b.at = time.Date(2026, 11, 2, 9, 0, 0, 0, jst)
	b.add(audit.VerbStarted, audit.Success, "", func(e *audit.Event) { e.Object.Type = "sequencer" })
	for n := 2; n < 6; n++ {
		b.mail(n, map[int]string{3: "limit_time", 4: "kind_unknown", 5: "kind_unknown"}[n])
	}
	b.relay(90, fmt.Sprintf("%064x", 90), fmt.Sprintf("%064x", 90), "postmaster")
	b.add("message.rejected", audit.Denied, "", func(e *audit.Event) { e.Decision.ReasonCode = "unknown_recipient" })
	b.add("release.requested", audit.Success, "u1", about("q1", 3, "resanitize", 0))
	b.add("release.approved", audit.Success, "u2", about("q1", 3, "resanitize", 1))
	b.add("release.executed", audit.Success, "", about("q1", 3, "resanitize", 0))
	b.add("exception.opened", audit.Pending, "u8", exceptional("proposed"))
	b.add("exception.opened", audit.Pending, "u2", exceptional("proposed"))
	b.add("exception.opened", audit.Success, "u3", exceptional("open"))
	b.add("release.requested", audit.Success, "u1", about("q2", 4, "exception", 0))
	b.add("release.approved", audit.Success, "u2", func(e *audit.Event) { about("q2", 4, "exception", 1)(e); e.OnBehalfOf = "u9" })
	b.add("release.approved", audit.Success, "u3", about("q2", 4, "exception", 2))
	b.add("exception.used", audit.Success, "", func(e *audit.Event) { e.Object = audit.Object{Type: "exception", ID: "x1"} })
	b.add("release.executed", audit.Success, "", about("q2", 4, "exception", 0))
	b.add("release.requested", audit.Success, "u4", about("q3", 5, "text_only", 0))
	b.add("exception.ended", audit.Success, "u8", func(e *audit.Event) { e.Object = audit.Object{Type: "exception", ID: "x1"} })
	b.add("preview.page_rendered", audit.Success, "u1", func(e *audit.Event) { e.Object.ReceiptNo = "M-261101-00003" })
	b.add("archive.unlock_attempted", audit.Failure, "u1", func(e *audit.Event) { e.Object.ReceiptNo = "M-261101-00003" })
	b.add("policy.applied", audit.Success, "u8", func(e *audit.Event) {
		e.Policy.Version = 3
		e.Change = audit.Change{Path: "policy", Before: strings.Repeat("1a", 32), After: strings.Repeat("2b", 32)}
	})
	b.add("user.created", audit.Success, "u8", func(e *audit.Event) {
		e.Object, e.Change = audit.Object{Type: "user", ID: "u7"}, audit.Change{Path: "user", After: "suzuki staff"}
	})
	b.add("auth.failed", audit.Failure, "u7", nil)
	b.add("auth.succeeded", audit.Success, "u7", nil)
	b.add("authz.denied", audit.Denied, "u7", nil)
	b.add(audit.VerbAnchored, audit.Success, "", nil)
	b.add("system.backup", audit.Success, "", func(e *audit.Event) { e.Change = audit.Change{Path: "backup", After: "/backup/1"} })
	b.at = time.Date(2026, 12, 1, 0, 0, 0, 0, jst)
	b.mail(99, "kind_unknown") // in December
}

func people() []Account {
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, jst)
	return []Account{
		{ID: "u1", Name: "yamada", Display: "山田", Dept: "総務課", Roles: []string{"staff"}, Active: true, CreatedAt: at, LastSignIn: at},
		{ID: "u2", Name: "sato", Display: "佐藤", Dept: "総務課", Roles: []string{"staff", "approver"}, Active: true, SecondFactor: true, CreatedAt: at, LastSignIn: at},
		{ID: "u5", Name: "mae", Display: "前田", Dept: "税務課", Roles: []string{"staff"}, Active: false, CreatedAt: at},
	}
}
