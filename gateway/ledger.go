package gateway

import (
	"context"
	"io"
	"time"

	"sekisho/audit"
	"sekisho/quarantine"
)

// Ledger keeps the state of everything. State and audit records commit
// together or not at all (G6).
type Ledger interface {
	// Do runs f in a transaction and returns after the commit is durable. f may
	// run more than once and MUST NOT have effects outside of Tx. Concurrent
	// calls may share one commit. An error of f rolls back f's changes alone. When
	// ctx ends before f has begun, f does not run any more.
	// When the commit itself fails, a power loss may still bring it about: what f
	// pointed to MUST NOT be deleted by the caller, but left to the sweep.
	Do(ctx context.Context, f func(Tx) error) error

	Message(ctx context.Context, id ID) (Message, error)
	// MessageByReceipt finds a message by its receipt number.
	MessageByReceipt(ctx context.Context, receipt string) (Message, error)
	Delivery(ctx context.Context, id ID) (Delivery, error)
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)
	// Untold counts the failed deliveries that were given up by themselves and
	// that no mail to the postmaster is about.
	Untold(ctx context.Context) (int, error)
	Item(ctx context.Context, id string) (quarantine.Item, error)
	Items(ctx context.Context, q ItemQuery) ([]quarantine.Item, error)
	// Purgeable returns messages whose original may be deleted: received before
	// the given time, settled, without an open delivery or held item; oldest first.
	Purgeable(ctx context.Context, before time.Time, n int) ([]Message, error)
	// Blobs returns every blob name that a row still needs.
	Blobs(ctx context.Context) (originals, outbox map[string]bool, err error)
	Counts(ctx context.Context) (Counts, error)
	// Hasten makes due at once what waits for a time after latest, and returns
	// how much that was: messages, drafts, and deliveries but for substitute mails
	// that were not tried yet. Whoever calls it knows that none of them waits that
	// long, so that a clock must have been put back. No state changes.
	Hasten(ctx context.Context, latest time.Time) (int64, error)
	// Opening returns what a commitment in a record stands for; ErrNotFound once
	// it was erased.
	Opening(ctx context.Context, digest string) (audit.Opening, error)

	Releases
	Notices

	// The sequencer's side of the audit rows.
	audit.Source

	Close() error
}

// DeliveryQuery selects deliveries, oldest first.
type DeliveryQuery struct {
	States  []DeliveryState // none: all
	Message ID              // "" for any
	Limit   int             // 0: 1000
}

// ItemQuery selects items, oldest first.
type ItemQuery struct {
	States    []quarantine.State
	Message   ID
	Recipient string    // as the item has it; "" for any
	DueBefore time.Time // expiry before; zero: any
	Limit     int       // 0: 1000
}

// Counts is the state of the queues, for limits, health and metrics.
type Counts struct {
	Accepted, Sanitizing, Drafted   int
	Ready, Relaying, DeliveriesHeld int
	Relayed, Failed, Discarded      int
	Released                        int
	ItemsHeld                       int
	RequestsPending, JobsWaiting    int
	OldestRequest, OldestJob        time.Time // since when they wait; zero when none does
	OldestWaiting                   time.Time // zero when nothing waits
	OriginalBytes                   int64     // of originals still kept
	AuditPending                    int64     // rows without a sequence number
}

