package pdfium

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
)

// TestTree: the tree is a proper read-only file system that holds font files
// by their names, and neither links, nor empty files, nor anything else.
func TestTree(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644) }
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "a/b/c/d/e"), 0o755), write("one.ttf", "1"), write("a/two.OTF", "22"), write("a/b/c/d/e/deep.ttf", "5"),
		write("empty.ttf", ""), write("notes.txt", "n"), os.Symlink("/etc/passwd", filepath.Join(dir, "link.ttf"))); err != nil {
		t.Fatal(err)
	}
	tr, err := readTree([]string{dir, filepath.Join(dir, "nowhere")})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range tr.files {
		names = append(names, name)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{guestFonts + "/0/one.ttf", guestFonts + "/0/two.OTF"}) || tr.count() != 2 {
		t.Fatal(names)
	}
	if err := fstest.TestFS(tr, names...); err != nil {
		t.Fatal(err)
	}
	if err := tr.Close(); err != nil || tr.count() != 0 {
		t.Fatal(err)
	}
}
