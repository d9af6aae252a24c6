package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
)

// OpenLedger opens a ledger in a directory that exists. Opening it again after
// Close finds what was committed.
type OpenLedger func(dir string) (gateway.Ledger, error)

// checker is a ledger that can look for contradictions in itself.
type checker interface {
	CheckConsistency(ctx context.Context) []string
}

// Ledger runs the suite for ledgers.
func Ledger(t *testing.T, open OpenLedger) {
	cases := []struct {
		name string
		run  func(*testing.T, *desk)
	}{
		{"accept and read back", acceptRead},
		{"accept refuses", acceptRefuses},
		{"receipts", receipts},
		{"claims in order", claimOrder},
		{"claim across clocks", claimClocks},
		{"a lost message lease", lostMessage},
		{"return", returnMessage},
		{"progress", progress},
		{"settle", settle},
		{"settle refuses", settleRefuses},
		{"relay", relay},
		{"outcome refuses", outcomeRefuses},
		{"a lost delivery lease", lostDelivery},
		{"redirect", redirect},
		{"retry after failure", retryFailed},
		{"drafts", drafts},
		{"failures that nobody was told of", untold},
		{"waits of a clock that was ahead", hasten},
		{"add delivery", addDelivery},
		{"items", items},
		{"purge", purge},
		{"blobs", ledgerBlobs},
		{"counts", counts},
		{"queries", queries},
		{"settings", settings},
		{"no change without a record", needsRecord},
		{"bad records", badRecords},
		{"half a change is none", halfChange},
		{"a closure that panics or exits", closureDies},
		{"contexts", contexts},
		{"concurrent closures", concurrent},
		{"audit source", auditSource},
		{"openings", openings},
		{"close and reopen", closeReopen},
		{"requests", requests},
		{"requests refuse", requestsRefuse},
		{"two decide at once", decideTwice},
		{"a release is one", releaseOnce},
		{"exceptions", exceptions},
		{"jobs", jobs},
		{"previews", previews},
		{"no release without a record", releaseNeedsRecord},
		{"notices", notices},
		{"notices refuse", noticesRefuse},
		{"how it stands with notices", noticeStates},
		{"notices that were asked for", noticeCounts},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, t.TempDir(), open)
			defer d.close()
			c.run(t, d)
		})
	}
	t.Run("model", func(t *testing.T) {
		dir := t.TempDir()
		within(t, func(t *rapid.T) { ledgerModel(t, dir, open) })
	})
}

// desk is a ledger under test with what the cases need at hand.
type desk struct {
	t    rapid.TB
	dir  string
	open OpenLedger
	l    gateway.Ledger
	now  time.Time
	n    int // things made so far
}

// start is when every case begins.
var start = time.Date(2026, 11, 25, 3, 0, 0, 123456789, time.UTC)

func newDesk(t rapid.TB, dir string, open OpenLedger) *desk {
	d := &desk{t: t, dir: dir, open: open, now: start}
	d.reopen()
	return d
}

// reopen closes the ledger, if it is open, and opens it.
func (d *desk) reopen() {
	d.t.Helper()
	if d.l != nil {
		d.close()
	}
	l, err := d.open(d.dir)
	if err != nil {
		d.t.Fatalf("open: %v", err)
	}
	d.l = l
}

// close checks the ledger and closes it.
func (d *desk) close() {
	d.t.Helper()
	if c, ok := d.l.(checker); ok {
		for _, s := range c.CheckConsistency(context.Background()) {
			d.t.Errorf("inconsistent: %s", s)
		}
	}
	if err := d.l.Close(); err != nil {
		d.t.Errorf("close: %v", err)
	}
}

// try runs f in a transaction.
func (d *desk) try(f func(gateway.Tx) error) error { return d.l.Do(context.Background(), f) }

// do is try for what must succeed.
func (d *desk) do(f func(gateway.Tx) error) {
	d.t.Helper()
	if err := d.try(f); err != nil {
		d.t.Fatalf("do: %v", err)
	}
}

