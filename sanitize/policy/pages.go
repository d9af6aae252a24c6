package policy

import (
	"errors"
	"fmt"

	"sekisho/sanitize/format"
)

// PageProfile is how finely pages are drawn.
type PageProfile string

// The profiles of pages.
const (
	ProfileSmall    PageProfile = "small"    // small files: black and white where the page allows it
	ProfileStandard PageProfile = "standard" // for screens and office printers
	ProfileFine     PageProfile = "fine"     // for drawings and small print
)

// profiles are the pixels an inch and the JPEG quality of each profile, the
// smallest first.
var profiles = []struct {
	name    PageProfile
	dpi     int64
	quality int
}{
	{ProfileSmall, 100, 60},
	{ProfileStandard, 150, 75},
	{ProfileFine, 300, 85},
}

// PageRules say how documents are drawn page by page.
type PageRules struct {
	Profile PageProfile  `json:"profile"`
	Shade   format.Shade `json:"shade"`
	// Layer lays the text invisibly over the pixels, for search and copying.
	Layer bool `json:"layer"`
}

// Smaller returns the rules with the next smaller profile, and whether there
// is one.
func (p PageRules) Smaller() (PageRules, bool) {
	for i, q := range profiles {
		if q.name == p.Profile && i > 0 {
			p.Profile = profiles[i-1].name
			return p, true
		}
	}
	return p, false
}

// drawn puts the rules into a profile.
func (p PageRules) drawn(to format.Profile) format.Profile {
	for _, q := range profiles {
		if q.name == p.Profile {
			to.Quality = q.quality
			to.Render = format.Render{Method: to.Method, DPI: q.dpi, Shade: p.Shade, Layer: p.Layer}
		}
	}
	return to
}

// Drawn returns the profile by which these rules draw pages that come out by a
// method.
func (p PageRules) Drawn(m format.Method) format.Profile { return p.drawn(format.Profile{Method: m}) }

func (p PageRules) check() error {
	var errs []error
	known := false
	for _, q := range profiles {
		known = known || q.name == p.Profile
	}
	if !known {
		errs = append(errs, fmt.Errorf("pages.profile: %q; choose small, standard or fine", p.Profile))
	}
	switch p.Shade {
	case format.ShadeAuto, format.ShadeGray, format.ShadeMono:
	default:
		errs = append(errs, fmt.Errorf("pages.shade: %q; choose auto, gray or mono", p.Shade))
	}
	return errors.Join(errs...)
}
