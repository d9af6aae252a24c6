package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Format is the form of an export.
type Format string

// The formats of exports.
const (
	JSONL Format = "jsonl"
	CSV   Format = "csv"
)

// exportProof is the last line of the proof file of an export; before it, the
// proof of a CSV file has the records as they stand in the log, from which the
// file can be made again. The proof of a JSONL file needs no copy.
type exportProof struct {
	V          int         `json:"v"` // Version
	Format     Format      `json:"format"`
	Lang       string      `json:"lang,omitempty"` // of CSV: ja or en
	Filter     filterJSON  `json:"filter"`
	Count      int64       `json:"count"`
	Checkpoint string      `json:"checkpoint"` // signed note
	Hashes     []tlog.Hash `json:"hashes"`     // subset.go
	// Of an export by time alone: the records next to it, which show that its
	// ends were not cut off. Under the proof like its own.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// filterJSON is a Filter in a proof.
type filterJSON struct {
	Since   *time.Time `json:"since,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Events  []Verb     `json:"events,omitempty"`
	Receipt string     `json:"receipt,omitempty"`
	Sender  string     `json:"sender,omitempty"`
	Actor   string     `json:"actor,omitempty"`
	SHA256  string     `json:"sha256,omitempty"`
	Request string     `json:"request_id,omitempty"`
}

func (f Filter) json() filterJSON {
	j := filterJSON{Events: f.Verbs, Receipt: f.Receipt, Sender: f.Sender, Actor: f.Actor, SHA256: f.SHA256, Request: f.Request}
	if !f.Since.IsZero() {
		j.Since = &f.Since
	}
	if !f.Until.IsZero() {
		j.Until = &f.Until
	}
	return j
}

func (j filterJSON) filter() Filter {
	f := Filter{Verbs: j.Events, Receipt: j.Receipt, Sender: j.Sender, Actor: j.Actor, SHA256: j.SHA256, Request: j.Request}
	if j.Since != nil {
		f.Since = *j.Since
	}
	if j.Until != nil {
		f.Until = *j.Until
	}
	return f
}

// ExportOptions say what Export writes.
type ExportOptions struct {
	Format Format
	Lang   Language // of CSV
	Filter Filter
	// Size is that of the checkpoint that the records are under; 0 is the published
	// one. Exports of one size are the same bytes, however much later.
	Size int64
}

// Export writes the chosen records that are under the checkpoint, and
// to proof what VerifyExport needs to show that they are: neither changed nor
// put in, and without a gap where their numbers follow each other. Records that
// are not signed yet are left out and counted in unsigned. Errors wrap
// ErrCheckpoint or ErrProof where these apply.
func Export(ctx context.Context, fsys fs.FS, keys Keys, o ExportOptions, export, proof io.Writer) (n, unsigned int64, err error) {
	c, err := published(fsys, keys)
	if err == nil && o.Size > 0 {
		c, err = CheckpointAt(ctx, fsys, keys, o.Size)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("export audit records: %w", err)
	}
	x, err := newExporter(o, export, proof)
	if err != nil {
		return 0, 0, fmt.Errorf("export audit records: %w", err)
	}
	err = Select(ctx, fsys, Filter{}, func(line []byte, e Event) error {
		chosen := o.Filter.Match(e)
		switch {
		case e.Seq < c.Size && chosen:
			return x.add(line, e)
		case e.Seq < c.Size:
			x.pass(line)
		case chosen:
			unsigned++
		}
		return nil
	})
	if err == nil {
		err = x.finish(fsys, c)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("export audit records: %w", err)
	}
	return int64(len(x.seqs)), unsigned, nil
}

// exporter writes an export and its proof.
type exporter struct {
	opt    ExportOptions
	export io.Writer
	proof  *bufio.Writer
	table  *table // of CSV
	seqs   []int64
	// before is the record that precedes the first chosen one, after the one that
	// follows the last. The slices are used again.
	before, after []byte
}

func newExporter(o ExportOptions, export, proof io.Writer) (*exporter, error) {
	x := &exporter{opt: o, export: export, proof: bufio.NewWriter(proof)}
	switch o.Format {
	case JSONL:
		return x, nil
	case CSV:
		var err error
		x.table, err = newTable(export, o.Lang)
		return x, err
	}
	return nil, fmt.Errorf("no such format: %.20q", o.Format)
}

func (x *exporter) add(line []byte, e Event) error {
	if len(x.seqs) == maxSubset {
		return fmt.Errorf("more than %d records; choose a shorter time", maxSubset)
	}
	x.seqs = append(x.seqs, e.Seq)
	x.after = x.after[:0]
	if x.table == nil {
		return writeLine(x.export, line)
	}
	if err := writeLine(x.proof, line); err != nil {
		return err
	}
	return x.table.add(e)
}

// pass sees a record that is not chosen.
func (x *exporter) pass(line []byte) {
	switch {
	case len(x.seqs) == 0:
		x.before = append(x.before[:0], line...)
	case len(x.after) == 0:
		x.after = append(x.after, line...)
	}
}

func writeLine(w io.Writer, line []byte) error {
	_, err := w.Write(append(bytes.Clone(line), '\n'))
	return err
}

// finish writes the last line of the proof.
func (x *exporter) finish(fsys fs.FS, c Checkpoint) error {
	if x.table != nil {
		if err := x.table.flush(); err != nil {
			return err
		}
	}
	p := exportProof{V: Version, Format: x.opt.Format, Filter: x.opt.Filter.json(), Count: int64(len(x.seqs)), Checkpoint: string(c.Note)}
	if x.table != nil {
		p.Lang = x.opt.Lang.code()
	}
	if n := len(x.seqs); n > 0 {
		seqs := x.seqs
		if first, last := seqs[0], seqs[n-1]; x.opt.Filter.timeOnly() && last-first+1 == int64(n) {
			if len(x.before) > 0 {
				p.Before, seqs = x.before, append([]int64{first - 1}, seqs...)
			}
			if len(x.after) > 0 {
				p.After, seqs = x.after, append(seqs, last+1)
			}
		}
		reader := tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileFiles{fsys})
		var err error
		if p.Hashes, err = proveSubset(c.Size, seqs, reader); err != nil {
			return fmt.Errorf("%w: %w", ErrProof, err)
		}
	}
	e := json.NewEncoder(x.proof)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return err
	}
	return x.proof.Flush()
}

// Exported is what the proof of an export shows: its Count records are in the
// log under this checkpoint.
type Exported struct {
	Checkpoint  Checkpoint
	Format      Format
	Filter      Filter // by which it says the records were chosen; each of them fits it
	Count       int64
	First, Last int64 // numbers of the records, -1 in an empty export
	// Unbroken says that the export has every record from First to Last. Where it
	// is false, others lie between that were not chosen; whether all that the
	// filter chooses are there shows only beside the log.
	Unbroken bool
	// Whole says more: the filter is of a time alone, and the export begins and
	// ends with the log or beside a record that is not of that time.
	Whole bool
}

// VerifyExport checks an export against its proof and the public key, without
// the log. The error wraps ErrProof; there is nothing between proven and not.
func VerifyExport(ctx context.Context, export io.Reader, proof io.ReadSeeker, keys Keys) (Exported, error) {
	x, err := verifyExport(ctx, export, proof, keys)
	if err != nil {
		return Exported{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return x, nil
}

func verifyExport(ctx context.Context, export io.Reader, proof io.ReadSeeker, keys Keys) (Exported, error) {
	p, copies, err := lastLine(ctx, proof)
	if err != nil {
		return Exported{}, err
	}
	c, err := OpenCheckpoint([]byte(p.Checkpoint), keys)
	if err != nil {
		return Exported{}, err
	}
	r := &records{filter: p.Filter.filter()}
	switch {
	case p.Format == CSV:
		err = r.readTable(ctx, export, proof, p.Lang, copies)
	case copies > 0:
		err = errors.New("the proof has records that belong into the export")
	default:
		err = r.read(ctx, export, maxSubset+1)
	}
	if err == nil {
		err = r.check(p, c)
	}
	if err != nil {
		return Exported{}, err
	}
	x := Exported{Checkpoint: c, Format: p.Format, Filter: r.filter, Count: p.Count, First: -1, Last: -1}
	if n := len(r.seqs); n > 0 {
		x.First, x.Last = r.seqs[0], r.seqs[n-1]
		x.Unbroken = x.Last-x.First+1 == x.Count
		begins := x.First == 0 || len(p.Before) > 0
		ends := x.Last == c.Size-1 || len(p.After) > 0
		x.Whole = x.Unbroken && r.filter.timeOnly() && begins && ends
	}
	return x, nil
}

// lastLine reads the last line of a proof file and counts those before it.
func lastLine(ctx context.Context, proof io.Reader) (exportProof, int64, error) {
	var last []byte
	n := int64(-1)
	for b := bufio.NewReader(proof); ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return exportProof{}, 0, ctx.Err()
		}
		line, err := readBounded(b, maxBundle)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil || n >= maxSubset {
			return exportProof{}, 0, errors.New("the proof does not end in a whole line, or is too long")
		}
		last = line
	}
	var p exportProof
	d := json.NewDecoder(bytes.NewReader(last))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return exportProof{}, 0, plain(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || p.V != Version || p.Format != JSONL && p.Format != CSV {
		return exportProof{}, 0, errors.New("unknown version or form")
	}
	return p, n, nil
}

// readBounded reads one line without its end, of at most limit bytes.
func readBounded(b *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return nil, errLong
		}
		line = append(line, part...)
		if err == nil {
			return line[:len(line)-1], nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
