// Package quarantine holds the rules about held parts: what an item is, which
// states it may take, and who may decide. The rules are pure: no I/O, no
// clock; stores and user interfaces call them and add none of their own.
package quarantine

import (
	"errors"
	"fmt"
	"time"

	"sekisho/sanitize/format"
)

// State is the state of an Item. The zero State is not legal, so that a
// forgotten field cannot pass for a decision.
type State string

// The states of an Item (DECISIONS 10). Held is the only one that moves.
const (
	Held      State = "held"
	Released  State = "released"
	Discarded State = "discarded"
	Expired   State = "expired"
)

// ErrState means that the move is not legal from the item's present state.
var ErrState = errors.New("quarantine: not possible in this state")

// legal is the table of moves.
var legal = map[State][]State{
	Held: {Released, Discarded, Expired},
}

// Move reports whether an item may go from one state to another.
func Move(from, to State) error {
	for _, s := range legal[from] {
		if s == to {
			return nil
		}
	}
	return fmt.Errorf("%w: from %s to %s", ErrState, from, to)
}

// Item is one held part of one recipient's mail. Its bytes are not stored
// apart: they are the part at Path of the message's encrypted original.
type Item struct {
	ID        string // 32 hex digits
	Message   string // the message's id
	Delivery  string // the delivery's id
	Receipt   string // receipt number of the message
	Recipient string // envelope recipient
	Path      string // part path within the message, "" for the whole mail
	Name      string // the sender's file name, cleaned
	Kind      format.Kind
	Reason    format.Reason
	Detail    string   // for administrators; may quote hostile text
	Sum       [32]byte // SHA-256 of the part's bytes; zero when they cannot be had
	Size      int64
	State     State
	HeldAt    time.Time
	ExpiresAt time.Time
	DecidedAt time.Time // zero while held
	DecidedBy string
}

// Whole reports whether the item is the whole mail.
func (i Item) Whole() bool { return i.Path == "" }

// Discard returns the item discarded by a person. The person is recorded; an
// empty name is an error.
func (i Item) Discard(by string, at time.Time) (Item, error) {
	if by == "" {
		return i, errors.New("quarantine: a discard needs a name")
	}
	return i.decide(Discarded, by, at)
}

// Expire returns the item expired, or ErrState when it is not due at now.
func (i Item) Expire(now time.Time) (Item, error) {
	if now.Before(i.ExpiresAt) {
		return i, fmt.Errorf("%w: not due before %s", ErrState, i.ExpiresAt.Format(time.RFC3339))
	}
	return i.decide(Expired, "", now)
}

func (i Item) decide(to State, by string, at time.Time) (Item, error) {
	if err := Move(i.State, to); err != nil {
		return i, err
	}
	i.State, i.DecidedBy, i.DecidedAt = to, by, at
	return i, nil
}
