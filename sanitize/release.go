package sanitize

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/mail"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/seal"
)

// FollowUp is the mail of a released part, as package mail builds it.
type FollowUp = mail.FollowUp

// Released is one part of a mail, sanitized again by itself.
type Released struct {
	Part Node   // the caller closes it
	ID   string // Message-ID of the mail, "" when it was not read
}

// maxPath is how deep a part may lie.
const maxPath = 64

// Release sanitizes one part of a mail, the one at path, by in.Rules; "" is the
// mail itself, built as one to be attached. What is above the part is parsed
// and no more. Like Sanitize it gives an error only when it could not work at
// all; a part that cannot be reached is held.
func (e *Engine) Release(ctx context.Context, in Input, path string, budget format.Budget) (Released, error) {
	r := Released{Part: Node{Path: path, Method: format.MethodNone, Kind: format.Unknown, Reason: format.Internal}}
	in.Attached = true
	err := e.visit(ctx, in, path, budget, &r.ID, func(ctx context.Context, s *session, f file, b *format.Budget) error {
		r.Part = s.node(ctx, f, b)
		if path == "" {
			r.ID = r.Part.ID
		}
		if s.deaths >= maxDeaths && r.Part.Verdict == format.Held {
			r.Part.Reason = format.CrashLoop
		}
		return nil
	}, r.Part.hold)
	if err != nil {
		r.Part.Close()
		return Released{}, err
	}
	return r, nil
}

// FollowUp writes the mail that brings a released part. The caller closes the
// Body, and may close the part before it. An *format.Error says why the mail
// cannot be sent.
func (e *Engine) FollowUp(ctx context.Context, f FollowUp, part *Node) (Body, error) {
	if !part.Body.OK() {
		return Body{}, format.Hold(part.Reason.Listed(), part.Detail)
	}
	f.Part, f.Exception = part.child(), ""
	return e.compose(ctx, []Node{*part}, func(w io.Writer) error { return mail.BuildFollowUp(f, w) })
}

// Taken is one part of a mail as it was received: hostile bytes. Only Wrap
// takes it.
type Taken struct {
	Kind format.Kind // as in.Rules' engine knew it when the part was held; set by the caller
	ID   string      // Message-ID of the mail, "" when it was not read
	name string
	sum  [32]byte
	data *memfile.File
}

// Sum returns the SHA-256 of the part.
func (t Taken) Sum() [32]byte { return t.sum }

// Close gives back the memory.
func (t *Taken) Close() {
	if t.data != nil {
		t.data.Close()
	}
	*t = Taken{}
}

// Take takes a part out of a mail without looking at it, for an exception. An
// *format.Error says why it cannot be had.
func (e *Engine) Take(ctx context.Context, in Input, path string, budget format.Budget) (Taken, error) {
	var t Taken
	var held error
	err := e.visit(ctx, in, path, budget, &t.ID, func(_ context.Context, _ *session, f file, _ *format.Budget) error {
		if f.Note.Code != "" {
			return format.Hold(format.Reason(f.Note.Code), f.Note.Detail)
		}
		t.name, t.data = f.Name, memfile.New(f.data.Size())
		h := newHash()
		if _, err := io.Copy(io.MultiWriter(t.data, h), f.data.Reader()); err != nil {
			return fmt.Errorf("take part: %w", err)
		}
		h.Sum(t.sum[:0])
		return nil
	}, func(err error) { held = err })
	if err == nil {
		err = held
	}
	if err != nil {
		t.Close()
	}
	return t, err
}

// Wrapped is a mail of ours with an original in it. It is no Body: what it
// brings was not rebuilt, and only an approved exception seals it.
type Wrapped struct {
	sum  [32]byte
	file *memfile.File
}

// Sum returns the SHA-256 of the mail.
func (w Wrapped) Sum() [32]byte { return w.sum }

// Size returns the bytes of the mail.
func (w Wrapped) Size() int64 { return w.file.Size() }

// Reader returns a reader of the mail from its start.
func (w Wrapped) Reader() io.Reader { return w.file.Reader() }

// Basis returns what seal.Sign needs: the statement that an approved exception
// lets this mail go. It is the zero Basis when the grant is none.
func (w Wrapped) Basis(g seal.Grant) seal.Basis { return seal.Excepted(w.sum, w.file.Size(), g) }

