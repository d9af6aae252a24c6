package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
)

// records are the numbers and leaves of the records of an export.
type records struct {
	filter Filter
	table  *table // also gets each record
	seqs   []int64
	leaves []hash
}

// read takes at most limit records, one a line, each of which the filter chooses.
func (r *records) read(ctx context.Context, from io.Reader, limit int64) error {
	_, torn, err := scanLines(ctx, from, func(line []byte, _ int64) error {
		if int64(len(r.seqs)) == limit {
			return errStop
		}
		e, err := ParseRecord(line)
		if err != nil {
			return fmt.Errorf("record %d of the export: %w", len(r.seqs)+1, err)
		}
		if !r.filter.Match(e) {
			return fmt.Errorf("record %d is not one of those that were asked for", e.Seq)
		}
		r.seqs, r.leaves = append(r.seqs, e.Seq), append(r.leaves, leafHash(line))
		if r.table == nil {
			return nil
		}
		return r.table.add(e)
	})
	switch {
	case int64(len(r.seqs)) == limit && (errors.Is(err, errStop) || errors.Is(err, errLong)):
		return nil // what follows is the last line of a proof
	case err == nil && torn > 0:
		return errors.New("the last line of the export is not whole")
	}
	return err
}

// readTable makes a CSV file again from its records and compares.
func (r *records) readTable(ctx context.Context, export io.Reader, proof io.ReadSeeker, lang string, n int64) error {
	l, ok := languageOf(lang)
	if !ok {
		return errors.New("unknown language")
	}
	if _, err := proof.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the proof again: %w", err)
	}
	want, got := sha256.New(), sha256.New()
	var err error
	if r.table, err = newTable(want, l); err != nil {
		return err
	}
	if err := r.read(ctx, proof, n); err != nil {
		return err
	}
	if err := r.table.flush(); err != nil {
		return err
	}
	if _, err := io.Copy(got, export); err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	if !bytes.Equal(want.Sum(nil), got.Sum(nil)) {
		return errors.New("the table is not the one that the records give")
	}
	return nil
}

// check holds the records against the root.
func (r *records) check(p exportProof, c Checkpoint) error {
	if p.Count != int64(len(r.seqs)) {
		return errors.New("not as many records as the proof says")
	}
	if p.Count == 0 {
		return nil
	}
	seqs, leaves := r.seqs, r.leaves
	if len(p.Before) > 0 {
		leaf, err := r.neighbour(p.Before, seqs[0]-1)
		if err != nil {
			return err
		}
		seqs, leaves = append([]int64{seqs[0] - 1}, seqs...), append([]hash{leaf}, leaves...)
	}
	if len(p.After) > 0 {
		next := seqs[len(seqs)-1] + 1
		leaf, err := r.neighbour(p.After, next)
		if err != nil {
			return err
		}
		seqs, leaves = append(seqs, next), append(leaves, leaf)
	}
	root, err := subsetRoot(c.Size, seqs, leaves, p.Hashes)
	if err != nil {
		return err
	}
	if toHash(root) != c.Root {
		return errors.New("the records are not those of the checkpoint")
	}
	return nil
}

// neighbour checks the record beside an export by time: it has that number and
// is not of that time.
func (r *records) neighbour(line []byte, seq int64) (hash, error) {
	e, err := ParseRecord(line)
	switch {
	case err != nil:
		return hash{}, fmt.Errorf("the record beside the export: %w", err)
	case e.Seq != seq || !r.filter.timeOnly() || r.filter.Match(e):
		return hash{}, fmt.Errorf("record %d is not the one beside the export", e.Seq)
	}
	return leafHash(line), nil
}

// table writes events as CSV.
type table struct {
	c    *csv.Writer
	lang Language
	row  []string
}

func newTable(w io.Writer, lang Language) (*table, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	t := &table{c: csv.NewWriter(w), lang: lang, row: make([]string, len(columns))}
	t.c.UseCRLF = true
	for i, col := range columns {
		t.row[i] = col.ja
		if lang == English {
			t.row[i] = col.en
		}
	}
	return t, t.c.Write(t.row)
}

func (t *table) add(e Event) error {
	for i, col := range columns {
		t.row[i] = Cell(col.of(e, t.lang))
	}
	return t.c.Write(t.row)
}

func (t *table) flush() error {
	t.c.Flush()
	return t.c.Error()
}
