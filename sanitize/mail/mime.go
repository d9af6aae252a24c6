package mail

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/plaintext"
)

// Limits of one mail. A nested message/rfc822 is a mail of its own.
const (
	mimeMaxDepth       = 20
	mimeMaxParts       = 500
	mimeMaxHeader      = 256 << 10 // bytes of one entity's header
	mimeMaxHeaderTotal = 1 << 20
	mimeMaxBoundary    = 1000 // bytes; RFC 2046 allows 70
	mimeMaxPreamble    = 200  // bytes of text outside the parts that are no news
)

// mimePart is one entity: its header, and either kids or a body that is still
// transfer-encoded.
type mimePart struct {
	hdr   hdrBlock
	media string // type/subtype in lower case
	typed bool   // a Content-Type that can be read was there
	ctype hdrValue
	disp  hdrValue
	path  string // "1", "1.2", …; "" for the message itself
	body  []byte // raw bytes after the header
	kids  []*mimePart

	name  string // cleaned file name, once named is set
	named bool
}

func (p *mimePart) multipart() bool { return strings.HasPrefix(p.media, "multipart/") }

// where names the part in findings.
func (p *mimePart) where() string {
	if p.path == "" {
		return "message"
	}
	return "part " + p.path
}

// mimeDelim is what ended an entity: a delimiter of the multipart at level, or
// the end of the data at level -1.
type mimeDelim struct {
	level int
	close bool
}

var mimeEnd = mimeDelim{level: -1}

// mimeCount is what is counted over the whole mail.
type mimeCount struct {
	parts  int
	header int
}

// mimeParser reads the tree in one pass over the lines: each line that starts
// with "--" is compared with the boundaries of the multiparts that are open.
type mimeParser struct {
	ctx    context.Context
	lines  mimeLines
	bounds []string // of the open multiparts, outermost first
	base   int      // depth of what is around this parser's data
	count  *mimeCount
	notes  *parseNotes
	tick   int
	open   bool // the last header line was a field or a part of one

	decoded bool // the data was decoded from an encoded multipart
}

// mimeTree parses a message into its tree. The error is an *format.Error for a
// limit, time included.
func mimeTree(ctx context.Context, data []byte, notes *parseNotes) (*mimePart, *mimeCount, error) {
	count := &mimeCount{}
	m := mimeParser{ctx: ctx, lines: mimeLines{b: mimeUnix(data)}, count: count, notes: notes}
	root := &mimePart{}
	if _, err := m.entity(root, "text/plain"); err != nil {
		return nil, nil, err
	}
	return root, count, nil
}

// line returns the next line and the delimiter it is, if it is one.
func (m *mimeParser) line() (line []byte, start int, d mimeDelim, isDelim bool, err error) {
	if m.tick++; m.tick%4096 == 0 {
		if err := plaintext.Alive(m.ctx); err != nil {
			return nil, 0, mimeEnd, true, err
		}
	}
	line, start, ok := m.lines.next()
	if !ok {
		return nil, start, mimeEnd, true, nil
	}
	if len(line) > 2 && line[0] == '-' && line[1] == '-' {
		d, isDelim = m.delim(line[2:])
	}
	return line, start, d, isDelim, nil
}

// delim matches a line, without its leading dashes, against the open
// boundaries. An exact match at any level comes before a misspelt close.
func (m *mimeParser) delim(rest []byte) (mimeDelim, bool) {
	rest = bytes.TrimRight(rest, " \t\r\x00")
	misspelt := mimeEnd
	for i := len(m.bounds) - 1; i >= 0; i-- {
		b := m.bounds[i]
		if len(rest) < len(b) || string(rest[:len(b)]) != b {
			continue
		}
		switch tail := rest[len(b):]; {
		case len(tail) == 0:
			return mimeDelim{i, false}, true
		case string(tail) == "--":
			return mimeDelim{i, true}, true
		case misspelt.level < 0 && (string(tail) == "-" || tail[0] == '-' && len(tail) > 1 && tail[1] == '-'):
			misspelt = mimeDelim{i, true}
		}
	}
	if misspelt.level >= 0 {
		m.notes.add("mime_defect", "message", "misspelt closing boundary")
		return misspelt, true
	}
	return mimeEnd, false
}

