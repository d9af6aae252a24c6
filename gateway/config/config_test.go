package config

import (
	"bytes"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sekisho/configs"
)

// TestTemplateHasEveryKey: the annotated file and the program know the same
// keys, every key has a comment, and the template's values are the defaults
// where an operator need not fill them.
func TestTemplateHasEveryKey(t *testing.T) {
	c := Default()
	text := strings.Replace(configs.Config, "    # none: confirmed", "    none: confirmed", 1)
	d := decode("sekisho.yaml", []byte(text), &c)
	if len(d.problems) > 0 {
		t.Fatal(d.problems)
	}
	for _, s := range Settings() {
		at, ok := d.places[s.Path]
		if !ok {
			t.Errorf("the template lacks %s", s.Path)
			continue
		}
		if line := d.lines[at.line-1]; !strings.Contains(line, "#") && !commented(d.lines, at.line-2) && s.Path != "zones.mynumber.none" {
			t.Errorf("%s has no comment", s.Path)
		}
		if s.Doc == "" {
			t.Errorf("%s has no description", s.Path)
		}
		japaneseOnly(t, s.Doc)
	}
	filled := map[string]bool{"intake.listen": true, "intake.recipients.file": true, "zones.mynumber.none": true}
	got := keysOf(&c)
	for i, s := range Settings() {
		if v := print(got[i].value); v != s.Default && !filled[s.Path] {
			t.Errorf("%s is %q in the template and %q by default", s.Path, v, s.Default)
		}
	}
}

// commented reports whether line i, or one above it without a blank between,
// is a comment: keys that belong together share one.
func commented(lines []string, i int) bool {
	for ; i >= 0 && strings.TrimSpace(lines[i]) != ""; i-- {
		if strings.HasPrefix(strings.TrimSpace(lines[i]), "#") {
			return true
		}
	}
	return false
}

func TestTemplatesAreJapanese(t *testing.T) {
	for _, s := range []string{configs.Config, configs.Policy, configs.Recipients, configs.Unit} {
		japaneseOnly(t, s)
	}
}

func TestDescribe(t *testing.T) {
	var b bytes.Buffer
	if err := Describe(&b); err != nil {
		t.Fatal(err)
	}
	japaneseOnly(t, b.String())
	golden(t, "describe.golden", b.String())
	for _, s := range Settings() {
		if !strings.Contains(b.String(), s.Path) {
			t.Errorf("%s is not described", s.Path)
		}
	}
}

