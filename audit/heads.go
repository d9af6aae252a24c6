package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// head is a checkpoint that the records must give.
type head struct {
	size   int64
	root   hash
	where  string
	anchor bool
	month  string // of the history file that it stands in, which is that of its last record's segment
}

// heads are all checkpoints that a log is held against, by size.
type heads struct {
	list   []head
	next   int
	signed int64 // the largest size that the log's own checkpoints state
	good   int64 // the largest size whose root was right before one was wrong
	bad    *head // the first of the log's own that was wrong
	forked *head // the first anchor that was wrong
	since  int64 // good when forked was found
	misses []miss

	strange string // a history file with checkpoints of another month
}

// collectHeads reads all checkpoints: the published one, the history, anchors.
func (v *verifier) collectHeads() error {
	published, err := v.published()
	if err != nil {
		return err
	}
	last, err := v.history()
	if err != nil {
		return err
	}
	switch {
	case last.Size < published.Size, last.Size == published.Size && last.Root != published.Root:
		v.rep.fault(FaultCheckpoint, -1, -1, historyDir)
		v.expect(published, checkpointFile, false)
	case published.Size == 0 && v.rep.Checkpoints > 1: // the first may not have been published yet
		v.rep.fault(FaultCheckpoint, -1, -1, checkpointFile)
	}
	v.rep.Signed = last
	if published.Size > last.Size {
		v.rep.Signed = published
	}
	v.heads.signed = v.rep.Signed.Size
	anchors := v.opt.Anchors
	if v.opt.Since != nil {
		anchors = append(slices.Clone(anchors), *v.opt.Since)
	}
	for i, a := range anchors {
		v.expect(a, fmt.Sprintf("anchor %d (size %d)", i+1, a.Size), true)
	}
	v.rep.Anchors = len(anchors)
	if v.opt.NeedAnchor && len(anchors) == 0 {
		v.rep.fault(FaultNoAnchor, -1, -1, "anchors")
	}
	slices.SortStableFunc(v.heads.list, func(a, b head) int { return int(min(max(a.size-b.size, -1), 1)) })
	return nil
}

func (v *verifier) expect(c Checkpoint, where string, anchor bool) {
	if !anchor {
		v.rep.Checkpoints++
	}
	if c.Size > 0 {
		v.heads.list = append(v.heads.list, head{size: c.Size, root: hash(c.Root), where: where, anchor: anchor})
	}
}

// published reads the checkpoint file. A log without one has nothing signed.
func (v *verifier) published() (Checkpoint, error) {
	b, err := readSmall(v.fs, checkpointFile, 16*maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{}, nil
	}
	if err != nil && !errors.Is(err, errLarge) {
		return Checkpoint{}, err
	}
	c, err := OpenCheckpoint(b, v.keys)
	if err != nil {
		v.rep.fault(FaultCheckpoint, -1, -1, checkpointFile)
	}
	return c, nil
}

// history reads the checkpoint history of all months and returns the last one.
// Sizes must grow: a Writer records each once.
func (v *verifier) history() (Checkpoint, error) {
	list, err := months(v.fs, historyDir, ".txt")
	if err != nil {
		return Checkpoint{}, err
	}
	var last Checkpoint
	for i, month := range list {
		name := historyName(month)
		b, err := readSmall(v.fs, name, maxHistory)
		if errors.Is(err, errLarge) {
			v.rep.fault(FaultCheckpoint, -1, -1, name)
		} else if err != nil {
			return Checkpoint{}, err
		}
		last = v.entries(b, name, last, i == len(list)-1)
	}
	return last, nil
}

// entries reads the history of one month. The end of the newest may be
// unreadable: a crash came while it was written. A checkpoint lost that way was
// not published, which collectHeads compares.
func (v *verifier) entries(b []byte, name string, last Checkpoint, newest bool) Checkpoint {
	for len(b) > 0 {
		n := historyEnd(b)
		c, err := Checkpoint{}, ErrCheckpoint
		if n > 0 {
			c, err = OpenCheckpoint(b[:n-1], v.keys)
		} else {
			n = len(b)
		}
		b = b[n:]
		switch {
		case err == nil && c.Size > last.Size:
			last = c
			v.expect(c, name, false)
			v.heads.list[len(v.heads.list)-1].month = strings.TrimSuffix(path.Base(name), ".txt")
		case err == nil || !newest || len(b) > 0 || n > maxNote:
			v.rep.fault(FaultCheckpoint, -1, -1, name)
		}
	}
	return last
}

// compare holds the tree of the given size, whose last record stands in the segment
// of month ("" when that was purged), against the checkpoints of that size.
func (h *heads) compare(size int64, root func() hash, month string) {
	for ; h.next < len(h.list) && h.list[h.next].size == size; h.next++ {
		c := &h.list[h.next]
		if c.month != "" && month != "" && c.month != month && h.strange == "" {
			h.strange = c.where
		}
		switch {
		case c.root == root():
			if h.bad == nil {
				h.good = size
			}
		case c.anchor && h.forked == nil:
			h.forked, h.since = c, h.good
		case !c.anchor && h.bad == nil:
			h.bad = c
		}
	}
}

func (h *heads) missed(m miss) {
	if len(h.misses) < maxFaults {
		h.misses = append(h.misses, m)
	}
}

// report turns what did not agree into faults. A tile that differs within the
// records of a wrong checkpoint tells which record was changed; elsewhere the
// tile itself is wrong. When reading stopped early, checkpoints not reached say
// nothing more.
func (h *heads) report(rep *Report, stopped bool) {
	if h.strange != "" {
		rep.fault(FaultCheckpoint, -1, -1, h.strange)
	}
	if h.bad != nil {
		from, until := h.good, h.bad.size
		for _, m := range h.misses {
			if m.from >= from && m.until <= until {
				from, until = m.from, m.until
			}
		}
		rep.fault(FaultRoot, from, until, h.bad.where)
	}
	for _, m := range h.misses {
		if h.bad == nil || m.until <= h.good {
			rep.fault(FaultTile, -1, -1, m.name)
		}
	}
	if h.forked != nil {
		rep.fault(FaultAnchor, h.since, h.forked.size, h.forked.where)
	}
	for _, c := range h.list[h.next:] {
		switch {
		case c.anchor && (c.size > h.signed || !stopped):
			rep.fault(FaultAnchor, rep.Size, c.size, c.where)
			return
		case !c.anchor && !stopped:
			rep.fault(FaultCut, rep.Size, c.size, c.where)
			return
		}
	}
}
