package faulttest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSmallDisk works on a real disk of a few MB, with a real ledger, that is
// filled up to a few pages: from none to as many as a mail needs. So the disk
// ends under each file of the gateway in turn, and under the ledger's own. What
// the sender hears is 452, but for the log's 451; nothing that was promised is
// lost, nothing that was not comes about, and with room again all goes on by
// itself.
// spec: g3 g6
func TestSmallDisk(t *testing.T) {
	dir, inside := smallDisk(t, 16<<20)
	if !inside {
		return // it ran in a space of its own
	}
	o, s, p := newOffice(t), &sink{}, &promises{}
	o.clock.set(time.Now()) // by which a real disk dates its files
	w, err := o.open(newDisk(o.clock.now), nil, s, func(w *world) { w.dir = dir })
	check(t, err)
	defer w.close()
	if a := w.send(p, 0, letters[0]); !strings.HasPrefix(a, "250") {
		t.Fatalf("before: %s", a)
	}
	answers := map[string]int{}
	for pages := range 48 {
		check(t, w.tick())
		leave(t, dir, pages)
		a := w.send(p, 1+pages, letters[pages%len(letters)])
		answers[a[:min(9, len(a))]]++
		w.work()
		if err := w.tick(); err != nil {
			fmt.Fprintf(w, "tick: %v\n", err)
		}
		check(t, os.Remove(filepath.Join(dir, "filler")))
		w.clock.pass(time.Hour)
		w.settle()
		if faults := w.broken(p.all()); len(faults) > 0 {
			t.Fatalf("%d pages were left, answered %s:\n%s", pages, a, strings.Join(append(faults, w.said()...), "\n"))
		}
	}
	t.Log(answers)
	if answers["452 4.3.1"] < 3 || answers["250 2.0.0"] < 3 || answers["452 4.3.1"]+answers["451 4.3.0"]+answers["250 2.0.0"] != 48 {
		t.Errorf("answers: %v", answers)
	}
	if n := answers["250 2.0.0"] + 1; len(p.all()) != n {
		t.Errorf("%d promises, %d are known", n, len(p.all()))
	}
	for _, want := range []string{"no space left on device", "database or disk is full"} {
		if !strings.Contains(strings.Join(w.said(), ""), want) {
			t.Errorf("nothing ever failed for %q", want)
		}
	}
}

// leave fills a disk up to a few pages.
func leave(t testing.TB, dir string, pages int) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	check(t, err)
	defer f.Close()
	var st syscall.Statfs_t
	check(t, syscall.Statfs(dir, &st))
	if room := int64(st.Bavail) - int64(pages); room > 0 {
		check(t, syscall.Fallocate(int(f.Fd()), 0, 0, room*st.Bsize))
	}
}

// spaceEnv is set in a test that runs in a space of its own.
const spaceEnv = "SEKISHO_FAULTTEST_SPACE"

// smallDisk makes a disk of some bytes. Who may not mount one runs the test
// again in name spaces where he may; inside is then false, here.
func smallDisk(t *testing.T, size int) (dir string, inside bool) {
	t.Helper()
	dir = t.TempDir()
	err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size))
	if errors.Is(err, syscall.EPERM) && os.Getenv(spaceEnv) == "" {
		again(t)
		return "", false
	}
	check(t, err)
	t.Cleanup(func() { check(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir, true
}

// again runs the present test in a user and a mount name space.
func again(t *testing.T) {
	t.Helper()
	exe, err := os.Executable()
	check(t, err)
	c := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), spaceEnv+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in name spaces of its own: %v\n%s", err, out)
	}
}
