package sanitize

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	stdmail "net/mail"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// evasions is every mail of every family.
func evasions() []evasion {
	return slices.Concat(evasionBoundaries(), evasionDoubles(), evasionComments(), evasionEncodings(), evasionOutside(),
		evasionCharsets(), evasionParams(), evasionNames(), evasionLines(), evasionPlaces())
}

// payload is the start of a program with a mark in it.
func payload(mark string) []byte {
	return []byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xFF\xFF\x00\x00" + mark + "\x00\x00\x0E\x1F\xBA\x0E\x00\xB4\x09\xCD\x21\xB8\x01\x4C\xCD\x21PE\x00\x00L\x01")
}

// bytes writes the mail with the payload in place.
func (v evasion) bytes(load []byte) []byte {
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	s := v.mail
	if !v.exact {
		s = crlf(s)
	}
	lines := base64Lines(load)
	fill := strings.NewReplacer("«B»", lines, "«R»", string(load), "«L»", base64.StdEncoding.EncodeToString(load),
		"«D»", base64Lines([]byte(lines)), "«U»", crlf(uuencoded(load)), "«V»", crlf(strings.TrimSuffix(uuencoded(load), "end")), "«Q»", quotedPrintable(load))
	inner := func(s string) string { return base64Lines([]byte(fill.Replace(crlf(s)))) }
	return []byte(fill.Replace(strings.NewReplacer("«M»", inner("--b\n"+evasionText+"--b\n"+evasionFile+"--b--\n"), "«N»", inner(evasionMixed(evasionFile))).Replace(s)))
}

func base64Lines(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out []string
	for ; len(s) > 76; s = s[76:] {
		out = append(out, s[:76])
	}
	return strings.Join(append(out, s), "\r\n")
}

func quotedPrintable(b []byte) string {
	var out bytes.Buffer
	w := quotedprintable.NewWriter(&out)
	_, _ = w.Write(b) // a bytes.Buffer never fails
	_ = w.Close()
	return out.String()
}

func uuencoded(b []byte) string {
	letter := func(v byte) byte {
		if v == 0 {
			return '`'
		}
		return v + ' '
	}
	var out strings.Builder
	out.WriteString("begin 644 evil.exe\n")
	for len(b) > 0 {
		n := min(45, len(b))
		out.WriteByte(letter(byte(n)))
		for i := 0; i < n; i += 3 {
			var g [3]byte
			copy(g[:], b[i:n])
			for _, v := range []byte{g[0] >> 2, g[0]<<4&63 | g[1]>>4, g[1]<<2&63 | g[2]>>6, g[2] & 63} {
				out.WriteByte(letter(v))
			}
		}
		out.WriteByte('\n')
		b = b[n:]
	}
	return out.String() + "`\nend"
}

// TestEvasions: whatever way a program is smuggled into a mail, what is
// delivered holds none of its bytes and reads the same for everybody.
// spec: g1 g5
func TestEvasions(t *testing.T) {
	e := testEngine(t)
	all := evasions()
	if len(all) < 300 {
		t.Errorf("only %d mails", len(all))
	}
	seen := map[string]bool{}
	var found atomic.Int64
	t.Run("mails", func(t *testing.T) {
		for i, v := range all {
			if seen[v.label()] || !strings.Contains(v.mail, "«") {
				t.Errorf("%s: twice, or without a payload", v.label())
			}
			seen[v.label()] = true
			t.Run(v.label(), func(t *testing.T) {
				t.Parallel()
				v.check(t, e, fmt.Sprintf("Payload%04dq", i), &found)
			})
		}
	})
	for _, w := range evasionWords {
		if !seen[w] {
			t.Errorf("no mail is called %s", w)
		}
	}
	t.Logf("the program was found in %d of %d mails; by family: %v", found.Load(), len(all), evasionCounts(t, all))
	if n := int(found.Load()); n*10 < len(all)*6 {
		t.Errorf("the program was found in %d of %d mails only: the others prove little", n, len(all))
	}
}

// evasionCounts counts the mails of each public family of parser disagreement.
func evasionCounts(t *testing.T, all []evasion) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, v := range all {
		n[v.family]++
	}
	for _, f := range []string{"boundary", "double", "comment", "encoding", "outside", "charset", "parameter", "file name", "line", "place"} {
		if n[f] < 5 {
			t.Errorf("%d mails of the family %s", n[f], f)
		}
	}
	return n
}

func (v evasion) label() string { return v.family + "/" + v.name }

// check sends the mail with a marked payload; found counts the mails
// whose program was recognized as one.
func (v evasion) check(t *testing.T, e *Engine, mark string, found *atomic.Int64) {
	n := runMail(t, e, v.bytes(payload(mark)))
	seen := false
	n.Walk(func(k *Node) { seen = seen || k.Kind == format.Executable && k.Verdict == format.Held })
	if seen {
		found.Add(1)
	}
	if n.Verdict != format.Held {
		checkEvaded(t, v, output(t, n), mark)
		return
	}
	if !n.Reason.Known() || n.Reason == format.Internal || n.Reason == format.LintFailed || n.Body.OK() {
		t.Error(describe(&n))
	}
}

