// Package html turns attached HTML files into text files.
//
// What a reader would have seen is kept: words, tables, links with their true
// targets (sanitize/hypertext). Scripts, forms, frames, pictures and every
// other thing that acts or loads is named in a finding and gone; the result is
// a plain .txt, so no markup can come back to life. Build and Lint are those
// of every text file (sanitize/plaintext).
//
// MHT and XML of other kinds are not HTML. A bare <svg> is both, and its name
// decides.
package html

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"sekisho/sanitize/charset"
	"sekisho/sanitize/format"
	"sekisho/sanitize/hypertext"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/plaintext"
)

// headBytes is how much of a file Match reads.
const headBytes = 4 << 10

// Match judges content. A document that begins as HTML does is Certain; text
// with at least one common tag near its beginning is Plausible, so that its
// name decides.
func Match(data []byte) format.Match {
	if !plaintext.Looks(data) {
		return format.NoMatch
	}
	head := strings.ToLower(plaintext.Head("", data, headBytes))
	start := skipProlog(head)
	for _, p := range []string{"<!doctype html", "<html", "<head", "<body"} {
		if rest, ok := strings.CutPrefix(start, p); ok && ends(rest) {
			return format.Certain
		}
	}
	if strings.HasPrefix(strings.TrimLeft(head, "\uFEFF \t\r\n\f"), "<?xml") {
		return format.NoMatch // XML of another kind, such as SVG
	}
	if hasTag(head) {
		return format.Plausible
	}
	return format.NoMatch
}

// skipProlog passes over what may stand before the first element: spaces, a
// byte order mark, comments, and one XML declaration.
func skipProlog(s string) string {
	for {
		s = strings.TrimLeft(s, "\uFEFF \t\r\n\f")
		switch {
		case strings.HasPrefix(s, "<!--"):
			_, after, ok := strings.Cut(s[4:], "-->")
			if !ok {
				return ""
			}
			s = after
		case strings.HasPrefix(s, "<?xml"):
			_, after, ok := strings.Cut(s, "?>")
			if !ok {
				return s
			}
			s = after
		default:
			return s
		}
	}
}

// ends reports whether a tag's name ends before rest.
func ends(rest string) bool {
	return rest == "" || strings.IndexByte(" \t\r\n\f/>", rest[0]) >= 0
}

// tags are elements whose presence makes text look like HTML.
const tags = " a abbr acronym applet article b base bgsound big blockquote body br button center code dd details div dl dt em embed fieldset " +
	"figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img input isindex label legend li link " +
	"main marquee math menu meta nav noscript object ol option p picture pre ruby s script section select small span " +
	"strike strong style sub summary sup svg table tbody td template textarea th thead title tr tt u ul var video audio "

// hasTag reports whether s, in lower case, has an opening tag of a known name.
func hasTag(s string) bool {
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			return false
		}
		s = s[i+1:]
		n := strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
		if n > 0 && ends(s[n:]) && strings.Contains(tags, " "+s[:n]+" ") {
			return true
		}
	}
}

// Parse emits the text of an HTML document, with its title on top when the
// text does not say it. It holds with limit_size, limit_count,
// limit_expanded or limit_time.
func Parse(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	doc, err := plaintext.Read(ctx, in, hypertext.MetaCharset(in.Data), out)
	if err != nil {
		return err
	}
	limit := int(min(in.Budget.Bytes, 16<<20))
	r, err := hypertext.Convert(doc, hypertext.Options{Defang: in.Defang, MaxBytes: limit, Site: hypertext.RegistrableDomain})
	if err != nil {
		return hold(err)
	}
	if err := plaintext.Alive(ctx); err != nil {
		return err
	}
	for _, f := range r.Findings {
		n := ir.Note{Code: f.Code, Where: oneLine(f.Where), Detail: oneLine(f.Detail)}
		if err := out.Write(n); err != nil {
			return fmt.Errorf("write finding: %w", err)
		}
	}
	values := []ir.Value{ir.Number{Name: ir.NumberHTML, N: 1}, ir.Text{Role: ir.RoleContent, S: withTitle(r)}}
	for _, v := range values {
		if err := out.Write(v); err != nil {
			return fmt.Errorf("write text: %w", err)
		}
	}
	return nil
}

// hold turns a limit of the converter into a reason.
func hold(err error) error {
	var limit *hypertext.LimitError
	if !errors.As(err, &limit) {
		return fmt.Errorf("convert HTML: %w", err)
	}
	switch limit.What {
	case "nodes":
		return format.Hold(format.LimitCount, err.Error())
	case "text":
		return format.Hold(format.LimitExpanded, err.Error())
	}
	return format.Hold(format.LimitSize, err.Error())
}

// oneLine makes a finding's words fit for the wall.
func oneLine(s string) string {
	s, _ = charset.CleanText(s, charset.KeepNothing)
	return ir.Cut(s, ir.MaxDetail)
}

// nothing stands in for a document without a readable word, so that nobody
// takes the empty file for a fault.
const nothing = "（読める文字はありません）"

// withTitle returns the clean text of a document, ending in a line end.
func withTitle(r hypertext.Result) string {
	text := r.Text
	if r.Title != "" && !strings.Contains(firstLines(text), r.Title) {
		text = r.Title + "\n\n" + text
	}
	text, _ = charset.CleanText(text, charset.KeepLines)
	text = strings.TrimRight(text, "\n")
	if text == "" {
		text = nothing
	}
	return text + "\n"
}

// firstLines is where a title that the text repeats is looked for.
func firstLines(s string) string { return s[:min(len(s), 2000)] }

// Build writes the text as a .txt file.
func Build(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	return plaintext.Build(in, c, w)
}
