package charset

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sample is what must be readable in a mail: in a header field, in the body, or in both.
type sample struct {
	path, field, header, body string
}

var ownSamples = []sample{
	{"jis-nec-row13.eml", "Subject", "nec", "①②③ 試験 (㈱)"},
	{"jis-quoted-printable.eml", "Subject", "qp", "Request: 担当者名＝未定です。"},
	{"jis-square-miri.eml", "Subject", "miri", "30㍉ x 45㌔"},
	{"jis-empty-escapes.eml", "Subject", "esc", "試験 end"},
	{"jis-halfwidth-kana.eml", "Subject", "kana", "ｶﾀｶﾅ to カナ"},
	{"jis-q-words-cut-in-shift.eml", "Subject", "【至急】住民説明会の会場変更について", "本文です。"},
	{"sjis-text-attachment.eml", "Subject", "sjis", "資料を送ります。ご確認ください。"},
}

// publicSamples are files of the corpus that $SEKISHO_CORPUS names.
var publicSamples = []sample{
	{"jp/mimekit-japanese.eml", "Subject", "日本語メールテスト (testing Japanese emails)", "送れているか"},
	{"jp/rubymail-example14.eml", "Subject", "Re: TEST  テストテスト", "Hello"},
	{"jp/rubymail-japanese.eml", "Subject", "まみむめも", "かきくえこ"},
	{"jp/rubymail-japanese.eml", "To", "みける <user98@example.org>", ""},
	{"jp/rubymail-japanese_iso_2022.eml", "Subject", "まみむめも", "すみません。"},
	{"jp/rubymail-japanese_shift_jis.eml", "Subject", "test", "このメールはテスト用のメールです。"},
	{"jp/rubymail-japanese_attachment_long_name.eml", "Subject", strings.Repeat("まみむめも", 10), ""},
	{"jp/sisimai-lhost-domino-02.eml", "Subject", "は Domino ディレクトリには見つかりません。", "ユーザー Neko (kijitora@example.co.jp) は Domino "},
	{"jp/sisimai-lhost-ezweb-08.eml", "Subject", "Mail System Error - Returned Mail", "次のあて先へのメッセージはエラーのため送信できませんでした。"},
	{"jp/sisimai-lhost-mfilter-01.eml", "Subject", "failure notice", "このメールは「m-FILTER」が自動的に生成して送信しています。"},
	{"jp/sisimai-lhost-office365-13.eml", "Subject", "Undeliverable: にゃーん", "にゃーん"},
	{"jp/sisimai-lhost-postfix-49.eml", "Subject", "Undelivered Mail Returned to Sender", "このメールと共に返信されているメールは一つ以上の宛先に対"},
	{"jp/sisimai-lhost-sendmail-51.eml", "Subject", "Returned mail: see transcript for details", "The original message was received at Mon"},
	{"eml/zbateson-m0006.eml", "Subject", "Die Hasen und die Frösche (Microsoft Outlook 00)", "Die Hasen klagten einst über ihre mißliche Lage; \"wir leben\""},
	{"eml/zbateson-m0006.eml", "To", "Jürgen Schmürgen <schmuergen@example.com>", ""},
	{"eml/rubymail-utf8_headers.eml", "Subject", "", "body"},
	{"eml/enmime-incorrect-charset.eml", "Subject", "plain text", "∮ E⋅da = Q,  n → ∞"},
}

func TestSamples(t *testing.T) {
	for _, s := range ownSamples {
		t.Run(s.path, func(t *testing.T) { s.check(t, "testdata") })
	}
	corpus := os.Getenv("SEKISHO_CORPUS")
	if corpus == "" {
		return
	}
	for _, s := range publicSamples {
		t.Run(s.path+" "+s.field, func(t *testing.T) { s.check(t, corpus) })
	}
}

func (s sample) check(t *testing.T, dir string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, s.path))
	if err != nil {
		t.Fatal(err)
	}
	header, body := splitMail(raw)
	if got := DecodeHeader(field(header, s.field)).Text; !strings.Contains(got, s.header) {
		t.Errorf("%s: %q, want %q", s.field, got, s.header)
	}
	label := ""
	if m := regexp.MustCompile(`(?i)charset="?([^\s";]+)`).FindSubmatch(header); m != nil {
		label = string(m[1])
	}
	got := Decode(label, untransfer(t, header, body))
	if s.body != "" && (!strings.Contains(got.Text, s.body) || got.Replaced != 0) {
		t.Errorf("body as %s (%q), %d replaced: %q, want %q in it", got.Charset, got.Label, got.Replaced, got.Text, s.body)
	}
}

// splitMail is no MIME parser: these mails need none.
func splitMail(raw []byte) (header, body []byte) {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	header, body, _ = bytes.Cut(raw, []byte("\n\n"))
	return header, body
}

func field(header []byte, name string) []byte {
	m := regexp.MustCompile(`(?im)^` + name + `:([^\n]*(?:\n[ \t][^\n]*)*)`).FindSubmatch(header)
	if m == nil {
		return nil
	}
	return bytes.TrimLeft(m[1], " ")
}

func untransfer(t *testing.T, header, body []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	switch string(bytes.ToLower(bytes.TrimSpace(field(header, "Content-Transfer-Encoding")))) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// TestSampleAttachments reads what the two mails with interesting attachments hold, copied from there.
func TestSampleAttachments(t *testing.T) {
	b, err := base64.StdEncoding.DecodeString("lFuVaYjql5eBRu7gi7SPpJNYgUHtlY5SjUiLxoFBh0CNho7UDQo=")
	if err != nil {
		t.Fatal(err)
	}
	if got := Decode("", b).Text; got != "納品一覧：髙橋商店、﨑山工業、①号車\r\n" {
		t.Errorf("CP932 file: %q", got)
	}
	name := params("filename", "\"=?UTF-8?B?W+yCvOyEseyDneuqhV0yMDIwLjA4Lg==?=\n =?UTF-8?B?MTQg642w7J2866asIOqyveygnOuJtOyKpC5wZGY=?=\"")
	if got := DecodeParam(name, "filename"); got != "[삼성생명]2020.08.14 데일리 경제뉴스.pdf" {
		t.Errorf("Korean name: %q", got)
	}
}
