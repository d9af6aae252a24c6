// Package fs stores blobs as encrypted files below one directory, one Store
// for each zone. It is the single-node implementation of gateway.Blobs.
//
// A blob is a file in the age format. Who has only the recipient can store and
// not read back; who has an identity can read. Put keeps one order, because a
// 250 is said on the strength of it: write to tmp/, sync the file, link it to
// its final name, sync the directory, return the name. A crash at any point
// leaves the blob whole under its name, or a file in tmp/ that the next Open
// sweeps, or a whole file unknown to the ledger that flow.Janitor sweeps.
//
//	tmp/<name>        being written; locked by its writer
//	ab/cd/<name>      a blob; abcd are the first four digits of its name
package fs

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"sync"
	"syscall"
	"time"

	"filippo.io/age"

	"sekisho/gateway"
)

// Errors that callers branch on, beside gateway.ErrNotFound and gateway.ErrFull.
var (
	// ErrNoIdentity means that this process cannot read the blob: it holds no
	// identity, or none of those the blob was encrypted to.
	ErrNoIdentity = errors.New("fs: no identity opens this blob")
	// ErrNoRecipient means that this process may not store blobs.
	ErrNoRecipient = errors.New("fs: no recipient to encrypt to")
)

const (
	tmpDir = "tmp"
	// nameLen is the length of a blob name in hex digits (128 bits).
	nameLen = 32
	// bufferSize is what is held in memory of a blob beside the 64 KiB chunk of
	// the age format: enough for its header and a small mail, which thus go in
	// one write; whole chunks pass it by. Larger ones cost their clearing.
	bufferSize = 8 << 10
)

// Options are the keys of a Store and, for tests, its surroundings.
type Options struct {
	// Recipients are all able to read what Put stores. Without one, Put fails
	// and Open of the store leaves tmp/ alone.
	Recipients []age.Recipient
	// Identities are tried in turn by Open.
	Identities []age.Identity
	// Random gives the names; nil is crypto/rand.
	Random io.Reader
	// Now is the clock against which leftovers are judged; nil is time.Now.
	Now func() time.Time
}

// Store is a gateway.Blobs on a directory. It is safe for concurrent use, and
// several processes may use the same directory.
type Store struct {
	files      FS
	recipients []age.Recipient
	identities []age.Identity
	random     io.Reader

	mu    sync.Mutex // guards shard and the order of reads from random
	shard *shard
}

var _ gateway.Blobs = (*Store)(nil)

// Open opens the store in dir, makes the directory if need be (its parent must
// exist), and sweeps what a crash left in tmp/.
func Open(dir string, o Options) (*Store, error) {
	files, err := DirFS(dir)
	if err != nil {
		return nil, err
	}
	return OpenFS(files, o)
}

// OpenFS opens a store on a file system, which it owns from then on.
func OpenFS(files FS, o Options) (*Store, error) {
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{files: files, random: o.Random}
	for _, r := range o.Recipients {
		s.recipients = append(s.recipients, quickRecipient(r))
	}
	for _, i := range o.Identities {
		s.identities = append(s.identities, quickIdentity(i))
	}
	if len(s.recipients) == 0 {
		return s, nil
	}
	start := o.Now()
	if err := makeDir(files, tmpDir); err != nil {
		return nil, full(err)
	}
	if err := s.sweep(start); err != nil {
		return nil, fmt.Errorf("sweep leftovers: %w", err)
	}
	return s, nil
}

// Close gives back what the store holds of the file system.
func (s *Store) Close() error { return s.files.Close() }

