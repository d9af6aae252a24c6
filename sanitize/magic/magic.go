// Package magic recognizes the kinds of file that are not rebuilt, so that a
// hold can name them: 「まだ無害化できない種類」 helps more than "unknown".
//
// Each Row has a Match that judges content alone and, for some kinds, a Reason
// that is sharper than the general one: an encrypted archive needs its
// password, an EICAR test file is malware. Names and MIME types are claims;
// they only make the engine stricter. BlockedNames are the extensions that are
// never accepted whatever the content is.
//
// Nothing here decides that content may pass. Every function is total, takes
// time linear in its input, and runs in the box.
package magic

import (
	"bytes"

	"sekisho/sanitize/format"
)

// Row is one kind of file that is recognized but not rebuilt.
type Row struct {
	Kind format.Kind
	// Names are the extensions that claim this kind, lower case without dot.
	Names []string
	// Media are the MIME types that claim this kind.
	Media []string
	// Blocked says that files of this kind are never accepted.
	Blocked bool
	// Match judges content.
	Match func(data []byte) format.Match
	// Reason gives a sharper reason to hold matching content, "" for none.
	// It may be nil.
	Reason func(data []byte) format.Reason
}

// Rows returns all rows in the order in which content is judged: what is
// dangerous first, containers by what they hold before containers as such.
func Rows() []Row {
	var all []Row
	for _, group := range [][]Row{dangerousRows(), documentRows(), pictureRows(), archiveRows(), otherRows()} {
		all = append(all, group...)
	}
	return all
}

// signature returns a Match that is Certain for content that begins with one
// of the given byte strings.
func signature(prefixes ...string) func([]byte) format.Match {
	return func(data []byte) format.Match {
		for _, p := range prefixes {
			if bytes.HasPrefix(data, []byte(p)) {
				return format.Certain
			}
		}
		return format.NoMatch
	}
}

// letters is signature for marks that are letters: they count only if a zero
// byte follows soon, as it never does in a text that begins with the word.
func letters(prefixes ...string) func([]byte) format.Match {
	match := signature(prefixes...)
	return func(data []byte) format.Match {
		if bytes.IndexByte(data[:min(len(data), 4096)], 0) < 0 {
			return format.NoMatch
		}
		return match(data)
	}
}

// certain turns a yes into a Match.
func certain(yes bool) format.Match {
	if yes {
		return format.Certain
	}
	return format.NoMatch
}

// at returns n bytes of data from offset off, nil when they are not there.
func at(data []byte, off, n int) []byte {
	if off < 0 || n < 0 || off > len(data)-n {
		return nil
	}
	return data[off : off+n]
}

// has reports whether data has want at offset off.
func has(data []byte, off int, want string) bool {
	return string(at(data, off, len(want))) == want
}
