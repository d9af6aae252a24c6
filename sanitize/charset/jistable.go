package charset

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
)

// The JIS grid: rows of 94 cells, both counted from 1. CP932 adds rows 95–120 behind the 94 of JIS X 0208; of these,
// 95–114 are the user-defined characters (外字) and 115–119 IBM's extension, which NEC also placed at rows 89–92.
const (
	cellsPerRow  = 94
	rows0208     = 94
	rowsCP932    = 120
	firstGaiji   = 95  // CP932 lead byte F0
	lastGaiji    = 114 // CP932 lead byte F9
	firstGaijiMS = 85  // where JIS and EUC put the first half of them
	ibmRow       = 115 // CP932 lead byte FA
	puaGaiji     = 0xE000
	msIBMRow     = 83 // eucJP-ms: 8F F3 F3 is the first IBM character
	msIBMCell    = 83
)

// jisTables are the code tables as Microsoft reads them. They are computed from those of x/text, each when it is first
// asked for (CP932 by rows), since a process may live for one mail only; they never change.
type jisTables struct {
	cp932  cp932Table
	x0212  func() *x0212Table
	msIBM  func() []uint16 // IBM's characters in the order of eucJP-ms
	common func() map[rune]struct{}
}

type (
	cp932Row   [cellsPerRow]uint16
	cp932Table struct {
		once [rowsCP932]sync.Once
		rows [rowsCP932]cp932Row
	}
	x0212Table [rows0208 * cellsPerRow]uint16
)

// tables returns the process's tables.
var tables = sync.OnceValue(func() *jisTables {
	t := &jisTables{x0212: sync.OnceValue(build0212), common: sync.OnceValue(buildCommon)}
	t.msIBM = sync.OnceValue(t.ibmOrder)
	return t
})

// row returns a row of the table, counted from 1.
func (t *cp932Table) row(row int) *cp932Row {
	r := &t.rows[row-1]
	t.once[row-1].Do(func() {
		pairs := make([]byte, 0, 2*cellsPerRow)
		for cell := 1; cell <= cellsPerRow; cell++ {
			lead, trail := shiftJISPair(row, cell)
			pairs = append(pairs, lead, trail)
		}
		fill(r[:], japanese.ShiftJIS.NewDecoder(), pairs)
	})
	return r
}

// from returns the characters of a row and of all behind it, in order.
func (t *cp932Table) from(row int) []uint16 {
	var all []uint16
	for ; row <= rowsCP932; row++ {
		all = append(all, t.row(row)[:]...)
	}
	return all
}

func build0212() *x0212Table {
	var t x0212Table
	dec := japanese.EUCJP.NewDecoder()
	for row := range rows0208 {
		var pairs []byte
		for cell := range cellsPerRow {
			pairs = append(pairs, 0x8f, byte(0xa1+row), byte(0xa1+cell))
		}
		fill(t[row*cellsPerRow:(row+1)*cellsPerRow], dec, pairs)
	}
	return &t
}

func buildCommon() map[rune]struct{} {
	common := make(map[rune]struct{}, len(commonKanji)/3)
	for _, r := range commonKanji {
		common[r] = struct{}{}
	}
	return common
}

// fill decodes the codes of one row.
func fill(cells []uint16, dec *encoding.Decoder, codes []byte) {
	text, err := dec.Bytes(codes)
	if err != nil {
		return
	}
	i := 0
	for _, r := range string(text) {
		if i < len(cells) && r != utf8.RuneError {
			cells[i] = uint16(r)
		}
		i++
	}
}

