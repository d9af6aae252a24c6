package text

import (
	"flag"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"sekisho/sanitize/charset"
	"sekisho/sanitize/format"
	"sekisho/sanitize/plaintext"
	"sekisho/sanitize/sanitizetest"
)

var _ = flag.Bool("update", false, "rewrite golden files")

func textFormat() format.Format {
	return format.Format{Kind: format.Text, Names: []string{"txt"}, Match: Match, Parse: Parse, Build: Build, Lint: Lint}
}

func csvFormat() format.Format {
	return format.Format{Kind: format.CSV, Names: []string{"csv"}, Match: Match, Parse: ParseCSV, Build: BuildCSV, Lint: LintCSV}
}

// show decodes an output as an editor does.
func show(out []byte) (string, error) { return charset.Decode("", out).Text, nil }

func sjis(t testing.TB, s string) []byte {
	t.Helper()
	b, err := japanese.ShiftJIS.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func jis(t testing.TB, s string) []byte {
	t.Helper()
	b, err := japanese.ISO2022JP.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func utf16(t testing.TB, s string) []byte {
	t.Helper()
	b, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func small(bytes int64) *format.Budget {
	b := sanitizetest.Budget()
	b.Bytes = bytes
	return &b
}

var (
	bom   = format.Profile{Charset: "utf-8", BOM: true}
	cp932 = format.Profile{Charset: "cp932"}
)

const letter = "お知らせ\n\n　会議の日程を変更します。担当：髙橋（内線１２３）\n終わり\n"

// spec: g1 g9
func TestTextConformance(t *testing.T) {
	crlf := strings.ReplaceAll(letter, "\n", "\r\n")
	s := sanitizetest.Suite{Show: show, Golden: "testdata/golden/text",
		Good: []sanitizetest.Sample{
			{Name: "utf-8", File: "a.txt", Data: []byte(letter), Shows: []string{crlf}},
			{Name: "utf-8 with mark", Data: []byte("\uFEFF" + letter), Profile: bom, Shows: []string{crlf}},
			{Name: "crlf", Data: []byte(crlf), Shows: []string{crlf}},
			{Name: "cr", Data: []byte(strings.ReplaceAll(letter, "\n", "\r")), Shows: []string{crlf}},
			{Name: "shift jis", Data: sjis(t, letter), Profile: bom, Shows: []string{crlf}},
			{Name: "jis", Data: jis(t, "会議の日程を変更します。\n"), Shows: []string{"会議の日程を変更します。\r\n"}},
			{Name: "utf-16", Data: utf16(t, letter), Profile: bom, Shows: []string{crlf}},
			{Name: "to cp932", Data: []byte(letter), Profile: cp932, Findings: nil, Shows: []string{crlf}},
			{Name: "lost in cp932", Data: []byte("絵文字 😀 の行です。日本語の文章。\n"), Profile: cp932, Findings: []string{"charset_lost"}, Shows: []string{"絵文字 〓 の行です。"}},
			{Name: "empty", Data: nil},
			{Name: "no line end", Data: []byte("x"), Profile: bom, Shows: []string{"x"}},
			{Name: "json", File: "a.json", Data: []byte("{\n\t\"a\": [1, 2]\n}\n"), Shows: []string{"{\r\n\t\"a\": [1, 2]\r\n}\r\n"}},
			{Name: "end mark", Data: []byte("dir\r\n\x1a"), Shows: []string{"dir\r\n"}},
			{Name: "controls", Data: []byte("次の文字\x07は聞こえますが見えません。長い行にします。\n"), Findings: []string{"control_removed"}, Marks: []string{"\x07"}},
			{Name: "bidi", Data: []byte("請求書\u202Efdp.exe\u202C を開いて\n"), Findings: []string{"bidi_removed"}, Marks: []string{"\u202E", "\u202C"}},
			{Name: "tag characters", Data: []byte("見える\U000E0068\U000E0069文字\n"), Findings: []string{"invisible_removed"}, Marks: []string{"\U000E0068\U000E0069"}},
			{Name: "broken utf-8", Data: []byte("日本語の文章はここまで\xE3\x81 続きがあります。\n"), Findings: []string{"charset_replaced"}, Shows: []string{"日本語の文章はここまで\uFFFD 続き"}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: []byte(letter), Budget: small(20), Reason: format.LimitExpanded},
		},
		Bad: []sanitizetest.BadOutput{
			{Name: "neither charset", Data: []byte("abc\x80\xFF"), Code: plaintext.LintEncoding},
			{Name: "lead byte at the end", Data: []byte("\x82\xA0\x82"), Code: plaintext.LintEncoding},
			{Name: "utf-16", Data: utf16(t, letter), Code: plaintext.LintEncoding},
			{Name: "escape", Data: []byte("a\x1b$Bb\r\n"), Code: plaintext.LintControl},
			{Name: "nul", Data: []byte("a\x00b"), Code: plaintext.LintControl},
			{Name: "bidi", Data: []byte("a\u202Eb"), Code: plaintext.LintControl},
			{Name: "second mark", Data: []byte("\uFEFF\uFEFFa"), Code: plaintext.LintControl},
			{Name: "bare lf", Data: []byte("a\nb"), Code: plaintext.LintLine},
			{Name: "bare cr", Data: []byte("a\rb"), Code: plaintext.LintLine},
			{Name: "bare lf in cp932", Data: append(sjis(t, letter), '\n'), Code: plaintext.LintLine},
		},
		Rules: []string{plaintext.LintEncoding, plaintext.LintControl, plaintext.LintLine},
	}
	sanitizetest.Run(t, textFormat(), s)
}

// spec: g1 g9
func TestCSVConformance(t *testing.T) {
	const table = "番号,氏名,金額\r\n1,髙橋,\"1,200\"\r\n2,佐藤,-300\r\n"
	dde := "=cmd|'/k \\..\\..\\..\\Windows\\System32\\calc.exe'!A0\n"
	s := sanitizetest.Suite{Show: show, Golden: "testdata/golden/csv",
		Good: []sanitizetest.Sample{
			{Name: "utf-8", File: "a.csv", Data: []byte(table), Profile: bom, Shows: []string{table}},
			{Name: "shift jis", Data: sjis(t, table), Profile: bom, Shows: []string{table}},
			{Name: "to cp932", Data: []byte(table), Profile: cp932, Shows: []string{table}},
			{Name: "lf", Data: []byte("a,b\nc,d"), Shows: []string{"a,b\r\nc,d\r\n"}},
			{Name: "dde", Data: []byte(dde), Findings: []string{"csv_formula"}, Shows: []string{"'=cmd|"}},
			{Name: "formulas", Data: []byte("=1+1,+A1,-A1,@SUM(A1),|cmd\n ＝1,\u3000＋A1,\tx,－A1,x\n"), Findings: []string{"csv_formula"}, Shows: []string{"'=1+1,'+A1,'-A1,'@SUM(A1),'|cmd\r\n' ＝1,'\u3000＋A1,\"'\tx\",'－A1,x"}},
			{Name: "numbers stay", Data: []byte("-5,+3.5%,△5,1E-5,+81-90-1234-5678,\"-1,234\",－５,-,--\n"), Shows: []string{"-5,+3.5%,△5,1E-5,+81-90-1234-5678,\"-1,234\",－５,-,--\r\n"}},
			{Name: "formula behind a semicolon", Data: []byte("a;b\nc;=1+1\n"), Findings: []string{"csv_delimiter", "csv_formula"}, Shows: []string{"a,b\r\nc,'=1+1\r\n"}},
			{Name: "formula hidden by a rare delimiter", Data: []byte("a;\"x,=1+1\"\nb;y\n"), Findings: []string{"csv_delimiter"}, Shows: []string{"a,\"x,=1+1\"\r\n"}},
			{Name: "sep line", Data: []byte("sep=;\na;b,c\n"), Findings: []string{"csv_sep_line", "csv_delimiter"}, Shows: []string{"a,\"b,c\"\r\n"}},
			{Name: "sep of a formula", Data: []byte("sep=x\n1x=2\n"), Findings: []string{"csv_sep_line", "csv_delimiter", "csv_formula"}, Shows: []string{"1,'=2\r\n"}},
			{Name: "tsv", File: "a.tsv", Data: []byte("a\tb,c\n\"d\te\"\tf\n"), Shows: []string{"a\t\"b,c\"\r\n\"d\te\"\tf\r\n"}},
			{Name: "tabs called csv", File: "a.csv", Data: []byte("a\tb\nc\td\n"), Findings: []string{"csv_delimiter"}, Shows: []string{"a,b\r\nc,d\r\n"}},
			{Name: "ragged", Data: []byte("a,b\nc\nd,e,f\n\n"), Findings: []string{"csv_ragged"}, Shows: []string{"a,b\r\nc\r\nd,e,f\r\n\r\n"}},
			{Name: "lines in a cell", Data: []byte("a,\"b\r\nc\"\n"), Shows: []string{"a,\"b\nc\"\r\n"}},
			{Name: "bare quotes", Data: []byte("5\" disk,a\"b\n"), Shows: []string{"\"5\"\" disk\",\"a\"\"b\"\r\n"}},
			{Name: "text behind a quote", Data: []byte("\"a\"b,c\n"), Shows: []string{"ab,c\r\n"}},
			{Name: "quote that never closes", Data: []byte("\"a,b\nc,=1\n"), Findings: []string{"csv_formula"}, Shows: []string{"\"\"\"a\",b\r\nc,'=1\r\n"}},
			{Name: "begins like sylk", Data: []byte("ID,name\n1,x\n"), Shows: []string{"\"ID\",name\r\n"}},
			{Name: "trailing delimiter", Data: []byte("a,\nb,"), Shows: []string{"a,\r\nb,\r\n"}},
			{Name: "empty", Data: nil, Profile: bom},
			{Name: "hidden formula", Data: []byte("表,\u200B=1+1\n"), Findings: []string{"invisible_removed", "csv_formula"}, Shows: []string{"表,'=1+1\r\n"}, Marks: []string{"\u200B"}},
			{Name: "minus becomes full width", Data: []byte("見出し,\u2212A1\n日本語,かな\n"), Profile: cp932, Findings: []string{"csv_formula"}, Shows: []string{"見出し,'－A1\r\n"}},
			{Name: "carriage returns", Data: []byte("a,b\rc,d\r"), Shows: []string{"a,b\r\nc,d\r\n"}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: []byte(table), Budget: small(20), Reason: format.LimitExpanded},
			{Name: "too many cells", Data: []byte(strings.Repeat(",", maxCells)), Reason: format.LimitCount},
			{Name: "too long a row", Data: []byte(strings.Repeat("x", 2<<20)), Reason: format.LimitSize},
		},
		Bad: []sanitizetest.BadOutput{
			{Name: "bare lf", Data: []byte("a,b\nc,d\n"), Code: lintCSVForm},
			{Name: "no last line end", Data: []byte("a,b"), Code: lintCSVForm},
			{Name: "delimiter at the end", Data: []byte("a,"), Code: lintCSVForm},
			{Name: "semicolon", Data: []byte("a;b\r\n"), Code: lintCSVForm},
			{Name: "bare quote", Data: []byte("a\"b\r\n"), Code: lintCSVForm},
			{Name: "behind a quote", Data: []byte("\"a\"b\r\n"), Code: lintCSVForm},
			{Name: "two delimiters", Data: []byte("a,b\tc\r\n"), Code: lintCSVForm},
			{Name: "open quote", Data: []byte("\"a\r\n"), Code: lintCSVForm},
			{Name: "formula", Data: []byte("a,=1+1\r\n"), Code: lintCSVFormula},
			{Name: "quoted formula", Data: []byte("\"=1+1\"\r\n"), Code: lintCSVFormula},
			{Name: "formula behind spaces", Data: []byte("a,  \u3000@x\r\n"), Code: lintCSVFormula},
			{Name: "plus and a function", Data: []byte("+SUM(1)\r\n"), Code: lintCSVFormula},
			{Name: "plus and a reference", Data: []byte("+1E\r\n-1+A1\r\n"), Code: lintCSVFormula},
			{Name: "full-width formula in cp932", Data: []byte("\x82\xA0,\x81\x81A1\r\n"), Code: lintCSVFormula},
			{Name: "dde", Data: []byte("|cmd\r\n"), Code: lintCSVFormula},
			{Name: "tab first", Data: []byte("\"\tx\"\r\n"), Code: lintCSVFormula},
			{Name: "sylk", Data: []byte("ID\r\n"), Code: lintCSVStart},
			{Name: "control", Data: []byte("a,\x07\r\n"), Code: plaintext.LintControl},
			{Name: "encoding", Data: []byte("a,\xFF\r\n"), Code: plaintext.LintEncoding},
		},
		Rules: []string{lintCSVForm, lintCSVFormula, lintCSVStart, plaintext.LintControl, plaintext.LintEncoding},
	}
	sanitizetest.Run(t, csvFormat(), s)
}
