package main

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"

	"sekisho/audit"
	"sekisho/gateway/config"
	"sekisho/gateway/store"
)

// exitUnproven means: restored, and everything agrees, but by a key that came
// with the backup. Whoever can forge a backup can put a key of their own into it.
const exitUnproven exit = 3

// trust is what a backup is held against: the auditor's copy of the key, or
// checkpoints kept elsewhere. With neither it is the key that lies in the backup.
type trust struct {
	keys    audit.Keys
	own     bool // keys did not come with the backup
	anchors []audit.Checkpoint
	sum     string // of the manifest
}

// proven reports whether something that did not come with the backup speaks for it.
func (t trust) proven() bool { return t.own || len(t.anchors) > 0 }

// trust reads what c names.
func (c *restoreCmd) trust(e env, sum string) (trust, error) {
	t := trust{sum: sum, own: c.Key != ""}
	if t.own {
		keys, err := readKeys(c.Key)
		if err != nil {
			return t, fmt.Errorf("--key: %w", err)
		}
		t.keys = keys
	} else {
		keys, err := config.LoadKeys(filepath.Join(c.From, backupKeys), config.AuditorRole)
		if err != nil {
			return t, err
		}
		t.keys = keys.AuditPublic
	}
	if len(c.Anchors) == 0 {
		return t, nil
	}
	list, err := readAnchors(e, c.Anchors, t.keys)
	if err != nil {
		return t, err
	}
	size, err := signedSize(c.To, t.keys)
	if err != nil {
		return t, err
	}
	// Later ones speak of what came after the backup.
	t.anchors = slices.DeleteFunc(list, func(a audit.Checkpoint) bool { return a.Size > size })
	return t, nil
}

// signedSize is how many records the checkpoint of a restored log speaks of, 0
// when it has none.
func signedSize(dir string, keys audit.Keys) (int64, error) {
	b, err := os.ReadFile(filepath.Join(store.AuditDir(dir), "checkpoint"))
	if errors.Is(err, iofs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	last, err := audit.OpenCheckpoint(b, keys)
	if err != nil {
		return 0, nil // the log's verdict says what is wrong with it
	}
	return last.Size, nil
}

// options are those of the log's verification. Anchors that were asked for and of
// which none is of the time before the backup are a gap.
func (c *restoreCmd) options(t trust) audit.VerifyOptions {
	return audit.VerifyOptions{Anchors: t.anchors, NeedAnchor: len(c.Anchors) > 0}
}

// say tells with what the backup was checked, and what is left to a person.
func (t trust) say(e env, from string) error {
	if t.own {
		fmt.Fprintln(e.stdout, "--key の公開鍵で調べました / checked with the public key of --key")
	}
	if n := len(t.anchors); n > 0 {
		last := slices.MaxFunc(t.anchors, func(a, b audit.Checkpoint) int { return int(a.Size - b.Size) })
		fmt.Fprintf(e.stdout, "外に保管したチェックポイント %d 件と合っています。記録 %d まで / %d checkpoints kept elsewhere agree, up to record %d\n", n, last.Size-1, n, last.Size-1)
	}
	if t.proven() {
		return nil
	}
	infos, err := config.ListKeys(filepath.Join(from, backupKeys))
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "バックアップの中の公開鍵で調べました。バックアップごと作り直されていないかは、次の値を紙の控えと見比べて確かめてください（または --key か --anchors を指定してください）\n"+
		"checked with the key that lies in the backup; compare with paper, or give --key or --anchors:")
	for _, k := range infos {
		if k.Name == "audit" {
			fmt.Fprintln(e.stdout, "監査記録の公開鍵の指紋 / fingerprint of the log's key:", k.Fingerprint)
		}
	}
	fmt.Fprintf(e.stdout, "%s のSHA-256。バックアップの記録 system.backup にもあります / also in the record of the backup: %s\n", backupManifest, t.sum)
	return exitUnproven
}
