package sanitize

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"image"
	"io"
	"maps"
	"mime"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"sekisho/sanitize/format"
	"sekisho/sanitize/hypertext"
	"sekisho/sanitize/policy"
)

// carrierHTML carries marks in everything that no reader shows, and words in what
// some do: a style's words, and what only Outlook reads, are told as text.
const carrierHTML = "<!DOCTYPE html><html><head><title>page</title><meta name=a content=\"§\"><style>p:after{content:\"¶\"} .§{x:\"§\"}</style>" +
	"<base href=\"https://example.com/§/\"></head><body class=\"§\" onload=\"§\"><!-- § --><!--[if mso]><x y=\"§\">¶<![endif]-->" +
	"<p id=\"§\" title=\"§\" data-x=\"§\">¶</p><script>§</script><input type=hidden name=n value=\"§\"><a href=\"javascript:§\">go</a>" +
	"<img src=\"https://example.com/§\" alt=\"¶\"><img srcset=\"https://example.com/§ 2x\"><template>§</template><noscript>§</noscript>" +
	"<iframe srcdoc=\"§\"></iframe><object data=\"§\"></object><svg><desc>§</desc></svg><p style=\"display:none\">¶</p></body></html>"

// carrierMail is a mail with marks in every hidden carrier of every kind that
// this version rebuilds, and in kinds that it holds. inner is a mail in it.
func carrierMail(t testing.TB, p *planter, inner []byte) []byte {
	t.Helper()
	head := p.fill("Received: from § by mx (§)\r\nReturn-Path: <§@example.com>\r\nDKIM-Signature: v=1; b=§\r\n" +
		"Date: Fri, 17 Apr 2026 09:11:00 +0900 (§)\r\nFrom: ¶ <sender@example.com>\r\nTo: yamada@town.example.lg.jp\r\nBcc: §@example.com\r\n" +
		"Subject: ¶\r\nSubject: §\r\nMessage-ID: (§) <1@example.com>\r\nComments: §\r\nKeywords: §\r\nX-Note: §\r\nX-§: x\r\n" +
		"Disposition-Notification-To: §@example.com\r\nList-Unsubscribe: <https://example.com/§>\r\nMIME-Version: 1.0 (§)\r\n")
	parts := []string{
		p.fill("Content-Type: text/plain; charset=utf-8; x=\"§\"\r\nContent-ID: <§>\r\nContent-Description: §\r\nContent-Location: §\r\n\r\n¶ in the text") + invisible(p.hide()) + "\r\n",
		p.fill("Content-Type: text/html; charset=\"x-§\"\r\nX-Part: §\r\n\r\n" + carrierHTML + "\r\n"),
		p.fill("Content-Type: application/pgp-signature\r\n\r\n§\r\n"),
		attach("plain.txt", []byte("\uFEFF"+p.show()+" 文字だけのファイルです。"+invisible(p.hide())+"\r\n")),
		attach("table.csv", []byte("番号,"+p.show()+"\r\n1,\"=HYPERLINK(\"\"x\"\")\""+invisible(p.hide())+"\r\n")),
		attach("page.html", []byte(p.fill(carrierHTML))),
		attach("chunks.png", carrierPNG(t, p)), attach("palette.png", carrierPalette(t, p)), attach("deep.png", carrierDeep(t, p)),
		attach("segments.jpg", carrierJPEG(t, p)), attach("blocks.gif", carrierGIF(t, p)),
		attach("gaps.bmp", carrierBMP(p)), attach("two.ico", carrierIcon(t, p)), attach("chunks.webp", carrierWebP(t, p)), attach("tags.tif", carrierTIFF(p)),
		attach(p.show()+".exe", []byte("MZ\x90\x00"+p.hide())), attach("all.zip", carrierZip(t, p)),
		attach("paper.pdf", []byte("%PDF-1.4\n% "+p.hide()+"\n")), attach("winmail.dat", []byte("\x78\x9F\x3E\x22"+p.hide())),
	}
	if inner != nil {
		parts = append(parts, p.fill("Content-Type: message/rfc822; x=§\r\nContent-Description: §\r\nContent-Disposition: attachment; filename=inner.eml\r\n\r\n")+string(inner))
	}
	boundary := p.hide()
	return []byte(head + "Content-Type: multipart/mixed; boundary=" + boundary + p.fill("; x=§\r\n\r\n§\r\n--") + boundary + "\r\n" +
		strings.Join(parts, "\r\n--"+boundary+"\r\n") + "\r\n--" + boundary + p.fill("--\r\n§\r\n"))
}

