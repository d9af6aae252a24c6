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

	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/pdfium"
	"sekisho/sanitize/pdfread"
)

// engineDir is where `sekisho engine` puts the compiled code of the engine that
// draws PDF, for everybody on this machine. The package makes it at install time.
const engineDir = "/var/cache/sekisho/engine"

// pdfEngine is the engine that draws PDF as this process provides it to its
// boxes: compiled at install time, or once for this user until the machine
// starts again.
type pdfEngine struct {
	dir  string
	log  *slog.Logger
	once sync.Once
	done chan struct{}
	err  error // once done
}

// newPDFEngine finds the compiled code of the engine, or where to put it.
func newPDFEngine(log *slog.Logger) *pdfEngine {
	e := &pdfEngine{dir: engineDir, log: log, done: make(chan struct{})}
	if pdfium.Check(engineDir) != nil {
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
	return pdfium.Prepare(context.Background(), e.dir)
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
	return sanitize.Heavy{Class: format.ClassPDF, Dirs: append([]string{e.dir}, pdfium.DefaultFonts()...), Await: e.await, Load: loadPDF}
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
	return append(decoders(), (&pdfEngine{dir: engineDir}).class())
}

type engineCmd struct {
	Dir string `arg:"" optional:"" help:"置くフォルダ / directory" default:"/var/cache/sekisho/engine"`
}

// Help says when to run it.
func (engineCmd) Help() string {
	return "PDFを描くためのプログラムを、すぐに使える形にしておきます。関所を更新したあとに、root で一度実行します。\n" +
		"実行しなくても動きますが、起動してから最初のPDFまでに、数秒余分にかかることがあります。"
}

// Run compiles the engine.
func (c engineCmd) Run(e env) error {
	if err := os.MkdirAll(filepath.Dir(c.Dir), 0o755); err != nil {
		return fmt.Errorf("make a directory for the engine: %w", err)
	}
	if err := pdfium.Prepare(e.ctx, c.Dir); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "使えます / ready（%s）\n", c.Dir)
	return nil
}

// engine says whether PDF can be drawn well.
func (d *doctor) engine() {
	var missing []string
	for _, dir := range pdfium.DefaultFonts() {
		if !isDir(dir) {
			missing = append(missing, dir)
		}
	}
	if len(missing) > 0 {
		d.say("pdf", gradeNote, "日本語の書体がありません。書体を埋め込んでいないPDFは、お預かりになることがあります",
			"fonts for PDF files that bring none are missing: "+strings.Join(missing, " "), "apt-get install fonts-ipafont-mincho fonts-ipafont-gothic")
		return
	}
	if pdfium.Check(engineDir) != nil {
		d.say("pdf", gradeNote, "PDFを描けます。起動してから最初のPDFまでに、数秒余分にかかることがあります", "the engine is compiled when the first PDF comes", "rootで sekisho engine を一度実行してください")
		return
	}
	d.say("pdf", gradeGood, "PDFを描けます", "the engine that draws PDF is ready, fonts are there", "")
}
