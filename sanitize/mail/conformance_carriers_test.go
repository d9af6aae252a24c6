package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"sekisho/sanitize/format"
	"sekisho/sanitize/sanitizetest"
)

// carrier is one place of a mail in which words can travel. § stands for its
// mark, in the mail and in shows.
type carrier struct {
	name, mail string
	// shows are the places in which a reader meets it, with | between them,
	// "" when nothing of it may be delivered. There may be no other places.
	shows string
}

// conformField is a mail with one more header line, conformBody one with this
// body behind its fields, conformHTML one with this markup in its page.
func conformField(line string) string {
	return conformHead + "Subject: s\n" + line + "\n\nvisible words\n"
}

func conformBody(fields, body string) string {
	return conformHead + "Subject: s\n" + fields + "\n\n" + body + "\n"
}

func conformHTML(markup string) string {
	return conformBody("Content-Type: text/html; charset=utf-8", "<html><body><p>visible words</p>"+markup+"</body></html>")
}

func conformHTMLHead(markup string) string {
	return conformBody("Content-Type: text/html; charset=utf-8", "<html><head>"+markup+"</head><body><p>visible words</p></body></html>")
}

// conformLater puts a second part behind a text.
func conformLater(part string) string { return conformParts("mixed", "\n\nvisible words", part) }

// conformInner attaches a mail.
func conformInner(mail string) string { return conformLater("Content-Type: message/rfc822\n\n" + mail) }

// conformHeaders are the carriers in the header of a mail. The values of the
// allow-list (DECISIONS 14) are shown, and nothing else is.
func conformHeaders() []carrier {
	gone := []string{
		"Received: from § by mx", "DKIM-Signature: v=1; b=§", "Disposition-Notification-To: §@example.jp",
		"Return-Receipt-To: §@example.jp", "List-Unsubscribe: <https://example.jp/§>", "List-Help: <mailto:§@example.jp>",
		"Bcc: §@example.jp", "Comments: §", "Keywords: §", "X-Anything: §", "X-§: x", "Organization: §", "User-Agent: §",
		"X-Mailer: §", "Thread-Index: §", "Thread-Topic: §", "X-Originating-IP: [§]", "Authentication-Results: §; spf=pass",
		"ARC-Seal: i=1; b=§", "Resent-From: §@example.jp", "Return-Path: <§@example.jp>", "Delivered-To: §@example.jp",
		"X-Sekisho-Result: v=1; verdict=rebuilt; receipt=§", "List-Id: § <list.example.jp>", "Importance: high (§)",
		"Content-Language: en, § and more words", "Precedence: §", "Auto-Submitted: §", "Content-Description: §", "Content-Location: §",
		"Content-ID: <§@x>", "Content-Base: §", "Subject: §", "Message-ID: <§@example.jp>", "Date: Fri, 17 Apr 2026 09:11:00 +0900 (§)",
		"this line § is no field\nX-A: b", "MIME-Version: 1.0 (§)", "Content-Transfer-Encoding: 7bit (§)", "Content-Type: text/plain (§)",
		"Content-Type: text/plain; x-note=\"§\"", "Content-Type: text/plain; charset=x-§", "Content-Type: text/plain; format=§",
		"Sender: \"x\" (§) <x@example.jp>",
	}
	var all []carrier
	for _, line := range gone {
		all = append(all, carrier{name: "field " + line, mail: conformField(line)})
	}
	shown := map[string]string{
		"Reply-To: § <r@example.jp>":               "Reply-To: \"§\" <r@example.jp>",
		"Sender: §@example.jp":                     "Sender: §@example.jp",
		"Cc: r@example.jp (§)":                     "Cc: \"§\" <r@example.jp>", // RFC 5322 3.4: the name in the old way
		"Cc: §:;":                                  "Cc: \"§\":;",
		"In-Reply-To: <§@example.jp>":              "In-Reply-To: <§@example.jp>",
		"References: <§@example.jp>":               "References: <§@example.jp>",
		"List-Id: name <§.example.jp>":             "List-Id: <§.example.jp>",
		"Cc: =?utf-8*§?B?5L2Q?= <r@example.jp>":    "",
		"Cc: =?x-§?B?5L2Q?= <r@example.jp>":        "",
		"Cc: \"Bob\" (§) <r@example.jp>":           "",
		"Cc: <@§.example:r@example.jp>":            "",
		"Cc: Bob <mailto:r@example.jp> §":          "",
		"Cc: Bob <§@old.example> <r@example.jp>":   "「Bob <§@old.example>」（実際は r@example.jp）",
		"the text starts here § already":           "the text starts here § already\n",
		"From: § <second@example.jp>":              "\"§\" <second@example.jp>",
		"Content-Language: §":                      "",
		"Content-Type: text/plain; name=\"§.txt\"": "",
	}
	for line, shows := range shown {
		all = append(all, carrier{name: "field " + line, mail: conformField(line), shows: shows})
	}
	return append(all,
		carrier{"line of a mailbox file", "From §@example.jp Fri Apr 17 09:11:00 2026\n" + conformField("X: y"), ""},
		carrier{"subject", conformHead + "Subject: §\n\nx\n", "Subject: §"},
		carrier{"comment in the id", strings.Replace(conformField("X: y"), "<1@example.jp>", "(§) <1@example.jp>", 1), ""},
	)
}

