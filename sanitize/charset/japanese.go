package charset

const halfKana = 0xFF61 // U+FF61 ｡ is 0xA1 in CP932 and 0x21 in JIS X 0201

// decodeShiftJIS reads CP932. A lead byte whose trail does not fit becomes one U+FFFD and eats nothing: the next byte may
// be '<' or a line end that somebody wants to hide.
func decodeShiftJIS(w *writer, b []byte) {
	t := tables()
	for i := 0; i < len(b); {
		c := b[i]
		i++
		switch {
		case c < 0x80:
			w.ascii(c)
		case c >= 0xa1 && c <= 0xdf:
			w.rune(halfKana + rune(c-0xa1))
		case i == len(b):
			w.bad()
		default:
			row, cell, ok := shiftJISCell(c, b[i])
			if !ok {
				w.bad()
				continue
			}
			r := t.jis0208(row, cell)
			if r != 0 || b[i] >= 0x80 {
				i++
			}
			w.rune(r)
		}
	}
}

// decodeEUCJP reads EUC-JP with the additions of CP51932 and eucJP-ms.
func decodeEUCJP(w *writer, b []byte) {
	t := tables()
	for i := 0; i < len(b); {
		c := b[i]
		if c < 0x80 {
			w.ascii(c)
			i++
			continue
		}
		r, n := eucChar(t, b[i:])
		w.rune(r)
		i += n
	}
}

// eucChar reads one character outside ASCII at the start of b and returns it with its size; 0 if there is none, and then
// the size is 1 unless the bytes form a code without a character.
func eucChar(t *jisTables, b []byte) (rune, int) {
	switch c := b[0]; {
	case c == 0x8e:
		if len(b) > 1 && b[1] >= 0xa1 && b[1] <= 0xdf {
			return halfKana + rune(b[1]-0xa1), 2
		}
	case c == 0x8f:
		if len(b) > 2 && isEUC(b[1]) && isEUC(b[2]) {
			return t.jis0212(int(b[1]-0xa0), int(b[2]-0xa0)), 3
		}
	case isEUC(c):
		if len(b) > 1 && isEUC(b[1]) {
			return t.jisWithGaiji(int(c-0xa0), int(b[1]-0xa0)), 2
		}
	}
	return 0, 1
}

func isEUC(c byte) bool { return c >= 0xa1 && c <= 0xfe }
