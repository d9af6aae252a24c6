package sanitize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/policy"
)

// pngChunk returns a chunk with its length and CRC.
func pngChunk(kind, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(b, kind+body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// spec: g2
func TestZeroNodeIsHeld(t *testing.T) {
	var n Node
	if n.Verdict != format.Held || n.Body.OK() {
		t.Fatal("the zero node is not held")
	}
	if _, err := n.Body.Reader().Read(make([]byte, 1)); err == nil {
		t.Fatal("the zero body can be read")
	}
}

func TestTextMail(t *testing.T) {
	e := testEngine(t)
	n := runMail(t, e, []byte("From: a@example.com\r\nTo: b@town.example.lg.jp\r\nSubject: hi\r\n\r\nhello\r\n"))
	if n.Verdict != format.Rebuilt || n.Subject != "hi" || len(n.From) != 1 || n.From[0] != "a@example.com" {
		t.Fatalf("%+v", n)
	}
	if text := bodyText(t, output(t, n)); !strings.HasPrefix(text, "hello\n") {
		t.Fatalf("%q", text)
	}
}

// The zero rules, a missing kind and an engine fault all hold.
// spec: g2
func TestFailClosed(t *testing.T) {
	e := testEngine(t)
	mail := []byte("From: a@example.com\r\n\r\nhello\r\n")
	n := runWith(t, e, Input{Kind: format.Mail, Data: memory(t, mail), Rules: policy.Rules{Limits: policy.Default().Limits}})
	if n.Verdict != format.Held || n.Reason != format.ByPolicy || n.Body.OK() {
		t.Errorf("zero rules: %s %s", n.Verdict, n.Reason)
	}
	n = runWith(t, e, Input{Kind: "pdf", Data: memory(t, mail), Rules: policy.Default()})
	if n.Verdict != format.Held || n.Body.OK() {
		t.Errorf("a kind without parser: %s", n.Verdict)
	}
	n = runWith(t, e, Input{Kind: "nonsense", Data: memory(t, mail), Rules: policy.Default()})
	if n.Verdict != format.Held || n.Reason != format.KindUnknown && n.Reason != format.Internal {
		t.Errorf("an unknown kind: %s %s", n.Verdict, n.Reason)
	}
}

// spec: g2 g8
func TestLimitsHold(t *testing.T) {
	e := testEngine(t)
	files := map[string][]byte{"a.txt": []byte("one"), "b.txt": []byte("two"), "c.png": wordPicture(t, "x")}
	mail := mailWith(files, "a.txt", "b.txt", "c.png")
	limited := func(change func(*policy.Limits)) Node {
		r := policy.Default()
		change(&r.Limits)
		return runWith(t, e, Input{Kind: format.Mail, Data: memory(t, mail), Rules: r, Facts: testFacts()})
	}
	if n := limited(func(l *policy.Limits) { l.Bytes = int64(len(mail)) - 1 }); n.Reason != format.LimitExpanded {
		t.Errorf("bytes: %s %s", n.Verdict, n.Reason)
	}
	if n := limited(func(l *policy.Limits) { l.Depth = 1 }); n.Verdict != format.Partly || n.Kids[0].Reason != format.LimitDepth {
		t.Errorf("depth: %s %v", n.Verdict, n.Kids)
	}
	if n := limited(func(l *policy.Limits) { l.Files = 3 }); n.Verdict != format.Partly || n.Kids[2].Reason != format.LimitCount {
		t.Errorf("files: %s", n.Verdict)
	}
	if n := limited(func(l *policy.Limits) { l.Pixels = 80*80 - 1 }); n.Verdict != format.Partly || n.Kids[2].Reason != format.LimitPixels {
		t.Errorf("pixels: %s %s", n.Verdict, n.Kids[2].Reason)
	}
}

// Many small files of many flat pixels: each is below the limit of one picture,
// all together are not. A picture that is damaged behind its header counts too.
// spec: g2 g8
func TestPicturesShareOneBudget(t *testing.T) {
	e := testEngine(t)
	good := wordPicture(t, "x")
	bad := bytes.Clone(good)
	bad[bytes.Index(bad, []byte("IDAT"))+5] ^= 0xFF
	files, order := map[string][]byte{}, []string{}
	for i := range gallery + 2 {
		name := fmt.Sprintf("%02d.png", i)
		order = append(order, name)
		if files[name] = good; i%2 == 0 {
			files[name] = bad
		}
	}
	r := policy.Default()
	r.Limits.Pixels = 80 * 80
	n := runWith(t, e, Input{Kind: format.Mail, Data: memory(t, mailWith(files, order...)), Rules: r, Facts: testFacts()})
	if len(n.Kids) != len(order) {
		t.Fatalf("%s %s with %d parts", n.Verdict, n.Reason, len(n.Kids))
	}
	for i, k := range n.Kids {
		want, reason := format.Rebuilt, format.Reason("")
		switch {
		case i >= gallery:
			want, reason = format.Held, format.LimitPixels
		case i%2 == 0:
			want, reason = format.Held, format.Malformed
		}
		if k.Verdict != want || k.Reason != reason {
			t.Errorf("picture %d: %s %s (%s)", i, k.Verdict, k.Reason, k.Detail)
		}
	}
}

// DECISIONS 19: what is too large for the next hop loses its largest part.
func TestTooLargeAfterHoldsTheLargest(t *testing.T) {
	e := testEngine(t)
	files := map[string][]byte{"small.txt": []byte("small\n"), "large.txt": bytes.Repeat([]byte("large\n"), 20_000)}
	r := policy.Default()
	r.Limits.Output = 50_000
	n := runWith(t, e, Input{Kind: format.Mail, Data: memory(t, mailWith(files, "large.txt", "small.txt")), Rules: r, Facts: testFacts()})
	if n.Verdict != format.Partly || n.Kids[0].Reason != format.TooLargeAfter || n.Kids[1].Verdict != format.Rebuilt {
		t.Fatalf("%s, large %s %s, small %s", n.Verdict, n.Kids[0].Verdict, n.Kids[0].Reason, n.Kids[1].Verdict)
	}
	if n.Body.Size() > r.Limits.Output {
		t.Fatalf("%d bytes", n.Body.Size())
	}
}

// G9: the same input, facts, policy and build give the same bytes.
// spec: g9
func TestSameInSameOut(t *testing.T) {
	e := testEngine(t)
	mail := mailWith(map[string][]byte{"a.csv": []byte("x,=1+1\n"), "c.png": wordPicture(t, "x")}, "a.csv", "c.png")
	a, b := runMail(t, e, mail), runMail(t, e, mail)
	if !bytes.Equal(output(t, a), output(t, b)) || a.Digest() != b.Digest() {
		t.Fatal("two runs differ")
	}
}

func TestNamesAreJudged(t *testing.T) {
	e := testEngine(t)
	pic := wordPicture(t, "x")
	for name, want := range map[string]struct {
		content []byte
		verdict format.Verdict
		reason  format.Reason
		output  string
	}{
		"a.png":          {pic, format.Rebuilt, "", "a.png"},
		"a.jpg":          {pic, format.Rebuilt, "", "a.png"},
		"a.dat":          {pic, format.Rebuilt, "", "a.png"},
		"a":              {pic, format.Rebuilt, "", "a.png"},
		"a.pdf":          {pic, format.Held, format.TypeMismatch, ""},
		"a.txt":          {pic, format.Held, format.TypeMismatch, ""},
		"a.png.exe":      {pic, format.Held, format.KindBlocked, ""},
		"a.exe.":         {pic, format.Held, format.KindBlocked, ""},
		"b.txt":          {[]byte("text\n"), format.Rebuilt, "", "b.txt"},
		"b":              {[]byte("text\n"), format.Rebuilt, "", "b.txt"},
		"b.json":         {[]byte("{\"a\": 1}\n"), format.Rebuilt, "", "b.json.txt"},
		"b.png":          {[]byte("text\n"), format.Held, format.TypeMismatch, ""},
		"b.xyz":          {[]byte("text\n"), format.Held, format.KindUnknown, ""},
		"b.bat":          {[]byte("echo hi\n"), format.Held, format.KindBlocked, ""},
		"c.csv":          {[]byte("a,b\n"), format.Rebuilt, "", "c.csv"},
		"con.txt":        {[]byte("text\n"), format.Rebuilt, "", "_con.txt"},
		"../../etc/x.md": {[]byte("text\n"), format.Rebuilt, "", "x.md.txt"},
	} {
		n := run(t, e, name, want.content)
		if n.Verdict != want.verdict || n.Reason != want.reason || n.Body.Name() != want.output {
			t.Errorf("%s: %s %s %q (%s)", name, n.Verdict, n.Reason, n.Body.Name(), n.Detail)
		}
	}
}

func TestSiblingNamesAreDistinct(t *testing.T) {
	taken := map[string]bool{}
	var got []string
	for _, n := range []string{"a.txt", "A.TXT", "a.txt", "a (2).txt"} {
		got = append(got, Distinct(taken, n))
	}
	if want := "a.txt|A (2).TXT|a (3).txt|a (2) (2).txt"; strings.Join(got, "|") != want {
		t.Fatalf("%v", got)
	}
}

// Lint tells our output from anything else, attachments included.
// spec: g5
func TestLintOfOutputs(t *testing.T) {
	e := testEngine(t)
	mail := mailWith(map[string][]byte{"a.csv": []byte("x,=1+1\n"), "c.png": wordPicture(t, "x")}, "a.csv", "c.png")
	lint := func(name string, b []byte) []format.Finding {
		notes, err := e.Lint(t.Context(), name, memory(t, b))
		if err != nil {
			t.Fatal(err)
		}
		return notes
	}
	out := output(t, runMail(t, e, mail))
	if notes := lint("out.eml", out); len(notes) != 0 {
		t.Errorf("our own mail: %v", notes)
	}
	if notes := lint("in.eml", mail); len(notes) == 0 {
		t.Error("a foreign mail is in our form")
	}
	if notes := lint("x.png", wordPicture(t, "x")); len(notes) == 0 {
		t.Error("a picture with a text chunk is in our form")
	}
	if notes := lint("x.pdf", []byte("%PDF-1.4\n")); len(notes) == 0 {
		t.Error("a PDF is in our form")
	}
	// An attachment exchanged after the build is seen.
	text := out[bytes.LastIndex(out, []byte("\r\n\r\niVBOR"))+4:]
	forged := bytes.Replace(out, text[:60], []byte(strings.Repeat("QUJD", 15)), 1)
	if bytes.Equal(forged, out) {
		t.Fatal("nothing was exchanged")
	}
	if notes := lint("out.eml", forged); len(notes) == 0 {
		t.Error("an exchanged attachment is not seen")
	}
}

func TestBudgetOfEmptyFile(t *testing.T) {
	e := testEngine(t)
	n := runWith(t, e, Input{Name: "empty.txt", Data: memfile.New(0), Rules: policy.Default()})
	if n.Verdict == format.Held && !n.Reason.Known() {
		t.Fatalf("%s %q", n.Verdict, n.Reason)
	}
}
