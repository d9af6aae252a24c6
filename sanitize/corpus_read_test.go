package sanitize

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/hypertext"
	"sekisho/sanitize/policy"
)

// delivered is a rebuilt mail as the standard library reads it, which shares
// no code with our builder and lint.
type delivered struct {
	raw    []byte
	header mail.Header
	top    string // our lines above the sender's text
	sender string // the sender's text, with LF
	notice string // our section below it
	files  []deliveredFile
	all    []string // every form in which something is delivered
}

type deliveredFile struct {
	name string
	data []byte
}

const noticeMark = "-- 無害化のお知らせ"

func readDelivered(t *testing.T, raw []byte) *delivered {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("the rebuilt mail cannot be read: %v", err)
	}
	d := &delivered{raw: raw, header: m.Header, all: []string{string(raw)}}
	text := d.entity(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
	before, notice, ok := cutLast(text, noticeMark)
	if !ok {
		t.Fatalf("no notice in %q", text)
	}
	d.notice = noticeMark + notice
	for rest := before; strings.HasPrefix(rest, "【無害化済み】") || strings.HasPrefix(rest, "【ご注意】"); {
		line, after, _ := strings.Cut(rest, "\n")
		d.top += line + "\n"
		rest, before = after, after
	}
	d.sender = before
	return d
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// entity reads one MIME entity, keeps the files in it, and returns the text of
// the first text part.
func (d *delivered) entity(t *testing.T, ctype, cte, disposition string, body io.Reader) string {
	t.Helper()
	media, params, err := mime.ParseMediaType(ctype)
	if err != nil {
		t.Fatalf("Content-Type %q: %v", ctype, err)
	}
	if strings.HasPrefix(media, "multipart/") {
		return d.multipart(t, multipart.NewReader(body, params["boundary"]))
	}
	if strings.EqualFold(cte, "base64") {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("%s: %v", media, err)
	}
	d.all = append(d.all, string(data), strings.ReplaceAll(string(data), "\r\n", "\n"))
	if disposition == "" {
		if media != "text/plain" || !strings.EqualFold(params["charset"], "utf-8") {
			t.Errorf("the text is %s", ctype)
		}
		return strings.ReplaceAll(string(data), "\r\n", "\n")
	}
	_, params, err = mime.ParseMediaType(disposition)
	if err != nil {
		t.Fatalf("Content-Disposition %q: %v", disposition, err)
	}
	name, err := new(mime.WordDecoder).DecodeHeader(params["filename"])
	if err != nil {
		t.Errorf("name %q: %v", params["filename"], err)
	}
	if media == "message/rfc822" { // attached mails hold more forms
		inner, err := mail.ReadMessage(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("attached mail %q: %v", name, err)
		}
		in := &delivered{}
		text := in.entity(t, inner.Header.Get("Content-Type"), inner.Header.Get("Content-Transfer-Encoding"), "", inner.Body)
		d.all = append(append(d.all, text), in.all...)
	}
	d.files = append(d.files, deliveredFile{name, data})
	return ""
}

func (d *delivered) multipart(t *testing.T, r *multipart.Reader) string {
	t.Helper()
	text := ""
	for i := 0; ; i++ {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return text
		}
		if err != nil {
			t.Fatalf("part %d: %v", i+1, err)
		}
		s := d.entity(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.Header.Get("Content-Disposition"), p)
		if i == 0 {
			text = s
		}
	}
}

