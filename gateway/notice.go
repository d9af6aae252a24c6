package gateway

import (
	"context"
	"time"

	"sekisho/quarantine"
)

// Notice is a held part that an address is to be told of in a digest: that of
// its recipient, or one that reads the digests of a department. The row says
// which digest told, so that no crash makes it two, or none.
type Notice struct {
	Item   string // quarantine.Item
	To     string // address that gets the digest
	At     time.Time
	Digest ID // the delivery that tells; "" while it waits
}

// NoticeState is how it stands with notices about held parts: deliveries for
// which DeliveryKind.Notice is true, and parts that wait for a digest.
type NoticeState struct {
	// Waiting counts the notices not handed over yet; Due is since when the
	// oldest of them could have been, zero when none could.
	Waiting int
	Due     time.Time
	// Unwritten counts the parts that wait for a digest; Since is when the oldest
	// began to, zero for none.
	Unwritten int
	Since     time.Time
	// Taken is when the next hop last took a notice, zero for never. Refused counts
	// those given up since, FirstRefused is when that began.
	Taken        time.Time
	Refused      int
	FirstRefused time.Time
}

// NoticeWait selects parts that wait for a digest: those that wait since Until
// or longer, and those from after Now, which a clock wrote that was put back.
type NoticeWait struct {
	Until, Now time.Time
	Limit      int
}

// Notices is the part of a Ledger that knows of notices.
type Notices interface {
	// NoticesDue returns addresses that have parts to be told of, each once, those
	// that wait longest first.
	NoticesDue(ctx context.Context, w NoticeWait) ([]string, error)
	// NoticesIn returns the parts that a digest tells of, those of a mail together.
	NoticesIn(ctx context.Context, digest ID) ([]quarantine.Item, error)
	NoticeState(ctx context.Context, now time.Time) (NoticeState, error)
}

// NoticeTx is the part of a Tx that changes notices.
type NoticeTx interface {
	// AddNotices notes that parts wait for a digest. It comes with the items, whose
	// records it needs; an item and address that are noted already are left alone.
	AddNotices(ns []Notice) error
	// AddDigest inserts the draft of a digest and gives it what waits for its one
	// recipient, at most w.Limit parts. ErrNotFound when nothing waits.
	AddDigest(d Delivery, w NoticeWait, r ...Record) error
	// CountNotices counts the deliveries of a kind since a time, to an address and
	// about a message where they are given.
	CountNotices(k DeliveryKind, message ID, address string, since time.Time) (int, error)
}
