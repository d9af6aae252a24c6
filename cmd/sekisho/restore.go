package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store"
	"sekisho/gateway/store/fs"
	"sekisho/gateway/store/sqlite"
)

type restoreCmd struct {
	From    string   `arg:"" help:"バックアップのフォルダ / folder of a backup" type:"existingdir"`
	To      string   `arg:"" help:"戻す先。空の、または無いフォルダ / where to; empty or new" type:"path"`
	Verify  bool     `help:"戻したものの台帳、保管庫、監査記録が合うことを確かめる / prove what was restored"`
	Key     string   `help:"監査担当が持っている、監査記録の公開鍵。--verify と --log で使います / the auditor's copy of the log's public key" type:"existingfile" placeholder:"FILE"`
	Anchors []string `help:"記録の外に保管したチェックポイント。--verify で使います / checkpoints kept elsewhere" type:"existingfile" placeholder:"FILE" sep:"none"`
	Log     string   `help:"失われた機械に残った監査記録のフォルダ。バックアップの後に消された件名とファイル名を、もう一度消します / a newer log: what it says was erased is erased again" type:"existingdir" placeholder:"DIR"`
	Keys    string   `help:"秘密鍵のフォルダ。--verify で、原本と配送待ちを開けることも確かめる / private keys, to open every blob" type:"existingdir" placeholder:"DIR"`
}

// Help says what the exit codes mean.
func (restoreCmd) Help() string {
	return "データだけを戻します。設定はバックアップの config にあり、鍵は別に戻します。/ Restores the data; settings lie in config of the backup.\n" +
		"--verify は、--key か --anchors があればそれで、なければバックアップの中の公開鍵で調べます。\n" +
		"終了コード / exit: 0 戻した（restored）, 1 合わないものがある（something does not agree）, 2 失敗（failure）, " +
		"3 戻して合っていたが、バックアップの中の鍵でしか調べていない（restored and in agreement, but by the backup's own key only）"
}

// Run restores a backup into an empty folder. Each file is held against the
// manifest on the way; one that differs ends it.
func (c *restoreCmd) Run(e env) error {
	sum, err := c.restore(e.ctx)
	if err != nil {
		return fmt.Errorf("戻せませんでした / not restored: %w", err)
	}
	l, err := sqlite.Open(e.ctx, store.LedgerFile(c.To))
	if err != nil {
		return err
	}
	return errors.Join(c.prove(e, l, sum), l.Close())
}

// prove checks what was restored, records the restore and erases again what was
// erased since. The ledger goes on even when only a key from the backup speaks for
// it: whoever lost a machine may have nothing else. The exit code says so.
func (c *restoreCmd) prove(e env, l *sqlite.Ledger, sum string) error {
	t, err := c.trust(e, sum)
	if err != nil {
		return err
	}
	if c.Verify {
		if err := c.check(e, l, t); err != nil {
			return err
		}
	}
	if err := recordBackup(e.ctx, l, "system.restored", c.From, sum); err != nil {
		return err
	}
	if err := c.erase(e, l, t); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "戻しました / restored:", c.To)
	fmt.Fprintln(e.stdout, "バックアップより後に届けたメールは、同じ Message-ID でもう一度届くことがあります / mail relayed since may be relayed again, with the same Message-ID")
	if c.Verify {
		return t.say(e, c.From)
	}
	return nil
}

// check holds the restored ledger, stores and log against each other; exitHeld if
// something does not agree.
func (c *restoreCmd) check(e env, l *sqlite.Ledger, t trust) error {
	faults, err := crossCheck(e, c.To, t.keys, c.options(t), l)
	if err != nil {
		return err
	}
	if c.Keys != "" {
		more, err := unreadable(e.ctx, c.To, c.Keys, l)
		if err != nil {
			return err
		}
		faults = append(faults, more...)
	}
	return judge(e, faults)
}

// erase erases again what was erased after the backup was made, as far as a newer
// log says so. That log is not believed before it was verified: else it could
// say that everything was.
func (c *restoreCmd) erase(e env, l *sqlite.Ledger, t trust) error {
	if c.Log == "" {
		return nil
	}
	again, err := eraseByLog(e, l, c.Log, t.keys)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "バックアップの後に消されていた %d 通分の件名とファイル名を、もう一度消しました / texts of %d mails erased again\n", len(again), len(again))
	return nil
}

// restore copies the data of a backup and returns the manifest's digest.
func (c *restoreCmd) restore(ctx context.Context) (string, error) {
	manifest, err := os.ReadFile(filepath.Join(c.From, backupManifest))
	if err != nil {
		return "", fmt.Errorf("the backup is not whole: %w", err)
	}
	if err := emptyDir(c.To); err != nil {
		return "", err
	}
	for line := range strings.Lines(string(manifest)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || !filepath.IsLocal(name) {
			return "", fmt.Errorf("%s: %.80q is no line of a manifest", backupManifest, line)
		}
		to := filepath.Join(c.To, name)
		if top, _, _ := strings.Cut(filepath.ToSlash(name), "/"); top == backupConfig || top == backupKeys {
			to = ""
		}
		if err := errors.Join(ctx.Err(), restoreFile(filepath.Join(c.From, name), to, sum)); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(store.AuditDir(c.To), 0o700); err != nil {
		return "", err
	}
	sum := sha256.Sum256(manifest)
	return hex.EncodeToString(sum[:]), syncTree(c.To)
}

// emptyDir makes sure that dir exists, is empty and is ours alone.
func emptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("%s は空ではありません / is not empty", dir)
	}
	return nil
}

// restoreFile copies a file, or only reads it when to is "", and compares its
// digest.
func restoreFile(from, to, want string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if to == "" {
		_, err = io.Copy(h, f)
	} else if err = os.MkdirAll(filepath.Dir(to), 0o700); err == nil {
		err = writeNew(to, f, h)
	}
	if err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != want {
		return fmt.Errorf("%s はバックアップしたときと違います / differs from the manifest", from)
	}
	return nil
}

// unreadable names the blobs that the keys do not open, that end early, or that
// are not what the ledger says. One that is gone by now is not needed any more.
func unreadable(ctx context.Context, dir, keyDir string, l *sqlite.Ledger) ([]string, error) {
	keys, err := config.LoadKeys(keyDir, config.FlowRole, config.DeliverRole)
	if err != nil {
		return nil, err
	}
	originals, outbox, err := l.Sums(ctx)
	if err != nil {
		return nil, err
	}
	var faults []string
	for _, b := range []struct {
		path string
		with fs.Options
		sums map[string]string
	}{{store.OriginalsDir(dir), fs.Options{Identities: keys.OriginalsWith}, originals}, {store.OutboxDir(dir), fs.Options{Identities: keys.OutboxWith}, outbox}} {
		if len(b.sums) == 0 {
			continue
		}
		s, err := fs.Open(b.path, b.with)
		if err != nil {
			return nil, err
		}
		for name, want := range b.sums {
			got, err := readThrough(ctx, s, name)
			switch {
			case errors.Is(err, gateway.ErrNotFound): // missingBlobs tells, if it is needed
			case err != nil:
				faults = append(faults, err.Error())
			case got != want:
				faults = append(faults, fmt.Sprintf("blob %s is not what the ledger says: SHA-256 %s, not %s", name, got, want))
			}
		}
		if err := s.Close(); err != nil {
			return nil, err
		}
	}
	return faults, nil
}

// readThrough opens a blob and returns the SHA-256 of what is in it.
func readThrough(ctx context.Context, s gateway.Blobs, name string) (string, error) {
	r, err := s.Open(ctx, name)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, bufio.NewReader(r))
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, r.Close())
}
