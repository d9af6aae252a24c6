// Package store lays out the data of one node: the ledger, the originals, the
// outbox and the audit log below one directory.
//
//	<dir>/ledger.db    gateway.Ledger        (package sqlite)
//	<dir>/originals/   what was received     (package fs)
//	<dir>/outbox/      what may be sent on   (package fs)
//	<dir>/previews/    pages looked at       (package fs; kept for minutes, never in a backup)
//	<dir>/audit/       the log               (package audit; opened elsewhere)
//
// Each role opens it with the keys that it has: intake with the recipient of
// the originals alone, flow with both identities, deliver with the identity of
// the outbox alone. docs/design/spool.md says what is durable when.
package store

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/store/fs"
	"sekisho/gateway/store/sqlite"
)

// LedgerFile is where the ledger of a node with this data directory lies.
func LedgerFile(dir string) string { return filepath.Join(dir, "ledger.db") }

// OriginalsDir is where what was received lies.
func OriginalsDir(dir string) string { return filepath.Join(dir, "originals") }

// OutboxDir is where what may be sent on lies.
func OutboxDir(dir string) string { return filepath.Join(dir, "outbox") }

// PreviewsDir is where pictures of pages lie while people look at them.
func PreviewsDir(dir string) string { return filepath.Join(dir, "previews") }

// AuditDir is where the log lies.
func AuditDir(dir string) string { return filepath.Join(dir, "audit") }

// Config says where a node keeps its data, and which keys this process has.
type Config struct {
	Dir       string // exists, or its parent does
	Originals fs.Options
	Outbox    fs.Options
}

// Store is the open data of a node.
type Store struct {
	Ledger    *sqlite.Ledger
	Originals *fs.Store
	Outbox    *fs.Store
	Previews  *fs.Store // pixels that may be shown where the outbox is read, with its keys
	AuditDir  string    // exists
}

// Open opens the data of a node and makes, mode 0700, what does not exist yet.
func Open(ctx context.Context, c Config) (*Store, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	s := &Store{AuditDir: AuditDir(dir)}
	for _, d := range []string{dir, s.AuditDir} {
		if err := makeDir(d); err != nil {
			return nil, fmt.Errorf("make data directory: %w", err)
		}
	}
	if s.Originals, err = fs.Open(OriginalsDir(dir), c.Originals); err != nil {
		return nil, fmt.Errorf("open originals: %w", err)
	}
	if s.Outbox, err = fs.Open(OutboxDir(dir), c.Outbox); err != nil {
		return nil, errors.Join(fmt.Errorf("open outbox: %w", err), s.Close())
	}
	if s.Previews, err = fs.Open(PreviewsDir(dir), c.Outbox); err != nil {
		return nil, errors.Join(fmt.Errorf("open previews: %w", err), s.Close())
	}
	if s.Ledger, err = sqlite.Open(ctx, LedgerFile(dir)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes what is open.
func (s *Store) Close() error {
	var errs []error
	if s.Ledger != nil {
		errs = append(errs, s.Ledger.Close())
	}
	for _, b := range []*fs.Store{s.Originals, s.Outbox, s.Previews} {
		if b != nil {
			errs = append(errs, b.Close())
		}
	}
	return errors.Join(errs...)
}

// makeDir makes a directory and its entry durable.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); errors.Is(err, iofs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// Missing reports blobs that the ledger names and no file holds, as
// "original <name>" or "outbox <name>". It may run beside a working gateway:
// what was named before and is not any more is no finding.
func Missing(ctx context.Context, l gateway.Ledger, originals, outbox gateway.Blobs) ([]string, error) {
	wantOriginals, wantOutbox, err := l.Blobs(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range []struct {
		blobs gateway.Blobs
		want  map[string]bool
	}{{originals, wantOriginals}, {outbox, wantOutbox}} {
		err := b.blobs.Walk(ctx, func(name string, _ int64, _ time.Time) error {
			delete(b.want, name)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("look for blobs: %w", err)
		}
	}
	if len(wantOriginals)+len(wantOutbox) == 0 {
		return nil, nil
	}
	stillOriginals, stillOutbox, err := l.Blobs(ctx)
	if err != nil {
		return nil, err
	}
	return append(both("original ", wantOriginals, stillOriginals), both("outbox ", wantOutbox, stillOutbox)...), nil
}

// both returns the names in a and in b, in order, each behind a prefix.
func both(prefix string, a, b map[string]bool) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if b[name] {
			names = append(names, prefix+name)
		}
	}
	return names
}
