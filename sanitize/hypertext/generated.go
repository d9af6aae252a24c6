package hypertext

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A style can write words: content of ::before and ::after (CSS Generated
// Content 3). A browser shows them as text, so they stand in the text under a
// mark of their own. What cannot be placed is told by a finding.

const (
	maxGenerated = 64 // rules that write words, of a document
	markWritten  = "飾り文字"
)

// writer is a rule that puts words before or after an element.
type writer struct {
	rule
	after bool
	words string
}

// written notes the words that a rule with this head and body writes. sure is
// false inside a block whose condition was not understood.
func (s *sheet) written(head, body string, sure bool) {
	if indexFold(body, "content") < 0 {
		return
	}
	words := contentWords(body)
	if !strings.ContainsFunc(words, readable) {
		return
	}
	for sel := range strings.SplitSeq(head, ",") {
		rest, pseudo := cutPseudo(sel)
		if pseudo == "" && !namesPseudo(sel) && (sel != "@" || !namesPseudo(body)) {
			continue // on an element itself, words have no effect
		}
		steps, weight, ok := parseSelector(rest)
		if pseudo == "" || !ok || !sure || len(s.writers) >= maxGenerated {
			s.unplaced = true
			continue
		}
		w := writer{rule: rule{steps: steps, weight: weight*maxGenerated + len(s.writers)}, after: pseudo == "after", words: words}
		s.writers = append(s.writers, w)
	}
}

// namesPseudo reports whether one of the places that can hold words is named.
func namesPseudo(s string) bool {
	return indexFold(s, ":before") >= 0 || indexFold(s, ":after") >= 0 || indexFold(s, ":marker") >= 0
}

// cutPseudo takes ::before or ::after off a selector; ":before" is the same.
func cutPseudo(sel string) (string, string) {
	sel = strings.TrimSpace(sel)
	for _, p := range []string{"before", "after"} {
		n := len(sel) - len(p) - 1
		if n < 0 || sel[n] != ':' || !strings.EqualFold(sel[n+1:], p) {
			continue
		}
		if sel = strings.TrimSuffix(sel[:n], ":"); sel == "" {
			sel = "*"
		}
		return sel, p
	}
	return sel, ""
}

// writes returns the words that the styles put before or after n.
func (s *sheet) writes(n *node, after bool) string {
	if len(s.writers) == 0 {
		return ""
	}
	classes, id := strings.Fields(strings.ToLower(n.val("class"))), strings.ToLower(n.val("id"))
	best := -1
	for i, w := range s.writers {
		if s.budget--; s.budget <= 0 {
			s.unplaced = true
			return ""
		}
		if w.after == after && (best < 0 || s.writers[best].weight < w.weight) && s.matches(w.steps, n, classes, id) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return s.writers[best].words
}

// contentWords joins the strings of the content declarations in body.
func contentWords(body string) string {
	var out strings.Builder
	for {
		i := indexFold(body, "content")
		if i < 0 {
			return out.String()
		}
		inWord := i > 0 && (body[i-1] == '-' || lowerByte(body[i-1]) >= 'a' && lowerByte(body[i-1]) <= 'z')
		body = strings.TrimLeft(body[i+len("content"):], " \t\r\n\f")
		if inWord || !strings.HasPrefix(body, ":") {
			continue
		}
		body = stringsOf(&out, body[1:])
	}
}

// stringsOf writes the quoted strings of one declaration's value to out and
// returns what follows the declaration. A string without end reaches to the
// end, as the end of a style sheet closes it.
func stringsOf(out *strings.Builder, value string) string {
	for value != "" {
		i := strings.IndexAny(value, "\"';")
		if i < 0 {
			return ""
		}
		quote := value[i]
		value = value[i+1:]
		if quote == ';' {
			return value
		}
		end := 0
		for end < len(value) && value[end] != quote {
			if value[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(value))
		out.WriteString(strings.ToValidUTF8(unescapeCSS(value[:end]), ""))
		value = value[min(end+1, len(value)):]
	}
	return ""
}

// kids writes the content of n with what the styles put around it.
func (r *renderer) kids(n *node, st style) {
	r.written(n, st, false)
	r.children(n, st)
	r.written(n, st, true)
}

func (r *renderer) written(n *node, st style, after bool) {
	words := r.sheet.writes(n, after)
	if words == "" || st.hides() {
		return
	}
	r.find.count(findWritten, n.name, "")
	r.label(markWritten, words)
}

// conditional notes the words of a comment that some mail programs read as
// part of the document: <!--[if mso]> … <![endif]-->.
func (t *tree) conditional(comment string) {
	head, body, ok := strings.Cut(comment, "]>")
	head = strings.TrimSpace(head)
	if !ok || len(head) < 3 || !strings.EqualFold(head[:3], "[if") || oldBrowser(head[3:]) || t.condBytes > maxConditional {
		return
	}
	t.condBytes += len(body)
	if t.condBytes > maxConditional {
		t.find.count(findConditional, "comment", "")
		return
	}
	inner, err := parse(strings.ReplaceAll(body, "<!--", " "), maxConditional) // none inside another
	if err != nil {
		return
	}
	walk(inner.root, func(n *node) bool {
		if n.name == "" && strings.ContainsFunc(n.text, readable) {
			t.conditions = append(t.conditions, n.text)
		}
		return n.name != "style" && n.name != "script" && n.name != "xml" && n.name != "title"
	})
}

// maxConditional bounds the conditional comments of a document in bytes.
const maxConditional = 256 << 10

// oldBrowser reports whether a condition asks for nothing but a version of
// Internet Explorer, which is no mail program.
func oldBrowser(cond string) bool {
	named := false
	for w := range strings.FieldsFuncSeq(strings.ToLower(cond), func(r rune) bool { return strings.ContainsRune(" \t\r\n()&", r) }) {
		named = named || w == "ie"
		if w != "lt" && w != "lte" && w != "gt" && w != "gte" && w != "ie" && strings.Trim(w, "0123456789.") != "" {
			return false
		}
	}
	return named
}

// addConditional ends the text with those words of conditional comments that
// do not stand in it anyway.
func (r *renderer) addConditional(lines []line) []line {
	if len(r.t.conditions) == 0 {
		return lines
	}
	visible := squeeze(joinVisible(lines))
	var missing []string
	for _, s := range r.t.conditions {
		if len(missing) < maxGenerated && !strings.Contains(visible, squeeze(s)) && !slices.Contains(missing, s) {
			missing = append(missing, s)
		}
	}
	if len(missing) == 0 {
		return lines
	}
	r.find.count(findConditional, "comment", "")
	words := r.finalize(oneLine(strings.Join(missing, " "), maxValue))
	return append(lines, line{blank: true}, line{text: "〔条件付きの文字: " + words + "〕"})
}

// reversed turns a run of text around, as a right-to-left override shows it.
// Combining marks stay behind the character they belong to.
func reversed(s string) string {
	out := make([]byte, len(s))
	at := len(s)
	for i := 0; i < len(s); {
		end := i
		for end < len(s) {
			r, size := utf8.DecodeRuneInString(s[end:])
			if end > i && !combines(r) {
				break
			}
			end += size
		}
		at -= end - i
		copy(out[at:], s[i:end])
		i = end
	}
	return string(out)
}
