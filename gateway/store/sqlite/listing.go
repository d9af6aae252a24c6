package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
)

var _ gateway.Listing = (*Ledger)(nil)

const (
	maxPage     = 200
	defaultPage = 50
	pageBudget  = 5000 // rows that one page looks at
	maxWhose    = 1000 // addresses of one query
	answerTime  = 24 * time.Hour
	answerStuck = 5 * time.Minute // a request under way this long has died
	// maxAnswers is how many answers of one person are kept: at the highest rate of
	// changes those of three minutes, longer than anybody waits to send again.
	maxAnswers = 1000
)

const (
	messagesOf    = `SELECT n FROM message_recipients WHERE address = ? AND n < ? ORDER BY n DESC LIMIT ?`
	itemsOf       = `SELECT n FROM items WHERE lower(recipient) = ? AND n < ? ORDER BY n DESC LIMIT ?`
	allMessages   = `SELECT n FROM messages WHERE n < ? ORDER BY n DESC LIMIT ?`
	allItems      = `SELECT n FROM items WHERE n < ? ORDER BY n DESC LIMIT ?`
	allRecords    = `SELECT n FROM audit_rows WHERE n < ? ORDER BY n DESC LIMIT ?`
	recordsOf     = `SELECT n FROM audit_rows WHERE message = ? AND n < ? ORDER BY n DESC LIMIT ?`
	mailOfReceipt = `SELECT n FROM messages WHERE receipt = ? AND receipt <> '' AND n < ? ORDER BY n DESC LIMIT ?`
	itemsOfNumber = `SELECT i.n FROM messages m JOIN items i ON i.message = m.id WHERE m.receipt = ? AND m.receipt <> '' AND i.n < ? ORDER BY i.n DESC LIMIT ?`
	itemsOfMail   = `SELECT n FROM items WHERE message = ? AND n < ? ORDER BY n DESC LIMIT ?`
	pagedMessages = `SELECT n, ` + shownColumns + ` FROM messages WHERE n IN (SELECT value FROM json_each(?)) ORDER BY n DESC`
	pagedItems    = `SELECT n, ` + itemColumns + ` FROM items WHERE n IN (SELECT value FROM json_each(?)) ORDER BY n DESC`
	pagedRecords  = `SELECT n, coalesce(seq, -1), event FROM audit_rows WHERE n IN (SELECT value FROM json_each(?)) ORDER BY n DESC`
)

// pager walks rows from the newest, a chunk of numbers at a time.
type pager struct {
	q      query
	page   gateway.PageQuery
	all    string // query for the numbers of all rows
	whose  string // query for those of one address
	behind int64
	looked int
}

func newPager(q query, p gateway.PageQuery, all, whose string) *pager {
	if p.Limit <= 0 {
		p.Limit = defaultPage
	}
	p.Limit = min(p.Limit, maxPage)
	g := &pager{q: q, page: p, all: all, whose: whose, behind: p.Behind}
	if g.behind <= 0 {
		g.behind = math.MaxInt64
	}
	return g
}

// numbers returns the next chunk, newest first; none at the end.
func (g *pager) numbers() ([]int64, error) {
	const chunk = 500
	var out []int64
	scan := func(s scanner) error {
		var n int64
		err := s.Scan(&n)
		out = append(out, n)
		return err
	}
	if g.page.All {
		err := g.q.rows(scan, g.all, g.behind, chunk)
		return out, err
	}
	for _, a := range g.page.Addresses[:min(len(g.page.Addresses), maxWhose)] {
		if err := g.q.rows(scan, g.whose, a, g.behind, chunk); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b int64) int { return int(min(max(b-a, -1), 1)) })
	out = slices.Compact(out)
	return out[:min(len(out), chunk)], nil
}

// walk calls visit for rows, by statement, until the page is full, the rows or
// the budget end. It returns what to go on from.
func (g *pager) walk(statement string, visit func(s scanner) (n int64, taken, past bool, err error)) (int64, error) {
	taken := 0
	for g.looked < pageBudget {
		ns, err := g.numbers()
		if err != nil || len(ns) == 0 {
			return 0, err
		}
		named, err := json.Marshal(ns)
		if err != nil {
			return 0, err
		}
		over := false
		err = g.q.rows(func(s scanner) error {
			if over || taken == g.page.Limit {
				return nil
			}
			n, took, past, err := visit(s)
			if err != nil {
				return err
			}
			g.behind, over = n, past
			if took {
				taken++
			}
			return nil
		}, statement, string(named))
		if err != nil || over {
			return 0, err
		}
		if taken == g.page.Limit {
			return g.behind, nil
		}
		g.looked += len(ns)
	}
	return g.behind, nil
}

// by looks rows up by a value of their own instead of by whose they are, which
// the caller then checks for each.
func (g *pager) by(statement, value string) {
	if value != "" {
		g.page.All, g.page.Addresses, g.whose = false, []string{value}, statement
	}
}

// whose reports whether a row is of somebody that the query is for.
func whose(q gateway.PageQuery, addresses ...string) bool {
	return q.All || slices.ContainsFunc(addresses, func(a string) bool { return slices.Contains(q.Addresses, strings.ToLower(a)) })
}

// past is how far rows may be out of the order of their times.
const past = time.Hour

// in reports whether a time is in the window, and whether all older rows are
// before it.
func in(q gateway.PageQuery, at time.Time) (bool, bool) {
	if !q.After.IsZero() && at.Before(q.After) {
		return false, at.Before(q.After.Add(-past))
	}
	return q.Before.IsZero() || at.Before(q.Before), false
}

func same(want, have string) bool { return want == "" || want == have }

