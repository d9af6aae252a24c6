package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"sekisho/audit"
	"sekisho/gateway"
)

// Object types of an erasure in the log: the texts of the message, or of the
// exception, that it names.
const (
	messageTexts   = "texts"
	exceptionTexts = "exception_texts"
)

// texts are what people and senders wrote, as far as it can be erased: of a
// message, or of an exception.
type texts struct {
	object audit.Object
	name   string // receipt number, or the exception's
}

func textsOfMessage(m gateway.Message) texts {
	return texts{audit.Object{Type: messageTexts, ID: string(m.ID), ReceiptNo: m.Receipt}, m.Receipt}
}

func textsOfException(id string) texts {
	return texts{audit.Object{Type: exceptionTexts, ID: id}, id}
}

// event says in a record whose texts are erased, and why.
func (t texts) event(why string) func(*audit.Event) {
	return func(e *audit.Event) {
		e.Object, e.Decision.ReasonCode = t.object, why
	}
}

// erase deletes them, with the record of it.
func (t texts) erase(r gateway.Record) func(gateway.Tx) error {
	if t.object.Type == exceptionTexts {
		return func(tx gateway.Tx) error { return tx.EraseException(t.object.ID, r) }
	}
	return func(tx gateway.Tx) error { return tx.Erase(gateway.ID(t.object.ID), r) }
}

// eraser is the ledger as an erasure needs it.
type eraser interface {
	gateway.Ledger
	HasTexts(ctx context.Context, message gateway.ID) (bool, error)
	ExceptionHasTexts(ctx context.Context, id string) (bool, error)
}

// eraseAgain erases what the records of a log say was erased, and what a ledger
// restored from a backup has again. It returns the receipt numbers and the numbers
// of exceptions.
func eraseAgain(ctx context.Context, l eraser, dir string, s gateway.Scribe) ([]string, error) {
	back, err := erasedAndBack(ctx, l, dir)
	if err != nil {
		return nil, err
	}
	var done []string
	for _, t := range back {
		r, err := s.User(audit.VerbPurged, audit.Success, osUser(), t.event("restored"))
		if err != nil {
			return done, err
		}
		err = l.Do(ctx, t.erase(r))
		if errors.Is(err, gateway.ErrState) {
			continue // an exception that the restored ledger takes for open; once the janitor has ended it, this works
		}
		if err != nil {
			return done, fmt.Errorf("erase again: %w", err)
		}
		done = append(done, t.name)
	}
	return done, nil
}

// erasedAndBack returns what a record of the log says was erased and the ledger
// has.
func erasedAndBack(ctx context.Context, l eraser, dir string) ([]texts, error) {
	var back []texts
	seen := map[audit.Object]bool{}
	err := audit.Select(ctx, os.DirFS(dir), audit.Filter{Verbs: []audit.Verb{audit.VerbPurged}}, func(_ []byte, e audit.Event) error {
		key := audit.Object{Type: e.Object.Type, ID: e.Object.ID}
		if key.Type != messageTexts && key.Type != exceptionTexts || seen[key] {
			return nil
		}
		seen[key] = true
		t, err := present(ctx, l, key)
		if err == nil {
			back = append(back, t)
		}
		if errors.Is(err, gateway.ErrNotFound) {
			return nil
		}
		return err
	})
	return back, err
}

// present returns the texts that a record names; gateway.ErrNotFound when the
// ledger has none.
func present(ctx context.Context, l eraser, o audit.Object) (texts, error) {
	if o.Type == exceptionTexts {
		has, err := l.ExceptionHasTexts(ctx, o.ID)
		if err == nil && !has {
			err = gateway.ErrNotFound
		}
		return textsOfException(o.ID), err
	}
	has, err := l.HasTexts(ctx, gateway.ID(o.ID))
	if err == nil && !has {
		err = gateway.ErrNotFound
	}
	if err != nil {
		return texts{}, err
	}
	m, err := l.Message(ctx, gateway.ID(o.ID))
	return textsOfMessage(m), err
}
