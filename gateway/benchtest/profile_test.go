package benchtest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// profile has perf (Debian: linux-perf) watch a system's processes, and those
// they start later, until the benchmark ends. The samples go to path; what they
// say, by process and function with and without what it calls, to path.txt.
// The program's symbols are read before its folder is removed.
func profile(b *testing.B, sys system, path string) {
	b.Helper()
	var pids []string
	family(processes(), sys.roots(), func(pid int, _ process) {
		line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		if err == nil && !bytes.HasPrefix(line, []byte("sekisho-worker")) { // may be gone before perf looks at it
			pids = append(pids, strconv.Itoa(pid))
		}
	})
	perf := exec.Command("perf", "record", "-g", "-F", "499", "-o", path, "-p", strings.Join(pids, ","))
	var words bytes.Buffer
	perf.Stderr = &words
	if err := perf.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		early := perf.Process.Signal(os.Interrupt)
		err := perf.Wait()
		var exit *exec.ExitError // perf ends by the interrupt that it was sent
		if early != nil || err != nil && !(errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGINT) {
			b.Errorf("perf record: %v, %v\n%s", early, err, words.Bytes())
			return
		}
		report := exec.Command("perf", "report", "-i", path, "--stdio", "--children", "-g", "none", "--percent-limit", "0.2", "--sort", "comm,symbol")
		text, err := report.Output()
		if err != nil {
			b.Errorf("%v: %v", report.Args, err)
			return
		}
		write(b, path+".txt", string(text))
	})
}
