package sqlite

import (
	"context"
	"errors"
	"fmt"

	"sekisho/audit"
	"sekisho/gateway"
)

// topic says whom the texts behind a record belong to, and with whom they are
// erased: a message, an exception, or nobody.
type topic struct{ message, exception string }

// record inserts records that are about a message, or about none.
func (t *tx) record(message string, records []gateway.Record) error {
	return t.recordAbout(topic{message: message}, records)
}

func (t *tx) recordAbout(about topic, records []gateway.Record) error {
	for _, r := range records {
		if err := t.insertRecord(about, r); err != nil {
			return fmt.Errorf("record %s: %w", r.Event.Verb, err)
		}
		t.noted = true
	}
	return nil
}

func (t *tx) insertRecord(about topic, r gateway.Record) error {
	if r.Event.Seg != "" {
		return fmt.Errorf("%w: the event has a place in the log already", audit.ErrInvalid)
	}
	event, err := r.Event.Canonical()
	if err != nil {
		return err
	}
	var row int64
	err = t.changed(one(&row), `INSERT INTO audit_rows (id, at, verb, message, event) VALUES (?, ?, ?, ?, ?) RETURNING n`,
		r.Event.ID, nanos(r.Event.TS), string(r.Event.Verb), optional(about.message), string(event))
	if err != nil {
		return err
	}
	for _, o := range r.Openings {
		if !audit.CheckOpening(o.Digest, o) || !commits(r.Event, o.Digest) {
			return fmt.Errorf("%w: an opening fits no commitment of the event", audit.ErrInvalid)
		}
		if _, err := t.exec(`INSERT INTO openings (digest, nonce, value, message, row) VALUES (?, ?, ?, ?, ?)`,
			o.Digest, o.Nonce[:], o.Value, optional(about.message), row); err != nil {
			return err
		}
		if about.exception == "" {
			continue
		}
		if _, err := t.exec(`UPDATE openings SET exception = ? WHERE digest = ?`, about.exception, o.Digest); err != nil {
			return err
		}
	}
	return nil
}

// commits reports whether digest is one of the event's commitments.
func commits(e audit.Event, digest string) bool {
	return digest == e.Commit.Subject || digest == e.Commit.Filename || digest == e.Decision.Comment
}

// Note implements gateway.Tx.
func (t *tx) Note(r ...gateway.Record) error {
	return t.NoteOn("", r...)
}

// NoteOn implements gateway.Tx.
func (t *tx) NoteOn(message gateway.ID, r ...gateway.Record) error {
	return t.change("note", func() error { return t.record(string(message), r) })
}

// Erase implements gateway.Tx.
func (t *tx) Erase(message gateway.ID, r ...gateway.Record) error {
	return t.move("erase", func() error {
		if message == "" {
			return gateway.ErrNotFound
		}
		if err := t.eraseWords(wordsOfMail[:], string(message)); err != nil {
			return err
		}
		for _, q := range []string{eraseOpenings, eraseAnswers} {
			if _, err := t.exec(q, string(message)); err != nil {
				return err
			}
		}
		return t.record(string(message), r)
	})
}

// Setting implements gateway.Tx.
func (t *tx) Setting(name string) (string, error) {
	var value string
	err := t.change("read setting", func() error {
		err := t.row(one(&value), `SELECT value FROM settings WHERE name = ?`, name)
		if errors.Is(err, gateway.ErrNotFound) {
			return nil
		}
		return err
	})
	return value, err
}

// SetSetting implements gateway.Tx.
func (t *tx) SetSetting(name, value string, r ...gateway.Record) error {
	return t.change("set setting", func() error {
		if _, err := t.exec(`INSERT INTO settings (name, value) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value); err != nil {
			return err
		}
		return t.record("", r)
	})
}

// Opening implements gateway.Ledger.
func (l *Ledger) Opening(ctx context.Context, digest string) (audit.Opening, error) {
	o := audit.Opening{Digest: digest}
	err := l.view(ctx, func(q query) error {
		var nonce []byte
		err := q.row(func(s scanner) error { return s.Scan(&nonce, &o.Value) },
			`SELECT nonce, value FROM openings WHERE digest = ?`, digest)
		copy(o.Nonce[:], nonce)
		return err
	})
	if err != nil {
		return audit.Opening{}, fmt.Errorf("read opening %s: %w", digest, err)
	}
	return o, nil
}
