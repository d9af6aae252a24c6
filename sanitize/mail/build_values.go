package mail

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Limits of the values of one mail. Parse keeps lower ones; these are the
// trusted side's own.
const (
	buildMaxText      = 32 << 20 // bytes of all texts
	buildMaxAddresses = 1000
	buildMaxChildren  = 2000
	buildMaxNotes     = 20000
	buildMaxTexts     = 2000
)

// buildValues are the values of one mail, read from the frames of its Parse.
type buildValues struct {
	fields   map[ir.FieldName]string // the first of each name
	numbers  map[ir.NumberName]int64
	boxes    map[ir.Role][]ir.Address
	date     *ir.Date
	texts    []buildSection // by Seq
	notes    []format.Finding
	children []ir.Child
	count    int // addresses so far
	size     int // bytes of text so far
}

// buildSection is one text: a body part, a report, an invitation.
type buildSection struct {
	role ir.Role
	seq  int64
	s    *strings.Builder
}

// buildRead collects the values of a mail up to End or the end of the stream.
func buildRead(in *ir.Reader) (*buildValues, error) {
	m := &buildValues{
		fields:  map[ir.FieldName]string{},
		numbers: map[ir.NumberName]int64{},
		boxes:   map[ir.Role][]ir.Address{},
	}
	for {
		v, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read mail values: %w", err)
		}
		if _, end := v.(ir.End); end {
			break
		}
		if err := m.take(v); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(m.texts, func(a, b buildSection) int {
		return int(min(max(a.seq-b.seq, -1), 1))
	})
	return m, nil
}

func (m *buildValues) take(v ir.Value) error {
	switch v := v.(type) {
	case ir.Field:
		if _, twice := m.fields[v.Name]; !twice {
			m.fields[v.Name] = v.Value
		}
	case ir.Number:
		m.numbers[v.Name] = v.N
	case ir.Date:
		if m.date == nil {
			m.date = &v
		}
	case ir.Address:
		m.boxes[v.Role] = append(m.boxes[v.Role], v)
		m.count++
		return buildLimit(m.count, buildMaxAddresses, "addresses")
	case ir.Note:
		m.notes = append(m.notes, v)
		return buildLimit(len(m.notes), buildMaxNotes, "findings")
	case ir.Child:
		m.children = append(m.children, v)
		return buildLimit(len(m.children), buildMaxChildren, "children")
	case ir.Text:
		return m.takeText(v)
	case ir.Data:
		return nil // a child's original bytes: never looked at here
	case ir.Fail:
		return format.Failed(v)
	default:
		return format.Hold(format.Internal, fmt.Sprintf("%T in a mail", v))
	}
	return nil
}

func buildLimit(n, limit int, what string) error {
	if n > limit {
		return format.Hold(format.LimitCount, what)
	}
	return nil
}

// takeText joins the frames of one text. Frames of a text follow each other.
func (m *buildValues) takeText(v ir.Text) error {
	m.size += len(v.S)
	if m.size > buildMaxText {
		return format.Hold(format.LimitExpanded, "text of the mail")
	}
	if n := len(m.texts); n > 0 && m.texts[n-1].role == v.Role && m.texts[n-1].seq == v.Seq {
		m.texts[n-1].s.WriteString(v.S)
		return nil
	}
	s := buildSection{role: v.Role, seq: v.Seq, s: &strings.Builder{}}
	s.s.WriteString(v.S)
	m.texts = append(m.texts, s)
	return buildLimit(len(m.texts), buildMaxTexts, "texts")
}

// has reports whether Parse noted code.
func (m *buildValues) has(code string) bool {
	return slices.ContainsFunc(m.notes, func(n ir.Note) bool { return n.Code == code })
}

func buildSorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// buildClean makes one harmless line of a string that did not come through
// the wall: forbidden characters go, line ends become spaces.
func buildClean(s string) string {
	s = strings.ToValidUTF8(s, "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r':
			return ' '
		case ir.Forbidden(r):
			return -1
		}
		return r
	}, s)
}

// buildCut cuts s after limit characters; the last one is then 「…」. Cutting
// twice cuts nothing more.
func buildCut(s string, limit int) string {
	n := 0
	last := 0
	for i := range s {
		if n == limit-1 {
			last = i
		}
		if n == limit {
			return s[:last] + "…"
		}
		n++
	}
	return s
}
