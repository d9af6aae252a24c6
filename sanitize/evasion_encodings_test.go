package sanitize

import (
	"fmt"
	"strings"
)

// evasionEncodings play with transfer encodings.
func evasionEncodings() []evasion {
	named := "Content-Type: application/octet-stream; name=evil.exe\nContent-Transfer-Encoding: "
	cte := func(v string) string { return evasionField(named + v) }
	base := func(body string) string { return evasionMixed(named + "base64\n\n" + body + "\n") }
	rows := [][2]string{
		{"in capitals", cte("BASE64")}, {"with a hyphen", cte("base-64")}, {"x-base64", cte("x-base64")}, {"blanks", cte("  base64  ")},
		{"quotes", cte("\"base64\"")}, {"semicolon", cte("base64;")}, {"two words", cte("base64 7bit")}, {"comma", cte("7bit, base64")},
		{"encoded word", cte("=?us-ascii?Q?base64?=")}, {"folded", cte("\n base64")}, {"dot", cte("base64.")}, {"zero byte", cte("base64\x00")},
		{"unknown", cte("x-gzip64")}, {"none", cte("")}, {"8bit and base64 letters", cte("8bit")}, {"quoted-printable and base64 letters", cte("quoted-printable")},
		{"binary", evasionMixed(named + "binary\n\n«R»\n")}, {"8bit", evasionMixed(named + "8bit\n\n«R»\n")}, {"7bit", evasionMixed(named + "7bit\n\n«R»\n")},
		{"quoted-printable", evasionMixed(named + "quoted-printable\n\n«Q»\n")}, {"uuencode", evasionMixed(named + "x-uuencode\n\n«U»\n")},
		{"uuencode under 7bit", evasionMixed(named + "7bit\n\n«U»\n")}, {"uuencode in the text", evasionHead + "\nvisible words\n«U»\nmore words\n"},
		{"uuencode in the text, twice", evasionHead + "\n«U»\nvisible words\n«U»\n"}, {"uuencode without end", evasionHead + "\nvisible words\n" + "«V»\n"},
		{"uuencode in HTML", evasionHead + "Content-Type: text/html\n\n<pre>\n«U»\n</pre>\n"}, {"uuencode before the text", evasionMixed("Content-Type: text/plain\n\n«U»\nvisible\n")},
		{"uuencode behind an invisible character", evasionHead + "Content-Type: text/plain; charset=utf-8\n\nvisible words\n\u200B«U»\n"},
		{"uuencode in quoted-printable", evasionHead + "Content-Transfer-Encoding: quoted-printable\n\nvisible words\n=\n«U»\n"},
		{"uuencode in flowed text", evasionHead + "Content-Type: text/plain; format=flowed\n\nvisible words\n «U»\n"},
		{"uuencode in a page, broken lines", evasionHead + "Content-Type: text/html\n\n<p>x<br>«U»</p>\n"},
		{"uuencode in a report", evasionMixed("Content-Type: message/delivery-status\n\n«U»\n")},
		{"uuencode in an invitation", evasionMixed("Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\\n«U»\nEND:VEVENT\nEND:VCALENDAR\n")},
		{"yEnc", evasionMixed(named + "x-yenc\n\n=ybegin line=128 size=9 name=evil.exe\n«R»\n=yend size=9\n")},
		{"BinHex", evasionMixed(named + "mac-binhex40\n\n(This file must be converted with BinHex 4.0)\n:«B»:\n")},
		{"letter a line", base("T\nV\nq\nQ\n«B»")}, {"junk lines", base("!!!!\n«B»\n????")}, {"zero bytes", base("\x00\x00«B»\x00")},
		{"blanks around the letters", base("  «B»  ")}, {"hyphens of URLs", base("«B»\n-_-_")}, {"padding first", base("====\n«B»")}, {"padding in the middle", base("TVo=\n«B»")},
		{"padding and then the file", base("YQ==\n«B»")}, {"lone letter first", base("T\n«B»")}, {"header lines first", base("Content-Type: text/plain\n\n«B»")},
		{"mark of byte order first", base("\xEF\xBB\xBF«B»")}, {"comment first", base("# base64\n«B»")}, {"ended by the padding of another", base("AA==AA==\n«B»")},
		{"dot lines", base(".\n«B»\n.")}, {"quoted", base("> «B»")}, {"in quoted-printable", evasionMixed(named + "quoted-printable\n\n=\n«Q»=\n")},
		{"multipart in base64", evasionHead + "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n" + "«M»" + "\n"},
		{"multipart in quoted-printable", strings.Replace(evasionMixed(evasionFile), "boundary=b\n", "boundary=b\nContent-Transfer-Encoding: quoted-printable\n", 1)},
		{"multipart of 8 bits in base64", strings.Replace(evasionMixed(evasionFile), "boundary=b\n", "boundary=b\nContent-Transfer-Encoding: base64\n", 1)},
		{"mail in base64", evasionMixed("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n«N»\n")},
		{"the mail itself", evasionHead + "Content-Type: application/octet-stream; name=evil.exe\nContent-Transfer-Encoding: base64\n\n«B»\n"},
		{"the mail itself as text", evasionHead + "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n«B»\n"},
		{"the mail itself without a type", evasionHead + "Content-Transfer-Encoding: base64\n\n«B»\n"},
		{"the mail itself as HTML", evasionHead + "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n«B»\n"},
		{"the mail itself, bytes", evasionHead + "Content-Transfer-Encoding: binary\n\n«R»\n"},
		{"base64 of base64", base("«D»")}, {"base64 of base64 as text", evasionMixed("Content-Type: text/plain; name=a.txt\nContent-Transfer-Encoding: base64\n\n«D»\n")},
		{"letters in a text", evasionHead + "\nvisible words\n\n«B»\n"}, {"letters in HTML", evasionHead + "Content-Type: text/html\n\n<p>visible words</p><pre>«B»</pre>\n"},
	}
	return evasionRows("encoding", rows...)
}

