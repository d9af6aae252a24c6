// Package cmd holds the import policy of the repository as a test.
package cmd

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// policy says which packages of ours a package may import: "room: rooms". A
// name ending in /... stands for a package and all below it, $format for each
// of the format families. What is not listed is forbidden; a package without
// a line fails.
//
// DO NOT CHANGE THIS DATA TO FIX BUILDS. A new line is a decision about the
// architecture: docs/design/ARCHITECTURE.md, "Rooms".
const policy = `
sanitize/ir:
sanitize/seal:
sanitize/charset:
sanitize/hypertext:
sanitize/memfile:
sanitize/linear:
sanitize/pdfium: sanitize/linear
sanitize/pdfium/enginetest/...: sanitize/pdfium
sanitize/pdfread: sanitize/ir sanitize/format sanitize/pdfium
sanitize/jpeglint:
audit:
audit/inspection: audit

sanitize/format: sanitize/ir
sanitize/policy: sanitize/format
sanitize/sandbox:
sanitize/sandbox/boxtest: sanitize/sandbox
sanitize/plaintext: sanitize/ir sanitize/format sanitize/charset
sanitize/magic: sanitize/format
sanitize/sanitizetest: sanitize/ir sanitize/format

$format: sanitize/ir sanitize/format sanitize/charset sanitize/hypertext sanitize/plaintext sanitize/jpeglint

sanitize/image: sanitize/ir sanitize/format sanitize/jpeglint sanitize/image/...
sanitize/image/...: sanitize/image/...
sanitize/modules: sanitize/ir sanitize/format sanitize/image sanitize/linear

sanitize: sanitize/ir sanitize/seal sanitize/memfile sanitize/format sanitize/policy sanitize/sandbox sanitize/magic $format

quarantine: sanitize/format audit
gateway: quarantine sanitize/seal audit
gateway/intake: gateway audit
gateway/deliver: gateway sanitize/seal audit
gateway/account: gateway audit
gateway/account/accounttest: gateway gateway/account gateway/store/sqlite audit
# The rules of accounts and of quarantine are called by the interface, which has none of its own.
# The desk puts the rules of quarantine, the ledger and the records of each step together, for all who ask. Who they are, and
# for whom they decide, it asks the accounts: were it told by its callers, each of them could be wrong.
gateway/desk: gateway gateway/account quarantine audit
# The interface says why there is no picture in the words of the one table of reasons.
gateway/api: gateway gateway/account gateway/desk quarantine sanitize/format audit
# Who is told of held parts and when is decided in one room, for flow, the configuration and all who ask.
gateway/notice: gateway quarantine audit
gateway/store/...: gateway gateway/account gateway/store/... quarantine sanitize/format audit
gateway/config: gateway gateway/notice sanitize/policy sanitize/format sanitize/seal audit configs
gateway/health: gateway
gateway/syslog:
gateway/portal/demo: gateway
gateway/faulttest:
gateway/peertest:
gateway/flow: gateway gateway/notice quarantine audit sanitize sanitize/format sanitize/policy sanitize/seal sanitize/memfile

configs:
cmd/sekisho-box: sanitize sanitize/sandbox
cmd/sekisho: sanitize sanitize/... gateway gateway/... quarantine audit audit/inspection configs
cmd:
`

// formats are the format families: one package each, unaware of each other.
var formats = []string{"sanitize/mail", "sanitize/text", "sanitize/html", "sanitize/image", "sanitize/pdf"}

// guarded says where a dangerous or heavy package may be imported; everywhere
// else it is forbidden. A trailing /... covers what is below.
var guarded = map[string][]string{
	"os/exec":                            {"sanitize/sandbox/...", "sanitize/pdfium/enginetest", "cmd/sekisho", "gateway/peertest"},
	"database/sql":                       {"gateway/store/..."},
	"modernc.org/sqlite/...":             {"gateway/store/..."},
	"net/http/...":                       {"gateway/health", "gateway/portal/demo", "gateway/api", "gateway/portal", "gateway/upload"},
	"github.com/emersion/go-smtp":        {"gateway/intake", "gateway/deliver", "gateway/portal/demo"},
	"github.com/emersion/go-message/...": {"sanitize/mail"},
	"github.com/ledongthuc/pdf/...":      {"sanitize/pdfread"},
	"golang.org/x/net/html/...":          {"sanitize/hypertext"},
	"golang.org/x/net/idna":              {"sanitize/mail", "sanitize/hypertext"},
	// The demo mailbox reads what we built, as the mail client that it stands for.
	"mime/multipart": {"gateway/portal/demo"},
	"net/mail":       {"gateway/portal/demo"},
	"archive/...":    {},
	// The demo draws its sample photo.
	"image/...":              {"sanitize/image/...", "sanitize/modules", "sanitize/pdf", "gateway/portal/demo"},
	"golang.org/x/image/...": {"sanitize/image/..."},
	// PDFium and what runs it, ADR 0014.
	"github.com/klippa-app/go-pdfium/...": {"sanitize/pdfium"},
	"github.com/tetratelabs/wazero/...":   {"sanitize/pdfium", "sanitize/modules", "sanitize/linear"},
	"unsafe":                              {"sanitize/sandbox"}, // one call of seccomp(2), ADR 0001
	"C":                                   {},
	"plugin":                              {},
	"html/template":                       {"gateway/portal/demo", "gateway/portal", "audit/inspection"}, // the report to print
	"text/template":                       {},
	"github.com/landlock-lsm/go-landlock/...": {"sanitize/sandbox"},
	"github.com/danielgtaylor/huma/...":       {"gateway/api"},                         // ADR 0013
	"golang.org/x/crypto/...":                 {"gateway/account", "gateway/store/fs"}, // argon2id, ADR 0012; the cipher of age's stanzas, ADR 0006
	"filippo.io/age/...":                      {"gateway/store/...", "gateway/config"},
	"github.com/goccy/go-yaml/...":            {"gateway/config"},
	"github.com/alecthomas/kong/...":          {"cmd/sekisho"},
}

