package mail

import (
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// A file refused for its name alone is not called by the harmless kind of its
// content, which would contradict the reason.
func TestNoticeNamesKinds(t *testing.T) {
	for name, c := range map[string]struct {
		in   format.Child
		want string
	}{
		"refused by name":    {format.Child{Original: "list.pdf.js", Kind: format.Text, Reason: format.KindBlocked}, "「list.pdf.js」"},
		"refused by content": {format.Child{Original: "a", Kind: format.Executable, Reason: format.KindBlocked}, "「a」（プログラム）"},
		"disguised":          {format.Child{Original: "a.pdf", Kind: format.Text, Reason: format.TypeMismatch}, "「a.pdf」（中身は文字だけのファイル）"},
		"not supported":      {format.Child{Original: "a.pdf", Kind: format.PDF, Reason: format.KindUnsupported}, "「a.pdf」（PDF）"},
		"without a name":     {format.Child{Kind: format.Zip, Reason: format.KindUnsupported}, "（名前なし）（ZIP）"},
	} {
		if got := noticeName(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A part without a name is not said to have the wrong one.
func TestNoticeOfNamelessDisguise(t *testing.T) {
	k := format.Child{Kind: format.Text, Reason: format.TypeMismatch}
	if got := noticeDeed(k); strings.Contains(got, "名前") || !strings.Contains(got, "種類の表示と中身が合わないため") {
		t.Errorf("%q", got)
	}
	k.Original = "a.pdf"
	if got := noticeDeed(k); !strings.Contains(got, "名前と中身") {
		t.Errorf("%q", got)
	}
}

// Whom to ask is said once: at the end when the office is known, else with
// the attachment.
func TestNoticeAsksTheOfficeOnce(t *testing.T) {
	kids := []format.Child{
		{Original: "a.pdf", Kind: format.PDF, Reason: format.KindUnsupported},
		{Original: "b.zip", Kind: format.Zip, Reason: format.EncryptedArchive},
	}
	for name, c := range map[string]struct {
		office format.Office
		want   string
	}{
		"contact": {format.Office{Contact: "情報政策課"}, "お願い　２　差出人に"},
		"portal":  {format.Office{PublicURL: "https://gw.example.lg.jp"}, "お願い　２　差出人に"},
		"neither": {format.Office{}, "お願い　１　中身が必要なときは、受付番号を添えて"},
	} {
		got := noticeAttachments(kids, noticeTold(c.office, "M-260417-00042"))
		if !strings.Contains(got, c.want) || strings.Contains(got, "１　中身") != (name == "neither") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
