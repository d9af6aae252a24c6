package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/notice"
	"sekisho/quarantine"
	"sekisho/sanitize"
)

// note notes a held part for those who are told of it in a digest.
func (s *settlement) note(i quarantine.Item) {
	for _, to := range s.flow.Notices.Addresses(i.Recipient) {
		s.notices = append(s.notices, gateway.Notice{Item: i.ID, To: to, At: s.now})
	}
}

// settle stores what became of the message, and who is to be told.
func (s *settlement) settle(tx gateway.Tx) error {
	if err := tx.Settle(s.m, s.deliveries, s.items, s.records...); err != nil {
		return err
	}
	return tx.AddNotices(s.notices)
}

// Tell drafts one digest that is due and reports whether there was any. The
// draft and what it tells of are one transaction: a process that dies leaves
// both or none. Composing it is the work of Step.
func (f *Flow) Tell(ctx context.Context) (bool, error) {
	now := f.Scribe.Clock()
	to, err := f.Ledger.NoticesDue(ctx, f.Notices.Due(now, 1))
	if err != nil || len(to) == 0 {
		return false, err
	}
	id, err := gateway.NewID(f.Scribe.Random)
	if err != nil {
		return false, err
	}
	d := notice.Draft(id, gateway.KindDigest, to[0], now)
	r, err := notice.Created(f.Scribe, d)
	if err != nil {
		return false, err
	}
	err = f.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.AddDigest(d, f.Notices.Due(now, sanitize.DigestMost), r) })
	if err != nil {
		return false, fmt.Errorf("draft a digest: %w", err)
	}
	f.Wake()
	return true, nil
}

const (
	// settingStopped is since when notices have stopped, RFC 3339, and what waited
	// when that was noticed; "" while they do not.
	settingStopped = "notices.stopped"
	// noticeAlarm is after which time without a notice that got through, although
	// some were due, somebody is told.
	noticeAlarm = 4 * time.Hour
)

// WatchNotices looks whether notices get through, and records when that ends and
// when it begins again. The postmaster is told, by a mail that may not get
// through either; the record, the log line, the metric and readiness say so
// meanwhile.
func (f *Flow) WatchNotices(ctx context.Context, now time.Time) error {
	st, err := f.Ledger.NoticeState(ctx, now)
	if err != nil {
		return err
	}
	since, stopped := notice.Stopped(st, f.Notices.Schedule, now, f.noticeAlarm())
	if stopped {
		f.stopped.Store(&since)
	} else {
		f.stopped.Store(nil)
	}
	var began, ended bool
	err = f.Ledger.Do(ctx, func(tx gateway.Tx) error {
		began, ended = false, false // the closure may run more than once
		known, err := tx.Setting(settingStopped)
		if err != nil || (known != "") == stopped {
			return err
		}
		began, ended = stopped, !stopped
		if ended {
			return f.setStopped(tx, "notice.resumed", "")
		}
		text := fmt.Sprintf("%s %d %d %d", since.UTC().Format(time.RFC3339), st.Waiting, st.Unwritten, st.Refused)
		return errors.Join(f.setStopped(tx, "notice.stopped", text), f.warn(tx, now))
	})
	switch {
	case err != nil:
		return fmt.Errorf("note that notices have stopped: %w", err)
	case began:
		f.Log.Error("notices about held parts do not get through (通知停止中)", "since", since, "waiting", st.Waiting, "unwritten", st.Unwritten, "refused", st.Refused)
		f.Wake()
	case ended:
		f.Log.Info("notices about held parts get through again")
	}
	return nil
}

func (f *Flow) noticeAlarm() time.Duration {
	if f.NoticeAlarm > 0 {
		return f.NoticeAlarm
	}
	return noticeAlarm
}

// NoticesStopped returns since when no notice could be handed over although some
// were due, as of the last look.
func (f *Flow) NoticesStopped() (since time.Time, stopped bool) {
	if at := f.stopped.Load(); at != nil {
		return *at, true
	}
	return time.Time{}, false
}

func (f *Flow) setStopped(tx gateway.Tx, v audit.Verb, text string) error {
	r, err := f.Scribe.System(v, audit.Success, func(e *audit.Event) { e.Change = audit.Change{Path: "notices", After: text} })
	if err != nil {
		return err
	}
	return tx.SetSetting(settingStopped, text, r)
}

// warn drafts the mail to the postmaster; an address that is none is told by
// the check of the configuration.
func (f *Flow) warn(tx gateway.Tx, now time.Time) error {
	if gateway.CheckAddress(f.Postmaster, true) != nil {
		return nil
	}
	id, err := gateway.NewID(f.Scribe.Random)
	if err != nil {
		return err
	}
	d := notice.Draft(id, gateway.KindPostmaster, f.Postmaster, now)
	r, err := notice.Created(f.Scribe, d)
	if err != nil {
		return err
	}
	return tx.AddDelivery(d, r)
}

// sinceStopped reads what WatchNotices stored; after it began again, what there
// is to say is that it did.
func (f *Flow) sinceStopped(ctx context.Context) (time.Time, string, error) {
	var text string
	err := f.Ledger.Do(ctx, func(tx gateway.Tx) error {
		var err error
		text, err = tx.Setting(settingStopped)
		return err
	})
	if err != nil {
		return time.Time{}, "", err
	}
	var at string
	var waiting, unwritten, refused int
	if n, err := fmt.Sscan(text, &at, &waiting, &unwritten, &refused); err == nil && n == 4 {
		if since, err := time.Parse(time.RFC3339, at); err == nil {
			return since, fmt.Sprintf("送れていないお知らせ %d 通、まだ書いていない分 %d 件、断られたもの %d 通", waiting, unwritten, refused), nil
		}
	}
	return f.Scribe.Clock(), "いまは送れるようになりました", nil
}