// imported is what a package imports, without its tests.
type imported map[string][]string

func TestImports(t *testing.T) {
	allowed := parsePolicy(t)
	for pkg, deps := range scan(t) {
		rule, ok := allowed[pkg]
		if !ok {
			for p := range allowed {
				if strings.HasSuffix(p, "/...") && covers(p, pkg) {
					rule, ok = allowed[p], true
				}
			}
		}
		if !ok {
			t.Errorf("%s has no line in the policy", pkg)
			continue
		}
		for _, d := range deps {
			own, ours := strings.CutPrefix(d, "sekisho/")
			if ours && strings.HasSuffix(own, "test") && !strings.HasSuffix(pkg, "test") {
				t.Errorf("%s imports %s, which is for tests alone", pkg, own)
			}
			if ours && own != pkg && !slices.ContainsFunc(rule, func(r string) bool { return covers(r, own) }) {
				t.Errorf("%s imports %s, which the policy forbids", pkg, own)
			}
			for g, where := range guarded {
				if covers(g, d) && !slices.ContainsFunc(where, func(w string) bool { return covers(w, pkg) }) {
					t.Errorf("%s imports %s, which is allowed only in %v", pkg, d, where)
				}
			}
		}
	}
}

// TestPolicyBites shows that the rules refuse what they must refuse.
func TestPolicyBites(t *testing.T) {
	allowed := parsePolicy(t)
	for _, no := range [][2]string{
		{"gateway/deliver", "sanitize"}, {"gateway/intake", "sanitize"}, {"gateway/intake", "gateway/deliver"},
		{"sanitize/mail", "sanitize/html"}, {"sanitize/mail", "sanitize"}, {"sanitize/ir", "sanitize/format"},
		{"gateway/flow", "gateway/deliver"}, {"quarantine", "gateway"}, {"audit", "gateway"}, {"sanitize/seal", "sanitize/ir"},
	} {
		if slices.ContainsFunc(allowed[no[0]], func(r string) bool { return covers(r, no[1]) }) {
			t.Errorf("the policy lets %s import %s", no[0], no[1])
		}
	}
}

// TestOnlySanitizeAttests guards the one call that makes something sealable.
// spec: g1 g5
func TestOnlySanitizeAttests(t *testing.T) {
	found := 0
	walk(t, func(file, pkg string, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Linted" {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "seal" {
				found++
				if pkg != "sanitize" {
					t.Errorf("%s calls seal.Linted", file)
				}
			}
			return true
		})
	})
	if found != 1 {
		t.Errorf("seal.Linted is called in %d places, want 1", found)
	}
}

// TestOnlyAnExceptionSealsAnOriginal guards the other basis: it is made in one
// place of sanitize, and asked for in one place of flow.
// spec: g11
func TestOnlyAnExceptionSealsAnOriginal(t *testing.T) {
	walk(t, func(file, pkg string, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, _ := sel.X.(*ast.Ident)
			switch {
			case sel.Sel.Name == "Excepted" && x != nil && x.Name == "seal" && pkg != "sanitize":
				t.Errorf("%s calls seal.Excepted", file)
			case sel.Sel.Name == "OpenExcepted" && pkg != "gateway/deliver":
				t.Errorf("%s opens passports of exceptions", file)
			case (sel.Sel.Name == "Wrap" || sel.Sel.Name == "Take") && pkg == "gateway/flow" && !strings.HasSuffix(file, "gateway/flow/exception.go"):
				t.Errorf("%s takes an original", file)
			}
			return true
		})
	})
}

// TestNothingRegistersItself: lists that matter for safety are visible tables.
func TestNothingRegistersItself(t *testing.T) {
	walk(t, func(file, _ string, f *ast.File) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", file)
			}
		}
	})
}

func parsePolicy(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	expand := func(names []string) []string {
		var all []string
		for _, n := range names {
			if n == "$format" {
				all = append(all, formats...)
			} else {
				all = append(all, n)
			}
		}
		return all
	}
	for l := range strings.Lines(policy) {
		room, deps, ok := strings.Cut(strings.TrimSpace(l), ":")
		if !ok {
			continue
		}
		for _, r := range expand([]string{room}) {
			out[r] = expand(strings.Fields(deps))
		}
	}
	return out
}

// covers reports whether pattern, which may end in /..., stands for name.
func covers(pattern, name string) bool {
	base, below := strings.CutSuffix(pattern, "/...")
	return name == base || below && strings.HasPrefix(name, base+"/")
}

func scan(t *testing.T) imported {
	t.Helper()
	out := imported{}
	walk(t, func(_, pkg string, f *ast.File) {
		if out[pkg] == nil {
			out[pkg] = []string{}
		}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			out[pkg] = append(out[pkg], p)
		}
	})
	if len(out) < 15 {
		t.Fatalf("only %d packages found", len(out))
	}
	return out
}

// walk calls f for each Go file of the repository that is not a test.
func walk(t *testing.T, f func(file, pkg string, ast *ast.File)) {
	t.Helper()
	set := token.NewFileSet()
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(set, p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		f(p, path.Dir(filepath.ToSlash(strings.TrimPrefix(p, "../"))), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
