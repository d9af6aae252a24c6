package sanitize

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/sandbox/boxtest"
)

// TestMain makes this binary a worker, or runs the tests with workers of a
// binary without cgo: the real thing.
func TestMain(m *testing.M) {
	if at := os.Getenv(moduleCacheEnv); at != "" {
		os.Exit(compileModules(at))
	}
	classes := testClasses()
	classes[string(format.ClassPDF)] = pdfClass("").class()
	maps.Copy(classes, moduleClasses(""))
	sandbox.Main(classes)
	os.Exit(boxtest.Run(m))
}

// testEngine starts an engine with real boxes.
func testEngine(t testing.TB) *Engine {
	t.Helper()
	return New(testPool(t, testClasses()), slog.New(slog.NewTextHandler(io.Discard, nil)))
}

func testPool(t testing.TB, classes map[string]sandbox.Class) *sandbox.Pool {
	t.Helper()
	pool, err := sandbox.NewPool(sandbox.Config{Classes: classes, Exe: os.Getenv(boxtest.ExeEnv), EngineExe: os.Getenv(boxtest.ExeEnv), MaxRunning: 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// memory puts bytes into a memory file.
func memory(t testing.TB, b []byte) *memfile.File {
	t.Helper()
	f := memfile.New(int64(len(b)))
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// testFacts are those of a mail on its way.
func testFacts() *format.Facts {
	at := time.Date(2026, 4, 17, 9, 12, 0, 0, time.FixedZone("JST", 9*3600))
	return &format.Facts{ReceiptNo: "M-260417-00042", ReceivedAt: at, ExpiresAt: at.AddDate(0, 0, 30),
		Recipients: []string{"yamada@town.example.lg.jp"}, Sender: "sender@example.com", MessageID: "00112233445566778899aabbccddeeff",
		Instance: "gw1", Host: "gw.example.lg.jp", Version: "test",
		Office: format.Office{Name: "サンプル町　メールゲートウェイ", Contact: "情報政策課（内線１２３）"}}
}

// run sanitizes one file with the default rules.
func run(t testing.TB, e *Engine, name string, b []byte) Node {
	t.Helper()
	return runWith(t, e, Input{Name: name, Data: memory(t, b), Rules: policy.Default()})
}

// runMail sanitizes a mail as the relay does.
func runMail(t testing.TB, e *Engine, b []byte) Node {
	t.Helper()
	return runWith(t, e, Input{Kind: format.Mail, Data: memory(t, b), Rules: policy.Default(), Facts: testFacts()})
}

func runWith(t testing.TB, e *Engine, in Input) Node {
	t.Helper()
	b := BudgetOf(in.Rules)
	b.Deadline = time.Now().Add(2 * time.Minute) // a machine of tests may be busy
	n, err := e.Sanitize(context.Background(), in, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

func output(t testing.TB, n Node) []byte {
	t.Helper()
	b, err := io.ReadAll(n.Body.Reader())
	if err != nil {
		t.Fatalf("%s %s %s: %v", n.Verdict, n.Reason, n.Detail, err)
	}
	return b
}

// bodyText returns the text of a built mail's first part.
func bodyText(t testing.TB, mail []byte) string {
	t.Helper()
	head, rest, ok := bytes.Cut(mail, []byte("\r\n\r\n"))
	if !ok {
		t.Fatal("no header end")
	}
	if bytes.Contains(head, []byte("multipart/mixed")) {
		_, rest, _ = bytes.Cut(rest, []byte("\r\n\r\n"))
	}
	rest, _, _ = bytes.Cut(rest, []byte("\r\n--"))
	text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(rest), "\r\n", ""))
	if err != nil {
		t.Fatalf("body: %v in %q", err, rest)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
