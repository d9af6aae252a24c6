package mail

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"
)

// reread lets another MIME reader read the mail and compares what it sees with
// what was read here. Two readers that disagree are how files slip past a
// gateway, so a difference is a violation even if ours were right.
func (l *linter) reread(data []byte) {
	e, err := message.Read(bytes.NewReader(data))
	if err != nil {
		l.report("lint_reread", "header", err.Error())
		return
	}
	l.rereadHeader(gomail.Header{Header: e.Header})
	mr := e.MultipartReader()
	if mr == nil {
		l.rereadPart(e, 0)
		l.rereadCount(1)
		return
	}
	n := 0
	for ; n <= lintMaxParts; n++ {
		p, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !message.IsUnknownCharset(err) {
			l.report("lint_reread", lintWhere(n), err.Error())
			return
		}
		l.rereadPart(p, n)
	}
	l.rereadCount(n)
}

func (l *linter) rereadCount(n int) {
	if n != len(l.parts) {
		l.report("lint_reread", "body", "number of parts")
	}
}

func (l *linter) rereadHeader(h gomail.Header) {
	if s, err := h.Subject(); err != nil || s != l.subject {
		l.report("lint_reread", "Subject", s)
	}
	for _, name := range []string{"From", "Sender", "Reply-To", "To", "Cc"} {
		if strings.Contains(h.Get(name), ":;") {
			continue // the library has no word for an empty group
		}
		list, err := h.AddressList(name)
		var addrs []string
		for _, a := range list {
			addrs = append(addrs, a.Address)
		}
		if err != nil || !slices.Equal(addrs, l.people[name]) {
			l.report("lint_reread", name, strings.Join(addrs, " "))
		}
	}
}

func (l *linter) rereadPart(e *message.Entity, n int) {
	if n >= len(l.parts) {
		return // reported as a difference of numbers
	}
	want := l.parts[n]
	media, _, err := e.Header.ContentType()
	if err != nil || media != want.media {
		l.report("lint_reread", lintWhere(n), media)
		return
	}
	h := gomail.AttachmentHeader{Header: e.Header}
	if name, err := h.Filename(); err != nil || name != want.name {
		l.report("lint_reread", lintWhere(n), name)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, e.Body); err != nil {
		l.report("lint_reread", lintWhere(n), err.Error())
		return
	}
	if !want.foreign && [32]byte(sum.Sum(nil)) != want.sum {
		l.report("lint_reread", lintWhere(n), "content")
	}
}
