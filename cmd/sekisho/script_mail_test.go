package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// mailPart is a leaf of a mail as a mail program shows it.
type mailPart struct {
	media, name string
	data        []byte
}

// bodyCommand prints a mail that the gateway built: its header fields decoded,
// its parts one a line, its texts.
func bodyCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "body FILE")
	header, parts, err := readMail([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	w := ts.Stdout()
	for _, name := range slices.Sorted(keysOf(header)) {
		for _, v := range header[name] {
			decoded, err := new(mime.WordDecoder).DecodeHeader(v)
			ts.Check(err)
			fmt.Fprintf(w, "%s: %s\n", name, decoded)
		}
	}
	for i, p := range parts {
		fmt.Fprintf(w, "part %d %s %q %d %x\n", i+1, p.media, p.name, len(p.data), sha256.Sum256(p.data))
	}
	for _, p := range parts {
		if p.media == "text/plain" && p.name == "" {
			fmt.Fprintf(w, "\n%s", bytes.ReplaceAll(p.data, []byte("\r\n"), []byte("\n")))
		}
	}
}

func keysOf(h mail.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range h {
			if !yield(k) {
				return
			}
		}
	}
}

// partCommand writes the decoded bytes of a part to a file.
func partCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 3, "part FILE N OUT")
	_, parts, err := readMail([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if n < 1 || n > len(parts) {
		ts.Fatalf("part: %s has %d parts", args[0], len(parts))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), parts[n-1].data, 0o644))
}

// readMail reads a mail with the standard library alone: a reader that the
// gateway's own code has no part in.
func readMail(raw []byte) (mail.Header, []mailPart, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, nil, err
	}
	parts, err := leaves(m.Header.Get, m.Body, 0)
	return m.Header, parts, err
}

func leaves(get func(string) string, r io.Reader, depth int) ([]mailPart, error) {
	if depth > 8 {
		return nil, errors.New("multiparts are nested too deep")
	}
	media, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		return nil, fmt.Errorf("content type %q: %w", get("Content-Type"), err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		p, err := leaf(get, media, r)
		return []mailPart{p}, err
	}
	var all []mailPart
	mr := multipart.NewReader(r, params["boundary"])
	for {
		p, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		more, err := leaves(p.Header.Get, p, depth+1)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
}

func leaf(get func(string) string, media string, r io.Reader) (mailPart, error) {
	switch strings.ToLower(get("Content-Transfer-Encoding")) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	data, err := io.ReadAll(io.LimitReader(r, 64<<20))
	if err != nil {
		return mailPart{}, err
	}
	p := mailPart{media: media, data: data}
	if d := get("Content-Disposition"); d != "" {
		_, params, err := mime.ParseMediaType(d)
		if err != nil {
			return p, fmt.Errorf("disposition %q: %w", d, err)
		}
		p.name = params["filename"]
	}
	return p, nil
}
