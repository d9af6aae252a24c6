package pdfread

import "bytes"

// A small reader of objects (ISO 32000-2, 7.3), only for what the page tree is
// made of. Strings, reals and words come out as nil; what does not parse ends
// the reading. Every step counts against a budget.

// ref is a reference to an object, by its number alone.
type ref int

// name is a name object without its slash.
type name string

// lexer reads objects one after another.
type lexer struct {
	b    []byte
	at   int
	left *int // steps that may still be taken
	bad  bool // nothing more is to be read
}

// maxObjectDepth bounds arrays and dictionaries in each other.
const maxObjectDepth = 32

// fail ends the reading.
func (l *lexer) fail() any {
	l.bad = true
	return nil
}

// skip passes over n bytes, which may be many: they are steps as well.
func (l *lexer) skip(n int) {
	l.at += n
	*l.left -= n / 16
}

// space passes over white space and comments (7.2.3, 7.2.4).
func (l *lexer) space() {
	for l.at < len(l.b) {
		switch c := l.b[l.at]; {
		case c == '%':
			n := bytes.IndexAny(l.b[l.at:], "\r\n")
			if n < 0 {
				n = len(l.b) - l.at
			}
			l.skip(n)
		case c == 0 || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ':
			l.at++
		default:
			return
		}
	}
}

// takes passes over a word if it comes next.
func (l *lexer) takes(word string) bool {
	l.space()
	if !bytes.HasPrefix(l.b[l.at:], []byte(word)) {
		return false
	}
	l.at += len(word)
	return true
}

// object reads one object: int, ref, name, []any, map[name]any, or nil for
// everything else.
func (l *lexer) object(depth int) any {
	l.space()
	if *l.left--; *l.left < 0 || depth > maxObjectDepth || l.bad || l.at >= len(l.b) {
		return l.fail()
	}
	switch c := l.b[l.at]; {
	case c == '/':
		s, n := readName(l.b[l.at+1:])
		l.at += 1 + n
		l.word() // what is left of a long one
		return name(s)
	case c == '[':
		l.at++
		return l.array(depth)
	case l.takes("<<"):
		return l.dict(depth)
	case c == '<':
		n := bytes.IndexByte(l.b[l.at:], '>')
		if n < 0 {
			return l.fail()
		}
		l.skip(n + 1)
		return nil
	case c == '(':
		return l.text()
	}
	return l.number()
}

func (l *lexer) array(depth int) any {
	all := []any{}
	for !l.takes("]") {
		v := l.object(depth + 1)
		if l.bad {
			return nil
		}
		all = append(all, v)
	}
	return all
}

func (l *lexer) dict(depth int) any {
	all := map[name]any{}
	for !l.takes(">>") {
		key, ok := l.object(depth + 1).(name)
		if !ok {
			return l.fail()
		}
		v := l.object(depth + 1)
		if l.bad {
			return nil
		}
		all[key] = v
	}
	return all
}

// text passes over a literal string (7.3.4.2).
func (l *lexer) text() any {
	open := 0
	for i := l.at; i < len(l.b); i++ {
		switch l.b[i] {
		case '\\':
			i++
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				l.skip(i + 1 - l.at)
				return nil
			}
		}
	}
	l.skip(len(l.b) - l.at)
	return l.fail()
}

// number reads a number, a reference, or passes over a word.
func (l *lexer) number() any {
	n, whole := l.digits()
	if !whole {
		if l.word() == 0 {
			return l.fail()
		}
		return nil
	}
	after := l.at
	if _, whole := l.digits(); whole && l.takes("R") {
		return ref(n)
	}
	l.at = after
	return n
}

// word passes over what is not white space or a delimiter, and says how long it
// was.
func (l *lexer) word() int {
	n := bytes.IndexAny(l.b[l.at:], string(endsName))
	if n < 0 {
		n = len(l.b) - l.at
	}
	l.at += n
	return n
}

// digits reads a whole number that ends where it should.
func (l *lexer) digits() (int, bool) {
	l.space()
	n, i, sign := 0, l.at, 1
	if i < len(l.b) && (l.b[i] == '-' || l.b[i] == '+') {
		if l.b[i] == '-' {
			sign = -1
		}
		i++
	}
	first := i
	for ; i < len(l.b) && l.b[i] >= '0' && l.b[i] <= '9' && i-first < 12; i++ {
		n = 10*n + int(l.b[i]-'0')
	}
	if i == first || i < len(l.b) && bytes.IndexByte(endsName, l.b[i]) < 0 {
		return 0, false
	}
	l.at = i
	return sign * n, true
}
