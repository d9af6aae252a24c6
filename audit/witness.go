package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/tlog"
)

// Errors of Follow. All of them mean that the log shown is not the one that was
// shown before.
var (
	// ErrRollback says that the log is shorter than it was: an older copy of it,
	// or its end was cut off.
	ErrRollback = errors.New("audit log is shorter than the checkpoint kept of it")
	// ErrFork says that the log is not a continuation of what it was: a record
	// under the earlier checkpoint was changed, or this is another log.
	ErrFork = errors.New("audit log is not a continuation of the checkpoint kept of it")
)

// Follow is a witness's step: it returns the published checkpoint of a log when
// that is proven to continue the one kept from last time (RFC 6962 section
// 2.1.2), as C2SP tlog-witness asks of a witness before it signs. The zero
// Checkpoint is continued by any. It looks at checkpoint and tiles, not at the
// records: for these there is Verify. Errors wrap ErrRollback, ErrFork,
// ErrCheckpoint, or ErrProof when the tiles do not show what they must; with
// ErrRollback and ErrFork the checkpoint is returned too, for it is the evidence.
// spec: c2sp/tlog-witness
func Follow(ctx context.Context, fsys fs.FS, keys Keys, last Checkpoint) (Checkpoint, error) {
	if err := ctx.Err(); err != nil {
		return Checkpoint{}, err
	}
	msg, err := readSmall(fsys, checkpointFile, maxNote)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("follow audit log: %w", err)
	}
	c, err := OpenCheckpoint(msg, keys)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("follow audit log: %w", err)
	}
	switch {
	case last.Size == 0 || c.Size == last.Size && c.Root == last.Root:
		return c, nil
	case c.Size < last.Size:
		return c, fmt.Errorf("%w: %d records, and %d before", ErrRollback, c.Size, last.Size)
	case c.Size == last.Size:
		return c, fmt.Errorf("%w: two roots of %d records", ErrFork, c.Size)
	}
	if err := continues(fsys, c, last); err != nil {
		return c, err
	}
	return c, nil
}

// continues checks that the first last.Size records of the tree of c have the root
// of last. The tiles are first proven to be those of c.
func continues(fsys fs.FS, c, last Checkpoint) error {
	reader := tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileFiles{fsys})
	proof, err := tlog.ProveTree(c.Size, last.Size, reader)
	if err != nil {
		return fmt.Errorf("%w: no consistency proof from the tiles: %w", ErrProof, err)
	}
	if err := tlog.CheckTree(proof, c.Size, c.Root, last.Size, last.Root); err != nil {
		return fmt.Errorf("%w: records before %d were changed", ErrFork, last.Size)
	}
	return nil
}
