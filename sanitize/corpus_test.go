package sanitize

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// corpusRow says what must become of one file of the corpus. It is written by
// reading the file and its line of the manifest; where the engine differs from
// a row, the engine is wrong until the row is shown to be.
type corpusRow struct {
	path string // below the corpus folder
	mail bool   // a mail on its way, with facts; otherwise a file by itself

	kind    format.Kind // "" means mail for mails
	verdict format.Verdict
	reason  format.Reason
	output  string // name of the rebuilt file; not for mails
	pages   int    // of a rebuilt PDF
	found   string // findings that must be among the root's, blank between

	subject string   // of a mail, decoded; runs of blanks count as one
	parts   []part   // every node below the root, parents first
	text    []string // in the sender's text, or in the rebuilt file
	lines   []string // whole lines of the same
	title   string   // of a page by itself: its first line; mails have a subject
	absent  []string // in nothing that is delivered, raw or decoded
	top     []string // in the lines above the sender's text; none means no such lines
	notice  []string // in the section below it

	// decision marks a kind that is not rebuilt yet: only the kind and the
	// reason are judged, and that nothing is delivered.
	decision bool
}

// part is one node below the root.
type part struct {
	path, name string
	kind       format.Kind
	verdict    format.Verdict
	reason     format.Reason
	output     string
	text       []string // in the rebuilt file
}

// Limits of one file of the corpus.
const (
	corpusTime = 10 * time.Second
	corpusHeap = 256 << 20 // growth of the parent's heap over the whole corpus
)

// corpusRows are all rows, in no particular order.
func corpusRows() []corpusRow {
	var all []corpusRow
	for _, mails := range [][]corpusRow{bugMailRows(), jpRows(), emlRows(), emlAttachmentRows(), emlOddRows()} {
		for _, r := range mails {
			r.mail = true
			all = append(all, r)
		}
	}
	all = append(all, fileRows()...)
	all = append(all, pictureRows()...)
	all = append(all, decodedRows()...)
	all = append(all, pdfRows()...)
	return append(all, decisionRows()...)
}

// corpusFile is one file on disk that must have a row.
type corpusFile struct{ file, sum string }

// corpusFiles lists the files: those of the repository and, when
// SEKISHO_CORPUS names the corpus folder, every path of its manifest.
func corpusFiles(t *testing.T) map[string]corpusFile {
	t.Helper()
	own := filepath.Join("..", "testdata", "corpus")
	files := map[string]corpusFile{}
	entries, err := os.ReadDir(filepath.Join(own, "bugs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		files["bugs/"+e.Name()] = corpusFile{file: filepath.Join(own, "bugs", e.Name())}
	}
	dir := os.Getenv("SEKISHO_CORPUS")
	if dir == "" {
		return files
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "MANIFEST.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for i, line := range strings.Split(strings.TrimSpace(string(manifest)), "\n") {
		fields := strings.Split(line, "\t")
		if i == 0 {
			continue
		}
		if len(fields) < 5 {
			t.Fatalf("manifest line %d: %q", i+1, line)
		}
		p := fields[0]
		listed[p] = true
		f, ok := files[p]
		if !ok {
			f.file = filepath.Join(dir, filepath.FromSlash(p))
		}
		f.sum = fields[4]
		files[p] = f
	}
	for p := range files {
		if !listed[p] {
			t.Errorf("%s: in the repository, not in the manifest", p)
		}
	}
	return files
}

// TestCorpus runs every file of the corpus through real boxes (DECISIONS 35).
// Without SEKISHO_CORPUS it runs those in the repository.
func TestCorpus(t *testing.T) {
	files := corpusFiles(t)
	rows := map[string]corpusRow{}
	full, decided := 0, 0
	for _, r := range corpusRows() {
		if _, twice := rows[r.path]; twice {
			t.Errorf("%s: two rows", r.path)
		}
		rows[r.path] = r
		if _, ok := files[r.path]; !ok {
			if os.Getenv("SEKISHO_CORPUS") != "" || strings.HasPrefix(r.path, "bugs/") {
				t.Errorf("%s: a row without a file", r.path)
			}
			continue
		}
		if r.decision {
			decided++
		} else {
			full++
		}
	}
	e := wholeEngine(t)
	before := heap()
	t.Run("file", func(t *testing.T) {
		for p, f := range files {
			row, ok := rows[p]
			if !ok {
				t.Errorf("%s: no row", p)
				continue
			}
			t.Run(p, func(t *testing.T) {
				t.Parallel()
				corpusOne(t, e, row, f)
			})
		}
	})
	if grown := heap() - before; grown > corpusHeap {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	t.Logf("corpus: %d paths, %d judged fully, %d by decision", len(files), full, decided)
}

// heap returns the most bytes of heap that the process ever held at once.
func heap() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys)
}

