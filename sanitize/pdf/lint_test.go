package pdf

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"

	"sekisho/sanitize/ir"
)

// found runs the lint and returns the codes of its notes, each with its
// detail, and the sheets.
func found(t testing.TB, data []byte) ([]string, []ir.Sheet) {
	t.Helper()
	var b bytes.Buffer
	if err := Lint(data, nil, ir.NewWriter(&b)); err != nil {
		t.Fatal(err)
	}
	var notes []string
	var sheets []ir.Sheet
	r := ir.NewReader(&b, math.MaxInt64)
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			return notes, sheets
		}
		if err != nil {
			t.Fatal(err)
		}
		switch v := v.(type) {
		case ir.Note:
			notes = append(notes, fmt.Sprintf("%s %s: %s", v.Code, v.Where, v.Detail))
		case ir.Sheet:
			sheets = append(sheets, v)
		default:
			t.Fatalf("a lint must not write %T", v)
		}
	}
}

func TestFontProgramIsTheOneOfTheLint(t *testing.T) {
	b := fontProgram()
	if sum := fmt.Sprintf("%x", sha256.Sum256(b)); len(b) != programBytes || sum != programSum {
		t.Fatalf("%d bytes %s", len(b), sum)
	}
}

func TestLintAcceptsWhatIsBuilt(t *testing.T) {
	for name, pages := range map[string][]sheetOf{
		"text":   {written()},
		"all":    {written(), text("gray1", 301, 40), photo("rgb8", 200, 150), photo("gray8", 90, 33), logo(201, 100, 300), logo(33, 50, 0), written()},
		"colour": {logo(31, 20, 3), logo(31, 20, 13), photo("gray4", 31, 3), photo("gray1", 31, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			data, built, err := build(t, values(pages...), profile())
			if err != nil {
				t.Fatal(err)
			}
			notes, sheets := found(t, data)
			if len(notes) > 0 {
				t.Error(notes)
			}
			if fmt.Sprint(sheets) != fmt.Sprint(built.Sheets) || len(sheets) != len(pages) {
				t.Errorf("found %v, built %v", sheets, built.Sheets)
			}
		})
	}
}
