package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// VerifyOptions say what a verification is to be held against.
type VerifyOptions struct {
	Anchors    []Checkpoint  // kept outside the log; each must be a prefix of it
	NeedAnchor bool          // having no anchor is a gap
	Since      *Checkpoint   // an anchor; silences and clock changes before it were looked at already
	Interval   time.Duration // between heartbeats; 0 is 5 minutes
	Skew       time.Duration // how far record times may go back unexplained; 0 is 2 minutes
	Now        time.Time     // when set, silence since the last record counts as well
}

// DefaultInterval is the time between heartbeats, and the longest time that a
// record waits for its signature.
const DefaultInterval = 5 * time.Minute

// Verify reads a whole log and checks every record, tile and checkpoint against
// the keys and anchors; it needs nothing but the files. It may run while a
// Writer appends. Memory grows with the number of tiles and checkpoints, not
// with the records.
//
// An error means that the log could not be read; the verdict is then
// Unverified.
func Verify(ctx context.Context, fsys fs.FS, keys Keys, o VerifyOptions) (Report, error) {
	if keys.Origin() == "" {
		return Report{}, fmt.Errorf("verify audit log: %w: no verifier key", ErrKey)
	}
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.Skew == 0 {
		o.Skew = 2 * time.Minute
	}
	var rep Report
	for range 3 {
		before, _ := readSmall(fsys, checkpointFile, maxNote)
		v := verifier{fs: fsys, keys: keys, opt: o}
		if err := v.run(ctx); err != nil {
			return Report{}, fmt.Errorf("verify audit log: %w", err)
		}
		rep = v.rep
		rep.judge()
		after, _ := readSmall(fsys, checkpointFile, maxNote)
		// A log that grew meanwhile may look inconsistent; look again.
		if rep.Verdict == Intact || bytes.Equal(before, after) {
			break
		}
	}
	return rep, nil
}

// verifier is one pass over a log. It reads in the reverse of the order in which
// a Writer writes, so that whatever it expects has been written before.
type verifier struct {
	fs   fs.FS
	keys Keys
	opt  VerifyOptions
	rep  Report

	heads heads
	tiles inventory
	calc  calculator
	order order
	index indexCheck
	month string // of the segment being read

	stopped bool // a record was out of place: what follows cannot be compared
}

func (v *verifier) run(ctx context.Context) error {
	list, err := months(v.fs, segmentDir, ".jsonl")
	if err != nil {
		return err
	}
	if _, err := fs.Stat(v.fs, checkpointFile); err != nil && len(list) == 0 {
		return errors.New("not the directory of a log: neither checkpoint nor segments")
	}
	if err := v.collectHeads(); err != nil {
		return err
	}
	if err := v.listFiles(ctx); err != nil {
		return err
	}
	if err := v.index.load(v.fs, &v.rep); err != nil {
		return err
	}
	v.order = order{opt: v.opt, rep: &v.rep}
	if err := v.readSegments(ctx); err != nil {
		return err
	}
	return v.finish()
}

// listFiles takes the inventory of tiles and reports files that do not belong.
// The places of a Writer's own other files are passed over.
func (v *verifier) listFiles(ctx context.Context) error {
	v.tiles = inventory{}
	return fs.WalkDir(v.fs, ".", func(name string, d fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // swept while we look
			}
			return err
		}
		if d.IsDir() {
			return nil
		}
		dir := path.Dir(name)
		switch {
		case strings.HasSuffix(name, ".tmp"), dir == tornDir:
			if len(v.rep.Leftovers) < maxFaults {
				v.rep.Leftovers = append(v.rep.Leftovers, name)
			}
		case name == checkpointFile, name == ballastFile, name == lockName:
		case dir == segmentDir && isMonth(strings.TrimSuffix(path.Base(name), ".jsonl")) && strings.HasSuffix(name, ".jsonl"):
		case dir == historyDir && isMonth(strings.TrimSuffix(path.Base(name), ".txt")) && strings.HasSuffix(name, ".txt"):
		case strings.HasPrefix(name, tileDir+"/") && v.tiles.add(name), dir == indexDir && v.index.found(name):
		default:
			v.rep.fault(FaultForeign, -1, -1, name)
		}
		return nil
	})
}

