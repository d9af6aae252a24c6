package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"golang.org/x/text/encoding/japanese"
)

// line runs one command line in this process. Only commands that open no box
// are run so.
func line(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(env{t.Context(), &out, &errs}, args)
	return code, out.String(), errs.String()
}

var (
	hasJapanese = regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]{2}`)
	hasEnglish  = regexp.MustCompile(`[A-Za-z]{2}`)
)

// commands lists every command as it is typed.
func commands(t *testing.T) []*kong.Node {
	t.Helper()
	parser, err := kong.New(&cli{}, kong.Name("sekisho"), kong.Bind(env{}))
	if err != nil {
		t.Fatal(err)
	}
	var all []*kong.Node
	err = kong.Visit(parser.Model, func(n kong.Visitable, next kong.Next) error {
		if n, ok := n.(*kong.Node); ok && n.Type == kong.CommandNode {
			all = append(all, n)
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 25 {
		t.Fatalf("%d commands found", len(all))
	}
	return all
}

// TestHelp: each command, flag and argument is explained in Japanese, commands
// in English as well, in characters that every machine of an office can show,
// and without the words that PRODUCT.md forbids.
func TestHelp(t *testing.T) {
	for _, n := range commands(t) {
		words := typed(n)
		t.Run(strings.Join(words, "_"), func(t *testing.T) {
			if !hasJapanese.MatchString(n.Help) || !hasEnglish.MatchString(strings.ReplaceAll(n.Help, ".eml", "")) {
				t.Errorf("help %q lacks a language", n.Help)
			}
			for _, f := range n.Flags {
				if f.Name != "help" && !hasJapanese.MatchString(f.Help) && !strings.Contains(f.Help, "JSON") {
					t.Errorf("--%s: help %q is not Japanese", f.Name, f.Help)
				}
			}
			for _, p := range n.Positional {
				if !hasJapanese.MatchString(p.Help) {
					t.Errorf("%s: help %q is not Japanese", p.Name, p.Help)
				}
			}
			code, out, errs := line(t, append(slices.Clone(words), "--help")...)
			if code != 0 || errs != "" || !strings.Contains(out, n.Help[:len("設定")]) {
				t.Fatalf("--help: exit %d, stdout %q, stderr %q", code, out, errs)
			}
			if bad := regexp.MustCompile(`安全です|解放|放出|リリース|検疫`).FindString(out); bad != "" {
				t.Errorf("--help says %q", bad)
			}
			if _, err := japanese.ShiftJIS.NewEncoder().String(strings.ReplaceAll(out, "–", "-")); err != nil {
				t.Errorf("--help has characters beyond JIS X 0208: %v", err)
			}
		})
	}
}

// typed are the words of a command, without sekisho.
func typed(n *kong.Node) []string {
	var words []string
	for ; n != nil && n.Type == kong.CommandNode; n = n.Parent {
		words = append([]string{n.Name}, words...)
	}
	return words
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want int
	}{
		{"no arguments shows the help", nil, 0},
		{"version", []string{"version"}, 0},
		{"unknown command", []string{"relase"}, 2},
		{"unknown flag", []string{"version", "--loud"}, 2},
		{"a group alone", []string{"keys"}, 2},
		{"missing argument", []string{"quarantine", "show"}, 2},
		{"missing file", []string{"sanitize", "no-such-file"}, 2},
		{"audit check of a missing key", []string{"audit", "check", "--key", "none", "none"}, 2},
		{"audit verify says 3 where others say 2", []string{"audit", "verify", "--log", "none", "--key", "none"}, 3},
		{"audit verify without flags", []string{"audit", "verify"}, 3},
		{"missing configuration", []string{"keys", "list", "-c", "no-such.yaml"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			if code, out, errs := line(t, c.args...); code != c.want {
				t.Errorf("exit %d, want %d; stdout %q, stderr %q", code, c.want, out, errs)
			} else if (errs != "") != (c.want > 0) {
				t.Errorf("exit %d with stderr %q", code, errs)
			}
		})
	}
}

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		want   int
		silent bool
	}{
		{"no error", nil, 0, true},
		{"held", exitHeld, 1, true},
		{"held, wrapped", fmt.Errorf("wrapped: %w", exitHeld), 1, true},
		{"of audit verify", exitVerifyUsage, 3, true},
		{"any other error is a failure", errors.New("broken"), 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var errs bytes.Buffer
			got := report(env{stderr: &errs}, c.err)
			if got != c.want || (errs.Len() == 0) != c.silent {
				t.Errorf("exit %d with %q, want %d", got, errs.String(), c.want)
			}
		})
	}
}
