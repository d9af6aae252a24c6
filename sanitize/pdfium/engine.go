package pdfium

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	lib "github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"sekisho/sanitize/linear"
)

// DefaultMemory is the linear memory that one document may use, in bytes.
// Every honest file tried stays below; a 45 MB file of scans takes 128 MiB.
const DefaultMemory = 512 << 20

// pageSize is the unit of WebAssembly memory.
const pageSize = 64 << 10

// Config says what the engine is loaded from.
type Config struct {
	// Cache is a directory that [Prepare] filled. Without the right entry the
	// engine compiles by itself, which takes seconds; with "" always.
	Cache string
	// Fonts are directories with font files, searched down to [maxFontDepth].
	Fonts []string
	// Memory is the linear memory of one document in bytes, 0 for DefaultMemory.
	Memory int64
}

// Engine is a loaded PDFium. It serves one document at a time, as a worker
// does; it is not safe for concurrent use.
type Engine struct {
	pool  lib.Pool
	spare *instance // made before the box was shut, for the first document
	limit int64
	fonts *tree
}

// Load loads the engine and makes the instance for the first document. It must
// run before the box is shut: it reads files and makes memory executable.
func Load(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Memory <= 0 {
		cfg.Memory = DefaultMemory
	}
	fonts, err := readTree(cfg.Fonts)
	if err != nil {
		return nil, err
	}
	e := &Engine{limit: cfg.Memory, fonts: fonts}
	rc, err := runtimeConfig(cfg.Cache, cfg.Memory)
	if err != nil {
		return nil, errors.Join(err, fonts.Close())
	}
	e.pool, err = webassembly.Init(webassembly.Config{
		Context:       linear.With(ctx),
		RuntimeConfig: rc,
		// Never nil: the library would then mount the host's root directory.
		FSConfig: wazero.NewFSConfig().WithFSMount(fonts, "/"),
		Stdout:   io.Discard, Stderr: io.Discard,
		MaxIdle: 1, MaxTotal: 2,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pdfium: load the engine: %w", err), fonts.Close())
	}
	if e.spare, err = e.instance(); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// runtimeConfig is the same for compiling and for loading: the cache's key
// depends on it. Calls cannot be interrupted, since the checks for it make
// everything three times slower; a runaway is ended with its process.
func runtimeConfig(cache string, memory int64) (wazero.RuntimeConfig, error) {
	rc := wazero.NewRuntimeConfigCompiler().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithMemoryLimitPages(uint32(memory / pageSize)).
		WithCloseOnContextDone(false).
		WithDebugInfoEnabled(false)
	if cache == "" {
		return rc, nil
	}
	c, err := wazero.NewCompilationCacheWithDir(cache)
	if err != nil {
		return nil, fmt.Errorf("pdfium: open the compile cache: %w", err)
	}
	return rc.WithCompilationCache(c), nil
}

// instancePatience bounds how long a new instance may take; some milliseconds
// are usual.
const instancePatience = 30 * time.Second

// instance makes a fresh instance.
func (e *Engine) instance() (*instance, error) {
	p, err := e.pool.GetInstance(instancePatience)
	if err != nil {
		return nil, fmt.Errorf("pdfium: make an instance: %w", err)
	}
	in, err := enter(p)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	in.limit = e.limit
	return in, nil
}

// Fonts returns how many font files the engine draws other fonts with. With
// none, text in fonts that a document does not embed comes out empty.
func (e *Engine) Fonts() int { return e.fonts.count() }

// Open opens a document in an instance of its own. The engine reads data once
// and does not keep it. The errors are ErrPassword, ErrFormat, ErrSecurity,
// ErrMemory or ErrTrap, wrapped. The caller closes the document before it opens
// the next one.
func (e *Engine) Open(data []byte, password string) (*Document, error) {
	in := e.spare
	e.spare = nil
	if in == nil {
		var err error
		if in, err = e.instance(); err != nil {
			return nil, err
		}
	}
	d, err := open(in, data, password)
	if err != nil {
		return nil, errors.Join(err, in.close())
	}
	return d, nil
}

// Close ends the engine. Documents must be closed before.
func (e *Engine) Close() error {
	var err error
	if e.spare != nil {
		err = e.spare.close()
	}
	return errors.Join(err, e.pool.Close(), e.fonts.Close())
}
