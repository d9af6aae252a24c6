package cmd

import (
	"cmp"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sekisho/audit"
)

// The index of requirements: one a line, "id status what it asks and how we
// meet it". Lines that begin with # are headings.
const specIndex = "../docs/spec/index.txt"

// Grammar of ids: an RFC and a section, a C2SP text and a heading, a section of
// the picture standards, a heading of the HTML standard, a guarantee of
// PRODUCT.md, an article of the town's regulation.
var (
	specID = regexp.MustCompile(`^(rfc[1-9][0-9]*(#([0-9]+|[A-Z])(\.[0-9]+)*)?` +
		`|c2sp/[a-z-]+(#[a-z-]+)?` +
		`|(png|jpeg|jfif|exif|icc|tiff|t4|t6|webp|bmp|pdf)(#([0-9]+|[A-Z])(\.[0-9]+)*)?` +
		`|html#[a-z-]+` +
		`|g([1-9]|1[0-2])` +
		`|art-[1-9][0-9]*(\([1-9][0-9]*\)[1-9]?)?)$`)
	// specTag is what links code to ids, at the start of a comment or after "; ".
	specTag   = regexp.MustCompile(`(?:^|; )spec: (.+)$`)
	digitRuns = regexp.MustCompile(`[0-9]+|[^0-9]+`)
)

// requirement is one line of the index.
type requirement struct{ id, status, text string }

var specStatus = []string{"Yes", "Partial", "Planned", "No"}

// TestSpecIndexIsWellFormed: known words, a text each, in order, nothing twice.
func TestSpecIndexIsWellFormed(t *testing.T) {
	all := readSpec(t)
	for i, r := range all {
		if !specID.MatchString(r.id) {
			t.Errorf("%q is no id", r.id)
		}
		if !slices.Contains(specStatus, r.status) {
			t.Errorf("%s: status %q is none of %v", r.id, r.status, specStatus)
		}
		if r.text == "" {
			t.Errorf("%s: no text", r.id)
		}
		if i > 0 && naturally(all[i-1].id, r.id) >= 0 {
			t.Errorf("%s must not stand after %s", r.id, all[i-1].id)
		}
	}
}

// TestSpecTagsAndIndexAgree: no tag names a dead id, and each Yes is met
// somewhere that says so; a guarantee needs a test that says so.
func TestSpecTagsAndIndexAgree(t *testing.T) {
	tags := readTags(t)
	known := map[string]bool{}
	for _, r := range readSpec(t) {
		known[r.id] = true
		where := tags[r.id]
		if r.status != "Yes" {
			continue
		}
		if len(where) == 0 {
			t.Errorf("%s is Yes, and no code and no test mentions it", r.id)
		}
		if r.id[0] == 'g' && !slices.ContainsFunc(where, func(f string) bool { return strings.HasSuffix(f, "_test.go") }) {
			t.Errorf("%s is a guarantee, and no test mentions it", r.id)
		}
	}
	for id, where := range tags {
		if !known[id] {
			t.Errorf("%v: %q is not in %s", where, id, specIndex)
		}
	}
	if len(tags) < 80 {
		t.Errorf("only %d ids are mentioned: are the comments found?", len(tags))
	}
}

// TestSpecHasGuaranteesAndArticles: the index is complete where we can tell.
func TestSpecHasGuaranteesAndArticles(t *testing.T) {
	known := map[string]bool{}
	for _, r := range readSpec(t) {
		known[r.id] = true
	}
	for n := range 12 {
		if id := "g" + strconv.Itoa(n+1); !known[id] {
			t.Errorf("%s is missing", id)
		}
	}
	for _, v := range audit.Verbs() {
		for _, a := range v.Articles {
			if !known["art-"+a] {
				t.Errorf("art-%s, named by %s, is missing", a, v.Verb)
			}
		}
	}
}

// TestSpecRulesBite shows that the rules refuse what they must refuse.
func TestSpecRulesBite(t *testing.T) {
	for _, no := range []string{"rfc", "rfc5321#", "rfc5321#4..1", "RFC5321#4", "g0", "g13", "art-6(3)①", "lg-1", "c2sp/", "html"} {
		if specID.MatchString(no) {
			t.Errorf("%q passes for an id", no)
		}
	}
	for _, order := range [][2]string{{"rfc2045#6.8", "rfc2045#6.10"}, {"g2", "g10"}, {"rfc822", "rfc2045"}, {"art-2(15)", "art-2(16)"}, {"art-9", "c2sp/a"}} {
		if naturally(order[0], order[1]) >= 0 || naturally(order[1], order[0]) <= 0 {
			t.Errorf("%s does not come before %s", order[0], order[1])
		}
	}
	got := tagsOf([]byte("package p\n\n// A b; spec: rfc1#2.\n// spec: g1 g2\nvar addrSpec = \"// spec: g3\" // of one addr-spec: 64\n/* spec: g4 */\n"))
	if want := []string{"rfc1#2", "g1", "g2", "g4"}; !slices.Equal(got, want) {
		t.Errorf("tags %v, want %v", got, want)
	}
}

// naturally compares ids, digits by their value.
func naturally(a, b string) int {
	return slices.CompareFunc(digitRuns.FindAllString(a, -1), digitRuns.FindAllString(b, -1), func(x, y string) int {
		n, errN := strconv.Atoi(x)
		m, errM := strconv.Atoi(y)
		if errN == nil && errM == nil {
			return cmp.Compare(n, m)
		}
		return cmp.Compare(x, y)
	})
}

func readSpec(t *testing.T) []requirement {
	t.Helper()
	b, err := os.ReadFile(specIndex)
	if err != nil {
		t.Fatal(err)
	}
	var all []requirement
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		id, rest, _ := strings.Cut(l, " ")
		status, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
		all = append(all, requirement{id, status, strings.TrimSpace(text)})
	}
	return all
}

// readTags returns the files that mention each id.
func readTags(t *testing.T) map[string][]string {
	t.Helper()
	tags := map[string][]string{}
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		for _, id := range tagsOf(src) {
			tags[id] = append(tags[id], p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tags
}

// tagsOf returns the ids that the comments of a Go source mention. It needs no
// whole file: a scanner does not mind code that does not compile.
func tagsOf(src []byte) []string {
	set := token.NewFileSet()
	var s scanner.Scanner
	s.Init(set.AddFile("", set.Base(), len(src)), src, func(token.Position, string) {}, scanner.ScanComments)
	var ids []string
	for {
		_, tok, lit := s.Scan()
		if tok == token.EOF {
			return ids
		}
		if tok != token.COMMENT {
			continue
		}
		for l := range strings.Lines(lit) {
			l = strings.TrimSpace(strings.TrimSuffix(strings.Trim(strings.TrimSpace(l), "/*"), "*/"))
			if m := specTag.FindStringSubmatch(l); m != nil {
				ids = append(ids, strings.Fields(strings.TrimSuffix(m[1], "."))...)
			}
		}
	}
}