// evasionOutside hide the file where no part is.
func evasionOutside() []evasion {
	mail := evasionMixed("Content-Type: text/plain\n\nmore\n")
	before := func(s string) string { return strings.Replace(mail, "\n\n--b\n", "\n\n"+s+"\n--b\n", 1) }
	return evasionRows("outside",
		[2]string{"preamble", before("«B»")}, [2]string{"preamble with a header", before(evasionFile)},
		[2]string{"preamble with another boundary", before("--c\n" + evasionFile + "--c--")}, [2]string{"preamble in uuencode", before("«U»")},
		[2]string{"preamble of bytes", before("«R»")}, [2]string{"epilogue", mail + "«B»\n"}, [2]string{"epilogue with a part", mail + "--b\n" + evasionFile + "--b--\n"},
		[2]string{"epilogue with another boundary", mail + "Content-Type: multipart/mixed; boundary=c\n\n--c\n" + evasionFile + "--c--\n"},
		[2]string{"epilogue in uuencode", mail + "«U»\n"}, [2]string{"second mail behind", mail + "\nFrom a@example.com Fri Apr 17 09:11:00 2026\n" + evasionMixed(evasionFile)},
		[2]string{"header field", strings.Replace(mail, "Subject: evasion", "X-File: «B»\nSubject: evasion", 1)},
		[2]string{"comment of a field", strings.Replace(mail, "MIME-Version: 1.0", "MIME-Version: 1.0 («B»)", 1)},
		[2]string{"parameter", strings.Replace(mail, "boundary=b\n", "boundary=b; x=\"«L»\"\n", 1)},
	)
}

