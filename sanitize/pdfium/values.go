package pdfium

import "errors"

// Errors that callers branch on. All but ErrTrap leave the engine fit for the
// next document; after ErrTrap only this document is lost.
var (
	// ErrPassword: the document needs a password, or another one.
	ErrPassword = errors.New("pdfium: a password is needed")
	// ErrFormat: this is not a PDF, or one too damaged to read.
	ErrFormat = errors.New("pdfium: not a readable PDF")
	// ErrSecurity: the document is encrypted in a way that PDFium does not know.
	ErrSecurity = errors.New("pdfium: unknown encryption")
	// ErrPage: a page is missing, or cannot be drawn.
	ErrPage = errors.New("pdfium: page cannot be read")
	// ErrMemory: the document needs more memory than an instance may have.
	ErrMemory = errors.New("pdfium: out of memory")
	// ErrTrap: the WebAssembly code stopped at a fault, or one of its answers
	// lies outside of its memory. The document is closed.
	ErrTrap = errors.New("pdfium: the engine stopped at a fault")
	// ErrLimit: a page has more of something than the caller allows.
	ErrLimit = errors.New("pdfium: over the limit")
)

// Color is how a page's pixels are laid out. The zero value is Gray.
type Color uint8

// Layouts of pixels, the bytes of one pixel in this order.
const (
	Gray Color = iota // 1 byte: luminance
	RGB               // 3 bytes: red, green, blue
	RGBX              // 4 bytes: red, green, blue and a byte without meaning
)

// Bytes returns the bytes of one pixel.
func (c Color) Bytes() int {
	switch c {
	case RGB:
		return 3
	case RGBX:
		return 4
	default:
		return 1
	}
}

// Pixels are a drawn page on white. Row y begins at Pix[y*Stride]; rows stand
// from top to bottom. Pix is the engine's own memory, not a copy. Kept pixels
// stay as they are, whatever is called, until two more pages of the document
// were drawn, so that one page can be looked at while the next one is drawn;
// others until the next call of any method of the document or its pages.
type Pixels struct {
	W, H   int
	Stride int // bytes from one row to the next, a multiple of 4
	Color  Color
	Pix    []byte
	Kept   bool
}

// Rect is a rectangle on the page as it is displayed: the origin is the upper
// left corner of what a reader sees (the crop box, turned by the page's
// rotation), x runs to the right, y runs down, both in points (1/72 inch).
// Left ≤ Right and Top ≤ Bottom. It may lie outside of the page.
type Rect struct{ Left, Top, Right, Bottom float32 }

// Char is one character of a page's text, in the order of the content stream
// as PDFium sorts it into lines.
type Char struct {
	Rune rune // as the document says; may be any code point but a surrogate
	// Box is where the character stands: its advance wide, its font's ascent
	// and descent high. Runs of text are laid out by it.
	Box Rect
	// Ink is the box of the glyph itself; empty for blanks.
	Ink Rect
	// Angle is the direction in which its line runs on the displayed page, in
	// radians clockwise, within [0, 2π): 0 to the right, π/2 down.
	Angle float32
	Size  float32 // of the font, in points
	// Object numbers the text object that drew the character, counted from 1
	// as they appear; 0 for a Generated one. Characters of one object share
	// font, size, angle and color.
	Object int
	// Hidden: drawn in a render mode that leaves no mark (3 invisible, 7 clip
	// only; ISO 32000-2, table 104), or with a fill that is fully transparent.
	Hidden bool
	// Fill is the color as 0xRRGGBB.
	Fill uint32
	// Generated: a blank or line end that PDFium put in by itself.
	Generated bool
}

// Font is one font that a page's text uses.
type Font struct {
	Name     string // base font name, at most 127 bytes, as the document says
	Embedded bool   // false: drawn with a font of the engine's tree
}

// Objects counts what a page's content is made of, inside form XObjects too.
type Objects struct {
	Text, Path, Image, Shading, Form int
}

// Security is how a document that was opened is encrypted.
type Security struct {
	Encrypted bool
	Revision  int    // of the standard security handler, 0 when not encrypted
	Allowed   uint32 // user access permissions, ISO 32000-2, table 22
}

// Form is the kind of form in a document.
type Form uint8

// Kinds of forms, as FPDF_GetFormType says.
const (
	NoForm Form = iota
	AcroForm
	FullXFA       // static or dynamic: the pages are only a stand-in
	ForegroundXFA // XFA over ordinary pages
)

// Inventory counts what a document carries besides its pages: none of it is
// drawn, and a parser tells of it as findings.
type Inventory struct {
	Scripts     int // document-level JavaScript
	Attachments int // embedded files
	Signatures  int
	Form        Form
}

// Annotations counts the annotations of one page by what they may do.
type Annotations struct {
	All     int
	Links   int // to anywhere
	Widgets int // form fields
	Files   int // file attachments
	Media   int // movie, sound, screen, 3D, rich media
	// Layered counts those that name a layer (/OC). They are drawn whether it is
	// on or off: see [Page.Layered].
	Layered int
}

// Undrawn are annotations that a reader should see and that were not drawn:
// the document does not say what they look like, and PDFium has no picture for
// their kind. Links, form fields, pop-ups, files and media are not among them.
type Undrawn struct {
	N     int
	Kinds []string // each once, as ISO 32000-2, table 171, calls them, in order of appearance
}
