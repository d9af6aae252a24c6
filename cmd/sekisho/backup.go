package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	iofs "io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store"
	"sekisho/gateway/store/sqlite"
)

// What a backup is made of. The manifest is in the form of sha256sum(1).
const (
	backupManifest = "MANIFEST.sha256"
	backupConfig   = "config"
	backupKeys     = "keys" // public ones
)

type backupCmd struct {
	ledgerArgs
	To string `arg:"" help:"新しいフォルダ / a new folder" type:"path"`
}

// Help says what is in a backup, and what is not.
func (backupCmd) Help() string {
	return "動いている間も実行できます。台帳、原本、配送待ち、監査記録、設定、公開鍵を写します。秘密鍵は入りません（別に保管してください）。\n" +
		"It may run beside a serving gateway. Private keys are NOT in it: keep them elsewhere.\n" +
		"終了コード / exit: 0 できた（done）, 2 失敗（failure）"
}

// Run makes a backup: ledger, blobs and log of one moment, that of a pause
// between two commits. A folder that is left after a failure has no manifest.
func (c *backupCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(cfg config.Config, l *sqlite.Ledger) error {
		b, err := newBackup(cfg, c.Config, c.To)
		if err != nil {
			return err
		}
		err = errors.Join(b.take(e.ctx, l), b.staging.remove())
		if err != nil {
			return fmt.Errorf("バックアップできませんでした / no backup: %w", err)
		}
		if err := recordBackup(e.ctx, l, "system.backup", c.To, b.sum); err != nil {
			return fmt.Errorf("the backup was made, but this was not recorded: %w", err)
		}
		fmt.Fprintf(e.stdout, "バックアップしました / backup made: %s\n台帳 1、原本と配送待ち %d、ほか %d ファイル / 1 ledger, %d blobs, %d other files\n",
			c.To, b.blobs, len(b.files)-b.blobs-1, b.blobs, len(b.files)-b.blobs-1)
		fmt.Fprintf(e.stdout, "メールの受け付けを待たせた時間 / writers waited: %v\n", b.paused.Round(time.Millisecond))
		fmt.Fprintln(e.stdout, "秘密鍵は入っていません。別の場所に、別に保管してください / private keys are not in it; keep them elsewhere")
		return nil
	})
}

func recordBackup(ctx context.Context, l gateway.Ledger, v audit.Verb, where, sum string) error {
	r, err := commandScribe().User(v, audit.Success, osUser(), func(ev *audit.Event) {
		ev.Change = audit.Change{Path: "backup", Before: audit.Clean(where, 1024), After: sum}
	})
	if err != nil {
		return err
	}
	return l.Do(ctx, func(tx gateway.Tx) error {
		if v != "system.backup" {
			return tx.Note(r)
		}
		return tx.SetSetting(settingBackup, time.Now().UTC().Format(time.RFC3339), r)
	})
}

// backup is one backup being made.
type backup struct {
	cfg     config.Config
	config  string // the configuration file
	to      string
	staging *staging // beside the blobs, so that links can be made
	linked  map[string]bool
	files   map[string]string // path below to: SHA-256
	blobs   int
	paused  time.Duration
	sum     string // of the manifest
}

// newBackup makes the folder, which must not exist, and the place for links. What
// a backup left that was killed is removed first.
func newBackup(cfg config.Config, file, to string) (*backup, error) {
	if within(to, cfg.Storage.Dir) {
		return nil, errors.New("データの置き場所の中には作れません / a backup inside of the data directory is none")
	}
	if _, err := clearStaging(cfg.Storage.Dir); err != nil {
		return nil, err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return nil, err
	}
	staging, err := newStaging(cfg.Storage.Dir)
	if err != nil {
		return nil, err
	}
	return &backup{cfg: cfg, config: file, to: to, staging: staging, linked: map[string]bool{}, files: map[string]string{}}, nil
}

// within reports whether path is dir or below it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// take does most of the work before and after the pause: blobs never change and
// are linked, and of the log only what grew since is copied again.
func (b *backup) take(ctx context.Context, l *sqlite.Ledger) error {
	originals, outbox, err := l.Blobs(ctx)
	if err != nil {
		return err
	}
	if err := b.link(originals, outbox, true); err != nil {
		return err
	}
	if err := b.copyLog(ctx); err != nil {
		return err
	}
	named, err := b.pause(ctx, l)
	if err != nil {
		return err
	}
	if err := b.note("ledger.db"); err != nil {
		return err
	}
	for _, name := range named {
		if err := b.copyTo(ctx, filepath.Join(b.staging.dir, name), name); err != nil {
			return err
		}
		b.blobs++
	}
	if err := b.noteLog(ctx); err != nil {
		return err
	}
	if err := b.settings(ctx); err != nil {
		return err
	}
	return b.manifest()
}

