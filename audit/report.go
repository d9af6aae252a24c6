package audit

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Verdict is the result of a verification. The zero value says that nothing was
// shown.
type Verdict uint8

// The verdicts.
const (
	Unverified Verdict = iota // no log, no key, or it could not be read
	Intact                    // every check holds
	Tampered                  // the files contradict a signature, an anchor or each other
	Gap                       // nothing contradicts, but silence, the clock or a missing anchor needs an explanation
)

// ExitCode is the exit status of "sekisho audit verify": 0 intact, 1 tampered,
// 2 gap or missing anchor, 3 usage or unreadable.
func (v Verdict) ExitCode() int {
	switch v {
	case Intact:
		return 0
	case Tampered:
		return 1
	case Gap:
		return 2
	default:
		return 3
	}
}

// String returns the verdict in one lower-case word.
func (v Verdict) String() string {
	switch v {
	case Intact:
		return "intact"
	case Tampered:
		return "tampered"
	case Gap:
		return "gap"
	default:
		return "unverified"
	}
}

// Code says what kind of fault was found.
type Code string

// The closed list of faults. Those up to FaultForeign mean tampering, the rest
// are gaps.
const (
	FaultRecord     Code = "record_unreadable"   // a signed line is not a canonical record
	FaultSequence   Code = "sequence_broken"     // a record has another number than its place
	FaultSegment    Code = "segment_wrong"       // a record stands in another month's file, or a month does not begin with the checkpoint of the last
	FaultRoot       Code = "root_differs"        // the records do not give the root of a signed checkpoint
	FaultCut        Code = "records_missing"     // fewer records than a checkpoint or the tiles cover
	FaultCheckpoint Code = "checkpoint_invalid"  // a stored checkpoint is malformed, unsigned, out of order or missing
	FaultTile       Code = "tile_differs"        // a tile is missing or is not what the records give
	FaultAnchor     Code = "anchor_contradicted" // the log is not a continuation of an anchor
	FaultRetention  Code = "purge_unclear"       // early records are gone and no record says so
	FaultIndex      Code = "index_differs"       // an index file is not what the records give: a search by it may hide some
	FaultForeign    Code = "unknown_file"        // a file that no Writer makes

	FaultSilence  Code = "silence"        // no heartbeat for more than two intervals
	FaultClock    Code = "clock_backward" // time went back and no record says so
	FaultEnd      Code = "end_unfinished" // the end, not yet signed, is unreadable: a crash, or a change after it
	FaultUnsigned Code = "end_unsigned"   // the end was not signed for more than two intervals
	FaultNoAnchor Code = "anchor_missing" // anchors were asked for and there are none
)

// Tampering reports whether a fault of this kind means that the log was changed.
func (c Code) Tampering() bool {
	return !slices.Contains([]Code{FaultSilence, FaultClock, FaultEnd, FaultUnsigned, FaultNoAnchor}, c)
}

// Fault is one thing that is wrong.
type Fault struct {
	Code  Code
	Seq   int64  // first record concerned, -1 when it is not a record
	Until int64  // the fault lies in records Seq to Until-1
	Where string // file, or which anchor
}

// String describes the fault in English in one line.
func (f Fault) String() string {
	switch {
	case f.Seq < 0:
		return fmt.Sprintf("%s in %s", f.Code, f.Where)
	case f.Until > f.Seq+1:
		return fmt.Sprintf("%s in %s, records %d to %d", f.Code, f.Where, f.Seq, f.Until-1)
	}
	return fmt.Sprintf("%s in %s, record %d", f.Code, f.Where, f.Seq)
}

// Report is what Verify found.
type Report struct {
	Verdict     Verdict
	First       int64      // sequence number of the first record present
	Size        int64      // number of records ever, so the last has number Size-1
	Root        tlog.Hash  // of the tree over Size records
	Signed      Checkpoint // the latest signed checkpoint
	From, To    time.Time  // of the first and the last record present
	Segments    int
	Checkpoints int // signed checkpoints compared
	Anchors     int // anchors compared
	Heartbeats  int
	Stops       int      // silences explained by system.stopped and system.started
	TornBytes   int64    // of a line still being written, or left by a crash
	Leftovers   []string // temporary and cut-off files of a crash, at most 32
	FirstBad    int64    // first record that is or may be wrong, -1 for none
	BadUntil    int64    // the wrong record lies in FirstBad to BadUntil-1
	Faults      []Fault  // at most 32, in the order found
}

const maxFaults = 32

