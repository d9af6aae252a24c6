package demo

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/text/encoding/japanese"
)

// notice is a mail with a PDF of two pages, one of them written from top to
// bottom, that brings a script, a file and a form's action along, and no font.
func (s *sampler) notice() error {
	h, err := s.head("自治会連合", "rengou@example.org", "住民説明会のご案内")
	if err != nil {
		return err
	}
	name, err := word("説明会のご案内.pdf")
	if err != nil {
		return err
	}
	doc, err := document()
	if err != nil {
		return err
	}
	s.add("スクリプトとファイルが仕込まれた PDF", "rengou@example.org", h+"Content-Type: multipart/mixed; boundary=notice\r\n\r\n",
		"--notice\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\nご案内を添付します。よろしくお願いいたします。\n\n--notice\n"+
			"Content-Type: application/pdf; name=\""+name+"\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\""+name+"\"\n\n"+
			lines(doc)+"--notice--\n")
	return nil
}

// A page of A4 in points, and what stands on the sample's two.
const (
	pageWidth, pageHeight = 595, 842
	margin                = 72
	lineHeight            = 30
)

var (
	across = []string{"住民説明会のご案内", "", "サンプル町　総務課　御中", "", "下記のとおり説明会を開きます。ご出席をお願いします。",
		"", "日時　四月十七日（金）午後六時から", "会場　町民会館　二階　大会議室", "内容　町道一号線の改修について", "", "問い合わせ先　自治会連合　電話 000-0000-0000"}
	down = []string{"お知らせ", "", "駐車場は三十台分あります。", "なるべく乗り合わせてお越しください。", "当日は資料をお配りします。"}
)

// document writes a PDF (ISO 32000-1) whose letters are of a font that it does
// not hold, as office programs of Japan have long written them. The script says
// a word, the file is the head of a program, and the link leads nowhere.
func document() ([]byte, error) {
	first, err := writing(across, "/F 16 Tf", func(i int) (int, int) { return margin, pageHeight - margin - 16 - i*lineHeight })
	if err != nil {
		return nil, err
	}
	second, err := writing(down, "/V 16 Tf", func(i int) (int, int) { return pageWidth - margin - 8 - i*lineHeight, pageHeight - margin })
	if err != nil {
		return nil, err
	}
	rule := fmt.Sprintf("0.2 0.4 0.7 rg %d %d %d 3 re f 0 g\n", margin, pageHeight-margin-26, pageWidth-2*margin)
	page := func(content int, more string) string {
		return fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Resources<</Font<</F 5 0 R/V 6 0 R>>>>/Contents %d 0 R%s>>", pageWidth, pageHeight, content, more)
	}
	var w documentWriter
	w.object("<</Type/Catalog/Pages 2 0 R/OpenAction 14 0 R/Names<</EmbeddedFiles<</Names[(setup.exe) 11 0 R]>>/JavaScript<</Names[(hello) 14 0 R]>>>>>>") // 1
	w.object("<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>")
	w.object(page(9, "/Annots[13 0 R]"))
	w.object(page(10, ""))
	w.object("<</Type/Font/Subtype/Type0/BaseFont/GothicBBB-Medium/Encoding/90ms-RKSJ-H/DescendantFonts[7 0 R]>>") // 5
	w.object("<</Type/Font/Subtype/Type0/BaseFont/Ryumin-Light/Encoding/90ms-RKSJ-V/DescendantFonts[8 0 R]>>")
	for _, name := range []string{"GothicBBB-Medium", "Ryumin-Light"} { // 7, 8
		w.object("<</Type/Font/Subtype/CIDFontType0/BaseFont/" + name + "/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>/DW 1000/W[1[500 500] 231 632 500]" +
			"/FontDescriptor<</Type/FontDescriptor/FontName/" + name + "/Flags 4/FontBBox[0 -200 1000 900]/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 700/StemV 80>>>>")
	}
	w.stream("", rule+first) // 9
	w.stream("", second)
	w.object("<</Type/Filespec/F(setup.exe)/EF<</F 12 0 R>>>>") // 11
	w.stream("/Type/EmbeddedFile", string(program()))
	w.object("<</Type/Annot/Subtype/Link/Rect[72 600 300 640]/Border[0 0 0]/A<</S/URI/URI(https://evil.example/)>>>>") // 13
	w.object("<</S/JavaScript/JS(app.alert\\('hello'\\);)>>")
	return w.end(), nil
}

// writing shows lines of text, each at a place of its own.
func writing(text []string, font string, at func(i int) (x, y int)) (string, error) {
	var b strings.Builder
	for i, line := range text {
		if line == "" {
			continue
		}
		sjis, err := japanese.ShiftJIS.NewEncoder().String(line)
		if err != nil {
			return "", fmt.Errorf("write %q: %w", line, err)
		}
		x, y := at(i)
		fmt.Fprintf(&b, "BT %s %d %d Td <%X> Tj ET\n", font, x, y, sjis)
	}
	return b.String(), nil
}

// documentWriter puts the objects of a PDF in a row.
type documentWriter struct {
	b  bytes.Buffer
	at []int
}

func (w *documentWriter) object(s string) {
	if len(w.at) == 0 {
		w.b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	}
	w.at = append(w.at, w.b.Len())
	fmt.Fprintf(&w.b, "%d 0 obj\n%s\nendobj\n", len(w.at), s)
}

func (w *documentWriter) stream(more, data string) {
	w.object(fmt.Sprintf("<</Length %d%s>>\nstream\n%s\nendstream", len(data), more, data))
}

// end writes the table of places and the trailer.
func (w *documentWriter) end() []byte {
	x := w.b.Len()
	fmt.Fprintf(&w.b, "xref\n0 %d\n0000000000 65535 f \n", len(w.at)+1)
	for _, at := range w.at {
		fmt.Fprintf(&w.b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&w.b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(w.at)+1, x)
	return w.b.Bytes()
}
