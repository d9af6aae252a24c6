package hypertext

import (
	"strings"
	"unicode/utf8"
)

// flow lays words out in lines: it collapses white space as a browser does,
// keeps breaks pending until something follows, and writes the prefixes of
// quotes and lists.
type flow struct {
	lines  []line
	cur    []byte // content of the line being written
	serial int    // its number, from 1
	lead   string // its prefix, fixed when its first character is written
	quotes int    // quote levels of the line
	gap    int    // pending breaks: 1 ends the line, 2 also leaves an empty one
	space  spaceKind
	prev   rune // last rune of cur, 0 at the start
	join   bool // a joiner waits for the next character
	stack  []prefix
	hidden strings.Builder // hidden text met since the last line end
	size   int
	max    int

	hiddenMax int // characters shown of a hidden passage

	aside    bool                // a table cell: hidden text is left for the caller
	full     bool                // more than max bytes: the result is void
	read     bool                // something readable was written
	odd      int                 // invisible characters taken out
	finalize func(string) string // last rewrite of a line, or nil
}

type spaceKind uint8

const (
	noSpace spaceKind = iota
	plainSpace
	lineSpace // the space holds a line break of the source
)

// line is a finished line. A hidden line shows only if its text is not also
// among the visible ones.
type line struct {
	text   string
	blank  bool
	quotes int
	hidden string
	serial int
	lead   string
}

// prefix is what stands before the lines of a quote or list item.
type prefix struct {
	first, rest string
	used        bool
	quote       bool
}

const maxHidden = 64 << 10 // bytes kept of one hidden passage

const maxPrefixes = 20 // levels drawn; deeper ones read as the 20th

func (f *flow) push(p prefix) { f.stack = append(f.stack, p) }

// pop removes the innermost prefix; what comes next starts a line.
func (f *flow) pop() {
	f.stack = f.stack[:len(f.stack)-1]
}

// brk asks for a line end (1) or an empty line (2) before what follows.
func (f *flow) brk(n int) {
	if len(f.cur) == 0 {
		f.flushHidden()
	}
	if len(f.cur) > 0 || len(f.lines) > 0 {
		f.gap = max(f.gap, n)
	}
	f.space = noSpace
}

// br is <br>: the second in a row leaves an empty line.
func (f *flow) br() {
	if f.gap == 0 && len(f.cur) > 0 {
		f.brk(1)
	} else {
		f.brk(2)
	}
}

