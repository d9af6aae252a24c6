package seal

import (
	"crypto/sha256"
	"errors"
	"slices"
	"testing"
)

// TestExcepted: fewer than three persons seal no original, and without the
// switch no passport of one opens.
// spec: g11
func TestExcepted(t *testing.T) {
	good := Grant{Exception: "x1", Request: "r1", Requester: "a", Approvers: []string{"b", "c"}}
	sum := sha256.Sum256([]byte("mail"))
	for name, change := range map[string]func(*Grant){
		"zero":               func(g *Grant) { *g = Grant{} },
		"no exception":       func(g *Grant) { g.Exception = "" },
		"no request":         func(g *Grant) { g.Request = "" },
		"no requester":       func(g *Grant) { g.Requester = "" },
		"one approver":       func(g *Grant) { g.Approvers = g.Approvers[:1] },
		"three approvers":    func(g *Grant) { g.Approvers = append(g.Approvers, "d") },
		"one approver twice": func(g *Grant) { g.Approvers = []string{"b", "b"} },
		"the requester":      func(g *Grant) { g.Approvers = []string{"b", "a"} },
		"nobody":             func(g *Grant) { g.Approvers = []string{"b", ""} },
	} {
		g := good
		g.Approvers = slices.Clone(good.Approvers)
		change(&g)
		if Excepted(sum, 4, g).OK() {
			t.Errorf("%s: a basis", name)
		}
	}
	k := key(t)
	p, err := Sign(k, claims(), Excepted(sum, 4, good))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(body("mail"), p, k.Public(), now); !errors.Is(err, ErrSeal) {
		t.Errorf("opened with exceptions off: %v", err)
	}
	v, err := OpenExcepted(body("mail"), p, k.Public(), now)
	if err != nil || v.Grant == nil || v.Grant.Exception != "x1" || !slices.Equal(v.Grant.Approvers, good.Approvers) {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := OpenExcepted(body("other"), p, k.Public(), now); !errors.Is(err, ErrSeal) {
		t.Errorf("another mail: %v", err)
	}
	plain, err := Sign(k, claims(), Linted(sum, 4))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := OpenExcepted(body("mail"), plain, k.Public(), now); err != nil || v.Grant != nil {
		t.Errorf("%+v, %v", v, err)
	}
}
