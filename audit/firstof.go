package audit

import (
	"context"
	"fmt"
	"io/fs"
)

// FirstOf returns the number of the first record of the month, "2026-11", or of
// the next that has any; the bool is false when there is none.
func FirstOf(ctx context.Context, fsys fs.FS, month string) (int64, bool, error) {
	list, err := months(fsys, segmentDir, ".jsonl")
	if err != nil {
		return 0, false, fmt.Errorf("first record of %s: %w", month, err)
	}
	for _, m := range list {
		if m < month {
			continue
		}
		first, ok, err := firstRecord(ctx, fsys, m)
		if err != nil {
			return 0, false, fmt.Errorf("first record of %s: %w", month, err)
		}
		return first.Seq, ok, nil
	}
	return 0, false, nil
}
