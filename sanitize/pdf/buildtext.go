package pdf

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/plaintext"
)

// maxPageText bounds the text of one page in bytes.
const maxPageText = 16 << 20

// textBuilder writes the text of a document page by page.
type textBuilder struct {
	enc   *plaintext.Encoder
	pages int64           // as announced
	next  int64           // pages begun
	text  strings.Builder // of the page begun last
}

// BuildText writes the text that in carries as a .txt file, each page under a
// line that numbers it, in the profile's charset. The values are the Number of
// pages and for each page, in order, one Text; pages without text may be left
// out.
func BuildText(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	enc, err := plaintext.NewEncoder(w, c.Profile)
	if err != nil {
		return format.Built{}, err
	}
	b := textBuilder{enc: enc}
	for {
		v, err := in.Next()
		_, end := v.(ir.End)
		if end || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return format.Built{}, fmt.Errorf("read pages: %w", err)
		}
		if err := b.value(v); err != nil {
			return format.Built{}, err
		}
	}
	if b.pages == 0 {
		return format.Built{}, errors.New("build text: no page")
	}
	if err := b.upTo(b.pages); err != nil {
		return format.Built{}, err
	}
	if err := b.flush(); err != nil {
		return format.Built{}, err
	}
	built := enc.Built("text/plain", "txt")
	built.Output = format.Text
	return built, nil
}

func (b *textBuilder) value(v ir.Value) error {
	switch v := v.(type) {
	case ir.Note, ir.Sheet: // the engine's business
		return nil
	case ir.Fail:
		return format.Failed(v)
	case ir.Number:
		if v.Name != ir.NumberPages {
			return nil
		}
		if b.pages != 0 || v.N < 1 || v.N > MaxPages {
			return errOrder
		}
		b.pages = v.N
		return nil
	case ir.Text:
		return b.add(v)
	}
	return fmt.Errorf("build text: unexpected %T", v)
}

func (b *textBuilder) add(v ir.Text) error {
	if v.Role != ir.RoleContent || v.Seq >= b.pages || v.Seq < b.next-1 {
		return errOrder
	}
	if err := b.upTo(v.Seq + 1); err != nil {
		return err
	}
	if b.text.Len()+len(v.S) > maxPageText {
		return format.Hold(format.LimitExpanded, "text of one page")
	}
	b.text.WriteString(v.S)
	return nil
}

// upTo ends the page in hand and begins those before page n, counted from 1.
func (b *textBuilder) upTo(n int64) error {
	for b.next < n {
		if err := b.flush(); err != nil {
			return err
		}
		b.next++
		mark := fmt.Sprintf("--- %d / %d ページ ---\r\n", b.next, b.pages)
		if b.next > 1 {
			mark = "\r\n" + mark
		}
		if _, err := b.enc.WriteString(mark); err != nil {
			return err
		}
	}
	return nil
}

// flush writes the text of the page in hand. A line of it that reads like a
// page mark is quoted.
func (b *textBuilder) flush() error {
	text := strings.Trim(b.text.String(), "\n")
	b.text.Reset()
	if text == "" {
		return nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		if imitates(line) {
			line = "> " + line
		}
		if _, err := b.enc.WriteString(line + "\r\n"); err != nil {
			return err
		}
	}
	return nil
}

// imitates reports whether a line reads like a page mark.
func imitates(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "---") && strings.HasSuffix(line, "---") && strings.Contains(line, "ページ")
}
