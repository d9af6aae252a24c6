package mail

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

var buildUpdate = flag.Bool("update", false, "rewrite the golden files")

// buildFacts are the facts of every root mail in these tests.
func buildFacts() *format.Facts {
	jst := time.FixedZone("JST", 9*3600)
	return &format.Facts{
		ReceiptNo:  "M-260417-00042",
		ReceivedAt: time.Date(2026, 4, 17, 9, 12, 30, 0, jst),
		ExpiresAt:  time.Date(2026, 5, 17, 0, 0, 0, 0, jst),
		Recipients: []string{"soumu@town.example.lg.jp"},
		Sender:     "sato@example.jp",
		MessageID:  "0123456789abcdef0123456789abcdef",
		Instance:   "gw1-5f2c",
		Host:       "gw.town.example.lg.jp",
		Version:    "test",
		Office: format.Office{
			Name:      "○○町 メールゲートウェイ",
			Contact:   "情報政策課（内線１２３）",
			PublicURL: "https://gw.example.lg.jp",
		},
	}
}

var buildOwn = []string{"town.example.lg.jp"}

// buildChild returns a present child of content.
func buildChild(name, original, media string, kind format.Kind, m format.Method, content string) format.Child {
	return format.Child{
		Name: name, Original: original, Kind: kind, Media: media, Verdict: format.Rebuilt, Method: m,
		Sum: sha256.Sum256([]byte(content)), Size: int64(len(content)),
		Open: func() io.Reader { return strings.NewReader(content) },
	}
}

func buildHeld(original string, kind format.Kind, r format.Reason) format.Child {
	return format.Child{Original: original, Kind: kind, Verdict: format.Held, Reason: r}
}

// buildFrames encodes values, with one Child frame for each of kids.
func buildFrames(t testing.TB, values []ir.Value, kids []format.Child) *ir.Reader {
	t.Helper()
	var b bytes.Buffer
	w := ir.NewWriter(&b)
	for _, v := range values {
		if err := w.Write(v); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range kids {
		if err := w.Write(ir.Child{Role: ir.RoleAttachment, Name: k.Original}); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(ir.Data{B: []byte("CANARY-ORIGINAL-BYTES")}); err != nil {
			t.Fatal(err)
		}
	}
	return ir.NewReader(&b, 1<<30)
}

// buildRun builds a mail and checks what holds for every mail: the same bytes
// twice, no original byte, and a lint without a complaint that knows all parts.
func buildRun(t testing.TB, values []ir.Value, c format.Construction) (string, format.Built) {
	t.Helper()
	var one, two bytes.Buffer
	built, err := Build(buildFrames(t, values, c.Kids), c, &one)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(buildFrames(t, values, c.Kids), c, &two); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two builds differ")
	}
	if bytes.Contains(one.Bytes(), []byte("CANARY")) {
		t.Error("an original byte came through")
	}
	lintExpectClean(t, one.Bytes(), c.Kids)
	return one.String(), built
}

// lintExpectClean lints data, with the sums of kids known.
func lintExpectClean(t testing.TB, data []byte, kids []format.Child) {
	t.Helper()
	known := map[[32]byte]bool{}
	for _, k := range kids {
		known[k.Sum] = true
	}
	for _, v := range lintValues(t, data, known) {
		t.Errorf("lint: %#v", v)
	}
}

// lintValues returns what Lint says.
func lintValues(t testing.TB, data []byte, known map[[32]byte]bool) []ir.Value {
	t.Helper()
	var b bytes.Buffer
	if err := Lint(data, known, ir.NewWriter(&b)); err != nil {
		t.Fatal(err)
	}
	var values []ir.Value
	r := ir.NewReader(&b, 1<<30)
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			return values
		}
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := v.(ir.Data); ok {
			v = ir.Data{B: bytes.Clone(d.B)}
		}
		values = append(values, v)
	}
}

// buildGolden compares the mail, and a reading of it for people, with the
// golden files of name.
func buildGolden(t *testing.T, name, mail string) {
	t.Helper()
	buildGoldenFile(t, name+".eml.golden", mail)
	buildGoldenFile(t, name+".txt.golden", buildReadable(t, mail))
}

func buildGoldenFile(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "build", name)
	if *buildUpdate {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// buildReadable shows a mail as a mail reader does: decoded fields, the text,
// the attachments.
func buildReadable(t testing.TB, mail string) string {
	t.Helper()
	head, body, ok := lintCut([]byte(mail))
	if !ok {
		t.Fatal("no header")
	}
	l := &linter{out: ir.NewWriter(io.Discard)}
	var b strings.Builder
	for _, f := range l.fields(head, "") {
		fmt.Fprintf(&b, "%s: %s\n", f.name, buildShowWords(f.value))
	}
	b.WriteString("\n")
	text, rest := body, []byte(nil)
	if boundary, ok := (&lintScan{lintValue(l.fields(head, ""), "Content-Type")}).multipart(); ok {
		parts := strings.Split(string(body), "--"+boundary)
		text, rest = []byte(strings.TrimPrefix(parts[1], "\r\n")), []byte(strings.Join(parts[2:], ""))
		var kind []byte
		kind, text, _ = lintCut(text)
		b.WriteString(strings.ReplaceAll(string(kind), "\r\n", "\n") + "\n")
		text = bytes.TrimSuffix(text, []byte("\r\n"))
	}
	if plain, ok := lintBase64(text); ok {
		text = plain
	}
	b.WriteString(strings.ReplaceAll(string(text), "\r\n", "\n"))
	if len(rest) > 0 {
		b.WriteString("---- attachments ----\n" + strings.ReplaceAll(buildShowWords(string(rest)), "\r\n", "\n"))
	}
	return b.String()
}

func buildShowWords(s string) string {
	s = strings.ReplaceAll(s, "?= =?", "?==?")
	return encodedWord.ReplaceAllStringFunc(s, func(w string) string {
		text, _ := lintDecodeWords(w)
		return text
	})
}
