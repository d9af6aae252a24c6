package hypertext

import (
	"math"
	"strconv"
	"strings"
)

// color is an opaque colour, or unknown (the zero value), or transparent.
type color struct {
	known   bool
	clear   bool
	r, g, b uint8
}

// near tells whether nobody could read a on b.
func (a color) near(b color) bool {
	if !a.known || !b.known {
		return false
	}
	const limit = 10
	diff := func(x, y uint8) bool { return max(x, y)-min(x, y) <= limit }
	return diff(a.r, b.r) && diff(a.g, b.g) && diff(a.b, b.b)
}

func rgb(v uint32) color {
	return color{known: true, r: uint8(v >> 16), g: uint8(v >> 8), b: uint8(v)}
}

// parseColor reads the CSS colours mail uses; anything else is unknown, and an
// unknown colour hides nothing.
func parseColor(s string) color {
	s = strings.ToLower(strings.TrimSpace(s))
	if v, ok := namedColor(s); ok {
		return rgb(v)
	}
	switch {
	case s == "transparent":
		return color{clear: true}
	case strings.HasPrefix(s, "#"):
		return hexColor(s[1:])
	case strings.HasPrefix(s, "rgb"), strings.HasPrefix(s, "hsl"):
		return funcColor(s)
	case len(s) == 6:
		return hexColor(s) // <font color=ffffff>
	}
	return color{}
}

func hexColor(s string) color {
	if len(s) == 3 || len(s) == 4 {
		var b strings.Builder
		for i := range len(s) {
			b.WriteByte(s[i])
			b.WriteByte(s[i])
		}
		s = b.String()
	}
	alpha := "ff"
	if len(s) == 8 {
		s, alpha = s[:6], s[6:]
	}
	v, err := strconv.ParseUint(s, 16, 32)
	if err != nil || len(s) != 6 {
		return color{}
	}
	switch alpha {
	case "ff":
		return rgb(uint32(v))
	case "00":
		return color{clear: true}
	}
	return color{}
}

func funcColor(s string) color {
	open, end := strings.IndexByte(s, '('), strings.IndexByte(s, ')')
	if open < 0 || end < open {
		return color{}
	}
	parts := strings.FieldsFunc(s[open+1:end], func(r rune) bool { return r == ',' || r == ' ' || r == '/' })
	if len(parts) < 3 {
		return color{}
	}
	read := rgbParts
	if s[0] == 'h' {
		read = hslParts
	}
	v, ok := read(parts)
	if !ok {
		return color{}
	}
	if len(parts) > 3 {
		a, ok := share(parts[3])
		switch {
		case !ok:
			return color{}
		case a <= 0.05:
			return color{clear: true}
		case a < 0.95:
			return color{}
		}
	}
	return rgb(v)
}

// hslParts reads hue in degrees, saturation and lightness (CSS Color 4, 7.1).
func hslParts(parts []string) (uint32, bool) {
	h, err := strconv.ParseFloat(strings.TrimSuffix(parts[0], "deg"), 64)
	s, ok1 := share(strings.TrimSuffix(parts[1], "%") + "%")
	l, ok2 := share(strings.TrimSuffix(parts[2], "%") + "%")
	if err != nil || !ok1 || !ok2 || math.IsNaN(h) || math.IsInf(h, 0) {
		return 0, false
	}
	s, l = min(max(s, 0), 1), min(max(l, 0), 1)
	var v uint32
	for _, n := range []float64{0, 8, 4} {
		k := math.Mod(n+math.Mod(h, 360)/30+12, 12)
		c := l - s*min(l, 1-l)*max(-1, min(k-3, 9-k, 1))
		v = v<<8 | uint32(min(max(math.Round(c*255), 0), 255))
	}
	return v, true
}

func rgbParts(parts []string) (uint32, bool) {
	var v uint32
	for _, p := range parts[:3] {
		n, err := strconv.ParseFloat(strings.TrimSuffix(p, "%"), 64)
		if err != nil {
			return 0, false
		}
		if strings.HasSuffix(p, "%") {
			n = n * 255 / 100
		}
		v = v<<8 | uint32(min(max(n, 0), 255))
	}
	return v, true
}

func namedColor(s string) (uint32, bool) {
	switch s {
	case "white":
		return 0xFFFFFF, true
	case "black":
		return 0, true
	case "snow":
		return 0xFFFAFA, true
	case "ivory":
		return 0xFFFFF0, true
	case "ghostwhite":
		return 0xF8F8FF, true
	case "whitesmoke":
		return 0xF5F5F5, true
	case "floralwhite":
		return 0xFFFAF0, true
	case "azure":
		return 0xF0FFFF, true
	case "mintcream":
		return 0xF5FFFA, true
	case "honeydew":
		return 0xF0FFF0, true
	case "aliceblue":
		return 0xF0F8FF, true
	case "seashell":
		return 0xFFF5EE, true
	case "oldlace":
		return 0xFDF5E6, true
	case "linen":
		return 0xFAF0E6, true
	case "lavenderblush":
		return 0xFFF0F5, true
	case "beige":
		return 0xF5F5DC, true
	case "lightyellow":
		return 0xFFFFE0, true
	case "cornsilk":
		return 0xFFF8DC, true
	case "gainsboro":
		return 0xDCDCDC, true
	case "lavender":
		return 0xE6E6FA, true
	case "lightgray", "lightgrey":
		return 0xD3D3D3, true
	case "silver":
		return 0xC0C0C0, true
	case "gray", "grey":
		return 0x808080, true
	case "red":
		return 0xFF0000, true
	case "maroon":
		return 0x800000, true
	case "yellow":
		return 0xFFFF00, true
	case "olive":
		return 0x808000, true
	case "lime":
		return 0x00FF00, true
	case "green":
		return 0x008000, true
	case "aqua", "cyan":
		return 0x00FFFF, true
	case "teal":
		return 0x008080, true
	case "blue":
		return 0x0000FF, true
	case "navy":
		return 0x000080, true
	case "fuchsia", "magenta":
		return 0xFF00FF, true
	case "purple":
		return 0x800080, true
	case "orange":
		return 0xFFA500, true
	}
	return 0, false
}
