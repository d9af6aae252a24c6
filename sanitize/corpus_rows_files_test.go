package sanitize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// active are marks of what no text made from HTML may still have.
var active = []string{"<script", "<svg", "<math", "<iframe", "<img", "<div", "alert(1)", "onerror", "onmouseover", "javascript:", "data:", "<style", "srcdoc", "</"}

// titled adds the title of a page.
func titled(r corpusRow, title string) corpusRow {
	r.title = title
	return r
}

func htmlRow(name, found string, text []string, absent ...string) corpusRow {
	return corpusRow{path: "html/" + name, kind: format.HTML, verdict: format.Rebuilt, output: name + ".txt", found: found, text: text, absent: append(absent, active...)}
}

// fileRows are files by themselves: pages, tables and the virus test file.
func fileRows() []corpusRow {
	const nothing = "（読める文字はありません）"
	return []corpusRow{
		{path: "csv/oletools-dde-in-csv.csv", kind: format.CSV, verdict: format.Rebuilt, output: "oletools-dde-in-csv.csv", found: "csv_formula",
			text: []string{`'=cmd|'/k \..\..\..\Windows\System32\calc.exe'!A0`}, absent: []string{"\n=", "\uFEFF=", ",=", "\"="}},
		{path: "eicar/eicar.com.txt", kind: format.Executable, reason: format.MalwareFound},
		{path: "eicar/eicar.txt.gz", kind: format.Gzip, reason: format.KindUnsupported},
		{path: "eicar/eicar.zip", kind: format.Zip, reason: format.KindUnsupported},
		{path: "eicar/eicar-two-zips.zip", kind: format.Zip, reason: format.KindUnsupported},
		htmlRow("dompurify-d01.html", "html_event_handler html_script_uri", []string{"〔入力欄〕"}),
		htmlRow("dompurify-d02.html", "html_data_uri html_svg", []string{nothing}, "Layer_1", "%3C"),
		htmlRow("dompurify-d03.html", "html_svg", []string{nothing}, "mask", "0.4"),
		htmlRow("dompurify-d04.html", "", []string{"a, a, a, a, a, a"}, "mathcolor", "#FF0000", "Math"),
		htmlRow("dompurify-d05.html", "html_event_handler", []string{"text"}, "removeme"),
		htmlRow("dompurify-d06.html", "html_event_handler html_svg", []string{"〔画像〕"}),
		htmlRow("dompurify-d07.html", "html_iframe", []string{nothing}),
		htmlRow("dompurify-d10.html", "html_svg", []string{nothing}, "path id"),
		htmlRow("tika-testHTMLBadScript.html", "html_script", []string{"This is a test."}, "cool script", "DOCTYPE"),
		titled(htmlRow("tika-testHTML_charset_utf16le.html", "", []string{"This is a sample text"}, "\x00"), "Title"),
		titled(htmlRow("tika-testHTML_embedded_data_uri_js.html", "html_data_uri html_script", []string{"some content"}, "YWxlcnQo", "alert", "Hello, world"), "Title"),
		htmlRow("tika-testSrcDoc.html", "html_iframe", []string{"outside"}, "iframe content", "Licensed to the Apache"),
		{path: "html/tika-testUserDefinedCharset.mhtml", kind: format.MHT, reason: format.KindUnsupported},
	}
}

// pictureRows are pictures of the kinds that are rebuilt. That a new picture
// has nothing but pixels is checked for all of them.
func pictureRows() []corpusRow {
	return []corpusRow{
		{path: "image/go-invalid-trunc.png", kind: format.PNG, reason: format.Truncated},
		{path: "image/go-video-001.cmyk.jpeg", kind: format.JPEG, verdict: format.Rebuilt, output: "go-video-001.cmyk.jpg", found: "color_profile"},
		{path: "image/go-video-001.progressive.truncated.jpeg", kind: format.JPEG, verdict: format.Rebuilt, output: "go-video-001.progressive.truncated.jpg", found: "picture_truncated"},
		{path: "image/imagers-exif-xmp-metadata.jpg", kind: format.JPEG, verdict: format.Rebuilt, output: "imagers-exif-xmp-metadata.jpg", found: "metadata_removed",
			absent: []string{"Exif", "xmpmeta", "ns.adobe.com", "GIMP", "test image for XMP"}},
		{path: "image/imagers-iptc.png", kind: format.PNG, verdict: format.Rebuilt, output: "imagers-iptc.png", found: "metadata_removed",
			absent: []string{"zTXt", "iTXt", "Raw profile", "Kingston", "xmpmeta"}},
		{path: "image/imagers-oob.gif", kind: format.GIF, verdict: format.Rebuilt, output: "imagers-oob.png", found: "format_changed", absent: []string{"GIF8"}},
		{path: "image/imagers-Bad_reallybig.bmp", kind: format.BMP, reason: format.LimitPixels},
		{path: "image/imagers-oom-0d0085eb7f66ea55d9119206235cd29e089b9140.ico", kind: format.ICO, reason: format.Truncated},
		{path: "image/imagers-simple-rgb.webp", kind: format.WebP, verdict: format.Rebuilt, output: "imagers-simple-rgb.jpg", found: "format_changed", absent: []string{"WEBP"}},
		{path: "image/tika-testWEBP.webp", kind: format.WebP, verdict: format.Rebuilt, output: "tika-testWEBP.jpg", found: "format_changed", absent: []string{"WEBP"}},
		{path: "image/imagers-oss-fuzz-36829.jpeg", kind: format.JPEG, reason: format.Truncated},
		{path: "image/tika-testJPEG_GEO.jpg", kind: format.JPEG, verdict: format.Rebuilt, output: "tika-testJPEG_GEO.jpg", found: "metadata_removed",
			absent: []string{"Exif", "GPS", "Canon", "Photoshop", "moscow-birds", "2009:10:02", "xmpmeta"}},
		// Its video is gone from the corpus file; only the XMP that tells of it is left.
		{path: "image/tika-testJPEG_MotionPhoto.jpg", kind: format.JPEG, verdict: format.Rebuilt, output: "tika-testJPEG_MotionPhoto.jpg", found: "metadata_removed",
			absent: []string{"MotionPhoto", "xmpmeta", "ftyp", "mdat", "Exif"}},
	}
}

// TestCorpusPagesAsBodies reads each page as the body of a mail: the words are
// the same, and nothing active is left there either.
func TestCorpusPagesAsBodies(t *testing.T) {
	dir := os.Getenv("SEKISHO_CORPUS")
	e := testEngine(t)
	tried := 0
	for _, row := range fileRows() {
		if row.kind != format.HTML || dir == "" {
			continue
		}
		page, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(row.path)))
		if err != nil {
			t.Fatal(err)
		}
		tried++
		t.Run(row.path, func(t *testing.T) {
			head := "From: a@example.com\r\nDate: Fri, 17 Apr 2026 09:00:00 +0900\r\nSubject: page\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
			n := runMail(t, e, append([]byte(head), page...))
			if n.Verdict != format.Rebuilt {
				t.Fatal(describe(&n))
			}
			d := readDelivered(t, output(t, n))
			for _, w := range row.text {
				if !strings.ContainsAny(w, "（〔") { // our own words for what is not text
					mustContain(t, "body", d.sender, []string{w})
				}
			}
			mustLack(t, d.all, row.absent)
			for _, code := range strings.Fields(row.found) {
				if !hasFinding(&n, code) {
					t.Errorf("finding %s is missing", code)
				}
			}
		})
	}
	t.Logf("corpus: %d pages read as bodies", tried)
}
