package sanitize

import (
	"path"
	"slices"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/magic"
)

// identify says what content is and what its name and MIME type claim. It runs
// in the box. Content decides; a claim only picks among plausible kinds.
func identify(formats []format.Format, name, media string, data []byte) (content, claimed format.Kind) {
	claimed = claim(formats, name, media)
	var plausible []format.Kind
	for _, f := range formats {
		if f.Match == nil {
			continue
		}
		switch f.Match(data) {
		case format.Certain:
			return f.Kind, claimed
		case format.Plausible:
			plausible = append(plausible, f.Kind)
		}
	}
	if slices.Contains(plausible, claimed) {
		return claimed, claimed
	}
	if len(plausible) > 0 {
		return plausible[0], claimed
	}
	return format.Unknown, claimed
}

// claim returns the kind that a name, or else a MIME type, claims.
func claim(formats []format.Format, name, media string) format.Kind {
	if ext := extension(name); ext != "" {
		for _, f := range formats {
			if slices.Contains(f.Names, ext) {
				return f.Kind
			}
		}
		return ""
	}
	for _, f := range formats {
		if slices.Contains(f.Media, media) {
			return f.Kind
		}
	}
	return ""
}

// extension returns the lower-case extension of a name without its dot.
// Trailing dots and spaces, which Windows drops, are passed over.
func extension(name string) string {
	name = strings.TrimRight(name, ". \t　")
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}

// judge decides whether a file may be parsed at all: its content's kind must
// be one that we rebuild, and its name must not claim something else. The zero
// reason means yes.
func judge(formats []format.Format, name string, content, claimed format.Kind) (*format.Format, format.Reason, string) {
	row := rowOf(formats, content)
	ext := extension(name)
	switch {
	case row != nil && row.Blocked:
		return row, format.KindBlocked, string(content)
	case magic.BlockedNames()[ext]:
		return row, format.KindBlocked, "." + ext
	case row == nil:
		return nil, format.KindUnknown, ""
	case claimed != "" && family(formats, claimed) != family(formats, content):
		return row, format.TypeMismatch, string(claimed) + " by name, " + string(content) + " by content"
	case row.Build == nil:
		return row, format.KindUnsupported, string(content)
	case row.Kind == format.Text && ext != "" && claimed == "":
		return row, format.KindUnknown, "text named ." + ext
	}
	return row, "", ""
}

func rowOf(formats []format.Format, k format.Kind) *format.Format {
	for i := range formats {
		if formats[i].Kind == k {
			return &formats[i]
		}
	}
	return nil
}

func family(formats []format.Format, k format.Kind) string {
	if f := rowOf(formats, k); f != nil && f.Family != "" {
		return f.Family
	}
	return string(k)
}
