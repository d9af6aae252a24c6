package gateway

import (
	"context"
	"time"

	"sekisho/audit"
	"sekisho/quarantine"
)

// Listing is what lists for people need: pages from the newest to the oldest,
// each a few steps in an index whatever the number of rows. A page looks at a
// bounded number of rows, so that it may be shorter than asked, or empty, and
// not be the last; next is what to go on from, 0 at the end.
type Listing interface {
	MessagePage(ctx context.Context, q PageQuery) (page []Message, next int64, err error)
	ItemPage(ctx context.Context, q PageQuery) (page []quarantine.Item, next int64, err error)
	// RecordPage lists audit rows that are still in the ledger; Addresses do not
	// apply to it.
	RecordPage(ctx context.Context, q PageQuery) (page []audit.Row, next int64, err error)
	Answers
}

// PageQuery selects rows of a page. The zero query selects the rows of nobody:
// All must be said.
type PageQuery struct {
	All       bool     // of everybody
	Addresses []string // else: with one of these recipients, lower case; at most 1000
	Behind    int64    // go on from here; 0 from the newest
	Limit     int      // 1 to 200; 0 is 50

	State   string    // of messages and items
	Receipt string    // receipt number
	Verb    string    // of records
	Actor   string    // id, of records
	Object  string    // id, of records
	Message ID        // of items and records
	After   time.Time // received, held or recorded not before
	Before  time.Time // and before
}

// Answers keep what was answered to a request with an Idempotency-Key, so that
// the same request sent again gets the same answer and acts once.
type Answers interface {
	// BeginAnswer notes that a request is under way. When its key was used within
	// a day the stored answer comes back, with Status 0 while it is under way.
	BeginAnswer(ctx context.Context, a Answer) (stored Answer, found bool, err error)
	// FinishAnswer stores the answer; with Status 0 the key is free again.
	FinishAnswer(ctx context.Context, a Answer) error
}

// Answer is a stored answer.
type Answer struct {
	Who     string   // whose key it is
	Key     string   // Idempotency-Key
	Request [32]byte // digest of what was asked
	Status  int
	Header  string // Content-Type
	Body    []byte
	At      time.Time
}
