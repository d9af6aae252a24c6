package mail

import (
	"fmt"
	"io"
	"strings"

	"sekisho/sanitize/format"
)

// PostmasterEvent is what a postmaster mail reports. The zero value is a
// failed delivery.
type PostmasterEvent uint8

// The events that need a person.
const (
	DeliveryFailed PostmasterEvent = iota // a delivery ended in failure after 250
	MessageHeld                           // a message is held and nobody else was told
	NeedsPerson                           // something else stopped; Detail says what
	NoticesStopped                        // notices about held parts are due and do not get through
)

// Outcome is the final result for one recipient.
type Outcome struct {
	Recipient string
	Code      int    // SMTP reply code, 0 when the next hop could not be reached
	Enhanced  string // enhanced status code such as "5.2.2", "" if none
	Text      string // the next hop's words, quoted and cut
}

// Postmaster is a report to the people who run the gateway.
type Postmaster struct {
	Facts    format.Facts // of the message; ReceivedAt dates the mail too
	Event    PostmasterEvent
	To       []string // the postmaster's addresses
	Reason   format.Reason
	Detail   string // one line for operators, in their language; may be empty
	From     string // the message's sender as claimed
	Subject  string
	Outcomes []Outcome
	Untold   int // other failed deliveries that no mail is about, for want of room in their hour

	// Address is our own mailbox; postmaster@Facts.Host when empty.
	Address string
}

// postmasterMaxRows bounds the recipients that are listed.
const postmasterMaxRows = 200

// postmasterWords are the texts of the events.
var postmasterWords = map[PostmasterEvent]struct{ subject, ja, en, next, nextEN string }{
	DeliveryFailed: {
		"【配送失敗】お届けできないメールがあります",
		"受け付けたメールを、次の宛先へお届けできませんでした。差出人には知らせていません。",
		"A message was accepted but could not be delivered to the recipients below. The sender was not told.",
		"原因を直してから、「sekisho queue retry」で送り直すか、「sekisho queue fail」で打ち切ってください。\n" +
			"このお知らせは 1 時間に 20 通までです。お届けできなかったメールの一覧は「sekisho queue list --state=failed」で見られます。",
		"Fix the cause, then run `sekisho queue retry` or end it with `sekisho queue fail`.\n" +
			"There are at most 20 of these mails an hour; `sekisho queue list --state=failed` lists all that failed.",
	},
	MessageHeld: {
		"【お預かり】確認の必要なメールがあります",
		"メールをお届けせずにお預かりしています。宛先には知らせていません。",
		"A message is held. Its recipients were not told.",
		"「sekisho quarantine」で内容を確かめてください。",
		"Look at it with `sekisho quarantine`.",
	},
	NeedsPerson: {
		"【要確認】人の確認が必要です",
		"自動では先へ進めないことが起きました。",
		"Something stopped that needs a person.",
		"「sekisho queue show」で状態を確かめてください。",
		"Look at the state with `sekisho queue show`.",
	},
	NoticesStopped: {
		"【通知停止中】お預かりのお知らせを送れていません",
		"お預かりのお知らせを、次の時刻から１通も送れていません。職員は、お預かりしたものがあることを知らずにいます。",
		"No notice about held parts could be handed over since the time below. Staff do not know of what is held.",
		"「sekisho doctor」で中継先を確かめ、「sekisho notice test 宛先」で試験のお知らせを送ってください。\n" +
			"待っているお知らせは、送れるようになれば自動で送られます。",
		"Look at the next hop with `sekisho doctor` and send one with `sekisho notice test ADDRESS`.\nNotices that wait go out by themselves once they can.",
	},
}

