// Package hypertext turns HTML into the text a clerk can read.
//
// HTML mail is the common carrier of lies: a link that names one host and
// opens another, words only a machine sees, pictures that report who read
// them. This package keeps what a person would have read and writes it as
// plain lines. It never copies markup; it builds its own small tree from
// tokens of golang.org/x/net/html (so every step stays linear in the input,
// however badly nested), decides for each element how it reads, and says in
// Findings what it left out. Links are judged by Judge, which plain-text
// bodies use as well through PlainLinks.
//
// Invariants: the text is valid UTF-8 without control characters except LF and
// TAB, has no "<" that could open a tag, no 〔 〕 but those of our own remarks,
// and no address of a scheme other than http, https, mailto and tel. It runs inside the box, on decoded text.
package hypertext

import (
	"fmt"
	"strings"
	"unicode"
)

// Options bound and tune one conversion. The zero value is the strict default.
type Options struct {
	// Defang makes every address in the text inert (hxxps://host[.]example).
	Defang bool
	// MaxBytes bounds the input; 0 means 16 MiB.
	MaxBytes int
	// MaxNodes bounds elements and text runs together; 0 means 400,000.
	MaxNodes int
	// MaxText bounds the output in bytes; 0 means 4 MiB.
	MaxText int
	// MaxURL is the longest address written whole, in bytes; a longer one is
	// cut with "…" but always keeps its host. 0 means 200.
	MaxURL int
	// Site names the registrable domain of a host, for instance by the public
	// suffix list. With it, siblings under one site are not called a lie.
	// nil means only a host and its own subdomains or parents are kin.
	Site func(host string) string
}

// Result is what was read from one document.
type Result struct {
	// Text has LF line ends, no trailing spaces and never two empty lines in
	// a row. It ends without a line end.
	Text string
	// Title is the document's title on one line, at most 200 characters.
	Title string
	// Images lists the pictures in document order, at most 1,000.
	Images []Image
	// Findings is ordered by code; codes that count appear once.
	Findings []Finding
	// Stub is true if nothing readable was found.
	Stub bool
}

// Image is one picture the document asks for. It is never fetched.
type Image struct {
	CID    string // content id without "cid:" and angle brackets, or ""
	Alt    string // alternative text on one line, at most 200 characters
	W, H   int    // declared size in CSS pixels, 0 if unknown
	Remote bool   // the address is on another host
}

// Finding is one kind of hazard that was taken out or marked.
type Finding struct {
	Code   string // lower_snake_case, see findings.go
	Where  string // the element it was first seen in
	Detail string // a count, and the hosts concerned in defanged form
}

// LimitError reports a document beyond a bound. The caller MUST hold the part:
// no text is returned with it.
type LimitError struct {
	What string // "bytes", "nodes" or "text"
	Max  int
}

// Error names the bound that was passed.
func (e *LimitError) Error() string {
	return fmt.Sprintf("html has more than %d %s", e.Max, e.What)
}

const (
	maxImages = 1000
	maxLabel  = 200  // characters of a title, alt text or hidden passage
	maxValue  = 2000 // characters of a form entry
)

// Convert reads doc, which must be decoded UTF-8, and returns its text. The
// only error is a *LimitError. Nesting is not an error: elements deeper than
// 512 are flattened, as browsers do, and html_deep_nesting is reported.
func Convert(doc string, opt Options) (Result, error) {
	opt = opt.withDefaults()
	if len(doc) > opt.MaxBytes {
		return Result{}, &LimitError{"bytes", opt.MaxBytes}
	}
	doc = strings.ToValidUTF8(doc, "\uFFFD")
	t, err := parse(doc, opt.MaxNodes)
	if err != nil {
		return Result{}, err
	}
	res, err := render(t, opt, false)
	if err != nil || !res.Stub || !t.fallback && !t.mayHide {
		return res, err
	}
	// Nothing to read: a scripted or framed page, or one whose style we take
	// for hiding everything. What it says to readers without scripts, and all
	// of the hidden words, still marked, is better than nothing.
	return render(t, opt, true)
}

func (o Options) withDefaults() Options {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&o.MaxBytes, 16<<20)
	set(&o.MaxNodes, 400_000)
	set(&o.MaxText, 4<<20)
	set(&o.MaxURL, 200)
	return o
}

// oneLine folds s to a single clean line of at most n characters, and takes
// the brackets of our own marks out of it.
func oneLine(s string, n int) string {
	var b strings.Builder
	count, space := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) || r == '\u00A0' {
			space = b.Len() > 0
			continue
		}
		switch {
		case dropped(r), joiner(r):
			continue
		case ownBracket(r) == '［':
			r = '['
		case ownBracket(r) == '］':
			r = ']'
		}
		if count++; count > n {
			return b.String() + "…"
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
