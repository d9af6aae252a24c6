package pdfread

import "bytes"

// repaired makes a table of a file without a good one, as readers do: what
// looks like an object is one, and the last of a number counts.
func repaired(data []byte) *table {
	t := newTable(data)
	for rest := data; len(rest) > 0; {
		from := len(data) - len(rest)
		head, _, after := nextStream(rest)
		n, last := 0, -1
		for at := nextObject(head, 0); at >= 0 && t.left > 0; at = nextObject(head, at) {
			t.left--
			if number, begins := headBefore(head, at); begins >= 0 {
				n, last = number, at
				t.set(n, entry{offset: from + begins, standing: true})
			}
		}
		if last >= 0 { // only the last one can be a stream
			t.unfold(n, head[last:])
		}
		t.trailers(head)
		rest = after
	}
	return t
}

// nextObject returns where the next word "obj" ends, -1 if there is none.
func nextObject(b []byte, from int) int {
	i := bytes.Index(b[from:], []byte("obj"))
	if i < 0 {
		return -1
	}
	return from + i + len("obj")
}

// headBefore reads "12 0 obj" backwards from its end: the number, and where it
// begins, -1 when there is no such thing.
func headBefore(b []byte, end int) (int, int) {
	at := end - len("obj")
	for range 2 { // the generation, then the number
		before := len(bytes.TrimRight(b[max(0, at-headRoom):at], blanks))
		digits := len(bytes.TrimRight(b[max(0, at-headRoom):max(0, at-headRoom)+before], "0123456789"))
		if digits == before || before == at-max(0, at-headRoom) {
			return 0, -1 // no number, or no blank after it
		}
		at = max(0, at-headRoom) + digits
	}
	left := 1
	n, ok := (&lexer{b: b[:end], at: at, left: &left}).digits()
	if !ok {
		return 0, -1
	}
	return n, at
}

// headRoom is how many bytes a number and the blanks after it may take.
const headRoom = 32

const blanks = "\x00\t\n\f\r "

// unfold notes what is in an object that begins so, if it is an object stream.
func (t *table) unfold(n int, head []byte) {
	if !bytes.Contains(head, []byte("/ObjStm")) {
		return
	}
	s := t.objectStream(n)
	t.streams[n] = s
	for inside := range s.at {
		t.set(inside, entry{in: n, standing: true})
	}
}

// trailers takes the last root that is named in a part of the file.
func (t *table) trailers(head []byte) {
	t.locked = t.locked || bytes.Contains(head, []byte("/Encrypt"))
	for {
		i := bytes.Index(head, []byte("/Root"))
		if i < 0 || t.left <= 0 {
			return
		}
		head = head[i+len("/Root"):]
		l := &lexer{b: head, left: &t.left}
		if r, ok := l.object(0).(ref); ok {
			t.root = r
		}
	}
}
