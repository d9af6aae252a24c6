package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes one committed state of the ledger to a new file, mode 0600,
// while the ledger goes on, and makes it durable. The file must not exist. It
// is itself a ledger; erased openings that it still holds have to be erased
// again after a restore.
func (l *Ledger) Backup(ctx context.Context, file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("back up ledger: %w", err)
	}
	err = errors.Join(translate(l.copyInto(ctx, file)), f.Sync(), f.Close())
	if err == nil {
		err = syncDir(filepath.Dir(file))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("back up ledger: %w", err), os.Remove(file))
	}
	return nil
}

// BackupHolding is Backup while no other change commits: hold is called with
// every blob name that the copy names, before changes go on. What a row of the
// copy points to is therefore there during hold, for a file is deleted only
// after the commit that stopped naming it. Writers wait meanwhile, up to 10 s
// and then with an error; hold MUST be short and MUST NOT use Do.
func (l *Ledger) BackupHolding(ctx context.Context, file string, hold func(originals, outbox map[string]bool) error) error {
	db, err := pool(dsn(l.file), 1)
	if err != nil {
		return fmt.Errorf("back up ledger: %w", err)
	}
	c, err := connect(ctx, db)
	if err != nil {
		return errors.Join(fmt.Errorf("back up ledger: %w", err), db.Close())
	}
	err = c.run(ctx, "BEGIN IMMEDIATE")
	if err == nil {
		err = l.Backup(ctx, file)
	}
	if err == nil {
		err = l.held(ctx, hold)
	}
	return errors.Join(err, c.drop(), db.Close()) // which ends the transaction
}

func (l *Ledger) held(ctx context.Context, hold func(originals, outbox map[string]bool) error) error {
	originals, outbox, err := l.Blobs(ctx)
	if err != nil {
		return fmt.Errorf("back up ledger: %w", err)
	}
	return hold(originals, outbox)
}

// copyInto copies the ledger into an empty file, on a connection of its own:
// those that read may write nowhere.
func (l *Ledger) copyInto(ctx context.Context, file string) error {
	if err := l.read.PingContext(ctx); err != nil { // closed
		return err
	}
	db, err := pool(dsn(l.file), 1)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, file)
	return errors.Join(err, db.Close())
}

// syncDir makes the entries of a directory durable.
func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
