package hypertext

import (
	"strconv"
	"strings"

	"golang.org/x/net/html/atom"
)

type display uint8

const (
	displayDefault display = iota
	displayInline
	displayBlock
	displayNone
)

// margin says whether an empty line stands above or below an element.
type margin uint8

const (
	marginDefault margin = iota
	marginNone
	marginSome
)

type spacing uint8

const (
	spaceNormal spacing = iota
	spacePre
	spacePreLine
)

// style is what of the computed style changes the reading.
type style struct {
	// inherited
	invisible  bool
	fontPx     float64
	fg, bg     color // bg is that of the nearest ancestor which has one
	indentAway bool
	space      spacing
	plainList  bool
	opacity    float64 // product of those of the ancestors
	rtl        bool    // the direction that an override would force
	reversed   bool    // the characters run from right to left whatever they are
	// of this element only
	display display
	gone    bool // nothing of the element shows
	strike  bool
	above   margin
	below   margin
	ruled   bool // a line is drawn above
	forced  bool // the direction is forced on the characters
}

func rootStyle(s *sheet) style {
	st := style{fontPx: 16, opacity: 1, fg: rgb(0), bg: rgb(0xFFFFFF)}
	if s.vague {
		st.bg = color{} // some background is set that we could not place
	}
	return st
}

// hides tells whether a run of text in this style cannot be seen.
func (s style) hides() bool {
	return s.invisible || s.fontPx <= 2 || s.indentAway || s.opacity <= leastOpacity || s.fg.clear || s.fg.near(s.bg)
}

// box collects the properties that hide only together.
type box struct {
	clip, fixed, away, flat, thin bool
}

// compute gives the style of n inside an element of style up.
func compute(sh *sheet, n *node, up style) style {
	st := up
	st.display, st.gone, st.strike = displayDefault, false, false
	st.above, st.below, st.ruled, st.forced = marginDefault, marginDefault, false, n.tag == atom.Bdo
	attributes(n, &st)
	ds := sh.match(n)
	if v, ok := n.get("style"); ok && len(v) < maxCSS {
		ds = append(ds, declarations(v)...)
	}
	var b box
	for _, important := range []bool{false, true} {
		for _, d := range ds {
			if d.important == important {
				st.apply(d, up, &b)
				sh.unread = sh.unread || d.prop == propUnread
			}
		}
	}
	if st.forced {
		st.reversed = st.rtl
	}
	st.gone = st.gone || st.display == displayNone || st.opacity <= leastOpacity || b.fixed && b.away || b.clip && (b.flat || b.thin)
	return st
}

// attributes applies the presentational attributes.
func attributes(n *node, st *style) {
	for _, a := range n.attr {
		switch a.Key {
		case "hidden":
			st.display = displayNone
		case "dir":
			st.rtl = strings.EqualFold(strings.TrimSpace(a.Val), "rtl")
		case "bgcolor":
			if c := parseColor(a.Val); c.known {
				st.bg = c
			}
		case "background":
			st.bg = color{}
		case "color":
			if n.tag == atom.Font {
				st.fg = parseColor(a.Val)
			}
		case "text":
			if n.tag == atom.Body {
				st.fg = parseColor(a.Val)
			}
		}
	}
}

func (s *style) apply(d decl, up style, b *box) {
	switch d.prop {
	case "display":
		s.display = parseDisplay(d.value)
	case "visibility":
		s.invisible = d.value == "hidden" || d.value == "collapse"
	case "direction":
		s.rtl = d.value == "rtl"
	case "unicode-bidi":
		s.forced = strings.HasSuffix(d.value, "override")
	case "mso-hide":
		s.gone = s.gone || d.value == "all"
	case "opacity":
		if v, ok := share(d.value); ok {
			s.opacity = up.opacity * min(max(v, 0), 1)
		}
	case "filter":
		if v, ok := inFunc(d.value, "opacity"); ok {
			n, ok := share(v)
			s.gone = s.gone || ok && n <= leastOpacity
		}
	case "zoom", "scale":
		n, ok := share(d.value)
		s.gone = s.gone || ok && n > 0 && n <= 0.05 || d.prop == "scale" && ok && n == 0
	case "font-size":
		if px, ok := pixels(d.value, up.fontPx); ok {
			s.fontPx = px
		}
	case "font":
		s.applyFont(d.value, up)
	case "color":
		switch d.value {
		case "inherit":
			s.fg = up.fg
		default:
			s.fg = parseColor(d.value)
		}
	case "background-color", "background", "background-image":
		s.applyBackground(d)
	case "text-indent":
		px, ok := pixels(d.value, s.fontPx)
		s.indentAway = ok && px <= -500
	case "white-space":
		s.space = parseSpace(d.value)
	case "border-top":
		s.ruled = strings.Contains(d.value, "solid") && !strings.HasPrefix(d.value, "0")
	case "list-style", "list-style-type":
		s.plainList = strings.Contains(d.value, "none")
	case "text-decoration", "text-decoration-line":
		s.strike = strings.Contains(d.value, "line-through")
	case "margin":
		if f := strings.Fields(d.value); len(f) > 0 {
			s.above, s.below = s.margin(f[0]), s.margin(f[0])
			if len(f) > 2 {
				s.below = s.margin(f[2])
			}
		}
	case "margin-bottom":
		s.below = s.margin(d.value)
	default:
		s.applyBox(d, b)
	}
}

