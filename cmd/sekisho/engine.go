package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"sekisho/gateway/config"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/pdfium"
	"sekisho/sanitize/pdfread"
)

// pdfEngine is the engine that draws PDF as this process provides it to its
// boxes: compiled at install time, or once for this user.
type pdfEngine struct {
	dir   string
	fonts []string
	log   *slog.Logger
	once  sync.Once
	done  chan struct{}
	err   error // once done
}

// newPDFEngine finds the compiled code of the engine, or where to put it: the
// configured directory where it is usable or this user's to fill, else one for
// temporary files, which is compiled anew after the machine's next start.
func newPDFEngine(at config.Engine, log *slog.Logger) *pdfEngine {
	e := &pdfEngine{dir: at.Cache, fonts: at.Fonts, log: log, done: make(chan struct{})}
	if pdfium.Check(e.dir) != nil && !owned(filepath.Dir(e.dir), os.Geteuid()) {
		e.dir = filepath.Join(engineBase(), fmt.Sprintf("sekisho-engine-%d-%s", os.Geteuid(), pdfium.Stamp()))
	}
	return e
}

// engineBase is where a directory of this user goes. Boxes that root starts run
// as nobody, who may have no way to root's directory for temporary files.
func engineBase() string {
	if os.Geteuid() == 0 && isDir("/run") {
		return "/run"
	}
	return os.TempDir()
}

// engineOf is the engine block for a command: that of a configuration that is
// named, else of the system's where this user may read it, else the defaults.
// Somebody who is not root and finds the code not compiled keeps it in a cache
// directory of their own, so that it is compiled once and not for each command.
func engineOf(file string) (config.Engine, error) {
	if file != "" {
		cfg, err := config.Load(file, os.Environ())
		if err != nil {
			return config.Engine{}, err
		}
		return ofUser(cfg.Engine, os.Geteuid()), nil
	}
	at, err := config.LoadEngine(systemConfig, os.Environ())
	return ofUser(at, os.Geteuid()), err
}

// ofUser returns at with the cache directory of a user in place of one that is
// neither usable nor theirs to fill.
func ofUser(at config.Engine, uid int) config.Engine {
	if uid == 0 || pdfium.Check(at.Cache) == nil || owned(filepath.Dir(at.Cache), uid) {
		return at
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return at // a user without a home
	}
	dir := filepath.Join(base, "sekisho")
	if err := os.MkdirAll(dir, 0o700); err != nil || !owned(dir, uid) {
		return at // a home that is not theirs to write to
	}
	at.Cache = filepath.Join(dir, userEngine+pdfium.Stamp())
	return at
}

// owned reports whether a directory is there, belongs to a user, and nobody
// else may put anything into it.
func owned(dir string, uid int) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	own, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(own.Uid) == uid
}

// await compiles the engine if nobody has done so, and waits for it.
func (e *pdfEngine) await(ctx context.Context) error {
	e.once.Do(func() {
		go func() {
			defer close(e.done)
			if e.err = e.prepare(); e.err != nil {
				e.log.Warn("PDF files are held: the engine that draws them cannot be compiled", "error", e.err)
			}
		}()
	})
	select {
	case <-e.done:
		return e.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prepare compiles the engine, one process at a time. A directory that somebody
// else made first is refused by Check.
func (e *pdfEngine) prepare() error {
	if pdfium.Check(e.dir) == nil {
		return nil
	}
	lock, err := os.OpenFile(e.dir+".lock", os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("lock the compiled engine: %w", err)
	}
	defer lock.Close() // and lets the next one in
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the compiled engine: %w", err)
	}
	if pdfium.Check(e.dir) == nil {
		return nil // another process has done it meanwhile
	}
	defer roomForCompiler()()
	if err := pdfium.Prepare(context.Background(), e.dir); err != nil {
		return err
	}
	return forgetOthers(e.dir)
}

// userEngine begins the names of directories in a user's cache; the rest is the
// build and the machine that their code is for.
const userEngine = "engine-"

// forgetOthers removes, from a user's cache, the code of other builds.
func forgetOthers(dir string) error {
	if !strings.HasPrefix(filepath.Base(dir), userEngine) {
		return nil
	}
	all, err := filepath.Glob(filepath.Join(filepath.Dir(dir), userEngine+"*"))
	if err != nil {
		return fmt.Errorf("look for other compiled engines: %w", err)
	}
	var errs []error
	for _, path := range all {
		if !strings.HasPrefix(path, dir) { // its lock is ours, too
			errs = append(errs, os.RemoveAll(path))
		}
	}
	return errors.Join(errs...)
}

// roomForCompiler lifts the limit of calmCollector, under which the collector
// takes more time than the compiler does. The function that it returns sets
// the limit again and gives the compiler's memory back.
func roomForCompiler() func() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return debug.FreeOSMemory // the operator's limit counts for more
	}
	limit := debug.SetMemoryLimit(math.MaxInt64)
	return func() {
		debug.SetMemoryLimit(limit)
		debug.FreeOSMemory()
	}
}

