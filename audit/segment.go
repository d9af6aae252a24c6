package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

const (
	segmentDir = "segments"
	historyDir = "checkpoints"
	tornDir    = "torn"
	tileDir    = "tile"

	checkpointFile = "checkpoint"
	ballastFile    = "ballast"
	lockName       = "lock"
)

func segmentName(month string) string { return segmentDir + "/" + month + ".jsonl" }
func historyName(month string) string { return historyDir + "/" + month + ".txt" }

// months lists the months that have a file with the given ending in dir, oldest
// first. A missing directory is an empty list; other names are passed over here
// and reported by Verify.
func months(fsys fs.FS, dir, ending string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var list []string
	for _, e := range entries {
		if m, ok := strings.CutSuffix(e.Name(), ending); ok && isMonth(m) && !e.IsDir() {
			list = append(list, m)
		}
	}
	slices.Sort(list)
	return list, nil
}

// errStop ends a scan early without being a failure.
var errStop = errors.New("stop")

// errLong is returned by scanLines for a line that no record can be.
var errLong = fmt.Errorf("%w: line longer than %d bytes", ErrInvalid, MaxRecord)

// scanLines calls visit for each complete line of r, without its line end, and
// with the offset at which it begins; line is valid during the call only. It
// returns the number of bytes in complete lines and after the last of them. A
// line longer than MaxRecord ends the scan with errLong.
func scanLines(ctx context.Context, r io.Reader, visit func(line []byte, at int64) error) (int64, int64, error) {
	b := bufio.NewReaderSize(r, MaxRecord+1)
	var at int64
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return at, 0, ctx.Err()
		}
		line, err := b.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return at, int64(len(line)), nil
		case errors.Is(err, bufio.ErrBufferFull):
			return at, int64(len(line)), errLong
		case err != nil:
			return at, 0, err
		}
		if err := visit(line[:len(line)-1], at); err != nil {
			return at, 0, err
		}
		at += int64(len(line))
	}
}

// scanSegment is scanLines over the segment of a month.
func scanSegment(ctx context.Context, fsys fs.FS, month string, visit func(line []byte, at int64) error) (int64, int64, error) {
	f, err := fsys.Open(segmentName(month))
	if err != nil {
		return 0, 0, fmt.Errorf("open segment: %w", err)
	}
	defer f.Close()
	whole, torn, err := scanLines(ctx, f, visit)
	if err != nil && !errors.Is(err, errStop) {
		return whole, torn, fmt.Errorf("read segment %s: %w", month, err)
	}
	return whole, torn, nil
}

// firstRecord returns the first record of a segment, and false when the segment
// has no complete line.
func firstRecord(ctx context.Context, fsys fs.FS, month string) (Event, bool, error) {
	var first Event
	found := false
	_, _, err := scanSegment(ctx, fsys, month, func(line []byte, _ int64) error {
		e, err := ParseRecord(line)
		if err != nil {
			return err
		}
		first, found = e, true
		return errStop
	})
	return first, found, err
}

// peekTime reads the time of a canonical record without parsing it: ts and v
// are its last members.
func peekTime(line []byte) (time.Time, bool) {
	const end = `","v":1}`
	at := len(line) - len(end) - len(timeLayout)
	if at < 0 || string(line[at+len(timeLayout):]) != end {
		return time.Time{}, false
	}
	t, err := time.Parse(timeLayout, string(line[at:at+len(timeLayout)]))
	return t, err == nil
}

// monthOf returns the month of a time in its own location.
func monthOf(t time.Time) string { return t.Format("2006-01") }
