package demo

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"time"

	"golang.org/x/text/encoding/japanese"
)

// Sample is a mail that the demo sends through the gateway.
type Sample struct {
	Title string // what it shows
	From  string // envelope sender
	Mail  []byte // CRLF
}

// Samples returns the demo's mails, made now, to one recipient. All of them
// are harmless: the executable is a header without code, links lead to names
// that do not exist (RFC 2606).
func Samples(to string, now time.Time) ([]Sample, error) {
	s := sampler{to: to, now: now}
	for _, make := range []func() error{s.newsletter, s.photo, s.table, s.executable, s.notice, s.nested} {
		if err := make(); err != nil {
			return nil, fmt.Errorf("make sample mail: %w", err)
		}
	}
	return s.made, nil
}

type sampler struct {
	to   string
	now  time.Time
	made []Sample
}

// jis encodes ISO-2022-JP.
func jis(s string) (string, error) { return japanese.ISO2022JP.NewEncoder().String(s) }

// word encodes a header word as Japanese mail programs do.
func word(s string) (string, error) {
	j, err := jis(s)
	return "=?ISO-2022-JP?B?" + base64.StdEncoding.EncodeToString([]byte(j)) + "?=", err
}

func (s *sampler) head(name, address, subject string) (string, error) {
	n, err := word(name)
	if err != nil {
		return "", err
	}
	sub, err := word(subject)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("From: %s <%s>\r\nTo: <%s>\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <demo-%d-%d@mail.example.com>\r\nMIME-Version: 1.0\r\n",
		n, address, s.to, sub, s.now.Format(time.RFC1123Z), s.now.Unix(), len(s.made)), nil
}

func (s *sampler) add(title, from, head, rest string) {
	text := strings.ReplaceAll(rest, "\n", "\r\n")
	s.made = append(s.made, Sample{title, from, []byte(head + text)})
}

// newsletter is an HTML mail in ISO-2022-JP with a link that lies and a
// tracking pixel.
func (s *sampler) newsletter() error {
	h, err := s.head("サンプル銀行", "info@bank.example.com", "【重要】お取引の確認について①")
	if err != nil {
		return err
	}
	body, err := jis(`<html><head><style>p { color: black }</style></head><body>
<p>サンプル町　ご担当者様</p>
<p>いつもお世話になっております。<br>下記より、お取引の内容をご確認ください。</p>
<table border="1"><tr><th>日付</th><th>内容</th><th>金額</th></tr>
<tr><td>4月1日</td><td>手数料</td><td>1,100円</td></tr></table>
<p><a href="https://login.evil.example/steal?id=1">https://www.bank.example.com/</a></p>
<p>ご案内は<a href="https://www.bank.example.com/guide">こちら</a>です。</p>
<script>document.location = "https://evil.example/";</script>
<img src="https://track.evil.example/open.gif?u=42" width="1" height="1">
</body></html>
`)
	if err != nil {
		return err
	}
	s.add("偽のリンクと追跡用の画像がある、ISO-2022-JP の HTML メール", "info@bank.example.com",
		h+"Content-Type: text/html; charset=ISO-2022-JP\r\nContent-Transfer-Encoding: 7bit\r\n\r\n", body)
	return nil
}

// photo is a mail with a photo that says where it was taken.
func (s *sampler) photo() error {
	h, err := s.head("山田　太郎", "yamada@example.org", "現場の写真を送ります")
	if err != nil {
		return err
	}
	name, err := word("現場写真.jpg")
	if err != nil {
		return err
	}
	pic, err := picture()
	if err != nil {
		return err
	}
	s.add("撮影場所が書き込まれた写真", "yamada@example.org", h+"Content-Type: multipart/mixed; boundary=photo\r\n\r\n",
		"--photo\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n道路の陥没の写真です。ご確認をお願いします。\n\n--photo\n"+
			"Content-Type: image/jpeg; name=\""+name+"\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\""+name+"\"\n\n"+
			lines(pic)+"--photo--\n")
	return nil
}

// table is a mail with a CSV in CP932 whose cells would run as formulas.
func (s *sampler) table() error {
	h, err := s.head("集計担当", "data@example.net", "アンケートの集計")
	if err != nil {
		return err
	}
	csv, err := japanese.ShiftJIS.NewEncoder().String("氏名,電話,感想\r\n髙橋,090-1234-5678,良かった\r\n佐藤,+81-90-0000-0000,=HYPERLINK(\"https://evil.example/\",\"詳しくはこちら\")\r\n鈴木,-5,=cmd|' /C calc'!A0\r\n")
	if err != nil {
		return err
	}
	s.add("式が仕込まれた CSV（Shift_JIS）", "data@example.net", h+"Content-Type: multipart/mixed; boundary=table\r\n\r\n",
		"--table\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: base64\n\n"+lines([]byte("集計を添付します。\r\n"))+"--table\n"+
			"Content-Type: text/csv\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment;\n filename*=UTF-8''%E9%9B%86%E8%A8%88.csv\n\n"+
			lines([]byte(csv))+"--table--\n")
	return nil
}

