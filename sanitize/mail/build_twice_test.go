package mail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// buildParsed is what Parse read from a mail.
type buildParsed struct {
	frames   []byte
	values   *buildValues
	children [][]byte
}

// buildParse parses data as the worker does.
func buildParse(data []byte) (buildParsed, error) {
	var b bytes.Buffer
	in := format.Untrusted{Data: data, Self: "another-gateway", Budget: format.Budget{Bytes: 64 << 20, Files: 1000, Pixels: 1 << 24, Depth: 8}}
	if err := Parse(context.Background(), in, ir.NewWriter(&b)); err != nil {
		return buildParsed{}, err
	}
	p := buildParsed{frames: b.Bytes()}
	var err error
	if p.values, err = buildRead(ir.NewReader(bytes.NewReader(p.frames), 1<<30)); err != nil {
		return p, err
	}
	r := ir.NewReader(bytes.NewReader(p.frames), 1<<30)
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return p, err
		}
		switch v := v.(type) {
		case ir.Child:
			p.children = append(p.children, nil)
		case ir.Data:
			p.children[len(p.children)-1] = append(p.children[len(p.children)-1], v.B...)
		}
	}
}

// kids stands in for the engine: every child is taken as rebuilt text.
func (p buildParsed) kids() []format.Child {
	var kids []format.Child
	for i, c := range p.values.children {
		k := buildChild(c.Name, c.Name, "text/plain; charset=utf-8", format.Text, format.MethodText, string(p.children[i]))
		if !strings.HasSuffix(k.Name, ".txt") {
			k.Name += ".txt"
		}
		kids = append(kids, k)
	}
	return kids
}

func (p buildParsed) build(t *testing.T) string {
	t.Helper()
	kids := p.kids()
	c := format.Construction{Kids: kids, Facts: buildFacts(), Profile: format.Profile{OwnDomains: buildOwn}}
	var mail bytes.Buffer
	if _, err := Build(ir.NewReader(bytes.NewReader(p.frames), 1<<30), c, &mail); err != nil {
		t.Fatal(err)
	}
	lintExpectClean(t, mail.Bytes(), kids)
	return mail.String()
}

// header gives the typed header values that a second pass must keep.
func (p buildParsed) header() map[string]any {
	m := map[string]any{"boxes": p.values.boxes, "fields": p.values.fields}
	if p.values.date != nil {
		m["date"] = *p.values.date
	}
	return m
}

func (p buildParsed) body() string {
	var b strings.Builder
	for _, t := range p.values.texts {
		b.WriteString(t.s.String())
	}
	return b.String()
}

// TestBuildTwice: sanitizing a sanitized mail keeps its header values, its
// text, and the names and bytes of its attachments (DECISIONS 4).
// spec: g9
func TestBuildTwice(t *testing.T) {
	files, err := filepath.Glob("testdata/build/*.eml.golden")
	if err != nil || len(files) < 15 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			buildTwice(t, data)
		})
	}
}

func buildTwice(t *testing.T, data []byte) {
	t.Helper()
	one, err := buildParse(data)
	if err != nil {
		t.Fatal(err)
	}
	two, err := buildParse([]byte(one.build(t)))
	if err != nil {
		t.Fatal(err)
	}
	three, err := buildParse([]byte(two.build(t)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(two.header(), three.header()); d != "" {
		t.Errorf("header (-first +second):\n%s", d)
	}
	for line := range strings.SplitSeq(two.body(), "\n") {
		if !buildLooksOurs(line) && !strings.Contains(three.body(), line) {
			t.Errorf("the second pass lost %q", line)
		}
	}
	var names, again []string
	for _, c := range two.values.children {
		names = append(names, c.Name)
	}
	for _, c := range three.values.children {
		again = append(again, c.Name)
	}
	if !slices.Equal(names, again) || len(two.children) != len(three.children) {
		t.Fatalf("attachments %q then %q", names, again)
	}
	for i := range two.children {
		if sha256.Sum256(two.children[i]) != sha256.Sum256(three.children[i]) {
			t.Errorf("attachment %q changed", names[i])
		}
	}
}

// TestBuildCorpus: real mails give a mail in the closed form, twice.
func TestBuildCorpus(t *testing.T) {
	root := os.Getenv("SEKISHO_CORPUS")
	files, err := filepath.Glob("testdata/build/*.eml.golden")
	if err != nil {
		t.Fatal(err)
	}
	if root != "" {
		for _, dir := range []string{"eml", "jp", "bugs"} {
			more, err := filepath.Glob(filepath.Join(root, dir, "*.eml"))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, more...)
		}
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var held *format.Error
			if _, err := buildParse(data); errors.As(err, &held) {
				return // held as a whole: nothing to build
			}
			buildTwice(t, data)
		})
	}
}
