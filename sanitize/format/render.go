package format

// Render says how a kind that is drawn is to be drawn. The box needs it, since
// only pixels and placed text leave it.
type Render struct {
	Method Method // MethodImage or MethodText
	DPI    int64  // pixels an inch
	Shade  Shade
	Layer  bool  // emit the text of each page as Runs
	Page   int64 // for a preview, the one page to draw, from 1; 0 for all
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
