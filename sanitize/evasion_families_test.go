package sanitize

import (
	"fmt"
	"slices"
	"strings"
)

// evasion is a mail made to be read in one way by a gateway and in another by
// the reader behind it. In the mail «B» stands for the payload in base64
// lines, «R» for its bytes, «Q» for quoted-printable, «U» for uuencode, «V» for
// uuencode without its end, «L» for base64 on one line, «D» for base64 of
// base64, «M» for base64 of the parts of a multipart and «N» for that of a mail. \n is CRLF unless exact is set.
type evasion struct {
	family, name, mail string
	exact              bool
}

// evasionWords are the mails in which we find no part or encoding where the
// payload stands. Its letters are shown as words of the one text part, which
// every reader of our mail takes for words.
var evasionWords = []string{
	"boundary/empty", "boundary/blank before", "boundary/closed first", "boundary/nested, a prefix of the outer", "boundary/part without header",
	"double/type, multipart last", "encoding/base64 of base64 as text", "encoding/letters in a text", "encoding/letters in HTML",
	"charset/script in utf-7 without a label", "line/LF CR", "line/CR ends a field", "line/CR before the file's header",
	"line/next line of Unicode", "line/line separator of Unicode", "line/vertical tab", "line/form feed", "line/two colons",
	"line/blank before the name", "line/fold in the name", "line/blank line before the type", "line/no-break space in a name",
	"line/name of other letters", "line/no header at all", "line/part: header behind two blank lines", "place/in multipart/",
}

const (
	evasionHead = "From: a@example.com\nTo: b@town.example.lg.jp\nSubject: evasion\nMIME-Version: 1.0\n"
	evasionText = "Content-Type: text/plain\n\nvisible words\n"
	evasionFile = "Content-Type: application/octet-stream; name=evil.exe\nContent-Transfer-Encoding: base64\n" +
		"Content-Disposition: attachment; filename=evil.exe\n\n«B»\n"
)

// evasionRows names mails of one family.
func evasionRows(family string, rows ...[2]string) []evasion {
	var all []evasion
	for _, r := range rows {
		all = append(all, evasion{family: family, name: r[0], mail: r[1]})
	}
	return all
}

// evasionMixed is a text and then parts, with boundary b.
func evasionMixed(parts ...string) string {
	return evasionTyped("multipart/mixed; boundary=b", parts...)
}

func evasionTyped(ctype string, parts ...string) string {
	return evasionHead + "Content-Type: " + ctype + "\n\n--b\n" + evasionText + "--b\n" + strings.Join(parts, "--b\n") + "--b--\n"
}

// evasionField is a part for the payload with these lines in its header.
func evasionField(lines string) string { return evasionMixed(lines + "\n\n«B»\n") }

// evasionName is a part for the payload whose disposition has these parameters.
func evasionName(params string) string {
	return evasionField("Content-Type: text/plain\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; " + params)
}

// evasionPacked are mails of eight files each, whose dispositions have these
// parameters.
func evasionPacked(family string, params []string) []evasion {
	var all []evasion
	for some := range slices.Chunk(params, 8) {
		var parts []string
		for _, p := range some {
			parts = append(parts, "Content-Type: text/plain\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; "+p+"\n\n«B»\n")
		}
		all = append(all, evasion{family: family, name: fmt.Sprintf("from %.60q", some[0]), mail: evasionMixed(parts...)})
	}
	return all
}