// entity reads header and body of p up to the delimiter that ends it, and
// returns that delimiter. standard is the media type when none is given.
func (m *mimeParser) entity(p *mimePart, standard string) (mimeDelim, error) {
	if m.count.parts++; m.count.parts > mimeMaxParts {
		return mimeEnd, format.Hold(format.LimitCount, "MIME parts")
	}
	d, ended, err := m.header(p)
	if err != nil {
		return mimeEnd, err
	}
	m.classify(p, standard)
	if ended {
		return d, nil
	}
	start := m.lines.pos
	boundary := ""
	if p.multipart() {
		boundary = m.boundary(p)
	}
	if boundary == "" {
		end, d, err := m.skip()
		if err != nil {
			return mimeEnd, err
		}
		p.body = m.lines.b[start:end]
		if d != mimeEnd {
			p.body = mimeChop(p.body)
		}
		return d, m.recover(p)
	}
	d, end, err := m.multipart(p, boundary)
	if err != nil {
		return mimeEnd, err
	}
	p.body = m.lines.b[start:end]
	if len(p.kids) == 0 {
		return d, m.recover(p)
	}
	return d, nil
}

// skip passes lines up to a delimiter and returns where that line starts.
func (m *mimeParser) skip() (int, mimeDelim, error) {
	for {
		_, start, d, isDelim, err := m.line()
		if err != nil {
			return 0, mimeEnd, err
		}
		if isDelim {
			return start, d, nil
		}
	}
}

// multipart reads the parts of p and returns the delimiter of an outer level
// that ended it, and where that starts.
func (m *mimeParser) multipart(p *mimePart, boundary string) (mimeDelim, int, error) {
	level := len(m.bounds)
	if m.base+level >= mimeMaxDepth {
		return mimeEnd, 0, format.Hold(format.LimitDepth, "nested multiparts")
	}
	m.bounds = append(m.bounds, boundary)
	defer func() { m.bounds = m.bounds[:level] }()
	first := m.lines.pos
	end, d, err := m.skip()
	if err != nil {
		return mimeEnd, 0, err
	}
	m.outside(p, m.lines.b[first:end], "preamble")
	for d.level == level && !d.close {
		kid := &mimePart{path: mimePath(p.path, len(p.kids)+1)}
		if d, err = m.entity(kid, mimeStandard(p.media)); err != nil {
			return mimeEnd, 0, err
		}
		if len(kid.hdr.fields) == 0 && mimeBlank(kid.body) && d.level != level {
			m.notes.add("mime_defect", p.where(), "empty last part")
			break // a closing boundary without its two dashes
		}
		p.kids = append(p.kids, kid)
	}
	if d.level != level {
		m.notes.add("mime_defect", p.where(), "closing boundary missing")
		return d, m.delimStart(d), nil
	}
	m.bounds = m.bounds[:level]
	first = m.lines.pos
	end, d, err = m.skip()
	if err != nil {
		return mimeEnd, 0, err
	}
	m.outside(p, m.lines.b[first:end], "epilogue")
	return d, end, nil
}

// delimStart is about where the delimiter that was read last starts; only the
// raw copy of an encrypted multipart depends on it.
func (m *mimeParser) delimStart(d mimeDelim) int {
	if d == mimeEnd {
		return len(m.lines.b)
	}
	before := bytes.TrimRight(m.lines.b[:m.lines.pos], "\r\n")
	return bytes.LastIndexAny(before, "\r\n") + 1
}

// outside notes text before the first or after the last part, which no mail
// reader shows. What composing programs put there is no news.
func (m *mimeParser) outside(p *mimePart, text []byte, what string) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || what == "preamble" && len(text) <= mimeMaxPreamble && bytes.Contains(bytes.ToLower(text), []byte("mime")) {
		return
	}
	m.notes.add("mime_preamble", p.where(), fmt.Sprintf("%s of %d bytes", what, len(text)))
}

func mimePath(parent string, n int) string {
	if parent == "" {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s.%d", parent, n)
}

// mimeStandard is the media type of a part without Content-Type.
// spec: rfc2045#5.2 rfc2046#5.1.5
func mimeStandard(parent string) string {
	if parent == "multipart/digest" {
		return "message/rfc822" // RFC 2046 section 5.1.5
	}
	return "text/plain"
}