// executable is a mail with a program that is called a PDF.
func (s *sampler) executable() error {
	h, err := s.head("請求書係", "billing@example.com", "請求書の送付")
	if err != nil {
		return err
	}
	s.add("請求書.pdf と名乗る実行ファイル", "billing@example.com", h+"Content-Type: multipart/mixed; boundary=exe\r\n\r\n",
		"--exe\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n請求書をお送りします。\n\n--exe\n"+
			"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment;\n filename*=UTF-8''%E8%AB%8B%E6%B1%82%E6%9B%B8.pdf\n\n"+
			lines(program())+"--exe--\n")
	return nil
}

// nested is a mail that carries another mail with a file of its own.
func (s *sampler) nested() error {
	h, err := s.head("佐藤　花子", "sato@example.org", "Fwd: 住民説明会の会場変更について")
	if err != nil {
		return err
	}
	inner, err := s.head("広報係", "koho@example.org", "住民説明会の会場変更について")
	if err != nil {
		return err
	}
	s.add("メールの中のメール", "sato@example.org", h+"Content-Type: multipart/mixed; boundary=outer\r\n\r\n",
		"--outer\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n転送します。\n\n--outer\n"+
			"Content-Type: message/rfc822\nContent-Disposition: attachment; filename=\"forward.eml\"\n\n"+strings.ReplaceAll(inner, "\r\n", "\n")+
			"Content-Type: multipart/mixed; boundary=inner\n\n--inner\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n"+
			"会場を町民会館に変更します。\n\n--inner\nContent-Type: text/plain; charset=UTF-8; name=\"memo.txt\"\nContent-Transfer-Encoding: 8bit\n"+
			"Content-Disposition: attachment; filename=\"memo.txt\"\n\n駐車場は三十台分あります。\n\n--inner--\n\n--outer--\n")
	return nil
}

// lines encodes base64 in lines of 76 characters.
func lines(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(s) > 76 {
		out.WriteString(s[:76] + "\n")
		s = s[76:]
	}
	return out.String() + s + "\n"
}

// picture draws a JPEG and gives it EXIF with a GPS position and an
// orientation that asks for a turn by 90 degrees.
func picture() ([]byte, error) {
	const w, h = 480, 320
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{uint8(120 + x/8), uint8(160 + y/8), 220, 255} // sky
			if y > h/2 {
				c = color.RGBA{uint8(90 + (x+y)%16), uint8(90 + (x+y)%16), 95, 255} // road
			}
			if dx, dy := x-w/2, 2*(y-3*h/4); dx*dx+dy*dy < 3600 {
				c = color.RGBA{40, 32, 28, 255} // hole
			}
			m.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
		return nil, err
	}
	e := exif()
	out := append([]byte{0xFF, 0xD8, 0xFF, 0xE1}, binary.BigEndian.AppendUint16(nil, uint16(len(e)+2))...)
	return append(append(out, e...), b.Bytes()[2:]...), nil
}

// exif returns an APP1 payload: orientation 6 and a GPS directory with a
// latitude reference (EXIF 2.3, §4.6).
func exif() []byte {
	b := []byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08")
	entry := func(tag, kind uint16, count, value uint32) {
		b = binary.BigEndian.AppendUint16(b, tag)
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint32(b, count)
		b = binary.BigEndian.AppendUint32(b, value)
	}
	b = append(b, 0, 2)
	entry(0x0112, 3, 1, 6<<16) // Orientation
	entry(0x8825, 4, 1, 8+2+2*12+4)
	b = append(b, 0, 0, 0, 0)
	b = append(b, 0, 1)
	entry(1, 2, 2, uint32('N')<<24) // GPSLatitudeRef
	return append(b, 0, 0, 0, 0)
}

// program returns the head of a Windows program without any code.
func program() []byte {
	b := make([]byte, 512)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x3C:], 0x80)
	copy(b[0x80:], "PE\x00\x00\x64\x86")
	copy(b[0x100:], "This program is a harmless sample of sekisho.")
	return b
}
