package mail

import (
	"slices"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// notice is what the gateway itself says in a mail: warning lines above the
// sender's text and a section below it. Both end in LF or are empty.
type notice struct{ top, bottom string }

// The fixed lines of a notice. The sender's lines that resemble the first
// three are marked; see buildMarks.
const (
	noticeTop    = "【無害化済み】安全のため、このメールは自動で変換されています。くわしくは末尾をご覧ください。"
	noticeTitle  = "-- 無害化のお知らせ"
	noticeNested = "-- 添付されていたメールの処理 --"
	noticeWarn   = "【ご注意】"
	noticeOurs   = "この欄は庁内のシステムが付けたものです。差出人の文章ではありません。"
	noticeClear  = "危険因子は見つかりませんでした。"
)

// noticeWarnings are the findings that a reader must know before reading.
var noticeWarnings = []string{"own_domain", "from_many", "from_missing", "display_name", "link_mismatch"}

// noticeAbout are findings about the header; they get a row of their own.
var noticeAbout = []string{"own_domain", "from_many", "from_missing", "display_name", "date_off", "date_missing"}

// noticeFacts is what the notice of one mail is made from.
type noticeFacts struct {
	html, empty, lost bool
	found             map[string]int // findings of the mail itself by code
	codes             []string       // in the order first seen
	kids              []format.Child
	small             int // small pictures of the body that were left out
}

// noticeOf decides what the notice of a mail says. Without facts the mail will
// be attached to another one, and only missing parts are worth a section.
func noticeOf(m *buildValues, c format.Construction, found []format.Finding) notice {
	n := noticeFacts{
		html:  m.numbers[ir.NumberHTML] > 0,
		lost:  m.has("body_unreadable"),
		empty: !noticeHasText(m),
		found: map[string]int{},
		kids:  c.Kids,
	}
	for _, f := range found {
		if n.found[f.Code]++; n.found[f.Code] == 1 {
			n.codes = append(n.codes, f.Code)
		}
	}
	for _, k := range c.Kids {
		if noticeSmall(k) {
			n.small++
		}
	}
	if c.Facts == nil {
		if !noticeMissing(n.kids) {
			return notice{}
		}
		return notice{bottom: noticeNested + "\n" + noticeAttachments(n.kids, false)}
	}
	return notice{top: n.top(), bottom: n.bottom(*c.Facts)}
}

func noticeHasText(m *buildValues) bool {
	for _, t := range m.texts {
		if strings.TrimSpace(t.s.String()) != "" {
			return true
		}
	}
	return false
}

// noticeSmall reports whether k is a picture of the body that was left out by
// rule (DECISIONS 17). These get one line in all.
func noticeSmall(k format.Child) bool {
	if k.Verdict != format.Stripped {
		return false
	}
	for _, f := range k.Findings {
		if f.Code == "inline_picture" {
			return true
		}
	}
	return false
}

// noticeMissing reports whether a part that a reader may miss is left out, at
// any depth.
func noticeMissing(kids []format.Child) bool {
	for _, k := range kids {
		switch {
		case noticeSmall(k):
		case k.Verdict != format.Rebuilt, noticeMissing(k.Kids):
			return true
		}
	}
	return false
}

// top gives the lines above the sender's text: only when something is missing,
// a link lies, or the sender is suspicious (DECISIONS 18).
func (n noticeFacts) top() string {
	var b strings.Builder
	for _, code := range noticeWarnings {
		if n.found[code] > 0 {
			b.WriteString(noticeWarn + noticeSentence(code, n.found[code]) + "\n")
		}
	}
	if b.Len() == 0 && !noticeMissing(n.kids) {
		return ""
	}
	return noticeTop + "\n" + b.String()
}

// bottom gives the section after the sender's text. A mail of nothing but
// harmless text gets a short one.
func (n noticeFacts) bottom(f format.Facts) string {
	var b strings.Builder
	b.WriteString(noticeTitleLine(f.Office))
	noticeRow(&b, "注意", n.sentences(true))
	noticeRow(&b, "本文", n.body())
	if noticeListed(n.kids) == 0 && n.plain() {
		b.WriteString("この欄は庁内のシステムが付けたものです（受付番号 " + buildToken(f.ReceiptNo) + "）。\n")
		return b.String()
	}
	b.WriteString(noticeAttachments(n.kids, noticeTold(f.Office, f.ReceiptNo)))
	b.WriteString(noticeFoot(f, buildTally(n.kids).held > 0))
	return b.String()
}

func noticeTitleLine(o format.Office) string {
	if o.Name == "" {
		return noticeTitle + " --\n"
	}
	return noticeTitle + "（" + buildClean(o.Name) + "） --\n"
}

// plain reports whether nothing worth telling was found in the mail itself.
func (n noticeFacts) plain() bool {
	return n.small == 0 && len(n.sentences(true)) == 0 && len(n.sentences(false)) == 0
}

// body tells what was done to the text, then what was found in it, a sentence
// a line.
func (n noticeFacts) body() []string {
	var all []string
	switch {
	case n.empty && n.lost: // the finding says so
	case n.empty:
		all = append(all, "届いたメールにはありませんでした。")
	case n.html:
		all = append(all, "文字だけを取り出しました（飾りと配置は除きました）。")
	default:
		all = append(all, "文字だけを取り出しました。")
	}
	all = append(all, n.sentences(false)...)
	if n.found["link_mismatch"] > 0 && n.found["link_defanged"] == 0 {
		all = append(all, "そのリンクは、押せないように「hxxp」と「[.]」の形に書き換えました。")
	}
	if n.small > 0 {
		all = append(all, "本文に埋め込まれた小さな画像"+noticeWide(n.small)+"件を取り除きました。")
	}
	if n.top() == "" && !n.hazard() && !n.lost {
		all = append(all, noticeClear)
	}
	return all
}

// noticeRow writes sentences under a label of two characters. Two short ones
// share the line.
func noticeRow(b *strings.Builder, label string, sentences []string) {
	sep := "\n　　　"
	if len(sentences) == 2 && sentences[1] == noticeClear {
		sep = ""
	}
	if len(sentences) > 0 {
		b.WriteString(label + "　" + strings.Join(sentences, sep) + "\n")
	}
}

// hazard reports whether a danger was removed anywhere in the mail.
func (n noticeFacts) hazard() bool {
	for _, code := range n.codes {
		if t, ok := format.TextOf(code); ok && t.Hazard {
			return true
		}
	}
	return noticeHazard(n.kids)
}

func noticeHazard(kids []format.Child) bool {
	for _, k := range kids {
		for _, f := range k.Findings {
			if t, ok := format.TextOf(f.Code); ok && t.Hazard {
				return true
			}
		}
		if noticeHazard(k.Kids) {
			return true
		}
	}
	return false
}

// sentences gives the sentences about the header, or about all else. Dangers
// come first; equal sentences are said once.
func (n noticeFacts) sentences(about bool) []string {
	var all []string
	for _, hazard := range []bool{true, false} {
		for _, code := range n.codes {
			t, ok := format.TextOf(code)
			if !ok || t.JA == "" || t.Hazard != hazard || slices.Contains(noticeAbout, code) != about {
				continue
			}
			if code == "inline_picture" && n.small > 0 {
				continue
			}
			if s := noticeSentence(code, n.found[code]); !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// noticeSentence says a finding of the mail, with its number where that helps.
func noticeSentence(code string, count int) string {
	if count > 1 {
		switch code {
		case "link_mismatch":
			return "見かけと行き先の違うリンクが" + noticeWide(count) + "件あります。"
		case "link_defanged":
			return "リンク" + noticeWide(count) + "件は押せない形にしました。"
		}
	}
	t, _ := format.TextOf(code)
	return t.JA + "。"
}