// pause copies the ledger while nothing commits, links what it names and takes
// the rest of the log: each record in it has its row in the ledger.
func (b *backup) pause(ctx context.Context, l *sqlite.Ledger) ([]string, error) {
	var named []string
	start := time.Now()
	err := l.BackupHolding(ctx, filepath.Join(b.to, "ledger.db"), func(originals, outbox map[string]bool) error {
		if err := b.link(originals, outbox, false); err != nil {
			return err
		}
		for _, list := range []struct {
			dir   string
			names map[string]bool
		}{{"originals", originals}, {"outbox", outbox}} {
			for _, name := range slices.Sorted(maps.Keys(list.names)) {
				named = append(named, blobPath(list.dir, name))
			}
		}
		return b.copyLog(ctx)
	})
	b.paused = time.Since(start)
	return named, err
}

// blobPath is the place of a blob below the data directory (gateway/store/fs).
func blobPath(store, name string) string {
	if len(name) < 4 {
		return filepath.Join(store, name)
	}
	return filepath.Join(store, name[:2], name[2:4], name)
}

// link gives each blob a second name, which a deletion leaves. One that has gone
// is no fault before the pause.
func (b *backup) link(originals, outbox map[string]bool, goneIsFine bool) error {
	for dir, names := range map[string]map[string]bool{"originals": originals, "outbox": outbox} {
		for name := range names {
			path := blobPath(dir, name)
			if b.linked[path] {
				continue
			}
			to := filepath.Join(b.staging.dir, path)
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				return err
			}
			err := os.Link(filepath.Join(b.cfg.Storage.Dir, path), to)
			if goneIsFine && errors.Is(err, iofs.ErrNotExist) {
				continue
			}
			if err != nil {
				return fmt.Errorf("keep blob: %w", err)
			}
			b.linked[path] = true
		}
	}
	return nil
}

// settings copies the configuration and the public keys.
func (b *backup) settings(ctx context.Context) error {
	for _, file := range []string{b.config, b.cfg.Policy.File, b.cfg.Intake.Recipients.File} {
		if file == "" {
			continue
		}
		if err := b.copyTo(ctx, file, filepath.Join(backupConfig, filepath.Base(file))); err != nil && !errors.Is(err, iofs.ErrNotExist) {
			return err
		}
	}
	if _, err := config.ExportPublic(b.cfg.Keys.Dir, filepath.Join(b.to, backupKeys)); err != nil {
		return err
	}
	return filepath.WalkDir(filepath.Join(b.to, backupKeys), func(path string, d iofs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(b.to, path)
		if err != nil {
			return err
		}
		return b.note(name)
	})
}

// manifest writes the list of files and makes it durable, and with it says that
// the backup is whole.
func (b *backup) manifest() error {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		fmt.Fprintf(&text, "%s  %s\n", b.files[name], name)
	}
	sum := sha256.Sum256([]byte(text.String()))
	b.sum = hex.EncodeToString(sum[:])
	if err := syncTree(b.to); err != nil {
		return err
	}
	return writeNew(filepath.Join(b.to, backupManifest), strings.NewReader(text.String()), sha256.New())
}

// note takes a file that is there already into the manifest.
func (b *backup) note(name string) error {
	f, err := os.Open(filepath.Join(b.to, name))
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	b.files[name] = hex.EncodeToString(h.Sum(nil))
	return f.Sync()
}

// copyTo copies a file to a new one of the backup and takes it into the manifest.
func (b *backup) copyTo(ctx context.Context, from, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	to := filepath.Join(b.to, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	h := sha256.New()
	if err := writeNew(to, f, h); err != nil {
		return err
	}
	b.files[name] = hex.EncodeToString(h.Sum(nil))
	return nil
}

// writeNew writes a file that did not exist, durably, and hashes it on the way.
func writeNew(name string, from io.Reader, h hash.Hash) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.MultiWriter(f, h), from)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncTree makes the entries of all directories durable.
func syncTree(root string) error {
	return filepath.WalkDir(root, func(path string, d iofs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

func (b *backup) logDir() string { return store.AuditDir(b.cfg.Storage.Dir) }
