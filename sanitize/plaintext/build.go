package plaintext

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/japanese"

	"sekisho/sanitize/charset"
	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// codeLost is the finding for characters that the output's charset has not.
const codeLost = "charset_lost"

// Encoder writes text in the charset of a profile.
type Encoder struct {
	w     io.Writer
	cp932 bool
	lost  int
}

// NewEncoder returns an Encoder to w and writes the byte order mark if the
// profile wants one. The zero profile means UTF-8 without a mark.
func NewEncoder(w io.Writer, p format.Profile) (*Encoder, error) {
	e := &Encoder{w: w}
	switch p.Charset {
	case "", "utf-8":
		if p.BOM {
			return e, e.raw("\uFEFF")
		}
	case "cp932":
		e.cp932 = true
	default:
		return nil, fmt.Errorf("unknown charset %q in the profile", p.Charset)
	}
	return e, nil
}

// WriteString writes s as it is, in the encoder's charset.
func (e *Encoder) WriteString(s string) (int, error) {
	if !e.cp932 {
		return len(s), e.raw(s)
	}
	b, lost := charset.EncodeCP932(s)
	e.lost += lost
	if _, err := e.w.Write(b); err != nil {
		return 0, fmt.Errorf("write text: %w", err)
	}
	return len(s), nil
}

// Shown returns s as a reader of the output gets it: with what the charset
// lacks replaced or dropped. A rule about what may be written has to look at
// this, not at s.
func (e *Encoder) Shown(s string) string {
	if !e.cp932 {
		return s
	}
	b, _ := charset.EncodeCP932(s)
	shown, err := japanese.ShiftJIS.NewDecoder().Bytes(b)
	if err != nil {
		return s
	}
	return string(shown)
}

func (e *Encoder) raw(s string) error {
	if _, err := io.WriteString(e.w, s); err != nil {
		return fmt.Errorf("write text: %w", err)
	}
	return nil
}

// Built describes the finished file: its media type with the charset, its
// extension, and a finding if characters were lost.
func (e *Encoder) Built(media, extension string) format.Built {
	b := format.Built{Media: media + "; charset=utf-8", Extension: extension}
	if e.cp932 {
		b.Media = media + "; charset=Shift_JIS"
	}
	if e.lost > 0 {
		b.Findings = append(b.Findings, format.Finding{Code: codeLost, Detail: fmt.Sprint(e.lost)})
	}
	return b
}

// Build writes the text that in carries as a .txt file with CRLF line ends. It
// is the Build of every format whose result is plain text.
func Build(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	enc, err := NewEncoder(w, c.Profile)
	if err != nil {
		return format.Built{}, err
	}
	for {
		v, err := Next(in)
		if errors.Is(err, io.EOF) {
			return enc.Built("text/plain", "txt"), nil
		}
		if err != nil {
			return format.Built{}, err
		}
		t, ok := v.(ir.Text)
		if !ok || t.Role != ir.RoleContent || t.Seq != 0 {
			return format.Built{}, fmt.Errorf("build text: unexpected %T", v)
		}
		if _, err := enc.WriteString(strings.ReplaceAll(t.S, "\n", "\r\n")); err != nil {
			return format.Built{}, err
		}
	}
}

// Next returns the next value that a text builder writes, passing over notes,
// numbers and the charset, which are the engine's business. It returns io.EOF
// at the end and an *format.Error for a Fail.
func Next(in *ir.Reader) (ir.Value, error) {
	for {
		v, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, fmt.Errorf("read text: %w", err)
		}
		switch v := v.(type) {
		case ir.End:
			return nil, io.EOF
		case ir.Fail:
			return nil, format.Failed(v)
		case ir.Note, ir.Number:
			continue
		case ir.Field:
			if v.Name == ir.FieldCharset || v.Name == ir.FieldTitle {
				continue
			}
		}
		return v, nil
	}
}
