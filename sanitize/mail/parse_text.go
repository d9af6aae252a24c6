package mail

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"sekisho/sanitize/charset"
	"sekisho/sanitize/ir"
)

// Limits of single texts, in bytes.
const (
	parseMaxSubject = 4000
	parseMaxName    = 500
)

// parseDecoded is decoded, not yet cleaned text.
type parseDecoded struct {
	text     string
	replaced int
	guessed  bool
	charset  string
}

// parseDecode turns bytes into text; the label is only a hint.
func parseDecode(label string, b []byte) parseDecoded {
	r := charset.Decode(label, b)
	return parseDecoded{text: r.Text, replaced: r.Replaced, guessed: r.Guessed, charset: r.Charset}
}

// parseParam decodes a parameter (RFC 2231 and what senders make of it).
func parseParam(params []hdrParam, name string) string {
	list := make([]charset.Param, 0, len(params))
	for _, p := range params {
		list = append(list, charset.Param{Name: p.name, Value: []byte(p.value), Quoted: p.quoted})
	}
	return charset.DecodeParam(list, name)
}

// parseCleaner cleans text for the wall and counts what it took out.
type parseCleaner struct{ control, bidi, invisible, replaced, guessed int }

func (c *parseCleaner) add(o parseCleaner) {
	c.control += o.control
	c.bidi += o.bidi
	c.invisible += o.invisible
	c.replaced += o.replaced
	c.guessed += o.guessed
}

// text cleans multi-line text.
func (c *parseCleaner) text(s string) string { return c.clean(s, charset.KeepLines) }

// line cleans a single-line value: line breaks and tabs become one blank.
func (c *parseCleaner) line(s string) string {
	return strings.TrimSpace(c.clean(s, charset.KeepNothing))
}

func (c *parseCleaner) clean(s string, keep charset.Keep) string {
	s, n := charset.CleanText(s, keep)
	c.control += n.Control
	c.bidi += n.Bidi
	c.invisible += n.Invisible
	if ir.Clean(s, keep == charset.KeepLines) == nil {
		return s
	}
	// The wall would refuse the rest and the mail would be lost with it.
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && ir.Forbidden(r) {
			c.control++
			return -1
		}
		return r
	}, s)
}

// header decodes the encoded words of a value and cleans it.
func (c *parseCleaner) header(raw []byte) string {
	r := charset.DecodeHeader(hdrFolded(raw))
	c.replaced += r.Replaced
	return c.line(r.Text)
}

// notes returns a finding for each class of characters that was met.
func (c *parseCleaner) notes() []ir.Note {
	var out []ir.Note
	for _, n := range []struct {
		code  string
		count int
	}{
		{"control_removed", c.control}, {"bidi_removed", c.bidi}, {"invisible_removed", c.invisible},
		{"charset_replaced", c.replaced}, {"charset_guessed", c.guessed},
	} {
		if n.count > 0 {
			out = append(out, ir.Note{Code: n.code, Where: "message", Detail: fmt.Sprint(n.count)})
		}
	}
	return out
}

// parseLine cleans and cuts a value that is not counted, such as the detail of a note.
func parseLine(s string, limit int) string {
	var c parseCleaner
	return parseCut(c.line(s), limit)
}

// parseCut cuts s to at most limit bytes at a character; the mark … is part of them.
func parseCut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return ir.Cut(s, limit-len("…")) + "…"
}

// parseName cleans a file name: the last component of a path, cut in the
// middle so that the extension stays. Making it safe to write is the engine's duty.
func parseName(s string, c *parseCleaner) string {
	s = c.line(s)
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		if base := strings.TrimSpace(s[i+1:]); base != "" {
			s = base
		} else {
			s = strings.TrimSpace(strings.Trim(s, `/\ `))
			s = strings.NewReplacer("/", "_", `\`, "_").Replace(s)
		}
	}
	if len(s) <= parseMaxName {
		return s
	}
	tail := len(s) - 100
	for tail < len(s) && !utf8.RuneStart(s[tail]) {
		tail++
	}
	return parseCut(s[:tail], parseMaxName-100) + s[tail:]
}

// parseLooksText reports whether decoded bytes are text rather than a binary
// file: hardly any control characters and few that could not be decoded.
func parseLooksText(data []byte) bool {
	for _, magic := range []string{"%PDF-", "PK\x03\x04", "\x89PNG\r\n", "\xFF\xD8\xFF", "GIF8", "Rar!\x1A", "\xD0\xCF\x11\xE0"} {
		if strings.HasPrefix(string(data[:min(len(data), 8)]), magic) {
			return false
		}
	}
	return parseIsText(parseDecode("", data[:min(len(data), 64<<10)]).text)
}

// parseIsText judges decoded text; see parseLooksText.
func parseIsText(s string) bool {
	all, bad := 0, 0
	for _, r := range s {
		all++
		if r == utf8.RuneError || r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != 0x1B || r >= 0x7F && r < 0xA0 {
			bad++
		}
	}
	return bad*10 <= all
}