// text writes a run of text. pre keeps white space as it is.
func (f *flow) text(s string, mode spacing) {
	for _, r := range s {
		if f.full {
			return
		}
		switch {
		case r == '\n' && mode != spaceNormal, r == '\u2028', r == '\u2029':
			f.hardBreak()
		case (r == ' ' || r == '\t') && mode == spacePre:
			f.put(r)
		case r == '\n' || r == '\r':
			f.space = lineSpace
		case r == ' ' || r == '\t' || r == '\f':
			f.space = max(f.space, plainSpace)
		case r == '\u00A0' || r == '\u2007' || r == '\u202F':
			f.settle(r)
			f.put(' ')
		case joiner(r):
			f.join = f.join || joins(f.prev) && r == 0x200D
			f.odd += btoi(!joins(f.prev))
		case dropped(r):
			f.odd += btoi(r != '\r' && r != 0x00AD)
		default:
			r = ownBracket(r)
			f.settle(r)
			f.read = f.read || readable(r)
			f.put(r)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// hardBreak ends a line of preformatted text; empty ones count.
func (f *flow) hardBreak() {
	f.space = noSpace
	f.br()
}

// settle writes the pending white space before r, if it shows.
func (f *flow) settle(r rune) {
	k := f.space
	f.space = noSpace
	if k == noSpace || len(f.cur) == 0 || f.gap > 0 {
		return
	}
	if k == lineSpace && wide(f.prev) && wide(r) {
		return
	}
	if f.prev != ' ' {
		f.put(' ')
	}
}

func (f *flow) put(r rune) {
	if f.gap > 0 {
		f.endLine()
	}
	if len(f.cur) == 0 {
		f.flushHidden()
		f.startLine()
	}
	if f.join {
		f.join = false
		if joins(r) && len(f.cur) > 0 {
			f.cur = utf8.AppendRune(f.cur, 0x200D)
		}
	}
	f.cur = utf8.AppendRune(f.cur, r)
	f.prev = r
	if f.size+len(f.cur) > f.max {
		f.full = true
	}
}

// mark writes words of our own, which are never collapsed or counted as read.
func (f *flow) mark(s string) {
	for _, r := range s {
		f.settle(r)
		f.put(r)
	}
}

// literal writes s as it is.
func (f *flow) literal(s string) {
	f.space = noSpace
	for _, r := range s {
		f.put(r)
	}
}

// attach writes s at the end of the last line, before any pending break.
func (f *flow) attach(s string) {
	if len(f.cur) == 0 {
		f.mark(strings.TrimLeft(s, " "))
		return
	}
	gap, space := f.gap, f.space
	f.gap, f.space = 0, noSpace
	f.trim()
	for _, r := range s {
		f.put(r)
	}
	f.gap, f.space = gap, space
}

func (f *flow) trim() {
	for n := len(f.cur); n > 0 && (f.cur[n-1] == ' ' || f.cur[n-1] == '\t'); n-- {
		f.cur = f.cur[:n-1]
	}
	f.prev, _ = utf8.DecodeLastRune(f.cur)
}

func (f *flow) startLine() {
	var b strings.Builder
	f.quotes = 0
	for i := range f.stack {
		p := &f.stack[i]
		switch {
		case i >= maxPrefixes:
		case p.used:
			b.WriteString(p.rest)
		default:
			b.WriteString(p.first)
		}
		p.used = true
		if p.quote && i < maxPrefixes {
			f.quotes++
		}
	}
	f.lead = b.String()
	f.serial++
	f.prev = 0
}

// endLine closes the current line and writes the pending gap.
func (f *flow) endLine() {
	gap := f.gap
	f.gap = 0
	if len(f.cur) > 0 {
		text := strings.TrimRight(string(f.cur), " \t\u3000")
		if f.finalize != nil {
			text = f.finalize(text)
		}
		f.emit(line{text: strings.TrimRight(f.lead+text, " \t"), blank: text == "", quotes: f.quotes, serial: f.serial, lead: f.lead})
		f.cur, f.prev = f.cur[:0], 0
	}
	f.flushHidden()
	if gap > 1 {
		f.emit(line{blank: true, quotes: f.nextQuotes()})
	}
}

// nextQuotes is the quote depth shared by the last and the coming line.
func (f *flow) nextQuotes() int {
	n := 0
	for i, p := range f.stack {
		if p.quote && i < maxPrefixes {
			n++
		}
	}
	if len(f.lines) > 0 {
		n = min(n, f.lines[len(f.lines)-1].quotes)
	}
	return n
}

func (f *flow) emit(l line) {
	if l.blank && (len(f.lines) == 0 || f.lines[len(f.lines)-1].blank) {
		return
	}
	if l.blank {
		l.text = strings.TrimRight(strings.Repeat("> ", l.quotes), " ")
	}
	f.size += len(l.text) + len(l.hidden) + 1
	f.full = f.full || f.size > f.max
	f.lines = append(f.lines, l)
}

// hide notes text that a reader would not have seen.
func (f *flow) hide(s string) {
	if s != "" && f.hidden.Len() < maxHidden {
		f.hidden.WriteString(s)
		f.hidden.WriteByte(' ')
	}
}

func (f *flow) flushHidden() {
	if f.hidden.Len() == 0 || f.aside {
		return
	}
	s := f.hidden.String()
	f.hidden.Reset()
	if key := squeeze(s); key != "" {
		shown := oneLine(s, f.hiddenMax)
		if f.finalize != nil {
			shown = f.finalize(shown)
		}
		f.emit(line{
			text:   strings.Repeat("> ", f.quotes) + "〔隠された文字: " + shown + "〕",
			quotes: f.quotes, hidden: key,
		})
	}
}

// squeeze keeps only what carries meaning, for comparing.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if readable(r) {
			return r
		}
		return -1
	}, s)
}

// done ends the last line and returns all lines.
func (f *flow) done() []line {
	f.gap = 1
	f.endLine()
	f.gap = 0
	return f.lines
}

// position is a place in the flow: a line by its number, and a byte offset.
type position struct{ serial, offset int }

// here is where the next character will stand.
func (f *flow) here() position {
	if f.gap > 0 || len(f.cur) == 0 {
		return position{f.serial + 1, 0}
	}
	return position{f.serial, len(f.cur)}
}

// since returns what was written after p, at most limit bytes, and whether all
// of it is on the current line.
func (f *flow) since(p position, limit int) (string, bool) {
	switch {
	case p.serial > f.serial || len(f.cur) == 0:
		return "", false
	case p.serial == f.serial:
		return cutBytes(string(f.cur[min(p.offset, len(f.cur)):]), limit), true
	}
	i := len(f.lines)
	for i > 0 && f.lines[i-1].serial >= p.serial {
		i--
	}
	var b strings.Builder
	for _, l := range f.lines[i:] {
		if b.Len() > limit {
			break
		}
		text := l.text
		if l.serial == p.serial {
			text = text[min(p.offset+len(l.lead), len(text)):]
		}
		if l.hidden == "" {
			b.WriteString(text)
			b.WriteByte('\n')
		}
	}
	b.Write(f.cur)
	return cutBytes(b.String(), limit), false
}

// replace rewrites what was written on the current line after p.
func (f *flow) replace(p position, s string) {
	f.cur = append(f.cur[:min(p.offset, len(f.cur))], s...)
	f.prev, _ = utf8.DecodeLastRune(f.cur)
	f.full = f.full || f.size+len(f.cur) > f.max
}
