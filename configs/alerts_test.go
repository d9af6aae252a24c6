package configs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestAlertsNameMetrics: each metric that a rule asks for is one that the
// program has, and each rule says in Japanese what is wrong and what to do.
func TestAlertsNameMetrics(t *testing.T) {
	rules, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("../gateway/health/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`"(sekisho_[a-z_]+)"`).FindAllStringSubmatch(string(code), -1) {
		known[m[1]] = true
	}
	if len(known) < 15 {
		t.Fatalf("only %d metrics found", len(known))
	}
	alerts := 0
	for rule := range strings.SplitSeq(string(rules), "- alert: ") {
		name, body, _ := strings.Cut(rule, "\n")
		if !strings.HasPrefix(name, "Sekisho") {
			continue
		}
		alerts++
		for _, m := range regexp.MustCompile(`sekisho_[a-z_]+`).FindAllString(body, -1) {
			if !known[m] && !known[strings.TrimSuffix(m, "_bucket")] {
				t.Errorf("%s asks for %s, which does not exist", name, m)
			}
		}
		for _, want := range []string{"expr: ", "severity: ", `summary: "`, `action: "`} {
			if strings.Count(body, want) != 1 {
				t.Errorf("%s: %q stands %d times", name, want, strings.Count(body, want))
			}
		}
	}
	if alerts < 12 {
		t.Errorf("only %d alerts found", alerts)
	}
}
