package mail

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sekisho/sanitize/format"
)

// DigestOccasion says why a list of held parts is sent. The zero value is the
// list of an hour.
type DigestOccasion uint8

// The occasions.
const (
	DigestOfHour DigestOccasion = iota // what came since the last one
	DigestAgain                        // one mail's held parts, because somebody asked
	DigestTrial                        // none: does a notice arrive?
)

// DigestMost is how many parts one digest lists; whoever has more writes a
// second one.
const DigestMost = 100

// Digest is the list of what is held for a recipient. The strings come from the
// held mails; they are quoted and cut, never interpreted.
type Digest struct {
	Facts    format.Facts // Recipients get the mail, ReceivedAt dates it
	Occasion DigestOccasion
	Key      string       // what no other digest has; the Message-ID follows from it
	Parts    []DigestPart // at most DigestMost
	More     bool         // there are others: of an hour, another digest follows at once
	Address  string       // our own mailbox; postmaster@Facts.Host when empty
}

// DigestPart is one held part. Parts of one mail stand next to each other.
type DigestPart struct {
	ReceiptNo  string
	ReceivedAt time.Time
	From       string // sender of its mail as claimed
	Subject    string // of its mail
	Recipient  string // whom it is held for; shown when the digest goes to somebody else

	Whole     bool // it is the mail itself
	Name      string
	Kind      format.Kind
	Reason    format.Reason
	ExpiresAt time.Time
	State     DigestState
}

// DigestState is what became of a part until the digest was written. The zero
// value is that it is held.
type DigestState uint8

// The states.
const (
	DigestHeld DigestState = iota
	DigestReleased
	DigestDiscarded
	DigestExpired
)

// digestEnds says what became of a part that is held no more.
var digestEnds = map[DigestState]string{
	DigestReleased: "解除してお届けしました", DigestDiscarded: "破棄しました", DigestExpired: "期限が過ぎたため破棄しました",
}

// digestWords are subject and first line of the occasions.
var digestWords = map[DigestOccasion]struct{ subject, first string }{
	DigestOfHour: {"【お預かり】お届けせずにお預かりしているものがあります", "お届けせずにお預かりしているものを、まとめてお知らせします。"},
	DigestAgain:  {"【お預かり】お知らせをもう一度お送りします", "お預かりしているもののお知らせを、もう一度お送りします。"},
	DigestTrial:  {"【試験】お知らせが届くことを確かめています", "お預かりのお知らせが届くことを確かめるための、試験のメールです。お預かりしているものはありません。"},
}

// digestOver is the subject when nothing of it is held any more.
const digestOver = "【お知らせ】お預かりしていたものの処理が終わりました"

// BuildDigest writes a list of held parts. It passes Lint like every other mail
// and MUST be sent with the null reverse-path. It holds no link that does
// anything by itself: the portal asks for a login.
//
// The same d gives the same bytes. The error is w's.
// spec: rfc3834#5
func BuildDigest(d Digest, w io.Writer) error {
	d.Parts = d.Parts[:min(len(d.Parts), DigestMost)]
	words, held := digestWords[d.Occasion], d.held()
	h := substituteHeader(d.Facts, d.Address, "digest\x00"+d.Key)
	h.to = substituteTo(d.Facts.Recipients)
	subject := words.subject
	switch {
	case d.Occasion == DigestAgain:
		subject += "（受付番号 " + buildToken(d.Facts.ReceiptNo) + "）"
	case d.Occasion == DigestOfHour && held == 0:
		subject = digestOver
	case held > 0:
		subject += "（" + noticeWide(held) + "件）"
	}
	h.subject = buildUnstructured(subject)
	h.result = buildResultTokens(d.Facts, format.Held, 0, buildCount{held: held}, nil)
	draft := buildDraft{head: h, text: digestText(d)}
	if err := draft.write(w); err != nil {
		return fmt.Errorf("build digest: %w", err)
	}
	return nil
}

// held returns how many of the parts are held still.
func (d Digest) held() int {
	n := 0
	for _, p := range d.Parts {
		if p.State == DigestHeld {
			n++
		}
	}
	return n
}