// ibmOrder derives the 106 characters at 8F F3 F3 – 8F F4 FE of eucJP-ms: IBM's extension in CP932 order without what
// JIS X 0208 or JIS X 0212 have elsewhere (№ is in JIS X 0212 and yet kept). Source: Open Group Japan, "Problems and
// Solutions for Unicode and User/Vendor Defined Characters", 1996, eucJP-ms.
func (t *jisTables) ibmOrder() []uint16 {
	elsewhere := map[uint16]bool{0xFFE2: true, 0xFFE4: true, 0x2235: true} // ￢ ￤ ∵
	for _, u := range t.x0212() {
		if u != 0x2116 {
			elsewhere[u] = true
		}
	}
	order := make([]uint16, 0, 106)
	for _, u := range t.cp932.from(ibmRow) {
		if u != 0 && !elsewhere[u] {
			order = append(order, u)
		}
	}
	return order
}

// jis0208 reads a cell as CP932 does, or returns 0. Rows up to 120 are allowed.
func (t *jisTables) jis0208(row, cell int) rune {
	if row < 1 || row > rowsCP932 || cell < 1 || cell > cellsPerRow {
		return 0
	}
	if r := t.cp932.row(row)[cell-1]; r != 0 {
		return rune(r)
	}
	return gaiji(row, cell, firstGaiji, lastGaiji)
}

// jisWithGaiji reads a cell of a 94-row encoding (JIS, EUC). Rows 85–94 belong to user-defined characters in one vendor's
// tables and, for 89–92, to NEC's copy of IBM's extension in the others. 髙 and 﨑 in names are frequent and gaiji are
// not, so an assigned NEC character wins and all other cells are gaiji, visible as private use characters.
func (t *jisTables) jisWithGaiji(row, cell int) rune {
	if r := t.jis0208(row, cell); r != 0 {
		return r
	}
	return gaiji(row, cell, firstGaijiMS, rows0208)
}

// jis0212 reads a cell of JIS X 0212 with the additions of eucJP-ms, or returns 0.
func (t *jisTables) jis0212(row, cell int) rune {
	if row < 1 || row > rows0208 || cell < 1 || cell > cellsPerRow {
		return 0
	}
	if r := t.x0212()[(row-1)*cellsPerRow+cell-1]; r != 0 {
		return rune(r)
	}
	if i := (row-msIBMRow)*cellsPerRow + cell - msIBMCell; i >= 0 && i < len(t.msIBM()) {
		return rune(t.msIBM()[i])
	}
	if r := gaiji(row, cell, firstGaijiMS, rows0208); r != 0 {
		return r + 10*cellsPerRow // the second half of the 1880
	}
	return 0
}

// gaiji numbers user-defined characters from U+E000, as Microsoft does, or returns 0.
func gaiji(row, cell, first, last int) rune {
	if row < first || row > last {
		return 0
	}
	return rune(puaGaiji + (row-first)*cellsPerRow + cell - 1)
}

// shiftJISPair is the CP932 code of a cell.
func shiftJISPair(row, cell int) (lead, trail byte) {
	lead = byte(0x81 + (row-1)/2)
	if lead > 0x9f {
		lead += 0x40
	}
	switch {
	case row%2 == 0:
		trail = byte(0x9e + cell)
	case cell <= 63:
		trail = byte(0x3f + cell)
	default:
		trail = byte(0x40 + cell)
	}
	return lead, trail
}

// shiftJISCell is the inverse of shiftJISPair; ok is false if the bytes are not lead and trail.
func shiftJISCell(lead, trail byte) (row, cell int, ok bool) {
	switch {
	case lead >= 0x81 && lead <= 0x9f:
		row = int(lead-0x81)*2 + 1
	case lead >= 0xe0 && lead <= 0xfc:
		row = int(lead-0xc1)*2 + 1
	default:
		return 0, 0, false
	}
	switch {
	case trail >= 0x40 && trail <= 0x7e:
		return row, int(trail) - 0x3f, true
	case trail >= 0x80 && trail <= 0x9e:
		return row, int(trail) - 0x40, true
	case trail >= 0x9f && trail <= 0xfc:
		return row + 1, int(trail) - 0x9e, true
	}
	return 0, 0, false
}
