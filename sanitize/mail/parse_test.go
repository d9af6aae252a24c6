package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// parseGiven is the input of most tests: generous budget, no options.
func parseGiven(data string) format.Untrusted {
	return format.Untrusted{Data: []byte(data), Budget: format.Budget{Bytes: 64 << 20, Files: 1000, Depth: 5}}
}

// parseTranscript runs Parse and writes one line for each value, with the
// frames of one text or one child joined.
func parseTranscript(ctx context.Context, in format.Untrusted) (string, error) {
	var frames bytes.Buffer
	if err := Parse(ctx, in, ir.NewWriter(&frames)); err != nil {
		return "", err
	}
	var out strings.Builder
	var text *ir.Text
	var child *ir.Child
	var data []byte
	flush := func() {
		if text != nil {
			fmt.Fprintf(&out, "text %s %d %q\n", text.Role, text.Seq, text.S)
			text = nil
		}
		if child != nil {
			fmt.Fprintf(&out, "child %s %q %s cid=%s why=%s %q\n", child.Role, child.Name, child.Media, child.CID, child.Note.Code, data)
			child, data = nil, nil
		}
	}
	r := ir.NewReader(&frames, 1<<30)
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			flush()
			return out.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch v := v.(type) {
		case ir.Text:
			if text != nil && text.Seq == v.Seq {
				text.S += v.S
				continue
			}
			flush()
			text = &v
		case ir.Data:
			data = append(data, v.B...)
		case ir.Child:
			flush()
			child = &v
		default:
			flush()
			parseTranscriptLine(&out, v)
		}
	}
}

func parseTranscriptLine(out io.Writer, v ir.Value) {
	switch v := v.(type) {
	case ir.Number:
		fmt.Fprintf(out, "number %s=%d\n", v.Name, v.N)
	case ir.Note:
		fmt.Fprintf(out, "note %s @%s %s\n", v.Code, v.Where, v.Detail)
	case ir.Date:
		fmt.Fprintf(out, "date %d %+d\n", v.Unix, v.Offset)
	case ir.Address:
		fmt.Fprintf(out, "address %s %q <%s>\n", v.Role, v.Name, v.Addr)
	case ir.Field:
		fmt.Fprintf(out, "field %s=%s\n", v.Name, v.Value)
	default:
		fmt.Fprintf(out, "unexpected %T\n", v)
	}
}

// parseReason is the reason of an error, "" for none or another error.
func parseReason(err error) format.Reason {
	var e *format.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func TestParseOrder(t *testing.T) {
	in := "Received: from a\nDate: Mon, 6 Apr 2026 09:00:00 +0900\nFrom: a@example.jp\nTo: b@example.jp\nSubject: s\n" +
		"Disposition-Notification-To: a@example.jp\n\nbody\n"
	got, err := parseTranscript(t.Context(), parseGiven(in))
	if err != nil {
		t.Fatal(err)
	}
	want := `number received=1
number html=0
note receipt_request @message disposition-notification-to
date 1775433600 +540
address from "" <a@example.jp>
address to "" <b@example.jp>
field subject=s
text body 0 "body\n"
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
