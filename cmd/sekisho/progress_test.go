package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize"
)

// TestMeter: a terminal's line is written anew and taken away, other outputs get
// a line every few seconds, and what is quick is not told of.
func TestMeter(t *testing.T) {
	for _, c := range []struct {
		name     string
		terminal bool
		step     time.Duration // between pages
		pages    int
		want     string
	}{
		{"lines", false, time.Second, 12, "a.pdf（2）: 5 / 12 ページ\na.pdf（2）: 10 / 12 ページ\n"},
		{"quick", false, time.Millisecond, 500, ""},
		{"slow pages", false, time.Minute, 2, "a.pdf（2）: 1 / 2 ページ\na.pdf（2）: 2 / 2 ページ\n"},
		{"one page", false, time.Minute, 1, ""},
		{"terminal", true, 100 * time.Millisecond, 5, "\r2 / 5 ページ（2）\r4 / 5 ページ（2）\r" + strings.Repeat(" ", 17) + "\r"},
		{"quick on a terminal", true, time.Millisecond, 100, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			now := time.Unix(0, 0)
			m := &meter{w: &out, terminal: c.terminal, clock: func() time.Time { return now }}
			m.begin("a.pdf")
			for i := range c.pages {
				now = now.Add(c.step)
				m.page(sanitize.Progress{Path: "2", Page: i + 1, Pages: c.pages})
			}
			m.end()
			m.end()
			if out.String() != c.want {
				t.Errorf("%q, want %q", out.String(), c.want)
			}
		})
	}
	quiet := newMeter(nil, true, nil)
	quiet.begin("a")
	quiet.page(sanitize.Progress{Page: 1, Pages: 2})
	quiet.end()
	if m := newMeter(new(bytes.Buffer), false, time.Now); m.terminal {
		t.Error("a buffer is no terminal")
	}
}

// TestMeterShrinks: a line that is shorter than the last leaves nothing of it.
func TestMeterShrinks(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	m := &meter{w: &out, terminal: true, clock: func() time.Time { now = now.Add(time.Second); return now }}
	m.begin("a.eml")
	m.page(sanitize.Progress{Path: "1", Page: 99, Pages: 100})
	m.page(sanitize.Progress{Path: "2", Page: 1, Pages: 2})
	if want := "\r99 / 100 ページ（1）\r1 / 2 ページ（2）   "; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
