package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sekisho/gateway/config"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/modules"
)

// decoderDir is where the decoders of HEIC, AVIF and SVG are looked for: beside
// this program, as in a checkout, or where an administrator puts them. What a
// file holds decides (modules.Find), not where it lies.
func decoderDir() string {
	if self, err := os.Executable(); err == nil {
		if dir := filepath.Join(filepath.Dir(self), "modules"); isDir(dir) {
			return dir
		}
	}
	return modules.DefaultDir
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// decoders are the classes of boxes with a decoder, whether it is installed or
// not: a box knows the class that it is asked to be.
func decoders(at config.Engine) []sanitize.Heavy {
	var all []sanitize.Heavy
	for name, kind := range modules.Kinds() {
		all = append(all, decoder(name, kind, decoderDir(), at.Fonts))
	}
	return all
}

// installedDecoders are those whose file is there.
func installedDecoders(at config.Engine) []sanitize.Heavy {
	var all []sanitize.Heavy
	dir := decoderDir()
	for name, kind := range modules.Kinds() {
		if _, err := modules.Find(dir, name); err == nil {
			all = append(all, decoder(name, kind, dir, at.Fonts))
		}
	}
	return all
}

// noCache is where no compiled code is: boxes see an empty directory.
const noCache = "/nonexistent"

func decoder(name string, kind format.Kind, dir string, fonts []string) sanitize.Heavy {
	cache := filepath.Join(dir, decoderCache)
	if !onlyOwners(cache) {
		cache = noCache
	}
	return sanitize.Heavy{Class: format.Class(kind), Dirs: append([]string{dir, cache}, fonts...), CPU: time.Minute,
		Load: func(dirs []string) (map[format.Kind]sanitize.Parser, error) {
			if len(dirs) < 2 {
				return nil, errors.New("load a decoder: two directories are needed")
			}
			cfg := modules.Config{Dir: dirs[0]}
			if code, err := os.ReadDir(dirs[1]); err == nil && len(code) > 0 {
				cfg.Cache = dirs[1]
			}
			var err error
			if kind == format.SVG { // pictures have no words
				if cfg.Fonts, err = modules.ReadFonts(dirs[2:]); err != nil {
					return nil, err
				}
			}
			parse, err := modules.Load(context.Background(), name, cfg)
			return map[format.Kind]sanitize.Parser{kind: parse}, err
		}}
}

// decoderCache is where compiled code lies, below the decoders. Boxes execute
// it, so who can write to it must be whom they trust.
const decoderCache = "cache"

// onlyOwners reports whether a directory and all below it belong to root or to
// this user, and nobody else may write to them.
func onlyOwners(dir string) bool {
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		own, ok := info.Sys().(*syscall.Stat_t)
		if !ok || own.Uid != 0 && int(own.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 || !d.IsDir() && !info.Mode().IsRegular() {
			return fs.ErrPermission
		}
		return nil
	})
	return err == nil
}

type decodersCmd struct{}

// Help says when to run it.
func (decodersCmd) Help() string {
	return "HEIC、AVIF、SVG のための追加のプログラムを、すぐに使える形にしておきます。置いたあとと、関所を更新したあとに、root で一度実行します。\n" +
		"実行しなくても動きますが、その種類のファイル一つごとに 0.2 秒から 1.2 秒、余分にかかります。"
}

// Run compiles every decoder that is installed.
func (decodersCmd) Run(e env) error { return compileDecoders(e, decoderDir()) }

func compileDecoders(e env, dir string) error {
	done := 0
	cache := filepath.Join(dir, decoderCache)
	for _, m := range modules.Known() {
		switch path, err := modules.Find(dir, m.Name); {
		case errors.Is(err, modules.ErrMissing):
			fmt.Fprintf(e.stdout, "%s: ありません / not installed（%s）\n", m.Name, filepath.Join(dir, m.File))
		case err != nil:
			return err
		default:
			if err := modules.Compile(e.ctx, m.Name, modules.Config{Dir: dir, Cache: cache}); err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "%s: 使えます / ready（%s）\n", m.Name, path)
			done++
		}
	}
	if done == 0 {
		return exitHeld
	}
	return openToReaders(cache)
}

// openToReaders lets boxes, which run as nobody, read what is below dir.
func openToReaders(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(p, 0o755)
		}
		return os.Chmod(p, 0o644)
	})
}

// decoders says which decoders are missing or of another version. Without them
// nothing is wrong: files of their kinds are held.
func (d *doctor) decoders() {
	var have, none []string
	for _, m := range modules.Known() {
		kind := string(modules.Kinds()[m.Name])
		switch _, err := modules.Find(decoderDir(), m.Name); {
		case err == nil:
			have = append(have, kind)
		case errors.Is(err, modules.ErrMissing):
			none = append(none, kind)
		default:
			d.say("decoders", gradeBad, m.File+" は、使える版ではありません", err.Error(), m.Source+" を "+decoderDir()+"/"+m.File+" に置いてください")
		}
	}
	if len(none) > 0 {
		d.say("decoders", gradeNote, strings.Join(none, "、")+" の画像はお預かりになります（追加のプログラムがありません）",
			"pictures of these kinds are held, since their decoders are not installed: "+strings.Join(none, " "), "要るときは、運用者の手引きの「画像の追加のプログラム」を見てください")
	}
	if len(have) > 0 {
		d.say("decoders", gradeGood, strings.Join(have, "、")+" の画像を作り直せます", "decoders are installed for "+strings.Join(have, " "), "")
	}
}
