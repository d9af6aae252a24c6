package wholetest

import (
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/pdfium/enginetest"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/sandbox/boxtest"
)

// BenchmarkPage is a mail with a one-page PDF, from its bytes to the mail that
// is relayed: with workers that were started ahead, as serve has them, and
// without. The goal is 150 ms on an idle machine. While the workers of the next
// mail start, the clock stands.
func BenchmarkPage(b *testing.B) {
	mail := mailWith(map[string][]byte{"a.pdf": document(1)}, "a.pdf")
	for name, ahead := range map[string]map[string]int{
		"cold": nil, "started ahead": {string(format.ClassLight): 1, string(format.ClassPDF): 1, string(format.ClassLint): 1},
	} {
		b.Run(name, func(b *testing.B) {
			exe := os.Getenv(boxtest.ExeEnv)
			pool, err := sandbox.NewPool(sandbox.Config{Classes: sanitize.Classes(heavy(enginetest.Cache(b))), Exe: exe, EngineExe: exe, MaxRunning: 8, Ahead: ahead})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(pool.Close)
			e := sanitize.New(pool, slog.New(slog.NewTextHandler(io.Discard, nil)))
			for b.Loop() {
				b.StopTimer()
				for tick := time.NewTicker(2 * time.Millisecond); pool.Stats().Idle < len(ahead) || pool.Stats().Busy > 0; <-tick.C {
				}
				b.StartTimer()
				if n := run(b, e, "", mail, policy.Default()); n.Verdict != format.Rebuilt {
					b.Fatal(n.Kids[0].Detail)
				}
			}
		})
	}
}
