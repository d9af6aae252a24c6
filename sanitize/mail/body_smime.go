package mail

import (
	"bytes"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Object identifiers of CMS content types (RFC 5652, RFC 5083), DER-encoded.
var (
	smimeSigned        = []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02}
	smimeEnveloped     = []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03}
	smimeAuthEnveloped = []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x17}
	smimeData          = []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01}
)

// smimeMaxOpened is how many opaque signatures are opened in one mail.
const smimeMaxOpened = 5

// smime reads application/pkcs7-mime (RFC 8551) by its content: an opaque
// signature is opened and its mail shown, everything else is encrypted.
// spec: rfc8551
func (w *bodyWalker) smime(p *mimePart) ([]bodyItem, error) {
	b, err := w.bytes(p)
	if err != nil {
		return nil, err
	}
	kind, content := smimeOpen(b.data)
	if bytes.Equal(kind, smimeSigned) && content != nil && w.opened < smimeMaxOpened {
		w.opened++
		w.notes.add("signature_stripped", p.where(), "opaque signature")
		return w.inner(p, content)
	}
	c := w.child(p, b.data)
	if c.Name == "" {
		c.Name = "smime.p7m"
	}
	switch {
	case bytes.Equal(kind, smimeEnveloped), bytes.Equal(kind, smimeAuthEnveloped):
		c.Note = ir.Note{Code: string(format.EncryptedMail), Where: p.where()}
	case bytes.Equal(kind, smimeSigned):
		// A bare list of certificates, or too many layers: judged by its content.
	default:
		c.Note = ir.Note{Code: string(format.EncryptedMail), Where: p.where(), Detail: "unknown CMS content"}
	}
	return []bodyItem{{child: c}}, nil
}

// inner reads an entity that was wrapped in p.
func (w *bodyWalker) inner(p *mimePart, data []byte) ([]bodyItem, error) {
	if err := w.take(len(data)); err != nil {
		return nil, err
	}
	m := mimeParser{ctx: w.ctx, lines: mimeLines{b: mimeUnix(data)}, count: w.count, notes: w.notes}
	kid := &mimePart{path: mimePath(p.path, 1)}
	if _, err := m.entity(kid, "text/plain"); err != nil {
		return nil, err
	}
	return w.walk(kid, bodyPlace{})
}

// smimeOpen returns the content type of a CMS message and, for signed data,
// the signed bytes, which lie in it as an octet string.
func smimeOpen(der []byte) (kind, content []byte) {
	info, _, ok := berElement(der, 0x30)
	if !ok {
		return nil, nil
	}
	kind, rest, ok := berElement(info, 0x06)
	if !ok || !bytes.Equal(kind, smimeSigned) {
		return kind, nil
	}
	wrapped, _, _ := berElement(rest, 0xA0)
	signed, _, _ := berElement(wrapped, 0x30)
	_, signed, _ = berElement(signed, 0x02)  // version
	_, signed, _ = berElement(signed, 0x31)  // digest algorithms
	encap, _, ok := berElement(signed, 0x30) // encapContentInfo
	if !ok {
		return kind, nil
	}
	inner, encap, ok := berElement(encap, 0x06)
	if !ok || !bytes.Equal(inner, smimeData) {
		return kind, nil
	}
	encap, _, ok = berElement(encap, 0xA0)
	if !ok {
		return kind, nil
	}
	return kind, berOctets(encap)
}

// berOctets returns the octet string that b starts with; a constructed one is
// joined from its pieces.
func berOctets(b []byte) []byte {
	if s, _, ok := berElement(b, 0x04); ok {
		return s
	}
	pieces, _, ok := berElement(b, 0x24)
	if !ok {
		return nil
	}
	var out []byte
	for len(pieces) > 0 {
		s, rest, ok := berElement(pieces, 0x04)
		if !ok {
			break
		}
		out = append(out, s...)
		pieces = rest
	}
	return out
}

// berElement cuts the first element off b when it has the tag (X.690). An
// indefinite length reaches to the end of b: its end mark is then left in the
// content, where no reader of a known field minds it.
func berElement(b []byte, tag byte) (content, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, b, false
	}
	n := int(b[1])
	b = b[2:]
	switch {
	case n == 0x80:
		return b, nil, true
	case n > 0x84:
		return nil, b, false
	case n > 0x80:
		size := n - 0x80
		if len(b) < size {
			return nil, b, false
		}
		n = 0
		for _, c := range b[:size] {
			n = n<<8 | int(c)
		}
		b = b[size:]
	}
	n = min(n, len(b)) // cut short: take what is there
	return b[:n], b[n:], true
}
