package benchtest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
)

// mails are the bodies, without Message-ID, ready for DATA.
var mails = map[string][]byte{"2 KB": small(), "20 KB": alternative(), "1 MB": picture()}

const head = "From: sender@bench.example\r\nTo: clerk@town.example.lg.jp\r\nDate: Wed, 25 Nov 2026 10:00:00 +0900\r\n" +
	"Subject: =?ISO-2022-JP?B?GyRCOSk7djQ5RjAkTyQoGyhC?=\r\nMIME-Version: 1.0\r\n"

const sentence = "来年度の予算編成方針について、下記のとおり通知します。ご確認ください。\r\n"

// small is a text of a little under 2 KB in ISO-2022-JP.
func small() []byte {
	text, err := japanese.ISO2022JP.NewEncoder().Bytes([]byte(strings.Repeat(sentence, 22)))
	if err != nil {
		panic(err) // a constant
	}
	return append([]byte(head+"Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n"), text...)
}

// alternative is a text of 7 KB and the same in HTML.
func alternative() []byte {
	var b bytes.Buffer
	b.WriteString(head + "Content-Type: multipart/alternative; boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
	b.WriteString(strings.Repeat(sentence, 65))
	b.WriteString("--b1\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<html><body>\r\n")
	for range 60 {
		b.WriteString("<p style=\"margin:0 0 1em\"><a href=\"https://www.example.jp/notice\">" + strings.TrimSpace(sentence) + "</a></p>\r\n")
	}
	b.WriteString("</body></html>\r\n--b1--\r\n")
	return b.Bytes()
}

// picture is a text, a table of half a megabyte and a PNG of 330 × 330 pixels,
// smooth like a photo with the noise of a camera: 1 MB in all. A PDF would be
// held so far, so there is none.
func picture() []byte {
	var b bytes.Buffer
	b.WriteString(head + "Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
	b.WriteString(sentence)
	attach(&b, "text/csv", "table.csv", []byte(strings.Repeat("1024,山田太郎,総務課,03-1234-5678,2026-11-25\r\n", 10000)))
	attach(&b, "image/png", "photo.png", photo())
	b.WriteString("--b1--\r\n")
	return b.Bytes()
}

// attach writes a part in base64.
func attach(b *bytes.Buffer, media, name string, data []byte) {
	fmt.Fprintf(b, "--b1\r\nContent-Type: %s; name=\"%s\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"%s\"\r\n\r\n", media, name, name)
	text := base64.StdEncoding.EncodeToString(data)
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	b.WriteString(text + "\r\n")
}

func photo() []byte {
	chance := rand.New(rand.NewPCG(1, 2))
	img := image.NewRGBA(image.Rect(0, 0, 330, 330))
	for y := range 330 {
		for x := range 330 {
			n := uint8(chance.IntN(24))
			img.Set(x, y, color.RGBA{uint8(x/2) + n, uint8(y/2) + n/2, uint8((x+y)/3) + n, 255})
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		panic(err) // a constant
	}
	return file.Bytes()
}

// The bodies go to DATA as they are, so they must be mail: lines of CRLF, of
// at most 998 octets (RFC 5322 2.1.1), none of which begins with a dot.
func TestMails(t *testing.T) {
	for name, size := range map[string]int{"2 KB": 2 << 10, "20 KB": 20 << 10, "1 MB": 1 << 20} {
		body := mails[name]
		if len(body) > size || len(body) < size*8/10 {
			t.Errorf("%s has %d octets", name, len(body))
		}
		for line := range bytes.Lines(body) {
			if !bytes.HasSuffix(line, []byte("\r\n")) || bytes.Count(line, []byte("\r")) != 1 || len(line) > 1000 || line[0] == '.' {
				t.Errorf("%s has the line %q", name, line)
			}
		}
	}
}