// refuse is try for what must fail as want says.
func (d *desk) refuse(what string, want error, f func(gateway.Tx) error) {
	d.t.Helper()
	if err := d.try(f); !errors.Is(err, want) {
		d.t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// record returns a new record.
func (d *desk) record() gateway.Record {
	d.t.Helper()
	s := gateway.Scribe{Clock: func() time.Time { return d.now }, Version: "test"}
	r, err := s.System("message.received", audit.Success, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// id returns a new id.
func (d *desk) id() gateway.ID {
	d.n++
	return gateway.ID(fmt.Sprintf("%032x", d.n))
}

// message returns a message that may be accepted, with every field set.
func (d *desk) message(to ...string) gateway.Message {
	if len(to) == 0 {
		to = []string{"hanako@town.example"}
	}
	id := d.id()
	return gateway.Message{
		ID:      id,
		Receipt: fmt.Sprintf("M-261125-%05d", d.n),
		Envelope: gateway.Envelope{From: "sender@example.com", To: to, Client: "192.0.2.1", Helo: "mx.example.com",
			TLS: true, UTF8: d.n%2 == 0},
		ReceivedAt: d.now, Size: int64(1000 + d.n), Sum: sha256.Sum256([]byte(id)), Blob: "o" + string(id),
		State: gateway.Accepted,
	}
}

// delivery returns a delivery of m that is ready for all its recipients.
func (d *desk) delivery(m gateway.Message) gateway.Delivery {
	id := d.id()
	v := gateway.Delivery{
		ID: id, Message: m.ID, Receipt: m.Receipt, Kind: gateway.KindMail, From: m.Envelope.From, Policy: "abcd",
		State: gateway.Ready, Verdict: "partly", Reason: "", HeldParts: 1, Blob: "s" + string(id), Size: 77,
		Sum: sha256.Sum256([]byte(id)), Passport: []byte{1, 0, 2}, CreatedAt: d.now, NextAt: d.now, ExpiresAt: d.now.Add(24 * time.Hour),
	}
	for _, a := range m.Envelope.To {
		v.Recipients = append(v.Recipients, gateway.Recipient{Address: a, State: gateway.Pending})
	}
	return v
}

// item returns a held item of v.
func (d *desk) item(v gateway.Delivery) quarantine.Item {
	id := d.id()
	return quarantine.Item{
		ID: string(id), Message: string(v.Message), Delivery: string(v.ID), Receipt: v.Receipt,
		Recipient: v.Recipients[0].Address, Path: "2.1", Name: "見積書.xlsm", Kind: format.Mail, Reason: format.CrashLoop,
		Detail: "detail", Sum: sha256.Sum256([]byte(id)), Size: 5, State: quarantine.Held, HeldAt: d.now, ExpiresAt: d.now.Add(30 * 24 * time.Hour),
	}
}

// accept accepts a new message.
func (d *desk) accept(to ...string) gateway.Message {
	d.t.Helper()
	m := d.message(to...)
	d.do(func(tx gateway.Tx) error { return tx.Accept(m, d.record()) })
	return m
}

const leaseTime = time.Minute

// claim leases the next message, which must be there.
func (d *desk) claim(owner string) gateway.Message {
	d.t.Helper()
	var m gateway.Message
	d.do(func(tx gateway.Tx) error {
		var err error
		m, err = tx.ClaimMessage(owner, d.now, d.now.Add(leaseTime))
		return err
	})
	return m
}

// claimDelivery leases the next delivery, which must be there.
func (d *desk) claimDelivery(owner string) gateway.Delivery {
	d.t.Helper()
	var v gateway.Delivery
	d.do(func(tx gateway.Tx) error {
		var err error
		v, err = tx.ClaimDelivery(owner, d.now, d.now.Add(leaseTime))
		return err
	})
	return v
}

// ready makes a settled message with one delivery in state Ready.
func (d *desk) ready(to ...string) (gateway.Message, gateway.Delivery) {
	d.t.Helper()
	d.accept(to...)
	m := d.claim("flow")
	v := d.delivery(m)
	d.do(func(tx gateway.Tx) error { return tx.Settle(m, []gateway.Delivery{v}, nil, d.record()) })
	return m, v
}

// stored reads a message.
func (d *desk) stored(id gateway.ID) gateway.Message {
	d.t.Helper()
	m, err := d.l.Message(context.Background(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

// storedDelivery reads a delivery.
func (d *desk) storedDelivery(id gateway.ID) gateway.Delivery {
	d.t.Helper()
	v, err := d.l.Delivery(context.Background(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// same compares what is stored with what is wanted.
func same[T any](t rapid.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