func corpusOne(t *testing.T, e *Engine, row corpusRow, f corpusFile) {
	data, err := os.ReadFile(f.file)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(data); f.sum != "" && hex.EncodeToString(sum[:]) != f.sum {
		t.Fatal("the file is not the one of the manifest")
	}
	start := time.Now()
	n := corpusRun(t, e, row, data)
	if took := time.Since(start); took > corpusTime && len(n.sheets) == 0 { // documents have their deadline
		t.Errorf("took %v", took)
	}
	checkTree(t, row, &n)
	if row.decision || !n.Body.OK() {
		return
	}
	if !row.mail {
		checkFile(t, row, &n)
		return
	}
	d := readDelivered(t, output(t, n))
	checkMail(t, row, &n, d)
	checkAgain(t, e, &n, d)
}

func corpusRun(t *testing.T, e *Engine, row corpusRow, data []byte) Node {
	t.Helper()
	if row.mail {
		return runMail(t, e, data)
	}
	return run(t, e, path.Base(row.path), data)
}

// checkTree compares the decisions. What is not rebuilt has no body, and only
// kinds with a builder are rebuilt.
func checkTree(t *testing.T, row corpusRow, n *Node) {
	t.Helper()
	want := part{path: "", kind: row.kind, verdict: row.verdict, reason: row.reason, output: row.output}
	if row.mail {
		want.kind, want.output = format.Mail, ""
		if row.verdict != format.Held {
			want.output = "mail.eml"
		}
	} else {
		want.name = path.Base(row.path)
	}
	var nodes []*Node
	n.Walk(func(m *Node) { nodes = append(nodes, m) })
	wants := append([]part{want}, row.parts...)
	for i := range max(len(nodes), len(wants)) {
		switch {
		case i >= len(wants):
			t.Errorf("a part that the row does not know: %s", describe(nodes[i]))
		case i >= len(nodes):
			t.Errorf("part %s is missing", wants[i].path)
		default:
			checkNode(t, wants[i], nodes[i])
		}
	}
	for _, code := range strings.Fields(row.found) {
		if !hasFinding(n, code) {
			t.Errorf("finding %s is missing from %v", code, n.Findings)
		}
	}
}

func checkNode(t *testing.T, want part, n *Node) {
	t.Helper()
	got := part{path: n.Path, name: n.Name, kind: n.Kind, verdict: n.Verdict, reason: n.Reason, output: n.Body.Name(), text: nil}
	if fmt.Sprint(got) != fmt.Sprint(part{want.path, want.name, want.kind, want.verdict, want.reason, want.output, nil}) {
		t.Errorf("got  %s\nwant %q %q %s %s %s %q", describe(n), want.path, want.name, want.kind, want.verdict, want.reason, want.output)
	}
	if n.Reason != "" && !n.Reason.Known() {
		t.Errorf("%s: reason %q is not in the closed list", n.Path, n.Reason)
	}
	for _, f := range n.Findings {
		if _, ok := format.TextOf(f.Code); !ok {
			t.Errorf("%s: finding %q is not in the table", n.Path, f.Code)
		}
	}
	delivered := n.Verdict == format.Rebuilt || n.Verdict == format.Partly
	if delivered != n.Body.OK() {
		t.Errorf("%s: %s, and a rebuilt file: %v", n.Path, n.Verdict, n.Body.OK())
	}
	if row := rowOf(Formats(), n.Kind); delivered && (row == nil || row.Build == nil) {
		t.Errorf("%s: a %s was rebuilt without a builder", n.Path, n.Kind)
	}
	if delivered {
		mustContain(t, "part "+n.Path, fileText(t, n), want.text)
	}
}

func describe(n *Node) string {
	return fmt.Sprintf("%q %q %s %s %s %q (%s)", n.Path, n.Name, n.Kind, n.Verdict, n.Reason, n.Body.Name(), n.Detail)
}

func hasFinding(n *Node, code string) bool {
	for _, f := range n.Findings {
		if f.Code == code {
			return true
		}
	}
	return false
}

func mustContain(t *testing.T, where, have string, want []string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(have, w) {
			t.Errorf("%s: %q is not in %q", where, w, ir.Cut(have, 4000))
		}
	}
}

func mustLines(t *testing.T, have string, want []string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains("\n"+have+"\n", "\n"+w+"\n") {
			t.Errorf("%q is no line of %q", w, ir.Cut(have, 4000))
		}
	}
}
