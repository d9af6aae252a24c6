package pdfread

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// leaf is a page of the trees below.
const leaf = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>"

// treeCase is a page tree: objects 2 to 8, object 2 its root, and how many pages
// the engine sees; fault is part of what is wrong with it.
type treeCase struct {
	name    string
	pages   int
	objects []string
	fault   string
}

var treeCases = []treeCase{
	{"one page", 1, []string{"<</Type/Pages/Count 1/Kids[3 0 R]>>", leaf}, ""},
	{"two layers", 3, []string{"<</Type/Pages/Count 3/Kids[3 0 R 6 0 R]>>", "<</Type/Pages/Count 2/Kids[4 0 R 5 0 R]>>", leaf, leaf, leaf}, ""},
	{"children and number elsewhere", 2, []string{"<</Type/Pages/Count 5 0 R/Kids 6 0 R>>", leaf, leaf, "2", "[3 0 R 4 0 R]"}, ""},
	{"a child that is not there", 1, []string{"<</Type/Pages/Count 1/Kids[3 0 R 77 0 R null]>>", leaf}, ""},
	{"long and odd names, strings, comments", 1, []string{"<</Type/Pages % (\n/Count 1/Title(a \\) >> [b])/ID[<AB12><>]/" + strings.Repeat("LongName", 9) + " 1.5e/Kids[3 0 R]>>", leaf}, ""},
	{"the engine counts for itself", 1, []string{"<</Type/Pages/Kids[3 0 R]>>", leaf}, ""},
	{"its own child", 1, []string{"<</Type/Pages/Count 1/Kids[3 0 R 2 0 R]>>", leaf}, "stands twice"},
	{"its own grandchild", 1, []string{"<</Type/Pages/Count 1/Kids[3 0 R 4 0 R]>>", leaf, "<</Type/Pages/Count 0/Kids[2 0 R]>>"}, "stands twice"},
	{"one page twice", 2, []string{"<</Type/Pages/Count 2/Kids[3 0 R 3 0 R]>>", leaf}, "stands twice"},
	{"one branch twice", 2, []string{"<</Type/Pages/Count 2/Kids[3 0 R 3 0 R]>>", "<</Type/Pages/Count 1/Kids[4 0 R]>>", leaf}, "stands twice"},
	{"fewer pages than there are", 1, []string{"<</Type/Pages/Count 1/Kids[3 0 R 4 0 R]>>", leaf, leaf}, "a node with 2 pages says 1"},
	{"more pages than there are", 3, []string{"<</Type/Pages/Count 3/Kids[3 0 R]>>", leaf}, "a node with 1 pages says 3"},
	{"a branch that lies", 2, []string{"<</Type/Pages/Count 2/Kids[3 0 R]>>", "<</Type/Pages/Count 1/Kids[4 0 R 5 0 R]>>", leaf, leaf}, "a node with 2 pages says 1"},
	{"less than nothing", 2, []string{"<</Type/Pages/Count -2/Kids[3 0 R 4 0 R]>>", leaf, leaf}, "a node with 2 pages says -2"},
	{"the engine sees another tree", 4, []string{"<</Type/Pages/Kids[3 0 R]>>", leaf}, "4 pages in a tree of 1"},
	{"deep", 1, chain(50), ""},
	{"too deep", 1, chain(maxTreeDepth + 1), "too many nodes"},
	{"nothing to be seen", 1, []string{"<</Type/Pages/Count 7/Kids[3 0 R]>>", "]"}, ""},
}

// chain is a page below layers of nodes.
func chain(layers int) []string {
	var all []string
	for i := range layers {
		all = append(all, fmt.Sprintf("<</Kids[%d 0 R]>>", 3+i))
	}
	return append(all, leaf)
}

func (c treeCase) all() []string {
	return append([]string{"<</Type/Catalog/Pages 2 0 R>>"}, c.objects...)
}

// plain writes the tree with a plain table of objects.
func (c treeCase) plain() []byte {
	var m made
	for _, o := range c.all() {
		m.object("%s", o)
	}
	return m.bytes()
}

// damaged is plain with a table that is wrong.
func (c treeCase) damaged() []byte {
	return bytes.Replace(c.plain(), []byte("startxref\n"), []byte("startxref\n9"), 1)
}

