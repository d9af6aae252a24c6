package sanitizetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Output is what one pass through a format gave.
type Output struct {
	Data  []byte
	Built format.Built
	// Findings are the parser's notes and then the builder's.
	Findings []format.Finding
	// Faults are the notes of the lint; none for a proper output.
	Faults []format.Finding
	// Kids are the children as they were given to Build.
	Kids []format.Child
	// Sheets are the pages that the lint found.
	Sheets []ir.Sheet
}

// Codes returns the codes of o's findings, each once, in order of appearance.
func (o Output) Codes() []string { return codes(o.Findings) }

func codes(notes []format.Finding) []string {
	var all []string
	seen := map[string]bool{}
	for _, n := range notes {
		if !seen[n.Code] {
			seen[n.Code] = true
			all = append(all, n.Code)
		}
	}
	return all
}

// KidFunc decides a child in place of the engine. data are its bytes.
type KidFunc func(c ir.Child, data []byte) format.Child

// HoldKids is the KidFunc that holds every child.
func HoldKids(c ir.Child, _ []byte) format.Child {
	r := format.KindUnsupported
	if c.Note.Code != "" {
		r = format.Reason(c.Note.Code)
	}
	return format.Child{Original: c.Name, Kind: format.Unknown, Reason: r}
}

// Budget is a generous budget for one file of a test.
func Budget() format.Budget {
	return format.Budget{Bytes: 64 << 20, Files: 1000, Pixels: 40e6, Gallery: 400e6, Pages: 1000, Depth: 10}
}

// tape is a parser's answer: its frames, and what the engine takes from them.
type tape struct {
	frames []byte
	notes  []format.Finding
	kids   []format.Child
}

// reader returns the frames, with the End frame that a worker adds or without.
func (t tape) reader(end bool) *ir.Reader {
	b := bytes.Clone(t.frames)
	if end {
		b = ir.Append(b, ir.End{})
	}
	return ir.NewReader(bytes.NewReader(b), math.MaxInt64)
}

// record runs Parse and reads its frames back as the engine does.
func record(ctx context.Context, f format.Format, in format.Untrusted, decide KidFunc) (tape, error) {
	var buf bytes.Buffer
	if err := f.Parse(ctx, in, ir.NewWriter(&buf)); err != nil {
		return tape{}, err
	}
	t := tape{frames: buf.Bytes()}
	if decide == nil {
		decide = HoldKids
	}
	var open *ir.Child
	var data []byte
	settle := func() {
		if open != nil {
			t.kids = append(t.kids, decide(*open, data))
		}
		open, data = nil, nil
	}
	r := ir.NewReader(bytes.NewReader(t.frames), math.MaxInt64)
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			settle()
			return t, nil
		}
		if err != nil {
			return tape{}, fmt.Errorf("read back frames: %w", err)
		}
		switch v := v.(type) {
		case ir.Note:
			t.notes = append(t.notes, v)
		case ir.Child:
			settle()
			open = &v
		case ir.Data:
			if open == nil {
				return tape{}, errors.New("data without a child")
			}
			data = append(data, v.B...)
		case ir.Fail, ir.End, ir.Request, ir.Kind:
			return tape{}, fmt.Errorf("a parser must not write %T", v)
		}
	}
}

// finish builds and lints a tape.
func finish(f format.Format, t tape, c format.Construction, end bool) (Output, error) {
	c.Kids = t.kids
	var out bytes.Buffer
	built, err := f.Build(t.reader(end), c, &out)
	if err != nil {
		return Output{}, fmt.Errorf("build: %w", err)
	}
	o := Output{Data: out.Bytes(), Built: built, Kids: t.kids}
	o.Findings = append(append(o.Findings, t.notes...), built.Findings...)
	known := map[[32]byte]bool{}
	for _, k := range t.kids {
		if k.Present() {
			known[k.Sum] = true
		}
	}
	o.Faults, o.Sheets, err = lint(f, o.Data, known)
	if err == nil && len(o.Faults) == 0 && !slices.Equal(o.Sheets, built.Sheets) {
		err = fmt.Errorf("the lint found the pages %v, written were %v", o.Sheets, built.Sheets)
	}
	return o, err
}

// Sanitize runs Parse, Build and Lint in this process. The error is the
// reason to hold, or a fault of the format.
func Sanitize(ctx context.Context, f format.Format, in format.Untrusted, c format.Construction, decide KidFunc) (Output, error) {
	t, err := record(ctx, f, in, decide)
	if err != nil {
		return Output{}, err
	}
	return finish(f, t, c, true)
}

// Lint runs a format's lint and returns its notes. A child that the lint hands
// out because its sum is not in known counts as a fault.
func Lint(f format.Format, data []byte, known map[[32]byte]bool) ([]format.Finding, error) {
	faults, _, err := lint(f, data, known)
	return faults, err
}

func lint(f format.Format, data []byte, known map[[32]byte]bool) ([]format.Finding, []ir.Sheet, error) {
	var buf bytes.Buffer
	if err := f.Lint(data, known, ir.NewWriter(&buf)); err != nil {
		return nil, nil, fmt.Errorf("lint: %w", err)
	}
	var faults []format.Finding
	var sheets []ir.Sheet
	r := ir.NewReader(&buf, math.MaxInt64)
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			return faults, sheets, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read lint's frames: %w", err)
		}
		switch v := v.(type) {
		case ir.Note:
			faults = append(faults, v)
		case ir.Child:
			faults = append(faults, format.Finding{Code: "lint_unknown_attachment", Detail: v.Name})
		case ir.Sheet:
			sheets = append(sheets, v)
		case ir.Data:
		default:
			return nil, nil, fmt.Errorf("a lint must not write %T", v)
		}
	}
}

// ReasonOf returns the reason that err carries, "" if it carries none.
func ReasonOf(err error) format.Reason {
	var hold *format.Error
	if errors.As(err, &hold) {
		return hold.Reason
	}
	return ""
}
