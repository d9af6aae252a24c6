package policy

import (
	"slices"
	"testing"

	"sekisho/sanitize/format"
)

// TestReleaseRules: whatever an office's rules are, text only gives text, wide
// gives what the tables allow, and both pass the check.
func TestReleaseRules(t *testing.T) {
	strict := Default()
	for k := range strict.Kinds {
		strict.Kinds[k] = Quarantine
	}
	strip := Default()
	for k := range strip.Kinds {
		strip.Kinds[k] = Strip
	}
	strip.Spoofed = "hold"
	for name, r := range map[string]Rules{"default": Default(), "strict": strict, "strip": strip} {
		before := r.Digest()
		text, wide := r.TextOnly(), r.Wide()
		if r.Digest() != before {
			t.Errorf("%s: the rules themselves changed", name)
		}
		for _, k := range format.Kinds() {
			can := Choices(k)
			d, want := text.Choose(Facts{Kind: k, W: 100, H: 100}), slices.Contains(can, Text)
			if (d.Do == Build) != want || d.Do == Build && text.Kinds[k] != Text || d.Do == StripOut {
				t.Errorf("%s, text only, %s: %+v by %q", name, k, d, text.Kinds[k])
			}
			if d := wide.Choose(Facts{Kind: k, W: 100, H: 100}); (d.Do == Build) != (len(can) > 0) {
				t.Errorf("%s, wide, %s: %+v", name, k, d)
			}
		}
		for _, c := range []Rules{text, wide} {
			if err := c.Check(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if wide.Limits.Bytes != 4*r.Limits.Bytes || wide.Limits.Depth != r.Limits.Depth || wide.Limits.Output != r.Limits.Output {
			t.Errorf("%s: %+v", name, wide.Limits)
		}
		if wide.Spoofed != "warn" || text.Spoofed != r.Spoofed {
			t.Errorf("%s: spoofed %s, %s", name, wide.Spoofed, text.Spoofed)
		}
	}
	if keep := Default(); keep.Wide().Kinds[format.PNG] != Image {
		t.Error("what the rules rebuild changed")
	}
	if (Rules{}).TextOnly().Choose(Facts{Kind: format.Executable}).Do != Hold || (Rules{}).Wide().Choose(Facts{Kind: format.Unknown}).Do != Hold {
		t.Error("what nobody can rebuild is built")
	}
}
