package sanitize

import (
	"fmt"
	"strings"
)

// evasionNames disguise a program by its name.
func evasionNames() []evasion {
	var params []string
	for _, n := range []string{"evil\u202Etxt.exe", "evil\u202Egnp.exe", "\u202Aevil.exe", "evil.exe\x00.txt", "evil.exe%00.txt", "evil.exe.", "evil.exe..", "evil.exe ", "evil.exe . .",
		"evil.exe\t", "evil.exe\u00A0", "evil.exe\u3000", "evil\u2024exe", "evil\uFF0Eexe", "evil\u3002exe", "evil．ｅｘｅ", "evil.ｅｘｅ", "evil.txt.exe", "evil.exe.txt", "evil.png.exe.txt",
		"evil.txt" + strings.Repeat(" ", 300) + ".exe", "evil.txt" + strings.Repeat("\u3000", 100) + ".exe", strings.Repeat("a", 400) + ".exe", "../../evil.exe", "..\\\\..\\\\evil.exe",
		"C:\\\\evil.exe", "//server/share/evil.exe", "evil.txt::$DATA", "evil.exe:a.txt", "con.exe", "nul", "LPT1.txt", ".exe", "exe", ".", "..", "evil.\u200Bexe", "evil.e\u00ADxe", "evil.ex\u0435",
		"evil.e\u0301xe", "evil.{00021401-0000-0000-C000-000000000046}", "evil.txt\\r\\nX: y", "evil\\\".exe", "evil;.exe", "evil.exe;a.txt", "evil.SCR", "evil.Com", "evil.pif", "evil.cpl", "evil.msi", "evil.dll",
		"evil.jpg", "evil.png", "evil.csv", "evil.html", "evil.eml", "evil.zip", "evil.pdf", "evil", "evil.unknown", "", "請求書.exe", "請求書\u202Efdp.exe", "\uFEFFevil.exe", "evil\u2028.exe", "evil/.exe"} {
		params = append(params, "filename=\""+n+"\"")
	}
	return evasionPacked("file name", params)
}

