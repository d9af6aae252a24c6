package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLoadEngine: the block of the file, the environment over it, and the
// defaults where there is no file; a file with a fault is not passed over.
func TestLoadEngine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "s.yaml")
	put(t, file, "engine:\n  fonts: [f]\n  cache: /c\n", 0o644)
	for _, c := range []struct {
		name, file string
		environ    []string
		want       Engine
	}{
		{"file", file, nil, Engine{Fonts: []string{filepath.Join(dir, "f")}, Cache: "/c"}},
		{"variables", file, []string{"SEKISHO_ENGINE_FONTS=/a, b", "SEKISHO_ENGINE_CACHE=/d"}, Engine{Fonts: []string{"/a", filepath.Join(dir, "b")}, Cache: "/d"}},
		{"no file", filepath.Join(dir, "none.yaml"), nil, Default().Engine},
		{"no file, a variable", filepath.Join(dir, "none.yaml"), []string{"SEKISHO_ENGINE_CACHE=/d"}, Engine{Fonts: Default().Engine.Fonts, Cache: "/d"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := LoadEngine(c.file, c.environ)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	put(t, file, "engine:\n  font: [f]\n", 0o644)
	if _, err := LoadEngine(file, nil); err == nil || !strings.Contains(err.Error(), "engine.fonts") && !strings.Contains(err.Error(), "fonts") {
		t.Errorf("a fault of the file: %v", err)
	}
}
