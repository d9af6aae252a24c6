package config

import (
	"fmt"
	"strings"
)

// Severity says whether a problem stops the program. The zero value does.
type Severity uint8

// The severities.
const (
	Error Severity = iota
	Warning
)

// Problem is one fault of a file or of the machine it describes. Both sentences
// say what is wrong and what to do next.
type Problem struct {
	Severity Severity
	File     string
	Key      string // path of the key, "intake.listen[0]"; "" for none
	Line     int    // counted from 1, 0 when unknown
	Column   int    // counted from 1 in characters
	Source   string // the line itself, "" when unknown
	JA, EN   string
}

// String returns the problem in full: place, key, both sentences and the line
// with a caret.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
			if p.Column > 0 {
				fmt.Fprintf(&b, ":%d", p.Column)
			}
		}
		b.WriteString(": ")
	}
	word, english := "誤り", "error"
	if p.Severity == Warning {
		word, english = "注意", "warning"
	}
	if p.Key != "" {
		word += " " + p.Key
	}
	fmt.Fprintf(&b, "%s: %s\n    %s: %s\n", word, p.JA, english, p.EN)
	if p.Source != "" {
		number := fmt.Sprintf("%5d", p.Line)
		fmt.Fprintf(&b, "%s | %s\n", number, p.Source)
		if p.Column > 0 {
			fmt.Fprintf(&b, "%s | %s^\n", strings.Repeat(" ", len(number)), indent(p.Source, p.Column-1))
		}
	}
	return b.String()
}

// indent returns white space as wide on a terminal as the first n characters
// of line: Japanese characters take two columns.
func indent(line string, n int) string {
	var b strings.Builder
	for _, r := range line {
		if n--; n < 0 {
			break
		}
		switch {
		case r == '\t':
			b.WriteByte('\t')
		case r >= 0x1100 && (r < 0xFF61 || r > 0xFF9F):
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Problems are all that was found. It is an error where one of them is.
type Problems []Problem

// Error returns all problems in full.
func (ps Problems) Error() string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.String())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Fatal reports whether there is an error among them.
func (ps Problems) Fatal() bool {
	for _, p := range ps {
		if p.Severity == Error {
			return true
		}
	}
	return false
}

// Err returns the problems as an error, nil when there are only warnings.
func (ps Problems) Err() error {
	if !ps.Fatal() {
		return nil
	}
	return ps
}

// ExitCode is the exit code of "config check" after the file could be loaded:
// 0 without errors, 1 with errors. A file that Load refuses is 2.
func (ps Problems) ExitCode() int {
	if ps.Fatal() {
		return 1
	}
	return 0
}
