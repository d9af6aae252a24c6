package sanitize

import (
	"strings"

	"sekisho/sanitize/format"
)

// drawn is the row of a PDF that is rebuilt from its pages. What no PDF of ours
// may have is looked for in all of them.
func drawn(path string, pages int, found string, text ...string) corpusRow {
	return corpusRow{path: path, kind: format.PDF, verdict: format.Rebuilt, output: path[strings.LastIndexByte(path, '/')+1:], pages: pages, found: found, text: text}
}

// without adds what the file must not have besides.
func without(r corpusRow, absent ...string) corpusRow {
	r.absent = append(r.absent, absent...)
	return r
}

// pdfRows are the documents.
func pdfRows() []corpusRow {
	return []corpusRow{
		drawn("pdf/pdfjs-ContentStreamCycleType3insideType3.pdf", 1, ""),
		drawn("pdf/pdfjs-attachment.pdf", 1, "pdf_attachment document_metadata", "This document contains one attachment"),
		drawn("pdf/pdfjs-autoprint.pdf", 1, "pdf_script pdf_outline"),
		drawn("pdf/pdfjs-encrypted-attachment.pdf", 1, "pdf_attachment pdf_restrictions", "Example"),
		drawn("pdf/pdfjs-file_url_link.pdf", 1, "pdf_link", "path/to/local/file.pdf"),
		drawn("pdf/pdfjs-js-buttons.pdf", 1, "pdf_script pdf_form", "Checkboxes"),
		drawn("pdf/pdfjs-js-colors.pdf", 1, "pdf_script pdf_form"),
		drawn("pdf/pdfjs-noembed-eucjp.pdf", 1, "font_substituted", "あいうえお"),
		drawn("pdf/pdfjs-noembed-sjis.pdf", 1, "font_substituted", "あいうえお"),
		{path: "pdf/pdfjs-poppler-395-0-fuzzed.pdf", kind: format.PDF, reason: format.Malformed},
		drawn("pdf/pdfjs-signed_verified.pdf", 1, "signature_stripped", "Digital signature properties -- pdf.js test"),
		drawn("pdf/pdfjs-xfa_issue14315.pdf", 1, "pdf_xfa pdf_script", "The document you are trying to load"),
		drawn("pdf/qpdf-append-xref-loop.pdf", 30, "", "Potato 0 new"),
		{path: "pdf/qpdf-enc-XI-R6_V5_U=view_attachments_cleartext-metadata.pdf", kind: format.PDF, reason: format.EncryptedDocument},
		{path: "pdf/qpdf-fuzz-16214.pdf", kind: format.Unknown, reason: format.KindUnknown}, // has no mark of a PDF
		drawn("pdf/qpdf-hybrid-xref.pdf", 30, "", "Potato 0"),
		drawn("pdf/qpdf-minimal.pdf", 1, "", "Potato"),
		drawn("pdf/qpdf-object-stream-self-ref.pdf", 1, "", "Potato"),
		drawn("pdf/qpdf-outlines-with-actions.pdf", 30, "pdf_outline", "Salad 29"),
		{path: "pdf/qpdf-pages-loop.pdf", kind: format.PDF, reason: format.Malformed},
		drawn("pdf/tika-testPDF_jsActionOnPage.pdf", 1, "pdf_script pdf_action"),
		drawn("pdf/tika-testPDF_malformedXFA.pdf", 1, "pdf_xfa"),
		drawn("pdf/tika-testPDF_multiFormatEmbFiles.pdf", 1, "pdf_attachment", "Go to Document->File Attachments to View"),
		drawn("pdf/tika-testPDF_no_extract_no_accessibility_owner_empty.pdf", 1, "pdf_restrictions", "Hello World"),
		{path: "pdf/tika-testPDF_no_extract_no_accessibility_owner_user.pdf", kind: format.PDF, reason: format.EncryptedDocument},
		without(drawn("bugs/pdf-js-in-page-and-annot-aa.pdf", 1, "pdf_script pdf_action", "Visible page text D78"), "marker_2205"),
	}
}

// decodedRows are the pictures whose decoders are files of their own.
func decodedRows() []corpusRow {
	return []corpusRow{
		{path: "image/tika-testHEIF.heic", kind: format.HEIC, verdict: format.Rebuilt, output: "tika-testHEIF.jpg", found: "format_changed", absent: []string{"ftyp", "Exif"}},
		{path: "svg/circl-Example.svg", kind: format.SVG, verdict: format.Rebuilt, output: "circl-Example.png", found: "format_changed", absent: []string{"<svg", "inkscape"}},
		{path: "svg/mini-svg.svg", kind: format.SVG, verdict: format.Rebuilt, output: "mini-svg.png", found: "format_changed", absent: []string{"<svg"}},
		{path: "svg/tika-testSVG_no_xml_header.svg", kind: format.SVG, verdict: format.Rebuilt, output: "tika-testSVG_no_xml_header.png", found: "format_changed", absent: []string{"<svg"}},
	}
}
