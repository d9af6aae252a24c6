package mail

import (
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// TestParseStructure holds the cases in which mail readers and gateways are
// known to disagree about where parts begin and end.
func TestParseStructure(t *testing.T) {
	parseRunCases(t, []parseCase{
		{name: "single part", in: parsePlain("Subject: s", "hello\n"), want: []string{`text body 0 "hello\n"`}, absent: []string{"child"}},
		{name: "mixed in order", in: parseMixed(partText, partPDF, "\nsecond"), want: []string{
			"text body 0 \"hello\"\nchild attachment \"x.pdf\" application/pdf cid= why= \"%PDF-1.4\"\ntext body 1 \"second\""}},
		{name: "similar boundary prefix", in: "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bc\n\n--bc\n\none\n--bc--\n--b\n\ntwo\n--b--\n",
			want: []string{`body 0 "one"`, `body 1 "two"`}},
		{name: "boundary is a prefix of a text line", in: parseMixed("\n--bx is text"), want: []string{`"--bx is text"`}},
		{name: "same boundary nested", in: "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
			want: []string{`body 0 "one"`, `body 1 "two"`}},
		{name: "missing close", in: "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n",
			want: []string{`body 0 "one"`, `body 1 "two\n"`, "closing boundary missing"}},
		{name: "close misspelt with one dash", in: "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b-\nepilogue\n",
			want: []string{`body 0 "one"`, "misspelt"}, absent: []string{`"epilogue`}},
		{name: "close with junk behind", in: "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--junk\nepilogue\n",
			want: []string{`body 0 "one"`}, absent: []string{`"epilogue`}},
		{name: "close without dashes", in: "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\n",
			want: []string{`body 0 "one"`, "empty last part"}, absent: []string{"body 1"}},
		{name: "blanks behind a boundary", in: "Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\none\n--b-- \n", want: []string{`body 0 "one"`}},
		{name: "NUL behind a boundary", in: "Content-Type: multipart/mixed; boundary=b\n\n--b\x00\n\none\n--b--\n", want: []string{`body 0 "one"`}},
		{name: "preamble and epilogue are dropped", in: "Content-Type: multipart/mixed; boundary=b\n\nHIDDEN before\n--b\n\none\n--b--\nHIDDEN after\n",
			want: []string{`body 0 "one"`, "note mime_preamble"}, absent: []string{"HIDDEN"}},
		{name: "standard preamble is no news", in: "Content-Type: multipart/mixed; boundary=b\n\nThis is a multi-part message in MIME format.\n--b\n\none\n--b--\n",
			want: []string{`body 0 "one"`}, absent: []string{"mime_preamble", "multi-part"}},
		{name: "part after the close", in: "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n--b\n\nHIDDEN\n--b--\n",
			want: []string{`body 0 "one"`}, absent: []string{"HIDDEN"}},
		{name: "outer boundary ends inner parts", in: "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--o\n\ntwo\n--o--\n",
			want: []string{`body 0 "one"`, `body 1 "two"`}},
		{name: "boundary with blanks in quotes", in: "Content-Type: multipart/mixed; boundary=\"a b c\"\n\n--a b c\n\none\n--a b c--\n", want: []string{`body 0 "one"`}},
		{name: "boundary with trailing blank in quotes", in: "Content-Type: multipart/mixed; boundary=\"abc \"\n\n--abc\n\none\n--abc--\n", want: []string{`body 0 "one"`}},
		{name: "boundary in single quotes is itself", in: "Content-Type: multipart/mixed; boundary='abc'\n\n--'abc'\n\none\n--'abc'--\n", want: []string{`body 0 "one"`}},
		{name: "boundary starting with dashes", in: "Content-Type: multipart/mixed; boundary=\"--b\"\n\n----b\n\none\n----b--\n", want: []string{`body 0 "one"`}},
		{name: "boundary by RFC 2231 pieces", in: "Content-Type: multipart/mixed; boundary*0=ab; boundary*1=cd\n\n--abcd\n\none\n--abcd--\n", want: []string{`body 0 "one"`}},
		{name: "boundary percent-encoded", in: "Content-Type: multipart/mixed; boundary*=us-ascii''a%62c\n\n--abc\n\none\n--abc--\n", want: []string{`body 0 "one"`}},
		{name: "two boundary parameters", in: "Content-Type: multipart/mixed; boundary=b; boundary=c\n\n--b\n\none\n--c\n\ntwo\n--b--\n",
			want: []string{`body 0 "one\n--c\n\ntwo"`}},
		{name: "comment before the boundary", in: "Content-Type: multipart/mixed (a comment; boundary=x); boundary=b\n\n--b\n\none\n--b--\n", want: []string{`body 0 "one"`}},
		{name: "comment behind the boundary", in: "Content-Type: multipart/mixed; boundary=b (junk)\n\n--b\n\none\n--b--\n", want: []string{`body 0 "one"`}},
		{name: "junk parameter before the boundary", in: "Content-Type: multipart/mixed; =; junk; x=\"y; boundary=b\n\n--b\nContent-Type: text/plain\n\none\n--b--\n",
			want: []string{`body 0 "one"`}},
		{name: "no semicolon before the boundary", in: "Content-Type: multipart/mixed boundary=b\n\n--b\n\none\n--b--\n", want: []string{`body 0 "one"`}},
		{name: "type with blanks around the slash", in: "Content-Type: multipart / mixed; boundary=b\n\n--b\n\none\n--b--\n", want: []string{`body 0 "one"`}},
		{name: "type in quotes", in: "Content-Type: \"multipart/mixed\"; boundary=b\n\n--b\n\none\n--b--\n", want: []string{`body 0 "one"`}},
		{name: "upper case everywhere", in: "CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY=B\n\n--B\nCONTENT-TYPE: TEXT/PLAIN\n\none\n--B--\n", want: []string{`body 0 "one"`}},
		{name: "boundary is case-sensitive", in: "Content-Type: multipart/mixed; boundary=B\n\n--B\n\none\n--b\ntwo\n--B--\n", want: []string{`"one\n--b\ntwo"`}},
		{name: "boundary missing but shown", in: "Content-Type: multipart/mixed\n\n--xyz\nContent-Type: text/plain\n\none\n--xyz--\n",
			want: []string{`body 0 "one"`, "without usable boundary"}},
		{name: "boundary wrong but shown", in: "Content-Type: multipart/mixed; boundary=zzz\n\n--xyz\nContent-Type: text/plain\n\none\n--xyz\nContent-Type: application/pdf\n\n%PDF\n--xyz--\n",
			want: []string{`body 0 "one"`, `child attachment "" application/pdf`}},
		{name: "boundary missing and not shown", in: "Content-Type: multipart/report;\n\nplain words\n", want: []string{`body 0 "plain words\n"`}},
		{name: "empty boundary", in: "Content-Type: multipart/mixed; boundary=\"\"\n\n--\nContent-Type: text/plain\n\none\n----\n", want: []string{"one"}},
		{name: "base64 around a whole multipart", in: "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\nLS1iCgpvbmUKLS1iLS0K\n",
			want: []string{`body 0 "one"`}},
		{name: "base64 claimed on a plain multipart", in: "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\n\none\n--b--\n",
			want: []string{`body 0 "one"`}},
		{name: "content-type twice", in: "Content-Type: multipart/mixed; boundary=b\nContent-Type: text/plain\n\n--b\n\none\n--b--\n",
			want: []string{`body 0 "one"`, "several content-type fields"}},
		{name: "transfer encoding twice", in: "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\nb25l\n",
			want: []string{`body 0 "one"`, "several content-transfer-encoding fields"}},
		{name: "MIME-Version twice", in: "From: a@example.jp\nMIME-Version: 1.0\nMIME-Version: 1.0\n\none\n", want: []string{`body 0 "one\n"`}, absent: []string{"note"}},
		{name: "digest defaults to mails", in: "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: inner\n\ntext\n--b--\n",
			want: []string{`child message "inner.eml" message/rfc822`}},
		{name: "unknown multipart is mixed", in: "Content-Type: multipart/abcdefghi; boundary=b\n\n--b\n\none\n--b\n" + partPDF + "\n--b--\n", want: []string{`body 0 "one"`, `"x.pdf"`}},
		{name: "inner boundary inside an attached mail", in: parseMixed(partText, "Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\ninner\n--i--\n"),
			want: []string{`child message`, `--i\n\ninner\n--i--`}, absent: []string{"text body 1", "child attachment"}},
		{name: "nested 20 levels", in: parseNest(20), want: []string{`body 0 "deep"`}},
		{name: "nested 21 levels", in: parseNest(21), hold: format.LimitDepth},
		{name: "message/partial at the root", in: "From: a@example.jp\nContent-Type: message/partial; number=1; total=2; id=x\n\nSubject: y\n\nz\n", hold: format.FragmentOfMail},
		{name: "message/partial inside", in: parseMixed(partText, "Content-Type: message/partial; number=1\n\nz"), want: []string{"why=fragment"}},
		{name: "binary bytes under no header", in: "PK\x03\x04\x00\x00\x00\x00\x01\x02\x03", hold: format.Malformed, exact: true},
	})
}

// parseNest is a text under n multiparts.
func parseNest(n int) string {
	var b strings.Builder
	b.WriteString("From: a@example.jp\n")
	for i := range n {
		b.WriteString("Content-Type: multipart/mixed; boundary=n" + strings.Repeat("x", i) + "\n\n--n" + strings.Repeat("x", i) + "\n")
	}
	b.WriteString("\ndeep\n")
	for i := n - 1; i >= 0; i-- {
		b.WriteString("--n" + strings.Repeat("x", i) + "--\n")
	}
	return b.String()
}

// TestParseHeaderLines holds damaged header blocks.
func TestParseHeaderLines(t *testing.T) {
	parseRunCases(t, []parseCase{
		{name: "first line is a continuation", in: " From: a@example.jp\nSubject: s\n\nbody\n", want: []string{"<a@example.jp>", `"body\n"`, "header repaired"}},
		{name: "no blank line before the body", in: "From: a@example.jp\nSubject: s\nbody without header\nmore\n", want: []string{"subject=s", `body 0 "body without header\nmore\n"`}},
		{name: "line without colon in between", in: "From: a@example.jp\nnonsense here\nSubject: s\n\nbody\n", want: []string{"subject=s", `"body\n"`}},
		{name: "continuation of a stray line", in: "From: a@example.jp\nnonsense here\n folded\nSubject: s\n\nbody\n", want: []string{"<a@example.jp>", "subject=s"}},
		{name: "mailbox separator on top", in: "From a@example.jp Mon Apr  6 09:00:00 2026\nSubject: s\n\nbody\n", want: []string{"subject=s", `"body\n"`}},
		{name: "blank lines on top", in: "\n\nFrom: a@example.jp\nSubject: s\n\nbody\n", want: []string{"subject=s", `"body\n"`}},
		{name: "byte order mark on top", in: "\xEF\xBB\xBFFrom: a@example.jp\nSubject: s\n\nbody\n", want: []string{"<a@example.jp>", "subject=s"}},
		{name: "blank before the colon", in: "From : a@example.jp\nSubject\t: s\n\nbody\n", want: []string{"<a@example.jp>", "subject=s"}},
		{name: "NUL in a field name", in: "From: a@example.jp\nContent-\x00Type: text/html\n\n<p>body</p>\n", want: []string{"html=1", `"body"`}},
		{name: "NUL in a value", in: "From: a@example.jp\nSubject: a\x00b\n\nbody\n", want: []string{"subject=ab"}},
		{name: "value on the next line only", in: "From: a@example.jp\nSubject:\n folded\n\nbody\n", want: []string{"subject=folded"}},
		{name: "line of blanks inside the header", in: "From: a@example.jp\nSubject: s\n  \nTo: b@example.jp\n\nbody\n", want: []string{"<b@example.jp>", `"body\n"`}},
		{name: "line of blanks ends the header", in: "From: a@example.jp\nSubject: s\n  \nbody: text\nmore\n", want: []string{`"body: text\nmore\n"`}},
		{name: "two subjects", in: "From: a@example.jp\nSubject: one\nSubject: two\n\nbody\n", want: []string{"subject=one", "several subject fields"}, absent: []string{"two"}},
		{name: "no header at all", in: "just some words\n", want: []string{`body 0 "just some words\n"`}},
		{name: "header only", in: "From: a@example.jp\nSubject: s\n", want: []string{"subject=s", "note body_empty"}},
		{name: "part without header", in: "Content-Type: multipart/mixed; boundary=b\n\n--b\nwords at once\n--b--\n", want: []string{`"words at once"`}},
		{name: "CR CR LF line ends", in: "From: a@example.jp\r\r\nSubject: s\r\r\n\r\r\nbody\r\r\n", want: []string{"subject=s", `"body`}, exact: true},
		{name: "raw UTF-8 subject", in: "From: a@example.jp\nSubject: 件名です\n\nbody\n", want: []string{"subject=件名です"}},
		{name: "raw Shift_JIS subject", in: "From: a@example.jp\nSubject: \x8c\x8f\x96\xbc\x82\xc5\x82\xb7\n\nbody\n", want: []string{"subject=件名です"}},
		{name: "raw ISO-2022-JP subject", in: "From: a@example.jp\nSubject: \x1b$B7oL>\x1b(B\n\nbody\n", want: []string{"subject=件名"}},
		{name: "encoded words folded", in: "From: a@example.jp\nSubject: =?utf-8?B?5Lu2?=\n =?utf-8?B?5ZCN?=\n\nbody\n", want: []string{"subject=件名"}},
		{name: "bidi override in the subject", in: "From: a@example.jp\nSubject: invoice\u202Efdp.exe\n\nbody\n", want: []string{"subject=invoicefdp.exe", "note bidi_removed"}},
		{name: "line break inside an encoded word", in: "From: a@example.jp\nSubject: =?utf-8?Q?a=0D=0ABcc:_x@y.example?=\n\nbody\n", want: []string{"subject=a  Bcc: x@y.example\n"}},
	})
}
