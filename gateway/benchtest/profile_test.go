package benchtest

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// profile has perf (Debian: linux-perf) watch a system's processes, and those
// they start later, until the benchmark ends. The samples go to path; what they
// say, by process and function with and without what it calls, to path.txt.
// The program's symbols are read before its folder is removed.
func profile(b *testing.B, sys system, path string) {
	b.Helper()
	var pids []string
	family(processes(), sys.roots(), func(pid int, _ process) { pids = append(pids, strconv.Itoa(pid)) })
	perf := exec.Command("perf", "record", "-q", "-g", "-F", "499", "-o", path, "-p", strings.Join(pids, ","))
	var words bytes.Buffer
	perf.Stderr = &words
	if err := perf.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = perf.Process.Signal(os.Interrupt) // if it has gone, Wait says why
		_ = perf.Wait()                       // it reports the interrupt as a failure
		report := exec.Command("perf", "report", "-i", path, "--stdio", "--children", "-g", "none", "--percent-limit", "0.2", "--sort", "comm,symbol")
		text, err := report.Output()
		if err != nil {
			b.Errorf("%v: %v\n%s", report.Args, err, words.Bytes())
			return
		}
		write(b, path+".txt", string(text))
	})
}
