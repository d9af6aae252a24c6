package hypertext

import "strings"

// plainMedia tells whether the rules inside apply to a normal screen.
func plainMedia(head string) bool {
	q := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(head, "@media")))
	q = strings.TrimPrefix(q, "only ")
	kind, conds, _ := strings.Cut(q, "(")
	switch strings.TrimSpace(kind) {
	case "", "all", "screen", "all and", "screen and":
	default:
		return false
	}
	for c := range strings.FieldsFuncSeq(conds, func(r rune) bool { return r == '(' || r == ')' }) {
		if c = strings.TrimSpace(c); c != "" && c != "and" && !onDesktop(c) {
			return false
		}
	}
	return true
}

// onDesktop tells whether a condition of width holds on an ordinary screen.
func onDesktop(cond string) bool {
	prop, value, _ := strings.Cut(cond, ":")
	px, ok := pixels(strings.TrimSpace(value), 16)
	switch strings.TrimSpace(prop) {
	case "min-width":
		return ok && px <= 1000
	case "max-width":
		return ok && px >= 2500
	}
	return false
}

// onPaper tells whether the rules inside apply to printing only.
func onPaper(head string) bool {
	head = strings.ToLower(head)
	return strings.Contains(head, "print") && !strings.Contains(head, "screen") && !strings.ContainsAny(head, ",") && !strings.Contains(head, "not ")
}
