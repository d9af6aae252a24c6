package pdfium

import (
	"errors"
	"testing"
)

func TestSurvive(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		f    func() error
		fine bool
	}{
		"well":  {func() error { return nil }, true},
		"error": {func() error { return boom }, false},
		"panic": {func() error { panic("mmap: operation not permitted") }, false},
	} {
		if err := survive(c.f); (err == nil) != c.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}
