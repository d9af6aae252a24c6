package realtest

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// kind is a sort of mail in the load, by what must become of it.
type kind string

// The sorts of the load.
const (
	plain kind = "plain" // relayed
	html  kind = "html"  // relayed
	table kind = "table" // relayed, with a CSV file
	exe   kind = "exe"   // relayed without its attachment, which is held
	piece kind = "piece" // held as a whole; the recipient is told
	pair  kind = "pair"  // relayed to one, refused for another by the next hop
)

// mixture is how often each sort comes.
var mixture = []kind{plain, plain, plain, html, html, table, exe, piece, pair}

// letter is one mail of the load.
type letter struct {
	kind kind
	id   string // Message-ID
	to   []string
	body []byte
}

// refusedPrefix begins the addresses that the next hop does not know.
const refusedPrefix = "no-"

// newLetter writes the n-th mail of a run. Recipients are its own: substitute
// mails are limited for each of them.
func newLetter(k kind, n int) letter {
	l := letter{kind: k, id: fmt.Sprintf("<%s-%d@example.com>", k, n), to: []string{fmt.Sprintf("k%d@%s", n, domain)}}
	if k == pair {
		l.to = append(l.to, fmt.Sprintf("%s%d@%s", refusedPrefix, n, domain))
	}
	head := fmt.Sprintf("From: Kumin <kumin@example.com>\nTo: %s\nSubject: =?UTF-8?B?%s?=\nDate: Mon, 02 Nov 2026 09:00:00 +0900\nMessage-ID: %s\nMIME-Version: 1.0\n",
		strings.Join(l.to, ", "), base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("申請 %d", n))), l.id)
	l.body = []byte(strings.ReplaceAll(head+content(k, n), "\n", "\r\n"))
	return l
}

func content(k kind, n int) string {
	text := fmt.Sprintf("%d 通目です。\n.\n..点で始まる行\n%s", n, strings.Repeat("よろしくお願いします。\n", 20))
	switch k {
	case html:
		return "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=UTF-8\n\n" + text +
			"--b\nContent-Type: text/html; charset=UTF-8\n\n<html><body><p>" + text + "</p><a href=\"https://example.com/\">ここ</a></body></html>\n--b--\n"
	case table:
		return withFile("text/csv", "表.csv", []byte(strings.Repeat(fmt.Sprintf("番号,金額\r\n%d,=1+1\r\n", n), 50)), text)
	case exe:
		code := append([]byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"), make([]byte, 44)...)
		return withFile("application/octet-stream", "setup.exe", append(code, "\x40\x00\x00\x00PE\x00\x00L\x01CODE"...), text)
	case piece:
		return fmt.Sprintf("Content-Type: message/partial; id=\"p%d@example.com\"; number=1; total=2\n\nSubject: inner\n\n%s", n, text)
	}
	return "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n" + text
}

func withFile(media, name string, data []byte, text string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=UTF-8\n\n%s\n--b\n", text)
	fmt.Fprintf(&b, "Content-Type: %s; name=\"=?UTF-8?B?%s?=\"\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n",
		media, base64.StdEncoding.EncodeToString([]byte(name)))
	code := base64.StdEncoding.EncodeToString(data)
	for len(code) > 76 {
		b.WriteString(code[:76] + "\n")
		code = code[76:]
	}
	b.WriteString(code + "\n--b--\n")
	return b.String()
}
