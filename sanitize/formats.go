package sanitize

import (
	"sekisho/sanitize/format"
	"sekisho/sanitize/html"
	"sekisho/sanitize/image"
	"sekisho/sanitize/magic"
	"sekisho/sanitize/mail"
	"sekisho/sanitize/text"
)

// Formats returns THE list of file types, in the order in which content is
// judged. To add one, see docs/design/STYLE.md §10. The rows that we rebuild
// stand first; magic's rows are the kinds that are only recognized.
func Formats() []format.Format {
	const picture = "picture"
	rows := []format.Format{
		{Kind: format.PNG, Class: format.ClassImage, Family: picture, Method: format.MethodImage,
			Names: []string{"png"}, Media: []string{"image/png"},
			Match: image.MatchPNG, Parse: image.Parse, Build: image.BuildPNG, Lint: image.LintPNG},
		{Kind: format.JPEG, Class: format.ClassImage, Family: picture, Method: format.MethodImage,
			Names: []string{"jpg", "jpeg", "jpe", "jfif"}, Media: []string{"image/jpeg", "image/jpg", "image/pjpeg"},
			Match: image.MatchJPEG, Parse: image.Parse, Build: image.BuildJPEG, Lint: image.LintJPEG},
		{Kind: format.GIF, Class: format.ClassImage, Family: picture, Method: format.MethodImage,
			Names: []string{"gif"}, Media: []string{"image/gif"},
			Match: image.MatchGIF, Parse: image.Parse, Build: image.BuildPNG, Lint: image.LintPNG},
		{Kind: format.Mail, Class: format.ClassLight, Method: format.MethodText, Partial: true,
			Names: []string{"eml"}, Media: []string{"message/rfc822", "message/global"},
			Match: mail.Match, Parse: mail.Parse, Build: mail.Build, Lint: mail.Lint},
		{Kind: format.HTML, Class: format.ClassLight, Method: format.MethodText,
			Names: []string{"html", "htm", "xhtml"}, Media: []string{"text/html", "application/xhtml+xml"},
			Match: html.Match, Parse: html.Parse, Build: html.Build, Lint: html.Lint},
		{Kind: format.CSV, Class: format.ClassLight, Method: format.MethodText, Family: "text",
			Names: []string{"csv", "tsv"}, Media: []string{"text/csv", "text/tab-separated-values"},
			Match: text.Match, Parse: text.ParseCSV, Build: text.BuildCSV, Lint: text.LintCSV},
		{Kind: format.Text, Class: format.ClassLight, Method: format.MethodText, Family: "text",
			Names: []string{"txt", "text", "log", "md", "json", "xml"}, Media: []string{"text/plain", "text/markdown", "application/json", "application/xml", "text/xml"},
			Match: text.Match, Parse: text.Parse, Build: text.Build, Lint: text.Lint},
	}
	for _, m := range magic.Rows() {
		rows = append(rows, format.Format{Kind: m.Kind, Names: m.Names, Media: m.Media, Blocked: m.Blocked, Family: m.Family, Match: m.Match, Sharpen: m.Reason})
	}
	return rows
}
