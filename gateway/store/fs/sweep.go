package fs

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"time"
)

// sweep removes files in tmp/ that no living Put will ever finish: older than
// this process, and not locked by another one.
func (s *Store) sweep(start time.Time) error {
	entries, err := s.files.ReadDir(tmpDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		temp := tmpDir + "/" + e.Name()
		if e.IsDir() || !isName(e.Name()) || !e.ModTime().Before(start) {
			continue
		}
		left, err := s.files.Abandoned(temp)
		if err == nil && left {
			err = s.files.Remove(temp)
		}
		if err != nil && !errors.Is(err, iofs.ErrNotExist) {
			return fmt.Errorf("%s: %w", temp, err)
		}
	}
	return nil
}

// Walk calls f for each blob in the order of names; size is that of the
// encrypted file. Blobs that come or go meanwhile may be seen or not. An error
// of f ends the walk and is returned as it is.
func (s *Store) Walk(ctx context.Context, f func(name string, size int64, modified time.Time) error) error {
	outer, err := s.files.ReadDir(".")
	if err != nil {
		return fmt.Errorf("walk blobs: %w", err)
	}
	for _, o := range outer {
		if !isFan(o) {
			continue
		}
		inner, err := s.readDir(o.Name())
		if err != nil {
			return err
		}
		for _, i := range inner {
			if !isFan(i) {
				continue
			}
			if err := s.walkDir(ctx, o.Name()+"/"+i.Name(), f); err != nil {
				return err
			}
		}
	}
	return nil
}

// walkDir calls f for each blob of one directory.
func (s *Store) walkDir(ctx context.Context, dir string, f func(string, int64, time.Time) error) error {
	entries, err := s.readDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.IsDir() || !isName(e.Name()) || e.Name()[:2]+"/"+e.Name()[2:4] != dir {
			continue
		}
		if err := f(e.Name(), e.Size(), e.ModTime()); err != nil {
			return err
		}
	}
	return nil
}

// readDir lists a directory; one that is gone is empty.
func (s *Store) readDir(dir string) ([]iofs.FileInfo, error) {
	entries, err := s.files.ReadDir(dir)
	if err != nil && !errors.Is(err, iofs.ErrNotExist) {
		return nil, fmt.Errorf("walk blobs: %w", err)
	}
	return entries, nil
}

func isFan(e iofs.FileInfo) bool { return e.IsDir() && len(e.Name()) == 2 && isHex(e.Name()) }
