package mail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"slices"
	"strings"
)

// conformShow writes everything that a reader of a built mail can get at: the
// decoded header, the texts, the names and bytes of attachments, and the same
// of attached mails. It reads with the standard library, which shares no code
// with Build and Lint.
func conformShow(output []byte) (string, error) {
	var b strings.Builder
	err := conformMessage(&b, output)
	return b.String(), err
}

func conformMessage(b *strings.Builder, data []byte) error {
	m, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("read a mail: %w", err)
	}
	var dec mime.WordDecoder
	names := make([]string, 0, len(m.Header))
	for name := range m.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range m.Header[name] {
			s, err := dec.DecodeHeader(v)
			if err != nil {
				return fmt.Errorf("field %s: %w", name, err)
			}
			fmt.Fprintf(b, "%s: %s\n", name, s)
		}
	}
	return conformEntity(b, m.Header.Get, m.Body)
}

func conformEntity(b *strings.Builder, get func(string) string, body io.Reader) error {
	media, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content-type: %w", err)
	}
	if strings.HasPrefix(media, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("next part: %w", err)
			}
			if err := conformEntity(b, p.Header.Get, p); err != nil {
				return err
			}
		}
	}
	if get("Content-Transfer-Encoding") == "base64" {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read %s: %w", media, err)
	}
	if d := get("Content-Disposition"); d != "" {
		if err := conformName(b, media, d); err != nil {
			return err
		}
	}
	if media == "message/rfc822" {
		return conformMessage(b, data)
	}
	b.WriteString(strings.ReplaceAll(string(data), "\r\n", "\n") + "\n")
	return nil
}

func conformName(b *strings.Builder, media, disposition string) error {
	_, params, err := mime.ParseMediaType(disposition)
	if err != nil {
		return fmt.Errorf("disposition: %w", err)
	}
	name, err := new(mime.WordDecoder).DecodeHeader(params["filename"])
	if err != nil {
		return fmt.Errorf("file name: %w", err)
	}
	fmt.Fprintf(b, "[%s %s]\n", media, name)
	return nil
}
