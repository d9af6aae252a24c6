package audit

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strconv"
)

// Checkpoint signs the tree over all records and publishes it: tiles, history,
// then the checkpoint file, each durable before the next. Without new records
// it returns the last one. In an empty log it does nothing.
func (w *Writer) Checkpoint(ctx context.Context) (Checkpoint, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lock == nil {
		return Checkpoint{}, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return Checkpoint{}, err
	}
	if err := w.publish(); err != nil {
		return Checkpoint{}, fmt.Errorf("publish checkpoint: %w", err)
	}
	return w.signed, nil
}

func (w *Writer) publish() error {
	if w.tree.size == w.signed.Size {
		return nil
	}
	next, err := Checkpoint{Origin: w.opt.Signer.Name(), Size: w.tree.size, Root: w.tree.root()}.sign(w.opt.Signer)
	if err != nil {
		return err
	}
	for _, t := range append(w.tree.full, w.tree.partials()...) {
		if w.signed.Size>>(tileHeight*t.level) == w.tree.size>>(tileHeight*t.level) {
			continue // an upper level that has not grown
		}
		if err := w.writeTile(t); err != nil {
			return err
		}
	}
	if w.recorded != next.Size {
		if err := w.record(next); err != nil {
			return err
		}
	}
	if err := overwrite(w.fs, checkpointFile, next.Note); err != nil {
		return err
	}
	w.tree.full, w.signed = nil, next
	w.sweep()
	return nil
}

func (w *Writer) writeTile(t tile) error {
	name := t.path()
	if err := w.mkdir(path.Dir(name)); err != nil {
		return err
	}
	return overwrite(w.fs, name, t.bytes())
}

// record appends a checkpoint to the history of the open month.
func (w *Writer) record(c Checkpoint) error {
	if w.histMon != w.month {
		next, err := openTail(w.fs, historyName(w.month), 0, true)
		if err != nil {
			return err
		}
		old := w.history
		w.history, w.histMon = next, w.month
		if err := old.close(); err != nil {
			return fmt.Errorf("close checkpoint history: %w", err)
		}
	}
	if err := w.history.add(append(bytes.Clone(c.Note), '\n')); err != nil {
		return fmt.Errorf("checkpoint history: %w", err)
	}
	w.recorded = c.Size
	return nil
}

// sweep removes partial tiles that wider ones have replaced. Failing to do so
// loses nothing: Verify accepts them as long as they are right.
func (w *Writer) sweep() {
	for level := 0; w.signed.Size>>(tileHeight*level) > 0; level++ {
		count := w.signed.Size >> (tileHeight * level)
		n, width := count/tileWidth, strconv.FormatInt(count%tileWidth, 10)
		w.removePartials(level, n, width)
		if n > 0 {
			w.removePartials(level, n-1, "")
		}
	}
}

func (w *Writer) removePartials(level int, n int64, keep string) {
	dir := path.Dir(tilePath(level, n, 1))
	entries, err := readDir(w.fs, dir)
	if err != nil || len(entries) == 0 {
		return
	}
	left := 0
	for _, e := range entries {
		if e == keep || w.fs.Remove(dir+"/"+e) != nil {
			left++
		}
	}
	if left == 0 && w.fs.Remove(dir) == nil {
		delete(w.dirs, dir)
	}
}
