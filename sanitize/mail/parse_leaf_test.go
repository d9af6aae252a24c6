package mail

import "testing"

// parseNamed is a mail with one attachment that has these header lines.
func parseNamed(header string) string {
	return parseMixed(partText, header+"\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQ=")
}

// TestParseNames holds the ways in which senders write file names.
func TestParseNames(t *testing.T) {
	name := func(n string) []string { return []string{`child attachment "` + n + `"`, "%PDF-1.4"} }
	parseRunCases(t, []parseCase{
		{name: "filename wins over name", in: parseNamed("Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment; filename=b.exe"), want: name("b.exe")},
		{name: "name only", in: parseNamed("Content-Type: application/pdf; name=a.pdf"), want: name("a.pdf")},
		{name: "no semicolon before name", in: parseNamed("Content-Type: application/pdf name=\"a.pdf\""), want: name("a.pdf")},
		{name: "filename inside another value", in: parseNamed("Content-Disposition: attachment; dummy=\"filename=safe.txt\"; notafilename=wrong.txt; filename=real.exe"), want: name("real.exe")},
		{name: "unquoted with blanks", in: parseNamed("Content-Disposition: attachment; filename=my long name.pdf"), want: name("my long name.pdf")},
		{name: "unquoted with parentheses", in: parseNamed("Content-Disposition: attachment; filename=a(1).pdf; size=3"), want: name("a(1).pdf")},
		{name: "unquoted kanji", in: parseNamed("Content-Disposition: attachment; filename=資料.pdf"), want: name("資料.pdf")},
		{name: "raw Shift_JIS with 0x5C", in: parseNamed("Content-Disposition: attachment; filename=\"\x95\x5c\x8e\xa6\x94\x5c.pdf\""), want: name("表示能.pdf")},
		{name: "raw ISO-2022-JP with a quote byte", in: parseNamed("Content-Disposition: attachment; filename=\"\x1b$B\x25\x22\x25\x24\x1b(B.pdf\""), want: name("アイ.pdf")},
		{name: "RFC 2047 in quotes", in: parseNamed("Content-Disposition: attachment; filename=\"=?iso-2022-jp?B?GyRCO3FOQRsoQg==?=.pdf\""), want: name("資料.pdf")},
		{name: "RFC 2047 without quotes", in: parseNamed("Content-Disposition: attachment; filename==?utf-8?B?6LOH5paZ?=.pdf"), want: name("資料.pdf")},
		{name: "RFC 2047 cut over two strings", in: parseNamed("Content-Disposition: attachment;\n filename=\"=?utf-8?B?6LOH?=\"\n \"=?utf-8?B?5paZ?=.pdf\""), want: name("資料.pdf")},
		{name: "RFC 2231", in: parseNamed("Content-Disposition: attachment; filename*=utf-8''%E8%B3%87%E6%96%99.pdf"), want: name("資料.pdf")},
		{name: "RFC 2231 in Shift_JIS", in: parseNamed("Content-Disposition: attachment; filename*=shift_jis''%8E%91%97%BF.pdf"), want: name("資料.pdf")},
		{name: "RFC 2231 in ISO-2022-JP", in: parseNamed("Content-Disposition: attachment; filename*=iso-2022-jp'ja'%1B%24B%3BqNA%1B%28B.pdf"), want: name("資料.pdf")},
		{name: "RFC 2231 pieces out of order", in: parseNamed("Content-Disposition: attachment; filename*1=\"f\"; filename*0=\"a.pd\""), want: name("a.pdf")},
		{name: "filename* over filename", in: parseNamed("Content-Disposition: attachment; filename=fallback.pdf; filename*=utf-8''%E8%B3%87.pdf"), want: name("資.pdf")},
		{name: "unbalanced quote", in: parseNamed("Content-Disposition: attachment; filename=\"a.pdf"), want: name("a.pdf")},
		{name: "unbalanced quote before another parameter", in: parseNamed("Content-Disposition: attachment; filename=\"a.pdf; size=3"), want: name("a.pdf")},
		{name: "quote inside quotes", in: parseNamed(`Content-Disposition: attachment; filename="a"b"c.pdf"; size=3`), want: name(`a\"b\"c.pdf`)},
		{name: "escaped quote", in: parseNamed(`Content-Disposition: attachment; filename="a\"b.pdf"`), want: name(`a\"b.pdf`)},
		{name: "windows path", in: parseNamed(`Content-Disposition: attachment; filename="C:\temp\a.pdf"`), want: name("a.pdf")},
		{name: "unix path", in: parseNamed(`Content-Disposition: attachment; filename="../../etc/a.pdf"`), want: name("a.pdf")},
		{name: "double extension", in: parseNamed(`Content-Disposition: attachment; filename="a.pdf.exe"`), want: name("a.pdf.exe")},
		{name: "right-to-left override", in: parseNamed("Content-Disposition: attachment; filename=\"a\u202Efdp.exe\""), want: append(name("afdp.exe"), "note bidi_removed")},
		{name: "NUL in the name", in: parseNamed("Content-Disposition: attachment; filename=\"a.pdf\x00.exe\""), want: name("a.pdf.exe")},
		{name: "line break in the name", in: parseNamed("Content-Disposition: attachment; filename*=utf-8''a%0Ab.pdf"), want: name("a b.pdf")},
		{name: "filename in content-type", in: parseNamed("Content-Type: application/pdf; filename=a.pdf"), want: name("a.pdf")},
		{name: "name in content-disposition", in: parseNamed("Content-Disposition: attachment; name=a.pdf"), want: name("a.pdf")},
		{name: "no disposition word", in: parseNamed("Content-Disposition: ; filename=\"a.pdf\"\nContent-Type: application/pdf"), want: name("a.pdf")},
		{name: "disposition word missing altogether", in: parseNamed("Content-Disposition: filename=\"a.pdf\"\nContent-Type: application/pdf"), want: name("a.pdf")},
		{name: "doubled semicolons", in: parseNamed("Content-Disposition: attachment;; ;filename=\"a.pdf\";"), want: name("a.pdf")},
		{name: "comma for semicolon", in: parseNamed("Content-Disposition: attachment, filename=\"a.pdf\""), want: name("a.pdf")},
		{name: "missing semicolon between parameters", in: parseNamed("Content-Type: application/pdf; name=a.pdf charset=utf-8"), want: name("a.pdf")},
		{name: "blanks around the equals sign", in: parseNamed("Content-Disposition: attachment; filename = \"a.pdf\""), want: name("a.pdf")},
	})
}

