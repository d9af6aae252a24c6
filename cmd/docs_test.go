package cmd

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"sekisho/audit"
	"sekisho/gateway/config"
	"sekisho/sanitize/format"
)

// The documentation for users, in Japanese. What it says of codes, commands,
// settings and metrics is held against the code here.
const docsJA = "../docs/ja"

var update = flag.Bool("update", false, "write the generated tables of docs/ja")

// TestDocsTables: the tables of reasons and events are those of the code.
// go test ./cmd -run TestDocsTables -update writes them.
func TestDocsTables(t *testing.T) {
	for _, c := range []struct{ file, mark, table string }{
		{"admin.md", "<!-- reasons -->\n", reasonTable()},
		{"auditor.md", "<!-- events -->\n", eventTable(recordedVerbs(t))},
	} {
		path := filepath.Join(docsJA, c.file)
		text := readDoc(t, path)
		head, rest, ok := strings.Cut(text, c.mark)
		_, tail, end := strings.Cut(rest, "<!-- end -->\n")
		if !ok || !end {
			t.Errorf("%s: the marks of the table are missing", path)
			continue
		}
		want := head + c.mark + c.table + "<!-- end -->\n" + tail
		switch {
		case text == want:
		case *update:
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s: the table is not that of the code; go test ./cmd -run TestDocsTables -update", path)
		}
	}
}

func reasonTable() string {
	var b strings.Builder
	b.WriteString("| 理由コード | お知らせの言葉 | 職員へのご案内 |\n|---|---|---|\n")
	for _, r := range slices.Sorted(slices.Values(format.Reasons())) {
		fmt.Fprintf(&b, "| `%s` | %sため | %s |\n", r, r.Text().JA, r.Text().Next)
	}
	return b.String()
}

func eventTable(recorded map[audit.Verb]bool) string {
	var b strings.Builder
	b.WriteString("| 出来事 | 意味 | 条文 | 今の版 |\n|---|---|---|---|\n")
	for _, v := range audit.Verbs() {
		now := "－"
		if recorded[v.Verb] {
			now = "〇"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.Verb, v.JA, strings.Join(v.Articles, "、"), now)
	}
	return b.String()
}

// recordedVerbs finds the verbs that code outside their own table writes.
func recordedVerbs(t *testing.T) map[audit.Verb]bool {
	t.Helper()
	found := map[audit.Verb]bool{}
	names := map[string]audit.Verb{"VerbHeartbeat": audit.VerbHeartbeat, "VerbCheckpoint": audit.VerbCheckpoint,
		"VerbAnchored": audit.VerbAnchored, "VerbStarted": audit.VerbStarted, "VerbStopped": audit.VerbStopped,
		"VerbClockChanged": audit.VerbClockChanged, "VerbPurged": audit.VerbPurged}
	walk(t, func(file, pkg string, f *ast.File) {
		base := filepath.Base(file)
		if pkg == "audit" && !slices.Contains([]string{"sequencer.go", "append.go", "ballast.go"}, base) {
			return // the log package reads and purges what others write
		}
		if pkg == "audit/inspection" {
			return // reads what others write
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if v, ok := names[n.Name]; ok {
					found[v] = true
				}
			case *ast.BasicLit:
				if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING && audit.Verb(s).Known() {
					found[audit.Verb(s)] = true
				}
			}
			return true
		})
	})
	if !found["message.received"] || found["outbound.held"] {
		t.Fatalf("the search for recorded verbs is broken: %v", found)
	}
	return found
}

// TestDocsWords: characters that ISO-2022-JP has, and none of the words that
// PRODUCT.md forbids.
func TestDocsWords(t *testing.T) {
	fits := map[rune]bool{}
	for _, path := range docFiles(t) {
		text := readDoc(t, path)
		for n, line := range slices.Collect(strings.Lines(text)) {
			for _, r := range line {
				if _, known := fits[r]; !known {
					_, err := japanese.ISO2022JP.NewEncoder().String(string(r))
					fits[r] = err == nil
				}
				if !fits[r] {
					t.Errorf("%s:%d: %q is not in JIS X 0208", path, n+1, r)
				}
			}
			for _, word := range []string{"安全です", "解放", "放出", "リリース", "検疫"} {
				if strings.Contains(line, word) {
					t.Errorf("%s:%d: %s", path, n+1, word)
				}
			}
		}
	}
}