// Put stores what fill writes, encrypted, and returns its new name once the
// file and its directory entry are durable. When fill or the store fails, or
// ctx ends, nothing is kept. No more than a few chunks are held in memory. The
// error is gateway.ErrFull when the disk or quota is full, ErrNoRecipient when
// this process may not write, and fill's own error if it was fill that failed.
//
// An error does not promise that the name never existed: after a crash right
// behind a failed directory sync the file may be found without an owner.
func (s *Store) Put(ctx context.Context, fill func(w io.Writer) error) (string, error) {
	if len(s.recipients) == 0 {
		return "", ErrNoRecipient
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	sh, name, err := s.place()
	if err != nil {
		return "", err
	}
	temp := tmpDir + "/" + name
	f, err := s.files.Create(temp)
	if err != nil {
		return "", full(fmt.Errorf("create %s: %w", temp, err))
	}
	// The blob has a second name by the time this runs, unless Put failed. The
	// file stays locked until then, so that no sweep takes it from under us.
	defer func() { f.Close(); s.files.Remove(temp) }()

	if err := s.write(ctx, f, fill); err != nil {
		return "", full(err)
	}
	if err := sh.publish(s.files, temp, name); err != nil {
		s.leave(sh)
		return "", full(err)
	}
	return name, nil
}

// write encrypts what fill writes into f and makes it durable.
func (s *Store) write(ctx context.Context, f File, fill func(w io.Writer) error) error {
	disk := &sticky{ctx: ctx, w: f}
	buffer := bufio.NewWriterSize(disk, bufferSize)
	sealed, err := age.Encrypt(buffer, s.recipients...)
	if err != nil {
		return errors.Join(disk.err, fmt.Errorf("encrypt blob: %w", err))
	}
	if err := fill(&sticky{ctx: ctx, w: sealed}); err != nil {
		return errors.Join(disk.err, fmt.Errorf("fill blob: %w", err))
	}
	if err := sealed.Close(); err != nil {
		return errors.Join(disk.err, fmt.Errorf("encrypt blob: %w", err))
	}
	if err := buffer.Flush(); err != nil {
		return fmt.Errorf("write blob: %w", err)
	}
	if disk.err != nil { // fill may have swallowed it
		return fmt.Errorf("write blob: %w", disk.err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// After a failed sync the kernel may call the pages clean, so it is never
	// tried again: the file is given up.
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync blob: %w", err)
	}
	return nil
}

// Open opens a blob for reading its plain bytes. The reader reports an error,
// never an early end, when the file was cut or changed; a caller MUST NOT act
// on what it read before io.EOF. Errors: gateway.ErrNotFound, ErrNoIdentity.
func (s *Store) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(s.identities) == 0 {
		return nil, ErrNoIdentity
	}
	path, err := pathOf(name)
	if err != nil {
		return nil, err
	}
	f, err := s.files.Open(path)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, fmt.Errorf("open blob %s: %w", name, gateway.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", name, err)
	}
	plain, err := age.Decrypt(bufio.NewReaderSize(f, bufferSize), s.identities...)
	if err != nil {
		f.Close()
		if mismatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &mismatch) {
			return nil, fmt.Errorf("open blob %s: %w", name, ErrNoIdentity)
		}
		return nil, fmt.Errorf("decrypt blob %s: %w", name, err)
	}
	return &reader{ctx: ctx, r: plain, c: f}, nil
}

// Delete removes a blob; removing what is not there is no error. It is not
// synced: after a crash the file may be back, without an owner.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	path, err := pathOf(name)
	if err != nil {
		return err
	}
	if err := s.files.Remove(path); err != nil && !errors.Is(err, iofs.ErrNotExist) {
		return fmt.Errorf("delete blob %s: %w", name, err)
	}
	return nil
}

// Room reports the bytes that this user may still write to the file system.
func (s *Store) Room(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return s.files.Free()
}

// place draws a name in the present shard, or begins a new one.
func (s *Store) place() (*shard, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b [nameLen / 2]byte
	if s.shard == nil || s.shard.left == 0 {
		if _, err := io.ReadFull(s.random, b[:2]); err != nil {
			return nil, "", fmt.Errorf("draw a blob name: %w", err)
		}
		s.shard = &shard{prefix: [2]byte(b[:2]), left: shardSize}
	}
	s.shard.left--
	copy(b[:2], s.shard.prefix[:])
	if _, err := io.ReadFull(s.random, b[2:]); err != nil {
		return nil, "", fmt.Errorf("draw a blob name: %w", err)
	}
	return s.shard, hex.EncodeToString(b[:]), nil
}

// leave turns away from a shard in which something failed.
func (s *Store) leave(sh *shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shard == sh {
		s.shard = nil
	}
}

// pathOf returns the place of a blob. Only names that Put could have given are
// taken, so that no name leads elsewhere; any other is gateway.ErrNotFound.
func pathOf(name string) (string, error) {
	if !isName(name) {
		return "", fmt.Errorf("blob name %.40q: %w", name, gateway.ErrNotFound)
	}
	return name[:2] + "/" + name[2:4] + "/" + name, nil
}

func isName(s string) bool { return len(s) == nameLen && isHex(s) }

// isHex reports whether s is all lower-case hex digits.
func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// full marks errors that mean that there is no room.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", gateway.ErrFull, err)
	}
	return err
}

// sticky is a writer that keeps failing once it failed or its context ended.
type sticky struct {
	ctx context.Context
	w   io.Writer
	err error
}

func (s *sticky) Write(p []byte) (int, error) {
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

// reader is an open blob. It stops when its context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
	c   io.Closer
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func (r *reader) Close() error { return r.c.Close() }