// conformStructure are the carriers in the MIME structure and in encodings.
func conformStructure() []carrier {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	same := "\n\nEverybody meets in the great hall at nine, bring your books and pens please."
	return []carrier{
		{"preamble", strings.Replace(conformLater("\n\nx"), "--b\n", "§\n--b\n", 1), ""},
		{"epilogue", conformLater("\n\nx") + "§\n", ""},
		{"boundary", conformBody("Content-Type: multipart/mixed; boundary=§", "--§\n\nx\n--§\n\ny\n--§--"), ""},
		{"behind the closing boundary", strings.Replace(conformLater("\n\nx"), "--b--", "--b--§", 1), ""},
		{"content id", conformLater("Content-ID: <§>\n\nx"), ""},
		{"content description", conformLater("Content-Description: §\n\nx"), ""},
		{"content location", conformLater("Content-Location: http://§.example/\n\nx"), ""},
		{"content md5", conformLater("Content-MD5: §\n\nx"), ""},
		{"unknown field of a part", conformLater("X-Note: §\n\nx"), ""},
		{"parameter of a disposition", conformLater("Content-Disposition: inline; creation-date=\"§\"\n\nx"), ""},
		{"unknown disposition", conformLater("Content-Disposition: §\n\nx"), ""},
		{"parameter that looks like a name", conformLater("Content-Type: text/plain; dummy=\"filename=§.txt\"\n\nx"), ""},
		{"name beside a file name", conformLater("Content-Type: text/plain; name=\"§.txt\"\nContent-Disposition: attachment; filename=a.txt\n\nx"), ""},
		{"language of a name", conformLater("Content-Type: text/plain\nContent-Disposition: attachment; filename*=utf-8'§'a.txt\n\nx"), ""},
		{"folder of a name", conformLater("Content-Type: text/plain\nContent-Disposition: attachment; filename=\"C:\\\\§\\\\a.txt\"\n\nx"), ""},
		{"name", conformLater("Content-Type: text/plain\nContent-Disposition: attachment; filename=§.txt\n\nx"), "「§.txt」|[text/plain §.txt]"},
		{"signature", conformParts("signed", "\n\nx", conformFile("application/pkcs7-signature", "smime.p7s", "0\x82 §")), ""},
		{"armoured signature", conformParts("signed", "\n\nx", "Content-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\n§\n"), ""},
		{"form that is not shown", conformParts("alternative", same, "Content-Type: text/html\n\n<p title=\"§\">"+same+"</p><p>§</p>"), ""},
		{"form for other programs", conformParts("alternative", same, "Content-Type: text/x-amp-html\n\n<p>§</p>"), ""},
		{"form that says more", conformParts("alternative", same, "Content-Type: text/html\n\n<p>§ gives another date and another place</p>"), "§ gives another date and another place"},
		{"body stored elsewhere", conformLater("Content-Type: message/external-body; access-type=URL; URL=\"http://§.example/\"\n\nContent-Type: text/plain\n\n§"), ""},
		{"winmail.dat", conformLater(conformFile("application/ms-tnef", "winmail.dat", "\x78\x9F\x3E\x22§")), ""},
		{"program", conformLater(conformFile("application/x-msdownload", "a.exe", "MZ\x90\x00§")), ""},
		{"name of a program", conformLater(conformFile("application/x-msdownload", "§.exe", "MZ\x90\x00")), "「§.exe」"},
		{"encrypted mail", conformParts("encrypted", "Content-Type: application/pgp-encrypted\n\nVersion: 1", "Content-Type: application/octet-stream\n\n§"), ""},
		{"yEnc", conformLater("Content-Type: text/plain\nContent-Transfer-Encoding: x-yenc\n\n=ybegin line=128 size=3 name=x\n§"), ""},
		{"media type", conformLater("Content-Type: application/§; name=a.bin\n\nx"), ""},
		{"transfer encoding", conformLater("Content-Type: text/plain\nContent-Transfer-Encoding: §\n\nx"), ""},
		{"footer behind base64", conformBody("Content-Type: text/plain\nContent-Transfer-Encoding: base64", b64("visible words\n")+"\n*** § ***"), ""},
		{"base64 goes on behind its padding", conformBody("Content-Type: text/plain\nContent-Transfer-Encoding: base64", b64("visible.")+"\n"+b64("§\n")), "visible.§"},
		{"words behind a soft line break", conformBody("Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable", "visible= §\n"), "visible= §"},
		{"command of enriched text", conformBody("Content-Type: text/enriched", "visible <color><param>§</param>words</color>"), ""},
		{"unknown command of enriched text", conformBody("Content-Type: text/enriched", "visible <§>words</§>"), ""},
		{"name in uuencode", conformBody("X: y", "begin 644 §.txt\n#0V%T\nend"), "「§.txt」|[text/plain §.txt]"},
		{"behind uuencode", conformBody("X: y", "begin 644 cat.txt\n#0V%T\nend\n§"), "§\n"},
		{"property of an invitation", conformLater("Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nPRODID:§\nX-ALT-DESC:§\nBEGIN:VEVENT\nSUMMARY:Meeting\nATTACH:http://§/\nUID:§\nEND:VEVENT\nEND:VCALENDAR"), ""},
		{"summary of an invitation", conformLater("Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:§\nEND:VEVENT\nEND:VCALENDAR"), "§\n"},
		{"trace of an attached mail", conformInner("Received: from §\nX-Note: §\nDKIM-Signature: §\nFrom: a@example.jp (x)\nSubject: s\n\nx"), ""},
		{"subject of an attached mail", conformInner("From: a@example.jp\nSubject: s\n\n§"), "§\n"},
		{"hidden words of an attached page", conformInner("From: a@example.jp\nSubject: s\nContent-Type: text/html\n\n<p>x</p><!-- § --><script>§</script>"), ""},
	}
}

