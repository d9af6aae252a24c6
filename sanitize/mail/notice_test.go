package mail

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"

	"sekisho/sanitize/format"
)

// TestNoticeKinds: every kind of the vocabulary has a name.
func TestNoticeKinds(t *testing.T) {
	for _, k := range format.Kinds() {
		if _, ok := noticeKinds[k]; !ok {
			t.Errorf("kind %s has no name", k)
		}
	}
}

func TestNoticeOfPictures(t *testing.T) {
	for want, k := range map[string]format.Child{
		"画像を作り直しました。":          {Kind: format.PNG, Media: "image/png"},
		"すべてのページを画像のPDFにしました。": {Kind: format.TIFF, Media: "application/pdf"},
		"PNGの画像にしました。":         {Kind: format.TIFF, Media: "image/png"},
		"JPEGの画像にしました。":        {Kind: format.HEIC, Media: "image/jpeg"},
	} {
		k.Name, k.Original, k.Method, k.Verdict = "a", "a", format.MethodImage, format.Rebuilt
		if got := noticeDeed(k); got != want {
			t.Errorf("%s of %s: %q", k.Media, k.Kind, got)
		}
	}
	k := format.Child{Kind: format.PNG, Media: "image/png", Name: "a.png", Original: "a.jpg", Method: format.MethodImage, Verdict: format.Rebuilt}
	if got := noticeDeed(k); got != "PNGの画像にしました（a.png）。" { // its name changes, so the reader is told why
		t.Errorf("a PNG that was called a JPEG: %q", got)
	}
}

// TestNoticeOfPDF says what can be done with the new file.
func TestNoticeOfPDF(t *testing.T) {
	k := format.Child{Name: "a.pdf", Original: "a.pdf", Kind: format.PDF, Method: format.MethodImage, Verdict: format.Rebuilt}
	for want, change := range map[string]func(*format.Child){
		"画像のPDFにしました。": func(*format.Child) {},
		"画像のPDFにしました（文字の検索とコピーができます）。": func(k *format.Child) { k.Searchable = true },
		"文字だけを取り出しました（a.txt）。":         func(k *format.Child) { k.Method, k.Name = format.MethodText, "a.txt" },
	} {
		kid := k
		change(&kid)
		if got := noticeAttachments([]format.Child{kid}, false); !strings.Contains(got, "「a.pdf」　"+want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNoticeWordsAreJIS: what we say ourselves can be written in ISO-2022-JP,
// and avoids the words of PRODUCT.md's list.
func TestNoticeWordsAreJIS(t *testing.T) {
	var kids []format.Child
	for _, r := range format.Reasons() {
		for k := range noticeKinds {
			kids = append(kids, buildHeld("a", k, r))
		}
	}
	for _, m := range []format.Method{format.MethodNone, format.MethodText, format.MethodImage, format.MethodReconstruct, format.MethodUnpack} {
		for _, v := range []format.Verdict{format.Rebuilt, format.Partly, format.Stripped} {
			for _, k := range []format.Kind{format.Mail, format.PDF, format.Zip} {
				kids = append(kids, format.Child{Name: "b", Original: "a", Method: m, Verdict: v, Kind: k},
					format.Child{Name: "b", Original: "a", Method: m, Verdict: v, Kind: k, Searchable: true})
			}
		}
	}
	var all strings.Builder
	for part := kids; len(part) > 0; part = part[min(len(part), noticeMaxRows):] {
		all.WriteString(noticeAttachments(part, false))
	}
	f := *buildFacts()
	all.WriteString(noticeFoot(f, true) + noticeTop + noticeTitle + noticeNested + buildNoBody + buildLostBody + buildReportHead + buildInviteHead + buildUnknownName)
	for _, code := range []string{"link_mismatch", "link_defanged", "charset_replaced", "date_missing", "own_domain", "html_hidden_text"} {
		all.WriteString(noticeSentence(code, 1) + noticeSentence(code, 2))
	}
	all.WriteString(substituteText(Substitute{Facts: f}) + substituteText(Substitute{}))
	for _, w := range postmasterWords {
		all.WriteString(w.subject + w.ja + w.next)
	}
	for r := range strings.SplitSeq(all.String(), "") {
		if _, err := japanese.ISO2022JP.NewEncoder().String(r); err != nil {
			t.Errorf("%q is not in JIS X 0208", r)
		}
	}
	for _, word := range []string{"安全です", "解放", "放出", "リリース", "検疫"} {
		if strings.Contains(all.String(), word) {
			t.Errorf("%q is said", word)
		}
	}
}

func TestNoticeManyRows(t *testing.T) {
	var kids []format.Child
	for range noticeMaxRows + 5 {
		kids = append(kids, buildHeld("a.zip", format.Zip, format.EncryptedArchive))
	}
	kids = append(kids, format.Child{Verdict: format.Stripped})
	s := noticeAttachments(kids, false)
	if !strings.Contains(s, "ほかに６件あります（うちお預かり５件）") {
		t.Error(s[len(s)-1000:])
	}
	if strings.Count(s, "パスワードを付けずに") != 1 {
		t.Error("the same request is made more than once")
	}
}

func TestNoticeTimes(t *testing.T) {
	at := time.Date(2026, 4, 17, 9, 2, 0, 0, time.UTC)
	if got := noticeMinute(at); got != "２０２６年４月１７日（金）９時２分" {
		t.Error(got)
	}
}
