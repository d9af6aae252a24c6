package sanitize

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/sandbox/boxtest"
)

// BenchmarkMail sanitizes a 2 KB text mail with boxes started ahead, and
// reports the CPU time that its workers take.
func BenchmarkMail(b *testing.B) {
	pool, err := sandbox.NewPool(sandbox.Config{Classes: Classes(), Exe: os.Getenv(boxtest.ExeEnv), MaxRunning: 8,
		Ahead: map[string]int{string(format.ClassLight): 3, string(format.ClassLint): 3}})
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	e := New(pool, slog.New(slog.NewTextHandler(io.Discard, nil)))
	mail := []byte("From: a@example.com\r\nTo: b@town.example.lg.jp\r\nSubject: hi\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
		strings.Repeat("本日は晴天なり。予算編成方針について通知します。\r\n", 26))
	before, own := cpuTime(b, syscall.RUSAGE_CHILDREN), cpuTime(b, syscall.RUSAGE_SELF)
	for b.Loop() {
		in := Input{Kind: format.Mail, Data: memory(b, mail), Rules: policy.Default(), Facts: testFacts()}
		budget := BudgetOf(in.Rules)
		budget.Deadline = time.Now().Add(time.Minute)
		n, err := e.Sanitize(b.Context(), in, budget)
		if err != nil || n.Verdict != format.Rebuilt {
			b.Fatal(n.Reason, err)
		}
		n.Close()
	}
	b.ReportMetric(float64((cpuTime(b, syscall.RUSAGE_CHILDREN)-before).Microseconds())/float64(b.N), "worker-µs/op")
	b.ReportMetric(float64((cpuTime(b, syscall.RUSAGE_SELF)-own).Microseconds())/float64(b.N), "own-µs/op")
}

// cpuTime is that of ended workers, or of this process. It leaves out the
// starter process, which has not ended.
func cpuTime(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
