package hypertext

import (
	"strconv"
	"strings"
)

// passing tells whether a selector speaks of what a reader does (hover) or of
// parts that are no words, so that missing it changes nothing in the text.
func passing(sel string) bool {
	for _, p := range []string{":hover", ":focus", ":active", ":visited", ":before", ":after", ":placeholder", ":-ms", ":-moz", ":-webkit", ":selection"} {
		if indexFold(sel, p) >= 0 {
			return true
		}
	}
	last := sel[strings.LastIndexAny(sel, " >+~")+1:]
	return strings.HasPrefix(last, "img") || strings.HasPrefix(last, "input")
}

// hides tells whether d alone takes words out of sight.
func (d decl) hides() bool {
	var s style
	var b box
	s.opacity, s.fontPx = 1, 16
	s.apply(d, s, &b)
	return s.gone || s.invisible || s.indentAway || s.display == displayNone || s.fontPx <= 2 || s.opacity <= leastOpacity
}

// leastOpacity is what nobody can read any more.
const leastOpacity = 0.02

// share reads a number or a percentage.
func share(v string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSuffix(v, "%"), 64)
	if strings.HasSuffix(v, "%") {
		n /= 100
	}
	return n, err == nil
}

// inFunc is the first argument of the function name in a value such as
// "rotate(0) scale(0.01)".
func inFunc(value, name string) (string, bool) {
	_, rest, ok := strings.Cut(value, name+"(")
	if !ok {
		return "", false
	}
	if i := strings.IndexAny(rest, ",)"); i >= 0 {
		rest = rest[:i]
	}
	return strings.TrimSpace(rest), true
}

// transformed tells whether a transform, scale or zoom makes n too small or
// moves it out of sight.
func transformed(value string) bool {
	for _, name := range []string{"scale", "scalex", "scaley", "scale3d"} {
		if v, ok := inFunc(value, name); ok {
			if n, ok := share(v); ok && n <= 0.05 && n >= -0.05 {
				return true
			}
		}
	}
	for _, name := range []string{"translate", "translatex", "translatey", "translate3d"} {
		if v, ok := inFunc(value, name); ok {
			if px, ok := pixels(v, 16); ok && !strings.HasSuffix(v, "%") && (px <= -500 || px >= farAway) {
				return true
			}
		}
	}
	return false
}

// farAway is beyond every screen, in CSS pixels.
const farAway = 2000