// evasionBoundaries play with what parts the parts.
func evasionBoundaries() []evasion {
	body := func(open, closing string) string {
		return "\n" + open + "\n" + evasionText + open + "\n" + evasionFile + closing + "\n"
	}
	typed := func(param, delimiter string) string {
		return evasionHead + "Content-Type: multipart/mixed; " + param + "\n" + body("--"+delimiter, "--"+delimiter+"--")
	}
	long := strings.Repeat("b", 200)
	rows := [][2]string{
		{"none", evasionHead + "Content-Type: multipart/mixed\n" + body("--b", "--b--")},
		{"empty", typed("boundary=\"\"", "")}, {"empty with words", typed("boundary=", "b")},
		{"blank at the end", typed("boundary=\"b \"", "b ")}, {"blank at the end in the parameter only", typed("boundary=\"b \"", "b")},
		{"blanks inside", typed("boundary=\"a b\"", "a b")}, {"blanks inside without quotes", typed("boundary=a b", "a b")},
		{"only the first word", typed("boundary=a b", "a")}, {"200 letters", typed("boundary="+long, long)},
		{"70 letters count", typed("boundary="+long, long[:70])}, {"of 8 bits", typed("boundary=\"b\xE9\"", "b\xE9")},
		{"twice, first used", typed("boundary=b; boundary=c", "b")}, {"twice, second used", typed("boundary=c; boundary=b", "b")},
		{"in pieces", typed("boundary*0=a; boundary*1=b", "ab")}, {"in pieces and whole", typed("boundary=x; boundary*0=a; boundary*1=b", "ab")},
		{"in pieces and whole, whole used", typed("boundary=x; boundary*0=a; boundary*1=b", "x")},
		{"extended", typed("boundary*=utf-8''b%62", "bb")}, {"percent is no escape", typed("boundary=b%62", "b%62")},
		{"percent as escape", typed("boundary=b%62", "bb")}, {"encoded word", typed("boundary=\"=?utf-8?Q?b?=\"", "b")},
		{"encoded word as it is", typed("boundary=\"=?utf-8?Q?b?=\"", "=?utf-8?Q?b?=")}, {"other case", typed("boundary=bB", "Bb")},
		{"escaped", typed("boundary=\"b\\b\"", "bb")}, {"escape as it is", typed("boundary=\"b\\b\"", "b\\b")},
		{"open quote", typed("boundary=\"b", "b")}, {"single quotes", typed("boundary='b'", "b")}, {"single quotes as they are", typed("boundary='b'", "'b'")},
		{"name in capitals", typed("BOUNDARY=b", "b")}, {"blanks around the equals sign", typed("boundary = b", "b")},
		{"no semicolon", evasionHead + "Content-Type: multipart/mixed boundary=b\n" + body("--b", "--b--")},
		{"comma", evasionHead + "Content-Type: multipart/mixed, boundary=b\n" + body("--b", "--b--")},
		{"two semicolons", typed("; boundary=b", "b")}, {"inside another value", typed("x=\"boundary=c\"; boundary=b", "b")},
		{"in a comment", typed("(boundary=c) boundary=b", "b")}, {"folded", typed("\n boundary=b", "b")}, {"folded in the value", typed("boundary=\"b\n b\"", "b b")},
		{"dashes", typed("boundary=\"--\"", "--")}, {"one dash", typed("boundary=\"-\"", "-")}, {"ends in dashes", typed("boundary=\"b--\"", "b--")},
		{"begins in dashes", typed("boundary=\"--b\"", "--b")},
		{"tail", evasionHead + "Content-Type: multipart/mixed; boundary=b\n" + body("--b tail", "--b--")},
		{"blanks behind", evasionHead + "Content-Type: multipart/mixed; boundary=b\n" + body("--b \t ", "--b-- ")},
		{"zero byte behind", evasionHead + "Content-Type: multipart/mixed; boundary=b\n" + body("--b\x00", "--b--")},
		{"blank before", evasionHead + "Content-Type: multipart/mixed; boundary=b\n" + body(" --b", " --b--")},
		{"never closed", evasionHead + "Content-Type: multipart/mixed; boundary=b\n" + body("--b", "")},
		{"closed with one dash", evasionHead + "Content-Type: multipart/mixed; boundary=b\n" + body("--b", "--b-")},
		{"closed too early", evasionHead + "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + evasionText + "--b--\n--b\n" + evasionFile + "--b--\n"},
		{"closed first", evasionHead + "Content-Type: multipart/mixed; boundary=b\n\n--b--\n--b\n" + evasionFile + "--b--\n"},
		{"nested, same", evasionMixed("Content-Type: multipart/mixed; boundary=b\n\n--b\n" + evasionText + "--b\n" + evasionFile + "--b--\n")},
		{"nested, a prefix of the outer", strings.ReplaceAll(evasionMixed("Content-Type: multipart/mixed; boundary=b\n\n--b\n"+evasionFile+"--b--\n"), "boundary=b\n\n--b\n"+evasionText, "boundary=bb\n\n--bb\n"+evasionText)},
		{"nested, longer than the outer", evasionMixed("Content-Type: multipart/mixed; boundary=bb\n\n--bb\n" + evasionFile + "--bb--\n")},
		{"nested, closed by the outer", evasionMixed("Content-Type: multipart/mixed; boundary=c\n\n--c\n" + evasionFile)},
		{"nested, closes the outer", evasionMixed("Content-Type: multipart/mixed; boundary=c\n\n--c\n" + evasionText + "--b--\n--c\n" + evasionFile + "--c--\n")},
		{"in a header", evasionMixed("Content-Type: text/plain\nX: y\n--b\n" + evasionFile)},
		{"no blank line in a part", evasionMixed("Content-Type: application/octet-stream; name=evil.exe\nContent-Transfer-Encoding: base64\n«B»\n")},
		{"part without header", evasionMixed("\n«B»\n")},
	}
	return evasionRows("boundary", rows...)
}

// evasionDoubles say one thing twice and differently.
func evasionDoubles() []evasion {
	const file = "Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=evil.exe"
	top := func(lines string) string {
		return strings.Replace(evasionMixed(evasionFile), "Content-Type: multipart/mixed; boundary=b\n", lines+"\n", 1)
	}
	return evasionRows("double",
		[2]string{"type, multipart first", top("Content-Type: multipart/mixed; boundary=b\nContent-Type: text/plain")},
		[2]string{"type, multipart last", top("Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b")},
		[2]string{"type, two boundaries", top("Content-Type: multipart/mixed; boundary=c\nContent-Type: multipart/mixed; boundary=b")},
		[2]string{"type of the part", evasionField("Content-Type: text/plain\nContent-Type: application/octet-stream\n" + file)},
		[2]string{"type of the part, text last", evasionField("Content-Type: application/octet-stream\nContent-Type: text/plain\n" + file)},
		[2]string{"encoding, base64 first", evasionField("Content-Type: application/octet-stream\n" + file + "\nContent-Transfer-Encoding: 7bit")},
		[2]string{"encoding, base64 last", evasionField("Content-Type: application/octet-stream\nContent-Transfer-Encoding: 7bit\n" + file)},
		[2]string{"encoding, quoted-printable first", evasionField("Content-Type: application/octet-stream\nContent-Transfer-Encoding: quoted-printable\n" + file)},
		[2]string{"disposition, inline first", evasionField("Content-Type: text/plain\nContent-Disposition: inline\n" + file)},
		[2]string{"disposition, other name first", evasionField("Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n" + file)},
		[2]string{"name and file name", evasionField("Content-Type: text/plain; name=a.txt\n" + file)},
		[2]string{"file name and name", evasionField("Content-Type: text/plain; name=evil.exe\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=a.txt")},
		[2]string{"file name twice", evasionName("filename=a.txt; filename=evil.exe")},
		[2]string{"file name twice, other order", evasionName("filename=evil.exe; filename=a.txt")},
		[2]string{"name in the disposition", evasionName("name=evil.exe")},
		[2]string{"file name in the type", evasionField("Content-Type: text/plain; filename=evil.exe\nContent-Transfer-Encoding: base64")},
		[2]string{"no version", strings.Replace(evasionMixed(evasionFile), "MIME-Version: 1.0\n", "", 1)},
		[2]string{"version 2", strings.Replace(evasionMixed(evasionFile), "1.0", "2.0", 1)},
		[2]string{"version twice", strings.Replace(evasionMixed(evasionFile), "MIME-Version: 1.0\n", "MIME-Version: 1.0\nMIME-Version: 3\n", 1)},
		[2]string{"type in capitals", strings.Replace(evasionMixed(evasionFile), "multipart/mixed", "MultiPart/MIXED", 1)},
		[2]string{"subject twice", strings.Replace(evasionMixed(evasionFile), "Subject: evasion\n", "Subject: evasion\nSubject: «B»\n", 1)},
		[2]string{"charset twice", evasionField("Content-Type: text/plain; charset=utf-8; charset=utf-16\n" + file)},
	)
}

// evasionComments put comments where few readers look for them.
func evasionComments() []evasion {
	top := func(ctype string) string { return evasionTyped(ctype, evasionFile) }
	field := func(line string) string {
		return evasionField("Content-Type: application/octet-stream\n" + line + "\nContent-Disposition: attachment; filename=evil.exe")
	}
	return evasionRows("comment",
		[2]string{"before the type", top("(x) multipart/mixed; boundary=b")},
		[2]string{"in the type", top("multipart/(x)mixed; boundary=b")},
		[2]string{"behind the type", top("multipart/mixed (x); boundary=b")},
		[2]string{"that looks like a parameter", top("multipart/mixed (; boundary=c ); boundary=b")},
		[2]string{"in the parameter", top("multipart/mixed; boundary=(c)b")},
		[2]string{"behind the name of the parameter", top("multipart/mixed; boundary(c)=b")},
		[2]string{"behind the parameter", top("multipart/mixed; boundary=b(c)")},
		[2]string{"nested", top("multipart/mixed ((x) y); boundary=b")},
		[2]string{"never closed", top("multipart/mixed (x; boundary=b")},
		[2]string{"with a quote", top("multipart/mixed (\"); boundary=c (\"); boundary=b")},
		[2]string{"escaped end", top("multipart/mixed (\\); boundary=c); boundary=b")},
		[2]string{"before the encoding", field("Content-Transfer-Encoding: (7bit) base64")},
		[2]string{"behind the encoding", field("Content-Transfer-Encoding: base64 (7bit)")},
		[2]string{"in the encoding", field("Content-Transfer-Encoding: base(x)64")},
		[2]string{"in the name", evasionName("filename=(x)evil.exe")},
		[2]string{"behind the name", evasionName("filename=evil.exe(.txt)")},
		[2]string{"before the disposition", evasionField("Content-Type: text/plain\nContent-Transfer-Encoding: base64\nContent-Disposition: (x) attachment; filename=evil.exe")},
	)
}
