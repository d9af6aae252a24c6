// Package format is the vocabulary of sanitizing: what kinds of files there
// are, what a format package must provide, what a decision may say, and why.
//
// A Format is a plain value with three functions that meet only in typed
// values (sanitize/ir):
//
//	Parse  runs in the box on hostile bytes and emits values
//	Build  runs outside, is pure, and writes a new file from those values
//	Lint   runs in another box, shares no code with Build, and re-reads the new file
//
// The list of all formats is sanitize/formats.go. Nothing registers itself.
package format

import (
	"context"
	"io"

	"sekisho/sanitize/ir"
)

// Verdict is the outcome for one file. The zero value holds.
type Verdict uint8

// The verdicts, the same words in Go, JSON and the audit log (DECISIONS 3).
const (
	Held     Verdict = iota // not delivered; kept in quarantine
	Rebuilt                 // delivered as a new file
	Partly                  // delivered as a new file with members missing
	Stripped                // left out on purpose; nothing kept to release
)

// String returns the verdict's word.
func (v Verdict) String() string {
	switch v {
	case Rebuilt:
		return "rebuilt"
	case Partly:
		return "partly"
	case Stripped:
		return "stripped"
	default:
		return "held"
	}
}

// Method is how a new file was made, as the JSON report says it.
type Method string

// The methods.
const (
	MethodNone        Method = "none"
	MethodText        Method = "text"
	MethodImage       Method = "image"
	MethodReconstruct Method = "reconstruct"
	MethodUnpack      Method = "unpack"
)

// Finding is something that was seen in a file and is gone or changed in the
// new one. Code is a row of the table in findings.go.
type Finding = ir.Note

// Match says how sure a Format is that content is of its kind.
type Match uint8

// The degrees of a match. Plausible content needs the name or the MIME type to
// agree; Certain content is of this kind whatever it is called.
const (
	NoMatch Match = iota
	Plausible
	Certain
)

// Class names the kind of worker that parses a format.
type Class string

// The worker classes. One light worker serves all light files of a message;
// an image gets a worker of its own; the lint worker re-reads outputs.
const (
	ClassLight Class = "light"
	ClassImage Class = "image"
	ClassLint  Class = "lint"
	// ClassPDF workers have an engine loaded that draws pages.
	ClassPDF Class = "pdf"
	// Workers that have a decoder loaded which the administrator installed.
	ClassHEIC Class = "heic"
	ClassAVIF Class = "avif"
	ClassSVG  Class = "svg"
)

// Untrusted is a hostile file inside the box: its bytes and what its sender
// claimed about it. Data lies in the worker's own capped memory.
type Untrusted struct {
	Name  string // claimed file name, decoded and cleaned, "" if none
	Media string // claimed type/subtype in lower case, "" if none
	Data  []byte

	Budget Budget
	Render Render // of kinds that are drawn

	Defang   bool   // write every link defanged, not only lying ones
	Self     string // our instance id, to see mail loops
	Authserv string // authserv-id whose Authentication-Results may be believed, "" for none
}

// Format is one row of sanitize/formats.go.
//
// A row with a nil Build is a kind that we recognize and do not rebuild: its
// files are held as kind_unsupported, or as kind_blocked when Blocked is set.
type Format struct {
	Kind  Kind
	Class Class
	// Names are the file name extensions of this kind, lower case without
	// dot; the first is the one that a rebuilt file gets.
	Names []string
	// Media are the MIME types that claim this kind; the first is the one
	// that a rebuilt file gets.
	Media []string
	// Family groups kinds whose names may stand for each other without it
	// being a disguise, such as the picture kinds. Default: the kind itself.
	Family string

	Method Method // by which Build rebuilds
	// Output is the kind of the file that Build writes, whose Lint re-reads it.
	// Default: the kind itself.
	Output Kind
	// Ways are further methods that the policy may choose.
	Ways []Way
	// Stream says that Build reads the values while Parse still writes them,
	// page after page. A streamed kind has no children.
	Stream bool

	Blocked bool // never accepted: executables, scripts, shortcuts
	Partial bool // may be rebuilt with members missing (mail, archives)

	// Match judges content. It runs in the box.
	Match func(data []byte) Match
	// Sharpen gives a sharper reason than kind_unsupported to hold content of
	// a kind that is not rebuilt, such as encrypted_archive; "" when it has
	// none. It runs in the box. Optional.
	Sharpen func(data []byte) Reason
	// Parse emits the values of in. It returns an *Error for a reason to
	// hold; any other error holds as internal. It runs in the box. It is nil in
	// Formats for a kind that needs an engine, which brings it (sanitize.Heavy).
	Parse func(ctx context.Context, in Untrusted, out *ir.Writer) error
	// Build writes a new file from values alone. It is deterministic.
	Build Builder
	// Lint re-reads a new file and reports every violation of the closed
	// output form. It runs in the box and emits Notes, Children for embedded
	// files whose sums are not in known, and the Sheets of a file with pages.
	Lint func(data []byte, known map[[32]byte]bool, out *ir.Writer) error
}

// Builder writes a new file from the values of a parsed one.
type Builder func(in *ir.Reader, c Construction, w io.Writer) (Built, error)

// Way returns how this kind is rebuilt by a method, and whether it can be. The
// empty method is the row's own.
func (f *Format) Way(m Method) (Way, bool) {
	if m == "" || m == f.Method {
		w := Way{f.Method, f.Output, f.Build}
		if w.Output == "" {
			w.Output = f.Kind
		}
		return w, w.Build != nil
	}
	for _, w := range f.Ways {
		if w.Method == m {
			return w, true
		}
	}
	return Way{}, false
}

// Extension returns the extension of a rebuilt file of this kind, "" if none.
func (f *Format) Extension() string {
	if len(f.Names) == 0 {
		return ""
	}
	return f.Names[0]
}

// MediaType returns the MIME type of a rebuilt file of this kind.
func (f *Format) MediaType() string {
	if len(f.Media) == 0 {
		return "application/octet-stream"
	}
	return f.Media[0]
}

// Built is what Build says about the file that it wrote.
type Built struct {
	Findings []Finding
	// Media overrides the format's media type, for example to add a charset.
	Media string
	// Extension overrides the format's extension.
	Extension string
	// Output overrides the way's kind of output, "" for that one.
	Output Kind
	// Partial says that members are missing.
	Partial bool
	// Sheets are the pages of the file as written, their Marks being the
	// characters laid over each. The Lint of a file with pages must find the
	// same.
	Sheets []ir.Sheet
}

// Error is a reason to hold that Parse, Build or a limit gives.
type Error struct {
	Reason Reason
	Detail string // for the log and the report; may quote hostile text
}

// Error implements error.
func (e *Error) Error() string {
	if e.Detail == "" {
		return string(e.Reason)
	}
	return string(e.Reason) + ": " + e.Detail
}

// Hold returns an *Error.
func Hold(r Reason, detail string) *Error { return &Error{Reason: r, Detail: detail} }

// Failed returns the reason to hold that a box gave instead of an answer; one
// that is not in the closed list is Internal.
func Failed(f ir.Fail) *Error { return Hold(Reason(f.Reason).Listed(), f.Detail) }
