package configs

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/health"
)

// TestAlertsNameMetrics: each metric that a rule asks for is one that the
// program has, with the labels that the rule asks for, and each rule says in
// Japanese what is wrong and what to do.
func TestAlertsNameMetrics(t *testing.T) {
	rules, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	known := metrics(t)
	alerts := 0
	for rule := range strings.SplitSeq(string(rules), "- alert: ") {
		name, body, _ := strings.Cut(rule, "\n")
		if !strings.HasPrefix(name, "Sekisho") {
			continue
		}
		alerts++
		for _, m := range regexp.MustCompile(`(sekisho_[a-z_]+)(\{[^}]*\})?`).FindAllStringSubmatch(body, -1) {
			labels, ok := known[strings.TrimSuffix(m[1], "_bucket")]
			if !ok {
				t.Errorf("%s asks for %s, which does not exist", name, m[1])
			}
			for _, l := range regexp.MustCompile(`([a-z_]+)=~?"`).FindAllStringSubmatch(m[2], -1) {
				if !labels[l[1]] {
					t.Errorf("%s asks for the label %s of %s, which does not exist", name, l[1], m[1])
				}
			}
		}
		for _, want := range []string{"expr: ", "severity: ", `summary: "`, `action: "`} {
			if strings.Count(body, want) != 1 {
				t.Errorf("%s: %q stands %d times", name, want, strings.Count(body, want))
			}
		}
	}
	if alerts < 17 {
		t.Errorf("only %d alerts found", alerts)
	}
}

// metrics returns what a scrape of the program can hold: names, and the labels
// of each.
func metrics(t *testing.T) map[string]map[string]bool {
	t.Helper()
	m := health.NewMetrics("test", func(context.Context) (gateway.Counts, error) {
		return gateway.Counts{OldestWaiting: time.Unix(1, 0), OldestRequest: time.Unix(1, 0), OldestJob: time.Unix(1, 0)}, nil
	})
	one := func() (float64, bool) { return 1, true }
	words := func() map[string]uint64 { return map[string]uint64{"x": 1} }
	err := m.Watch(health.Machine{Deaths: words, Delayed: words, LeftOut: words, Anchor: words, AnchorTime: one, AnchorsWaiting: one, DiskFree: one, DiskMinFree: one, WallsMissing: one,
		CheckpointTime: one, CertificateEnd: one, NoticesStopped: one, NoticesWaiting: one})
	if err != nil {
		t.Fatal(err)
	}
	m.Messages.WithLabelValues("inbound", "held").Inc()
	m.Parts.WithLabelValues("image", "held").Inc()
	m.Rejected.WithLabelValues("storage").Inc()
	m.Relayed.WithLabelValues("ready").Inc()
	families, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]map[string]bool{}
	for _, f := range families {
		labels := map[string]bool{}
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels[l.GetName()] = true
		}
		known[f.GetName()] = labels
	}
	return known
}