// evasionLines play with line ends, with the end of the header and with field
// names. They are not changed to CRLF.
func evasionLines() []evasion {
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	mail := evasionMixed(evasionFile)
	whole := crlf(mail)
	at := func(old, with string) string { return crlf(strings.Replace(mail, old, with, 1)) }
	file := func(old, with string) string {
		return crlf(evasionMixed(strings.Replace(evasionFile, old, with, 1)))
	}
	rows := [][2]string{
		{"LF", mail}, {"CR", strings.ReplaceAll(mail, "\n", "\r")}, {"CR CR LF", strings.ReplaceAll(mail, "\n", "\r\r\n")}, {"LF CR", strings.ReplaceAll(mail, "\n", "\n\r")},
		{"LF in the header, CRLF below", strings.Replace(whole, "\r\n\r\n--b", "\n\n--b", 1)}, {"CR ends a field", strings.Replace(whole, "1.0\r\n", "1.0\r", 1)},
		{"CR before the file's header", strings.Replace(whole, "\r\n--b\r\nContent-Type: application", "\r--b\rContent-Type: application", 1)},
		{"LF before the file's header", strings.Replace(whole, "\r\n--b\r\nContent-Type: application", "\n--b\nContent-Type: application", 1)},
		{"next line of Unicode", strings.Replace(whole, "\r\n--b\r\nContent-Type: application", "\xC2\x85--b\xC2\x85Content-Type: application", 1) + crlf(evasionFile)},
		{"line separator of Unicode", strings.Replace(whole, "1.0\r\n", "1.0\u2028", 1)}, {"vertical tab", strings.Replace(whole, "1.0\r\n", "1.0\v", 1)}, {"form feed", strings.Replace(whole, "1.0\r\n", "1.0\f", 1)},
		{"zero byte in a field name", at("Content-Type: multipart", "Content-\x00Type: multipart")}, {"zero byte in the type", at("multipart/mixed", "multi\x00part/mixed")},
		{"zero byte in the boundary", at("boundary=b", "boundary=b\x00")}, {"zero byte alone on a line", at("MIME-Version", "\x00\nMIME-Version")},
		{"blank before the colon", at("Content-Type: multipart", "Content-Type : multipart")}, {"tab before the colon", at("Content-Type: multipart", "Content-Type\t: multipart")},
		{"no blank behind the colon", at("Content-Type: multipart", "Content-Type:multipart")}, {"two colons", at("Content-Type: multipart", "Content-Type:: multipart")},
		{"blank before the name", at("Content-Type: multipart", " Content-Type: multipart")}, {"name in capitals", at("Content-Type: multipart", "CONTENT-TYPE: multipart")},
		{"fold in the name", at("Content-Type: multipart", "Content-\n Type: multipart")}, {"empty first line", at("Content-Type: multipart", "Content-Type:\n multipart")},
		{"blank line of a space", at("boundary=b\n\n", "boundary=b\n \n")}, {"blank line of a space before the type", at("Content-Type: multipart", " \nContent-Type: multipart")},
		{"blank line before the type", at("Content-Type: multipart", "\nContent-Type: multipart")}, {"blank line on top", "\r\n" + whole}, {"three blank lines on top", "\r\n\r\n\r\n" + whole},
		{"mark of byte order on top", "\xEF\xBB\xBF" + whole}, {"line of a mailbox file on top", "From a@example.com Fri Apr 17 09:11:00 2026\r\n" + whole}, {"stray line in the header", at("MIME-Version", "stray line\nMIME-Version")},
		{"stray line on top", "stray line\r\n" + whole}, {"no-break space in a name", at("Content-Type: multipart", "Content-Type\u00A0: multipart")},
		{"name of other letters", at("Content-Type: multipart", "Сontent-Type: multipart")}, {"long field", at("MIME-Version", "X-Long: "+strings.Repeat("x", 5000)+"\nMIME-Version")},
		{"no header at all", "--b\r\n" + crlf(evasionText) + "--b\r\n" + crlf(evasionFile) + "--b--\r\n"}, {"header that ends at once", "\r\n\r\n" + whole},
		{"part: blank before the colon", file("Encoding:", "Encoding :")}, {"part: fold in the encoding", file("Encoding: base64", "Encoding:\n base64")}, {"part: fold of a blank", file("Encoding: base64", "Encoding: base64\n ")},
		{"part: blank line before the encoding", file("Content-Transfer", "\nContent-Transfer")}, {"part: space line before the encoding", file("Content-Transfer", " \nContent-Transfer")},
		{"part: stray line", file("Content-Transfer", "stray\nContent-Transfer")}, {"part: zero byte", file("base64", "base\x0064")}, {"part: CR in the name", file("filename=evil.exe", "filename=evil\r.exe")},
		{"part: header behind two blank lines", file("Content-Type", "\n\nContent-Type")}, {"part: byte order mark", file("Content-Type", "\xEF\xBB\xBFContent-Type")},
		{"part: tab for the blank line", file("evil.exe\n\n«B»", "evil.exe\n\t\n«B»")}, {"part: name with a colon first", file("Content-Transfer", ":Content-Transfer")},
		{"end of input mark", whole + "\x1a"}, {"zero bytes at the end", whole + strings.Repeat("\x00", 600)}, {"dots", strings.Replace(whole, "\r\n--b\r\nContent-Type: app", "\r\n..\r\n.\r\n--b\r\nContent-Type: app", 1)},
	}
	all := evasionRows("line", rows...)
	for i := range all {
		all[i].exact = true
	}
	return all
}

