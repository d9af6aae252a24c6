package mail

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sekisho/sanitize/ir"
)

// Words that stand in the text part.
const (
	buildNoBody     = "（本文はありません）"
	buildLostBody   = "（本文を読み取れませんでした）"
	buildRule       = "――――"
	buildReportHead = "【配送に関する報告】"
	buildInviteHead = "【予定の案内】"
	buildContinued  = "> " // before a line of the sender that must not count
)

// buildText joins the texts of the mail and puts the notice around them. Lines
// end in LF. The sender's text is not wrapped, trimmed or changed except for
// lines that imitate ours or would open a file.
func buildText(m *buildValues, n notice) string {
	var b strings.Builder
	size := len(n.top) + len(n.bottom) + 1024
	for _, t := range m.texts {
		size += t.s.Len() + len(buildRule) + 4
	}
	b.Grow(size) // a long text is not copied again and again
	if n.top != "" {
		b.WriteString(n.top)
		b.WriteString("\n")
	}
	shown := 0
	for _, t := range m.texts {
		s := t.s.String()
		if strings.TrimSpace(s) == "" {
			continue
		}
		if shown > 0 {
			b.WriteString("\n" + buildRule + "\n\n")
		}
		shown++
		buildSectionText(&b, t.role, s)
	}
	if shown == 0 {
		b.WriteString(buildEmptyBody(m) + "\n")
	}
	if n.bottom != "" {
		b.WriteString("\n")
		b.WriteString(n.bottom)
	}
	return b.String()
}

func buildEmptyBody(m *buildValues) string {
	if m.has("body_unreadable") {
		return buildLostBody
	}
	return buildNoBody
}

func buildSectionText(b *strings.Builder, role ir.Role, s string) {
	switch role {
	case ir.RoleReport:
		b.WriteString(buildReportHead + "\n")
	case ir.RoleCalendar:
		b.WriteString(buildInviteHead + "\n")
	}
	for line := range strings.SplitAfterSeq(s, "\n") {
		if buildLooksOurs(line) || buildOpensFile(line) {
			b.WriteString(buildContinued)
		}
		b.WriteString(line)
	}
	if !strings.HasSuffix(s, "\n") {
		b.WriteString("\n")
	}
}

// buildMarks are the words that our own lines begin with, without 「ー」, which
// is not compared because it can pass for a dash.
var buildMarks = []string{"無害化済み", "無害化のお知らせ", "添付されていたメルの処理"}

// buildLookAhead is how many characters of a line are compared; it is more
// than any mark with its decoration needs.
const buildLookAhead = 120

// buildLooksOurs reports whether a reader could take a line of the sender for
// one that we wrote. Width, spaces, dashes, brackets and invisible characters
// are not compared. A line that is visibly quoted already is left alone.
func buildLooksOurs(line string) bool {
	if strings.HasPrefix(line, ">") {
		return false
	}
	start := line[:buildOffset(line, buildLookAhead)]
	text := strings.Map(func(r rune) rune {
		if r == 'ー' || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return r
	}, norm.NFKC.String(start))
	for _, mark := range buildMarks {
		if strings.HasPrefix(text, mark) {
			return true
		}
	}
	return false
}

// buildOpensFile reports whether a mail program could take the lines from here
// on for a file: some decode uuencode (POSIX, uuencode) and yEnc wherever they
// stand in a text, and old ones take any line of "begin" and two blanks for
// it. Files that stand so in a plain text were taken out by Parse; but markup,
// a character set or invisible characters can hide such a line until here.
func buildOpensFile(line string) bool {
	if strings.HasPrefix(line, "=ybegin ") {
		return true
	}
	rest, ok := strings.CutPrefix(line, "begin")
	if !ok {
		return false
	}
	rest = strings.TrimPrefix(rest, "-base64")
	mode := strings.TrimLeft(rest, " \t")
	if len(rest)-len(mode) > 1 {
		return true
	}
	digits := len(mode) - len(strings.TrimLeft(mode, "01234567"))
	return len(rest) > len(mode) && digits >= 3 && digits < len(mode) && (mode[digits] == ' ' || mode[digits] == '\t')
}

// buildOffset returns where character n of s begins, or the length of s.
func buildOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}
