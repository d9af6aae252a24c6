package pdfium

import (
	"errors"
	"fmt"
	"strings"
)

// Document is an open PDF.
type Document struct {
	in    *instance
	doc   uint64
	pages int
	form  uint64 // the form environment, 0 while there is none
	kind  Form
	// canvases are drawn on in turn; turn is the next one.
	canvases [2]canvas
	turn     int
}

// canvas is room for pixels, kept from page to page.
type canvas struct {
	at   uint32
	size int
}

// Codes of FPDF_GetLastError (fpdfview.h).
const (
	lastFile     = 2
	lastFormat   = 3
	lastPassword = 4
	lastSecurity = 5
	lastPage     = 6
)

// MaxPages bounds what a document may claim.
const MaxPages = 100_000

func open(in *instance, data []byte, password string) (*Document, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrFormat)
	}
	if strings.ContainsRune(password, 0) {
		return nil, fmt.Errorf("%w: a NUL in it", ErrPassword)
	}
	at, err := in.put(data)
	if err != nil {
		return nil, err
	}
	var secret uint32
	if password != "" {
		if secret, err = in.put(append([]byte(password), 0)); err != nil {
			return nil, err
		}
	}
	doc, err := in.call("FPDF_LoadMemDocument", uint64(at), uint64(uint32(len(data))), uint64(secret))
	if err != nil {
		return nil, err
	}
	if uint32(doc) == 0 {
		return nil, in.refusal()
	}
	d := &Document{in: in, doc: uint64(uint32(doc))}
	if d.pages, err = in.number("FPDF_GetPageCount", d.doc); err != nil {
		return nil, err
	}
	if d.pages < 0 || d.pages > MaxPages {
		return nil, fmt.Errorf("%w: %d pages", ErrFormat, d.pages)
	}
	kind, err := in.number("FPDF_GetFormType", d.doc)
	if err != nil {
		return nil, err
	}
	if kind > int(NoForm) && kind <= int(ForegroundXFA) {
		d.kind = Form(kind)
	}
	return d, d.openForm()
}

// refusal says why a document was not opened.
func (in *instance) refusal() error {
	code, err := in.number("FPDF_GetLastError")
	switch {
	case err != nil:
		return err
	case code == lastPassword:
		return ErrPassword
	case code == lastSecurity:
		return ErrSecurity
	case code == lastPage:
		return ErrPage
	case code == lastFormat || code == lastFile:
		return ErrFormat
	case in.full():
		return ErrMemory
	}
	return fmt.Errorf("%w: code %d", ErrFormat, code)
}

// openForm makes what draws the values of form fields. The module has no
// JavaScript, and none of the document's actions is called.
func (d *Document) openForm() error {
	if d.kind == NoForm {
		return nil
	}
	info, err := d.in.call("FPDF_FORMFILLINFO_Create")
	if err != nil || uint32(info) == 0 {
		return errors.Join(err, fmt.Errorf("%w: no form environment", ErrMemory))
	}
	form, err := d.in.call("FPDFDOC_InitFormFillEnvironment", d.doc, uint64(uint32(info)))
	if err != nil {
		return err
	}
	d.form = uint64(uint32(form))
	return nil
}

// Pages returns how many pages the document says it has, at most MaxPages.
func (d *Document) Pages() int { return d.pages }

// Security returns how the document is encrypted.
func (d *Document) Security() (Security, error) {
	revision, err := d.in.number("FPDF_GetSecurityHandlerRevision", d.doc)
	if err != nil || revision < 0 {
		return Security{}, err
	}
	allowed, err := d.in.call("FPDF_GetDocUserPermissions", d.doc)
	return Security{Encrypted: true, Revision: revision, Allowed: uint32(allowed)}, err
}

// Inventory returns what the document carries besides its pages.
func (d *Document) Inventory() (Inventory, error) {
	v := Inventory{Form: d.kind}
	for _, part := range []struct {
		name string
		to   *int
	}{
		{"FPDFDoc_GetJavaScriptActionCount", &v.Scripts},
		{"FPDFDoc_GetAttachmentCount", &v.Attachments},
		{"FPDF_GetSignatureCount", &v.Signatures},
	} {
		n, err := d.in.number(part.name, d.doc)
		if err != nil {
			return v, err
		}
		*part.to = max(0, n) // -1 is "none to be read"
	}
	return v, nil
}

// Close gives the document's memory back, all at once. Its pages are closed
// with it.
func (d *Document) Close() error { return d.in.close() }
