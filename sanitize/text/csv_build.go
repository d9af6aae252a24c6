package text

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/plaintext"
)

// BuildCSV writes a table. Cells that a spreadsheet would run get a leading
// apostrophe and the finding csv_formula, with how many there were.
// spec: rfc4180#2
func BuildCSV(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	enc, err := plaintext.NewEncoder(w, c.Profile)
	if err != nil {
		return format.Built{}, err
	}
	t := tableWriter{enc: enc, delim: ","}
	for {
		v, err := plaintext.Next(in)
		if errors.Is(err, io.EOF) {
			return t.built(), nil
		}
		if err != nil {
			return format.Built{}, err
		}
		switch v := v.(type) {
		case ir.Field:
			err = t.setDelimiter(v)
		case ir.Row:
			err = t.row(v.Cells)
		default:
			err = fmt.Errorf("build table: unexpected %T", v)
		}
		if err != nil {
			return format.Built{}, err
		}
	}
}

type tableWriter struct {
	enc      *plaintext.Encoder
	delim    string
	rows     int
	formulas int
}

func (t *tableWriter) setDelimiter(f ir.Field) error {
	switch {
	case f.Name != ir.FieldDelimiter || t.rows > 0:
		return fmt.Errorf("build table: unexpected field %s", f.Name)
	case f.Value == delimiterComma:
		t.delim = ","
	case f.Value == delimiterTab:
		t.delim = "\t"
	default:
		return fmt.Errorf("build table: unknown delimiter %q", f.Value)
	}
	return nil
}

func (t *tableWriter) row(cells []string) error {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteString(t.delim)
		}
		c, changed := neutral(c, t.enc.Shown)
		if changed {
			t.formulas++
		}
		// A file that begins with ID is taken for SYLK, a format with macros.
		first := t.rows == 0 && i == 0 && strings.HasPrefix(t.enc.Shown(c), "ID")
		b.WriteString(quote(c, first))
	}
	b.WriteString("\r\n")
	t.rows++
	_, err := t.enc.WriteString(b.String())
	return err
}

// quote quotes a cell that holds a character at which any spreadsheet, with
// any setting, might split it.
func quote(c string, always bool) string {
	if !always && !strings.ContainsAny(c, ",;\t\"\n") {
		return c
	}
	return `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
}

func (t *tableWriter) built() format.Built {
	b := t.enc.Built("text/csv", "csv")
	if t.delim == "\t" {
		b = t.enc.Built("text/tab-separated-values", "tsv")
	}
	if t.formulas > 0 {
		b.Findings = append(b.Findings, format.Finding{Code: "csv_formula", Detail: fmt.Sprint(t.formulas)})
	}
	return b
}