// Tx is the ledger inside one transaction. Every change takes the records
// that describe it. A closure that changed a state without any record fails,
// and so does one that went on after a method failed half-way.
type Tx interface {
	ReleaseTx
	NoticeTx

	// Receipt returns the next receipt counter of a local day YYMMDD, from 1.
	Receipt(day string) (int, error)
	// Accept inserts a message in state Accepted.
	Accept(m Message, r ...Record) error
	// ClaimMessage leases the oldest message that is Accepted and due, or
	// Sanitizing with a lease that ended before now (then Lost is counted up).
	// It returns ErrNotFound when there is none.
	ClaimMessage(owner string, now, until time.Time) (Message, error)
	// RenewMessage extends a lease; ErrLease when it was lost.
	RenewMessage(m Message, until time.Time) error
	// Progress notes how far the work on a leased message has come, without a
	// record: it is no decision, and gone with the lease. ErrLease when that was
	// lost, ErrState when page and pages make no sense.
	Progress(m Message, p Progress) error
	// Return gives a leased message back to Accepted with its Crashes and
	// NextAt as in m; ErrLease when the lease was lost.
	Return(m Message, r ...Record) error
	// Settle ends a leased message: Subject and From are stored, deliveries and
	// items inserted; ErrLease when the lease was lost.
	Settle(m Message, ds []Delivery, is []quarantine.Item, r ...Record) error

	// AddDelivery inserts a delivery that belongs to a settled message or to none.
	AddDelivery(d Delivery, r ...Record) error
	// ClaimDelivery leases the oldest delivery that is Ready and due, or
	// Relaying with an ended lease; ErrNotFound when there is none.
	ClaimDelivery(owner string, now, until time.Time) (Delivery, error)
	// RenewDelivery extends a lease; ErrLease when it was lost. A holder calls it
	// before the final dot when its lease could have ended.
	RenewDelivery(d Delivery, until time.Time) error
	// ClaimDraft leases the oldest delivery that is Drafted and due and has no
	// living lease; its state stays. ErrNotFound when there is none.
	ClaimDraft(owner string, now, until time.Time) (Delivery, error)
	// Compose moves a leased draft to Ready (or Failed) with the Blob, Size, Sum,
	// Passport, NextAt, ExpiresAt and Reason of d; ErrLease when the lease was lost.
	Compose(d Delivery, r ...Record) error
	// Outcome stores recipients, state, NextAt, Attempts, Reason and Blob of a
	// leased delivery as in d; ErrLease when the lease was lost, ErrState when
	// the move is not legal.
	Outcome(d Delivery, r ...Record) error
	// Redirect moves a delivery without a lease, by an operator's or
	// administrator's decision: Failed or Ready to Ready (retry now), Ready to
	// Failed, Held or Ready or Failed to Discarded.
	Redirect(id ID, to DeliveryState, next time.Time, r ...Record) error

	// MoveItem stores a decided item; quarantine.ErrState when the stored one
	// is no longer held, or when a release request of it is open. With the last item
	// of a Held delivery the delivery ends: Released when one of its items was
	// released, else Discarded.
	MoveItem(i quarantine.Item, r ...Record) error
	// ForgetOriginal clears a message's Blob name; the caller deletes the file
	// after the commit.
	ForgetOriginal(id ID, r ...Record) error
	// Erase deletes the texts of a message for good: the openings of its
	// commitments, subject and sender's name, names of parts, reasons.
	Erase(message ID, r ...Record) error
	// Note inserts records that change nothing else.
	Note(r ...Record) error
	// NoteOn is Note for records that belong to the history of a message.
	NoteOn(message ID, r ...Record) error
	// Setting reads and SetSetting writes a small named value (policy version,
	// schema facts); Setting gives "" when there is none.
	Setting(name string) (string, error)
	SetSetting(name, value string, r ...Record) error
}

// Blobs stores files under random names. Every implementation makes Put
// durable before it returns.
type Blobs interface {
	// Put stores what fill writes and returns its new name. When fill or the
	// store fails, nothing is kept. ErrFull when there is no room.
	Put(ctx context.Context, fill func(w io.Writer) error) (name string, err error)
	// Open opens a stored file; ErrNotFound when there is none.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// Delete removes a file; removing what is not there is no error.
	Delete(ctx context.Context, name string) error
	// Walk calls f for each file.
	Walk(ctx context.Context, f func(name string, size int64, modified time.Time) error) error
	// Room reports free bytes of the underlying storage.
	Room(ctx context.Context) (free int64, err error)
}