func (s *style) applyFont(v string, up style) {
	for f := range strings.FieldsSeq(v) {
		size, _, _ := strings.Cut(f, "/")
		if px, ok := pixels(size, up.fontPx); ok && size != "0" && strings.IndexAny(size, "pe%") > 0 || size == "0" {
			s.fontPx = px
			return
		}
	}
}

func (s *style) applyBackground(d decl) {
	if strings.Contains(d.value, "url(") || strings.Contains(d.value, "gradient") {
		s.bg = color{}
		return
	}
	if d.prop == "background-image" {
		return
	}
	if strings.HasPrefix(d.value, "rgb") {
		s.setBackground(parseColor(d.value))
		return
	}
	for f := range strings.FieldsSeq(d.value) {
		switch f {
		case "none", "no-repeat", "repeat", "scroll", "center", "top", "left", "inherit", "initial":
			continue
		}
		s.setBackground(parseColor(f))
		return
	}
}

func (s *style) setBackground(c color) {
	if !c.clear { // a transparent one shows what lies behind
		s.bg = c
	}
}

// applyBox notes geometry that puts the element out of sight.
func (s *style) applyBox(d decl, b *box) {
	px, ok := pixels(d.value, s.fontPx)
	if strings.HasSuffix(d.value, "%") && px != 0 {
		ok = false // a share of something unknown
	}
	switch d.prop {
	case "overflow", "overflow-x", "overflow-y":
		b.clip = d.value == "hidden" || d.value == "clip"
	case "height", "max-height":
		b.flat = ok && px <= 1.5
	case "width", "max-width":
		b.thin = ok && px <= 1.5
	case "position":
		b.fixed = d.value == "absolute" || d.value == "fixed" || d.value == "relative"
	case "left", "top", "right", "bottom", "margin-left", "margin-top":
		if d.prop == "margin-top" {
			s.above = s.margin(d.value)
		}
		if ok && (px <= -500 || px >= farAway && (d.prop == "left" || d.prop == "top")) {
			b.away = true
			b.fixed = b.fixed || strings.HasPrefix(d.prop, "margin")
		}
	case "clip":
		v := strings.NewReplacer(" ", "", ",", "", "px", "").Replace(d.value)
		s.gone = s.gone || v == "rect(0000)" || v == "rect(1111)"
	case "clip-path":
		s.gone = s.gone || strings.HasPrefix(d.value, "inset(50%") || strings.HasPrefix(d.value, "inset(100%") ||
			strings.HasPrefix(d.value, "circle(0") && !strings.HasPrefix(d.value, "circle(0.")
	case "transform":
		s.gone = s.gone || transformed(d.value)
	case "-webkit-text-fill-color":
		s.fg = parseColor(d.value)
	}
}

func (s *style) margin(v string) margin {
	px, ok := pixels(v, s.fontPx)
	switch {
	case !ok:
		return marginDefault
	case px < 5:
		return marginNone
	}
	return marginSome
}

func parseDisplay(v string) display {
	switch v {
	case "none":
		return displayNone
	case "inline":
		return displayInline
	case "block", "flex", "grid", "list-item", "table", "flow-root":
		return displayBlock
	}
	return displayDefault
}

func parseSpace(v string) spacing {
	switch v {
	case "pre", "pre-wrap", "break-spaces":
		return spacePre
	case "pre-line":
		return spacePreLine
	}
	return spaceNormal
}

// pixels reads a CSS length; em and % are relative to base.
func pixels(v string, base float64) (float64, bool) {
	if inner, ok := strings.CutPrefix(v, "calc("); ok && strings.HasSuffix(inner, ")") {
		v = strings.TrimSpace(inner[:len(inner)-1])
	}
	end := 0
	for end < len(v) && (v[end] >= '0' && v[end] <= '9' || strings.IndexByte("+-.", v[end]) >= 0) {
		end++
	}
	n, err := strconv.ParseFloat(v[:end], 64)
	if err != nil {
		return 0, false
	}
	switch v[end:] {
	case "px", "":
		return n, true
	case "pt":
		return n * 4 / 3, true
	case "em", "ex", "ch":
		return n * base, true
	case "rem":
		return n * 16, true
	case "%":
		return n * base / 100, true
	case "mm":
		return n * 96 / 25.4, true
	case "cm":
		return n * 96 / 2.54, true
	case "in":
		return n * 96, true
	case "vw", "vh":
		return n * 10, true
	}
	return 0, false
}
