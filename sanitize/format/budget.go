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
	Gallery  int64 // pixels of all pictures together, decoded or tried
	Pages    int64 // pages of all documents together
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
	b.Files, b.Bytes, b.Gallery, b.Pages = left.Files, left.Bytes, left.Gallery, left.Pages
}

// Picture returns how many pixels the next picture may have, or an *Error with
// limit_pixels when the pictures before it have used up all.
func (b *Budget) Picture() (int64, error) {
	if b.Gallery < 1 {
		return 0, Hold(LimitPixels, "pictures together")
	}
	return min(b.Pixels, b.Gallery), nil
}

// Paint takes n pixels of a picture out of b. The error is an *Error with
// limit_pixels; b is used up then, so that no later picture is tried.
func (b *Budget) Paint(n int64) error {
	if n < 0 || n > b.Gallery {
		b.Gallery = 0
		return Hold(LimitPixels, "pictures together")
	}
	b.Gallery -= n
	return nil
}

// Turn takes one page out of b. The error is an *Error with limit_pages.
func (b *Budget) Turn() error {
	if b.Pages < 1 {
		return Hold(LimitPages, "pages together")
	}
	b.Pages--
	return nil
}
