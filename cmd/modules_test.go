package cmd

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestModulesAreListed compares go.mod with the table of modules and licences
// in docs/adr/README.md.
func TestModulesAreListed(t *testing.T) {
	var required []string
	scanLines(t, "go.mod", func(line string) {
		f := strings.Fields(line)
		if len(f) >= 2 && strings.HasPrefix(line, "\t") && strings.HasPrefix(f[1], "v") {
			required = append(required, f[0])
		}
	})
	if len(required) < 20 {
		t.Fatalf("only %d modules found in go.mod", len(required))
	}
	var listed []string
	scanLines(t, "docs/adr/README.md", func(line string) {
		cells := strings.Split(line, " | ")
		module, ok := strings.CutPrefix(cells[0], "| ")
		if !ok || len(cells) != 3 || !strings.Contains(module, ".") || strings.HasPrefix(module, "[") {
			return
		}
		listed = append(listed, module)
		licence, why := cells[1], cells[2]
		if strings.Contains(licence, "MPL") && !strings.HasPrefix(why, "tests only") {
			t.Errorf("%s: %s is not permissive and the module is linked", module, licence)
		}
	})
	slices.Sort(required)
	if !slices.IsSorted(listed) {
		t.Error("the table is not in order")
	}
	for _, m := range required {
		if !slices.Contains(listed, m) {
			t.Errorf("%s has no row", m)
		}
	}
	for _, m := range listed {
		if !slices.Contains(required, m) {
			t.Errorf("%s has a row and is not required", m)
		}
	}
}

// scanLines calls f for each line of a file of the repository.
func scanLines(t *testing.T, name string, f func(string)) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := bufio.NewScanner(file)
	for s.Scan() {
		f(s.Text())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
}
