package mail

import (
	"context"
	"fmt"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/plaintext"
)

// bodyKind says what a shown text was made from.
type bodyKind uint8

const (
	bodyPlain bodyKind = iota
	bodyHTML
	bodyRich // text/enriched, text/richtext
)

// bodyItem is one text or child in reading order. What was found while it was
// made stays with it, because the text of an alternative may be dropped.
type bodyItem struct {
	role  ir.Role
	kind  bodyKind
	text  string
	child *bodyChild
	notes []ir.Note
	clean parseCleaner
}

// bodyChild is a child file with its bytes.
type bodyChild struct {
	ir.Child
	data []byte
	// related: a part of multipart/related with a Content-ID, not marked as attachment.
	related bool
	// instead: the file stands for a body that could not be shown, and goes
	// when another alternative is shown.
	instead bool
}

// bodyPlace is where in the tree a part stands.
type bodyPlace struct {
	root    bool // the message itself
	related bool // a member of multipart/related other than its root
}

// bodyWalker walks the tree in reading order and decodes the leaves.
type bodyWalker struct {
	ctx        context.Context
	in         format.Untrusted
	notes      *parseNotes
	clean      *parseCleaner
	count      *mimeCount
	used       int64           // decoded bytes so far
	cids       map[string]bool // Content-IDs that HTML texts show
	unreadable bool            // some body could not be shown
	opened     int             // opaque signatures opened
	invited    map[string]bool // what invitations said so far
}

// walk returns the items of a part and of what is in it.
func (w *bodyWalker) walk(p *mimePart, at bodyPlace) ([]bodyItem, error) {
	if err := plaintext.Alive(w.ctx); err != nil {
		return nil, err
	}
	switch {
	case p.media == "multipart/encrypted":
		return w.encrypted(p)
	case len(p.kids) == 0:
		return w.leaf(p, at)
	case p.media == "multipart/alternative":
		return w.alternative(p, at)
	case p.media == "multipart/related":
		return w.relatedTo(p)
	}
	return w.mixed(p.kids, bodyPlace{related: at.related})
}

// mixed walks parts one after the other: multipart/mixed and every multipart
// of unknown kind (RFC 2046 section 5.1.7), and also signed, report, digest,
// whose parts explain themselves.
// spec: rfc2046#5.1.3 rfc2046#5.1.7
func (w *bodyWalker) mixed(kids []*mimePart, at bodyPlace) ([]bodyItem, error) {
	var out []bodyItem
	for _, k := range kids {
		items, err := w.walk(k, at)
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

// relatedTo puts the root of a multipart/related (RFC 2387) first: the part
// that the start parameter names, else the first one.
// spec: rfc2387#3
func (w *bodyWalker) relatedTo(p *mimePart) ([]bodyItem, error) {
	root := p.kids[0]
	if start := bodyCID([]byte(p.ctype.get("start"))); start != "" {
		for _, k := range p.kids {
			if bodyCID(k.hdr.first("content-id")) == start {
				root = k
				break
			}
		}
	}
	out, err := w.walk(root, bodyPlace{})
	if err != nil {
		return nil, err
	}
	for _, k := range p.kids {
		if k == root {
			continue
		}
		items, err := w.walk(k, bodyPlace{related: true})
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

// encrypted hands the whole part on as a file, so that it can be held as what
// it is (DECISIONS, encrypted_mail).
func (w *bodyWalker) encrypted(p *mimePart) ([]bodyItem, error) {
	if err := w.take(len(p.body)); err != nil {
		return nil, err
	}
	c := w.child(p, p.body)
	if c.Name == "" {
		c.Name = "encrypted.eml"
	}
	c.Note = ir.Note{Code: string(format.EncryptedMail), Where: p.where()}
	return []bodyItem{{child: c}}, nil
}

// take counts decoded bytes against the budget.
func (w *bodyWalker) take(n int) error {
	w.used += int64(n)
	if w.used > w.in.Budget.Bytes {
		return format.Hold(format.LimitExpanded, fmt.Sprintf("%d decoded bytes", w.used))
	}
	return nil
}

// bodyBytes are the bytes of a leaf after its transfer encoding.
type bodyBytes struct {
	data []byte
	// why is set when the encoding could not be undone: data is as it came.
	why format.Reason
	// detail says more about it.
	detail string
	name   []byte // the name that uuencode carries
}

// bytes undoes the transfer encoding of a leaf. Plain words under a wrong
// encoding are taken as they are.
func (w *bodyWalker) bytes(p *mimePart) (bodyBytes, error) {
	cte := mimeEncoding(p)
	out := bodyBytes{data: p.body}
	switch cte {
	case cteIdentity:
	case cteUnknown:
		out.why, out.detail = format.Malformed, "unknown transfer encoding"
		w.notes.add("mime_defect", p.where(), out.detail)
	case cteYenc, cteBinHex:
		out.why, out.detail = format.KindUnsupported, "transfer encoding yEnc or BinHex"
	case cteBase64:
		out = w.base64(p)
	default:
		if f, ok := uuFind(p.body); ok && cte == cteUU {
			out.name = f.name
		}
		data, clean := mimeDecode(cte, p.body)
		out.data = data
		if !clean {
			w.notes.add("mime_defect", p.where(), "transfer encoding repaired")
		}
	}
	return out, w.take(len(out.data))
}

// child makes the frame of a leaf that is a file.
func (w *bodyWalker) child(p *mimePart, data []byte) *bodyChild {
	cid := bodyCID(p.hdr.first("content-id"))
	c := &bodyChild{data: data, related: cid != "" && p.disp.main != "attachment"}
	c.Role = ir.RoleAttachment
	c.Name = w.name(p)
	if p.typed {
		c.Media = parseLine(p.media, 200)
	}
	c.CID = parseLine(cid, 500)
	return c
}

// inline reports whether the sender wished the picture to be shown in the body.
func (w *bodyWalker) inline(c *bodyChild) bool {
	return c.CID != "" && w.cids[c.CID] || c.related && strings.HasPrefix(c.Media, "image/")
}

// name returns the cleaned name of a part: filename wins over name. What was
// cleaned out of it is counted once.
func (w *bodyWalker) name(p *mimePart) string {
	if p.named {
		return p.name
	}
	p.named = true
	for _, s := range []string{
		parseParam(p.disp.params, "filename"), parseParam(p.ctype.params, "name"),
		parseParam(p.disp.params, "name"), parseParam(p.ctype.params, "filename"),
	} {
		if p.name = parseName(s, w.clean); p.name != "" {
			break
		}
	}
	return p.name
}

// bodyCID returns a Content-ID without its brackets.
func bodyCID(raw []byte) string {
	return strings.Trim(strings.TrimSpace(hdrString(raw)), "<> ")
}
