package pdfread

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// revised is a document of one page with its content replaced by an appended
// section, up to its startxref.
func revised(before, after string) string {
	show := func(s string) string { return "BT /F 24 Tf 50 300 Td (" + s + ") Tj ET" }
	old := onePage("", a5, show(before))
	table := bytes.LastIndex(old, []byte("xref\n0"))
	b := bytes.NewBuffer(old)
	at := b.Len()
	fmt.Fprintf(b, "4 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n", len(show(after)), show(after))
	next := b.Len()
	fmt.Fprintf(b, "xref\n4 1\n%010d 00000 n \ntrailer\n<</Size 9/Root 1 0 R/Prev %d>>\nstartxref\n%d", at, table, next)
	return b.String()
}

// TestLastRevision: of several states of a document the last one is drawn,
// however the file ends, or none.
func TestLastRevision(t *testing.T) {
	for _, test := range []struct {
		name, end string
	}{
		{"as it should be", "\n%%EOF\n"},
		{"no mark", "\n"},
		{"nothing behind the number", ""},
		{"a mark cut short", "\n%%E"},
		{"blank lines", "\n\n\n\n\n"},
		{"a mark and other bytes", "\n%%EOF\n" + strings.Repeat("x", 100)},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := parse(t, dressed(t), asked([]byte(revised("FIRST", "SECOND")+test.end)))
			if a.reason != "" || a.text() != "SECOND\n" {
				t.Errorf("%q %s %s", a.text(), a.reason, a.detail)
			}
		})
	}
	whole := revised("FIRST", "SECOND")
	end := strings.LastIndex(whole, "startxref") + len("startxref")
	for cut := end; cut > end-len("startxref"); cut-- {
		if a := parse(t, dressed(t), asked([]byte(whole[:cut]))); a.reason != format.Truncated {
			t.Errorf("cut to end with %q: %q %s", whole[cut-9:cut], a.reason, a.text())
		}
	}
}

// misplaced is a document whose second page's content is at a wrong offset, and
// whose first page has a picture and a remark.
func misplaced(from, to string) []byte {
	data := manyPages("", []string{a5, a5 + "/Contents 6 0 R"}, "BT /F 24 Tf 50 300 Td (ONE) Tj ET",
		"<</Length 33>>\nstream\nBT /F 24 Tf 50 300 Td (TWO) Tj ET\nendstream")
	return bytes.Replace(data, []byte(from), []byte(to), 1)
}

// TestOffsets: an object that is not where the table has it is found, and told of.
func TestOffsets(t *testing.T) {
	whole := misplaced("", "")
	at := bytes.Index(whole, []byte("\n6 0 obj")) + 1
	row := func(at int) string { return fmt.Sprintf("%010d 00000 n", at) }
	for _, test := range []struct {
		name string
		at   int
	}{
		{"some bytes behind", at + 3}, {"within its stream", at + 20}, {"one before", at - 2}, {"beyond the file", 99_999}, {"nowhere", 0},
		{"at another object", bytes.Index(whole, []byte("\n5 0 obj")) + 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := misplaced(row(at), row(test.at))
			if bytes.Equal(data, whole) {
				t.Fatal("the same file")
			}
			a := parse(t, dressed(t), asked(data))
			if a.reason != "" || a.text() != "ONE\nTWO\n" || !a.has("document_repaired") {
				t.Errorf("%q %s %s %v", a.text(), a.reason, a.detail, a.notes)
			}
		})
	}
	if a := parse(t, dressed(t), asked(whole)); a.text() != "ONE\nTWO\n" || a.has("document_repaired") {
		t.Errorf("%q %v", a.text(), a.notes)
	}
}

// TestSamplesAreSound: what programs write is not taken for damaged.
func TestSamplesAreSound(t *testing.T) {
	for _, row := range sampleRows {
		if !sound(sample(t, row.name)) {
			t.Errorf("%s has a wrong offset", row.name)
		}
	}
}
