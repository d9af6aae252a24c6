package sanitize

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/sandbox"
)

// Classes returns the worker classes for sandbox.Main: what runs inside the
// boxes, and their limits. A program that holds engines names them; without
// them, files of their kinds are held.
func Classes(heavy ...Heavy) map[string]sandbox.Class {
	load := func() (sandbox.Serve, error) { return Serve, nil }
	light := sandbox.Limits{Memory: 1 << 30, CPU: 60 * time.Second, Wall: 10 * time.Minute, Output: 2 << 30}
	// A scan of many pages is read in one box, page after page.
	image := sandbox.Limits{Memory: 1 << 30, CPU: 2 * time.Minute, Wall: 10 * time.Minute, Output: 64 << 30}
	lint := sandbox.Limits{Memory: 1 << 30, CPU: 60 * time.Second, Wall: 10 * time.Minute, Output: 64 << 20}
	classes := map[string]sandbox.Class{
		string(format.ClassLight): {Load: load, Limits: light},
		string(format.ClassImage): {Load: load, Limits: image, Procs: 2},
		string(format.ClassLint):  {Load: load, Limits: lint},
	}
	for _, h := range heavy {
		classes[string(h.Class)] = h.class()
	}
	return classes
}

// Serve is the worker's main loop: it answers requests until its input ends.
// It runs inside the box, on hostile bytes.
func Serve(in io.Reader, out io.Writer) error { return serve(Formats(), in, out) }

// serve is Serve with these rows.
func serve(formats []format.Format, in io.Reader, out io.Writer) error {
	r := bufio.NewReaderSize(in, 64<<10)
	w := bufio.NewWriterSize(out, 64<<10)
	for {
		req, data, err := receive(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := answer(formats, req, data, ir.NewWriter(w)); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// maxHint bounds the memory that is taken at once for a file to come.
const maxHint = 64 << 20

// receive reads one request and the file after it.
func receive(r io.Reader) (ir.Request, []byte, error) {
	frames := ir.NewReader(r, 1<<40)
	v, err := frames.Next()
	if err != nil {
		return ir.Request{}, nil, err
	}
	req, ok := v.(ir.Request)
	if !ok {
		return req, nil, fmt.Errorf("%w: a request was expected", ir.ErrFrame)
	}
	var data bytes.Buffer
	data.Grow(int(min(req.Size, maxHint)))
	for {
		v, err := frames.Next()
		if err != nil {
			return req, nil, fmt.Errorf("read request: %w", err)
		}
		switch v := v.(type) {
		case ir.Data:
			data.Write(v.B)
		case ir.End:
			return req, data.Bytes(), nil
		default:
			return req, nil, fmt.Errorf("%w: data was expected", ir.ErrFrame)
		}
	}
}

// answer does what req asks. A reason to hold becomes a Fail; only a broken
// pipe is an error.
func answer(formats []format.Format, req ir.Request, data []byte, out *ir.Writer) error {
	err := do(formats, req, data, out)
	if err == nil {
		return out.Write(ir.End{})
	}
	var fe *format.Error
	if !errors.As(err, &fe) {
		fe = format.Hold(format.Internal, "")
	}
	return out.Write(ir.Fail{Reason: string(fe.Reason), Detail: detail(fe.Detail)})
}

// detail makes a detail fit for the wall: it may quote anything.
func detail(s string) string {
	s = ir.Cut(s, ir.MaxDetail/2)
	if ir.Clean(s, false) != nil {
		s = fmt.Sprintf("%+q", s)
	}
	return ir.Cut(s, ir.MaxDetail)
}

func do(formats []format.Format, req ir.Request, data []byte, out *ir.Writer) error {
	ctx := context.Background()
	deadline := time.UnixMilli(req.DeadlineUnixMilli)
	if req.DeadlineUnixMilli > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	switch req.Op {
	case ir.OpLint:
		return lintIn(formats, req, data, out)
	case ir.OpParse:
		in := format.Untrusted{Name: req.Name, Media: req.Media, Data: data, Defang: req.Defang, Self: req.Self, Authserv: req.Authserv,
			Budget: format.Budget{Bytes: req.Bytes, Files: req.Files, Pixels: req.Pixels, Pages: req.Pages, Depth: int(req.Depth), Deadline: deadline},
			Render: format.Render{Method: format.Method(req.Method), DPI: req.DPI, Shade: format.Shade(req.Shade), Layer: req.Layer, Page: req.Page,
				Part: format.Part{From: req.From, Step: req.Step, To: req.To, Whole: req.Whole}}}
		return parseIn(ctx, formats, format.Kind(req.Kind), in, out)
	case ir.OpIdentify:
		content, claimed := identify(formats, req.Name, req.Media, data)
		return out.Write(ir.Kind{Content: string(content), Claimed: string(claimed)})
	}
	return format.Hold(format.Internal, "unknown operation")
}

// parseIn parses a file of kind k, or one that it identifies first when k is
// "". Identified heavy kinds are not parsed here: the parent sends them to a
// worker of their own.
func parseIn(ctx context.Context, formats []format.Format, k format.Kind, in format.Untrusted, out *ir.Writer) error {
	if k != "" {
		row := rowOf(formats, k)
		if row == nil || row.Parse == nil {
			return format.Hold(format.Internal, "no parser")
		}
		return row.Parse(ctx, in, out)
	}
	content, claimed := identify(formats, in.Name, in.Media, in.Data)
	row, reason, _ := judge(formats, in.Name, content, claimed)
	var sharp format.Reason
	if row != nil && row.Sharpen != nil { // the parent knows whether it has a box that rebuilds this kind
		sharp = row.Sharpen(in.Data)
	}
	if err := out.Write(ir.Kind{Content: string(content), Claimed: string(claimed), Sharper: string(sharp)}); err != nil {
		return err
	}
	switch {
	case reason != "" || row.Class != format.ClassLight:
		return nil
	}
	return row.Parse(ctx, in, out)
}

func lintIn(formats []format.Format, req ir.Request, data []byte, out *ir.Writer) error {
	row := rowOf(formats, format.Kind(req.Kind))
	if row == nil || row.Lint == nil {
		return format.Hold(format.LintFailed, "no lint")
	}
	known := map[[32]byte]bool{}
	for k := req.Known; len(k) >= 32; k = k[32:] {
		known[[32]byte(k)] = true
	}
	return row.Lint(data, known, out)
}