// fileText returns what a reader of a rebuilt file sees: its text without byte
// order mark, with LF; of an attached mail the text of its body.
func fileText(t *testing.T, n *Node) string {
	t.Helper()
	b := output(t, *n)
	if n.Kind == format.Mail {
		m, err := mail.ReadMessage(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		return new(delivered).entity(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
	}
	if bytes.HasPrefix(b, []byte("%PDF-")) {
		return pdfText(t, b)
	}
	return strings.ReplaceAll(strings.TrimPrefix(string(b), "\uFEFF"), "\r\n", "\n")
}

var blanks = regexp.MustCompile(`\s+`)

// checkMail judges a rebuilt mail as its reader gets it.
func checkMail(t *testing.T, row corpusRow, n *Node, d *delivered) {
	t.Helper()
	subject, err := new(mime.WordDecoder).DecodeHeader(d.header.Get("Subject"))
	if err != nil || blanks.ReplaceAllString(subject, " ") != row.subject {
		t.Errorf("subject %q, want %q (%v)", subject, row.subject, err)
	}
	for _, name := range []string{"From", "Date", "Message-Id", "Mime-Version"} {
		if len(d.header[name]) != 1 {
			t.Errorf("%d fields %s", len(d.header[name]), name)
		}
	}
	mustContain(t, "text", d.sender, row.text)
	mustLines(t, d.sender, row.lines)
	mustContain(t, "top", d.top, row.top)
	if row.top == nil && d.top != "" {
		t.Errorf("lines at the top: %q", d.top)
	}
	mustContain(t, "notice", d.notice, row.notice)
	var want []deliveredFile
	for i := range n.Kids {
		if k := &n.Kids[i]; k.Body.OK() {
			want = append(want, deliveredFile{k.Body.Name(), output(t, *k)})
		} else if k.Name != "" && k.Verdict == format.Held && !strings.Contains(d.notice, k.Name) {
			t.Errorf("the notice does not name %q", k.Name)
		}
	}
	if !slices.EqualFunc(d.files, want, func(a, b deliveredFile) bool { return a.name == b.name && bytes.Equal(a.data, b.data) }) {
		t.Errorf("the mail has not the %d files that were rebuilt, but %d", len(want), len(d.files))
	}
	n.Walk(func(m *Node) {
		if m.Body.OK() && m != n {
			checkBody(t, corpusRow{pages: len(m.sheets)}, m, output(t, *m))
		}
	})
	mustLack(t, d.all, row.absent)
}

// checkFile judges a rebuilt file.
func checkFile(t *testing.T, row corpusRow, n *Node) {
	t.Helper()
	raw := output(t, *n)
	text := fileText(t, n)
	mustContain(t, "text", text, row.text)
	mustLines(t, text, row.lines)
	if row.title != "" && !strings.HasPrefix(text, row.title+"\n") {
		t.Errorf("%q does not begin with the title %q", text, row.title)
	}
	mustLack(t, []string{string(raw), text}, row.absent)
	checkBody(t, row, n, raw)
}

// checkBody looks at a rebuilt file that is not text as other programs do.
func checkBody(t *testing.T, row corpusRow, n *Node, b []byte) {
	t.Helper()
	if bytes.HasPrefix(b, []byte("%PDF-")) {
		checkPDF(t, row, n, b)
	}
	checkPicture(t, n, b)
}

func mustLack(t *testing.T, all, absent []string) {
	t.Helper()
	for _, a := range absent {
		for _, s := range all {
			if i := strings.Index(s, a); i >= 0 {
				t.Errorf("%q is delivered: …%q", a, s[max(0, i-60):min(len(s), i+60)])
				break
			}
		}
	}
}

// checkPicture walks a rebuilt picture: nothing but pixels, and nothing after
// the end.
func checkPicture(t *testing.T, n *Node, b []byte) {
	t.Helper()
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG")):
		for at := 8; at < len(b); {
			kind := string(b[at+4 : at+8])
			if !slices.Contains([]string{"IHDR", "pHYs", "PLTE", "tRNS", "IDAT", "IEND"}, kind) {
				t.Errorf("%s: chunk %s", n.Path, kind)
			}
			at += 12 + int(binary.BigEndian.Uint32(b[at:]))
			if (kind == "IEND") != (at == len(b)) {
				t.Errorf("%s: chunk %s ends at %d of %d", n.Path, kind, at, len(b))
			}
		}
	case bytes.HasPrefix(b, []byte("\xFF\xD8")):
		for at := 2; b[at+1] != 0xDA; at += 2 + int(binary.BigEndian.Uint16(b[at+2:])) {
			if m := b[at+1]; m > 0xE0 && m <= 0xEF && !bytes.HasPrefix(b[at+4:], []byte("Adobe")) || m == 0xFE {
				t.Errorf("%s: segment %x", n.Path, m)
			}
		}
		if !bytes.HasSuffix(b, []byte("\xFF\xD9")) || bytes.Contains(b[:len(b)-2], []byte("\xFF\xD9")) {
			t.Errorf("%s: does not end with its end", n.Path)
		}
	case n.Kind == format.PNG, n.Kind == format.GIF, n.Kind == format.JPEG:
		t.Errorf("%s: no picture", n.Path)
	}
}

// checkAgain sanitizes a rebuilt mail once more: nothing is missing, text and
// PNG files stay equal in every byte, the sender's text stays but for the
// brackets of our remarks, which are a sender's now (DECISIONS 4).
func checkAgain(t *testing.T, e *Engine, n *Node, d *delivered) {
	t.Helper()
	facts := testFacts()
	facts.Instance = "gw2" // the same gateway would see a loop
	again := runWith(t, e, Input{Kind: format.Mail, Data: memory(t, d.raw), Rules: policy.Default(), Facts: facts})
	if again.Verdict != format.Rebuilt {
		t.Errorf("sanitized twice: %s", describe(&again))
		return
	}
	d2 := readDelivered(t, output(t, again))
	if !strings.Contains(d2.sender, hypertext.Unmark(strings.TrimSpace(d.sender))) {
		t.Errorf("sanitized twice, the text %q becomes %q", d.sender, d2.sender)
	}
	if a, b := d.header.Get("Subject"), d2.header.Get("Subject"); a != b {
		t.Errorf("sanitized twice, the subject %q becomes %q", a, b)
	}
	var before []*Node
	for i := range n.Kids {
		if n.Kids[i].Body.OK() {
			before = append(before, &n.Kids[i])
		}
	}
	if len(before) != len(again.Kids) {
		t.Errorf("sanitized twice, %d files become %d", len(before), len(again.Kids))
		return
	}
	for i, k := range before {
		l := &again.Kids[i]
		same := k.Body.Name() == l.Body.Name() && l.Verdict == format.Rebuilt
		if k.Kind != format.Mail && k.Kind != format.JPEG && k.Kind != format.PDF {
			same = same && k.Body.Sum() == l.Body.Sum()
		}
		if !same {
			t.Errorf("sanitized twice, %s becomes %s", describe(k), describe(l))
		}
	}
}
