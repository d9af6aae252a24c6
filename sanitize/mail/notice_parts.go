package mail

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"sekisho/sanitize/format"
)

// Limits of the list of attachments. A mail of hundreds of files gets a short
// account; the portal and the record have all of it.
const (
	noticeMaxRows  = 300
	noticeMaxDepth = 10
	noticeMaxBrief = 5
	noticeMaxQuote = 60 // characters of the sender's words (UX-AUDIT section 7)
)

// noticeList writes the rows of the attachments and remembers what the reader
// is asked to do about the missing ones.
type noticeList struct {
	b       strings.Builder
	rows    int
	left    int  // rows not written
	leftHel int  // held ones among them
	told    bool // the reader is told elsewhere whom to ask
	asks    []string
	who     map[string][]string // ask → numbers of the attachments
}

// noticeListed counts the children that get a row.
func noticeListed(kids []format.Child) int {
	n := 0
	for _, k := range kids {
		if !noticeSmall(k) {
			n++
		}
	}
	return n
}

// noticeAttachments tells what was done to each attachment, its members below
// it, and then what the reader can do about the missing ones. told says that
// whom to ask is written elsewhere.
func noticeAttachments(kids []format.Child, told bool) string {
	l := &noticeList{told: told, who: map[string][]string{}}
	l.list(kids, "", 0)
	if l.left > 0 {
		l.b.WriteString("　　　ほかに" + noticeWide(l.left) + "件あります（うちお預かり" + noticeWide(l.leftHel) + "件）。\n")
	}
	for i, ask := range l.asks {
		label := "　　　　"
		if i == 0 {
			label = "お願い　"
		}
		l.b.WriteString(label + strings.Join(l.who[ask], "、") + "　" + ask + "\n")
	}
	return l.b.String()
}

func (l *noticeList) list(kids []format.Child, prefix string, depth int) {
	n := 0
	for _, k := range kids {
		if noticeSmall(k) {
			continue
		}
		n++
		number := prefix + noticeWide(n)
		l.row(k, number, depth)
		if k.Present() && depth < noticeMaxDepth {
			l.list(k.Kids, number+"の", depth+1)
		}
	}
}

func (l *noticeList) row(k format.Child, number string, depth int) {
	if l.rows == noticeMaxRows {
		l.left++
		if noticeHeld(k) {
			l.leftHel++
		}
		return
	}
	label := "　　　"
	if l.rows == 0 {
		label = "添付　"
	}
	l.rows++
	indent := strings.Repeat("　　", depth)
	l.b.WriteString(label + indent + number + noticeName(k) + "　" + noticeDeed(k) + "\n")
	for _, line := range k.Brief[:min(len(k.Brief), noticeMaxBrief)] {
		l.b.WriteString("　　　" + indent + "　　「" + noticeQuote(line) + "」\n")
	}
	if why := k.Reason.Text(); noticeHeld(k) && !(l.told && why.AsksOffice()) {
		l.ask(why.Next, number)
	}
}

// ask gathers the attachments with the same next step in one line.
func (l *noticeList) ask(next, number string) {
	if next == "" {
		return
	}
	if _, known := l.who[next]; !known {
		l.asks = append(l.asks, next)
	}
	l.who[next] = append(l.who[next], number)
}

func noticeHeld(k format.Child) bool { return !k.Present() && k.Verdict != format.Stripped }

// noticeName quotes what the sender called the file, and names its kind when
// the file is missing, for the name alone may mislead then.
func noticeName(k format.Child) string {
	name := k.Original
	if name == "" {
		name = k.Name
	}
	s := "（名前なし）"
	if name != "" {
		s = "「" + noticeQuote(name) + "」"
	}
	kind, ok := noticeKinds[k.Kind]
	switch {
	case k.Present() || !ok || kind == "":
		return s
	case k.Reason == format.KindBlocked && !noticeBlocked(k.Kind):
		return s // it is the name that is refused, not what is inside
	case k.Reason == format.TypeMismatch:
		return s + "（中身は" + kind + "）"
	}
	return s + "（" + kind + "）"
}

// noticeBlocked lists the kinds that are refused whatever they are called.
func noticeBlocked(k format.Kind) bool {
	switch k {
	case format.Executable, format.Script, format.Shortcut, format.DiskImage, format.Help:
		return true
	}
	return false
}

// noticeQuote makes one short line of the sender's words. The brackets that we
// quote with may not stand inside.
func noticeQuote(s string) string {
	s = strings.NewReplacer("「", "『", "」", "』").Replace(buildClean(s))
	return buildCut(strings.TrimSpace(s), noticeMaxQuote)
}

// noticeDeed says what became of one file.
func noticeDeed(k format.Child) string {
	switch {
	case k.Present():
		return noticeRebuilt(k) + noticeRenamed(k) + "。" + noticeFound(k.Findings)
	case k.Verdict == format.Stripped:
		if k.Reason.Known() {
			return k.Reason.Text().JA + "ため、取り除きました。"
		}
		if s := noticeFound(k.Findings); s != "" {
			return s
		}
		return "取り除きました。"
	}
	if k.Reason == format.TypeMismatch && k.Original == "" {
		return "種類の表示と中身が合わないため、お預かりしています。"
	}
	return k.Reason.Text().JA + "ため、お預かりしています。"
}