// BuildPostmaster writes a report to the postmaster, Japanese first and
// English below. It quotes no body text. It passes Lint, and MUST be sent with
// the null reverse-path. The same p gives the same bytes; the error is w's.
func BuildPostmaster(p Postmaster, w io.Writer) error {
	words, ok := postmasterWords[p.Event]
	if !ok {
		words = postmasterWords[NeedsPerson]
	}
	var b strings.Builder
	b.WriteString(words.ja + "\n\n")
	postmasterFacts(&b, p)
	b.WriteString("\n" + words.next + "\n")
	if p.Untold > 0 {
		fmt.Fprintf(&b, "ほかに %d 通、お知らせを省いた配送の失敗があります。「sekisho queue list --state=failed --limit=%d」で一覧を見られます。\n",
			p.Untold, postmasterList(p.Untold))
	}
	b.WriteString("\n" + buildRule + "\n\n" + words.en + "\n\n")
	postmasterFactsEN(&b, p)
	b.WriteString("\n" + words.nextEN + "\n")
	if p.Untold > 0 {
		fmt.Fprintf(&b, "%d more failed that no mail told of; see `sekisho queue list --state=failed --limit=%d`.\n", p.Untold, postmasterList(p.Untold))
	}
	h := substituteHeader(p.Facts, p.Address, "postmaster\x00"+words.subject+"\x00"+b.String())
	h.to = postmasterTo(p.To)
	h.subject = buildUnstructured(words.subject)
	if p.Facts.ReceiptNo != "" {
		h.subject = buildUnstructured(words.subject + "（受付番号 " + buildToken(p.Facts.ReceiptNo) + "）")
	}
	h.result = buildResultTokens(p.Facts, format.Held, 0, buildCount{}, nil)
	d := buildDraft{head: h, text: b.String()}
	if err := d.write(w); err != nil {
		return fmt.Errorf("build postmaster mail: %w", err)
	}
	return nil
}

// postmasterList is a limit for the list, in thousands, with room for those
// that were told of.
func postmasterList(untold int) int { return (untold/1000 + 1) * 1000 }

func postmasterTo(to []string) []string {
	var boxes []buildMailbox
	for _, a := range to {
		if addr, ok := buildSpec(a); ok {
			boxes = append(boxes, buildMailbox{addr: addr})
		}
	}
	if len(boxes) == 0 {
		boxes = []buildMailbox{{group: true}}
	}
	return buildBoxTokens(boxes)
}

// postmasterFacts are about a message where there is one; else they begin with
// a time.
func postmasterFacts(b *strings.Builder, p Postmaster) {
	if p.Facts.ReceiptNo == "" {
		substituteRow(b, "いつから　　　　　", noticeMinute(p.Facts.ReceivedAt))
	} else {
		substituteRow(b, "受付番号　　　　　", buildToken(p.Facts.ReceiptNo))
		substituteRow(b, "受信　　　　　　　", noticeMinute(p.Facts.ReceivedAt))
		substituteRow(b, "差出人（名乗り）　", substituteQuoted(p.From))
		substituteRow(b, "件名　　　　　　　", substituteQuoted(p.Subject))
	}
	if p.Reason != "" {
		substituteRow(b, "理由　　　　　　　", p.Reason.Text().JA+"ため（"+string(p.Reason.Listed())+"）")
	}
	if d := postmasterLine(p.Detail); d != "" {
		substituteRow(b, "くわしく　　　　　", d)
	}
	for i, o := range p.Outcomes[:min(len(p.Outcomes), postmasterMaxRows)] {
		label := "　　　　　　　　　"
		if i == 0 {
			label = "宛先　　　　　　　"
		}
		substituteRow(b, label, noticeQuote(o.Recipient)+"　"+o.words("応答なし"))
	}
	if n := len(p.Outcomes) - postmasterMaxRows; n > 0 {
		substituteRow(b, "　　　　　　　　　", "ほかに"+noticeWide(n)+"件")
	}
}

func postmasterFactsEN(b *strings.Builder, p Postmaster) {
	if p.Facts.ReceiptNo == "" {
		substituteRow(b, "Since:     ", buildDate(p.Facts.ReceivedAt))
	} else {
		substituteRow(b, "Receipt:   ", buildToken(p.Facts.ReceiptNo))
		substituteRow(b, "Received:  ", buildDate(p.Facts.ReceivedAt))
	}
	if p.Reason != "" {
		substituteRow(b, "Reason:    ", p.Reason.Text().EN+" ("+string(p.Reason.Listed())+")")
	}
	if d := postmasterLine(p.Detail); d != "" {
		substituteRow(b, "Detail:    ", d)
	}
	for _, o := range p.Outcomes[:min(len(p.Outcomes), postmasterMaxRows)] {
		substituteRow(b, "Recipient: ", noticeQuote(o.Recipient)+"  "+o.words("no answer"))
	}
}

// words writes an outcome: 550 5.1.1 「user unknown」.
func (o Outcome) words(none string) string {
	if o.Code < 200 || o.Code > 599 {
		return none + " " + substituteQuoted(o.Text)
	}
	s := fmt.Sprintf("%d", o.Code)
	if e := buildToken(o.Enhanced); e != "-" {
		s += " " + e
	}
	return s + " " + substituteQuoted(o.Text)
}

// postmasterLine makes one line of up to 300 characters.
func postmasterLine(s string) string { return strings.TrimSpace(buildCut(buildClean(s), 300)) }
