// Package modules runs decoders that are not part of sekisho: WebAssembly
// files that the administrator put on the machine.
//
// Three kinds of pictures need a large library in C++ or Rust: HEIC, AVIF and
// SVG. Their licences (LGPL, MPL) ask that the library stays a file of its own,
// and not every office wants them, so they lie in a directory that belongs to
// root, under fixed names. A file is used only if it is, byte for byte, the
// version named here, whoever put it there; without it the kind is held, and
// `doctor` says how to get it.
//
// [Load] compiles a module before the box is shut; each picture then gets an
// instance of its own. A module sees its linear memory and nothing else: no
// file, no clock, no chance. What it returns is hostile; sizes are checked
// before memory is taken. A call cannot be interrupted: a runaway is ended by
// killing the worker.
package modules

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sekisho/sanitize/linear"
)

// Module is a file that is known.
type Module struct {
	Name    string // "heif", "avif" or "svg"
	File    string // its name in the directory
	Sum     string // SHA-256, hex
	Licence string
	Source  string // package, version and path from which anybody can get it
}

// Known returns the modules that may be used.
func Known() []Module {
	return []Module{
		{"heif", "heif.wasm.gz", "3634a6447ea3915633667f39e01ff540a60f4e2f837a8391d044d76dfd8a0435",
			"LGPL-3.0 (libheif, libde265)", "Go module github.com/gen2brain/heic v0.4.5, lib/heif.wasm.gz"},
		{"avif", "avif.wasm.gz", "1ee2423413384d54b3fa4e2882424d60a2a05f5fe7ec573535fdb6b531071a9b",
			"BSD-2-Clause (libavif, libaom)", "Go module github.com/gen2brain/avif v0.4.4, lib/decode.wasm.gz"},
		{"svg", "resvg.wasm", "22bf6e9f9a100d972da0411a69c5ba504367fc1fa87b3b64e3f35e53926d2d70",
			"MPL-2.0 (resvg)", "npm package @resvg/resvg-wasm 2.6.2, index_bg.wasm"},
	}
}

// DefaultDir is where the modules are looked for.
const DefaultDir = "/usr/lib/sekisho/modules"

// The errors of this package, wrapped.
var (
	ErrMissing = errors.New("modules: not installed")
	ErrChanged = errors.New("modules: not the known file")
	ErrRefused = errors.New("modules: not a picture that is read")
	ErrTrap    = errors.New("modules: the decoder broke off")
	ErrTooBig  = errors.New("modules: more pixels than allowed")
)

// maxModule bounds a file and what it inflates to, in bytes.
const maxModule = 32 << 20

// Find returns the path of an installed module. The error is ErrMissing, or
// ErrChanged when the file is another one.
func Find(dir, name string) (string, error) {
	for _, m := range Known() {
		if m.Name != name {
			continue
		}
		path := filepath.Join(dir, m.File)
		if _, err := read(path, m); err != nil {
			return "", err
		}
		return path, nil
	}
	return "", fmt.Errorf("%w: %s", ErrMissing, name)
}

// read returns the WebAssembly of a module's file.
func read(path string, m Module) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxModule))
	if err != nil {
		return nil, fmt.Errorf("modules: read %s: %w", path, err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != m.Sum {
		return nil, fmt.Errorf("%w: %s is not of %s", ErrChanged, path, m.Source)
	}
	if !strings.HasSuffix(m.File, ".gz") {
		return data, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("modules: inflate %s: %w", path, err)
	}
	return io.ReadAll(io.LimitReader(z, maxModule))
}

// Config says what a module is loaded from.
type Config struct {
	Dir   string // of the modules
	Cache string // of compiled code, "" to compile anew; what it holds is executed
	// Fonts are the font files that letters of drawings are shown in.
	Fonts [][]byte
	// Memory is the linear memory of one picture in bytes, 0 for DefaultMemory.
	Memory int64
}

// DefaultMemory holds a picture of 50 million pixels and what its decoder
// needs beside it.
const DefaultMemory = 640 << 20

const pageSize = 64 << 10

// engine is a compiled module.
type engine struct {
	rt       wazero.Runtime
	compiled wazero.CompiledModule
	ctx      context.Context // carries how memory is taken
}

// load compiles a module, or finds it in the cache.
func load(ctx context.Context, name string, cfg Config, host func(context.Context, wazero.Runtime) error) (*engine, error) {
	if cfg.Memory <= 0 {
		cfg.Memory = DefaultMemory
	}
	path, err := Find(cfg.Dir, name)
	if err != nil {
		return nil, err
	}
	var wasm []byte
	for _, m := range Known() {
		if m.Name == name {
			if wasm, err = read(path, m); err != nil {
				return nil, err
			}
		}
	}
	ctx = linear.With(ctx)
	e, err := compile(ctx, wasm, cfg, host)
	if err != nil && cfg.Cache != "" { // of another version, for example; it is only a saving of time
		cfg.Cache = ""
		e, err = compile(ctx, wasm, cfg, host)
	}
	if err != nil {
		return nil, fmt.Errorf("modules: load %s: %w", name, err)
	}
	return e, nil
}

func compile(ctx context.Context, wasm []byte, cfg Config, host func(context.Context, wazero.Runtime) error) (*engine, error) {
	rc := wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2).WithMemoryLimitPages(uint32(cfg.Memory / pageSize)).
		WithCloseOnContextDone(false).WithDebugInfoEnabled(false)
	if cfg.Cache != "" {
		cache, err := wazero.NewCompilationCacheWithDir(cfg.Cache)
		if err != nil {
			return nil, fmt.Errorf("open the compile cache: %w", err)
		}
		rc = rc.WithCompilationCache(cache)
	}
	e := &engine{rt: wazero.NewRuntimeWithConfig(ctx, rc), ctx: ctx}
	if err := host(ctx, e.rt); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	var err error
	if e.compiled, err = e.rt.CompileModule(ctx, wasm); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// Close ends the engine.
func (e *engine) Close() error { return e.rt.Close(e.ctx) }
