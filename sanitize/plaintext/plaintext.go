// Package plaintext reads text of any charset and writes it anew: what the
// formats whose result is text (txt, csv, html) have in common. It is a shared
// room, not a format.
//
// On the box side, Looks judges whether bytes are text and Read decodes and
// cleans them, with the findings that belong to it. On the trusted side, an
// Encoder writes text in the charset that the policy wants, UTF-8 or CP932,
// and Build makes a whole file of text frames. Lint re-reads such a file with
// rules and decoders of its own.
//
// A written file has CRLF line ends, an optional byte order mark in UTF-8, and
// no control characters but TAB and those line ends. Reading a written file
// gives the same text again.
package plaintext

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"sekisho/sanitize/charset"
	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// headBytes is how much of a file Looks reads.
const headBytes = 64 << 10

// Looks reports whether data is likely text: no NUL unless it is UTF-16 or
// UTF-32, and but for one at most one in twenty characters a control or
// unreadable. An empty file is text.
func Looks(data []byte) bool {
	head := data[:min(len(data), headBytes)]
	name := charset.Detect(head)
	wide := strings.HasPrefix(name, "utf-16") || strings.HasPrefix(name, "utf-32")
	if !wide && bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	good, bad := 0, 0
	for _, r := range charset.Decode("", head).Text {
		switch {
		case r == utf8.RuneError, r == 0x7F, r < 0x20 && !layout(r), r >= 0x80 && r < 0xA0:
			bad++
		default:
			good++
		}
	}
	return bad <= 1+(good+bad)/20 && (bad == 0 || good > bad)
}

// layout reports whether r is a control character that text files have: tab,
// line ends, form feed, vertical tab, and the end mark of old editors.
func layout(r rune) bool { return r >= '\t' && r <= '\r' || r == 0x1A }

// Head decodes the beginning of a file, at most n bytes, for a look at what it
// is. label may be "".
func Head(label string, data []byte, n int) string {
	return charset.Decode(label, data[:min(len(data), n)]).Text
}

// Read decodes and cleans the whole of in. label is what is known about its
// charset, "" for nothing. It writes the findings and the charset to out and
// returns the text, with LF line ends. It holds with limit_time, and with
// limit_expanded when the text has more bytes than the budget.
func Read(ctx context.Context, in format.Untrusted, label string, out *ir.Writer) (string, error) {
	if err := Alive(ctx); err != nil {
		return "", err
	}
	dec := charset.Decode(label, in.Data)
	// Old editors end a file with Ctrl-Z; it is not part of the text.
	raw := strings.TrimSuffix(dec.Text, "\x1a")
	text, removed := charset.CleanText(raw, charset.KeepLines)
	if int64(len(text)) > in.Budget.Bytes {
		return "", format.Hold(format.LimitExpanded, fmt.Sprintf("text of %d bytes", len(text)))
	}
	if err := Alive(ctx); err != nil {
		return "", err
	}
	values := []ir.Value{ir.Field{Name: ir.FieldCharset, Value: dec.Charset}}
	for _, n := range notes(dec, removed) {
		values = append(values, n)
	}
	for _, v := range values {
		if err := out.Write(v); err != nil {
			return "", fmt.Errorf("write text: %w", err)
		}
	}
	return text, nil
}

// Alive returns limit_time when ctx is over.
func Alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return format.Hold(format.LimitTime, err.Error())
	}
	return nil
}

// notes are the findings of decoding and cleaning. A file without a label has
// its charset guessed as a matter of course; only an overruled one is told.
func notes(dec charset.Result, removed charset.Cleaned) []ir.Note {
	var all []ir.Note
	add := func(code string, n int) {
		if n > 0 {
			all = append(all, ir.Note{Code: code, Detail: fmt.Sprint(n)})
		}
	}
	if dec.Guessed && dec.Label != "" {
		all = append(all, ir.Note{Code: "charset_guessed", Detail: dec.Charset})
	}
	add("charset_replaced", dec.Replaced)
	add("control_removed", removed.Control)
	add("bidi_removed", removed.Bidi)
	add("invisible_removed", removed.Invisible)
	return all
}
