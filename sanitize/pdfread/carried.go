package pdfread

import (
	"sekisho/sanitize/pdfium"
)

// carried notes what the document carries besides its pages, and emits what is
// known so far.
func (r *reading) carried() error {
	has := names(r.in.Data)
	v, err := r.doc.Inventory()
	if err != nil {
		return holdOpen(err, r.in.Data)
	}
	// In an encrypted file names in object streams cannot be read; the engine
	// counts what it can.
	has["pdf_script"] = has["pdf_script"] || v.Scripts > 0
	has["pdf_attachment"] = has["pdf_attachment"] || v.Attachments > 0
	has["signature_stripped"] = has["signature_stripped"] || v.Signatures > 0
	has["pdf_form"] = has["pdf_form"] || v.Form == pdfium.AcroForm
	has["pdf_xfa"] = has["pdf_xfa"] || v.Form == pdfium.FullXFA || v.Form == pdfium.ForegroundXFA
	for _, code := range carriedCodes {
		if has[code] {
			r.notes.add(code, "")
		}
	}
	if r.mended {
		r.notes.add("document_repaired", "")
	}
	if s, err := r.doc.Security(); err != nil {
		return holdOpen(err, r.in.Data)
	} else if s.Encrypted {
		r.notes.add("pdf_restrictions", "")
	}
	return r.notes.write(r.out)
}

// carriedCodes are the findings that carried may make, in their order.
var carriedCodes = []string{
	"pdf_script", "pdf_launch", "pdf_action", "pdf_attachment", "pdf_portfolio", "pdf_media", "pdf_xfa", "pdf_form",
	"signature_stripped", "pdf_layers", "pdf_outline", "user_unit", "document_metadata",
}
