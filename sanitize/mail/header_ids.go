package mail

import (
	"bytes"
	"slices"
	"strings"

	"sekisho/sanitize/ir"
)

// Limits of message identifiers.
const (
	hdrMaxID         = 250 // bytes of one msg-id with its brackets
	hdrMaxReferences = 50
)

// hdrIDs returns the message identifiers of a value (RFC 5322 section 3.6.4)
// that are printable ASCII of the form <left@right>; everything else between
// them is dropped.
// spec: rfc5322#3.6.4
func hdrIDs(raw []byte) []string {
	var ids []string
	s := hdrUnfold(raw)
	for len(s) > 0 {
		lt := bytes.IndexByte(s, '<')
		if lt < 0 {
			break
		}
		s = s[lt:]
		gt := bytes.IndexByte(s, '>')
		if gt < 0 {
			break
		}
		// Blanks inside come from folding.
		id := strings.Join(strings.Fields(string(s[:gt+1])), "")
		if hdrValidID(id) {
			ids = append(ids, id)
		}
		s = s[gt+1:]
	}
	if len(ids) == 0 {
		if id := "<" + string(bytes.TrimSpace(hdrUnfold(raw))) + ">"; hdrValidID(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func hdrValidID(id string) bool {
	if len(id) > hdrMaxID || len(id) < 5 || id[0] != '<' || id[len(id)-1] != '>' {
		return false
	}
	in := id[1 : len(id)-1]
	at := strings.IndexByte(in, '@')
	if at < 1 || at == len(in)-1 || strings.Count(in, "@") != 1 {
		return false
	}
	for _, c := range []byte(in) {
		if c <= ' ' || c >= 0x7F || strings.IndexByte("<>()[]\\,;:\"", c) >= 0 && (c != '[' && c != ']' && c != ':') {
			return false
		}
	}
	return true
}

// hdrReferences keeps the first and the last ones of a long thread.
func hdrReferences(ids []string) []string {
	if len(ids) <= hdrMaxReferences {
		return ids
	}
	return append([]string{ids[0]}, ids[len(ids)-hdrMaxReferences+1:]...)
}

// hdrOneOf returns the value's token if it is in the closed list.
func hdrOneOf(raw []byte, words ...string) string {
	if t := hdrToken(raw); slices.Contains(words, t) {
		return t
	}
	return ""
}

// hdrImportance joins Importance (RFC 2156), X-Priority and Priority into
// high, normal or low.
func hdrImportance(h *hdrBlock) string {
	switch hdrToken(h.first("importance")) {
	case "high":
		return "high"
	case "low":
		return "low"
	case "normal":
		return "normal"
	}
	switch t := hdrToken(h.first("x-priority")); {
	case strings.HasPrefix(t, "1"), strings.HasPrefix(t, "2"), t == "high":
		return "high"
	case strings.HasPrefix(t, "4"), strings.HasPrefix(t, "5"), t == "low":
		return "low"
	}
	switch hdrToken(h.first("priority")) {
	case "urgent":
		return "high"
	case "non-urgent":
		return "low"
	}
	return ""
}

// hdrListID returns the identifier of List-Id (RFC 2919) without the phrase.
// spec: rfc2919#3
func hdrListID(raw []byte) string {
	s := hdrString(raw)
	if lt := strings.LastIndexByte(s, '<'); lt >= 0 {
		s = s[lt+1:]
		if gt := strings.IndexByte(s, '>'); gt >= 0 {
			s = s[:gt]
		}
	}
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 255 {
		return ""
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("._-+=@", c) < 0 {
			return ""
		}
	}
	return s
}

// hdrLanguages returns the language tags of Content-Language (RFC 3282), at
// most ten, joined by ", ".
// spec: rfc3282
func hdrLanguages(raw []byte) string {
	var tags []string
	for t := range strings.SplitSeq(hdrUncomment(hdrString(raw)), ",") {
		t = strings.TrimSpace(t)
		if hdrLanguage(t) && len(tags) < 10 {
			tags = append(tags, t)
		}
	}
	return strings.Join(tags, ", ")
}

func hdrLanguage(t string) bool {
	if t == "" || len(t) > 35 {
		return false
	}
	for i, sub := range strings.Split(t, "-") {
		if len(sub) < 1 || len(sub) > 8 || i == 0 && len(sub) < 2 {
			return false
		}
		for _, c := range []byte(sub) {
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
			if !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}

// hdrFields returns the single-line values of the allow-list (DECISIONS 14) in
// the order in which they are emitted; empty ones are left out.
func hdrFields(h *hdrBlock, c *parseCleaner) []ir.Field {
	var refs []string
	for _, raw := range h.all("references") {
		refs = append(refs, hdrIDs(raw)...)
	}
	firstID := func(name string) string {
		if ids := hdrIDs(h.first(name)); len(ids) > 0 {
			return ids[0]
		}
		return ""
	}
	var subject string
	if raw := h.first("subject"); raw != nil {
		subject = parseCut(c.header(raw), parseMaxSubject)
	}
	all := []ir.Field{
		{Name: ir.FieldSubject, Value: subject},
		{Name: ir.FieldMessageID, Value: firstID("message-id")},
		{Name: ir.FieldInReplyTo, Value: firstID("in-reply-to")},
		{Name: ir.FieldReferences, Value: strings.Join(hdrReferences(refs), " ")},
		{Name: ir.FieldAutoSubmitted, Value: hdrOneOf(h.first("auto-submitted"), "no", "auto-generated", "auto-replied", "auto-notified")},
		{Name: ir.FieldPrecedence, Value: hdrOneOf(h.first("precedence"), "bulk", "list", "junk")},
		{Name: ir.FieldListID, Value: hdrListID(h.first("list-id"))},
		{Name: ir.FieldImportance, Value: hdrImportance(h)},
		{Name: ir.FieldContentLanguage, Value: hdrLanguages(h.first("content-language"))},
	}
	return slices.DeleteFunc(all, func(f ir.Field) bool { return f.Value == "" })
}
