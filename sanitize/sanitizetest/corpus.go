package sanitizetest

import (
	"os"
	"path/filepath"
	"testing"
)

// Corpus returns the files of the shared corpus (SEKISHO_CORPUS) whose path
// below it matches pattern, by that path with slashes. Where there is no corpus
// there are none: each room then has its own samples. A pattern that matches
// nothing fails the test.
func Corpus(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	root := os.Getenv("SEKISHO_CORPUS")
	if root == "" {
		return files
	}
	names, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("corpus %s: %v", pattern, err)
	}
	for _, n := range names {
		data, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(root, n)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.ToSlash(rel)] = data
	}
	return files
}
