package format

// Render says how a kind that is drawn is to be drawn. The box needs it, since
// only pixels and placed text leave it.
type Render struct {
	Method Method // MethodImage or MethodText
	DPI    int64  // pixels an inch
	Shade  Shade
	Layer  bool  // emit the text of each page as Runs
	Page   int64 // for a preview, the one page to draw, from 1; 0 for all
	Part   Part  // of the pages, where several workers share a document
}

// Part is which pages of a document one worker draws: from From to To, counted
// from 1, each Step-th. The zero Part is all pages.
type Part struct {
	From, Step int64
	To         int64 // 0 for the last one
	Whole      int64 // a document of fewer pages is drawn as a whole
}

// Of returns the pages of a document of n that belong to the part: from first to
// before end, counted from 0, each step-th. There may be none.
func (p Part) Of(n int64) (first, end, step int64) {
	if p.From < 1 || n < p.Whole {
		return 0, n, 1
	}
	first, end, step = min(p.From-1, n), n, max(1, p.Step)
	if p.To > 0 {
		end = min(n, p.To)
	}
	return first, end, step
}

// Shade is how much of a page's colours is kept.
type Shade string

// The shades.
const (
	ShadeAuto Shade = "auto" // each page as it is: colour, grey, or black and white
	ShadeGray Shade = "gray"
	ShadeMono Shade = "mono" // black and white
)

// Way is one method by which a kind can be rebuilt.
type Way struct {
	Method Method
	// Output is the kind of the new file, whose Lint re-reads it.
	Output Kind
	// Build writes a new file from values alone. It is deterministic.
	Build Builder
}
