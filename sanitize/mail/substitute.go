package mail

import (
	"fmt"
	"io"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Substitute is what a recipient is told about a mail that is held as a whole
// (DECISIONS 11). The strings come from the held mail, or from its envelope
// when it cannot be read; they are quoted and cut, never interpreted.
type Substitute struct {
	Facts  format.Facts  // of the delivery; Recipients get the mail
	Reason format.Reason // why it is held; unknown reads as internal

	From      string       // name and address as claimed, "" when unknown
	Subject   string       // "" when unknown
	MessageID string       // of the original; becomes References when valid
	Sent      *ir.Date     // as claimed, nil when unknown
	Contents  format.Child // the held mail; its Kids name the attachments, when known
	Delayed   bool         // it goes later than it was written, for there are many

	// Address is our own mailbox, shown as the sender; postmaster@Facts.Host
	// when empty.
	Address string
}

// BuildSubstitute writes the mail that stands for a wholly held one. It passes
// Lint like every other mail and MUST be sent with the null reverse-path, so
// that it can never bounce to an outside sender or start a loop.
//
// The same s gives the same bytes. The error is w's.
func BuildSubstitute(s Substitute, w io.Writer) error {
	text := substituteText(s)
	h := substituteHeader(s.Facts, s.Address, "substitute\x00"+strings.Join(s.Facts.Recipients, " ")+"\x00"+text)
	h.to = substituteTo(s.Facts.Recipients)
	receipt := buildToken(s.Facts.ReceiptNo)
	h.subject = buildUnstructured("【お預かり】安全を確かめられないメールがあります（受付番号 " + receipt + "）")
	h.references = buildIDs(s.MessageID, 1)
	h.inReplyTo = h.references
	h.result = buildResultTokens(s.Facts, format.Held, 0, buildCount{held: 1}, buildCodes(nil, s.Contents.Kids))
	d := buildDraft{head: h, text: text}
	if err := d.write(w); err != nil {
		return fmt.Errorf("build substitute mail: %w", err)
	}
	return nil
}

// substituteHeader begins the header of a mail of our own. Purpose goes into
// its Message-ID: mail systems drop a second mail with the same one, so mails
// that differ must have different ids.
//
// spec: rfc3834#5
func substituteHeader(f format.Facts, address, purpose string) *buildHeader {
	addr, ok := buildSpec(address)
	if !ok {
		addr = "postmaster@" + buildHost(f.Host)
	}
	name := buildCut(buildClean(f.Office.Name), buildNameMax)
	h := &buildHeader{
		date:          buildDate(f.ReceivedAt),
		from:          buildBoxTokens([]buildMailbox{{name: name, addr: addr}}),
		messageID:     buildMessageID(purpose, &f),
		autoSubmitted: "auto-generated",
	}
	h.setTrace(f)
	return h
}

// substituteTo writes the recipients; several do not see each other, for the
// held mail may have named some of them in Bcc.
func substituteTo(rcpts []string) []string {
	if len(rcpts) == 1 {
		if addr, ok := buildSpec(rcpts[0]); ok {
			return []string{addr}
		}
	}
	return []string{buildNobody + ":;"}
}

func substituteText(s Substitute) string {
	var b strings.Builder
	why := s.Reason.Text()
	b.WriteString("次のメールを、お届けせずにお預かりしています。\n\n")
	substituteRow(&b, "差出人（名乗り）　", substituteQuoted(s.From))
	substituteRow(&b, "件名　　　　　　　", substituteQuoted(s.Subject))
	substituteRow(&b, "受信　　　　　　　", noticeMinute(s.Facts.ReceivedAt))
	if t, ok := buildInstant(s.Sent); ok {
		substituteRow(&b, "送信（名乗り）　　", noticeMinute(t.In(s.Facts.ReceivedAt.Location())))
	}
	substituteRow(&b, "受付番号　　　　　", buildToken(s.Facts.ReceiptNo))
	substituteRow(&b, "理由　　　　　　　", why.JA+"ため（"+string(s.Reason.Listed())+"）")
	told := noticeTold(s.Facts.Office, s.Facts.ReceiptNo)
	if list := noticeAttachments(s.Contents.Kids, told); list != "" {
		b.WriteString("\n" + list)
	}
	b.WriteString("\n")
	if !told || !why.AsksOffice() {
		b.WriteString(why.Next + "\n")
	}
	substituteActions(&b, s.Facts)
	if s.Delayed {
		b.WriteString("お預かりしたメールが続いたため、お知らせを１時間ごとに分け、遅らせてお送りしています。まだ続くことがあります。\n")
	}
	b.WriteString("このメールは庁内のシステムが自動で送りました。返信しても届きません。\n")
	b.WriteString("パスワードや個人番号は書かないでください。\n")
	if c := buildClean(s.Facts.Office.Contact); c != "" {
		b.WriteString("お困りのときは　" + c + "\n")
	}
	return b.String()
}

// substituteActions names only what the running version can do.
func substituteActions(b *strings.Builder, f format.Facts) {
	receipt := buildToken(f.ReceiptNo)
	if url := noticePortal(f.Office.PublicURL, receipt); url != "" {
		b.WriteString("お預かりしたメールの確認と解除の申請は、庁内ポータルでできます（ログインが必要です）。\n" + url + "\n")
	} else if c := buildClean(f.Office.Contact); c != "" {
		b.WriteString("お預かりしたメールについては、受付番号を添えて" + c + "へお問い合わせください。\n")
	}
	if !f.ExpiresAt.IsZero() {
		b.WriteString("期限は" + noticeDay(f.ExpiresAt) + "です。過ぎると破棄し、記録だけを残します。\n")
	}
}

func substituteRow(b *strings.Builder, label, value string) {
	b.WriteString(label + value + "\n")
}

func substituteQuoted(s string) string {
	if s = noticeQuote(s); s == "" {
		return "（表示なし）"
	}
	return "「" + s + "」"
}
