package mail

import (
	"slices"
	"strings"
	"time"

	"sekisho/sanitize/ir"
)

// lintField is one field, unfolded.
type lintField struct{ name, value string }

// lintOrder is the closed list of fields of a mail in their only order.
var lintOrder = []string{"Received", "Date", "From", "Sender", "Reply-To", "To", "Cc", "Subject", "Message-ID",
	"In-Reply-To", "References", "Auto-Submitted", "Precedence", "List-Id", "Importance", "Content-Language",
	"X-Sekisho-Result", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}

// lintAlways are the fields that no mail may lack; lintRoot those that a mail
// for delivery has besides.
var (
	lintAlways = []string{"From", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
	lintRoot   = []string{"Received", "Date", "Message-ID", "X-Sekisho-Result"}
)

const lintTextMedia = "text/plain; charset=utf-8"

// fields splits a header into fields. A fold is CRLF and one space before
// something visible; a name is followed by a colon and one space.
func (l *linter) fields(head []byte, where string) []lintField {
	var fields []lintField
	var value strings.Builder
	flush := func() {
		if n := len(fields); n > 0 {
			fields[n-1].value = value.String()
			value.Reset()
		}
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(head), "\r\n"), "\r\n") {
		if strings.HasPrefix(line, " ") {
			if len(fields) == 0 || len(line) < 2 || line[1] == ' ' || line[1] == '\t' || strings.HasSuffix(line, " ") {
				l.report("lint_fold", where, line)
				continue
			}
			value.WriteString(line)
			continue
		}
		name, rest, ok := strings.Cut(line, ": ")
		if !ok || rest == "" || strings.HasSuffix(rest, " ") || strings.ContainsAny(name, " \t:") {
			l.report("lint_field_form", where, line)
			continue
		}
		flush()
		fields = append(fields, lintField{name: name})
		value.WriteString(rest)
	}
	flush()
	return fields
}

// lintValue returns the value of the first field called name.
func lintValue(fields []lintField, name string) string {
	for _, f := range fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// header checks the fields of a mail.
func (l *linter) header(fields []lintField) {
	last := -1
	seen := map[string]bool{}
	for _, f := range fields {
		at := slices.Index(lintOrder, f.name)
		switch {
		case at < 0:
			l.report("lint_field_unknown", "header", f.name)
			continue
		case seen[f.name]:
			l.report("lint_field_twice", f.name, "")
		case at < last:
			l.report("lint_field_order", f.name, "")
		}
		seen[f.name] = true
		last = max(last, at)
		l.value(f)
	}
	for _, name := range lintAlways {
		if !seen[name] {
			l.report("lint_field_missing", name, "")
		}
	}
	l.trace(seen)
}

// trace checks that a mail has all fields of a mail for delivery or, except
// for those that an attached mail has too, none of them.
func (l *linter) trace(seen map[string]bool) {
	if !seen["Received"] && !seen["X-Sekisho-Result"] {
		return
	}
	for _, name := range lintRoot {
		if !seen[name] {
			l.report("lint_field_missing", name, "")
		}
	}
}

// value checks a field's value by its grammar, and the text inside it.
func (l *linter) value(f lintField) {
	if !lintFieldFits(f.name, f.value) {
		l.report("lint_field_value", f.name, f.value)
		return
	}
	switch f.name {
	case "Subject":
		l.subject = l.words(f.value, f.name)
	case "From", "Sender", "Reply-To", "To", "Cc":
		l.addresses(f)
	case "Date":
		l.date(f.value, f.name)
	case "Received":
		_, date, _ := strings.Cut(f.value, "; ")
		l.date(date, f.name)
	case "Message-ID", "In-Reply-To", "References":
		ids := strings.Split(f.value, " ")
		if len(ids) > 50 || slices.ContainsFunc(ids, func(id string) bool { return len(id) > 250 }) {
			l.report("lint_field_value", f.name, f.value)
		}
	}
}

// date checks that the day exists and falls on its weekday.
func (l *linter) date(s, where string) {
	t, err := time.Parse("Mon, 02 Jan 2006 15:04:05 -0700", s)
	if err != nil || t.Format("Mon") != s[:3] {
		l.report("lint_date", where, s)
	}
}

// words decodes an unstructured value or a phrase: encoded words, or ASCII.
func (l *linter) words(s, where string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	text, ok := lintDecodeWords(s)
	if !ok || text == "" {
		l.report("lint_word", where, s)
		return ""
	}
	if ir.Clean(text, false) != nil {
		l.report("lint_field_text", where, text)
	}
	return text
}

// addresses reads an address list that fits its grammar, checks the names in
// it, and keeps the addresses for the second reader.
func (l *linter) addresses(f lintField) {
	if l.people == nil {
		l.people = map[string][]string{}
	}
	s := lintScan{f.value}
	for more := true; more; more = s.lit(", ") {
		phrase, addr, _ := s.box()
		// Some readers decode encoded words inside quotes; none may stand there.
		l.words(phrase, f.name)
		if addr == "" {
			continue // a group
		}
		at := strings.LastIndexByte(addr, '@')
		if at > 64 || len(addr) > 260 {
			l.report("lint_address_length", f.name, addr)
		}
		l.people[f.name] = append(l.people[f.name], strings.Trim(addr[:at], `"`)+addr[at:])
	}
}
