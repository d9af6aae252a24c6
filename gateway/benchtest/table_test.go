package benchtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// result is what one run measured.
type result struct {
	accepted, delivered float64 // mails a second
	p50, p99            time.Duration
	cpu                 usage // of a mail
	memory              int64 // bytes, the peak so far of the first process
}

func (r result) String() string {
	return fmt.Sprintf("accepted %.0f/s, delivered %.0f/s, accept p50 %v p99 %v, CPU %.1f ms a mail (first process %.1f, others %.1f)",
		r.accepted, r.delivered, r.p50.Round(100*time.Microsecond), r.p99.Round(100*time.Microsecond), ms(r.cpu.sum()), ms(r.cpu.first), ms(r.cpu.rest))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile of a list, the nearest rank.
func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[min(len(list)-1, int(q*float64(len(list))))]
}

// median of numbers: the middle one, or the lower of two.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[(len(list)-1)/2]
}

// table collects results.
type table struct {
	systems  []string
	settings []setting
	runs     map[setting]map[string][]result
	idle     map[string]map[string][]time.Duration
}

func newTable(systems []system) *table {
	t := &table{runs: map[setting]map[string][]result{}, idle: map[string]map[string][]time.Duration{}}
	for _, s := range systems {
		t.systems = append(t.systems, s.name())
	}
	return t
}

func (t *table) add(set setting, name string, r result) {
	if t.runs[set] == nil {
		t.runs[set] = map[string][]result{}
		t.settings = append(t.settings, set)
	}
	t.runs[set][name] = append(t.runs[set][name], r)
}

func (t *table) addUnloaded(mail, name string, took []time.Duration) {
	if t.idle[mail] == nil {
		t.idle[mail] = map[string][]time.Duration{}
	}
	t.idle[mail][name] = append(t.idle[mail][name], took...)
}

// of is the median of one number over the repeats.
func (t *table) of(set setting, name string, f func(result) float64) float64 {
	var list []float64
	for _, r := range t.runs[set][name] {
		list = append(list, f(r))
	}
	return median(list)
}

func delivered(r result) float64 { return r.delivered }

// rate is the delivered mails a second of a system.
func (t *table) rate(mail string, sessions int, name string) float64 {
	for _, set := range t.settings {
		if set.mail == mail && set.sessions == sessions {
			return t.of(set, name, delivered)
		}
	}
	return 0
}

// spread is how far the repeats lie apart: largest less smallest, as a part of
// the median.
func (t *table) spread(set setting, name string) float64 {
	var list []float64
	for _, r := range t.runs[set][name] {
		list = append(list, r.delivered)
	}
	if len(list) == 0 {
		return 0
	}
	return (slices.Max(list) - slices.Min(list)) / median(list)
}

// columns are the numbers of a row after its ratio.
var columns = []struct {
	title string
	of    func(result) float64
}{
	{"accept p50 ms", func(r result) float64 { return ms(r.p50) }},
	{"p99 ms", func(r result) float64 { return ms(r.p99) }},
	{"CPU ms/mail", func(r result) float64 { return ms(r.cpu.sum()) }},
	{"first process", func(r result) float64 { return ms(r.cpu.first) }},
	{"memory MB", func(r result) float64 { return float64(r.memory) / (1 << 20) }},
}

// String is the table in Markdown.
func (t *table) String() string {
	var b strings.Builder
	b.WriteString("| mail | sessions | system | accepted/s | delivered/s | spread | sekisho ÷ it |")
	for _, c := range columns {
		b.WriteString(" " + c.title + " |")
	}
	b.WriteString("\n" + strings.Repeat("|---", 7+len(columns)) + "|\n")
	for _, set := range t.settings {
		ours := t.of(set, "sekisho", delivered)
		for _, name := range t.systems {
			its := t.of(set, name, delivered)
			fmt.Fprintf(&b, "| %s | %d | %s | %.0f | %.0f | %.0f %% | %.2f |", set.mail, set.sessions, name,
				t.of(set, name, func(r result) float64 { return r.accepted }), its, 100*t.spread(set, name), ours/its)
			for _, c := range columns {
				fmt.Fprintf(&b, " %.1f |", t.of(set, name, c.of))
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n| 20 mails a second | system | end to end p50 ms | p99 ms |\n|---|---|---|---|\n")
	for _, mail := range []string{"2 KB", "20 KB", "1 MB"} {
		for _, name := range t.systems {
			if took := t.idle[mail][name]; len(took) > 0 {
				fmt.Fprintf(&b, "| %s | %s | %.1f | %.1f |\n", mail, name, ms(quantile(took, 0.5)), ms(quantile(took, 0.99)))
			}
		}
	}
	return b.String()
}

func TestStatistics(t *testing.T) {
	list := []time.Duration{5, 1, 4, 2, 3}
	if got := quantile(list, 0.5); got != 3 {
		t.Errorf("p50 %v", got)
	}
	if got := quantile(list, 0.99); got != 5 {
		t.Errorf("p99 %v", got)
	}
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("median %v", got)
	}
	if quantile(nil, 0.5) != 0 || median(nil) != 0 {
		t.Error("nothing has no median")
	}
	if list[0] != 5 {
		t.Error("the list was sorted in place")
	}
}

func TestTable(t *testing.T) {
	set := setting{"2 KB", 10, 400}
	table := newTable([]system{&running{title: "Postfix"}, &running{title: "sekisho"}})
	for _, rate := range []float64{90, 110, 100} {
		table.add(set, "Postfix", result{delivered: 2 * rate})
		table.add(set, "sekisho", result{delivered: rate, cpu: usage{time.Millisecond, 4 * time.Millisecond}})
	}
	table.addUnloaded("2 KB", "sekisho", []time.Duration{3 * time.Millisecond})
	text := table.String()
	for _, want := range []string{
		"| 2 KB | 10 | Postfix | 0 | 200 | 20 % | 0.50 |", "| 2 KB | 10 | sekisho | 0 | 100 | 20 % | 1.00 | 0.0 | 0.0 | 5.0 | 1.0 | 0.0 |", "| 2 KB | sekisho | 3.0 | 3.0 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got := table.rate("2 KB", 10, "sekisho"); got != 100 {
		t.Errorf("rate %v", got)
	}
}