// conformMarkup are the carriers in HTML. Hidden words are shown and marked:
// who hides them may speak to filters, to machines or to some readers only.
func conformMarkup() []carrier {
	gone := []string{
		"<!-- § -->", "<script>§</script>", "<script src=\"https://example.com/§.js\"></script>",
		"<style>.a{color:red}/* § */</style>", "<p onclick=\"§\">a</p>", "<p data-x=\"§\">a</p>",
		"<p id=\"§\" class=\"§\">a</p>", "<p title=\"§\">a</p>", "<p style=\"font-family:§\">a</p>", "<p lang=\"§\">a</p>",
		"<input type=hidden name=a value=\"§\">", "<a href=\"javascript:§()\">a</a>", "<a href=\"vbscript:§\">a</a>",
		"<a href=\"data:text/html,§\">a</a>", "<a href=\"file:///§\">a</a>", "<a href=\"https://example.com/a\" ping=\"https://example.com/§\">a</a>",
		"<img src=\"https://example.com/§.png\">", "<img srcset=\"https://example.com/§.png 2x\">", "<img src=\"data:image/png;base64,§\">",
		"<img src=\"cid:§\">", "<img longdesc=\"§\" src=\"x.png\">", "<template><p>§</p></template>", "<noscript>§</noscript>",
		"<iframe src=\"https://example.com/§\"></iframe>", "<iframe srcdoc=\"<p>§</p>\"></iframe>", "<iframe>§</iframe>",
		"<object data=\"https://example.com/§\"></object>", "<object><param name=a value=\"§\"></object>", "<embed src=\"https://example.com/§\">",
		"<svg><script>§</script></svg>", "<svg><desc>§</desc><metadata>§</metadata></svg>",
		"<table background=\"https://example.com/§.png\"><tr><td>a</td></tr></table>", "<audio src=\"https://example.com/§\"></audio>",
		"<?xml § ?>", "<![CDATA[§]]>", "<!DOCTYPE §>", "<o:p data=\"§\"></o:p>", "</§>", "<p>a</p §>", "<datalist><option value=\"§\"></datalist>",
		"<input type=submit formaction=\"https://example.com/§\" value=a>", "<bgsound src=\"§\">",
		"<p itemprop=\"§\">a</p>", "<a name=\"§\">a</a>", "<font face=\"§\">a</font>", "<input type=file accept=\"§\">",
	}
	var all []carrier
	for _, m := range gone {
		all = append(all, carrier{name: "html " + m, mail: conformHTML(m)})
	}
	for _, m := range []string{"<title>§</title>", "<meta name=description content=\"§\">", "<meta http-equiv=refresh content=\"0;url=https://example.com/§\">",
		"<base href=\"https://example.com/§/\">", "<link rel=stylesheet href=\"https://example.com/§.css\">", "<style>@import \"https://example.com/§\";</style>",
		"<script type=\"application/ld+json\">{\"a\":\"§\"}</script>", "<!--[if mso]><xml><w:View>§</w:View></xml><![endif]-->"} {
		all = append(all, carrier{name: "head " + m, mail: conformHTMLHead(m)})
	}
	for m, shows := range map[string]string{
		"<img src=x alt=\"§\">":                                                   "§",
		"<p style=\"display:none\">§</p>":                                         "〔隠された文字: §〕",
		"<p style=\"font-size:0\">§</p>":                                          "〔隠された文字: §〕",
		"<p style=\"color:#fff;background:#fff\">§</p>":                           "〔隠された文字: §〕",
		"<!--[if mso]><p>§</p><![endif]-->":                                       "〔条件付きの文字: §〕",
		"<style>p:after{content:\"§\"}</style>":                                   "〔飾り文字: §〕",
		"<p hidden>§</p>":                                                         "〔隠された文字: §〕",
		"<a href=\"https://example.com/§\">a</a>":                                 "https://example.com/§",
		"<form action=\"https://example.com/§\">a</form>":                         "〔フォームの送信先: hxxps://example[.]com/§ 〕",
		"<area href=\"https://example.com/§\">":                                   "〔画像〕 <https://example.com/§>",
		"<xml><x>§</x></xml>":                                                     "§", // browsers show what stands in elements that they do not know
		"<textarea>§</textarea>":                                                  "§",
		"<input type=submit value=\"§\">":                                         "§",
		"<p>§</p>":                                                                "§",
		"<noscript><p>§ " + strings.Repeat("long words ", 30) + "</p></noscript>": "§ long words",
		"<![if !mso]><p>§</p><![endif]>":                                          "§",
	} {
		all = append(all, carrier{name: "html " + m, mail: conformHTML(m), shows: shows})
	}
	return all
}

