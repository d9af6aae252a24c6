package format

import "testing"

func TestDevice(t *testing.T) {
	for name, want := range map[string]bool{
		"con": true, "CON.txt": true, "Nul .tar.gz": true, "aux": true, "prn.": true, "clock$": true, "CONIN$": true, "conout$.x": true,
		"com1.txt": true, "COM0": true, "lpt9": true, "COM¹.csv": true, "lpt³": true,
		"": false, "com": false, "com10": false, "comx": false, "console": false, "lpt": false, "lpt１": false, "a.con": false, "_con": false, "nullable": false,
	} {
		if Device(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
