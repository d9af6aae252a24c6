package pdf

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// maxKnown bounds the table of pictures already written.
const maxKnown = 4096

// builder writes a file page by page; it holds the pixels of one page.
type builder struct {
	out     file
	enc     encoder
	fonts   fonts
	tree    tree
	page    *page
	pix     []byte           // of the page in hand
	known   map[[32]byte]int // object numbers of pictures by what they show
	sheets  []ir.Sheet
	outside int // pieces of text outside of their page
}

// page is the page in hand.
type page struct {
	sheet   ir.Sheet
	raster  ir.Raster
	want    int // bytes of pixels
	picture int // object number, 0 until all pixels are there
	layer   layer
}

// Build writes a PDF of the pages that in carries: for each a Sheet, a Raster
// with its Pixels, and Runs, after the Number of pages. Everything is checked
// again. It holds with fidelity_loss when a page that has something to show
// came out in one colour, and with too_large_after when the file gets larger
// than the profile allows. Any other fault of the values is an error.
func Build(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	b := builder{known: map[[32]byte]int{}}
	b.out = file{w: w, max: c.Profile.MaxBytes}
	b.enc = newEncoder(c.Profile.Quality)
	if err := b.read(in); err != nil {
		return format.Built{}, err
	}
	if err := b.end(); err != nil {
		return format.Built{}, err
	}
	built := format.Built{Media: "application/pdf", Extension: "pdf", Sheets: b.sheets}
	if b.outside > 0 {
		built.Findings = append(built.Findings, format.Finding{Code: codeHidden, Detail: fmt.Sprintf("%d outside of the page", b.outside)})
	}
	return built, nil
}

// codeHidden is the finding for text that nobody could see.
const codeHidden = "hidden_text"

func (b *builder) read(in *ir.Reader) error {
	for {
		v, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read pages: %w", err)
		}
		if _, end := v.(ir.End); end {
			return nil
		}
		if err := b.value(v); err != nil {
			return err
		}
	}
}

func (b *builder) value(v ir.Value) error {
	switch v := v.(type) {
	case ir.Note: // the engine's business
		return nil
	case ir.Fail:
		return format.Failed(v)
	case ir.Number:
		if v.Name != ir.NumberPages {
			return nil
		}
		return b.begin(v.N)
	case ir.Sheet:
		return b.sheet(v)
	case ir.Raster:
		return b.raster(v)
	case ir.Pixels:
		return b.pixels(v.B)
	case ir.Run:
		return b.run(v)
	}
	return fmt.Errorf("build pdf: unexpected %T", v)
}

func (b *builder) begin(pages int64) error {
	switch {
	case b.tree.pages != 0:
		return errOrder
	case pages < 1:
		return format.Hold(format.Malformed, "no page")
	case pages > MaxPages:
		return format.Hold(format.LimitPages, fmt.Sprintf("%d pages", pages))
	}
	b.tree.pages = int(pages)
	b.tree.reserve(&b.out)
	return b.out.write([]byte(header))
}

func (b *builder) sheet(v ir.Sheet) error {
	if err := b.finish(); err != nil {
		return err
	}
	if v.Page != int64(len(b.sheets)) || len(b.sheets) >= b.tree.pages {
		return fmt.Errorf("%w: page %d", errOrder, v.Page)
	}
	b.page = &page{sheet: v}
	return nil
}

func (b *builder) raster(v ir.Raster) error {
	p := b.page
	if p == nil || p.want != 0 {
		return fmt.Errorf("%w: pixels of no page", errOrder)
	}
	if v.W > MaxPixels || v.H > MaxPixels/v.W {
		return format.Hold(format.LimitPixels, fmt.Sprintf("%d x %d pixels", v.W, v.H))
	}
	p.raster, p.want = v, int(v.Stride()*v.H)
	if cap(b.pix) < p.want {
		b.pix = make([]byte, 0, p.want) // zero pages of the system until pixels come
	}
	b.pix = b.pix[:0]
	return nil
}

func (b *builder) pixels(p []byte) error {
	if b.page == nil || len(b.pix)+len(p) > b.page.want {
		return errors.New("build pdf: more pixels than announced")
	}
	b.pix = append(b.pix, p...)
	if len(b.pix) < b.page.want {
		return nil
	}
	return b.picture()
}

