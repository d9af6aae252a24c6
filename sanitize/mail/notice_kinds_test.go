package mail

import (
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
