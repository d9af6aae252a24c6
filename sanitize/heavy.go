package sanitize

import (
	"context"
	"fmt"
	"io"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/sandbox"
)

// Parser is a row's Parse.
type Parser = func(ctx context.Context, in format.Untrusted, out *ir.Writer) error

// Heavy is a class of workers that load an engine, and the parsers of the kinds
// that need it. The program of the light boxes does not hold it: rows of such
// kinds have no Parse in Formats, and get it from here where the engine runs.
type Heavy struct {
	Class format.Class
	// Load starts the engine before the box is shut; see [sandbox.Engine] for
	// what it may read, and for Dirs and Await.
	Load  func(dirs []string) (map[format.Kind]Parser, error)
	Dirs  []string
	Await func(ctx context.Context) error
	// CPU is the processor time of a worker; 0 is that of a long document.
	CPU time.Duration
}

// class is the worker class. One worker draws a whole document, so it has more
// time and output than others; the message's own time still ends it. Memory
// holds the engine's code, the document's linear memory and one page.
func (h Heavy) class() sandbox.Class {
	if h.CPU <= 0 {
		h.CPU = 10 * time.Minute
	}
	return sandbox.Class{
		Engine: &sandbox.Engine{Load: h.load, Dirs: h.Dirs, Await: h.Await},
		Limits: sandbox.Limits{Memory: 1 << 30, CPU: h.CPU, Wall: 15 * time.Minute, Output: 64 << 30},
		Procs:  2,
	}
}

// load runs in the box.
func (h Heavy) load(dirs []string) (sandbox.Serve, error) {
	parsers, err := h.Load(dirs)
	if err != nil {
		return nil, err
	}
	rows := Formats()
	for kind, parse := range parsers {
		row := rowOf(rows, kind)
		if row == nil || row.Class != h.Class {
			return nil, fmt.Errorf("kind %s is not parsed in class %s", kind, h.Class)
		}
		row.Parse = parse
	}
	return func(in io.Reader, out io.Writer) error { return serve(rows, in, out) }, nil
}

// withClasses returns the rows of kinds for which there are workers. The
// others are as if they were only recognized: their files are held.
func withClasses(rows []format.Format, has func(class string) bool) []format.Format {
	for i := range rows {
		if r := &rows[i]; r.Build != nil && !has(string(r.Class)) {
			r.Parse, r.Build, r.Ways = nil, nil, nil
		}
	}
	return rows
}
