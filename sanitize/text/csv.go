package text

import (
	"context"
	"fmt"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/plaintext"
)

// The values of the delimiter field.
const (
	delimiterComma = "comma"
	delimiterTab   = "tab"
)

// maxCells bounds the cells of one row; it is the columns of a spreadsheet.
const maxCells = 16384

// ParseCSV emits a table: the delimiter for the new file, then its rows. Any
// table can be read (RFC 4180 and what programs make of it): bare quotes,
// quotes that never close, rows of different lengths, semicolons, tabs, a
// "sep=" line. It holds with limit_count, limit_size, limit_expanded or
// limit_time.
func ParseCSV(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	s, err := plaintext.Read(ctx, in, "", out)
	if err != nil {
		return err
	}
	p := csvParser{s: s}
	var notes []ir.Note
	sep, dropped := sepLine(s)
	if dropped > 0 {
		p.delim, p.pos = sep, dropped
		notes = append(notes, ir.Note{Code: "csv_sep_line"})
	} else {
		p.delim = guessDelimiter(s, calledTSV(in))
	}
	target := ir.Field{Name: ir.FieldDelimiter, Value: delimiterComma}
	switch {
	case p.delim == '\t' && calledTSV(in):
		target.Value = delimiterTab
	case p.delim != ',':
		notes = append(notes, ir.Note{Code: "csv_delimiter", Detail: fmt.Sprintf("%+q", p.delim)})
	}
	values := []ir.Value{target}
	for _, n := range notes {
		values = append(values, n)
	}
	for _, v := range values {
		if err := out.Write(v); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	return p.rows(ctx, out)
}

// calledTSV reports whether the sender says that tabs divide the cells.
func calledTSV(in format.Untrusted) bool {
	return strings.HasSuffix(strings.ToLower(in.Name), ".tsv") || in.Media == "text/tab-separated-values"
}

// sepLine reads Excel's own first line, "sep=;". It returns the delimiter and
// the length of the line, 0 when there is none.
func sepLine(s string) (byte, int) {
	line, _, found := strings.Cut(s, "\n")
	if !found {
		return 0, 0
	}
	bare := strings.Trim(line, `"`)
	if len(bare) != 5 || !strings.EqualFold(bare[:4], "sep=") {
		return 0, 0
	}
	d := bare[4]
	if d != '\t' && (d < 0x20 || d > 0x7E || d == '"') {
		return 0, 0
	}
	return d, len(line) + 1
}

// sampleLines is how many lines guessDelimiter looks at.
const sampleLines = 50

// guessDelimiter returns the comma, tab or semicolon that divides the most
// lines evenly. A claim to be a TSV breaks a tie, and so does the comma.
func guessDelimiter(s string, tsv bool) byte {
	counts := map[byte][]int{}
	quoted := false
	line := map[byte]int{}
	lines := 0
	for i := 0; i < len(s) && lines < sampleLines; i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n':
			for _, d := range []byte(",\t;") {
				counts[d] = append(counts[d], line[d])
			}
			clear(line)
			lines++
		default:
			line[c]++
		}
	}
	for _, d := range []byte(",\t;") {
		counts[d] = append(counts[d], line[d])
	}
	order := []byte(",\t;")
	if tsv {
		order = []byte("\t,;")
	}
	best, most := order[0], 0
	for _, d := range order {
		if n := even(counts[d]); n > most {
			best, most = d, n
		}
	}
	return best
}

// even returns how many lines share the most frequent count above zero.
func even(counts []int) int {
	seen := map[int]int{}
	most := 0
	for _, n := range counts {
		if n > 0 {
			seen[n]++
			most = max(most, seen[n])
		}
	}
	return most
}

// csvParser reads cells from text with LF line ends.
type csvParser struct {
	s     string
	pos   int
	delim byte
	// plain is set once a quote was found that never closes: from there on
	// quotes are ordinary characters. It keeps one stray quote from hiding the
	// rest of a table, and the work linear.
	plain bool
}

func (p *csvParser) rows(ctx context.Context, out *ir.Writer) error {
	width, ragged := 0, false
	for n := 0; p.pos < len(p.s); n++ {
		if n%1024 == 0 {
			if err := plaintext.Alive(ctx); err != nil {
				return err
			}
		}
		cells, err := p.row()
		if err != nil {
			return err
		}
		if len(cells) > 1 || cells[0] != "" {
			ragged = ragged || width != 0 && len(cells) != width
			width = len(cells)
		}
		if err := out.Write(ir.Row{Cells: cells}); err != nil {
			return fmt.Errorf("write row: %w", err)
		}
	}
	if !ragged {
		return nil
	}
	if err := out.Write(ir.Note{Code: "csv_ragged"}); err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	return nil
}

// row reads one row of at least one cell.
func (p *csvParser) row() ([]string, error) {
	var cells []string
	size := 16
	for {
		c := p.cell() // empty when the text ends behind a delimiter
		cells = append(cells, c)
		if size += len(c) + 4; size > ir.MaxFrame {
			return nil, format.Hold(format.LimitSize, "a row of a table is too long")
		}
		if len(cells) > maxCells {
			return nil, format.Hold(format.LimitCount, "a row of a table has too many cells")
		}
		if p.pos >= len(p.s) {
			return cells, nil
		}
		end := p.s[p.pos] == '\n'
		p.pos++
		if end {
			return cells, nil
		}
	}
}

// cell reads up to the delimiter or line end, which stays.
func (p *csvParser) cell() string {
	if !p.plain && p.pos < len(p.s) && p.s[p.pos] == '"' {
		if c, ok := p.quoted(); ok {
			return c
		}
		p.plain = true
	}
	return p.bare()
}

func (p *csvParser) bare() string {
	start := p.pos
	for p.pos < len(p.s) && p.s[p.pos] != '\n' && p.s[p.pos] != p.delim {
		p.pos++
	}
	return p.s[start:p.pos]
}

// quoted reads a quoted cell and what stands between its closing quote and the
// delimiter, as programs do. It reports false when the quote never closes.
func (p *csvParser) quoted() (string, bool) {
	var b strings.Builder
	rest := p.s[p.pos+1:]
	for {
		i := strings.IndexByte(rest, '"')
		if i < 0 {
			return "", false
		}
		b.WriteString(rest[:i])
		rest = rest[i+1:]
		if !strings.HasPrefix(rest, `"`) {
			break
		}
		b.WriteByte('"')
		rest = rest[1:]
	}
	p.pos = len(p.s) - len(rest)
	b.WriteString(p.bare())
	return b.String(), true
}
