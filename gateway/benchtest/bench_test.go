// Package benchtest measures the gateway beside what people run today, in one
// run on one machine: a bare durable Postfix relay, Postfix with amavisd-new
// behind it, and `sekisho serve` with everything on. It is called by
// `make bench`; docs/design/performance.md has the method and what came of it.
//
// The load client and the sink are the same for all three. Systems take turns
// within each repeat, results are medians, and what is read is the ratios:
// digits of a shared machine mean little. A mail lost or doubled ends it.
package benchtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
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

// patience bounds each wait for mails that are under way.
const patience = 5 * time.Minute

// options are what the environment asks for.
type options struct {
	quick   bool   // BENCH=quick: sekisho alone, one kind of mail, 10 sessions
	mail    string // BENCH_MAIL: which kind, unless 2 KB
	repeats int    // BENCH_REPEATS
	out     string // BENCH_OUT: a file for the table besides standard output
	profile string // BENCH_PROFILE: a file for perf's samples of sekisho
}

func environment(b *testing.B) options {
	b.Helper()
	o := options{
		quick: os.Getenv("BENCH") == "quick", mail: os.Getenv("BENCH_MAIL"), repeats: 3,
		out: os.Getenv("BENCH_OUT"), profile: os.Getenv("BENCH_PROFILE"),
	}
	if o.mail == "" {
		o.mail = "2 KB"
	}
	if mails[o.mail] == nil {
		b.Fatalf("BENCH_MAIL=%q is no kind of mail", o.mail)
	}
	if s := os.Getenv("BENCH_REPEATS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			b.Fatalf("BENCH_REPEATS=%q is no number of repeats", s)
		}
		o.repeats = n
	}
	return o
}

// BenchmarkPeers runs the whole comparison once.
func BenchmarkPeers(b *testing.B) {
	o := environment(b)
	s := newSink(b)
	ours := newGateway(b, s.address)
	systems, settings, idle := []system{ours}, full(), []string{o.mail}
	settings = slices.DeleteFunc(settings, func(set setting) bool { return set.mail != o.mail || set.sessions != 10 })
	if !o.quick {
		systems, settings, idle = []system{newPostfix(b, s.address), newAmavis(b, s.address), ours}, full(), []string{"2 KB", "1 MB"}
	}
	for _, sys := range systems {
		sample(b, sys, s)
	}
	if o.profile != "" {
		profile(b, ours, o.profile)
	}
	t := newTable(systems)
	for b.Loop() {
		for n := range o.repeats {
			for _, set := range settings {
				for _, sys := range systems {
					r := measure(b, sys, s, set)
					t.add(set, sys.name(), r)
					fmt.Printf("# %d/%d %-18s %-5s %2d sessions: %s\n", n+1, o.repeats, sys.name(), set.mail, set.sessions, r)
				}
			}
			for _, mail := range idle {
				for _, sys := range systems {
					t.addUnloaded(mail, sys.name(), unloaded(b, sys, s, mail))
				}
			}
		}
	}
	if id := s.doubled(); id != "" {
		b.Fatalf("%s came more than once", id)
	}
	text := "Ran on " + machine() + ".\n\n" + t.String()
	fmt.Println(text)
	if o.out != "" {
		write(b, o.out, text)
	}
	for _, sys := range systems {
		b.ReportMetric(t.rate(o.mail, 10, sys.name()), strings.ReplaceAll(sys.name(), " ", "_")+"_mails/s")
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

// sample sends one mail of each kind, which also warms the system up, and
// looks for its parts in what is delivered: a mail that is held or that loses
// its picture is no work to measure. Of the two forms of the 20 KB mail, HTML
// and text, sekisho reads both and delivers one, as text.
func sample(b *testing.B, sys system, s *sink) {
	b.Helper()
	s.keeping.Store(true)
	defer s.keeping.Store(false)
	for mail, parts := range map[string][]string{"2 KB": {"text/plain"}, "20 KB": {"text/plain"}, "1 MB": {"text/plain", "text/csv", "image/png"}} {
		for id := range arrive(b, sys, s, setting{mail, 1, 1}, 0).ids {
			s.mu.Lock()
			text := bytes.ToLower(s.kept[id])
			s.mu.Unlock()
			if bytes.Contains(text, []byte("\r\nx-sekisho-result:")) && !bytes.Contains(text, []byte("verdict=rebuilt")) {
				b.Fatalf("the mail of %s was not rebuilt", mail)
			}
			for _, part := range parts {
				if !bytes.Contains(text, []byte("\r\ncontent-type: "+part)) {
					b.Fatalf("%s delivered the mail of %s without its %s", sys.name(), mail, part)
				}
			}
		}
	}
}

// arrival is a run seen from both ends.
type arrival struct {
	sent
	accepted time.Duration   // until the last 250
	all      time.Duration   // until the sink had the last
	took     []time.Duration // each mail, from MAIL to the sink
}

// arrive sends the mails of a setting and waits until the sink has them all.
func arrive(b *testing.B, sys system, s *sink, set setting, pause time.Duration) arrival {
	b.Helper()
	start := time.Now()
	a := arrival{sent: send(b, sys.address(), set, pause)}
	a.accepted = time.Since(start)
	took, err := s.await(a.ids, patience)
	if err != nil {
		b.Fatalf("%s: %v", sys.name(), err)
	}
	a.took, a.all = took, time.Since(start)
	return a
}

// measure sends as fast as the system takes mails.
func measure(b *testing.B, sys system, s *sink, set setting) result {
	b.Helper()
	before := used(sys)
	a := arrive(b, sys, s, set, 0)
	n := float64(set.count)
	return result{
		accepted: n / a.accepted.Seconds(), delivered: n / a.all.Seconds(), p50: quantile(a.latency, 0.5), p99: quantile(a.latency, 0.99),
		cpu: used(sys).minus(before).of(set.count), memory: memory(sys),
	}
}

// unloaded sends 20 mails a second and says how long each took from its MAIL
// command to the sink.
func unloaded(b *testing.B, sys system, s *sink, mail string) []time.Duration {
	b.Helper()
	return arrive(b, sys, s, setting{mail, 1, 40}, 50*time.Millisecond).took
}

// machine says what the run ran on. What cannot be found out is left out.
func machine() string {
	words := []string{fmt.Sprintf("%d CPUs", runtime.NumCPU())}
	for _, look := range []struct{ path, key, unit string }{{"/proc/cpuinfo", "model name", ""}, {"/proc/meminfo", "MemTotal", " of memory"}, {"/etc/os-release", "PRETTY_NAME", ""}} {
		text, err := os.ReadFile(look.path)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if rest, found := strings.CutPrefix(line, look.key); found {
				words = append(words, strings.Trim(rest, " \t:=\"\n")+look.unit)
				break
			}
		}
	}
	words = append(words, runtime.Version())
	for _, pkg := range []string{"postfix", "amavisd-new"} {
		if version, err := exec.Command("dpkg-query", "-W", "-f", "${Package} ${Version}", pkg).Output(); err == nil {
			words = append(words, string(version))
		}
	}
	return strings.Join(words, ", ")
}