// evasionCharsets play with character sets. One part shows what the set makes
// of a script; the file is in another one or in the name.
func evasionCharsets() []evasion {
	text := func(charset, body string) string {
		return evasionMixed("Content-Type: text/html; charset="+charset+"\n\n"+body+"\n", evasionFile)
	}
	var rows [][2]string
	for _, c := range []string{"utf-7", "UTF-16", "utf-16le", "utf-32", "ibm037", "x-user-defined", "hz-gb-2312", "iso-2022-kr", "iso-2022-cn", "cp932",
		"us-ascii", "utf-8; charset=utf-7", "\"utf-8\\\"\"", "utf-8'", "=?utf-8?Q?utf-7?=", "unicode-1-1-utf-7", "x-mac-roman", "binary", "base64", "cp65001"} {
		rows = append(rows, [2]string{"file as a text of " + c, evasionMixed("Content-Type: text/plain; charset=" + c + "; name=evil.exe\nContent-Transfer-Encoding: base64\n\n«B»\n")})
	}
	rows = append(rows,
		[2]string{"script in utf-7", text("utf-7", "<p>visible</p>+ADw-script+AD4-«R»+ADw-/script+AD4-")},
		[2]string{"script in utf-7 without a label", text("us-ascii", "<p>visible</p>+ADw-script+AD4-«B»+ADw-/script+AD4-")},
		[2]string{"script behind an escape", text("iso-2022-jp", "<p>visible</p>\x1b(J<script>«B»</script>\x1b(B")},
		[2]string{"script in a character cut short", text("shift_jis", "<p>visible</p><img alt=\"\x83\"><script>«B»</script>")},
		[2]string{"script in overlong utf-8", text("utf-8", "<p>visible</p>\xC0\xBCscript\xC0\xBE«R»")},
		[2]string{"meta says utf-7", text("utf-8", "<meta charset=utf-7><p>visible</p>+ADw-script+AD4-«R»")},
		[2]string{"name in utf-7", evasionName("filename=\"evil+AC4-exe\"")}, [2]string{"name in utf-7 words", evasionName("filename=\"=?utf-7?Q?evil+AC4-exe?=\"")},
		[2]string{"name in raw utf-16", evasionName("filename=\"e\x00v\x00i\x00l\x00.\x00e\x00x\x00e\x00\"")}, [2]string{"name in overlong utf-8", evasionName("filename=\"evil\xC0\xAEexe\"")},
		[2]string{"name in raw iso-2022-jp", evasionName("filename=\"\x1b$B$\"\x1b(B.exe\"")}, [2]string{"name in raw shift jis", evasionName("filename=\"\x83\\.exe\"")},
	)
	return evasionRows("charset", rows...)
}

// evasionParams play with RFC 2231 and RFC 2047.
func evasionParams() []evasion {
	var many strings.Builder
	for i := range 200 {
		fmt.Fprintf(&many, "; filename*%d=e", i)
	}
	return evasionPacked("parameter", []string{"filename*=utf-8''evil.exe", "filename*=utf-8'en'evil%2Eexe", "filename*=evil.exe", "filename*=''evil.exe", "filename*=x-unknown''evil.exe",
		"filename*0=evil; filename*1=.exe", "filename*1=.exe; filename*0=evil", "filename*1=evil; filename*2=.exe", "filename*0=evil; filename*2=.exe",
		"filename*0*=utf-8''evil; filename*1*=%2Eexe", "filename*0*=utf-8''evil; filename*1=.exe", "filename*0=evil; filename*1*=%2Eexe",
		"filename*0=a.txt; filename*0=evil.exe", "filename*00=evil; filename*01=.exe", "filename*0=evil.exe; filename=a.txt", "filename=a.txt; filename*=utf-8''evil.exe",
		"filename*=utf-8''a.txt; filename=evil.exe", "filename*=utf-8''evil.exe%00.txt", "filename*=utf-8''evil%2", "filename*=utf-8''evil%zz.exe",
		"filename*=utf-8''evil%0D%0AContent-Type:%20text/html", "filename*=utf-8''%2e%2e%2f%2e%2e%2fevil.exe", "filename*=utf-8''evil%E2%80%AEtxt.exe",
		"filename*=\"utf-8''evil.exe\"", "filename *=utf-8''evil.exe", "filename* = utf-8''evil.exe", "filename*99999999999=evil.exe", "filename*-1=evil.exe",
		"filename**=utf-8''evil.exe", "filename=\"=?utf-8?B?ZXZpbC5leGU=?=\"", "filename==?utf-8?B?ZXZpbC5leGU=?=", "filename=\"=?utf-8?Q?evil=2Eexe?=\"",
		"filename=\"=?utf-8?B?ZXZpbA==?= =?utf-8?B?LmV4ZQ==?=\"", "filename=\"=?utf-8?B?ZXZpbA==?=.exe\"", "filename=\"evil.=?utf-8?Q?exe?=\"",
		"filename=\"=?utf-8?B?ZXZpbC5leGUA?=.txt\"", "filename=\"=?utf-8?X?evil.exe?=\"", "filename=\"=?utf-8?B?ZXZpbC5leGU?=\"", "filename=\"=?utf-8?B?PT91dGYtOD9RP2V2aWwuZXhlPz0=?=\"",
		"filename=\"=?utf-8?Q?evil.exe", "filename*=utf-8''%3D%3Futf-8%3FQ%3Fevil.exe%3F%3D", "filename=\"=?utf-8*en?Q?evil.exe?=\"", strings.TrimPrefix(many.String(), "; ")})
}