// readSegments feeds every record to the checks.
func (v *verifier) readSegments(ctx context.Context) error {
	list, err := months(v.fs, segmentDir, ".jsonl")
	if err != nil {
		return err
	}
	v.rep.Segments = len(list)
	if err := v.beginAfterPurge(ctx, list); err != nil {
		return err
	}
	for i, month := range list {
		first := true
		_, torn, err := scanSegment(ctx, v.fs, month, func(line []byte, at int64) error {
			defer func() { first = false }()
			return v.record(line, at, month, first && v.calc.size > 0)
		})
		if err != nil && !errors.Is(err, errLong) {
			return err
		}
		if v.stopped {
			return nil
		}
		switch {
		case err != nil, torn > 0 && i < len(list)-1:
			v.unreadable(month)
			return nil
		case torn > 0:
			v.rep.TornBytes = torn
		}
	}
	return nil
}

// unreadable reports that the next record cannot be read and ends the reading.
func (v *verifier) unreadable(month string) {
	code := FaultRecord
	if v.calc.size >= v.heads.signed {
		code = FaultEnd
	}
	v.rep.fault(code, v.calc.size, v.calc.size+1, segmentName(month))
	v.stopped = true
}

// record checks one line and takes it into the tree. A line whose number is not
// its place ends the reading: the tree beyond it would say nothing.
func (v *verifier) record(line []byte, at int64, month string, opens bool) error {
	seq := v.calc.size
	v.month = month
	e, err := ParseRecord(line)
	if err != nil {
		v.unreadable(month)
		return errStop
	}
	if e.Seq != seq {
		v.rep.fault(FaultSequence, seq, seq+1, segmentName(month))
		v.stopped = true
		return errStop
	}
	if e.Seg != month || monthOf(e.TS) > month || opens && !v.isSeam(e) {
		v.rep.fault(FaultSegment, seq, seq+1, segmentName(month))
	}
	v.order.see(e)
	if err := v.index.add(&v.rep, e, at, len(line)); err != nil {
		return err
	}
	return v.push(leafHash(line))
}

// isSeam reports whether e is the first record of a segment as a Writer makes
// it: a signed checkpoint of all the records before.
func (v *verifier) isSeam(e Event) bool {
	c, err := e.Checkpoint.Open(v.keys)
	return err == nil && e.Verb == VerbCheckpoint && c.Size == v.calc.size && c.Root == toHash(v.calc.root())
}

// push takes one leaf into the tree and compares what is complete with it.
func (v *verifier) push(h hash) error {
	for _, done := range v.calc.push(h) {
		if err := v.compareTile(done); err != nil {
			return err
		}
	}
	v.heads.compare(v.calc.size, v.calc.root, v.month)
	return nil
}

// beginAfterPurge takes the leaves of purged segments from the tiles. They are
// proven by the same checkpoints as the records were.
func (v *verifier) beginAfterPurge(ctx context.Context, list []string) error {
	if len(list) == 0 {
		return nil
	}
	first, whole, err := firstRecord(ctx, v.fs, list[0])
	if errors.Is(err, ErrInvalid) || err == nil && !whole {
		return nil // reported when it is read
	}
	if err != nil {
		return err
	}
	v.rep.First = first.Seq
	v.order.present = first.Seq
	for v.calc.size < first.Seq {
		if err := ctx.Err(); err != nil {
			return err
		}
		width := min(tileWidth, first.Seq-v.calc.size)
		hashes, err := readTile(v.fs, 0, v.calc.size/tileWidth, int(width))
		if err != nil {
			return nil // the records now come at another place, which is reported
		}
		for _, h := range hashes {
			if err := v.push(hash(h)); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish compares what is only known at the end.
func (v *verifier) finish() error {
	v.rep.Size, v.rep.Root = v.calc.size, toHash(v.calc.root())
	if !v.stopped {
		for _, rest := range v.calc.unfinished() {
			if err := v.compareTile(rest); err != nil {
				return err
			}
		}
		for _, name := range v.tiles.rest() {
			v.rep.fault(FaultCut, -1, -1, name)
		}
	}
	if !v.stopped {
		v.index.rest(&v.rep)
	}
	v.heads.report(&v.rep, v.stopped)
	v.order.finish(v.calc.size, v.heads.signed)
	return nil
}