// TestDocsLinks: files that are linked exist.
func TestDocsLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	for _, path := range docFiles(t) {
		for _, m := range link.FindAllStringSubmatch(readDoc(t, path), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

// TestDocsCommands: each command and option that is shown exists.
func TestDocsCommands(t *testing.T) {
	structs := commandLine(t)
	usage := regexp.MustCompile("(?m)(?:^|[ `;])sekisho ([a-z][^\n`]*)")
	shown := 0
	for _, path := range docFiles(t) {
		for _, m := range usage.FindAllStringSubmatch(readDoc(t, path), -1) {
			words := strings.Fields(strings.SplitN(strings.SplitN(m[1], "|", 2)[0], " #", 2)[0])
			if words[0] == "sekisho" { // behind the name of the user
				words = words[1:]
			}
			at := "cli"
			for len(words) > 0 && structs[at].commands[command(words[0])] != "" {
				at, words = structs[at].commands[command(words[0])], words[1:]
			}
			if at == "cli" || len(structs[at].commands) > 0 && len(words) > 0 {
				t.Errorf("%s: there is no command %q", path, m[1])
				continue
			}
			shown++
			for _, w := range words {
				name, _, _ := strings.Cut(strings.TrimPrefix(w, "--"), "=")
				name = strings.ReplaceAll(name, "-", "") // kong writes SendTest as send-test
				if strings.HasPrefix(w, "--") && !structs.option(at, name) {
					t.Errorf("%s: sekisho %s: there is no option %s", path, m[1], w)
				}
			}
		}
	}
	if shown < 30 {
		t.Errorf("only %d commands found in the documentation", shown)
	}
}

// command is a word as the fields of the command line spell it: kong writes
// ResetFactor as reset-factor.
func command(word string) string { return strings.ReplaceAll(word, "-", "") }

// cliStruct is a struct of the command line: its commands by the struct that
// holds them, its options, and the structs embedded in it.
type cliStruct struct {
	commands map[string]string
	options  []string
	embedded []string
}

type cliStructs map[string]cliStruct

func (c cliStructs) option(name, option string) bool {
	return slices.Contains(c[name].options, option) ||
		slices.ContainsFunc(c[name].embedded, func(e string) bool { return c.option(e, option) })
}

// commandLine reads the structs that kong makes the command line of.
func commandLine(t *testing.T) cliStructs {
	t.Helper()
	files, err := filepath.Glob("sekisho/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no command line: %v", err)
	}
	all := cliStructs{}
	for _, f := range files {
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					all[spec.Name.Name] = structOf(s)
				}
			}
			return true
		})
	}
	return all
}

func structOf(s *ast.StructType) cliStruct {
	c := cliStruct{commands: map[string]string{}}
	for _, f := range s.Fields.List {
		kind, ok := f.Type.(*ast.Ident)
		if ok && len(f.Names) == 0 {
			c.embedded = append(c.embedded, kind.Name)
		}
		for _, n := range f.Names {
			switch {
			case f.Tag != nil && ok && strings.Contains(f.Tag.Value, `cmd:""`):
				c.commands[strings.ToLower(n.Name)] = kind.Name
			case f.Tag != nil:
				c.options = append(c.options, strings.ToLower(n.Name))
			}
		}
	}
	return c
}

// TestDocsSettings: each setting that is named exists, and each that an
// operator must fill is named.
func TestDocsSettings(t *testing.T) {
	known, sections := map[string]bool{}, map[string]bool{}
	text := readDoc(t, filepath.Join(docsJA, "operator.md"))
	for _, k := range config.Settings() {
		known[k.Path] = true
		section, _, _ := strings.Cut(k.Path, ".")
		sections[section] = true
		if k.Needed && k.Default == "" && k.Path != "intake.listen" && k.Path != "intake.hostname" && !strings.Contains(text, "`"+k.Path+"`") {
			t.Errorf("operator.md does not name %s, which must be filled", k.Path)
		}
	}
	verbs := map[string]bool{}
	for _, v := range audit.Verbs() {
		verbs[string(v.Verb)] = true
	}
	name := regexp.MustCompile("`([a-z_]+)((?:\\.[a-z_]+)+)(?::[^`]*)?`")
	for _, path := range docFiles(t) {
		for _, m := range name.FindAllStringSubmatch(readDoc(t, path), -1) {
			if id := m[1] + m[2]; sections[m[1]] && !known[id] && !verbs[id] && !slices.Contains([]string{"policy.yaml", "audit.pub", "audit.key"}, id) {
				t.Errorf("%s: there is no setting %s", path, id)
			}
		}
	}
}

// TestDocsMetrics: the operator's table has every metric, and no other.
func TestDocsMetrics(t *testing.T) {
	name := regexp.MustCompile(`\bsekisho_[a-z_]+`)
	code := name.FindAllString(readDoc(t, "../gateway/health/metrics.go"), -1)
	shown := name.FindAllString(readDoc(t, filepath.Join(docsJA, "operator.md")), -1)
	for _, l := range []*[]string{&code, &shown} {
		slices.SortFunc(*l, cmp.Compare)
		*l = slices.Compact(*l)
	}
	if len(code) < 10 || !slices.Equal(code, shown) {
		t.Errorf("metrics of the code %v\nof operator.md %v", code, shown)
	}
}

func docFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(docsJA, "*.md"))
	if err != nil || len(files) < 5 {
		t.Fatalf("documents %v, %v", files, err)
	}
	return files
}

func readDoc(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
