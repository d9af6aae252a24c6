package hypertext

import "unicode"

// dropped tells whether r is a character that must not reach the text: C0 and
// C1 controls except LF and TAB, direction controls, zero-width fillers, tag
// characters (a hidden copy of ASCII), noncharacters. Variation selectors stay;
// Japanese names need them. ZWJ and ZWNJ are judged by their neighbours.
func dropped(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ', r >= 0x7F && r < 0xA0:
		return true
	case r < 0x00AD:
		return false
	case r == 0x00AD, r == 0x034F, r == 0x061C, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x180E,
		r == 0x3164, r == 0xFFA0, r == 0xFEFF:
		return true
	case r == 0x200B, r == 0x200E, r == 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
		return true
	case r >= 0xFFF9 && r <= 0xFFFB, r >= 0xE0000 && r <= 0xE00FF, r >= 0xE01F0 && r <= 0xE0FFF:
		return true
	case r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE:
		return true
	case r >= 0x1BCA0 && r <= 0x1BCA3, r >= 0x1D173 && r <= 0x1D17A:
		return true
	}
	return false
}

// combines tells whether r belongs to the character before it.
func combines(r rune) bool { return unicode.IsMark(r) || joiner(r) }

// joiner tells whether r is ZWNJ or ZWJ.
func joiner(r rune) bool { return r == 0x200C || r == 0x200D }

// joins tells whether a joiner after r has work to do: emoji and scripts that
// shape, never ASCII or spaces (where it is only padding).
func joins(r rune) bool {
	return r >= 0x0600 && !unicode.IsSpace(r) && !joiner(r)
}

// wide tells whether r is set without spaces around it, so that a line break
// in the source next to it means nothing (CSS Text 3, 4.1.3; Hangul excepted).
func wide(r rune) bool {
	switch {
	case r < 0x2E80:
		return false
	case r <= 0x2FDF, r >= 0x3000 && r <= 0x312F, r >= 0x3190 && r <= 0xA4CF,
		r >= 0xF900 && r <= 0xFAFF, r >= 0xFE30 && r <= 0xFE4F, r >= 0xFF01 && r <= 0xFF9F,
		r >= 0xFFE0 && r <= 0xFFE6, r >= 0x20000 && r <= 0x3FFFF:
		return true
	}
	return false
}

// readable tells whether r carries meaning by itself.
func readable(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }
