package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// AddNotices implements gateway.NoticeTx.
func (t *tx) AddNotices(ns []gateway.Notice) error {
	return t.change("add notices", func() error {
		for _, n := range ns {
			if n.Digest != "" {
				return fmt.Errorf("%w: a notice begins untold", gateway.ErrState)
			}
			t.moved = true
			if _, err := t.exec(`INSERT INTO notices (item, address, at) VALUES (?, ?, ?) ON CONFLICT (item, address) DO NOTHING`,
				n.Item, n.To, nanos(n.At)); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	// untoldPart is what a NoticeWait selects: ?1 until, ?2 now.
	untoldPart = `digest IS NULL AND (at <= ?1 OR at > ?2)`
	dueNotices = `SELECT address FROM notices INDEXED BY notices_waiting WHERE ` + untoldPart + ` GROUP BY address ORDER BY min(at), address LIMIT ?3`
	tellParts  = `UPDATE notices SET digest = ?3 WHERE n IN (SELECT n FROM notices INDEXED BY notices_address
		WHERE address = ?4 AND ` + untoldPart + ` ORDER BY at, n LIMIT ?5)`
)

// AddDigest implements gateway.NoticeTx.
func (t *tx) AddDigest(d gateway.Delivery, w gateway.NoticeWait, r ...gateway.Record) error {
	return t.move("add digest", func() error {
		if d.Kind != gateway.KindDigest || d.State != gateway.Drafted || len(d.Recipients) != 1 || w.Limit < 1 {
			return fmt.Errorf("%w: a digest begins as the draft of a mail to one recipient", gateway.ErrState)
		}
		if err := t.insertDelivery(d); err != nil {
			return err
		}
		n, err := t.exec(tellParts, nanos(w.Until), nanos(w.Now), string(d.ID), d.Recipients[0].Address, w.Limit)
		if err == nil && n == 0 {
			err = gateway.ErrNotFound // and the draft is undone with the closure
		}
		if err != nil {
			return err
		}
		return t.record("", r)
	})
}

// CountNotices implements gateway.NoticeTx.
func (t *tx) CountNotices(k gateway.DeliveryKind, message gateway.ID, address string, since time.Time) (int, error) {
	n := 0
	err := t.change("count notices", func() error {
		return t.row(one(&n), countNotices, nanos(since), string(k), string(message), address)
	})
	return n, err
}

const countNotices = `SELECT count(*) FROM deliveries d INDEXED BY deliveries_created WHERE created_at > ?1 AND kind = ?2
	AND (?3 = '' OR message = ?3) AND (?4 = '' OR EXISTS (SELECT 1 FROM delivery_recipients WHERE delivery = d.id AND address = ?4))`

// noticeOutcome keeps account of what becomes of notices. What a person gives
// up is no outcome.
func (t *tx) noticeOutcome(d gateway.Delivery) error {
	if !d.Kind.Notice() {
		return nil
	}
	for _, r := range d.Recipients {
		query := ""
		switch r.State {
		case gateway.Taken:
			query = `UPDATE notice_outcomes SET taken_at = ?1, refused = 0, refused_at = 0`
		case gateway.Refused:
			query = `UPDATE notice_outcomes SET refused = refused + 1, refused_at = iif(refused = 0, ?1, refused_at)`
		default:
			continue
		}
		if _, err := t.exec(query, max(nanos(r.At), 1)); err != nil {
			return err
		}
	}
	return nil
}

// NoticesDue implements gateway.Notices.
func (l *Ledger) NoticesDue(ctx context.Context, w gateway.NoticeWait) ([]string, error) {
	var to []string
	err := l.view(ctx, func(q query) error {
		to = nil
		return q.rows(func(s scanner) error {
			var a string
			err := s.Scan(&a)
			to = append(to, a)
			return err
		}, dueNotices, nanos(w.Until), nanos(w.Now), w.Limit)
	})
	if err != nil {
		return nil, fmt.Errorf("read the digests that are due: %w", err)
	}
	return to, nil
}

// NoticesIn implements gateway.Notices.
func (l *Ledger) NoticesIn(ctx context.Context, digest gateway.ID) ([]quarantine.Item, error) {
	var is []quarantine.Item
	err := l.view(ctx, func(q query) error {
		is = nil
		return q.rows(func(s scanner) error {
			var i quarantine.Item
			err := scanItem(&i)(s)
			is = append(is, i)
			return err
		}, partsIn, string(digest))
	})
	if err != nil {
		return nil, fmt.Errorf("read the parts of digest %s: %w", digest, err)
	}
	return is, nil
}

const partsIn = `SELECT ` + itemColumns + ` FROM items WHERE id IN (SELECT item FROM notices INDEXED BY notices_digest WHERE digest = ?)
	ORDER BY receipt, recipient, path, id`

const (
	// A notice that was tried was due when it came, as far as its row knows.
	waitingNotices = `SELECT count(*), coalesce(min(since), 0) FROM (SELECT iif(since <= ?1, since, NULL) AS since FROM (
		SELECT iif(attempts > 0, created_at, max(created_at, next_at)) AS since FROM deliveries INDEXED BY deliveries_notices
		WHERE kind IN ('substitute', 'digest', 'notice', 'trial') AND state IN ('drafted', 'ready', 'relaying')))`
	waitingParts   = `SELECT count(*), coalesce(min(at), 0) FROM notices INDEXED BY notices_waiting WHERE digest IS NULL`
	noticeOutcomes = `SELECT taken_at, refused, refused_at FROM notice_outcomes`
)

// NoticeState implements gateway.Notices.
func (l *Ledger) NoticeState(ctx context.Context, now time.Time) (gateway.NoticeState, error) {
	var n gateway.NoticeState
	err := l.view(ctx, func(q query) error {
		return errors.Join(
			q.row(func(s scanner) error { return s.Scan(&n.Waiting, stamp{&n.Due}) }, waitingNotices, nanos(now)),
			q.row(func(s scanner) error { return s.Scan(&n.Unwritten, stamp{&n.Since}) }, waitingParts),
			q.row(func(s scanner) error { return s.Scan(stamp{&n.Taken}, &n.Refused, stamp{&n.FirstRefused}) }, noticeOutcomes))
	})
	if err != nil {
		return gateway.NoticeState{}, fmt.Errorf("read the state of notices: %w", err)
	}
	return n, nil
}