// noticeTold reports whether the reader of a notice is told whom to ask.
func noticeTold(o format.Office, receipt string) bool {
	return buildClean(o.Contact) != "" || noticePortal(o.PublicURL, buildToken(receipt)) != ""
}

// noticePicture says of a picture that it is of another kind now.
func noticePicture(k format.Child) string {
	switch {
	case noticeNamed(k):
	case k.Media == "application/pdf":
		return "すべてのページを画像のPDFにしました"
	case k.Media == "image/png":
		return "PNGの画像にしました"
	case k.Media == "image/jpeg":
		return "JPEGの画像にしました"
	}
	return "画像を作り直しました"
}

// noticeNamed reports whether a PNG or JPEG was called what it is, so that it
// keeps its name.
func noticeNamed(k format.Child) bool {
	ext := strings.ToLower(path.Ext(k.Original))
	switch k.Kind {
	case format.PNG:
		return ext == "" || ext == ".png"
	case format.JPEG:
		return slices.Contains([]string{"", ".jpg", ".jpeg", ".jpe", ".jfif"}, ext)
	}
	return false
}

func noticeRebuilt(k format.Child) string {
	if k.Kind == format.Mail {
		if k.Verdict == format.Partly {
			return "添付されていたメールを作り直し、一部をお預かりしています"
		}
		return "添付されていたメールを作り直しました"
	}
	switch k.Method {
	case format.MethodText:
		return "文字だけを取り出しました"
	case format.MethodImage:
		switch {
		case k.Kind == format.PDF && k.Searchable:
			return "画像のPDFにしました（文字の検索とコピーができます）"
		case k.Kind == format.PDF:
			return "画像のPDFにしました"
		}
		return noticePicture(k)
	case format.MethodUnpack:
		if k.Verdict == format.Partly {
			return "中のファイルを一つずつ作り直し、一部をお預かりしています"
		}
		return "中のファイルを一つずつ作り直しました"
	}
	return "作り直しました"
}

// noticeRenamed names the new file when it is called differently.
func noticeRenamed(k format.Child) string {
	if k.Name == "" || k.Name == k.Original || k.Original == "" {
		return ""
	}
	return "（" + noticeQuote(k.Name) + "）"
}

// noticeFound says the findings of one file, dangers first, each once.
func noticeFound(found []format.Finding) string {
	var b strings.Builder
	said := map[string]bool{}
	for _, hazard := range []bool{true, false} {
		for _, f := range found {
			t, ok := format.TextOf(f.Code)
			if ok && t.JA != "" && t.Hazard == hazard && !said[t.JA] {
				said[t.JA] = true
				b.WriteString(t.JA + "。")
			}
		}
	}
	return b.String()
}

// noticeFoot gives the receipt number, what the reader can do with the running
// version, and whom to ask.
func noticeFoot(f format.Facts, held bool) string {
	var b strings.Builder
	receipt := buildToken(f.ReceiptNo)
	b.WriteString("受付番号　" + receipt + "\n")
	contact := buildClean(f.Office.Contact)
	if held {
		if !f.ExpiresAt.IsZero() {
			b.WriteString("お預かりの期限　" + noticeDay(f.ExpiresAt) + "（過ぎると破棄し、記録だけを残します）\n")
		}
		if url := noticePortal(f.Office.PublicURL, receipt); url != "" {
			b.WriteString("お預かりしたものの確認と解除の申請は、庁内ポータルでできます（ログインが必要です）。\n" + url + "\n")
		} else if contact != "" {
			b.WriteString("お預かりしたものについては、受付番号を添えて" + contact + "へお問い合わせください。\n")
		}
	}
	b.WriteString(noticeOurs + "\n")
	if contact != "" {
		b.WriteString("お困りのときは　" + contact + "\n")
	}
	return b.String()
}

// noticePortal gives the page of a message; "" when there is no portal.
func noticePortal(base, receipt string) string {
	base = strings.TrimRight(base, "/")
	if !strings.HasPrefix(base, "https://") && !strings.HasPrefix(base, "http://") || !buildPlain(base) ||
		strings.ContainsAny(base, " <>\"") || receipt == "-" {
		return ""
	}
	return base + "/m/" + receipt
}

// noticeWide writes a number in full-width digits.
func noticeWide(n int) string { return noticeWiden(strconv.Itoa(n)) }

func noticeWiden(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + '０'
		}
		return r
	}, s)
}

// noticeDay writes a day: ２０２６年５月１７日.
func noticeDay(t time.Time) string { return noticeWiden(t.Format("2006年1月2日")) }

// noticeMinute writes an instant: ２０２６年４月１７日（金）９時１２分.
func noticeMinute(t time.Time) string {
	day := []string{"日", "月", "火", "水", "木", "金", "土"}[t.Weekday()]
	return noticeDay(t) + "（" + day + "）" + noticeWide(t.Hour()) + "時" + noticeWide(t.Minute()) + "分"
}
