package pdf

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"sekisho/sanitize/ir"
)

// The rules of a PDF of ours (ISO 32000-1). Each has a bad sample in the
// tests. Pictures stored as JPEG have the rules of jpeglint besides.
const (
	lintHeader  = "lint_pdf_header"  // 7.5.2: the two lines of a file's start
	lintEnd     = "lint_pdf_end"     // 7.5.5: trailer of two keys, nothing behind it
	lintXref    = "lint_pdf_xref"    // 7.5.4: one table, each object where it says, nothing in between
	lintObject  = "lint_pdf_object"  // 7.3: each object in one of the ten forms
	lintTree    = "lint_pdf_tree"    // 7.7.3: each page once, counts and parents right
	lintPage    = "lint_pdf_page"    // 7.7.3.3: size in bounds, fonts as the content uses them
	lintPicture = "lint_pdf_picture" // 8.9: size, depth and colours that we write, the data exactly its rows
	lintContent = "lint_pdf_content" // 7.8.2: the picture over the whole page, then invisible text within it
	lintText    = "lint_pdf_text"    // the characters that may stand in any text of ours
	lintFont    = "lint_pdf_font"    // 9.7: the one font program; widths, glyphs and meanings of a plane
	lintStream  = "lint_pdf_stream"  // 7.4.4: one zlib stream, its checksum right, nothing behind it
	lintOrphan  = "lint_pdf_orphan"  // no object that nothing names
)

// maxNotes bounds what one lint reports.
const maxNotes = 100

// Lint reports every violation of the closed form of a PDF of ours, and the
// Sheets that it found, their Marks being the characters laid over each. The
// only error is one of out. Pictures and contents are inflated a row or a line
// at a time.
func Lint(data []byte, _ map[[32]byte]bool, out *ir.Writer) error {
	l := lint{data: data, out: out}
	l.run()
	return l.err
}

type lint struct {
	data    []byte
	out     *ir.Writer
	err     error
	notes   int
	objects []object // by number
	used    []bool
	pages   int64
}

func (l *lint) fail(code, where, detail string) {
	if l.notes++; l.err != nil || l.notes > maxNotes {
		return
	}
	l.err = l.out.Write(ir.Note{Code: code, Where: where, Detail: ir.Cut(detail, ir.MaxDetail)})
}

func (l *lint) run() {
	const start = "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n"
	if !bytes.HasPrefix(l.data, []byte(start)) {
		l.fail(lintHeader, "0", "")
		return
	}
	table, end := l.table()
	if table == nil || !l.read(table, len(start), end) {
		return
	}
	l.used = make([]bool, len(l.objects))
	if top := l.need(1, catalog, "trailer"); top != nil {
		l.tree(top)
	}
	for n, used := range l.used {
		if n > 0 && !used {
			l.fail(lintOrphan, fmt.Sprintf("object %d", n), "")
		}
	}
}

// maxObjects bounds a file's objects: three for a page, and the shared ones.
const maxObjects = 5 * MaxPages

// entry is the length of a line of the cross-reference table.
const entry = 20

// table reads the cross-reference table and everything behind it. It returns
// the place of each object by number, and where the table begins.
func (l *lint) table() ([]int64, int) {
	const mark = "startxref\n"
	tail := l.data[max(0, len(l.data)-64):]
	at := bytes.LastIndex(tail, []byte(mark))
	if at < 0 {
		l.fail(lintEnd, "", "no startxref")
		return nil, 0
	}
	c := cursor{data: l.data, at: len(l.data) - len(tail) + at + len(mark)}
	start := c.number()
	c.word("\n%%EOF\n")
	if c.bad || c.at != len(l.data) || start > int64(len(l.data)) {
		l.fail(lintEnd, fmt.Sprint(c.at), "end of file")
		return nil, 0
	}
	c = cursor{data: l.data, at: int(start)}
	c.word("xref\n0 ")
	size := c.number()
	c.word("\n0000000000 65535 f \n")
	if c.bad || size < 2 || size > maxObjects || size*entry > int64(len(l.data)) {
		l.fail(lintXref, fmt.Sprint(c.at), "head of the table")
		return nil, 0
	}
	table := make([]int64, size)
	for n := int64(1); n < size; n++ {
		table[n] = c.place()
	}
	if c.bad {
		l.fail(lintXref, fmt.Sprint(c.at), "entry")
		return nil, 0
	}
	c.word(fmt.Sprintf("trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", size, start))
	if c.bad || c.at != len(l.data) {
		l.fail(lintEnd, fmt.Sprint(c.at), "trailer")
		return nil, 0
	}
	return table, int(start)
}

// place reads one entry: ten digits and the rest as it always is.
func (c *cursor) place() int64 {
	digits := c.run(10)
	var n int64
	for _, d := range digits {
		if d < '0' || d > '9' {
			c.bad = true
			return 0
		}
		n = n*10 + int64(d-'0')
	}
	c.word(" 00000 n \n")
	return n
}

