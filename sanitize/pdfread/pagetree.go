package pdfread

import "fmt"

// The pages of a document are the leaves of a tree (ISO 32000-2, 7.7.3). The
// engine believes what the tree's root says of their number and does not mind
// nodes that stand in it twice, such as one that is its own child. Other
// readers count for themselves: they show another document, or none. So the tree
// is walked once more, here, and a fault holds the file.
//
// Where the walk cannot see, since the nodes are encrypted or damaged, there is
// no fault.

// walk is a walk through the tree.
type walk struct {
	t     *table
	seen  map[ref]bool
	most  int // nodes
	blind bool
	found []treePage
}

// treePage is what is wanted of a page: where its annotations and its content are.
type treePage struct{ annots, contents any }

// tree is a page tree that was walked, to look up what the engine does not tell.
// Without pages it knows nothing.
type tree struct {
	walk
	pages []treePage

	reaches  map[int]reach // of streams that were read
	inflated int64         // bytes of them
}

// maxTreeDepth bounds the layers of the tree; real ones have less than ten.
const maxTreeDepth = 256

// nodesAPage is how many nodes there may be for a page, beside some to begin
// with.
const nodesAPage, nodesMore = 4, 1000

// treeOf walks the page tree of a file in which the engine sees a number of
// pages, and says what is wrong with it; "" if nothing is, or nothing can be
// known.
func treeOf(data []byte, pages int) (*tree, string) {
	if t := readTable(data); t != nil {
		if found, fault, sees := t.tree(pages); sees {
			return found, fault
		}
	}
	found, fault, _ := repaired(data).tree(pages)
	return found, fault
}

// tree is treeOf by a table of objects. It does not see when the walk did not
// come to its end.
func (t *table) tree(pages int) (found *tree, fault string, sees bool) {
	w := walk{t: t, seen: map[ref]bool{}, most: nodesAPage*pages + nodesMore}
	catalog, ok := w.resolve(t.root).(map[name]any)
	if !ok {
		return &tree{walk: w}, "", false
	}
	n, fault := w.node(catalog["Pages"], 0)
	switch {
	case w.blind || t.left <= 0:
		return &tree{walk: w}, "", false
	case fault == "" && n != pages:
		fault = fmt.Sprintf("%d pages in a tree of %d", pages, n)
	}
	return &tree{walk: w, pages: w.found}, fault, true
}

// node counts the pages below a node, and itself if it is one.
func (w *walk) node(at any, depth int) (int, string) {
	if r, ok := at.(ref); ok {
		if w.seen[r] {
			return 0, fmt.Sprintf("object %d stands twice in the page tree", r)
		}
		w.seen[r] = true
	}
	if w.most--; w.most < 0 || depth > maxTreeDepth {
		return 0, "a page tree of too many nodes"
	}
	d, ok := w.resolve(at).(map[name]any)
	if !ok {
		return 0, "" // null, as good as absent (7.3.10)
	}
	if _, inner := d["Kids"]; !inner {
		w.found = append(w.found, treePage{d["Annots"], d["Contents"]})
		return 1, ""
	}
	kids, _ := w.resolve(d["Kids"]).([]any)
	n := 0
	for _, k := range kids {
		below, fault := w.node(k, depth+1)
		if fault != "" || w.blind {
			return 0, fault
		}
		n += below
	}
	if said, ok := w.resolve(d["Count"]).(int); ok && said != n {
		return 0, fmt.Sprintf("a node with %d pages says %d", n, said)
	}
	return n, ""
}

// resolve follows a reference, nil for one to nothing.
func (w *walk) resolve(v any) any {
	r, ok := v.(ref)
	if !ok {
		return v
	}
	v, ok = w.t.object(int(r))
	if _, again := v.(ref); again || !ok {
		w.blind = true
		return nil
	}
	return v
}

// object reads an object, nil for one that does not exist. It fails where the
// table is wrong and where it cannot see.
func (t *table) object(n int) (any, bool) {
	p := t.places[n]
	if !p.standing {
		return nil, true
	}
	if p.in == 0 {
		if p.offset <= 0 || p.offset >= len(t.data) {
			return nil, false
		}
		l := &lexer{b: t.data, at: p.offset, left: &t.left}
		if !l.head(&n) {
			return nil, false
		}
		v := l.object(0)
		return v, !l.bad
	}
	return t.inStream(n, p)
}

// objectStream is an object stream that was read.
type objectStream struct {
	body []byte
	at   map[int]int // where an object begins
}

// inStream reads an object of an object stream.
func (t *table) inStream(n int, p entry) (any, bool) {
	s, known := t.streams[p.in]
	if !known {
		s = t.objectStream(p.in)
		t.streams[p.in] = s
	}
	at, ok := s.at[n]
	if !ok {
		return nil, false
	}
	l := &lexer{b: s.body, at: at, left: &t.left}
	v := l.object(0)
	return v, !l.bad
}

// objectStream reads an object stream (7.5.7); it is empty when it cannot.
func (t *table) objectStream(n int) objectStream {
	var s objectStream
	home := t.places[n]
	if t.locked || !home.standing || home.in != 0 || home.offset <= 0 || home.offset >= len(t.data) {
		return s
	}
	d, body := t.streamAt(home.offset)
	count, ok := d["N"].(int)
	first, ok2 := d["First"].(int)
	if !ok || !ok2 || first < 0 || first > len(body) {
		return s
	}
	s = objectStream{body, map[int]int{}}
	l := &lexer{b: body[:first], left: &t.left}
	for range max(0, count) {
		number, ok := l.digits()
		offset, ok2 := l.digits()
		if t.left--; !ok || !ok2 || t.left < 0 {
			return s
		}
		if _, known := s.at[number]; !known && offset >= 0 && offset < len(body)-first {
			s.at[number] = first + offset
		}
	}
	return s
}
