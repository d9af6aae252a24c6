package mail

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// parseSeeds are own samples, and the mails of the corpus when there is one.
func parseSeeds(f *testing.F) {
	for _, s := range []string{
		parseMixed(partText, partPDF), parseNest(3), parseAlternative("plain", "<p>html</p>"),
		parseNamed("Content-Disposition: attachment; filename*0*=iso-2022-jp''%1B%24B; filename*1=x"),
		"From: \x1b$B;3ED\x1b(B <a@b.c>\nContent-Type: text/plain; format=flowed; delsp=yes\n\na \nb\nbegin 644 x\n#86)C\nend\n",
		"Content-Type: text/calendar\n\nBEGIN:VEVENT\nSUMMARY:x\nDTSTART:20260101T000000Z\nEND:VEVENT\n",
		"Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\nMA8GCSqGSIb3DQEHA6ACMAA=",
		"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\nb\n--b-\n",
	} {
		f.Add([]byte(s))
	}
	dir := os.Getenv("SEKISHO_CORPUS")
	if dir == "" {
		return
	}
	for _, pattern := range []string{"eml/*.eml", "jp/*.eml", "bugs/*.eml"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, n := range names {
			if b, err := os.ReadFile(n); err == nil && len(b) < 32<<10 {
				f.Add(b)
			}
		}
	}
}

// parseCheck parses data and checks what holds for every input: no error but a
// reason to hold, frames that the trusted side accepts, bounded output, and
// the same output again.
func parseCheck(t interface{ Fatalf(string, ...any) }, parse func(*ir.Writer) error, size int) {
	var a, b bytes.Buffer
	err := parse(ir.NewWriter(&a))
	again := parse(ir.NewWriter(&b))
	var held *format.Error
	if err != nil && !errors.As(err, &held) {
		t.Fatalf("not a reason to hold: %v", err)
	}
	if held != nil && !held.Reason.Known() {
		t.Fatalf("unknown reason %q", held.Reason)
	}
	if (err == nil) != (again == nil) || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Fatalf("two runs differ")
	}
	if limit := 16*size + 256<<10; a.Len() > limit {
		t.Fatalf("%d bytes of frames from %d bytes of mail", a.Len(), size)
	}
	r := ir.NewReader(&a, 1<<30)
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("frame refused: %v", err)
		}
		if n, ok := v.(ir.Note); ok {
			if _, known := format.TextOf(n.Code); !known {
				t.Fatalf("finding %q is not in the table", n.Code)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	parseSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		in := parseGiven(string(data))
		in.Self, in.Authserv, in.Defang = "me", "mx.example.net", len(data)%2 == 0
		parseCheck(t, func(w *ir.Writer) error { return Parse(t.Context(), in, w) }, len(data))
		Match(data)
	})
}

// TestParseAnyPieces puts mails together from the pieces that parsers stumble
// over, in any order.
func TestParseAnyPieces(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"\n", "\r\n", "\r", "\n\n", " ", "\t", ";", "\"", "(", ")", "<", ">", "=", "--", "--b", "--b--", "--c", "b", "c", "\x00", "\x1b$B", "\x1b(B",
		"From: ", "To: ", "Subject: ", "Date: ", "Message-ID: ", "References: ", "Received: ", "Content-Type: ", "Content-Disposition: ",
		"Content-Transfer-Encoding: ", "Content-ID: ", "multipart/mixed", "multipart/alternative", "multipart/related", "multipart/digest",
		"multipart/signed", "multipart/encrypted", "message/rfc822", "message/partial", "text/plain", "text/html", "text/calendar", "text/enriched",
		"application/pkcs7-mime", "; boundary=b", "; boundary=\"c\"", "; name=", "; filename=", "filename*0*=utf-8''%E3", "; charset=iso-2022-jp",
		"; format=flowed", "base64", "quoted-printable", "x-uuencode", "attachment", "inline", "begin 644 a\n", "#86)C\n", "end\n", "aGVsbG8=",
		"=E3=81=82=\n", "=?utf-8?B?5Lu2?=", "=?", "?=", "<p>", "<a href=\"http://x.example\">", "http://user@y.example/", "あ", "\x82\xa0", "\u202e",
		"BEGIN:VEVENT\n", "SUMMARY:x\n", "END:VEVENT\n", "a@example.jp", "<a@b>", ",", ":",
	})
	rapid.Check(t, func(rt *rapid.T) {
		var data []byte
		for _, p := range rapid.SliceOfN(piece, 0, 60).Draw(rt, "pieces") {
			data = append(data, p...)
		}
		in := parseGiven(string(data))
		parseCheck(rt, func(w *ir.Writer) error { return Parse(t.Context(), in, w) }, len(data))
	})
}
