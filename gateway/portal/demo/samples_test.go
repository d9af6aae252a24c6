package demo

import (
	"bytes"
	"encoding/base64"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func made(t *testing.T) []Sample {
	t.Helper()
	s, err := Samples("soumu@town.example.lg.jp", time.Date(2026, 4, 17, 9, 0, 0, 0, time.FixedZone("JST", 9*3600)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSamplesAreTheSameAgain(t *testing.T) {
	if d := cmp.Diff(made(t), made(t)); d != "" {
		t.Error(d)
	}
}

func TestSamplesAreMails(t *testing.T) {
	ids := map[string]bool{}
	for _, s := range made(t) {
		t.Run(s.Title, func(t *testing.T) {
			if s.Title == "" || bytes.ContainsAny(bytes.ReplaceAll(s.Mail, []byte("\r\n"), nil), "\r\n\x00") || !bytes.HasSuffix(s.Mail, []byte("\r\n")) {
				t.Error("lines do not end in CRLF")
			}
			for l := range bytes.SplitSeq(s.Mail, []byte("\r\n")) {
				if len(l) > 998 { // RFC 5322 section 2.1.1
					t.Errorf("a line of %d bytes", len(l))
				}
			}
			m, err := mail.ReadMessage(bytes.NewReader(s.Mail))
			if err != nil {
				t.Fatal(err)
			}
			if from := m.Header.Get("From"); !strings.HasSuffix(from, " <"+s.From+">") || !reserved(s.From) {
				t.Errorf("from %s, sent by %s", from, s.From)
			}
			if id := m.Header.Get("Message-ID"); id == "" || ids[id] {
				t.Errorf("message id %q", id)
			} else {
				ids[id] = true
			}
			if _, err := m.Header.Date(); err != nil {
				t.Error(err)
			}
			media, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(media, "multipart/") && countParts(t, multipart.NewReader(m.Body, params["boundary"])) < 2 {
				t.Error("a multipart without parts")
			}
		})
	}
	if len(ids) < 6 {
		t.Errorf("%d samples", len(ids))
	}
}

// reserved reports whether an address can reach nobody (RFC 2606).
func reserved(a string) bool {
	return regexp.MustCompile(`@([a-z]+\.)*example(\.(com|net|org))?$`).MatchString(a)
}

func countParts(t *testing.T, r *multipart.Reader) int {
	t.Helper()
	n := 0
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
		if p.Header.Get("Content-Transfer-Encoding") == "base64" {
			if _, err := io.Copy(io.Discard, base64.NewDecoder(base64.StdEncoding, p)); err != nil {
				t.Error(err)
			}
		}
	}
}

// All that the samples point to is a name that exists nowhere.
func TestSamplesLeadNowhere(t *testing.T) {
	hosts := regexp.MustCompile(`https?://([a-z0-9.-]+)`)
	for _, s := range made(t) {
		for _, h := range hosts.FindAllSubmatch(s.Mail, -1) {
			if !reserved("x@" + string(h[1])) {
				t.Errorf("%s names %s", s.Title, h[1])
			}
		}
	}
}

// A sample arrives as it was made.
func TestSend(t *testing.T) {
	b := NewBoard()
	addr := mailbox(t, b)
	for i, s := range made(t) {
		if reply, err := Send(addr, s, "soumu@town.example.lg.jp"); err != nil || reply == "" {
			t.Fatalf("%s: %q, %v", s.Title, reply, err)
		}
		m, ok := b.mail(i)
		if !ok || !bytes.Equal(m.Raw, s.Mail) || m.Sender != s.From || strings.Join(m.Recipients, " ") != "soumu@town.example.lg.jp" {
			t.Errorf("%s arrives as %+v", s.Title, m)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	l.Close()
	if _, err := Send(gone, made(t)[0], "soumu@town.example.lg.jp"); err == nil {
		t.Error("sent to nobody")
	}
}

func TestPicture(t *testing.T) {
	b, err := picture()
	if err != nil {
		t.Fatal(err)
	}
	m, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil || m.Bounds().Dx() != 480 || m.Bounds().Dy() != 320 {
		t.Fatalf("%v, %v", m, err)
	}
	// SOI, APP1, its length, "Exif", TIFF: orientation 6 and a GPS directory.
	if !bytes.HasPrefix(b, []byte("\xff\xd8\xff\xe1")) || string(b[6:12]) != "Exif\x00\x00" {
		t.Fatalf("no EXIF in %x", b[:20])
	}
	size := int(b[4])<<8 | int(b[5])
	tiff := b[12 : 4+size]
	if !bytes.HasPrefix(tiff, []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x02")) {
		t.Fatalf("TIFF %x", tiff)
	}
	if !bytes.Equal(tiff[10:20], []byte{0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6}) {
		t.Errorf("orientation %x", tiff[10:22])
	}
	at := int(tiff[32])<<8 | int(tiff[33])
	if !bytes.Equal(tiff[22:24], []byte{0x88, 0x25}) || !bytes.Equal(tiff[at:at+4], []byte{0, 1, 0, 1}) || tiff[at+10] != 'N' {
		t.Errorf("GPS directory at %d of %x", at, tiff)
	}
	if b[4+size] != 0xFF {
		t.Errorf("no segment after EXIF: %x", b[4+size:6+size])
	}
}

func TestProgramHasNoCode(t *testing.T) {
	b := program()
	if string(b[:2]) != "MZ" || string(b[0x80:0x84]) != "PE\x00\x00" || b[0x3C] != 0x80 {
		t.Errorf("not the head of a program: %x", b[:0x90])
	}
	if n := b[0x86]; n != 0 {
		t.Errorf("%d sections", n)
	}
}