// class is the class of boxes that draw PDF.
func (e *pdfEngine) class() sanitize.Heavy {
	return sanitize.Heavy{Class: format.ClassPDF, Dirs: append([]string{e.dir}, e.fonts...), Await: e.await, Load: loadPDF}
}

// loadPDF runs in the box, with the directories that class names.
func loadPDF(dirs []string) (map[format.Kind]sanitize.Parser, error) {
	if len(dirs) == 0 {
		return nil, errors.New("load the engine: no directory")
	}
	e, err := pdfium.Load(context.Background(), pdfium.Config{Cache: dirs[0], Fonts: dirs[1:]})
	if err != nil {
		return nil, err
	}
	return map[format.Kind]sanitize.Parser{format.PDF: pdfread.Parser{Engine: e}.Parse}, nil
}

// engines are the classes of boxes with an engine, as a box knows them: it is
// told which it is, and what it may read.
func engines() []sanitize.Heavy {
	at := config.Default().Engine
	return append(decoders(at), (&pdfEngine{dir: at.Cache, fonts: at.Fonts}).class())
}

type engineCmd struct {
	Config string `help:"設定ファイル。なければ /etc/sekisho/sekisho.yaml / configuration file" short:"c" type:"existingfile" placeholder:"FILE"`
	Dir    string `arg:"" optional:"" help:"置くフォルダ。なければ設定の engine.cache / directory, default engine.cache of the configuration"`
}

// Help says when to run it.
func (engineCmd) Help() string {
	return "PDFを描くためのプログラムを、すぐに使える形にしておきます。関所を更新したあとに、root で一度実行します（パッケージでは自動です）。\n" +
		"実行しなくても動きますが、起動してから最初のPDFまでに、数秒余分にかかることがあります。"
}

// Run compiles the engine.
func (c engineCmd) Run(e env) error {
	if c.Dir == "" {
		at, err := engineOf(c.Config)
		if err != nil {
			return err
		}
		c.Dir = at.Cache
	}
	if err := os.MkdirAll(filepath.Dir(c.Dir), 0o755); err != nil {
		return fmt.Errorf("make a directory for the engine: %w", err)
	}
	if err := pdfium.Prepare(e.ctx, c.Dir); err != nil {
		return err
	}
	if err := os.Chmod(c.Dir, 0o755); err != nil { // boxes run as other users, whatever root's umask is
		return fmt.Errorf("open the engine's directory to readers: %w", err)
	}
	fmt.Fprintf(e.stdout, "使えます / ready（%s）\n", c.Dir)
	return nil
}

// engine says whether PDF can be drawn well. That directories are missing, or
// open to others, the configuration's check has told.
func (d *doctor) engine() {
	at := d.cfg.Engine
	fonts := 0
	for _, dir := range at.Fonts {
		if isDir(dir) {
			fonts++
		}
	}
	if fonts == 0 {
		d.say("pdf", gradeNote, "文字を描く書体がありません。書体を埋め込んでいないPDFと、文字のある図は、お預かりになることがあります",
			"there are no fonts for PDF files that bring none, nor for the words of drawings", "apt-get install fonts-ipafont-mincho fonts-ipafont-gothic")
		return
	}
	if err := pdfium.Check(at.Cache); err != nil {
		d.say("pdf", gradeNote, "PDFを描けます。ただし、すぐに使える形のプログラムがないか、別の版のものです。起動してから最初のPDFまでに、数秒余分にかかることがあります",
			"the engine is compiled when the first PDF comes: "+err.Error(), "root で sekisho engine を一度実行してください")
		return
	}
	d.say("pdf", gradeGood, "PDFを描けます", "the engine that draws PDF is ready, fonts are there", "")
}
