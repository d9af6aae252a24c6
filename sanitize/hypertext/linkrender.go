package hypertext

import (
	"strings"
	"unicode"

	"golang.org/x/net/html/atom"
)

// link writes what an <a> or <area> shows and then, if it says more, where it
// leads.
func (r *renderer) link(n *node, st style) {
	href, ok := n.get("href")
	at, unsaid := r.f.here(), r.unsaid
	if n.tag == atom.Area {
		r.f.brk(1)
		at = r.f.here()
		r.label("画像", n.val("alt"))
	} else {
		r.block(n, st)
	}
	if !ok || r.f.full {
		return
	}
	seen, same := r.f.since(at, maxClaimText)
	visible := strings.TrimSpace(seen)
	if visible == "" && r.unsaid == unsaid {
		return // nothing to click on
	}
	if visible == "" {
		r.f.mark("〔画像〕")
		seen, same = r.f.since(at, maxClaimText)
		visible = strings.TrimSpace(seen)
	}
	l := Judge(visible, href, r.policy)
	if l.Code != "" {
		r.find.count(l.Code, n.name, l.Detail)
	}
	if same && l.Visible != visible {
		lead := seen[:len(seen)-len(strings.TrimLeftFunc(seen, unicode.IsSpace))]
		r.f.replace(at, lead+l.Visible)
	}
	if l.Suffix != "" {
		r.f.attach(l.Suffix)
	}
}

// block writes n as a block only if its style asks for it.
func (r *renderer) block(n *node, st style) {
	if st.display == displayBlock {
		above, below := gaps(n, st)
		r.f.brk(above)
		defer r.f.brk(below)
	}
	r.struck(n, st)
}

// label writes 〔what: text〕, or 〔what〕 without text.
func (r *renderer) label(what, text string) {
	text = oneLine(text, maxValue)
	if text == "" {
		r.f.mark("〔" + what + "〕")
		return
	}
	r.f.mark("〔" + what + ": " + text + "〕")
	r.f.read = r.f.read || strings.ContainsFunc(text, readable)
}

const (
	pixelSide = 2  // at most this on both sides: a tracking pixel
	smallSide = 32 // below this a picture without words is decoration
)

// image writes the alternative text of a picture.
func (r *renderer) image(n *node, st style) {
	im, pixel := r.noteImage(n, st.invisible)
	if pixel || st.invisible {
		return
	}
	small := im.W > 0 && im.W < smallSide || im.H > 0 && im.H < smallSide
	_, hasAlt := n.get("alt")
	switch {
	case im.Alt != "":
		r.label("画像", im.Alt)
	case small, hasAlt && im.CID == "": // alt="" says the picture is decoration
		r.unsaid++
	default:
		r.label("画像", "")
	}
}

// noteImage lists a picture and reports whether it only tracks the reader.
func (r *renderer) noteImage(n *node, hidden bool) (Image, bool) {
	src := strings.TrimSpace(n.val("src"))
	alt := n.val("alt")
	if alt == "" {
		alt = n.val("title")
	}
	im := Image{Alt: blunt(tame(oneLine(alt, maxLabel)))}
	im.W, im.H = declared(n, "width"), declared(n, "height")
	scheme := schemeOf(src)
	if scheme == "cid" {
		_, id, _ := strings.Cut(src, ":")
		im.CID = oneLine(strings.Trim(pctDecode(id), "<>"), maxLabel)
	}
	host := hostNote(r.t, src)
	im.Remote = host != ""
	if len(r.images) < maxImages {
		r.images = append(r.images, im)
	}
	_, w := n.get("width")
	_, h := n.get("height")
	pixel := (w || im.W > 0) && (h || im.H > 0) && im.W <= pixelSide && im.H <= pixelSide
	if im.Remote {
		r.find.count(findRemote, n.name, host)
		if pixel || hidden {
			r.find.count(findPixel, n.name, host)
		}
	}
	return im, pixel
}

// declared is the size an attribute or inline style asks for, 0 if none.
func declared(n *node, side string) int {
	if v, ok := number(n.val(side)); ok {
		return v
	}
	for _, d := range declarations(n.val("style")) {
		if d.prop == side {
			if px, ok := pixels(d.value, 16); ok && !strings.HasSuffix(d.value, "%") && px >= 0 && px < 1e6 {
				return int(px)
			}
		}
	}
	return 0
}