// TestNoCanaryComesThrough sends a mail of carriers, with another one in it
// and a third one in that, through real boxes.
// spec: g1 g5 g9
func TestNoCanaryComesThrough(t *testing.T) {
	e := testEngine(t)
	levels := []*planter{{tag: "Deep"}, {tag: "Inner"}, {tag: "Root"}}
	var in []byte
	for _, p := range levels {
		in = carrierMail(t, p, in)
	}
	checkPlanted(t, levels, in)
	n := runMail(t, e, in)
	if n.Verdict != format.Partly {
		t.Fatal(describe(&n))
	}
	checkCarrierTree(t, &n, len(levels))
	d := readDelivered(t, output(t, n))
	all := surfaces(t, d.raw)
	for _, p := range levels {
		if len(p.hidden) < 90 || len(p.seen) < 9 {
			t.Errorf("only %d hidden and %d visible marks", len(p.hidden), len(p.seen))
		}
		for _, m := range p.hidden {
			if form, at := find(all, m); form != "" {
				t.Errorf("%s came through as %q in %.80q", m, form, at)
			}
		}
		for _, m := range p.seen {
			if form, _ := find(all, m); form == "" {
				t.Errorf("%s is lost", m)
			}
		}
	}
	if len(all) < 60 {
		t.Errorf("only %d places were searched", len(all))
	}
	checkAgain(t, e, &n, d)
	checkEqualTwice(t, e, d.raw)
}

// checkPlanted: the search that finds nothing in what is delivered finds
// nearly every mark in what was sent. What it cannot find there is compressed,
// or spread over pixels.
func checkPlanted(t *testing.T, levels []*planter, in []byte) {
	t.Helper()
	all := runs(in)
	for _, p := range levels {
		found := 0
		for _, m := range p.hidden {
			if form, _ := find(all, m); form != "" {
				found++
			}
		}
		if found < len(p.hidden)-6 {
			t.Errorf("%s: only %d of %d marks were sent", p.tag, found, len(p.hidden))
		}
	}
}

// checkCarrierTree: a mark can only be missing for the right reason when its
// file was rebuilt.
func checkCarrierTree(t *testing.T, n *Node, levels int) {
	t.Helper()
	want := map[string]format.Verdict{"plain.txt": format.Rebuilt, "table.csv": format.Rebuilt, "page.html": format.Rebuilt,
		"chunks.png": format.Rebuilt, "palette.png": format.Rebuilt, "deep.png": format.Rebuilt, "segments.jpg": format.Rebuilt,
		"blocks.gif": format.Rebuilt, "gaps.bmp": format.Rebuilt, "two.ico": format.Rebuilt, "chunks.webp": format.Rebuilt, "tags.tif": format.Rebuilt,
		"all.zip": format.Held, "paper.pdf": format.Held, "winmail.dat": format.Held, "inner.eml": format.Partly}
	seen := map[string]int{}
	n.Walk(func(k *Node) {
		if v, ok := want[k.Name]; ok {
			if seen[k.Name]++; k.Verdict != v {
				t.Errorf("%s", describe(k))
			}
		}
	})
	for name := range want {
		most := levels
		if name == "inner.eml" {
			most--
		}
		if seen[name] != most {
			t.Errorf("%s: %d times in the tree", name, seen[name])
		}
	}
}

// surfaces gives every form in which bytes of a delivered mail can be read:
// as they are, without line ends, each run of base64, each decoded header
// field and part, what is compressed in a picture, and its bare colours.
func surfaces(t *testing.T, raw []byte) [][]byte {
	t.Helper()
	all := runs(raw)
	d := &delivered{}
	d.letter(t, raw)
	for _, s := range d.all {
		all = append(all, []byte(s))
	}
	for _, f := range d.files {
		if bytes.HasPrefix(f.data, []byte("\x89PNG")) {
			all = append(all, pictureSurfaces(t, f.data)...)
		}
		if strings.HasSuffix(f.name, ".eml") {
			all = append(all, surfaces(t, f.data)...)
		}
	}
	return all
}

// runs gives bytes as they are, without line ends, and each run of base64.
func runs(raw []byte) [][]byte {
	joined := bytes.ReplaceAll(raw, []byte("\r\n"), nil)
	all := [][]byte{raw, joined}
	for _, run := range regexp.MustCompile(`[A-Za-z0-9+/]{16,}`).FindAll(joined, -1) {
		for shift := range 4 {
			s := run[shift:]
			if out, err := base64.RawStdEncoding.DecodeString(string(s[:len(s)/4*4])); err == nil {
				all = append(all, out)
			}
		}
	}
	return all
}

