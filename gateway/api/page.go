package api

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"sekisho/gateway"
)

// PageInput is what lists take.
type PageInput struct {
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string    `query:"cursor" maxLength:"64" doc:"The next of the page before"`
	After  time.Time `query:"after" doc:"Not before this time"`
	Before time.Time `query:"before" doc:"Before this time"`
}

// page is a list from the newest on. Items may be fewer than asked, or none,
// while there is a next.
type page[T any] struct {
	Body struct {
		Items []T    `json:"items"`
		Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent at the end"`
	}
}

func newPage[T, V any](list []T, next string, view func(T) V) *page[V] {
	out := &page[V]{}
	out.Body.Items = make([]V, 0, len(list))
	for _, v := range list {
		out.Body.Items = append(out.Body.Items, view(v))
	}
	out.Body.Next = next
	return out
}

// Cursors are opaque to callers, so that what they are made of may change. They
// carry a kind, so that one list's is not another's; they give no right to
// anything: the same filter of the person is applied to each page.
func cursorOf(kind string, n int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + strconv.FormatInt(n, 10)))
}

func nextOf(kind string, n int64) string {
	if n <= 0 {
		return ""
	}
	return cursorOf(kind, n)
}

func readCursor(kind, s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return 0, false
	}
	got, n, ok := strings.Cut(string(b), ":")
	v, err := strconv.ParseInt(n, 10, 64)
	return v, ok && got == kind && err == nil && v > 0 && cursorOf(kind, v) == s // one spelling of each
}

// invalid is the problem of a request whose named field is wrong.
func invalid(q asked, field string) error {
	p := problem(codeInvalid, q.accept)
	p.Fields = []string{field}
	return p
}

// query returns the page that was asked for, of nobody's rows yet.
func (in PageInput) query(q asked, kind string) (gateway.PageQuery, error) {
	n, ok := readCursor(kind, in.Cursor)
	if !ok {
		return gateway.PageQuery{}, invalid(q, "query.cursor")
	}
	return gateway.PageQuery{Limit: in.Limit, Behind: n, After: in.After, Before: in.Before}, nil
}
