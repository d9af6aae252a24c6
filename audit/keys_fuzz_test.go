package audit

import (
	"errors"
	"strings"
	"testing"
)

// FuzzKeys: any text is keys of one log, or ErrKey.
func FuzzKeys(f *testing.F) {
	o := testKeys(f)
	f.Add(o.Keys.Origin() + "+00000000+AA==\n")
	f.Add("# comment\n\nsekisho-audit/test+1234abcd+AZ==\nother+1234abcd+AZ==")
	f.Add("PRIVATE+KEY+sekisho-audit/test+1234abcd+AZ==")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseKeys(text)
		if (err == nil) != (keys.Origin() != "") || err != nil && !errors.Is(err, ErrKey) {
			t.Errorf("%q: keys of %q, %v", text, keys.Origin(), err)
		}
		if err == nil && !strings.Contains(text, keys.Origin()+"+") {
			t.Errorf("%q is of the log %q", text, keys.Origin())
		}
		s, err := ParseSigner(text)
		if (err == nil) != (s != nil) || err != nil && !errors.Is(err, ErrKey) {
			t.Errorf("%q: %v, %v", text, s, err)
		}
		if secret := strings.TrimSpace(text); err != nil && len(secret) > 20 && strings.Contains(err.Error(), secret) {
			t.Errorf("the error quotes %q", text)
		}
	})
}
