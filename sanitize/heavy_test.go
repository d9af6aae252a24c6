package sanitize

import (
	"context"
	"errors"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// TestRowsWithoutWorkersHold: a kind whose class the pool does not have is one
// that is only recognized.
// spec: g2
func TestRowsWithoutWorkersHold(t *testing.T) {
	rows := withClasses(Formats(), func(class string) bool { return class != string(format.ClassImage) })
	for _, test := range []struct {
		name   string
		kind   format.Kind
		reason format.Reason
	}{{"a.png", format.PNG, format.KindUnsupported}, {"a.txt", format.Text, ""}} {
		if _, reason, _ := judge(rows, test.name, test.kind, test.kind); reason != test.reason {
			t.Errorf("%s: %q, want %q", test.kind, reason, test.reason)
		}
		_, can := rowOf(rows, test.kind).Way("")
		if can != (test.reason == "") {
			t.Errorf("%s can be built: %t", test.kind, can)
		}
	}
}

// TestHeavyLoad: an engine parses the kinds of its own class, and no others.
func TestHeavyLoad(t *testing.T) {
	parse := func(context.Context, format.Untrusted, *ir.Writer) error { return nil }
	broken := errors.New("no engine")
	for _, test := range []struct {
		name    string
		parsers map[format.Kind]Parser
		err     error
		want    string
	}{
		{"its kind", map[format.Kind]Parser{format.PNG: parse}, nil, ""},
		{"a kind of another class", map[format.Kind]Parser{format.Text: parse}, nil, "not parsed in class"},
		{"no kind at all", map[format.Kind]Parser{"perhaps": parse}, nil, "not parsed in class"},
		{"an engine that does not load", nil, broken, "no engine"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := Heavy{Class: format.ClassImage, Load: func([]string) (map[format.Kind]Parser, error) { return test.parsers, test.err }}
			serve, err := h.load(nil)
			if test.want == "" && (err != nil || serve == nil) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Fatalf("%v, want %q", err, test.want)
			}
		})
	}
}
