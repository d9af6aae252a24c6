package hypertext

import (
	"slices"
	"strconv"
	"strings"
)

// The codes Convert reports. Each says what was taken out or marked; none of
// them is a reason to hold.
const (
	findBroken      = "html_unfinished_tag"   // the document ends inside a tag
	findDeep        = "html_deep_nesting"     // nested deeper than 512, flattened
	findScript      = "html_script"           // script element
	findScriptURI   = "html_script_uri"       // javascript:, vbscript: in any attribute
	findEvent       = "html_event_handler"    // on… attributes
	findFrame       = "html_iframe"           // iframe, frame
	findForm        = "html_form"             // form, with the host it would post to
	findPassword    = "html_password_field"   // asks for a password
	findObject      = "html_object"           // object, embed, applet
	findMedia       = "html_media"            // audio, video, canvas
	findSVG         = "html_svg"              // vector drawing
	findTemplate    = "html_template"         // inert content that scripts revive
	findRemote      = "html_remote_image"     // pictures on other hosts
	findPixel       = "html_tracking_pixel"   // remote pictures nobody can see
	findDataURI     = "html_data_uri"         // content packed into an address
	findRefresh     = "html_meta_refresh"     // sends the reader elsewhere
	findBase        = "html_base"             // changes what relative addresses mean
	findStyle       = "html_style_import"     // style sheets on other hosts
	findHidden      = "html_hidden_text"      // words a reader would not have seen
	findWritten     = "html_css_text"         // words that a style writes
	findReversed    = "html_reversed_text"    // characters forced to run from right to left
	findConditional = "html_conditional_text" // words that only some mail programs show
	findUnread      = "html_style_unread"     // a style that may hide words was not understood
	findInvisible   = "html_invisible_chars"  // zero-width and direction characters
	findMismatch    = "link_mismatch"         // link text names another host than the link
	findDeceptive   = "link_deceptive"        // address built to be misread
	findScheme      = "link_scheme"           // link of a scheme that is never written
	maxFindingNote  = 20
)

type tally struct {
	where string
	n     int
	notes []string
}

// findings counts by code.
type findings struct{ by map[string]*tally }

func newFindings() *findings { return &findings{by: map[string]*tally{}} }

// count adds one of code, first seen at where, with an optional note.
func (f *findings) count(code, where, note string) {
	t := f.by[code]
	if t == nil {
		t = &tally{where: where}
		f.by[code] = t
	}
	t.n++
	if note != "" && len(t.notes) < maxFindingNote && !slices.Contains(t.notes, note) {
		t.notes = append(t.notes, note)
	}
}

// clone lets a second reading count from the same start.
func (f *findings) clone() *findings {
	c := newFindings()
	for code, t := range f.by {
		c.by[code] = &tally{where: t.where, n: t.n, notes: slices.Clone(t.notes)}
	}
	return c
}

// list returns the findings ordered by code.
func (f *findings) list() []Finding {
	var out []Finding
	for code, t := range f.by {
		detail := strconv.Itoa(t.n)
		if len(t.notes) > 0 {
			detail += ": " + strings.Join(t.notes, ", ")
		}
		out = append(out, Finding{Code: code, Where: t.where, Detail: detail})
	}
	slices.SortFunc(out, func(a, b Finding) int { return strings.Compare(a.Code, b.Code) })
	return out
}
