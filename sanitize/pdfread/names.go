package pdfread

import (
	"bytes"
	"compress/zlib"
	"io"
)

// The engine draws, and tells little of what else a file carries. What will be
// gone is found by the names (ISO 32000-2, 7.3.5) that stand in its objects:
// in the file itself and in its object streams, but not in pictures and page
// contents. Nothing is decided by this list: every entry of it is gone in any
// case, and a name that was overlooked only makes a finding less.
var telling = map[string]string{
	"JavaScript": "pdf_script", "JS": "pdf_script",
	"AA": "pdf_action", "Rendition": "pdf_action", "SubmitForm": "pdf_action", "ImportData": "pdf_action",
	"GoToR": "pdf_action", "GoToE": "pdf_action",
	"Launch":        "pdf_launch",
	"EmbeddedFile":  "pdf_attachment",
	"EmbeddedFiles": "pdf_attachment",
	"AcroForm":      "pdf_form",
	"XFA":           "pdf_xfa",
	"ByteRange":     "signature_stripped",
	"Outlines":      "pdf_outline",
	"Metadata":      "document_metadata", "Info": "document_metadata", "PieceInfo": "document_metadata",
	"UserUnit":     "user_unit", // PDFium ignores it, as Chromium's viewer does
	"OCProperties": "pdf_layers",
	"Collection":   "pdf_portfolio",
	"RichMedia":    "pdf_media", "3D": "pdf_media", "Movie": "pdf_media", "Sound": "pdf_media",
}

// Limits of the search.
const (
	maxInflated = 64 << 20 // bytes of object streams
	maxNameLen  = 32
)

// names returns the finding codes of the telling names in a file.
func names(data []byte) map[string]bool {
	s := search{whole: data, found: map[string]bool{}}
	left := int64(maxInflated)
	for len(data) > 0 {
		head, body, rest := nextStream(data)
		s.scan(head)
		if body != nil && left > 0 && bytes.Contains(tail(head, 512), []byte("/ObjStm")) {
			objects := inflate(body, left)
			left -= int64(len(objects))
			s.scan(objects)
		}
		data = rest
	}
	if s.outOfSight && (s.locked || s.acts || s.found["pdf_script"] || s.found["pdf_launch"]) {
		s.found["pdf_action"] = true
	}
	return s.found
}

// search is what was found so far in a whole file.
type search struct {
	whole []byte
	found map[string]bool
	// outOfSight: something is done at opening that stands in an object stream.
	// It is most often the page to show; acts says that the file has actions
	// that do more, locked that its streams cannot be read.
	outOfSight, acts, locked bool
}

var (
	streamWord    = []byte("stream")
	endstreamWord = []byte("endstream")
)

// nextStream splits data before the first stream, after its end, and between.
// A stream that does not end runs to the end of the data.
func nextStream(data []byte) (head, body, rest []byte) {
	from := 0
	for {
		i := bytes.Index(data[from:], streamWord)
		if i < 0 {
			return data, nil, nil
		}
		from += i + len(streamWord)
		// The keyword ends its line, and is not the end of "endstream".
		if i := from - len(streamWord); i >= 3 && string(data[i-3:i]) == "end" {
			continue
		}
		if from < len(data) && (data[from] == '\r' || data[from] == '\n') {
			break
		}
	}
	head = data[:from]
	body, rest, _ = bytes.Cut(bytes.TrimPrefix(bytes.TrimPrefix(data[from:], []byte("\r")), []byte("\n")), endstreamWord)
	return head, body, rest
}

// tail returns the last n bytes of b, or all.
func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// inflate decompresses up to most bytes; what is broken ends it.
func inflate(body []byte, most int64) []byte {
	z, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil
	}
	defer z.Close() // nothing to lose
	var b bytes.Buffer
	_, _ = io.Copy(&b, io.LimitReader(z, most)) // what came before an error counts
	return b.Bytes()
}

// scan adds the codes of the telling names in b, a part of the file.
func (s *search) scan(b []byte) {
	for {
		i := bytes.IndexByte(b, '/')
		if i < 0 {
			return
		}
		name, n := readName(b[i+1:])
		b = b[i+1+n:]
		switch name {
		case "OpenAction":
			s.opens(b)
		case "Named":
			s.acts = true
		case "Encrypt":
			s.locked = true
		default:
			if code, ok := telling[name]; ok {
				s.found[code] = true
				s.acts = s.acts || code == "pdf_action" && name != "AA"
			}
		}
	}
}

// readName reads a name and the bytes that it takes, with #xx decoded: a
// script hides as /J#53.
func readName(b []byte) (string, int) {
	var name [maxNameLen]byte
	n, i := 0, 0
	for ; i < len(b) && n < maxNameLen && bytes.IndexByte(endsName, b[i]) < 0; i++ {
		c := b[i]
		if c == '#' && i+2 < len(b) {
			if hi, lo := hex(b[i+1]), hex(b[i+2]); hi >= 0 && lo >= 0 {
				c = byte(hi<<4 | lo)
				i += 2
			}
		}
		name[n] = c
		n++
	}
	return string(name[:n]), i
}

// endsName are the delimiters and white space of ISO 32000-2, 7.2.3.
var endsName = []byte("\x00\t\n\f\r ()<>[]{}/%")

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// opens judges what follows /OpenAction. Half of all programs only name the
// page to show first: by a destination, or by a reference to a plain GoTo action
// (12.3.2, 12.6.4.2). Everything else is an action.
func (s *search) opens(value []byte) {
	value = bytes.TrimLeft(value[:min(len(value), 64)], "\x00\t\n\f\r ")
	if bytes.HasPrefix(value, []byte("[")) {
		return
	}
	fields := bytes.Fields(value)
	if len(fields) < 3 || !bytes.HasPrefix(fields[2], []byte("R")) || len(fields[0]) > 10 {
		s.found["pdf_action"] = true
		return
	}
	_, object, ok := bytes.Cut(s.whole, []byte("\n"+string(fields[0])+" "+string(fields[1])+" obj"))
	if !ok {
		s.outOfSight = true
		return
	}
	object, _, _ = bytes.Cut(object[:min(len(object), 512)], []byte("endobj"))
	has := func(name string) bool { return bytes.Contains(object, []byte(name)) }
	if !has("/GoTo") || has("/GoToR") || has("/GoToE") || has("/Next") {
		s.found["pdf_action"] = true
	}
}

// cut reports whether a file begins as a PDF and ends too early: behind its
// last end mark, or startxref where a program wrote no mark, objects follow or
// its number is missing, or there is none of them (7.5.5). The engine would repair such a file and show
// what is left of it, or an older state of it, as the whole.
func cut(data []byte) bool {
	if !bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		return false
	}
	last := bytes.LastIndex(data, startxrefWord)
	end := max(bytes.LastIndex(data, []byte("%%EOF")), last)
	if end == last && last >= 0 {
		left := maxSteps
		if _, ok := (&lexer{b: data, at: last + len(startxrefWord), left: &left}).digits(); !ok {
			return true
		}
	}
	return end < 0 || bytes.Contains(data[end:], []byte(" obj"))
}
