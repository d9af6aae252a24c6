package mail

import (
	"fmt"
	"io"
	"strings"
	"time"

	"sekisho/sanitize/format"
)

// FollowUp is the mail that brings a part that was held and is released now
// (DECISIONS 12). The strings come from the original mail; they are quoted and
// cut, never interpreted.
type FollowUp struct {
	Facts format.Facts // of the original message; Recipients get this mail
	At    time.Time    // when the release was decided; dates the mail

	Item      string        // id of the held part; this mail's Message-ID follows from it
	From      string        // sender of the original as claimed
	Subject   string        // of the original; this mail's too
	MessageID string        // of the original, which the delivered mail kept when it was valid
	Reason    format.Reason // why the part was held
	Part      format.Child  // the part, decided anew

	// Exception is the number of the registered exception when Part is the
	// original itself; the mail then says so first of all. "" for every rebuilt
	// part.
	Exception string

	Address  string // our own mailbox; postmaster@Facts.Host when empty
	MaxBytes int64  // of the mail; 0 is no bound
}

// BuildFollowUp writes the mail of a released part. It passes Lint like every
// other mail, but for the one attachment of an exception, which is no rebuilt
// file. It MUST be sent with the null reverse-path. Its Message-ID follows from
// Item alone: mail systems drop a second copy.
//
// The same f gives the same bytes. An *format.Error says why it cannot be sent:
// too_large_after above MaxBytes.
func BuildFollowUp(f FollowUp, w io.Writer) error {
	facts := f.Facts
	facts.ReceivedAt = f.At
	h := substituteHeader(facts, f.Address, "followup\x00"+f.Item)
	h.to = substituteTo(facts.Recipients)
	h.subject = buildUnstructured(buildCut(buildClean(f.Subject), buildMaxSubject))
	if len(h.subject) == 0 {
		h.subject = buildUnstructured("お預かりしていたものをお届けします（受付番号 " + buildToken(facts.ReceiptNo) + "）")
	}
	if h.references = buildIDs(f.MessageID, 1); len(h.references) == 0 {
		h.references = buildOne(buildMessageID("message", &f.Facts))
	}
	h.inReplyTo = h.references
	kids := []format.Child{f.Part}
	h.result = followUpResult(f, kids)
	d := buildDraft{head: h, text: followUpText(f), kids: kids}
	if err := d.write(&buildCounter{w: w, max: f.MaxBytes}); err != nil {
		return fmt.Errorf("build follow-up mail: %w", err)
	}
	return nil
}

// followUpResult is the verdict for programs. An original is not called
// rebuilt: for those who read the field the mail is one with a held part.
func followUpResult(f FollowUp, kids []format.Child) []string {
	if f.Exception != "" {
		return buildResultTokens(f.Facts, format.Held, 0, buildCount{held: 1}, nil)
	}
	t, v := buildTally(kids), format.Rebuilt
	if t.held > 0 {
		v = format.Partly
	}
	return buildResultTokens(f.Facts, v, 0, t, buildCodes(nil, kids))
}

func followUpText(f FollowUp) string {
	var b strings.Builder
	if f.Exception != "" {
		b.WriteString("【例外解除】このメールの添付は、無害化していない原本です。\n" +
			"登録された例外措置（番号 " + buildToken(f.Exception) + "）と二人の承認によりお届けします。\n" +
			"申請した目的のほかには使わず、開く前に手順を確かめてください。\n\n")
	} else {
		b.WriteString("お預かりしていたものを、無害化してお届けします。\n\n")
	}
	substituteRow(&b, "差出人（名乗り）　", substituteQuoted(f.From))
	substituteRow(&b, "件名　　　　　　　", substituteQuoted(f.Subject))
	substituteRow(&b, "受信　　　　　　　", noticeMinute(f.Facts.ReceivedAt))
	substituteRow(&b, "受付番号　　　　　", buildToken(f.Facts.ReceiptNo))
	substituteRow(&b, "お預かりした理由　", f.Reason.Text().JA+"ため（"+string(f.Reason.Listed())+"）")
	b.WriteString("\n")
	told := noticeTold(f.Facts.Office, f.Facts.ReceiptNo)
	if f.Exception != "" {
		b.WriteString("添付　１" + noticeName(f.Part) + "　原本のままです。\n")
	} else {
		b.WriteString(noticeAttachments([]format.Child{f.Part}, told))
	}
	b.WriteString("\nこのメールは庁内のシステムが自動で送りました。返信しても届きません。\n")
	if c := buildClean(f.Facts.Office.Contact); c != "" {
		b.WriteString("お困りのときは　" + c + "\n")
	}
	return b.String()
}
