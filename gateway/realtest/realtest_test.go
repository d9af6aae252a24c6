// Package realtest puts the program itself to the test: the static binary as
// a release is built, with its boxes, ledger, stores and audit log, under load,
// between real mail servers, and killed at any moment. What it asserts is G3:
// a mail that was answered with 250 is relayed or held, and if a crash makes it
// come twice, it is the same mail byte for byte.
//
// All of it is test code. Nothing of the gateway is imported: what is known of
// it is what an operator can know, from replies, the command line, the metrics
// and the log. Waits follow events; the only timers are the moments at which a
// kill strikes, drawn from a seed that the test's log gives, and limits.
//
// SEKISHO_SOAK=N runs N kills and a matching number of mails (make soak);
// SEKISHO_SEED=S repeats the kills of another run.
package realtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// patience bounds each wait for another process. It is long because the
// machine may be busy.
const patience = 90 * time.Second

// binaryEnv tells the tests where TestMain has built the program.
const binaryEnv = "SEKISHO_REALTEST_BINARY"

func TestMain(m *testing.M) {
	os.Exit(built(m))
}

// built builds the program and runs the tests with it.
func built(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sekisho-real-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-X main.version=real", "-o", dir,
		"sekisho/cmd/sekisho", "sekisho/cmd/sekisho-box")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build sekisho: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv(binaryEnv, filepath.Join(dir, "sekisho")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// rounds is few in make test and, in make soak, what SEKISHO_SOAK says times
// factor.
func rounds(t *testing.T, few, factor int) int {
	t.Helper()
	if n := number(t, "SEKISHO_SOAK"); n > 0 {
		return max(few, n*factor)
	}
	return few
}

// chance returns the seeded source of a test's random choices.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(number(t, "SEKISHO_SEED"))
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("SEKISHO_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// number reads a number from the environment, 0 when there is none.
func number(t *testing.T, name string) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is no number", name, text)
	}
	return n
}

// until asks again and again until ok, within patience.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, patience, what, ok)
}

// within asks again and again until ok.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	end := time.NewTimer(limit)
	defer end.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatalf("the test ended while it waited for %s", what)
		case <-end.C:
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}
