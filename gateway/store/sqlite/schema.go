package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// applicationID marks a file as a ledger of sekisho ("SEKI").
const applicationID = 0x53454b49

//go:embed schema/*.sql
var schemaFiles embed.FS

// ErrSchema means that the file is not a ledger this program can use: it is of
// another program, or of a newer version of this one.
var ErrSchema = errors.New("sqlite: the ledger file does not fit this program")

// migrations returns the scripts in order; the n-th leads to version n.
func migrations() ([]string, error) {
	names, err := fs.Glob(schemaFiles, "schema/*.sql")
	if err != nil {
		return nil, err
	}
	var scripts []string
	for i, name := range names { // Glob sorts
		if want := fmt.Sprintf("%03d.sql", i+1); path.Base(name) != want {
			return nil, fmt.Errorf("migration %s stands where %s belongs", name, want)
		}
		b, err := fs.ReadFile(schemaFiles, name)
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, string(b))
	}
	return scripts, nil
}

// migrate brings a file to the version of the last script, in one transaction.
// A file of a newer version is refused unchanged: an older program would not
// know what it must keep.
//
// Before a ledger of an earlier version is changed it is copied beside itself,
// see BeforeUpgrade; without that copy it is not changed.
func migrate(ctx context.Context, c *conn, file string, scripts []string) error {
	from, err := version(ctx, c, len(scripts))
	if err != nil {
		return err
	}
	if from > 0 && from < len(scripts) {
		if err := keepBefore(ctx, c, BeforeUpgrade(file, from)); err != nil {
			return fmt.Errorf("keep the ledger of schema version %d: %w", from, err)
		}
	}
	if err := c.run(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	if err := c.run(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := migrateLocked(ctx, c, scripts); err != nil {
		return errors.Join(err, c.run(ctx, "ROLLBACK"))
	}
	return c.run(ctx, "COMMIT")
}

// BeforeUpgrade names the copy that an upgrade leaves of a ledger of an earlier
// schema version. Putting it in the ledger's place, with the earlier program, is
// the way back; what came after the upgrade is not in it.
func BeforeUpgrade(file string, version int) string {
	return fmt.Sprintf("%s.schema%d", file, version)
}

// keepBefore copies the ledger to a new file and makes it durable. A copy that
// is there already is of an upgrade that did not come about, or that was taken
// back since: it is replaced.
func keepBefore(ctx context.Context, c *conn, to string) error {
	temp := to + ".tmp"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	_, err = c.c.ExecContext(ctx, `VACUUM INTO ?`, temp)
	if err = errors.Join(translate(err), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

func migrateLocked(ctx context.Context, c *conn, scripts []string) error {
	from, err := version(ctx, c, len(scripts))
	if err != nil {
		return err
	}
	for v := from; v < len(scripts); v++ {
		if err := c.run(ctx, scripts[v]); err != nil {
			return fmt.Errorf("migrate to schema version %d: %w", v+1, err)
		}
	}
	if err := c.run(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return err
	}
	return c.run(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(scripts)))
}

// version returns the schema version of a file, 0 for an empty one, or
// ErrSchema when it is above known or the file is not a ledger.
func version(ctx context.Context, c *conn, known int) (int, error) {
	var app, version, tables int
	for query, to := range map[string]*int{
		"PRAGMA application_id":              &app,
		"PRAGMA user_version":                &version,
		"SELECT count(*) FROM sqlite_schema": &tables,
	} {
		if err := c.c.QueryRowContext(ctx, query).Scan(to); err != nil {
			return 0, fmt.Errorf("read schema version: %w", err)
		}
	}
	switch {
	case app == 0 && tables == 0:
		return 0, nil
	case app != applicationID:
		return 0, fmt.Errorf("%w: it is a database of another program (application id %#x)", ErrSchema, app)
	case version > known:
		return 0, fmt.Errorf("%w: its schema version is %d, this program knows up to %d; "+
			"use the newer program, or restore the backup made before the upgrade", ErrSchema, version, known)
	}
	return version, nil
}
