package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"sekisho/gateway/config"
	"sekisho/sanitize"
	"sekisho/sanitize/sandbox"
)

// openBoxes starts a pool of boxes from the small program, if there is one
// that can be used, and from this one otherwise. Boxes that draw see the
// directories of the engine block.
func openBoxes(at config.Engine, cfg sandbox.Config, log *slog.Logger) (*sandbox.Pool, error) {
	cfg.Classes, cfg.Log = sanitize.Classes(append(installedDecoders(at), newPDFEngine(at, log).class())...), log
	self, err := os.Executable()
	if err != nil {
		return sandbox.NewPool(cfg)
	}
	if cfg.Exe = boxProgram(self); cfg.Exe == "" {
		return sandbox.NewPool(cfg)
	}
	pool, err := sandbox.NewPool(cfg)
	if err == nil || errors.Is(err, sandbox.ErrWeak) {
		return pool, err
	}
	log.Warn("the boxes run this program instead, which starts more slowly", "program", cfg.Exe, "error", err)
	cfg.Exe = ""
	return sandbox.NewPool(cfg)
}

// boxProgram finds the program for boxes: beside this one, or where a package
// installs it. It is "" if there is none, or one that somebody else could have
// written than the owner of this program.
func boxProgram(self string) string {
	dir := filepath.Dir(self)
	for _, path := range []string{filepath.Join(dir, "sekisho-box"), filepath.Join(dir, "..", "libexec", "sekisho", "sekisho-box")} {
		if asTrusted(path, self) {
			return path
		}
	}
	return ""
}

// asTrusted reports whether path is an executable file with the owner of self,
// or of root, that nobody else may write to.
func asTrusted(path, self string) bool {
	mine, err := os.Stat(self)
	if err != nil {
		return false
	}
	other, err := os.Stat(path)
	if err != nil || !other.Mode().IsRegular() || other.Mode().Perm()&0o022 != 0 || other.Mode().Perm()&0o111 == 0 {
		return false
	}
	a, okA := mine.Sys().(*syscall.Stat_t)
	b, okB := other.Sys().(*syscall.Stat_t)
	return okA && okB && (b.Uid == a.Uid || b.Uid == 0)
}