// MessagePage implements gateway.Listing.
func (l *Ledger) MessagePage(ctx context.Context, p gateway.PageQuery) ([]gateway.Message, int64, error) {
	var out []gateway.Message
	var next int64
	err := l.view(ctx, func(q query) error {
		g := newPager(q, p, allMessages, messagesOf)
		g.by(mailOfReceipt, p.Receipt)
		var err error
		next, err = g.walk(pagedMessages, func(s scanner) (int64, bool, bool, error) {
			var m gateway.Message
			var n int64
			if err := scanShown(&m)(numbered{s, &n}); err != nil {
				return 0, false, false, err
			}
			ok, over := in(p, m.ReceivedAt)
			if ok = ok && whose(p, m.Envelope.To...) && same(p.State, string(m.State)) && same(p.Receipt, m.Receipt); ok {
				out = append(out, m)
			}
			return n, ok, over, nil
		})
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list messages: %w", err)
	}
	return out, next, nil
}

// numbered scans the row number in front of the other columns.
type numbered struct {
	scanner
	n *int64
}

func (x numbered) Scan(to ...any) error { return x.scanner.Scan(append([]any{x.n}, to...)...) }

// ItemPage implements gateway.Listing.
func (l *Ledger) ItemPage(ctx context.Context, p gateway.PageQuery) ([]quarantine.Item, int64, error) {
	var out []quarantine.Item
	var next int64
	err := l.view(ctx, func(q query) error {
		g := newPager(q, p, allItems, itemsOf)
		g.by(itemsOfNumber, p.Receipt)
		g.by(itemsOfMail, string(p.Message))
		var err error
		next, err = g.walk(pagedItems, func(s scanner) (int64, bool, bool, error) {
			var i quarantine.Item
			var n int64
			if err := scanItem(&i)(numbered{s, &n}); err != nil {
				return 0, false, false, err
			}
			ok, over := in(p, i.HeldAt)
			ok = ok && whose(p, i.Recipient) && same(p.State, string(i.State))
			if ok = ok && same(p.Receipt, i.Receipt) && same(string(p.Message), i.Message); ok {
				out = append(out, i)
			}
			return n, ok, over, nil
		})
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list items: %w", err)
	}
	return out, next, nil
}

// RecordPage implements gateway.Listing.
func (l *Ledger) RecordPage(ctx context.Context, p gateway.PageQuery) ([]audit.Row, int64, error) {
	p.Addresses = nil
	var out []audit.Row
	var next int64
	err := l.view(ctx, func(q query) error {
		g := newPager(q, p, allRecords, "")
		if p.All {
			g.by(recordsOf, string(p.Message))
		}
		var err error
		next, err = g.walk(pagedRecords, func(s scanner) (int64, bool, bool, error) {
			var r audit.Row
			var event string
			if err := s.Scan(&r.ID, &r.Seq, &event); err != nil {
				return 0, false, false, err
			}
			var err error
			if r.Event, err = audit.ParseDraft([]byte(event)); err != nil {
				return 0, false, false, err
			}
			e := r.Event
			ok, over := in(p, e.TS)
			ok = ok && same(p.Verb, string(e.Verb)) && same(p.Actor, e.Actor.ID) && same(p.Object, e.Object.ID) && same(p.Receipt, e.Object.ReceiptNo)
			if ok {
				out = append(out, r)
			}
			return r.ID, ok, over, nil
		})
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list records: %w", err)
	}
	return out, next, nil
}

// fewerAnswers forgets the oldest answers of one person.
const fewerAnswers = `DELETE FROM answers WHERE who = ?1 AND status <> 0 AND key IN (SELECT key FROM answers WHERE who = ?1 ORDER BY at DESC, key LIMIT -1 OFFSET ?2)`

// BeginAnswer implements gateway.Answers.
func (l *Ledger) BeginAnswer(ctx context.Context, a gateway.Answer) (gateway.Answer, bool, error) {
	var stored gateway.Answer
	found := false
	err := l.w.do(ctx, func(t *tx) error {
		stored, found = gateway.Answer{Who: a.Who, Key: a.Key}, false
		return t.change("begin answer", func() error {
			if _, err := t.exec(`DELETE FROM answers WHERE at < ?1 OR status = 0 AND at < ?2`,
				nanos(a.At.Add(-answerTime)), nanos(a.At.Add(-answerStuck))); err != nil {
				return err
			}
			err := t.row(func(s scanner) error {
				return s.Scan(digest{&stored.Request}, &stored.Status, &stored.Header, &stored.Body, stamp{&stored.At})
			}, `SELECT request, status, header, body, at FROM answers WHERE who = ? AND key = ?`, a.Who, a.Key)
			if err == nil {
				found = true
			}
			if !errors.Is(err, gateway.ErrNotFound) {
				return err
			}
			_, err = t.exec(`INSERT INTO answers (who, key, request, status, header, body, at) VALUES (?, ?, ?, 0, '', x'', ?)`,
				a.Who, a.Key, a.Request[:], nanos(a.At))
			if err == nil {
				_, err = t.exec(fewerAnswers, a.Who, maxAnswers)
			}
			return err
		})
	})
	return stored, found, err
}

// FinishAnswer implements gateway.Answers.
func (l *Ledger) FinishAnswer(ctx context.Context, a gateway.Answer) error {
	return l.w.do(ctx, func(t *tx) error {
		return t.change("finish answer", func() error {
			if a.Status == 0 {
				_, err := t.exec(`DELETE FROM answers WHERE who = ? AND key = ?`, a.Who, a.Key)
				return err
			}
			_, err := t.exec(`UPDATE answers SET status = ?, header = ?, body = ? WHERE who = ? AND key = ?`,
				a.Status, a.Header, notNil(a.Body), a.Who, a.Key)
			return err
		})
	})
}

// File is where the ledger lies.
func (l *Ledger) File() string { return l.file }
