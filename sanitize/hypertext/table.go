package hypertext

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/atom"
)

// A table in mail is either data, which reads one row a line, or scaffolding
// for a layout, whose cells read one after the other.

const (
	cellJoin   = " | "
	lineJoin   = " / " // between the lines of one cell
	maxRowLine = 160   // characters of a joined row where we are not sure it is data
	maxSpan    = 200   // rows a cell is carried down
	maxCarry   = 40    // characters of a cell that is repeated whole
	maxColumns = 1000
)

type tableRow struct{ row, group *node }

type grid struct {
	rows    []tableRow
	columns int
	data    bool // surely data: one row a line whatever its length
}

// survey collects the rows of one table, not of tables inside it, and writes
// what stands outside of rows first, where a browser puts it.
func (r *renderer) survey(table, group *node, st style, g *grid) {
	for k := table.first; k != nil; k = k.next {
		switch k.tag {
		case atom.Thead, atom.Tbody, atom.Tfoot:
			r.survey(k, k, st, g)
		case atom.Tr:
			g.rows = append(g.rows, tableRow{k, group})
			g.measure(k)
		default:
			if k.name == "" {
				r.text(k.text, st)
			} else {
				r.element(k, st)
			}
		}
	}
}

func (g *grid) measure(row *node) {
	cells := 0
	for c := row.first; c != nil; c = c.next {
		if c.tag == atom.Td || c.tag == atom.Th {
			cells++
			g.data = g.data || c.tag == atom.Th
		}
	}
	g.columns = max(g.columns, cells)
}

func (r *renderer) table(n *node, st style) {
	var g grid
	gap := 1
	if st.above == marginSome {
		gap = 2
	}
	r.f.brk(gap)
	r.survey(n, nil, st, &g)
	border, _ := number(n.val("border"))
	role := strings.ToLower(n.val("role"))
	g.data = (g.data || border > 0) && g.columns > 1 && !n.hasTable && role != "presentation" && role != "none"
	if g.data {
		gap = 2
	}
	r.f.brk(gap)
	carried := map[int]*carry{}
	for _, tr := range g.rows {
		if r.f.full {
			return
		}
		r.row(tr, st, g, carried)
	}
	r.f.brk(gap)
}

func (r *renderer) row(tr tableRow, st style, g grid, carried map[int]*carry) {
	if tr.group != nil {
		st = compute(r.sheet, tr.group, st)
	}
	if !st.gone {
		st = compute(r.sheet, tr.row, st)
	}
	switch {
	case st.gone:
		r.hide(tr.row)
	case tr.row.hasTable || g.columns <= 1:
		r.flowCells(tr.row, st)
	default:
		r.joinCells(tr.row, st, g, carried)
	}
}

// flowCells writes the cells of a layout row one below the other.
func (r *renderer) flowCells(row *node, st style) {
	for c := row.first; c != nil && !r.f.full; c = c.next {
		if c.name == "" {
			r.text(c.text, st)
			continue
		}
		if c.tag != atom.Td && c.tag != atom.Th {
			r.element(c, st)
			continue
		}
		r.f.brk(2)
		if cs := compute(r.sheet, c, st); cs.gone {
			r.hide(c)
		} else {
			r.struck(c, cs)
		}
		r.f.brk(2)
	}
}

// joinCells writes a row on one line, or its cells one below the other if the
// table may be layout and the cells are long.
func (r *renderer) joinCells(row *node, st style, g grid, carried map[int]*carry) {
	cells := r.cells(row, st, carried)
	width, tall := 0, false
	joined := make([]string, len(cells))
	for i, c := range cells {
		tall = tall || len(c) > 1
		joined[i] = joinCell(c)
		width += utf8.RuneCountInString(joined[i]) + len(cellJoin)
	}
	if g.data || !tall && width <= maxRowLine {
		r.f.brk(1)
		r.f.literal(strings.TrimLeft(strings.TrimRight(strings.Join(joined, cellJoin), " |"), " "))
		r.f.brk(1)
		return
	}
	for _, c := range cells {
		r.f.brk(2)
		for _, l := range c {
			if l == "" {
				r.f.brk(2)
				continue
			}
			r.f.literal(l)
			r.f.brk(1)
		}
		r.f.brk(2)
	}
}

// carry is a cell that reaches into the rows below.
type carry struct {
	text string
	rows int
}

// cells writes each cell of a row aside and returns their lines by column.
func (r *renderer) cells(row *node, st style, carried map[int]*carry) [][]string {
	var out [][]string
	col := 0
	fill := func() {
		for c := carried[col]; c != nil && c.rows > 0 && col < maxColumns; c = carried[col] {
			out = append(out, []string{c.text})
			c.rows--
			col++
		}
	}
	for c := row.first; c != nil && !r.f.full && col < maxColumns; c = c.next {
		if c.name == "" {
			r.text(c.text, st)
			continue
		}
		if c.tag != atom.Td && c.tag != atom.Th {
			r.element(c, st)
			continue
		}
		fill()
		lines := r.cell(c, st)
		out = append(out, lines)
		if n, ok := number(c.val("rowspan")); ok && n > 1 {
			carried[col] = &carry{text: shorten(lines), rows: min(n, maxSpan) - 1}
		}
		span, _ := number(c.val("colspan"))
		col += min(max(span, 1), maxColumns)
	}
	fill()
	return out
}

// joinCell puts the lines of a cell on one.
func joinCell(lines []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return l == "" }), lineJoin)
}

func shorten(lines []string) string {
	s := joinCell(lines)
	if utf8.RuneCountInString(s) > maxCarry {
		return "〃"
	}
	return s
}

// cell writes one cell into a flow of its own.
func (r *renderer) cell(c *node, st style) []string {
	cs := compute(r.sheet, c, st)
	if cs.gone {
		r.hide(c)
		return nil
	}
	outer := r.f
	inner := &flow{max: outer.max - outer.size, aside: true}
	r.f = inner
	r.struck(c, cs)
	lines := inner.done()
	r.f = outer
	outer.full = outer.full || inner.full
	outer.read = outer.read || inner.read
	outer.odd += inner.odd
	outer.hide(inner.hidden.String())
	var out []string
	for _, l := range lines {
		if l.blank {
			out = append(out, "")
		} else {
			out = append(out, strings.TrimLeft(l.text, " "))
		}
	}
	if n := len(out); n > 0 && out[n-1] == "" {
		out = out[:n-1]
	}
	return out
}
