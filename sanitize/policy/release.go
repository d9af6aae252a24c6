package policy

import (
	"maps"
	"slices"

	"sekisho/sanitize/format"
)

// TextOnly returns the rules under which a held part is released as text: what
// can become text does, also where the rules would hold or strip it, and
// everything else is held. Limits and charsets stay.
func (r Rules) TextOnly() Rules {
	kinds := map[format.Kind]Action{}
	for k, can := range choices {
		kinds[k] = Quarantine
		if slices.Contains(can, Text) {
			kinds[k] = Text
		}
	}
	r.Kinds = kinds
	return r
}

// wider is by how much Wide multiplies limits.
const wider = 4

// Wide returns the rules under which an approver has a held part rebuilt that
// the office's own rules would hold or strip: each kind in its default way if
// the rules name none, outside mail with an own sender too, with limits four
// times as wide. What can be rebuilt stays what the formats can rebuild; depth
// and the size that the next hop takes stay.
func (r Rules) Wide() Rules {
	kinds := maps.Clone(r.Kinds)
	if kinds == nil {
		kinds = map[format.Kind]Action{}
	}
	for k, can := range choices {
		if a := kinds[k]; !slices.Contains(can, a) {
			kinds[k] = can[0]
		}
	}
	r.Kinds, r.Spoofed = kinds, "warn"
	r.Limits.Bytes *= wider
	r.Limits.Files *= wider
	r.Limits.Pixels *= wider
	r.Limits.Pages *= wider
	r.Limits.Time *= wider
	return r
}
