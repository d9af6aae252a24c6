package format

import "strings"

// Device reports whether Windows takes a file name for a device, whatever
// extension it has: CON, PRN, AUX, NUL, CLOCK$, CONIN$, CONOUT$, and COM and
// LPT with a digit, superscript ones included (Microsoft Learn, "Naming Files,
// Paths, and Namespaces").
func Device(name string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	stem = strings.TrimRight(stem, " ")
	switch stem {
	case "con", "prn", "aux", "nul", "clock$", "conin$", "conout$":
		return true
	}
	port, com := strings.CutPrefix(stem, "com")
	if !com {
		var lpt bool
		if port, lpt = strings.CutPrefix(stem, "lpt"); !lpt {
			return false
		}
	}
	switch port {
	case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
		return true
	}
	return false
}
