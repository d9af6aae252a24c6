package format

import (
	"fmt"
	"time"
)

// Budget is what the work on one file may use. A child gets a share of its
// parent's budget, never a fresh one, so that nesting cannot multiply work.
type Budget struct {
	Bytes    int64 // decoded bytes of all files below and including this one
	Files    int64 // files below and including this one
	Pixels   int64 // pixels of one picture
	Depth    int   // layers still allowed below this one
	Deadline time.Time
}

// Enter takes one file of size bytes out of b and returns the budget for the
// layer below it. The error is an *Error with the limit's reason.
func (b *Budget) Enter(size int64) (Budget, error) {
	switch {
	case b.Depth <= 0:
		return Budget{}, Hold(LimitDepth, "nesting")
	case b.Files < 1:
		return Budget{}, Hold(LimitCount, "files")
	case size < 0 || size > b.Bytes:
		return Budget{}, Hold(LimitExpanded, fmt.Sprintf("%d bytes", size))
	}
	b.Files--
	b.Bytes -= size
	c := *b
	c.Depth--
	return c, nil
}

// Settle takes what a layer used, given the budget it started with and what it
// has left, out of b.
func (b *Budget) Settle(left Budget) {
	b.Files, b.Bytes = left.Files, left.Bytes
}
