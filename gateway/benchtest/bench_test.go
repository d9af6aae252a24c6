// Package benchtest measures the gateway beside what people run today, in one
// run on one machine: a bare durable Postfix relay, Postfix with amavisd-new
// behind it, and `sekisho serve` with everything on. It is called by
// `make bench`; docs/design/performance.md has the method and what came of it.
//
// The load client and the sink are the same for all three. Systems take turns
// within each repeat, results are medians, and what is read is the ratios:
// digits of a shared machine mean little.
package benchtest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// setting is one column of the table.
type setting struct {
	mail     string
	sessions int
	count    int // mails
}

// BenchmarkPeers runs the whole comparison once. BENCH=quick measures sekisho
// alone with small mails; BENCH_REPEATS changes the number of repeats from 3;
// BENCH_OUT names a file for the table besides standard output.
func BenchmarkPeers(b *testing.B) {
	if testing.Short() {
		b.Fatal("a benchmark is not a short test")
	}
	quick := os.Getenv("BENCH") == "quick"
	repeats := 3
	if s := os.Getenv("BENCH_REPEATS"); s != "" {
		if _, err := fmt.Sscan(s, &repeats); err != nil || repeats < 1 {
			b.Fatalf("BENCH_REPEATS=%q is no number of repeats", s)
		}
	}
	settings := full()
	if quick {
		settings = []setting{{"2 KB", 10, 400}}
	}
	s := newSink(b)
	systems := []system{newGateway(b, s.address)}
	if !quick {
		systems = []system{newPostfix(b, s.address), newAmavis(b, s.address), systems[0]}
	}
	t := newTable(systems)
	for b.Loop() {
		for n := range repeats {
			for _, set := range settings {
				for _, sys := range systems {
					r := measure(b, sys, s, set)
					t.add(set, sys.name(), r)
					fmt.Printf("# %d/%d %-18s %-5s %2d sessions: %s\n", n+1, repeats, sys.name(), set.mail, set.sessions, r)
				}
			}
			for _, sys := range systems {
				for _, mail := range []string{"2 KB", "1 MB"} {
					if quick && mail != "2 KB" {
						continue
					}
					t.addUnloaded(mail, sys.name(), unloaded(b, sys, s, mail))
				}
			}
		}
	}
	text := t.String()
	fmt.Println(text)
	if out := os.Getenv("BENCH_OUT"); out != "" {
		if err := os.WriteFile(out, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for _, sys := range systems {
		b.ReportMetric(t.rate("2 KB", 10, sys.name()), strings.ReplaceAll(sys.name(), " ", "_")+"_2KB/s")
	}
}

// full are the settings of a whole run.
func full() []setting {
	var all []setting
	for _, m := range []struct {
		mail  string
		count int
	}{{"2 KB", 400}, {"20 KB", 300}, {"1 MB", 60}} {
		for _, c := range []int{1, 10, 50} {
			all = append(all, setting{m.mail, c, m.count})
		}
	}
	return all
}

// measure sends the mails of a setting as fast as the system takes them and
// waits until the sink has them all.
func measure(b *testing.B, sys system, s *sink, set setting) result {
	b.Helper()
	before := cpu(sys)
	start := time.Now()
	sent := send(b, sys.address(), set, 0)
	accepted := time.Since(start)
	s.await(b, sent.ids)
	all := time.Since(start)
	used := cpu(sys) - before
	n := float64(set.count)
	return result{
		accepted: n / accepted.Seconds(), delivered: n / all.Seconds(), p50: quantile(sent.latency, 0.5), p99: quantile(sent.latency, 0.99),
		cpu: used / time.Duration(set.count), memory: memory(sys),
	}
}

// unloaded sends 20 mails a second and says how long each took from its MAIL
// command to the sink.
func unloaded(b *testing.B, sys system, s *sink, mail string) []time.Duration {
	b.Helper()
	sent := send(b, sys.address(), setting{mail, 1, 40}, 50*time.Millisecond)
	return s.await(b, sent.ids)
}
