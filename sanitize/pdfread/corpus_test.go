package pdfread

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// corpusRow says what becomes of one file of the corpus.
type corpusRow struct {
	path   string
	reason format.Reason
	pages  int64
	says   string   // in the text layer
	found  []string // findings
}

var corpusRows = []corpusRow{
	{path: "pdf/pdfjs-ContentStreamCycleType3insideType3.pdf", pages: 1},
	{path: "pdf/pdfjs-attachment.pdf", pages: 1, says: "This document contains one attachment", found: []string{"pdf_attachment", "document_metadata"}},
	{path: "pdf/pdfjs-autoprint.pdf", pages: 1, found: []string{"pdf_script", "pdf_outline"}},
	{path: "pdf/pdfjs-encrypted-attachment.pdf", pages: 1, says: "Example", found: []string{"pdf_attachment", "pdf_restrictions"}},
	{path: "pdf/pdfjs-file_url_link.pdf", pages: 1, says: "path/to/local/file.pdf", found: []string{"pdf_link"}},
	{path: "pdf/pdfjs-js-buttons.pdf", pages: 1, says: "Checkboxes", found: []string{"pdf_script", "pdf_form"}},
	{path: "pdf/pdfjs-js-colors.pdf", pages: 1, found: []string{"pdf_script", "pdf_form"}},
	{path: "pdf/pdfjs-noembed-eucjp.pdf", pages: 1, says: "あいうえお", found: []string{"font_substituted"}},
	{path: "pdf/pdfjs-noembed-sjis.pdf", pages: 1, says: "あいうえお", found: []string{"font_substituted"}},
	{path: "pdf/pdfjs-poppler-395-0-fuzzed.pdf", reason: format.Malformed},
	{path: "pdf/pdfjs-signed_verified.pdf", pages: 1, says: "Digital signature properties -- pdf.js test", found: []string{"signature_stripped"}},
	{path: "pdf/pdfjs-xfa_issue14315.pdf", pages: 1, says: "The document you are trying to load", found: []string{"pdf_xfa", "pdf_script"}},
	{path: "pdf/qpdf-append-xref-loop.pdf", pages: 30, says: "Potato 0 new"},
	{path: "pdf/qpdf-enc-XI-R6_V5_U=view_attachments_cleartext-metadata.pdf", reason: format.EncryptedDocument},
	{path: "pdf/qpdf-fuzz-16214.pdf", reason: format.Malformed},
	{path: "pdf/qpdf-hybrid-xref.pdf", pages: 30, says: "Potato 0"},
	{path: "pdf/qpdf-minimal.pdf", pages: 1, says: "Potato"},
	{path: "pdf/qpdf-object-stream-self-ref.pdf", pages: 1, says: "Potato"},
	{path: "pdf/qpdf-outlines-with-actions.pdf", pages: 30, says: "Salad 29", found: []string{"pdf_outline"}},
	{path: "pdf/qpdf-pages-loop.pdf", reason: format.Malformed},
	{path: "pdf/tika-testPDF_jsActionOnPage.pdf", pages: 1, found: []string{"pdf_script", "pdf_action"}},
	{path: "pdf/tika-testPDF_malformedXFA.pdf", pages: 1, found: []string{"pdf_xfa"}},
	{path: "pdf/tika-testPDF_multiFormatEmbFiles.pdf", pages: 1, says: "Go to Document->File Attachments to View", found: []string{"pdf_attachment"}},
	{path: "pdf/tika-testPDF_no_extract_no_accessibility_owner_empty.pdf", pages: 1, says: "Hello World", found: []string{"pdf_restrictions"}},
	{path: "pdf/tika-testPDF_no_extract_no_accessibility_owner_user.pdf", reason: format.EncryptedDocument},
	{path: "bugs/pdf-js-in-page-and-annot-aa.pdf", pages: 1, says: "Visible page text D78", found: []string{"pdf_script", "pdf_action"}},
}

// TestCorpus judges each PDF of the corpus. Without one there are the samples,
// in TestSamples.
func TestCorpus(t *testing.T) {
	root := os.Getenv("SEKISHO_CORPUS")
	if root == "" {
		t.Log("SEKISHO_CORPUS is not set")
		return
	}
	known := map[string]bool{}
	for _, row := range corpusRows {
		known[row.path] = true
		t.Run(row.path, func(t *testing.T) { row.check(t, filepath.Join(root, row.path)) })
	}
	files, err := filepath.Glob(filepath.Join(root, "pdf", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if p := "pdf/" + filepath.Base(f); !known[p] {
			t.Errorf("%s has no row", p)
		}
	}
}

func (row corpusRow) check(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a := parse(t, dressed(t), asked(data))
	if a.reason != row.reason || a.pages != row.pages {
		t.Fatalf("%d pages, %q (%s); want %d, %q", a.pages, a.reason, a.detail, row.pages, row.reason)
	}
	if !strings.Contains(a.text(), row.says) {
		t.Errorf("%q is not in %q", row.says, a.text())
	}
	for _, code := range row.found {
		if !a.has(code) {
			t.Errorf("no finding %s in %v", code, a.notes)
		}
	}
}
