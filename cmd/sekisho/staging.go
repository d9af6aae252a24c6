package main

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// stagingPrefix begins the names of folders below the data directory in which a
// backup keeps links to blobs while it copies them.
const stagingPrefix = "backup-"

// stagingTries bounds how often a new folder is made because another process
// looked at the last one before it was locked.
const stagingTries = 8

// staging is such a folder. Its lock (flock(2) on the folder) ends with the
// process, however that ends: a folder that nobody locks was left by one that was
// killed, and keeps originals whose time may be over.
type staging struct {
	dir  string
	lock *os.File
}

// newStaging makes a folder below the data directory and locks it.
func newStaging(data string) (*staging, error) {
	for range stagingTries {
		dir, err := os.MkdirTemp(data, stagingPrefix)
		if err != nil {
			return nil, fmt.Errorf("make a place for links: %w", err)
		}
		lock, err := lockFolder(dir, syscall.LOCK_EX)
		switch {
		case err == nil && stands(dir, lock):
			return &staging{dir: dir, lock: lock}, nil
		case err == nil:
			err = lock.Close() // removed as one that was left
		case errors.Is(err, syscall.EWOULDBLOCK), errors.Is(err, iofs.ErrNotExist):
			err = os.RemoveAll(dir)
		}
		if err != nil {
			return nil, fmt.Errorf("lock the place for links: %w", err)
		}
	}
	return nil, errors.New("lock the place for links: others are always first")
}

// stands reports whether the folder that was opened still has its name.
func stands(dir string, opened *os.File) bool {
	now, err := os.Stat(dir)
	if err != nil {
		return false
	}
	then, err := opened.Stat()
	return err == nil && os.SameFile(now, then)
}

// remove removes the folder, then its lock.
func (s *staging) remove() error { return errors.Join(os.RemoveAll(s.dir), s.lock.Close()) }

// lockFolder opens and locks a folder. EWOULDBLOCK means that another process
// holds it.
func lockFolder(dir string, how int) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// leftStaging names the folders that backups left when they were killed.
func leftStaging(data string) ([]string, error) {
	return eachLeft(data, syscall.LOCK_SH, func(string) error { return nil })
}

// clearStaging removes the folders that backups left when they were killed, and
// returns their names. What they hold are second names of blobs: those that are
// needed have their first.
func clearStaging(data string) ([]string, error) {
	return eachLeft(data, syscall.LOCK_EX, os.RemoveAll)
}

// eachLeft calls f with each folder that no backup holds, while it holds it.
func eachLeft(data string, how int, f func(string) error) ([]string, error) {
	entries, err := os.ReadDir(data)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for what backups left: %w", err)
	}
	var left []string
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), stagingPrefix) {
			continue
		}
		dir := filepath.Join(data, e.Name())
		lock, err := lockFolder(dir, how)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, iofs.ErrNotExist) {
			continue // at work, or gone meanwhile
		}
		if err == nil {
			err = errors.Join(f(dir), lock.Close())
		}
		if err != nil {
			return left, fmt.Errorf("what a backup left: %w", err)
		}
		left = append(left, e.Name())
	}
	return left, nil
}