// checkEvaded looks for the payload in every form, and lets two readers that
// share no code with ours read the mail.
func checkEvaded(t *testing.T, v evasion, raw []byte, mark string) {
	t.Helper()
	places := surfaces(t, raw)
	start := string(payload(mark)[:16])
	for _, p := range places {
		if bytes.Contains(p, []byte(start)) || bytes.Contains(p, []byte(mark)) || bytes.Contains(p, []byte("\nbegin 644")) || bytes.Contains(p, []byte("\n=ybegin")) {
			t.Errorf("the program came through in %.200q", p)
		}
	}
	words := slices.Contains(evasionWords, v.label())
	if form, at := find(places, mark); (form != "") != words {
		t.Errorf("shown as words: %v; the payload came through as %q in %.200q", words, form, at)
	}
	one, err := readStandard(raw)
	if err != nil {
		t.Fatalf("standard library: %v", err)
	}
	two, err := readMessage(raw)
	if err != nil {
		t.Fatalf("go-message: %v", err)
	}
	if !slices.Equal(one, two) {
		t.Errorf("two readers see\n%v\n%v", one, two)
	}
	for _, p := range one {
		p.check(t)
	}
}

// leaf is one part of a mail as a reader sees it.
type leaf struct {
	where, media, name string
	sum                [32]byte
}

// deliverable are the endings of files that this version writes.
var deliverable = map[string]string{"text/plain": ".txt", "text/csv": ".csv", "text/tab-separated-values": ".tsv",
	"image/png": ".png", "image/jpeg": ".jpg", "message/rfc822": ".eml"}

// check: a file is what its name says, and its name can be read in one way.
func (l leaf) check(t *testing.T) {
	t.Helper()
	if l.name == "" {
		if l.media != "text/plain" {
			t.Errorf("%s: %s without a name", l.where, l.media)
		}
		return
	}
	if want := deliverable[l.media]; want == "" || path.Ext(l.name) != want || strings.ContainsAny(l.name, `/\:*?"<>|`) ||
		ir.Clean(l.name, false) != nil || strings.Trim(l.name, " .") != l.name || len(l.name) > 120 {
		t.Errorf("%s: %s is called %q", l.where, l.media, l.name)
	}
}

// readStandard reads a mail and the mails in it with the standard library.
func readStandard(raw []byte) ([]leaf, error) {
	m, err := stdmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return standardEntity("", m.Header.Get, m.Body)
}

func standardEntity(where string, get func(string) string, body io.Reader) ([]leaf, error) {
	media, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(media, "multipart/") {
		return standardParts(where, multipart.NewReader(body, params["boundary"]))
	}
	if get("Content-Transfer-Encoding") == "base64" {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	l := leaf{where: where, media: media, sum: sha256.Sum256(data)}
	if d := get("Content-Disposition"); d != "" {
		if _, params, err = mime.ParseMediaType(d); err != nil {
			return nil, err
		}
		if l.name, err = new(mime.WordDecoder).DecodeHeader(params["filename"]); err != nil {
			return nil, err
		}
	}
	if media != "message/rfc822" {
		return []leaf{l}, nil
	}
	inner, err := stdmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	below, err := standardEntity(where+">", inner.Header.Get, inner.Body)
	return append([]leaf{l}, below...), err
}

func standardParts(where string, r *multipart.Reader) ([]leaf, error) {
	var all []leaf
	for i := 1; ; i++ {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		below, err := standardEntity(fmt.Sprint(where, ".", i), p.Header.Get, p)
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
}

// readMessage reads the same with go-message.
func readMessage(raw []byte) ([]leaf, error) {
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return messageEntity("", e)
}

func messageEntity(where string, e *message.Entity) ([]leaf, error) {
	if r := e.MultipartReader(); r != nil {
		var all []leaf
		for i := 1; ; i++ {
			p, err := r.NextPart()
			if errors.Is(err, io.EOF) {
				return all, nil
			}
			if err != nil {
				return nil, err
			}
			below, err := messageEntity(fmt.Sprint(where, ".", i), p)
			if err != nil {
				return nil, err
			}
			all = append(all, below...)
		}
	}
	media, _, err := e.Header.ContentType()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(e.Body)
	if err != nil {
		return nil, err
	}
	h := gomail.AttachmentHeader{Header: e.Header}
	name, err := h.Filename()
	if err != nil {
		return nil, err
	}
	l := leaf{where: where, media: media, name: name, sum: sha256.Sum256(data)}
	if media != "message/rfc822" {
		return []leaf{l}, nil
	}
	inner, err := message.Read(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	below, err := messageEntity(where+">", inner)
	return append([]leaf{l}, below...), err
}
