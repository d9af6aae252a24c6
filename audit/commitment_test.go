package audit

import (
	"strings"
	"testing"
)

func TestCommitment(t *testing.T) {
	o, err := Commit("４月分請求書", seed(7))
	if err != nil {
		t.Fatal(err)
	}
	if !isSHA256(o.Digest) || !CheckOpening(o.Digest, o) {
		t.Errorf("opening %+v does not fit", o)
	}
	other, err := Commit("４月分請求書", nil)
	if err != nil || other.Digest == o.Digest {
		t.Errorf("same digest for another nonce, %v", err)
	}
	for name, wrong := range map[string]Opening{
		"value": {o.Digest, o.Nonce, "５月分請求書"}, "nonce": {o.Digest, [32]byte{1}, o.Value}, "digest": {other.Digest, o.Nonce, o.Value}, "none": {},
	} {
		if CheckOpening(o.Digest, wrong) {
			t.Errorf("wrong %s accepted", name)
		}
	}
	if CheckOpening("", Opening{}) {
		t.Error("nothing opens nothing")
	}
	if _, err := Commit("x", strings.NewReader("short")); err == nil {
		t.Error("committed without randomness")
	}
}