// letter reads a whole mail, its header decoded.
func (d *delivered) letter(t *testing.T, raw []byte) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	d.header = m.Header
	for _, values := range m.Header {
		for _, v := range values {
			s, err := new(mime.WordDecoder).DecodeHeader(v)
			if err != nil {
				t.Fatal(err)
			}
			d.all = append(d.all, s)
		}
	}
	d.sender = d.entity(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
}

// pictureSurfaces inflates the data of a PNG and gives its colours with and
// without what says how far they shine through.
func pictureSurfaces(t *testing.T, b []byte) [][]byte {
	t.Helper()
	var packed []byte
	for at := 8; at+12 <= len(b); {
		size := int(binary.BigEndian.Uint32(b[at:]))
		if string(b[at+4:at+8]) == "IDAT" {
			packed = append(packed, b[at+8:at+8+size]...)
		}
		at += 12 + size
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var bare []byte
	var half [2][]byte // where the low bytes of deep colours would stand
	for i, c := range rows {
		half[i%2] = append(half[i%2], c)
	}
	r := m.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			red, green, blue, _ := m.At(x, y).RGBA()
			bare = append(bare, byte(red>>8), byte(green>>8), byte(blue>>8))
		}
	}
	return [][]byte{rows, bare, half[0], half[1]}
}

// find looks for a mark in every form and returns the one that was found.
func find(all [][]byte, mark string) (form string, at []byte) {
	var le, be []byte
	for _, u := range utf16.Encode([]rune(mark)) {
		le, be = append(le, byte(u), byte(u>>8)), append(be, byte(u>>8), byte(u))
	}
	forms := []string{mark, strings.ToLower(mark), strings.ToUpper(mark), string(le), string(be), hex.EncodeToString([]byte(mark)), invisible(mark)}
	for shift := range 3 {
		enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + mark))
		forms = append(forms, enc[4:len(enc)-4])
	}
	for _, surface := range all {
		for _, f := range forms {
			if bytes.Contains(surface, []byte(f)) {
				return f, surface
			}
		}
	}
	return "", nil
}

// ours are the fields that each pass writes anew.
var ours = []string{"Received", "X-Sekisho-Result", "Content-Type", "Content-Transfer-Encoding"}

// checkEqualTwice sanitizes a delivered mail as a file and compares what both
// say, down to the innermost attached mail (DECISIONS 4).
func checkEqualTwice(t *testing.T, e *Engine, raw []byte) {
	t.Helper()
	again := runWith(t, e, Input{Name: "again.eml", Data: memory(t, raw), Rules: policy.Default()})
	if again.Verdict != format.Rebuilt {
		t.Fatal(describe(&again))
	}
	again.Walk(func(k *Node) {
		for _, f := range k.Findings {
			t.Errorf("second pass: %s finds %s %s", k.Path, f.Code, f.Detail)
		}
	})
	sameLetters(t, "mail", raw, output(t, again))
}

func sameLetters(t *testing.T, where string, first, second []byte) {
	t.Helper()
	a, b := &delivered{}, &delivered{}
	a.letter(t, first)
	b.letter(t, second)
	for _, h := range ours {
		delete(a.header, h)
		delete(b.header, h)
	}
	if !maps.EqualFunc(a.header, b.header, slices.Equal[[]string]) {
		t.Errorf("%s: header %v, then %v", where, a.header, b.header)
	}
	if text := hypertext.Unmark(senderText(a.sender)); text == "" || !strings.Contains(b.sender, text) {
		t.Errorf("%s: text %q, then %q", where, text, b.sender)
	}
	if len(a.files) != len(b.files) {
		t.Fatalf("%s: %d files, then %d", where, len(a.files), len(b.files))
	}
	for i, f := range a.files {
		g := b.files[i]
		at := where + ", " + f.name
		switch {
		case f.name != g.name:
			t.Errorf("%s: then called %s", at, g.name)
		case strings.HasSuffix(f.name, ".eml"):
			sameLetters(t, at, f.data, g.data)
		case strings.HasSuffix(f.name, ".jpg"):
			if x, y := bounds(t, f.data), bounds(t, g.data); x != y {
				t.Errorf("%s: %v, then %v", at, x, y)
			}
		case !bytes.Equal(f.data, g.data):
			t.Errorf("%s: the bytes differ", at)
		}
	}
}

// senderText is the text without our lines.
func senderText(s string) string {
	for strings.HasPrefix(s, "【") {
		_, s, _ = strings.Cut(s, "\n")
	}
	for _, mark := range []string{noticeMark, "-- 添付されていたメールの処理"} {
		s, _, _ = strings.Cut(s, mark)
	}
	return strings.TrimSpace(s)
}

func bounds(t *testing.T, b []byte) image.Rectangle {
	t.Helper()
	c, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return image.Rect(0, 0, c.Width, c.Height)
}
