package mail

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sekisho/sanitize/ir"
)

func TestBodyWords(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"latin":            {"An HTML section, 2nd.", []string{"an", "html", "section", "2nd"}},
		"japanese":         {"会場は", []string{"\x00会", "会場", "場は"}},
		"mixed":            {"会議A室", []string{"\x00会", "会議", "a", "\x00室"}},
		"address":          {"see <https://a.example/x> now", []string{"see", "now"}},
		"address in kanji": {"申請〔https://a.example/x〕", []string{"\x00申", "申請"}},
		"mail address":     {"to A@b.example, ", []string{"to", "a@b.example", "a", "b", "example"}},
		"wide digits":      {"１２３ 45", []string{"123", "45"}},
		"blank":            {" \n\t", nil},
	} {
		var got []string
		bodyWords(c.in, func(w string) { got = append(got, w) })
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// Many large forms that all differ cost time in proportion to their size.
func TestShownFormsAreBounded(t *testing.T) {
	var all []bodyChoice
	for i := range 40 {
		text := strings.Repeat(strings.Repeat(string(rune('a'+i%26)), i+1)+" ", 4<<10)
		all = append(all, bodyChoice{items: []bodyItem{{role: ir.RoleBody, text: text}}, visible: len(text)})
	}
	start := time.Now()
	shown := bodyShownForms(all, 0)
	if n := time.Since(start); n > 5*time.Second {
		t.Errorf("%v", n)
	}
	for i, s := range shown {
		if s != formShown {
			t.Errorf("form %d, which no other one covers, is not shown", i)
		}
	}
}
