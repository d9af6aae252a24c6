// Package gateway defines the words of the relay: messages, deliveries, their
// states, and the interfaces of the ledger and the blob store. It does no I/O;
// the rooms below it do, and do not know of each other.
//
// A message that was answered with 250 is one row in the ledger and one
// encrypted original. Flow sanitizes it and settles it into deliveries, one
// for each group of recipients with the same effective policy; deliver relays
// them. A wake-up between rooms is a hint, the row is the truth.
package gateway

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"sekisho/audit"
)

// ID is an internal identifier: 128 random bits as 32 hex digits.
type ID string

// NewID reads a new ID from random.
func NewID(random io.Reader) (ID, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return ID(hex.EncodeToString(b[:])), nil
}

// Envelope is the SMTP envelope (RFC 5321 §2.3.1) and where it came from.
type Envelope struct {
	From   string   // reverse-path without brackets, "" for the null reverse-path
	To     []string // forward-paths without brackets
	Client string   // IP address of the client
	Helo   string
	TLS    bool
	UTF8   bool // SMTPUTF8 was asked for (RFC 6531)
}

// MessageState is the state of a Message.
type MessageState string

// The states of a message; docs/design/spool.md has the table of moves.
const (
	Accepted   MessageState = "accepted"   // 250 was said; waits for flow
	Sanitizing MessageState = "sanitizing" // leased by a flow
	Settled    MessageState = "settled"    // its deliveries exist and say the rest
)

// Message is one accepted mail.
type Message struct {
	ID         ID
	Receipt    string // M-YYMMDD-NNNNN
	Envelope   Envelope
	ReceivedAt time.Time
	Size       int64
	Sum        [32]byte // SHA-256 of the mail as received
	Blob       string   // name in the originals store, "" once purged
	Subject    string   // cleaned, for people who look the mail up; set when settled
	From       string   // header From, cleaned; set when settled

	State   MessageState
	Lease   Lease
	Crashes int       // tries that failed under a living parent
	Lost    int       // leases lost to a dead parent
	NextAt  time.Time // not to be claimed before; zero: due from the beginning

	Progress Progress // of who holds the lease
}

// Progress is how far the work on a long document of a message has come, for
// people who look. Nothing is decided by it. The zero value says nothing.
type Progress struct {
	Part        string // path of the part, as in items: "2.1"
	Page, Pages int    // page n of m, from 1
}

// Lease says who works on a row. Fence grows with each claim; a holder whose
// fence is no longer the row's has lost it and MUST NOT act.
type Lease struct {
	Owner string
	Until time.Time
	Fence int64
}

// DeliveryKind says what a delivery carries.
type DeliveryKind string

// The kinds of deliveries. All but KindMail are our own mails and have the
// null reverse-path.
const (
	KindMail       DeliveryKind = "mail"
	KindSubstitute DeliveryKind = "substitute" // tells of a wholly held mail
	KindPostmaster DeliveryKind = "postmaster" // tells the postmaster of a failure
	KindFollowUp   DeliveryKind = "followup"   // released parts
	KindDigest     DeliveryKind = "digest"     // lists the parts held since the last one
	KindNotice     DeliveryKind = "notice"     // tells again of the held parts of a mail, because somebody asked
	KindTrial      DeliveryKind = "trial"      // a notice of nothing: does it arrive?
)

// Notice reports whether a mail tells its reader of held parts, or would.
func (k DeliveryKind) Notice() bool {
	return k == KindSubstitute || k == KindDigest || k == KindNotice || k == KindTrial
}

// DeliveryState is the state of a Delivery.
type DeliveryState string