// TestMailCarriers plants a mark in one carrier after the other and looks for
// it in everything that is delivered.
// spec: g1
func TestMailCarriers(t *testing.T) {
	seen := map[string]bool{}
	for i, c := range append(append(conformHeaders(), conformStructure()...), conformMarkup()...) {
		if seen[c.name] {
			t.Errorf("%q stands twice", c.name)
		}
		seen[c.name] = true
		t.Run(c.name, func(t *testing.T) { c.check(t, fmt.Sprintf("Canary%03dq", i)) })
	}
}

func (c carrier) check(t *testing.T, mark string) {
	data := conformMark([]byte(c.mail), mark)
	if string(data) == c.mail {
		t.Fatal("no mark is planted")
	}
	in := format.Untrusted{Data: data, Budget: sanitizetest.Budget()}
	o, err := sanitizetest.Sanitize(t.Context(), conformFormat(), in, format.Construction{Facts: buildFacts()}, conformKids(t.Context()))
	if err != nil || len(o.Faults) > 0 {
		t.Fatal(err, o.Faults)
	}
	seen, err := conformShow(o.Data)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(c.mail, "visible") && !strings.Contains(seen, "visible") {
		t.Errorf("the visible words are lost in\n%s", seen)
	}
	for want := range strings.SplitSeq(strings.ReplaceAll(c.shows, "§", mark), "|") {
		if !strings.Contains(seen, want) {
			t.Errorf("no %q in\n%s", want, seen)
		}
	}
	if n := strings.Count(strings.ToLower(seen), strings.ToLower(mark)); n != strings.Count(c.shows, "§") {
		t.Errorf("the mark stands %d times in\n%s", n, seen)
	}
	if c.shows == "" {
		conformAbsent(t, o.Data, mark)
	}
}

// conformMark puts the mark in place of each §, also inside base64 lines.
func conformMark(mail []byte, mark string) []byte {
	var out []string
	for line := range strings.SplitSeq(string(mail), "\n") {
		if raw, err := base64.StdEncoding.DecodeString(line); err == nil && bytes.Contains(raw, []byte("§")) {
			line = base64.StdEncoding.EncodeToString(bytes.ReplaceAll(raw, []byte("§"), []byte(mark)))
		}
		out = append(out, strings.ReplaceAll(line, "§", mark))
	}
	return []byte(strings.Join(out, "\n"))
}

// conformAbsent looks for the mark in the mail's own bytes: as it is, in other
// letters, in base64 at each of the three offsets, and in UTF-16.
func conformAbsent(t *testing.T, data []byte, mark string) {
	joined := bytes.ReplaceAll(data, []byte("\r\n"), nil)
	forms := [][]byte{[]byte(mark)}
	for _, s := range []string{mark, strings.ToLower(mark)} {
		for shift := range 3 {
			enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + s))
			forms = append(forms, []byte(enc[4:len(enc)-4]))
		}
	}
	var wide []byte
	for _, u := range utf16.Encode([]rune(mark)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for _, f := range append(forms, wide) {
		if bytes.Contains(joined, f) {
			t.Errorf("the mark came through as %q", f)
		}
	}
}
