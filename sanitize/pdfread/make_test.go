package pdfread

import (
	"bytes"
	"fmt"
	"strings"
)

// made is a PDF that a test writes, object by object, numbered from 1.
type made struct {
	b  bytes.Buffer
	at []int
}

// object appends an object.
func (m *made) object(format string, args ...any) {
	if len(m.at) == 0 {
		m.b.WriteString("%PDF-1.7\n")
	}
	m.at = append(m.at, m.b.Len())
	fmt.Fprintf(&m.b, "%d 0 obj\n%s\nendobj\n", len(m.at), fmt.Sprintf(format, args...))
}

// stream appends a stream.
func (m *made) stream(entries, body string) {
	m.object("<<%s/Length %d>>\nstream\n%s\nendstream", entries, len(body), body)
}

// bytes finishes the file.
func (m *made) bytes() []byte {
	table := m.b.Len()
	fmt.Fprintf(&m.b, "xref\n0 %d\n0000000000 65535 f \n", len(m.at)+1)
	for _, at := range m.at {
		fmt.Fprintf(&m.b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&m.b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(m.at)+1, table)
	return m.b.Bytes()
}

// onePage is a document of one page: its entries, its content, and further
// objects, numbered from 6. /F is Helvetica.
func onePage(catalog, page, content string, more ...string) []byte {
	return manyPages(catalog, []string{page}, content, more...)
}

// manyPages is a document whose pages share their content.
func manyPages(catalog string, pages []string, content string, more ...string) []byte {
	var m made
	m.object("<</Type/Catalog/Pages 2 0 R%s>>", catalog)
	var kids strings.Builder
	for i := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", 6+len(more)+i)
	}
	m.object("<</Type/Pages/Count %d/Kids[%s]>>", len(pages), kids.String())
	m.object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	m.stream("", content)
	m.object("<</Font<</F 3 0 R>>/XObject<</X 6 0 R>>>>")
	for _, o := range more {
		m.object("%s", o)
	}
	for _, p := range pages {
		m.object("<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources 5 0 R%s>>", p)
	}
	return m.bytes()
}

const a5 = "/MediaBox[0 0 420 595]"
