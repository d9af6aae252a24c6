package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"sekisho/audit"
	"sekisho/sanitize/seal"
)

// pair is a fresh key: the lines of its private and public file.
type pair struct{ private, public string }

// makePair makes a key of a name. instance names the log and is used by audit
// only.
func makePair(name, instance string) (pair, error) {
	switch name {
	case "originals", "outbox":
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return pair{}, fmt.Errorf("make the %s key: %w", name, err)
		}
		return pair{id.String() + "\n", id.Recipient().String() + "\n"}, nil
	case "seal":
		k, err := seal.NewKey(rand.Reader)
		if err != nil {
			return pair{}, fmt.Errorf("make the seal key: %w", err)
		}
		return pair{k.Encode(), k.Public().Encode()}, nil
	case "audit":
		k, err := audit.GenerateKey(rand.Reader, instance)
		if err != nil {
			return pair{}, fmt.Errorf("make the audit key: %w", err)
		}
		return pair{strings.TrimSpace(k.Signer) + "\n", strings.TrimSpace(k.Verifier) + "\n"}, nil
	}
	return pair{}, faultf("「%s」という鍵はありません。originals, outbox, seal, audit から選んでください。",
		"there is no key %q; choose among originals, outbox, seal and audit.", name)
}

// InitKeys creates all keys in dir, which must not exist or be empty: it never
// writes over a key. instance is the name of the log (audit.instance). Either
// all files exist afterwards, durable, or none.
func InitKeys(dir, instance string, now time.Time) ([]KeyInfo, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, Problems{{File: dir, Key: "keys.dir",
			JA: "鍵のディレクトリが空ではありません。鍵を上書きすることはできません。新しい鍵にするには sekisho keys rotate を使ってください。",
			EN: "the key directory is not empty and keys are never written over; sekisho keys rotate makes new ones."}}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("create the folder of the keys: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".sekisho-keys-") // 0700
	if err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	defer os.RemoveAll(tmp)
	for _, f := range publicFiles {
		p, err := makePair(f.name, instance)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(createEx(filepath.Join(tmp, f.private), stamp(now)+p.private, 0o600),
			createEx(filepath.Join(tmp, f.public), stamp(now)+p.public, 0o644)); err != nil {
			return nil, err
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // only ever an empty one
		return nil, fmt.Errorf("create keys: %w", err)
	}
	if err := errors.Join(syncDir(tmp), os.Rename(tmp, dir)); err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	return ListKeys(dir)
}

func stamp(now time.Time) string {
	return "# sekisho, created " + now.UTC().Format(time.RFC3339) + "\n"
}

// RotateKeys puts a new key before the present one of each name (all four for
// no names). Earlier age keys still open old files and earlier public keys
// still check old signatures; earlier private signing keys are gone. Running
// processes take the new keys at their next start. Steps are ordered so that a
// crash between them leaves files that work together.
func RotateKeys(dir string, now time.Time, names ...string) ([]KeyInfo, error) {
	if ps := CheckKeys(dir); ps.Fatal() {
		return nil, ps
	}
	if len(names) == 0 {
		names = []string{"originals", "outbox", "seal", "audit"}
	}
	for _, n := range names {
		if err := rotate(dir, n, now); err != nil {
			return nil, err
		}
	}
	return ListKeys(dir)
}

func rotate(dir, name string, now time.Time) error {
	instance := ""
	if name == "audit" {
		k, err := LoadKeys(dir, SequencerRole)
		if err != nil {
			return err
		}
		instance = strings.TrimPrefix(k.Audit.Name(), "sekisho-audit/")
	}
	p, err := makePair(name, instance)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(publicFiles, func(f struct{ name, public, private string }) bool { return f.name == name })
	secret, open := filepath.Join(dir, publicFiles[at].private), filepath.Join(dir, publicFiles[at].public)
	if name == "originals" || name == "outbox" {
		// First able to read with the new key, then writing for it.
		return errors.Join(prepend(secret, stamp(now)+p.private, 0o600), prepend(open, stamp(now)+p.public, 0o644))
	}
	// First accepted, then signed with.
	if err := prepend(open, stamp(now)+p.public, 0o644); err != nil {
		return err
	}
	return overwrite(secret, stamp(now)+p.private, 0o600)
}

// prepend puts text before what the file holds.
func prepend(path, text string, mode fs.FileMode) error {
	old, err := readFile(path, maxKeyFile+1)
	if err != nil {
		return fmt.Errorf("rotate key: %w", err)
	}
	if len(old)+len(text) > maxKeyFile {
		return faultf("鍵のファイル %s に古い鍵が多すぎます。使わなくなった鍵の行を消してください。",
			"key file %s holds too many old keys; delete lines that nothing needs.", path)
	}
	return overwrite(path, text+string(old), mode)
}

// ExportPublic writes the public key files into a new directory, for the
// auditor or another node.
func ExportPublic(dir, to string) ([]KeyInfo, error) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return nil, fmt.Errorf("export public keys: %w", err)
	}
	for _, f := range publicFiles {
		text, p := keyText(filepath.Join(dir, f.public))
		if p != nil {
			return nil, Problems{*p}
		}
		if err := createEx(filepath.Join(to, f.public), text, 0o644); err != nil {
			return nil, err
		}
	}
	return ListKeys(to)
}

// createEx writes a new file durably; it fails where one exists. The caller
// syncs the directory.
func createEx(path, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return Problems{{File: path, JA: "ファイルがすでにあります。上書きはしません。別の場所を指定するか、先に移してください。",
			EN: "the file exists and is not written over; choose another place, or move it away."}}
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// overwrite replaces a file durably: after a crash it is the old or the new one.
func overwrite(path, text string, mode fs.FileMode) error {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	if err := createEx(tmp, text, mode); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}
