package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// logOrder is the order in which the parts of the log are copied, the reverse of
// that in which they are written: an index and a checkpoint in the copy speak of
// records that are in it.
var logOrder = [...]string{"index", "checkpoint", "checkpoints", "tile", "segments", ""}

// copyLog brings the copy of the log up to date: new files, and those whose
// size or time changed. Files that have gone (tiles that are complete by now,
// temporary ones) are taken from the copy.
func (b *backup) copyLog(ctx context.Context) error {
	from, to := b.logDir(), filepath.Join(b.to, "audit")
	there := map[string]bool{}
	for _, part := range logOrder {
		names, err := logFiles(from, part)
		if err != nil {
			return fmt.Errorf("copy the log: %w", err)
		}
		for _, name := range names {
			if there[name] {
				continue
			}
			there[name] = true
			if err := errors.Join(ctx.Err(), refresh(filepath.Join(from, name), filepath.Join(to, name))); err != nil {
				return fmt.Errorf("copy the log: %w", err)
			}
		}
	}
	return prune(to, there)
}

// logFiles lists the files of a part of the log, "" for all of them.
func logFiles(dir, part string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(filepath.Join(dir, part), func(path string, d iofs.DirEntry, err error) error {
		switch {
		case errors.Is(err, iofs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir(), d.Name() == "lock", d.Name() == "ballast", strings.HasSuffix(d.Name(), ".tmp"):
			return nil
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, name)
		return err
	})
	slices.Sort(names)
	return names, err
}

// refresh copies a file unless the copy is of the same size and time. A file
// that has gone is left out.
func refresh(from, to string) error {
	f, err := os.Open(from)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if old, err := os.Stat(to); err == nil && old.Size() == st.Size() && old.ModTime().Equal(st.ModTime()) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	w, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, io.LimitReader(f, st.Size())) // what is appended meanwhile is of the next time
	return errors.Join(err, w.Close(), os.Chtimes(to, st.ModTime(), st.ModTime()))
}

// prune takes files from the copy of the log that the log has no more.
func prune(to string, there map[string]bool) error {
	names, err := logFiles(to, "")
	if err != nil {
		return err
	}
	for _, name := range names {
		if !there[name] {
			err = errors.Join(err, os.Remove(filepath.Join(to, name)))
		}
	}
	return err
}

// noteLog takes the copy of the log into the manifest.
func (b *backup) noteLog(ctx context.Context) error {
	names, err := logFiles(filepath.Join(b.to, "audit"), "")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := errors.Join(ctx.Err(), b.note(filepath.Join("audit", name))); err != nil {
			return err
		}
	}
	return nil
}