func digestText(d Digest) string {
	var b strings.Builder
	held := d.held()
	first := digestWords[d.Occasion].first
	switch {
	case held > 0 || d.Occasion == DigestTrial:
	case len(d.Parts) > 0:
		first = "お預かりしていたものの処理が終わりました。次のもので、いまもお預かりしているものはありません。"
	default:
		first += "いまお預かりしているものはありません。"
	}
	b.WriteString(first + "\n\n")
	for len(d.Parts) > 0 {
		n := 1
		for n < len(d.Parts) && d.Parts[n].ReceiptNo == d.Parts[0].ReceiptNo && d.Parts[n].Recipient == d.Parts[0].Recipient {
			n++
		}
		digestMail(&b, d.Facts, d.Parts[:n])
		d.Parts = d.Parts[n:]
	}
	switch {
	case d.More && d.Occasion == DigestAgain:
		b.WriteString("ここに書けるのは" + noticeWide(DigestMost) + "件までです。ほかにもお預かりしているものがあります。\n\n")
	case d.More:
		b.WriteString("ほかにもあるときは、続けてもう１通お送りします。\n\n")
	}
	if held > 0 {
		digestActions(&b, d.Facts)
	}
	b.WriteString("このメールは庁内のシステムが自動で送りました。返信しても届きません。\n")
	b.WriteString("パスワードや個人番号は書かないでください。\n")
	if c := buildClean(d.Facts.Office.Contact); c != "" {
		b.WriteString("お困りのときは　" + c + "\n")
	}
	return b.String()
}

// digestMail tells of the parts of one mail.
func digestMail(b *strings.Builder, f format.Facts, parts []DigestPart) {
	p, zone := parts[0], f.ReceivedAt.Location()
	substituteRow(b, "受付番号　　　　　", buildToken(p.ReceiptNo))
	if !slices.Equal(f.Recipients, []string{p.Recipient}) {
		substituteRow(b, "宛先　　　　　　　", substituteQuoted(p.Recipient))
	}
	substituteRow(b, "差出人（名乗り）　", substituteQuoted(p.From))
	substituteRow(b, "件名　　　　　　　", substituteQuoted(p.Subject))
	substituteRow(b, "受信　　　　　　　", noticeMinute(p.ReceivedAt.In(zone)))
	told := noticeTold(f.Office, p.ReceiptNo)
	var asks []string
	var until time.Time
	for i, p := range parts {
		label := "お預かり　　　　　"
		if i > 0 {
			label = "　　　　　　　　　"
		}
		substituteRow(b, label, digestPart(p))
		if p.State != DigestHeld {
			continue
		}
		if why := p.Reason.Text(); why.Next != "" && !(told && why.AsksOffice()) && !slices.Contains(asks, why.Next) {
			asks = append(asks, why.Next)
		}
		if until.IsZero() || p.ExpiresAt.Before(until) {
			until = p.ExpiresAt
		}
	}
	for _, ask := range asks {
		substituteRow(b, "お願い　　　　　　", ask)
	}
	if !until.IsZero() {
		substituteRow(b, "お預かりの期限　　", noticeDay(until.In(zone)))
		if url := noticePortal(f.Office.PublicURL, buildToken(p.ReceiptNo)); url != "" {
			b.WriteString(url + "\n")
		}
	}
	b.WriteString("\n")
}

// digestPart names a part, and why it is held or what became of it.
func digestPart(p DigestPart) string {
	name := "メール全体"
	if !p.Whole {
		name = noticeName(format.Child{Original: p.Name, Kind: p.Kind, Reason: p.Reason})
	}
	if end := digestEnds[p.State]; end != "" {
		return name + "　" + end
	}
	return name + "　" + p.Reason.Text().JA + "ため（" + string(p.Reason.Listed()) + "）"
}

// digestActions names only what the running version can do.
func digestActions(b *strings.Builder, f format.Facts) {
	if noticePortal(f.Office.PublicURL, "M") != "" {
		b.WriteString("お預かりしたものの確認と解除の申請は、庁内ポータルでできます（ログインが必要です）。\n")
	} else if c := buildClean(f.Office.Contact); c != "" {
		b.WriteString("お預かりしたものについては、受付番号を添えて" + c + "へお問い合わせください。\n")
	}
	b.WriteString("期限を過ぎたものは破棄し、記録だけを残します。\n")
}
