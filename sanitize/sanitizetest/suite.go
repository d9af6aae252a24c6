// Package sanitizetest is the conformance suite that every row of
// sanitize/formats.go passes. It runs a format's Parse, Build and Lint in one
// process, with the frames between them, and asks of each sample:
//
//   - the content is recognized, parsed, built, and the lint finds no fault;
//   - the findings are exactly those expected, and stand in format's table;
//   - what a reader sees is there, and canary marks planted in hidden carriers
//     have not come through, in no encoding;
//   - the same input gives the same bytes, and sanitizing the output again
//     changes nothing (DECISIONS 4);
//   - cut at any offset, it is held with a known reason or rebuilt properly.
//
// Further: hostile or cut frames make Build fail and never panic, limits hold
// with the right reason, and each lint rule catches a bad sample of its own.
package sanitizetest

import (
	"testing"

	"sekisho/sanitize/format"
)

// Sample is a file that must be rebuilt.
type Sample struct {
	Name  string // of the test case
	File  string // the sender's claims
	Media string
	Data  []byte

	Profile format.Profile
	Facts   *format.Facts
	Self    string // as in format.Untrusted

	// Findings are the codes that must be reported, no more and no fewer.
	Findings []string
	// Shows are strings that a reader of the output must see.
	Shows []string
	// Marks are canaries that stand in Data as they are and must be gone.
	Marks []string
	// DeepMarks are canaries that stand in Data compressed or encoded.
	DeepMarks []string
}

// Refusal is a file that must be held.
type Refusal struct {
	Name   string
	File   string
	Media  string
	Data   []byte
	Budget *format.Budget // nil for a generous one
	Reason format.Reason
}

// BadOutput is a file that a lint rule must catch.
type BadOutput struct {
	Name string
	Data []byte
	Code string
}

// Suite is what the samples of one format are.
type Suite struct {
	Good    []Sample
	Refused []Refusal
	Bad     []BadOutput
	// Rules are all codes of the lint; each needs a BadOutput.
	Rules []string

	// Show returns the content of an output as a reader sees it. Default: the
	// output's bytes.
	Show func(output []byte) (string, error)
	// Same compares the output of a first pass with that of a second one over
	// it. Default: the bytes are equal.
	Same func(first, second []byte) error
	// Again is the format of the output when it is not the format itself, as
	// for a GIF that becomes a PNG.
	Again *format.Format
	// Kid decides children. Default: HoldKids.
	Kid KidFunc
	// Truncate is the size in bytes up to which samples are cut at every
	// offset; larger ones are cut at some. Default: 2048.
	Truncate int
	// CutIsFault says that an output cut at any offset violates a lint rule.
	CutIsFault bool
	// Golden is a directory of expected outputs, "" for none. A test binary
	// that defines a boolean flag "update" can rewrite them.
	Golden string
}

// Run runs the suite for one format.
func Run(t *testing.T, f format.Format, s Suite) {
	t.Helper()
	if s.Truncate == 0 {
		s.Truncate = 2048
	}
	if len(s.Good) == 0 || len(s.Refused) == 0 || len(s.Bad) == 0 {
		t.Fatal("a suite needs good, refused and bad samples")
	}
	for _, x := range s.Good {
		t.Run("good/"+x.Name, func(t *testing.T) {
			for _, c := range goodChecks {
				if err := c.run(t.Context(), f, s, x); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			if err := checkGolden(t.Context(), f, s, x); err != nil {
				t.Errorf("golden: %v", err)
			}
		})
	}
	for _, x := range s.Refused {
		t.Run("refused/"+x.Name, func(t *testing.T) {
			if err := checkRefused(t.Context(), f, s, x); err != nil {
				t.Error(err)
			}
		})
	}
	for _, x := range s.Bad {
		t.Run("bad/"+x.Name, func(t *testing.T) {
			if err := checkBad(f, s, x); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("rules", func(t *testing.T) {
		if err := checkRules(s); err != nil {
			t.Error(err)
		}
	})
}