// picture writes the picture of the page in hand, unless it is one that has
// been written for another page.
func (b *builder) picture() error {
	p := b.page
	clearPadding(p.raster, b.pix)
	blank := format.Hold(format.FidelityLoss, fmt.Sprintf("page %d came out blank", p.sheet.Page+1))
	was := lone(p.raster, b.pix)
	if p.sheet.Marks > 0 && was {
		return blank
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %d\n", p.raster.Samples, p.raster.W, p.raster.H)
	h.Write(b.pix)
	key := [32]byte(h.Sum(nil))
	if n := b.known[key]; n != 0 {
		p.picture = n
		return nil
	}
	e, err := b.enc.encode(p.raster, b.pix)
	if err != nil {
		return err
	}
	one := e.lone || lone(p.raster, b.pix) // what is written has fewer steps
	if p.sheet.Marks > 0 && one {
		return blank
	}
	p.picture = b.out.reserve(1)
	if len(b.known) < maxKnown && one == was {
		b.known[key] = p.picture
	}
	dict := fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d%s", p.raster.W, p.raster.H, e.dict)
	return b.out.stream(p.picture, dict, e.data)
}

func (b *builder) run(v ir.Run) error {
	p := b.page
	if p == nil || p.picture == 0 {
		return fmt.Errorf("%w: text before the pixels", errOrder)
	}
	v.Size = min(max(v.Size, minSize), maxSize)
	if v.X < -v.Size || v.Y < -v.Size || v.X > p.sheet.W+v.Size || v.Y > p.sheet.H+v.Size {
		b.outside++
		return nil
	}
	return p.layer.add(v, &b.fonts, &b.out)
}

// margin is how far a picture stays from the edges of its page, in thousandths
// of a point: less than a hundredth of a pixel at 300 dpi. An edge that by
// rounding comes to lie beyond a pixel's makes PDFium and Poppler stretch the
// picture by one pixel, so that all of it is drawn blurred.
const margin = 2

// inset is the margin of a page of w × h, none where it would be seen.
func inset(w, h int64) int64 {
	if min(w, h) < 1000 {
		return 0
	}
	return margin
}

// finish writes the page in hand.
// spec: pdf#7.7.3.3
func (b *builder) finish() error {
	p := b.page
	if p == nil {
		return nil
	}
	if p.picture == 0 {
		return errors.New("build pdf: fewer pixels than announced")
	}
	w, h := points(p.sheet.W), points(p.sheet.H)
	m := inset(p.sheet.W, p.sheet.H)
	content := fmt.Appendf(nil, "q %s 0 0 %s %s %s cm /P Do Q\n", points(p.sheet.W-2*m), points(p.sheet.H-2*m), points(m), points(m))
	content = p.layer.append(content)
	data, err := b.enc.deflate(content)
	if err != nil {
		return err
	}
	n := b.out.reserve(2)
	if err := b.out.stream(n, "/Filter/FlateDecode", data); err != nil {
		return err
	}
	dict := fmt.Sprintf("<</Type/Page/Parent %d 0 R/MediaBox[0 0 %s %s]/Resources<</XObject<</P %d 0 R>>%s>>/Contents %d 0 R>>",
		b.tree.parent(len(b.sheets)), w, h, p.picture, b.fonts.resources(p.layer.planes), n)
	if err := b.out.object(n+1, dict); err != nil {
		return err
	}
	b.tree.kids = append(b.tree.kids, n+1)
	b.sheets = append(b.sheets, ir.Sheet{Page: p.sheet.Page, W: p.sheet.W, H: p.sheet.H, Marks: int64(p.layer.runes)})
	b.page = nil
	return nil
}

func (b *builder) end() error {
	if err := b.finish(); err != nil {
		return err
	}
	if b.tree.pages == 0 || len(b.sheets) != b.tree.pages {
		return fmt.Errorf("build pdf: %d of %d pages", len(b.sheets), b.tree.pages)
	}
	if err := b.fonts.write(&b.out, &b.enc); err != nil {
		return err
	}
	if err := b.tree.write(&b.out); err != nil {
		return err
	}
	return b.out.end()
}
