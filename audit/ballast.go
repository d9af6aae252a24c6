package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// diskFull reports whether err says that there is no room left.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// refill makes the ballast again after the disk was full; until that succeeds
// nothing is appended.
func (w *Writer) refill() error {
	if !w.full {
		return nil
	}
	if err := w.fillBallast(); err != nil || w.full {
		return errors.Join(ErrFull, err)
	}
	return nil
}

// lastWords gives up the ballast when the disk is full, and uses the room to
// record that the log stopped and why, signed.
func (w *Writer) lastWords(cause error, ts time.Time) {
	if w.full || !diskFull(cause) || w.segment == nil {
		return
	}
	w.full = true
	if w.fs.Remove(ballastFile) != nil || w.fs.SyncDir(".") != nil {
		return
	}
	e := Event{
		V: Version, TS: ts, ID: w.ownID("full"), Verb: VerbCheckpoint, Outcome: Failure,
		Actor: Actor{Type: ActorSystem}, Object: Object{Type: "log"},
		Decision: Decision{ReasonCode: "disk_full"}, Articles: VerbCheckpoint.Articles(),
	}
	events := []Event{e}
	if w.segment.size == 0 && w.tree.size > 0 {
		events = []Event{w.seam(ts), e}
	}
	var batch []draft
	for _, e := range events {
		d, err := newDraft(e)
		if err != nil {
			return
		}
		batch = append(batch, d)
	}
	if w.write(batch) == nil {
		// A failure leaves the record durable but unsigned; the next Open signs it.
		_ = w.publish()
	}
}

// fillBallast makes the ballast file if it is not there in full. A full disk is
// remembered, not an error: the log can be opened and read.
func (w *Writer) fillBallast() error {
	b, err := readSmall(w.fs, ballastFile, 1<<20)
	if err == nil && int64(len(b)) == w.opt.Ballast {
		w.full = false
		return nil
	}
	// Text that does not compress to nothing, so that the room is really taken.
	var text strings.Builder
	for block := sha256.Sum256(nil); int64(text.Len()) < w.opt.Ballast; block = sha256.Sum256(block[:]) {
		text.Write(block[:])
	}
	err = overwrite(w.fs, ballastFile, []byte(text.String())[:w.opt.Ballast])
	w.full = diskFull(err)
	if err != nil && !w.full {
		return fmt.Errorf("make ballast: %w", err)
	}
	return nil
}