// Close gives back the memory.
func (w *Wrapped) Close() { w.file.Close() }

// Wrap writes the mail that brings an original under the exception named in f.
// Everything of it but the attachment is ours and passes the lint: the one
// thing that the lint may find is an attachment of unknown type in the one
// place where it belongs. The caller closes the Wrapped.
func (e *Engine) Wrap(ctx context.Context, f FollowUp, t Taken) (Wrapped, error) {
	ctx, cancel := context.WithTimeout(ctx, composeTime)
	defer cancel()
	if f.Exception == "" || t.data == nil {
		return Wrapped{}, format.Hold(format.Internal, "an original without an exception")
	}
	f.Part = format.Child{Name: safeName(t.name, "original", ""), Original: t.name, Kind: t.Kind, Media: originalMedia, Verdict: format.Rebuilt,
		Sum: t.sum, Size: t.data.Size(), Open: t.data.Reader}
	out := memfile.New(maxOutput)
	h := newHash()
	err := e.guarded(func() error { return mail.BuildFollowUp(f, io.MultiWriter(out, h)) })
	if err == nil {
		err = e.lintWrapped(ctx, out, t.sum)
	}
	if err != nil {
		out.Close()
		return Wrapped{}, fmt.Errorf("wrap original: %w", err)
	}
	w := Wrapped{file: out}
	h.Sum(w.sum[:0])
	return w, nil
}

// originalMedia is the type of every original: no program opens it by itself.
const originalMedia = "application/octet-stream"

func (e *Engine) lintWrapped(ctx context.Context, out *memfile.File, original [32]byte) error {
	s := &session{engine: e, boxes: map[format.Class]*box{}}
	defer s.close()
	faults, err := s.faults(ctx, rowOf(e.formats, format.Mail), out, [][32]byte{original})
	if err != nil {
		return err
	}
	if len(faults) != 1 || faults[0].Code != "lint_media" || faults[0].Where != "part 2" || strings.Trim(faults[0].Detail, `"`) != originalMedia {
		return format.Hold(format.LintFailed, fmt.Sprint(faults))
	}
	return nil
}

// visit calls at with the file at a path. A fault of the mail goes to held; the
// error is one of the machine.
func (e *Engine) visit(ctx context.Context, in Input, path string, budget format.Budget, id *string,
	at func(context.Context, *session, file, *format.Budget) error, held func(error)) error {
	ctx, cancel := context.WithDeadline(ctx, budget.Deadline)
	defer cancel()
	s := &session{engine: e, in: in, boxes: map[format.Class]*box{}}
	defer s.close()
	steps, err := steps(path)
	if err == nil {
		root := file{Child: ir.Child{Name: in.Name, Media: in.Media}, kind: in.Kind, data: in.Data}
		err = e.guarded(func() error { return s.descend(ctx, root, steps, &budget, id, at) })
	}
	if s.broken != nil {
		return s.broken
	}
	if err != nil {
		held(err)
	}
	return nil
}

// steps reads a path: "2.1" is the first part of the second.
func steps(path string) ([]int, error) {
	var all []int
	for path != "" {
		var head string
		head, path, _ = strings.Cut(path, ".")
		n, err := strconv.Atoi(head)
		if err != nil || n < 1 || len(all) == maxPath {
			return nil, format.Hold(format.Internal, "not a path")
		}
		all = append(all, n)
	}
	return all, nil
}

// descend parses f and its children along steps, and calls at with the last.
func (s *session) descend(ctx context.Context, f file, steps []int, budget *format.Budget, id *string,
	at func(context.Context, *session, file, *format.Budget) error) error {
	if len(steps) == 0 {
		return at(ctx, s, f, budget)
	}
	if f.Note.Code != "" {
		return format.Hold(format.Reason(f.Note.Code), f.Note.Detail)
	}
	inner, err := budget.Enter(f.data.Size())
	if err != nil {
		return err
	}
	defer func() { budget.Settle(inner) }()
	p, err := s.parse(ctx, f, &inner)
	defer p.close()
	if err != nil {
		return err
	}
	if f.path == "" {
		*id = p.claims.id
	}
	n := steps[0]
	if n > len(p.kids) {
		return format.Hold(format.Internal, "no such part")
	}
	k := p.kids[n-1]
	k.path = childPath(f.path, n-1)
	return s.descend(ctx, k, steps[1:], &inner, id, at)
}
