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
