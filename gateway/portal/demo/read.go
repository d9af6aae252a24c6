package demo

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"time"
)

// Mail is a delivered mail as a mail client would show it.
type Mail struct {
	Number     int
	Receipt    string
	At         time.Time
	Sender     string // reverse-path, "" for null
	Recipients []string
	From, To   string
	Subject    string
	Date       string
	Text       string
	Files      []File
	Raw        []byte
}

// File is an attachment.
type File struct {
	Name, Media string
	Body        []byte
}

// Picture reports whether a browser may show the file as it is.
func (f File) Picture() bool { return f.Media == "image/png" || f.Media == "image/jpeg" }

// maxFiles bounds the attachments that are shown.
const maxFiles = 100

// read takes a delivered mail apart. It reads what our own builder writes:
// UTF-8 text first, then attachments.
func read(raw []byte) (Mail, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, fmt.Errorf("header: %w", err)
	}
	word := func(field string) string {
		s, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get(field))
		if err != nil {
			return msg.Header.Get(field)
		}
		return s
	}
	m := Mail{Raw: raw, From: word("From"), To: word("To"), Subject: word("Subject"), Date: msg.Header.Get("Date"),
		Receipt: receipt(msg.Header.Get("X-Sekisho-Result"))}
	media, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return Mail{}, fmt.Errorf("content type: %w", err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		b, err := decode(msg.Body, msg.Header.Get("Content-Transfer-Encoding"))
		m.Text = string(b)
		return m, err
	}
	return m, m.parts(multipart.NewReader(msg.Body, params["boundary"]))
}

func (m *Mail) parts(r *multipart.Reader) error {
	for len(m.Files) < maxFiles {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("part: %w", err)
		}
		b, err := decode(p, p.Header.Get("Content-Transfer-Encoding"))
		if err != nil {
			return fmt.Errorf("part: %w", err)
		}
		media, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil {
			return fmt.Errorf("part: %w", err)
		}
		if p.Header.Get("Content-Disposition") == "" {
			m.Text += string(b)
			continue
		}
		m.Files = append(m.Files, File{p.FileName(), media, b})
	}
	return nil
}

func decode(r io.Reader, encoding string) ([]byte, error) {
	if strings.EqualFold(encoding, "base64") {
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	return io.ReadAll(io.LimitReader(r, maxMail))
}

// receipt finds the receipt number in our result header.
func receipt(result string) string {
	for f := range strings.SplitSeq(result, ";") {
		if r, ok := strings.CutPrefix(strings.TrimSpace(f), "receipt="); ok {
			return r
		}
	}
	return ""
}
