package pdf

// shape is one of the forms that an object of ours can have. A file with any
// other object is no file of ours.
type shape uint8

const (
	noShape shape = iota
	catalog
	pageTree
	pageNode
	pageLeaf
	picture
	composite  // font of a plane
	descendant // its CID font
	descriptor
	program // of the fonts
	plain   // a compressed stream: content, glyph map or ToUnicode, by who refers to it
)

// object is an object as it stands in a file, read by its shape.
type object struct {
	shape shape
	start int   // where it begins in the file
	refs  []int // objects it names, in the order of its form
	count int64 // of a tree: pages; of the font program: its length
	w, h  int64 // of a page: thousandths of a point; of a picture: pixels
	space space
	fonts []font // of a page
	plane int    // of fonts
	body  []byte // of a stream
}

// font is a font as a page names it.
type font struct{ plane, ref int }

// space is how the samples of a picture are stored.
type space struct {
	bits    int64
	filter  string // "FlateDecode", "DCTDecode" or "CCITTFaxDecode"
	colours int    // of the palette, 0 without one
	rgb     bool   // three samples a pixel
}

// Form of an object's end.
const endObject = "\nendobj\n"

// object reads the object at the cursor and returns its number.
func (c *cursor) object() (int, object) {
	o := object{start: c.at}
	n := c.number()
	c.word(" 0 obj\n<<")
	switch {
	case c.take("/Type/Catalog/Pages "):
		o.shape, o.refs = catalog, []int{c.reference()}
		c.word(">>")
	case c.take("/Type/Pages"):
		c.pages(&o)
	case c.take("/Type/Page/"):
		c.page(&o)
	case c.take("/Type/XObject"):
		c.picture(&o)
	case c.take("/Type/Font/Subtype/Type0"):
		c.composite(&o)
	case c.take("/Type/Font/Subtype/CIDFontType2"):
		c.descendant(&o)
	case c.take("/Type/FontDescriptor"):
		c.descriptor(&o)
	case c.take("/Length1 "):
		o.shape, o.count = program, c.number()
		c.word("/Filter/FlateDecode")
		c.body(&o)
	case c.take("/Filter/FlateDecode"):
		o.shape = plain
		c.body(&o)
	default:
		c.bad = true
	}
	c.word(endObject)
	return int(n), o
}

// body reads the length, the end of the dictionary and the stream.
func (c *cursor) body(o *object) {
	c.word("/Length ")
	n := c.number()
	c.word(">>\nstream\n")
	o.body = c.run(n)
	c.word("\nendstream")
}

func (c *cursor) pages(o *object) {
	o.shape = pageTree
	if c.take("/Parent ") {
		o.shape = pageNode
		o.refs = []int{c.reference()}
	}
	c.word("/Count ")
	o.count = c.number()
	c.word("/Kids[")
	for !c.bad {
		o.refs = append(o.refs, c.reference())
		if !c.take(" ") {
			break
		}
	}
	c.word("]>>")
}

// page reads a page. Its references are the parent, the picture and the
// content.
func (c *cursor) page(o *object) {
	o.shape = pageLeaf
	c.word("Parent ")
	parent := c.reference()
	c.word("/MediaBox[0 0 ")
	o.w = c.fixed(3)
	c.word(" ")
	o.h = c.fixed(3)
	c.word("]/Resources<</XObject<</P ")
	shown := c.reference()
	c.word(">>")
	if c.take("/Font<<") {
		for !c.bad && c.take("/F") {
			p := c.number()
			c.word(" ")
			o.fonts = append(o.fonts, font{int(p), c.reference()})
		}
		c.word(">>")
		if len(o.fonts) == 0 {
			c.bad = true
		}
	}
	c.word(">>/Contents ")
	o.refs = []int{parent, shown, c.reference()}
	c.word(">>")
}

func (c *cursor) picture(o *object) {
	o.shape = picture
	c.word("/Subtype/Image/Width ")
	o.w = c.number()
	c.word("/Height ")
	o.h = c.number()
	c.word("/ColorSpace")
	switch {
	case c.take("/DeviceGray"):
	case c.take("/DeviceRGB"):
		o.space.rgb = true
	default:
		c.palette(o)
	}
	c.word("/BitsPerComponent ")
	o.space.bits = c.number()
	switch {
	case c.take("/Filter/FlateDecode"):
		o.space.filter = "FlateDecode"
	case c.take("/Filter/DCTDecode"):
		o.space.filter = "DCTDecode"
	default:
		c.word("/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns ")
		o.space.filter = "CCITTFaxDecode"
		w := c.number()
		c.word("/Rows ")
		h := c.number()
		c.word(">>")
		c.bad = c.bad || w != o.w || h != o.h
	}
	c.body(o)
}

func (c *cursor) palette(o *object) {
	c.word("[/Indexed/DeviceRGB ")
	last := c.number()
	c.word("<")
	table := c.hexadecimal(3 * 256)
	c.word(">]")
	o.space.colours = len(table) / 3
	if len(table) != 3*(int(last)+1) {
		c.bad = true
	}
}

func (c *cursor) composite(o *object) {
	o.shape = composite
	c.word("/BaseFont/Sekisho")
	o.plane = int(c.number())
	c.word("/Encoding/Identity-H/DescendantFonts[")
	down := c.reference()
	c.word("]/ToUnicode ")
	o.refs = []int{down, c.reference()}
	c.word(">>")
}

func (c *cursor) descendant(o *object) {
	o.shape = descendant
	c.word("/BaseFont/Sekisho")
	o.plane = int(c.number())
	c.word("/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor ")
	shape := c.reference()
	c.word("/DW ")
	switch o.plane {
	case 0: // letters and half-width kana are half as wide as the rest
		c.word("1000/W[0 8191 500 65377 65439 500]")
	case 14: // variation selectors
		c.word("50")
	default:
		c.word("1000")
	}
	c.word("/CIDToGIDMap ")
	o.refs = []int{shape, c.reference()}
	c.word(">>")
}

func (c *cursor) descriptor(o *object) {
	o.shape = descriptor
	c.word("/FontName/Sekisho")
	o.plane = int(c.number())
	c.word("/Flags 4/FontBBox[0 -120 1000 880]/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 80/FontFile2 ")
	o.refs = []int{c.reference()}
	c.word(">>")
}