// evasionPlaces put the file into parts that are not read as files.
func evasionPlaces() []evasion {
	enc := "\nContent-Transfer-Encoding: base64\n\n«B»\n"
	part := func(ctype string) string { return evasionMixed("Content-Type: " + ctype + enc) }
	in := func(kind string) string { return evasionTyped(kind+"; boundary=b", evasionFile) }
	nest := evasionFile
	for i := range 4 {
		nest = fmt.Sprintf("Content-Type: message/rfc822\n\nFrom: a@example.com\nSubject: %d\nContent-Type: multipart/mixed; boundary=n%d-\n\n--n%d-\n%s--n%d---\n", i, i, i, nest, i)
	}
	var rows [][2]string
	for _, c := range []string{"image/png; name=a.png", "image/jpeg", "image/gif; name=a", "text/csv; name=a.csv", "text/html", "text/plain", "text/enriched", "text/richtext", "text/rfc822-headers",
		"message/delivery-status", "message/disposition-notification", "message/feedback-report", "message/rfc822", "message/global", "message/news", "message/http", "message/partial; id=x; number=1; total=1",
		"message/external-body; access-type=local-file; name=evil.exe", "application/pgp-signature", "application/pgp-signature; name=evil.exe", "application/pkcs7-signature; name=smime.p7s", "application/pkcs7-mime; name=smime.p7m",
		"application/pgp-encrypted", "application/ms-tnef; name=winmail.dat", "application/rtf", "text/calendar", "text/vcard; name=a.vcf", "application/mac-binhex40", "application/applefile", "application/x-zip-compressed; name=a.zip",
		"multipart/mixed", "multipart/mixed; boundary=zz", "multipart/form-data", "text", "/", "text/", "x", "text/x-amp-html", "application/xhtml+xml", "application/pdf; name=a.pdf", "audio/x-wav; name=a.wav", "text/plain; format=flowed"} {
		rows = append(rows, [2]string{"as " + c, part(c)})
	}
	for _, k := range []string{"multipart/alternative", "multipart/related", "multipart/digest", "multipart/parallel", "multipart/appledouble", "multipart/x-unknown", "multipart/signed", "multipart/encrypted", "multipart/report", "multipart/form-data", "multipart/byteranges", "multipart/"} {
		rows = append(rows, [2]string{"in " + k, in(k)})
	}
	rows = append(rows,
		[2]string{"four mails deep", evasionMixed(nest)}, [2]string{"in a page, as data", evasionMixed("Content-Type: text/html\n\n<p>x</p><a href=\"data:application/octet-stream;base64,«L»\">a</a>\n")},
		[2]string{"in a page, in a comment", evasionMixed("Content-Type: text/html\n\n<p>x</p><!-- «B» -->\n")}, [2]string{"in a page, in a script", evasionMixed("Content-Type: text/html\n\n<p>x</p><script>f('«L»')</script>\n")},
		[2]string{"in a page, as a picture", evasionMixed("Content-Type: text/html\n\n<p>x</p><img src=\"data:image/png;base64,«L»\">\n")}, [2]string{"in a page, in an attribute", evasionMixed("Content-Type: text/html\n\n<p data-x=\"«L»\">x</p>\n")},
		[2]string{"in a page, behind a broken tag", evasionMixed("Content-Type: text/html\n\n<p>x</p><p title=\"«L»\n")}, [2]string{"in an invitation", evasionMixed("Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nATTACH;ENCODING=BASE64;VALUE=BINARY:«L»\nEND:VEVENT\nEND:VCALENDAR\n")},
		[2]string{"in a card", evasionMixed("Content-Type: text/vcard; name=a.vcf\n\nBEGIN:VCARD\nPHOTO;ENCODING=b:«L»\nEND:VCARD\n")}, [2]string{"behind a picture", evasionMixed("Content-Type: image/gif; name=a.gif\nContent-Transfer-Encoding: base64\n\nR0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7\n«B»\n")},
		[2]string{"related, by its id", strings.Replace(evasionTyped("multipart/related; boundary=b", "Content-ID: <x>\n"+evasionFile), "text/plain\n\nvisible words", "text/html\n\n<img src=\"cid:x\">visible words", 1)},
		[2]string{"related, named as the start", evasionTyped("multipart/related; boundary=b; start=\"<x>\"", "Content-ID: <x>\n"+evasionFile)},
		[2]string{"bytes in a text", evasionMixed("Content-Type: text/plain\n\n«R»\n")}, [2]string{"bytes without a type", evasionMixed("\n«R»\n")},
	)
	return evasionRows("place", rows...)
}
