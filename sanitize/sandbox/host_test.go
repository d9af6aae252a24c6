package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"sekisho/sanitize/sandbox/boxtest"
)

// helper prepares this binary to run as a helper.
func helper(t *testing.T, verb string, uid int) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Getenv(boxtest.ExeEnv))
	cmd.Env = []string{helperEnv + "=" + verb, dirEnv + "=" + os.Getenv(dirEnv)}
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	if uid != os.Geteuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	return cmd
}

func examined(t *testing.T, verb string, uid int) report {
	t.Helper()
	text, err := helper(t, verb, uid).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Fault != "" {
		t.Fatal(r.Fault)
	}
	return r
}

// users are root, if the test may be root, and an ordinary one.
func users() []int {
	if os.Geteuid() == 0 {
		return []int{0, 61234}
	}
	return []int{os.Geteuid()}
}

// strong is what an attacker gets where the minimum stands.
func strong() []string {
	return []string{
		"open /etc/passwd: open /etc/passwd: operation not permitted",
		"create /tmp/sekisho-escape: open /tmp/sekisho-escape: operation not permitted",
		"socket: worker plain ended: crash (signal 31)",
		"fork: worker plain ended: crash (signal 31)",
		"exec: worker plain ended: crash (signal 31)",
		"mmapx: operation not permitted",
		"setrlimit: operation not permitted",
		"grow: worker plain ended: memory",
		"dial 127.0.0.1:25: worker plain ended: crash (signal 31)",
		"kill PID: operation not permitted",
	}
}

// digits hide the helper's process id, the only answer that varies.
var digits = regexp.MustCompile(`^kill \d+`)

// TestHosts starts the box as root and as an ordinary user, on this host and
// on hosts that lack something. Each must say so, and all that stands holds.
func TestHosts(t *testing.T) {
	for _, uid := range users() {
		for _, test := range []struct {
			verb, missing string
			weak, asRoot  bool           // asRoot: root, too, since the worker then changes its user
			change        map[int]string // trials that end otherwise than on a strong host
		}{
			{verb: "report", asRoot: true},
			{verb: "report without userns", missing: "user_ns net_ns pid_ns mount_ns", asRoot: true},
			{verb: "report without landlock", missing: "landlock", weak: true},
			{verb: "report without seccomp", missing: "seccomp", weak: true, change: map[int]string{
				0: "open /etc/passwd: open /etc/passwd: no such file or directory", // the empty root
				1: "create /tmp/sekisho-escape: open /tmp/sekisho-escape: no such file or directory",
				2: "socket: ok", 3: "", 4: "exec: no such file or directory", 5: "mmapx: ok",
				8: "dial 127.0.0.1:25: dial tcp 127.0.0.1:25: connect: permission denied", 9: "kill PID: no such process",
			}},
			// Only Landlock is left.
			{verb: "report without userns seccomp", missing: "seccomp user_ns net_ns pid_ns mount_ns", weak: true, change: map[int]string{
				0: "open /etc/passwd: open /etc/passwd: permission denied",
				1: "create /tmp/sekisho-escape: open /tmp/sekisho-escape: permission denied",
				2: "socket: ok", 3: "", 4: "exec: permission denied", 5: "mmapx: ok",
				8: "dial 127.0.0.1:25: dial tcp 127.0.0.1:25: connect: permission denied",
			}},
			{verb: "report without mounts", missing: "mount_ns"},
		} {
			if uid == 0 && !test.asRoot {
				continue
			}
			t.Run(fmt.Sprintf("uid %d %s", uid, test.verb), func(t *testing.T) {
				r := examined(t, test.verb, uid)
				if got := strings.Join(r.Walls.Missing(), " "); got != test.missing || r.Walls != r.Probe {
					t.Fatalf("walls %+v (missing %q), probe %+v; want missing %q", r.Walls, got, r.Probe, test.missing)
				}
				if r.Weak != test.weak || r.Walls.Minimum() == test.weak {
					t.Fatalf("weak %t, minimum %t", r.Weak, r.Walls.Minimum())
				}
				for i, want := range strong() {
					if other, changed := test.change[i]; changed {
						want = other
					}
					if got := digits.ReplaceAllString(r.Trial[i], "kill PID"); !strings.HasPrefix(got, want) {
						t.Errorf("%q; want %q", got, want)
					}
				}
				engineClosed(t, r)
			})
		}
	}
}

// engineClosed: wherever one wall stands, an engine has read its files and
// cannot read them again.
func engineClosed(t *testing.T, r report) {
	t.Helper()
	why := "operation not permitted"
	if !r.Walls.Seccomp {
		why = "permission denied" // Landlock's second layer
	}
	want := []string{"loaded: glyphs more, true", "again: " + why + ", " + why}
	if !slices.Equal(r.Engine, want) {
		t.Errorf("engine: %q; want %q", r.Engine, want)
	}
}

// TestOrphans kills a parent with SIGKILL: its workers, in an endless loop or
// waiting, die with it.
func TestOrphans(t *testing.T) {
	for _, uid := range users() {
		for _, verb := range []string{"orphan", "orphan without userns"} {
			t.Run(fmt.Sprintf("uid %d %s", uid, verb), func(t *testing.T) { orphans(t, verb, uid) })
		}
	}
}

func orphans(t *testing.T, verb string, uid int) {
	cmd := helper(t, verb, uid)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	if err := json.NewDecoder(out).Decode(&pids); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if gone(t, pid) {
			t.Fatalf("worker %d does not run", pid)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed
	for _, pid := range pids {
		eventually(t, "the end of an orphan", func() bool { return gone(t, pid) })
	}
}

// gone reports whether a process has ended; a zombie that init has not
// collected yet has.
func gone(t *testing.T, pid int) bool {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "Z") || strings.HasPrefix(after, "X")
}
