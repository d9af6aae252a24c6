package pdfread

// unpredicted undoes the PNG predictors (7.4.4.4) of bytes in rows; nil for
// others.
func unpredicted(b []byte, parms map[name]any) []byte {
	predictor, _ := parms["Predictor"].(int)
	if predictor <= 1 {
		return b
	}
	columns, ok := parms["Columns"].(int)
	if !ok {
		columns = 1
	}
	_, colors := parms["Colors"]
	_, bits := parms["BitsPerComponent"]
	if predictor < 10 || columns < 1 || columns > 64 || colors && parms["Colors"] != 1 || bits && parms["BitsPerComponent"] != 8 {
		return nil
	}
	var all []byte
	above := make([]byte, columns)
	for ; len(b) > columns; b = b[columns+1:] {
		row := b[1 : columns+1 : columns+1]
		if !undo(b[0], row, above) {
			return nil
		}
		above = row
		all = append(all, row...)
	}
	return all
}

// undo undoes one row's predictor, in place.
func undo(kind byte, row, above []byte) bool {
	left, corner := byte(0), byte(0)
	for i := range row {
		up := above[i]
		switch kind {
		case 0:
		case 1:
			row[i] += left
		case 2:
			row[i] += up
		case 3:
			row[i] += byte((int(left) + int(up)) / 2)
		case 4:
			row[i] += paeth(left, up, corner)
		default:
			return false
		}
		left, corner = row[i], up
	}
	return true
}

// paeth is the predictor of that name (RFC 2083, 6.6).
func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	da, db, dc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case da <= db && da <= dc:
		return a
	case db <= dc:
		return b
	}
	return c
}

func abs(n int) int { return max(n, -n) }
