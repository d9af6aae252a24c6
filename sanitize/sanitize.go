// Package sanitize is the engine: it takes one hostile file, usually a mail,
// and gives back a tree of decisions and rebuilt files.
//
// For each node of the tree: a box identifies the content; a box parses it
// into typed values and child files; each child becomes a node of its own with
// a share of the budget; the policy chooses; a builder writes a new file from
// the values; a lint in another box re-reads it. Only then does a Body exist,
// and only a Body can be sealed. Children are decided before their parent, so
// the mail is built last and can say what became of each.
//
// Whatever goes wrong holds the node: an error, a limit, a dead worker, an
// unknown kind, a lint finding. The zero Node is held.
package sanitize

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/seal"
)

// ErrNoWorker means that no box could be started: the machine is at fault, not
// the file. The work can be done again.
var ErrNoWorker = errors.New("sanitize: start a worker")

// Engine sanitizes files. It is safe for concurrent use.
type Engine struct {
	boxes   *sandbox.Pool
	formats []format.Format
	log     *slog.Logger
	room    chan struct{} // held while a large file is built
	pairs   bool          // a long document may have two boxes at once
}

// New returns an Engine that parses in boxes of pool, whose classes must be
// those of Classes.
func New(pool *sandbox.Pool, log *slog.Logger) *Engine {
	return &Engine{boxes: pool, formats: withClasses(Formats(), pool.Has), log: log, room: make(chan struct{}, 1),
		pairs: runtime.GOMAXPROCS(0) > 1}
}

// Input is one file to sanitize and what is known about it.
type Input struct {
	Name  string      // claimed name, "" if none
	Media string      // claimed type/subtype, "" if none
	Kind  format.Kind // set when it is known from outside: mail from SMTP
	Data  *memfile.File

	Rules policy.Rules
	Facts *format.Facts // of a mail that is to be relayed; nil otherwise

	Authserv string // upstream authserv-id, "" for none

	// Progress is told of each page of a document that is begun, while the work
	// goes on: it must not wait for anything. nil: nobody looks.
	Progress func(Progress)

	// Attached has a mail judged as one that is to be relayed, by its Facts, but
	// built as one that will be attached to another.
	Attached bool
}

// Node is the outcome for one file. Its zero value is held.
type Node struct {
	Path     string // "" for the root, "2.1" for the first part of the second
	Name     string // the sender's name, cleaned
	Claimed  format.Kind
	Kind     format.Kind
	Verdict  format.Verdict
	Reason   format.Reason // of a hold or a strip by policy
	Detail   string        // for administrators; may quote hostile text
	Method   format.Method
	Findings []format.Finding
	Size     int64    // of the file as received
	Sum      [32]byte // SHA-256 of the file as received
	Body     Body
	Kids     []Node

	Subject string     // of a mail, cleaned
	From    []string   // of a mail: addresses of its From field
	ID      string     // of a mail: its Message-ID
	sent    *ir.Date   // of a mail
	sheets  []ir.Sheet // of a rebuilt file with pages; their Marks are characters of text
}

// Body is a rebuilt file that passed its lint. Only the engine makes one; the
// zero Body is none.
type Body struct {
	name  string
	media string
	sum   [32]byte
	file  *memfile.File
	ok    bool
}

// OK reports whether there is a rebuilt file.
func (b Body) OK() bool { return b.ok }

// Name returns the safe file name of the rebuilt file.
func (b Body) Name() string { return b.name }

// Sum returns the SHA-256 of the rebuilt file.
func (b Body) Sum() [32]byte { return b.sum }

// Size returns the bytes of the rebuilt file, 0 for none.
func (b Body) Size() int64 {
	if !b.ok {
		return 0
	}
	return b.file.Size()
}

// Reader returns a reader of the rebuilt file from its start.
func (b Body) Reader() io.Reader {
	if !b.ok {
		return errReader{}
	}
	return b.file.Reader()
}

// Basis returns what seal.Sign needs: the statement that this body passed its
// lint.
func (b Body) Basis() seal.Basis {
	if !b.ok {
		return seal.Basis{}
	}
	return seal.Linted(b.sum, b.file.Size())
}

// Close gives back the body's memory; the body is none afterwards.
func (b *Body) Close() {
	if b.file != nil {
		b.file.Close()
	}
	*b = Body{}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("sanitize: no rebuilt file") }

// Close gives back the memory of the node's and its children's bodies.
func (n *Node) Close() {
	for i := range n.Kids {
		n.Kids[i].Close()
	}
	n.Body.Close()
}

// Walk calls f for the node and everything below it, parents first.
func (n *Node) Walk(f func(*Node)) {
	f(n)
	for i := range n.Kids {
		n.Kids[i].Walk(f)
	}
}

// Digest identifies the outcome of the whole tree for the audit record: the
// path, kind, verdict, reason and output of each node.
func (n *Node) Digest() string {
	h := newHash()
	n.Walk(func(m *Node) {
		fmt.Fprintf(h, "%q %s %s %s %x %x\n", m.Path, m.Kind, m.Verdict, m.Reason, m.Sum, m.Body.sum)
	})
	return hex.EncodeToString(h.Sum(nil))
}

// Sanitize sanitizes one file. It returns an error only when it could not
// work at all (no worker, a cancelled context); everything that is wrong with
// the file is in the Node. The caller closes the Node.
func (e *Engine) Sanitize(ctx context.Context, in Input, budget format.Budget) (Node, error) {
	ctx, cancel := context.WithDeadline(ctx, budget.Deadline)
	defer cancel()
	s := &session{engine: e, in: in, end: budget.Deadline, boxes: map[format.Class]*box{}}
	defer s.close()
	n := Node{Name: in.Name, Kind: in.Kind, Method: format.MethodNone, Reason: format.Internal, Size: in.Data.Size()}
	err := e.guarded(func() error {
		n = s.node(ctx, file{Child: ir.Child{Name: in.Name, Media: in.Media}, kind: in.Kind, data: in.Data}, &budget)
		return nil
	})
	if err != nil {
		n.Detail = err.Error()
	}
	if s.broken != nil {
		n.Close()
		return Node{}, s.broken
	}
	if s.deaths >= maxDeaths && n.Verdict == format.Held {
		n.Reason = format.CrashLoop
	}
	return n, nil
}

// gallery is how many pictures of the largest size one mail may hold. Flat
// pictures of a few KB each could else keep a worker busy for minutes.
const gallery = 10

// BudgetOf returns the budget that rules give to a whole mail.
func BudgetOf(r policy.Rules) format.Budget {
	l := r.Limits
	return format.Budget{Bytes: l.Bytes, Files: l.Files, Pixels: l.Pixels, Gallery: gallery * l.Pixels, Pages: l.Pages, Depth: l.Depth}
}
