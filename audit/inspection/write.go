package inspection

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"html/template"
	"io"

	"sekisho/audit"
)

//go:embed report.html
var page string

// HTML writes the report as one page to print: A4, black on white, without script
// and without anything from elsewhere.
func (r Report) HTML(w io.Writer) error {
	t, err := template.New("report").Parse(page)
	if err != nil {
		return fmt.Errorf("self-inspection page: %w", err)
	}
	if err := t.Execute(w, r); err != nil {
		return fmt.Errorf("self-inspection page: %w", err)
	}
	return nil
}

// CSV writes the same for spreadsheets: UTF-8 with byte order mark, CRLF; each row
// has the number and title of its section, what it is (マーク, 文, 表 or 行), and
// its text or cells. What would begin a formula gets an apostrophe before it.
func (r Report) CSV(w io.Writer) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return fmt.Errorf("self-inspection table: %w", err)
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = audit.Cell(cells[i])
		}
		c.Write(cells) // the error stays and is returned below
	}
	row("0", r.Title, "文", r.Office, r.Made, r.Log, r.Root)
	row("0", r.Title, "文", r.Verdict)
	for _, s := range r.Remarks {
		row("0", r.Title, "文", s)
	}
	for _, s := range r.Sections {
		n := fmt.Sprint(s.Number)
		row(n, s.Title, "マーク", s.Mark.JA())
		for _, text := range s.Notes {
			row(n, s.Title, "文", text)
		}
		for _, t := range s.Tables {
			row(append([]string{n, s.Title, "表", t.Caption}, t.Head...)...)
			for _, cells := range t.Rows {
				row(append([]string{n, s.Title, "行", t.Caption}, cells...)...)
			}
			if t.More > 0 {
				row(n, s.Title, "行", t.Caption, fmt.Sprintf("ほか%d件", t.More))
			}
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("self-inspection table: %w", err)
	}
	return nil
}