// read reads all objects, which fill the file from at to end, and reports
// whether they could be read.
func (l *lint) read(table []int64, at, end int) bool {
	l.objects = make([]object, len(table))
	c := cursor{data: l.data[:end], at: at}
	for c.at < end {
		where := fmt.Sprint(c.at)
		n, o := c.object()
		switch {
		case c.bad:
			l.fail(lintObject, where, fmt.Sprintf("form broken before byte %d", c.at))
			return false
		case n < 1 || n >= len(table) || table[n] != int64(o.start):
			l.fail(lintXref, where, fmt.Sprintf("object %d is not where the table says", n))
			return false
		}
		l.objects[n] = o
	}
	for n := 1; n < len(l.objects); n++ {
		if l.objects[n].shape == noShape {
			l.fail(lintXref, fmt.Sprintf("object %d", n), "missing")
			return false
		}
	}
	return true
}

// need returns an object that must be of a shape, nil when it is not.
func (l *lint) need(n int, s shape, where string) *object {
	if n < 1 || n >= len(l.objects) || l.objects[n].shape != s {
		l.fail(lintObject, where, fmt.Sprintf("object %d is not what it must be", n))
		return nil
	}
	l.used[n] = true
	return &l.objects[n]
}

// own is need for an object that nothing else may name.
func (l *lint) own(n int, s shape, where string) *object {
	if n >= 1 && n < len(l.used) && l.used[n] {
		l.fail(lintObject, where, fmt.Sprintf("object %d is used twice", n))
		return nil
	}
	return l.need(n, s, where)
}

// tree walks the pages in order. Up to 64 stand right below the root; more
// stand below nodes of 64 each.
// spec: pdf#7.7.3.2
func (l *lint) tree(top *object) {
	const fan = 64
	number := top.refs[0]
	root := l.own(number, pageTree, "catalog")
	if root == nil {
		return
	}
	if root.count < 1 || root.count > MaxPages {
		l.fail(lintTree, "root", fmt.Sprintf("%d pages", root.count))
		return
	}
	if root.count <= fan {
		l.leaves(root.refs, number)
	} else {
		for i, n := range root.refs {
			where := fmt.Sprintf("node %d", i)
			node := l.own(n, pageNode, where)
			if node == nil {
				return
			}
			kids := node.refs[1:]
			if node.refs[0] != number || int64(len(kids)) != node.count || int64(len(kids)) != min(fan, root.count-l.pages) {
				l.fail(lintTree, where, "parent or count")
			}
			l.leaves(kids, n)
		}
	}
	if l.pages != root.count {
		l.fail(lintTree, "root", fmt.Sprintf("%d pages, said to be %d", l.pages, root.count))
	}
}

func (l *lint) leaves(kids []int, parent int) {
	for _, n := range kids {
		where := fmt.Sprintf("page %d", l.pages+1)
		p := l.own(n, pageLeaf, where)
		if p == nil {
			return
		}
		if p.refs[0] != parent {
			l.fail(lintTree, where, "another parent")
		}
		l.page(p, where)
		l.pages++
	}
}

// page reads one page and tells what is on it.
func (l *lint) page(p *object, where string) {
	if p.w < 1 || p.h < 1 || p.w > ir.MaxSheet || p.h > ir.MaxSheet {
		l.fail(lintPage, where, "size out of range")
		return
	}
	shown := p.refs[1]
	if shown < 1 || shown >= len(l.used) || !l.used[shown] { // equal pages share a picture
		if m := l.need(shown, picture, where); m != nil {
			l.picture(m, where)
		}
	} else {
		l.need(shown, picture, where)
	}
	var named uint32
	last := -1
	for _, f := range p.fonts {
		if f.plane <= last || f.plane > 16 {
			l.fail(lintPage, where, "fonts out of order")
			return
		}
		last = f.plane
		named |= 1 << f.plane
		l.font(f, where)
	}
	content := l.own(p.refs[2], plain, where)
	if content == nil {
		return
	}
	t := layerLint{lint: l, where: where, w: p.w, h: p.h}
	l.inflate(content.body, where, t.read)
	if t.planes != named {
		l.fail(lintPage, where, "fonts are not those of the content")
	}
	if l.err == nil && l.notes == 0 {
		l.err = l.out.Write(ir.Sheet{Page: l.pages, W: p.w, H: p.h, Marks: t.runes})
	}
}

// errForm ends the reading of a stream that has been reported.
var errForm = errors.New("not in the closed form")

// inflate reads a stream with f, which takes all of it; what is left, in it or
// behind it, is a fault.
// spec: pdf#7.4.4
func (l *lint) inflate(body []byte, where string, f func(io.Reader) error) {
	if len(body) < 2 || body[0] != 0x78 || body[1] != 0x9C {
		l.fail(lintStream, where, "head")
		return
	}
	r := bytes.NewReader(body)
	z, err := zlib.NewReader(r)
	if err == nil {
		err = f(z)
	}
	if errors.Is(err, errForm) {
		return
	}
	var more [1]byte
	n := 0
	if err == nil {
		if n, err = z.Read(more[:]); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	switch {
	case err != nil:
		l.fail(lintStream, where, err.Error())
	case n > 0:
		l.fail(lintStream, where, "longer than it must be")
	case r.Len() > 0:
		l.fail(lintStream, where, fmt.Sprintf("%d bytes behind the stream", r.Len()))
	}
}
