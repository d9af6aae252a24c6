package hypertext

import (
	"strings"

	"golang.org/x/net/html/atom"
)

// control writes form controls and a few interactive elements as they would
// look on paper, and reports whether n was one.
func (r *renderer) control(n *node, st style) bool {
	switch n.tag {
	case atom.Input:
		r.input(n)
	case atom.Textarea:
		r.label("入力欄", n.content())
	case atom.Select:
		r.choice(n, st)
	case atom.Button:
		r.wrap(n, st, "〔ボタン: ", "〕")
	case atom.Option: // outside of a select
		r.f.brk(1)
		r.kids(n, st)
		r.f.brk(1)
	case atom.Form:
		r.form(n, st)
	case atom.Isindex:
		r.label("入力欄", "")
	default:
		return false
	}
	return true
}

func (r *renderer) input(n *node) {
	value := n.val("value")
	switch kind := strings.ToLower(strings.TrimSpace(n.val("type"))); kind {
	case "hidden":
	case "checkbox":
		r.f.mark(tick(n, "■", "□"))
	case "radio":
		r.f.mark(tick(n, "●", "○"))
	case "submit", "button", "reset":
		if value == "" && kind == "submit" {
			value = "送信"
		}
		r.label("ボタン", value)
	case "image":
		r.label("ボタン", n.val("alt"))
		if host := hostNote(r.t, n.val("src")); host != "" {
			r.find.count(findRemote, n.name, host)
		}
	case "password":
		r.label("パスワード入力欄", "")
	case "file":
		r.label("ファイル選択欄", "")
	default:
		if value == "" {
			value = n.val("placeholder")
		}
		r.label("入力欄", value)
	}
}

func tick(n *node, on, off string) string {
	if n.has("checked") {
		return on
	}
	return off
}

// choice writes the chosen option of a list, or the first, as browsers show.
func (r *renderer) choice(n *node, st style) {
	for k := n.first; k != nil; k = k.next {
		if k.name == "" {
			r.text(k.text, st) // newer browsers show it
		}
	}
	var first, chosen []string
	walk(n, func(k *node) bool {
		if k.tag != atom.Option {
			return true
		}
		text := textBelow(k, 4*maxLabel)
		if k.has("selected") && len(chosen) < 20 {
			chosen = append(chosen, text)
		}
		if len(first) == 0 {
			first = append(first, text)
		}
		return false
	})
	if len(chosen) == 0 {
		chosen = first
	}
	r.label("選択", strings.Join(chosen, "、"))
}

// form says where the entries would have gone; in text nobody can send them.
func (r *renderer) form(n *node, st style) {
	r.f.brk(1)
	r.kids(n, st)
	r.f.brk(1)
	t := parseTarget(n.val("action"), r.t.base)
	if t.kind == kindWeb {
		r.f.mark("〔フォームの送信先: " + Defang(t.url(r.opt.MaxURL)) + " 〕")
		r.f.brk(1)
	}
}