// The states of a delivery; docs/design/spool.md has the table of moves.
const (
	Drafted   DeliveryState = "drafted"   // our own mail, waits for flow to compose and seal it
	Ready     DeliveryState = "ready"     // sealed, waits for deliver
	Relaying  DeliveryState = "relaying"  // leased by a deliver
	Relayed   DeliveryState = "relayed"   // every recipient taken by the next hop
	Held      DeliveryState = "held"      // not relayed; recipients were told
	Failed    DeliveryState = "failed"    // given up for a recipient; postmaster told
	Discarded DeliveryState = "discarded" // a person decided so, or nothing of a held one is left
	Released  DeliveryState = "released"  // was held; nothing is any more, and some of it went in follow-up mails
)

// deliveryMoves is the table of legal moves.
var deliveryMoves = map[DeliveryState][]DeliveryState{
	Drafted:  {Ready, Failed},
	Ready:    {Relaying, Failed, Discarded},
	Relaying: {Relayed, Ready, Failed},
	Held:     {Discarded, Released},
	Failed:   {Ready, Discarded},
}

// Final reports whether a delivery in state s waits for nothing.
func (s DeliveryState) Final() bool { return s != Drafted && s != Ready && s != Relaying }

// MoveDelivery reports whether a delivery may go from one state to another.
func MoveDelivery(from, to DeliveryState) error {
	for _, s := range deliveryMoves[from] {
		if s == to {
			return nil
		}
	}
	return fmt.Errorf("%w: delivery from %s to %s", ErrState, from, to)
}

// RecipientState is what became of one recipient of a delivery.
type RecipientState string

// The outcomes of a recipient.
const (
	Pending RecipientState = "pending"
	Taken   RecipientState = "taken"   // the next hop said 250
	Refused RecipientState = "refused" // the next hop said 5xx, or time ran out
)

// Recipient is one forward-path of a delivery and its outcome so far.
type Recipient struct {
	Address string
	State   RecipientState
	Code    int    // last SMTP reply code, 0 if none
	Text    string // last reply, cleaned and cut
	At      time.Time
}

// Delivery is a sealed mail on its way to a group of recipients.
type Delivery struct {
	ID         ID
	Message    ID
	Receipt    string
	Kind       DeliveryKind
	About      ID     // of our own mails: the delivery that they tell of
	From       string // reverse-path, "" for null
	Recipients []Recipient
	Policy     string // digest of the effective policy, hex
	State      DeliveryState
	Verdict    string // of the mail as a whole, a format.Verdict word
	Reason     string // why it is held or failed
	HeldParts  int
	Blob       string // name in the outbox store, "" when held
	Size       int64
	Sum        [32]byte
	Passport   []byte // seal.Passport, encoded

	CreatedAt time.Time
	NextAt    time.Time // not to be claimed before; zero: due from the beginning
	ExpiresAt time.Time // give up after
	Attempts  int
	Lease     Lease
}

// MaxWait is the longest wait between two tries of one message or delivery.
const MaxWait = time.Hour

// Due returns when a delivery is, or was, first due for its next try.
func (d Delivery) Due() time.Time {
	if d.NextAt.After(d.CreatedAt) {
		return d.NextAt
	}
	return d.CreatedAt
}

// Addresses returns the addresses of all recipients.
func (d Delivery) Addresses() []string {
	to := make([]string, len(d.Recipients))
	for i, r := range d.Recipients {
		to[i] = r.Address
	}
	return to
}

// Waiting returns the addresses of recipients without an outcome.
func (d Delivery) Waiting() []string {
	var to []string
	for _, r := range d.Recipients {
		if r.State == Pending {
			to = append(to, r.Address)
		}
	}
	return to
}

// Errors that callers branch on.
var (
	ErrNotFound = errors.New("gateway: not found")
	ErrState    = errors.New("gateway: not possible in this state")
	// ErrLease means that the lease was lost to another holder.
	ErrLease = errors.New("gateway: lease lost")
	// ErrFull means that the store has no room; intake answers 452.
	ErrFull = errors.New("gateway: storage is full")
)

// Record is an audit event and the openings of its commitments.
type Record struct {
	Event    audit.Event
	Openings []audit.Opening
}
