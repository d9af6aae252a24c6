package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sekisho/audit"
)

type auditWitnessCmd struct {
	logArgs
	State string `arg:"" help:"控えのファイル。自分だけが書ける場所に置きます / where the checkpoints are kept, out of reach of others" type:"path"`
	First bool   `help:"控えを始める（最初の一回だけ）/ begin; only the first time"`
}

// Help says what the exit codes mean.
func (auditWitnessCmd) Help() string {
	return "監査担当の機械で、記録のフォルダ（またはその写し）に対して実行します。前の控えから続いていることを確かめ、新しいチェックポイントを控えに加えます。通信しません。\n" +
		"控えのファイルは、そのまま audit verify --anchors に渡せます。\n" +
		"終了コード / exit: 0 続いている（continues）, 1 巻き戻しまたは分岐（rolled back or forked; kept in FILE.conflict）, 2 続きだと示せない（cannot be shown）, 3 使い方の誤り（usage）"
}

// Run takes one step of a witness.
func (c *auditWitnessCmd) Run(e env) error {
	keys, err := c.keys()
	if err != nil {
		return c.failed(e, err)
	}
	kept, err := c.kept(keys)
	if err != nil {
		return c.failed(e, err)
	}
	var last audit.Checkpoint
	if len(kept) > 0 {
		last = kept[len(kept)-1]
	}
	now, err := audit.Follow(e.ctx, os.DirFS(c.Log), keys, last)
	switch {
	case errors.Is(err, audit.ErrRollback), errors.Is(err, audit.ErrFork):
		fmt.Fprintf(e.stdout, "前に控えた記録の続きではありません。改ざんまたは巻き戻しです / not a continuation: %v\n控え / kept: %s\n今回 / shown: %s\n", err, last, now)
		if err := appendNote(c.State+".conflict", now); err != nil {
			return c.failed(e, err)
		}
		return exitHeld
	case errors.Is(err, audit.ErrProof), errors.Is(err, audit.ErrCheckpoint):
		fmt.Fprintf(e.stdout, "続きであることを示せません。写しが途中のものでないかを確かめてください / cannot be shown to continue: %v\n", err)
		return exit(2)
	case err != nil:
		return c.failed(e, err)
	}
	if now.Size > last.Size {
		if err := appendNote(c.State, now); err != nil {
			return c.failed(e, err)
		}
	}
	fmt.Fprintf(e.stdout, "前の控えの続きです / continues: 記録 %d 件から %d 件\n控え / anchor: %s\n", last.Size, now.Size, now)
	return nil
}

func (c *auditWitnessCmd) failed(e env, err error) error {
	fmt.Fprintln(e.stderr, "sekisho:", err)
	return exitVerifyUsage
}

// kept reads the checkpoints kept so far. A witness that forgot everything would
// believe anything: a missing file is an error, unless this is the beginning.
func (c *auditWitnessCmd) kept(keys audit.Keys) ([]audit.Checkpoint, error) {
	b, err := os.ReadFile(c.State)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.First:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("控え %s がありません。初めてのときだけ --first を付けます / no such file; --first begins one", c.State)
	case err != nil:
		return nil, err
	case c.First:
		return nil, fmt.Errorf("控え %s はもうあります / is there already", c.State)
	}
	list, _, err := audit.ParseAnchors(b, keys)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("控え %s は空です / is empty", c.State)
	}
	return list, err
}

// appendNote adds a signed checkpoint to a file of them: the whole file is
// replaced at once, so that it is never half written.
func appendNote(file string, c audit.Checkpoint) error {
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if bytes.Contains(b, c.Note) {
		return nil
	}
	b = append(append(b, c.Note...), '\n')
	temp := file + ".tmp"
	w, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	if err := errors.Join(err, w.Sync(), w.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
