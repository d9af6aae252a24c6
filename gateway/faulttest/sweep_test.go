package faulttest

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestOperationLog is the order of every operation of three mails' lives, with
// each sync: a lost one shows as a missing line. docs/design/spool.md and
// audit.md explain it; change them together.
// spec: g3
func TestOperationLog(t *testing.T) {
	w, p := undisturbed(t, letters...)
	got := strings.Join(w.disk.log(), "\n") + "\n"
	golden := filepath.Join("testdata", "operations.golden")
	if *update {
		check(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	check(t, err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("go test ./gateway/faulttest -run TestOperationLog -update writes it anew, if this is meant:\n%s", diff)
	}
	w.settle()
	if faults := w.broken(p.all()); len(faults) > 0 {
		t.Errorf("%s", strings.Join(faults, "\n"))
	}
}

// TestEveryOperationMayFail fails the n-th operation of a life, for every n.
// The gateway goes on with the next; then it is started again on what is left.
// spec: g3 g6
func TestEveryOperationMayFail(t *testing.T) {
	w, _ := undisturbed(t, letters[0]) // the others have the same operations
	ops := w.disk.log()
	for name, f := range map[string]fault{"without effect": without, "with effect": with, "half": half} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			for n := range ops {
				if f.differs(ops[n]) {
					o.failAt(t, n+1, f)
				}
			}
		})
	}
}

// soak reports whether there is time for more than make test has.
func soak() bool { return os.Getenv("SEKISHO_SOAK") != "" }

// differs reports whether a fault is another one than without for an operation.
// That a sync or a write had its effect all the same is left to the long runs.
func (f fault) differs(op string) bool {
	switch verb, rest, _ := strings.Cut(op, " "); f {
	case with:
		return slices.Contains([]string{"mkdir", "create", "append", "link", "rename"}, verb) || strings.HasPrefix(rest, "commits") ||
			soak() && verb != "open" && verb != "ledger"
	case half:
		return strings.HasPrefix(op, "write")
	}
	return true
}

// undisturbed is a gateway that has lived without faults.
func undisturbed(t *testing.T, letters ...string) (*world, *promises) {
	t.Helper()
	o := newOffice(t)
	w, err := o.open(newDisk(o.clock.now), o.empty, &sink{})
	check(t, err)
	t.Cleanup(w.close)
	p := &promises{}
	if refused := w.life(p, letters...); len(refused) > 0 || len(p.all()) != len(letters) {
		t.Fatalf("promised %v, refused %v", p.all(), refused)
	}
	return w, p
}

// failAt lives with one failing operation, and converges after it.
func (o *office) failAt(t *testing.T, n int, f fault) {
	t.Helper()
	o.clock.set(begin)
	d := newDisk(o.clock.now)
	failed := ""
	d.plan = func(i int, op string) fault {
		if i != n {
			return none
		}
		failed = op
		return f
	}
	s, p, left := &sink{}, &promises{}, o.empty
	if w, err := o.open(d, o.empty, s); err == nil {
		w.life(p, letters[n%len(letters)])
		left = readFiles(t, w.file)
		w.close()
	}
	d.plan = nil
	faults := o.converge(d.crash(all), left, s, p.all())
	if failed == "" {
		faults = append(faults, "it was not reached")
	}
	if len(faults) > 0 {
		t.Errorf("operation %d, %s:\n%s", n, failed, strings.Join(faults, "\n"))
	}
}
