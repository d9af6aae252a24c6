package charset

import "bytes"

// decodeLines decodes b, and where that fails tries whether single lines are in another of the charsets in which a line end
// is a line end: gateways and list servers append their own text without asking what the mail is written in. It says
// whether there were such lines.
func (c codec) decodeLines(w *writer, b []byte) bool {
	start := *w
	c.decode(w, b)
	if w.replaced == start.replaced || c.name != nameUTF8 && c.name != nameShiftJIS && c.name != nameEUCJP {
		return false
	}
	whole := *w
	w.out, w.replaced = make([]byte, 0, len(whole.out)), start.replaced
	mixed := false
	for len(b) > 0 {
		line := b
		if end := bytes.IndexByte(b, '\n'); end >= 0 {
			line = b[:end+1]
		}
		b = b[len(line):]
		if other := c.otherwise(line); other.name != "" {
			other.decode(w, line)
			mixed = true
			continue
		}
		c.decode(w, line)
	}
	if !mixed {
		*w = whole
	}
	return mixed
}

// otherwise returns the charset in which a line that c cannot read is beyond doubt, if there is one.
func (c codec) otherwise(line []byte) codec {
	if isASCII(line) || unreadable(c, line) == 0 {
		return codec{}
	}
	if u := tallyUTF8(line); u.bad == 0 && u.long > 0 {
		return codec{name: nameUTF8}
	}
	s, e := tallyShiftJIS(line), tallyEUC(line)
	switch {
	case s.unmistakable() && s.errors == 0 && !e.better(s):
		return codec{name: nameShiftJIS}
	case e.unmistakable() && e.errors == 0:
		return codec{name: nameEUCJP}
	}
	return codec{}
}
