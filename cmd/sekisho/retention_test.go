package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store"
)

// The janitor's chores over half a year: closed months leave the ledger and stay
// in the log, old texts are erased, what is left of both agrees, and a search
// finds what the ledger no longer has.
func TestChores(t *testing.T) {
	ctx := t.Context()
	jst := time.FixedZone("JST", 9*60*60)
	now := time.Date(2026, 6, 10, 9, 0, 0, 0, jst)
	n, keys := logNode(t, jst, func() time.Time { return now })
	dir := filepath.Dir(n.stores.AuditDir)
	var mails []gateway.Message
	for month := 0; month < 6; month++ { // June to November
		now = time.Date(2026, 6+time.Month(month), 10, 9, 0, 0, 0, jst)
		mails = append(mails, settledMail(t, n, month, now))
		sequence(t, n)
	}
	for _, chore := range n.chores(jst) {
		if err := chore(ctx, now); err != nil {
			t.Fatal(err)
		}
	}
	sequence(t, n)
	since, err := n.stores.Ledger.RowsSince(ctx)
	if err != nil || since == 0 {
		t.Errorf("rows since %d: %v", since, err)
	}
	rows, err := n.stores.Ledger.Pending(ctx, -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		// Rows of June and July had texts until now; they go with the next month.
		if at := r.Event.TS.In(jst); r.Seq >= 0 && r.Seq < since && len(r.Event.Commitments()) == 0 {
			t.Errorf("a row of %s, number %d, is kept", at.Format("2006-01"), r.Seq)
		}
	}
	for i, m := range mails {
		has, err := n.stores.Ledger.HasTexts(ctx, m.ID)
		if err != nil || has != (i >= 4) { // 60 days before the 10th of November
			t.Errorf("texts of month %d: %v %v", i, has, err)
		}
	}
	var out bytes.Buffer
	faults, err := crossCheck(env{ctx, &out, &out}, dir, keys, audit.VerifyOptions{}, n.stores.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if !strings.HasPrefix(f, "audit log: gap") { // there are no heartbeats here
			t.Error(f)
		}
	}
	found := 0
	if _, err := audit.Search(ctx, os.DirFS(n.stores.AuditDir), audit.Filter{Receipt: mails[0].Receipt}, audit.Page{Limit: 100, After: -1},
		func([]byte, audit.Event) error { found++; return nil }); err != nil || found < 3 {
		t.Errorf("%d records of the first mail: %v", found, err)
	}
	inLogOrder(t, n.stores.AuditDir)
	if names, err := os.ReadDir(n.stores.AuditDir + "/index"); err != nil || len(names) != 5 {
		t.Errorf("%d index files: %v", len(names), err)
	}
}

// logNode is a node with a ledger and a log, whose texts are kept for 60 days.
func logNode(t *testing.T, zone *time.Location, clock func() time.Time) (*node, audit.Keys) {
	t.Helper()
	pair, err := audit.GenerateKey(nil, "test")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := audit.ParseKeys(pair.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.ParseSigner(pair.Signer)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{cfg: config.Default(), log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		scribe: gateway.Scribe{Clock: clock, Random: rand.Reader, Version: "test"}}
	n.cfg.Audit.Texts = config.Duration(60 * 24 * time.Hour)
	if n.stores, err = store.Open(t.Context(), store.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	files, err := audit.OpenDir(n.stores.AuditDir)
	if err != nil {
		t.Fatal(err)
	}
	if n.writer, err = audit.Open(t.Context(), files, audit.Options{Signer: signer, Keys: keys, Location: zone}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	})
	return n, keys
}

// Each part of a log that speaks of records is copied before them by a backup.
func inLogOrder(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 6 {
		t.Fatalf("%d entries of a log: %v", len(entries), err)
	}
	for _, e := range entries {
		if name := e.Name(); name != "ballast" && name != "lock" && !slices.Contains(logOrder[:], name) {
			t.Errorf("a backup copies %s when it comes to it", name)
		}
	}
}

// settledMail is a mail that came, was sanitized and relayed.
func settledMail(t *testing.T, n *node, i int, now time.Time) gateway.Message {
	t.Helper()
	id, err := gateway.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := gateway.Message{ID: id, Receipt: fmt.Sprintf("M-26%02d10-00001", 6+i), Envelope: gateway.Envelope{From: "a@example.com", To: []string{"b@town.example"}},
		ReceivedAt: now, Size: 10, Blob: "o" + string(id)}
	record := func(v audit.Verb, o audit.Object) gateway.Record {
		r, err := n.scribe.System(v, audit.Success, func(e *audit.Event) { e.Object = o })
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	sanitized := record("message.sanitized", m.Object())
	if err := n.scribe.Commit(&sanitized, "件名", ""); err != nil {
		t.Fatal(err)
	}
	d := gateway.Delivery{ID: "d" + id, Message: id, Receipt: m.Receipt, Kind: gateway.KindMail, State: gateway.Ready, Blob: "s" + string(id), Sum: [32]byte{1}, CreatedAt: now, NextAt: now,
		Recipients: []gateway.Recipient{{Address: "b@town.example", State: gateway.Pending}}}
	for _, f := range []func(gateway.Tx) error{
		func(tx gateway.Tx) error { return tx.Accept(m, record("message.received", m.Object())) },
		func(tx gateway.Tx) error {
			got, err := tx.ClaimMessage("test", now, now.Add(time.Minute))
			if err != nil {
				return err
			}
			got.Subject = "件名"
			return tx.Settle(got, []gateway.Delivery{d}, nil, sanitized, record("delivery.sealed", d.Object()))
		},
		func(tx gateway.Tx) error {
			got, err := tx.ClaimDelivery("test", now, now.Add(time.Minute))
			if err != nil {
				return err
			}
			got.State, got.Blob, got.Recipients = gateway.Relayed, "", []gateway.Recipient{{Address: "b@town.example", State: gateway.Taken, At: now}}
			return tx.Outcome(got, record("relay.relayed", d.Object()))
		},
		func(tx gateway.Tx) error { return tx.ForgetOriginal(id, record("original.purged", m.Object())) },
	} {
		if err := n.stores.Ledger.Do(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// sequence moves what is pending into the log and signs.
func sequence(t *testing.T, n *node) {
	t.Helper()
	rows, err := n.stores.Ledger.Pending(t.Context(), n.writer.Size()-1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	events := make([]audit.Event, len(rows))
	for i, r := range rows {
		events[i] = r.Event
	}
	seqs, err := n.writer.Append(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		rows[i].Seq = seqs[i]
	}
	if err := n.stores.Ledger.MarkSequenced(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if _, err := n.writer.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
}