// appended is plain with every object replaced by a later section of the table,
// after one that was worse.
func (c treeCase) appended() []byte {
	old := treeCase{pages: 1, objects: []string{"<</Type/Pages/Count 9/Kids[2 0 R]>>"}}.plain()
	first := bytes.LastIndex(old, []byte("xref\n0"))
	b := bytes.NewBuffer(old)
	var at []int
	for i, o := range c.all() {
		at = append(at, b.Len())
		fmt.Fprintf(b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	fmt.Fprintf(b, "xref\n1 %d\n", len(at))
	for _, at := range at {
		fmt.Fprintf(b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(b, "trailer\n<</Size 20/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", first, table)
	return b.Bytes()
}

// packed writes all into an object stream, and the table into a stream.
func (c treeCase) packed() []byte {
	var head, body strings.Builder
	for i, o := range c.all() {
		fmt.Fprintf(&head, "%d %d ", i+1, body.Len())
		body.WriteString(o + "\n")
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.5\n")
	home := len(c.all()) + 10
	fmt.Fprintf(&b, "%d 0 obj\n<</Type/ObjStm/N %d/First %d/Length %d>>stream\n%s%s\nendstream\nendobj\n",
		home, len(c.all()), head.Len(), head.Len()+body.Len(), head.String(), body.String())
	table := b.Len()
	var rows []byte
	for i := range c.all() {
		rows = append(rows, 2, byte(home>>8), byte(home), byte(i>>8), byte(i))
	}
	rows = append(rows, 1, 0, 9, 0, 0)
	fmt.Fprintf(&b, "%d 0 obj\n<</Type/XRef/Size %d/W[1 2 2]/Index[1 %d %d 1]/Root 1 0 R/Length %d>>stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n",
		home+1, home+2, len(c.all()), home, len(rows), rows, table)
	return b.Bytes()
}

// treeFault is what treeOf finds wrong.
func treeFault(data []byte, pages int) string {
	_, fault := treeOf(data, pages)
	return fault
}

// TestPageTree: each tree, in each way to write it down.
func TestPageTree(t *testing.T) {
	for _, c := range treeCases {
		for how, data := range map[string][]byte{"plain": c.plain(), "damaged": c.damaged(), "appended": c.appended(), "packed": c.packed()} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				fault := treeFault(data, c.pages)
				if (fault == "") != (c.fault == "") || !strings.Contains(fault, c.fault) {
					t.Errorf("%q, want %q", fault, c.fault)
				}
			})
		}
	}
}

// TestPageTreeHolds: the whole of Parse, which asks the engine for the pages.
func TestPageTreeHolds(t *testing.T) {
	for _, name := range []string{"its own child", "one page twice", "fewer pages than there are", "more pages than there are", "two layers"} {
		for _, c := range treeCases {
			if c.name != name {
				continue
			}
			want := format.Reason("")
			if c.fault != "" {
				want = format.Malformed
			}
			for how, data := range map[string][]byte{"plain": c.plain(), "packed": c.packed()} {
				if a := parse(t, dressed(t), asked(data)); a.reason != want {
					t.Errorf("%s, %s: %q (%s), want %q", name, how, a.reason, a.detail, want)
				}
			}
		}
	}
}

// TestPageTreesOfSamples: what programs write is seen and has no fault, by its
// table and by what looks like objects.
func TestPageTreesOfSamples(t *testing.T) {
	e := dressed(t)
	for _, row := range sampleRows {
		if row.reason != "" {
			continue
		}
		data := sample(t, row.name)
		doc, err := e.Open(data, "")
		if err != nil {
			t.Fatal(err)
		}
		_, fault, sees := repaired(data).tree(doc.Pages())
		if fault != "" || !sees && row.name != "qpdf-owner.pdf" { // object streams that are encrypted
			t.Errorf("%s: %q, seen: %v", row.name, fault, sees)
		}
		if fault := treeFault(data, doc.Pages()); fault != "" {
			t.Errorf("%s: %s", row.name, fault)
		}
		if err := doc.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTableCircle: sections of the table that name each other are no table.
func TestTableCircle(t *testing.T) {
	data := treeCases[0].plain()
	at := bytes.LastIndex(data, []byte("xref\n0"))
	data = bytes.Replace(data, []byte("/Root 1 0 R"), []byte(fmt.Sprintf("/Root 1 0 R/Prev %d", at)), 1)
	if readTable(data) != nil {
		t.Error("a table in a circle is read")
	}
	if fault := treeFault(data, 1); fault != "" {
		t.Error(fault)
	}
}

// TestPredictors: tables of streams are mostly stored as differences.
func TestPredictors(t *testing.T) {
	parms := map[name]any{"Predictor": 15, "Columns": 3}
	for _, test := range []struct {
		name string
		in   []byte
		want []byte
	}{
		{"none", []byte{0, 1, 2, 3}, []byte{1, 2, 3}},
		{"sub", []byte{1, 1, 1, 1}, []byte{1, 2, 3}},
		{"up", []byte{2, 1, 2, 3, 2, 1, 1, 1}, []byte{1, 2, 3, 2, 3, 4}},
		{"average", []byte{0, 2, 4, 6, 3, 1, 1, 1}, []byte{2, 4, 6, 2, 4, 6}},
		{"paeth", []byte{0, 10, 20, 30, 4, 1, 1, 1}, []byte{10, 20, 30, 11, 21, 31}},
		{"unknown", []byte{5, 1, 2, 3}, nil},
	} {
		if got := unpredicted(bytes.Clone(test.in), parms); !bytes.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// FuzzPageTree: whatever the bytes, the walk ends, within its budget.
func FuzzPageTree(f *testing.F) {
	for _, c := range treeCases {
		f.Add(c.plain(), c.pages)
		f.Add(c.packed(), c.pages)
		f.Add(c.damaged(), c.pages)
	}
	f.Add(sample(f, "qpdf-objstm.pdf"), 1)
	f.Fuzz(func(t *testing.T, data []byte, pages int) {
		pages = min(max(pages, 0), 1000)
		fault := treeFault(data, pages)
		if again := treeFault(data, pages); fault != again {
			t.Errorf("%q, then %q", fault, again)
		}
	})
}