func TestEnvironmentWins(t *testing.T) {
	c, err := parse("f", []byte("intake:\n  require_tls: false\n  networks: [192.0.2.1]\nrelay:\n  workers: 3\n"),
		[]string{"SEKISHO_INTAKE_REQUIRE_TLS=true", "SEKISHO_INTAKE_NETWORKS=192.0.2.0/24, 2001:db8::/32", "SEKISHO_STORAGE_MIN_FREE=3GB",
			"SEKISHO_RELAY_TLS=none", "SEKISHO_AUDIT_INTERVAL=1m", "PATH=/bin", "SEKISHO_CORPUS=/c", "SEKISHO_INTAKE_REQIRE_TLS=1", "SEKISHO_TRAVEL=x"})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Intake.RequireTLS || len(c.Clients()) != 2 || c.Storage.MinFree != 3<<30 || c.Relay.TLS != TLSNone ||
		c.Audit.Interval != Duration(time.Minute) || c.Relay.Workers != 3 {
		t.Errorf("%+v", c)
	}
	if n := c.source.notes; len(n) != 2 || n.Fatal() || !strings.Contains(n[0].JA, "SEKISHO_INTAKE_REQUIRE_TLS の書き誤り") || n[1].Key != "SEKISHO_TRAVEL" {
		t.Errorf("notes: %v", n)
	}
	for _, bad := range []string{"SEKISHO_RELAY_WORKERS=many", "SEKISHO_INTAKE_REQUIRE_TLS=yes", "SEKISHO_ZONES_MYNUMBER_NETWORKS=10.0.0.0/8,x", "SEKISHO_ROUTE_TO=moon"} {
		name, _, _ := strings.Cut(bad, "=")
		if _, err := parse("f", nil, []string{bad}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestFaultOfVariable: what a variable sets is told by the variable's name, not by
// the line that it replaces; other faults keep their line.
func TestFaultOfVariable(t *testing.T) {
	text := []byte("relay:\n  workers: 3\nintake:\n  networks: [192.0.2.1]\nflow:\n  workers: 999\nzones:\n  internet:\n    networks: [192.0.2.0/24]\n")
	c, err := parse("f.yaml", text, []string{"SEKISHO_STORAGE_DIR=" + t.TempDir(), "SEKISHO_RELAY_WORKERS=9999", "SEKISHO_ZONES_MYNUMBER_NETWORKS=10.0.0.0/8,0.0.0.0/0"})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]Problem{}
	for _, p := range Check(t.Context(), c) {
		told[p.Key] = p
	}
	for key, variable := range map[string]string{"relay.workers": "SEKISHO_RELAY_WORKERS", "zones.mynumber.networks[1]": "SEKISHO_ZONES_MYNUMBER_NETWORKS"} {
		if p := told[key]; !strings.Contains(p.JA, "環境変数 "+variable) || !strings.Contains(p.EN, variable) || p.Line != 0 || p.File != "" {
			t.Errorf("%s: %+v", key, p)
		}
	}
	if p := told["flow.workers"]; p.Line != 6 || p.File != "f.yaml" || strings.Contains(p.JA, "環境変数") {
		t.Errorf("flow.workers: %+v", p)
	}
}

func TestRelativePathsStartAtTheFile(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "s.yaml"), "keys: {dir: ../k}\nintake: {tls: {cert_file: /abs/c.pem}}\nengine: {fonts: [f, /abs/g]}\n", 0o644)
	c, err := Load(filepath.Join(dir, "s.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.Keys.Dir, c.Policy.File, c.Intake.TLS.CertFile, c.Intake.TLS.KeyFile, c.Storage.Dir}
	want := []string{filepath.Join(filepath.Dir(dir), "k"), filepath.Join(dir, "policy.yaml"), "/abs/c.pem", "", "/var/lib/sekisho"}
	if d := cmp.Diff(append(want, filepath.Join(dir, "f"), "/abs/g", "/var/cache/sekisho/engine"), append(append(got, c.Engine.Fonts...), c.Engine.Cache)); d != "" {
		t.Error(d)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml"), nil); err == nil || !strings.Contains(err.Error(), "sekisho init") {
		t.Errorf("got %v", err)
	}
}

func TestEmptyFileIsTheDefault(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "\ufeff# mark\r\n", "\r"} {
		c, err := parse("f", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		c.source = source{}
		if d := cmp.Diff(print(reflectOf(Default())), print(reflectOf(c))); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func reflectOf(c Config) reflect.Value { return reflect.ValueOf(c) }

func TestZeroZoneIsNone(t *testing.T) {
	var z Zone
	if slices.Contains([]Zone{Internet, LGWAN, MyNumber}, z) || z.UnmarshalText(nil) == nil {
		t.Error("the zero zone is one")
	}
	c := Default()
	c.Route = Route{}
	if ps := Check(t.Context(), c); !slices.ContainsFunc(ps, func(p Problem) bool { return p.Key == "route" && p.Severity == Error }) {
		t.Error("a route without zones passed")
	}
}

func TestRecipientTable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.txt")
	put(t, file, "\ufeff# 一覧\r\nA@town.example.lg.jp # 係\r\n\r\n\t@kyouiku.example.lg.jp\na#b@town.example.lg.jp\na@TOWN.example.lg.jp", 0o644)
	got, err := Config{Intake: Intake{Recipients: Recipients{File: file, List: []string{"z@town.example.lg.jp", "a@town.example.lg.jp"}}}}.RecipientTable()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a@town.example.lg.jp", "@kyouiku.example.lg.jp", "a#b@town.example.lg.jp", "z@town.example.lg.jp"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestValuesReadBack: sizes and durations survive being written and read.
func TestValuesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Size(rapid.Int64Min(0).Draw(t, "size"))
		var s2 Size
		if err := s2.UnmarshalText([]byte(s.String())); err != nil || s2 != s {
			t.Fatalf("%d became %s, %d, %v", s, s, s2, err)
		}
		d := Duration(rapid.Int64Range(0, int64(1000*day)).Draw(t, "duration"))
		var d2 Duration
		if err := d2.UnmarshalText([]byte(d.String())); err != nil || d2 != d {
			t.Fatalf("%d became %s, %d, %v", d, d, d2, err)
		}
	})
}

func TestValues(t *testing.T) {
	sizes := map[string]int64{"0B": 0, "1KB": 1024, "25MB": 25 << 20, "25 mb": 25 << 20, "2GiB": 2 << 30, "1TB": 1 << 40, "9000000TB": -1, "-1MB": -1, "MB": -1, "1.5MB": -1, "": -1}
	for _, in := range slices.Sorted(maps.Keys(sizes)) {
		var s Size
		if err := s.UnmarshalText([]byte(in)); (err != nil) != (sizes[in] < 0) || err == nil && int64(s) != sizes[in] {
			t.Errorf("%q is %d, %v", in, s, err)
		}
	}
	durations := map[string]time.Duration{"30d": 30 * day, "1d12h": 36 * time.Hour, "5m": 5 * time.Minute, "90s": 90 * time.Second, "1.5h": 90 * time.Minute,
		"d": -1, "5": -1, "-1d": -1, "1d-1h": -1, "99999999d": -1, "": -1}
	for _, in := range slices.Sorted(maps.Keys(durations)) {
		var d Duration
		if err := d.UnmarshalText([]byte(in)); (err != nil) != (durations[in] < 0) || err == nil && time.Duration(d) != durations[in] {
			t.Errorf("%q is %v, %v", in, d, err)
		}
	}
}
