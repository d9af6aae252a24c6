package sanitize

import (
	"fmt"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/html"
	"sekisho/sanitize/image"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/magic"
	"sekisho/sanitize/mail"
	"sekisho/sanitize/pdf"
	"sekisho/sanitize/text"
)

// Formats returns THE list of file types, in the order in which content is
// judged. To add one, see docs/design/STYLE.md §10. The rows that we rebuild
// stand first; magic's rows are the kinds that are only recognized.
func Formats() []format.Format {
	rows := []format.Format{
		{Kind: format.PNG, Class: format.ClassImage, Family: picture, Method: format.MethodImage,
			Names: []string{"png"}, Media: []string{"image/png"},
			Match: image.MatchPNG, Parse: image.Parse, Build: image.BuildPNG, Lint: image.LintPNG},
		{Kind: format.JPEG, Class: format.ClassImage, Family: picture, Method: format.MethodImage,
			Names: []string{"jpg", "jpeg", "jpe", "jfif"}, Media: []string{"image/jpeg", "image/jpg", "image/pjpeg"},
			Match: image.MatchJPEG, Parse: image.Parse, Build: image.BuildJPEG, Lint: image.LintJPEG},
		{Kind: format.GIF, Class: format.ClassImage, Family: picture, Method: format.MethodImage,
			Output: format.PNG, Names: []string{"gif"}, Media: []string{"image/gif"},
			Match: image.MatchGIF, Parse: image.Parse, Build: image.BuildPNG},
		{Kind: format.Mail, Class: format.ClassLight, Method: format.MethodText, Partial: true,
			Names: []string{"eml"}, Media: []string{"message/rfc822", "message/global"},
			Match: mail.Match, Parse: mail.Parse, Build: mail.Build, Lint: mail.Lint},
		{Kind: format.HTML, Class: format.ClassLight, Method: format.MethodText, Output: format.Text, Family: "text",
			Names: []string{"html", "htm", "xhtml"}, Media: []string{"text/html", "application/xhtml+xml"},
			Match: html.Match, Parse: html.Parse, Build: html.Build},
		{Kind: format.Text, Class: format.ClassLight, Method: format.MethodText, Family: "text",
			Names: []string{"txt", "text", "log", "md", "json", "xml"}, Media: []string{"text/plain", "text/markdown", "application/json", "application/xml", "text/xml"},
			Match: text.Match, Parse: text.Parse, Build: text.Build, Lint: text.Lint},
		{Kind: format.CSV, Class: format.ClassLight, Method: format.MethodText, Family: "text",
			Names: []string{"csv", "tsv"}, Media: []string{"text/csv", "text/tab-separated-values"},
			Match: text.Match, Parse: text.ParseCSV, Build: text.BuildCSV, Lint: text.LintCSV},
	}
	for _, m := range magic.Rows() {
		row := format.Format{Kind: m.Kind, Names: m.Names, Media: m.Media, Blocked: m.Blocked,
			Family: families[m.Kind], Match: m.Match, Sharpen: m.Reason}
		rows = append(rows, drawnRow(row))
	}
	return rows
}

// drawnRow completes the rows of kinds that magic tells apart: pictures that
// come out as another kind, and PDF, whose Parse comes with its engine.
func drawnRow(row format.Format) format.Format {
	switch row.Kind {
	case format.PDF:
		row.Class, row.Method, row.Stream = format.ClassPDF, format.MethodImage, true
		row.Build, row.Lint = pdf.Build, pdf.Lint
		row.Ways = []format.Way{{Method: format.MethodText, Output: format.Text, Build: pdf.BuildText}}
		return row
	case format.BMP:
		row.Parse, row.Build = image.ParseBMP, image.BuildPNG
	case format.ICO:
		row.Parse, row.Build = image.ParseICO, image.BuildPNG
	case format.EMF: // those that are one picture
		row.Parse, row.Build = image.ParseEMF, image.BuildPNG
	case format.WMF:
		row.Parse, row.Build = image.ParseWMF, image.BuildPNG
	case format.WebP:
		row.Parse, row.Build = image.ParseWebP, image.BuildNearest
	case format.TIFF:
		row.Parse, row.Build, row.Stream = image.ParseTIFF, buildTIFF, true
		row.Lint = image.LintTIFF
		row.Ways = []format.Way{{Method: format.MethodReconstruct, Output: format.TIFF, Build: image.BuildTIFF}}
	case format.HEIC, format.AVIF, format.SVG: // their Parse comes with a decoder
		row.Class, row.Method, row.Output = decoders[row.Kind], format.MethodImage, format.PNG
		row.Build = image.BuildNearest
		return row
	default:
		return row
	}
	row.Class, row.Method, row.Output = format.ClassImage, format.MethodImage, format.PNG
	return row
}

// decoders are the classes of kinds whose decoder may be missing.
var decoders = map[format.Kind]format.Class{format.HEIC: format.ClassHEIC, format.AVIF: format.ClassAVIF, format.SVG: format.ClassSVG}

// buildTIFF writes one page as a picture and more as a PDF.
func buildTIFF(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	v, err := in.Peek()
	if err != nil {
		return format.Built{}, fmt.Errorf("read pages: %w", err)
	}
	if n, ok := v.(ir.Number); !ok || n.Name != ir.NumberPages || n.N < 2 {
		return image.BuildNearest(in, c, w)
	}
	built, err := pdf.Build(in, c, w)
	built.Output = format.PDF
	return built, err
}

const (
	picture = "picture"
	office  = "office"
)

// families groups recognized kinds whose names stand for each other in honest
// mail: an .xls that is OOXML inside, a .doc that is RTF. Calling one by the
// other's name is no disguise; the kind's own reason to hold says more.
var families = map[format.Kind]string{
	format.PNG: picture, format.JPEG: picture, format.GIF: picture,
	format.BMP: picture, format.TIFF: picture, format.WebP: picture, format.HEIC: picture, format.AVIF: picture, format.ICO: picture, format.EMF: picture, format.WMF: picture,
	format.OOXML: office, format.OLE: office, format.RTF: office, format.ODF: office, format.MHT: office, format.MSG: office, format.JTD: office,
}
