package modules

import (
	"bytes"
	stdcontext "context"
	"fmt"
	stdimage "image"
	"image/color"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/sanitizetest"
)

const head = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="40" height="20" viewBox="0 0 40 20">`

func TestSVG(t *testing.T) {
	for name, c := range map[string]struct {
		body, findings string
		at             stdimage.Point
		want           color.NRGBA
	}{
		"shape":    {`<rect width="20" height="20" fill="#c81e0a"/>`, "[format_changed]", stdimage.Pt(10, 10), color.NRGBA{200, 30, 10, 255}},
		"nothing":  {`<rect width="20" height="20" fill="#c81e0a"/>`, "[format_changed]", stdimage.Pt(70, 10), color.NRGBA{}},
		"script":   {`<script>alert(1)</script><rect width="20" height="20" fill="#00f" onclick="x()"/>`, "[svg_script format_changed]", stdimage.Pt(10, 10), color.NRGBA{0, 0, 255, 255}},
		"page":     {`<foreignObject width="20" height="20"><p>x</p></foreignObject>`, "[svg_page format_changed]", stdimage.Pt(10, 10), color.NRGBA{}},
		"remote":   {`<image xlink:href="https://tracker.example/x.png" width="20" height="20"/>`, "[svg_remote format_changed]", stdimage.Pt(10, 10), color.NRGBA{}},
		"metadata": {`<metadata>who</metadata><rect width="20" height="20"/>`, "[format_changed metadata_removed]", stdimage.Pt(10, 10), color.NRGBA{0, 0, 0, 255}},
		"moving":   {`<rect width="20" height="20"><animate attributeName="x" to="9"/></rect>`, "[format_changed animation_first]", stdimage.Pt(10, 10), color.NRGBA{0, 0, 0, 255}},
		"styles":   {`<style>@media screen{.a{display:none}}</style><rect width="20" height="20" class="a"/>`, "[svg_style format_changed]", stdimage.Pt(10, 10), color.NRGBA{0, 0, 0, 255}},
		"file":     {`<image xlink:href="file:///etc/passwd" width="20" height="20"/>`, "[format_changed]", stdimage.Pt(10, 10), color.NRGBA{}},
	} {
		o, err := sanitize(t, row(t, "svg"), []byte(head+c.body+"</svg>"), 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		m := picture(t, o)
		if got := fmt.Sprint(o.Codes()); got != c.findings || m.Bounds().Size() != stdimage.Pt(80, 40) {
			t.Errorf("%s: %s, %v", name, got, m.Bounds())
		}
		if got := color.NRGBAModel.Convert(m.At(c.at.X, c.at.Y)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if !bytes.Contains(o.Data, []byte("\x00\x00\x1d\x87\x00\x00\x1d\x87\x01")) { // 192 dpi
			t.Errorf("%s: no resolution", name)
		}
	}
}

// Words are drawn in Japanese, or the drawing is held: they are never missing.
func TestWordsOfDrawings(t *testing.T) {
	words := []byte(head + `<text x="2" y="14" font-size="12">日本語</text></svg>`)
	o, err := sanitize(t, row(t, "svg"), words, 0)
	if err != nil {
		t.Fatal(err)
	}
	if ink := dark(picture(t, o)); ink < 150 {
		t.Errorf("%d dark pixels", ink)
	}
	cache, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	parse, err := Load(stdcontext.Background(), "svg", Config{Dir: dir, Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sanitize(t, rowOf("svg", parse), words, 0); sanitizetest.ReasonOf(err) != format.FidelityLoss {
		t.Errorf("without fonts: %v", err)
	}
}

func dark(m stdimage.Image) int {
	n := 0
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			if r, _, _, a := m.At(x, y).RGBA(); a > 0x8000 && r < 0x8000 {
				n++
			}
		}
	}
	return n
}

func TestDrawingsRefused(t *testing.T) {
	bomb := `<g id="a0"><rect width="1" height="1"/></g>`
	for i := range 14 {
		bomb += fmt.Sprintf(`<g id="a%d">%s</g>`, i+1, strings.Repeat(fmt.Sprintf(`<use xlink:href="#a%d"/>`, i), 4))
	}
	laughs := ""
	for i := range 14 {
		laughs += fmt.Sprintf(`<!ENTITY l%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&l%d;", i), 10))
	}
	for name, c := range map[string]struct {
		text   string
		reason format.Reason
	}{
		"no drawing":    {`<?xml version="1.0"?><svg`, format.Malformed},
		"other charset": {head + "\x93\xFA</svg>", format.Malformed},
		"no size":       {`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="0" height="0"/>`, format.Malformed},
		"vast":          {`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9000000" height="9000000"/>`, format.LimitPixels},
		"entities":      {`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY l0 "aaaaaaaaaa">` + laughs + `]><svg xmlns="http://www.w3.org/2000/svg"><text>&l14;</text></svg>`, format.Malformed},
		"bomb":          {head + bomb + "</svg>", format.Malformed},
	} {
		if _, err := sanitize(t, row(t, "svg"), []byte(c.text), 0); sanitizetest.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v, want %s", name, err, c.reason)
		}
	}
	// A large one is drawn with fewer pixels.
	o, err := sanitize(t, row(t, "svg"), []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="2000" height="1000"/>`), 500_000)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture(t, o).Bounds().Size(); size != stdimage.Pt(1000, 500) {
		t.Errorf("%v", size)
	}
}
