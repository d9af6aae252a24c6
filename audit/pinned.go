package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"
)

// CheckpointAt returns the signed checkpoint over the first size records: the
// published one, or one of the history. A size without one is fs.ErrNotExist;
// other errors wrap ErrCheckpoint where that applies.
func CheckpointAt(ctx context.Context, fsys fs.FS, keys Keys, size int64) (Checkpoint, error) {
	c, err := published(fsys, keys)
	if err != nil || c.Size == size {
		return c, err
	}
	list, err := months(fsys, historyDir, ".txt")
	if err != nil {
		return Checkpoint{}, fmt.Errorf("look for a checkpoint: %w", err)
	}
	for _, month := range slices.Backward(list) {
		if err := ctx.Err(); err != nil {
			return Checkpoint{}, err
		}
		b, err := readSmall(fsys, historyName(month), maxHistory)
		if err != nil {
			return Checkpoint{}, fmt.Errorf("look for a checkpoint: %w", err)
		}
		if c, ok := pinned(b, keys, size); ok {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("no checkpoint of size %d: %w", size, fs.ErrNotExist)
}

// pinned finds a checkpoint in the history of a month. Its end may be torn.
func pinned(b []byte, keys Keys, size int64) (Checkpoint, bool) {
	for len(b) > 0 {
		n := historyEnd(b)
		if n <= 0 {
			return Checkpoint{}, false
		}
		c, err := OpenCheckpoint(b[:n-1], keys)
		if err == nil && c.Size == size {
			return c, true
		}
		b = b[n:]
	}
	return Checkpoint{}, false
}

// published reads the checkpoint file.
func published(fsys fs.FS, keys Keys) (Checkpoint, error) {
	msg, err := readSmall(fsys, checkpointFile, maxNote)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read the published checkpoint: %w", err)
	}
	return OpenCheckpoint(msg, keys)
}

// ErrNoRecords says that the log has none of a receipt number.
var ErrNoRecords = errors.New("audit: no records of this receipt number")

// OfReceipt returns the numbers of the records about one mail: those of its
// receipt number, and of the exceptions that it used, for who registered and
// opened them belongs to its proof.
func OfReceipt(ctx context.Context, fsys fs.FS, receipt string) ([]int64, error) {
	seqs, exceptions, err := numbersOf(ctx, fsys, Filter{Receipt: receipt})
	if err != nil {
		return nil, err
	}
	if receipt == "" || len(seqs) == 0 {
		return nil, ErrNoRecords
	}
	for _, id := range exceptions {
		more, _, err := numbersOf(ctx, fsys, Filter{Request: id})
		if err != nil {
			return nil, err
		}
		seqs = append(seqs, more...)
	}
	return seqs, nil
}

// numbersOf returns the numbers of the records that a filter chooses, and the
// exceptions that they say were used.
func numbersOf(ctx context.Context, fsys fs.FS, f Filter) (seqs []int64, exceptions []string, err error) {
	_, err = Search(ctx, fsys, f, Page{Limit: math.MaxInt, After: -1}, func(_ []byte, e Event) error {
		seqs = append(seqs, e.Seq)
		if e.Verb == "exception.used" && e.Object.Type == "exception" && !slices.Contains(exceptions, e.Object.ID) {
			exceptions = append(exceptions, e.Object.ID)
		}
		return nil
	})
	return seqs, exceptions, err
}

// String is the filter in words, for the record of an export; "all" for none.
func (f Filter) String() string {
	var events []string
	for _, v := range f.Verbs {
		events = append(events, string(v))
	}
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	var words []string
	for _, w := range []struct{ name, value string }{{"events", strings.Join(events, ",")}, {"receipt", f.Receipt}, {"sender", f.Sender},
		{"actor", f.Actor}, {"sha256", f.SHA256}, {"request", f.Request}, {"since", stamp(f.Since)}, {"until", stamp(f.Until)}} {
		if w.value != "" {
			words = append(words, w.name+" "+w.value)
		}
	}
	if len(words) == 0 {
		return "all"
	}
	return strings.Join(words, " ")
}

// KnownEvent reports whether s names an event, or a group of some such as
// release.*.
func KnownEvent(s string) bool {
	group, ok := strings.CutSuffix(s, "*")
	return !ok && Verb(s).Known() || ok && slices.ContainsFunc(Verbs(), func(i VerbInfo) bool { return strings.HasPrefix(string(i.Verb), group) })
}