// fault notes what is wrong. When there are too many, a gap gives its place up to
// tampering: a log with many gaps must not hide by them that it was changed.
func (r *Report) fault(c Code, seq, until int64, where string) {
	f := Fault{c, seq, until, where}
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, f)
		return
	}
	if !c.Tampering() {
		return
	}
	for i, old := range slices.Backward(r.Faults) {
		if !old.Code.Tampering() {
			r.Faults[i] = f
			return
		}
	}
}

// judge sets the verdict and the first bad record from the faults.
func (r *Report) judge() {
	r.Verdict, r.FirstBad = Intact, -1
	for _, f := range r.Faults {
		if f.Code.Tampering() {
			r.Verdict = Tampered
		} else if r.Verdict == Intact {
			r.Verdict = Gap
		}
	}
	for _, f := range r.Faults {
		if f.Seq < 0 || f.Code.Tampering() != (r.Verdict == Tampered) {
			continue
		}
		if r.FirstBad < 0 || f.Seq < r.FirstBad || f.Seq == r.FirstBad && f.Until < r.BadUntil {
			r.FirstBad, r.BadUntil = f.Seq, f.Until
		}
	}
}

// EN returns the result in one English line.
func (r Report) EN() string {
	switch r.Verdict {
	case Intact:
		return "No tampering detected. " + r.span()
	case Tampered:
		return "Tampering detected: " + r.cause().String() + ". " + r.span()
	case Gap:
		return "Gap: " + r.cause().String() + ". " + r.span()
	}
	return "Nothing could be verified."
}

func (r Report) span() string {
	return fmt.Sprintf("Records %d to %d, signed up to %d, root %s.", r.First, r.Size-1, r.Signed.Size-1, r.Root)
}

// cause is the fault to name first: the one at FirstBad, else the first of the
// verdict's kind.
func (r Report) cause() Fault {
	for _, f := range r.Faults {
		if f.Seq >= 0 && f.Seq == r.FirstBad && f.Until == r.BadUntil {
			return f
		}
	}
	for _, f := range r.Faults {
		if f.Code.Tampering() == (r.Verdict == Tampered) {
			return f
		}
	}
	return Fault{Seq: -1}
}

// JA returns the result in one Japanese line.
func (r Report) JA() string {
	span := fmt.Sprintf("対象は記録%dから%dまで、署名済みは%dまで、ルートは%s。", r.First, r.Size-1, r.Signed.Size-1, r.Root)
	switch r.Verdict {
	case Intact:
		return "改ざんは検出されていません。" + span
	case Tampered:
		return "改ざんを検出しました。" + r.causeJA() + span
	case Gap:
		return "欠落があります。" + r.causeJA() + span
	}
	return "検証できませんでした。"
}

func (r Report) causeJA() string {
	f := r.cause()
	switch {
	case f.Seq < 0:
		return fmt.Sprintf("%s（%s）。", f.Code.JA(), f.Where)
	case f.Until > f.Seq+1:
		return fmt.Sprintf("%s（%s、記録%dから%dのどれか）。", f.Code.JA(), f.Where, f.Seq, f.Until-1)
	}
	return fmt.Sprintf("%s（%s、記録%d）。", f.Code.JA(), f.Where, f.Seq)
}

// JA names the kind of fault in Japanese.
func (c Code) JA() string {
	switch c {
	case FaultRecord:
		return "記録の形が壊れています"
	case FaultSequence:
		return "記録の番号が続いていません"
	case FaultSegment:
		return "月ごとのファイルのつながりが違います"
	case FaultRoot:
		return "記録が署名済みチェックポイントと一致しません"
	case FaultCut:
		return "署名済みの記録が足りません"
	case FaultCheckpoint:
		return "チェックポイントが正しくありません"
	case FaultTile:
		return "照合用のファイルが記録と一致しません"
	case FaultAnchor:
		return "外部保全したチェックポイントと一致しません"
	case FaultIndex:
		return "検索用のファイルが記録と一致しません"
	case FaultForeign:
		return "知らないファイルがあります"
	case FaultSilence:
		return "記録が途絶えた時間があります"
	case FaultClock:
		return "時計が戻ったのに、その記録がありません"
	case FaultEnd:
		return "末尾の署名前の記録が読めません"
	case FaultUnsigned:
		return "末尾の記録が長い間署名されていません"
	case FaultNoAnchor:
		return "外部保全したチェックポイントがありません"
	case FaultRetention:
		return "古い記録がなく、消去の記録もありません"
	}
	return "不明な異常です"
}