// TestParseEncodings holds damaged transfer encodings.
func TestParseEncodings(t *testing.T) {
	cte := func(v, body string) string { return parsePlain("Content-Transfer-Encoding: "+v, body) }
	parseRunCases(t, []parseCase{
		{name: "base64", in: cte("base64", "aGVsbG8="), want: []string{`"hello"`}},
		{name: "base64 with comment", in: cte("base64 (x)", "aGVsbG8="), want: []string{`"hello"`}},
		{name: "base64 in quotes", in: cte("\"base64\"", "aGVsbG8="), want: []string{`"hello"`}},
		{name: "base64 with semicolon", in: cte("base64;", "aGVsbG8="), want: []string{`"hello"`}},
		{name: "BASE64", in: cte("BASE64", "aGVsbG8="), want: []string{`"hello"`}},
		{name: "comment before base64", in: cte("(x) base64", "aGVsbG8="), want: []string{`"hello"`}},
		{name: "base64 without padding", in: cte("base64", "aGVsbG8"), want: []string{`"hello"`, "base64 repaired"}},
		{name: "base64 with too much padding", in: cte("base64", "aGVsbG8======"), want: []string{`"hello"`}},
		{name: "base64 padded in the middle", in: cte("base64", "aGVs\nbG8=\nIHdvcmxk"), want: []string{`"hello world"`}},
		{name: "base64 4n+1", in: cte("base64", "aGVsbG8gd29ybGRhZ"), want: []string{`"hello worlda"`, "base64 repaired"}},
		{name: "base64 with junk", in: cte("base64", "aGV*sbG8="), want: []string{`"hello"`, "base64 repaired"}},
		{name: "base64 with a footer", in: cte("base64", "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQg\naGVsbG8=\n_______\nlist footer here\n"), want: []string{`"hello world hello world hello"`}, absent: []string{"body_rest"}},
		{name: "base64 with a footer and no padding", in: cte("base64", "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQg\naGVsbG8h\n_______\nlist footer here\n"), want: []string{`"hello world hello world hello!"`, "note body_rest"}},
		{name: "base64 behind a line of junk", in: parsePlain("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", "5pys5pel44Gu44GK55+l44KJ44Gb44Gn44GZ44CC44GK6Kqt44G/44GP44Gg44GV\n44GE44CC5pSv5omV44GE\n!!!!\n44Gv5b+F6KaB44Gn44Gv44GC44KK44G+44Gb44KT44CC\n"),
			want: []string{`"本日のお知らせです。お読みください。支払いは必要ではありません。"`, "base64 repaired"}, absent: []string{"body_rest"}},
		{name: "base64 with junk in each line", in: parsePlain("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", "5pys5pel44Gu44GK55+l44KJ44Gb44Gn44GZ44CC44GK6Kqt44G/44GP44Gg44GV\n44GE44CC5pSv5omV44GE\n! 44Gv5b+F6KaB44Gn44Gv44GC44KK44G+44Gb44KT44CC !\n"),
			want: []string{`必要ではありません。"`}},
		{name: "base64 of another text behind junk", in: parsePlain("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", "5pys5pel44Gu44GK55+l44KJ44Gb44Gn44GZ44CC44GK6Kqt44G/44GP44Gg44GV\n44GE44CC5pSv5omV44GE\n!!!!\n/////w==\n44Gv5b+F6KaB44Gn44Gv44GC44KK44G+44Gb44KT44CC\n"),
			want: []string{`本日のお知らせです。`, "note body_rest"}},
		{name: "base64 of a file with junk between", in: parseMixed(partText, "Content-Type: application/pdf; name=x.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0x\nLjQK\n!!!!\naGVsbG8="),
			want: []string{`"%PDF-1.4\nhello"`}, absent: []string{"body_rest"}},
		{name: "plain words called base64", in: cte("base64", "these are words, plainly\nand some\nmore of them\n"), want: []string{"these are words, plainly"}, absent: []string{"body_rest"}},
		{name: "quoted-printable", in: cte("quoted-printable", "a=3Db=\nc\n"), want: []string{`"a=bc\n"`}},
		{name: "qp lower case digits", in: cte("quoted-printable", "=e3=81=82"), want: []string{`"あ"`}},
		{name: "qp wrong sequence", in: cte("quoted-printable", "50=% off =ZZ"), want: []string{`"50=% off =ZZ"`, "repaired"}},
		{name: "qp blanks at the end", in: cte("quoted-printable", "a  \nb= \nc\n"), want: []string{`"a\nbc\n"`}},
		{name: "qp equals at the end", in: cte("quoted-printable", "abc="), want: []string{`"abc"`}},
		{name: "quoted printable misspelt", in: cte("quoted printable", "a=3Db"), want: []string{`"a=b"`}},
		{name: "8-bit", in: cte("8-bit", "あ"), want: []string{`"あ"`}, absent: []string{"note mime"}},
		{name: "unknown on text", in: cte("base9000", "hello"), want: []string{`"hello"`, "unknown transfer encoding"}},
		{name: "unknown on a file", in: parseMixed(partText, "Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base9000\n\nUEsDBA=="), want: []string{"why=malformed"}},
		{name: "no base64 on a file", in: parseMixed(partText, "Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n****!!!!\n"), want: []string{"why=malformed"}},
		{name: "yenc", in: parseMixed(partText, "Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: x-yenc\n\n=ybegin line=128\n"), want: []string{"why=kind_unsupported"}},
		{name: "binhex type", in: parseMixed(partText, "Content-Type: application/mac-binhex40; name=a.png\n\n(This file must be converted)\n"), want: []string{"why=kind_unsupported"}},
		{name: "uuencoded part", in: parseMixed(partText, "Content-Type: application/octet-stream\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a.txt\n#86)C\n`\nend\n"), want: []string{`child attachment "a.txt" application/octet-stream cid= why= "abc"`}},
		{name: "uuencoded file in a body", in: parsePlain("Subject: s", "before\nbegin 644 a.txt\n#86)C\n`\nend\nafter\n"), want: []string{
			"text body 0 \"before\\n\"\nchild attachment \"a.txt\"  cid= why= \"abc\"\ntext body 1 \"after\\n\"", "note uuencode_decoded"}},
		{name: "prose that begins with begin", in: parsePlain("Subject: s", "begin 644 reasons\nto stay with us\n"), want: []string{`"begin 644 reasons\nto stay with us\n"`}, absent: []string{"child"}},
		{name: "uuencode without end", in: parsePlain("Subject: s", "begin 644 a.txt\n#86)C\nwords again, not data\n"), want: []string{`"a.txt"`, `"abc"`, `"words again, not data\n"`}},
		{name: "attached mail in base64", in: parseMixed(partText, "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW5uZXIKCnRleHQK"), want: []string{`child message "inner.eml" message/rfc822 cid= why= "Subject: inner\n\ntext\n"`}},
		{name: "attached mail called base64 but plain", in: parseMixed(partText, "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nFrom: c@example.jp (C.)\nSubject: inner\n\ntext, plain text\n"), want: []string{`child message "inner.eml"`, "text, plain text"}},
	})
}
