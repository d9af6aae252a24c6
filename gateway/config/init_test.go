package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answers are those of a small town, with a relay that needs no look-up.
func answers() Answers {
	return Answers{Name: "試験町 メールゲートウェイ", Contact: "情報政策課 (内線 123)", Postmaster: "jouhou@town.example.lg.jp",
		Domains: []string{"town.example.lg.jp"}, Listen: []string{"127.0.0.1:2525"}, Hostname: "sekisho.town.example.lg.jp",
		Clients: []string{"192.0.2.10"}, MyNumber: []string{"10.30.0.0/16"}, Relay: "198.51.100.25:25", Authserv: "mx.town.example.lg.jp",
		Instance: "test-1", Recipients: []string{"jouhou@town.example.lg.jp"}}
}

var start = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func initialized(t *testing.T, a Answers) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sekisho")
	if _, err := Init(dir, a, start); err != nil {
		t.Fatal(err)
	}
	withEngine(t, dir)
	return dir
}

// withEngine gives a configuration directories of its own for the engines, so
// that tests judge alike on every machine.
func withEngine(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"fonts", "engine"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		mode(t, filepath.Join(dir, name), 0o755) // whatever the umask
	}
	put(t, filepath.Join(dir, "fonts", "a.TTF"), "font", 0o644)
	put(t, filepath.Join(dir, "engine", "stamp"), "engine", 0o644)
	file := filepath.Join(dir, "sekisho.yaml")
	e := Default().Engine
	replaceIn(t, file, "fonts: ["+strings.Join(e.Fonts, ", ")+"]", "fonts: [fonts]")
	replaceIn(t, file, "cache: "+e.Cache, "cache: engine")
}

func TestInitPassesCheck(t *testing.T) {
	dir := initialized(t, answers())
	c, err := Load(filepath.Join(dir, "sekisho.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if ps := Check(t.Context(), c); len(ps) != 0 {
		t.Errorf("problems:\n%v", ps)
	}
	if a := answers(); !strings.Contains(read(t, filepath.Join(dir, "recipients.txt")), "\n"+a.Recipients[0]+"\n") {
		t.Error("the recipients were not written")
	}
	if c.Office.Name != answers().Name || c.Storage.Dir != filepath.Join(dir, "data") || c.Keys.Dir != filepath.Join(dir, "keys") {
		t.Errorf("%+v", c)
	}
}

func TestInitWithoutAnswersSaysWhatIsMissing(t *testing.T) {
	dir := initialized(t, Answers{})
	c, err := Load(filepath.Join(dir, "sekisho.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{"office.name": true, "office.contact": true, "office.postmaster": true, "office.domains": true,
		"zones.mynumber": true, "intake.hostname": true, "intake.networks": true, "intake.recipients": true, "relay.address": true}
	for _, p := range Check(t.Context(), c) {
		if p.Severity == Error && !missing[p.Key] {
			t.Errorf("unexpected: %v", p)
		}
		delete(missing, p.Key)
	}
	if len(missing) > 0 {
		t.Errorf("not reported: %v", missing)
	}
}

func TestInitConfirmsThatThereIsNoThirdZone(t *testing.T) {
	a := answers()
	a.MyNumber, a.NoMyNumber = nil, true
	c, err := Load(filepath.Join(initialized(t, a), "sekisho.yaml"), nil)
	if err != nil || c.Zones.MyNumber.None != Confirmed {
		t.Fatalf("%+v %v", c.Zones.MyNumber, err)
	}
	if ps := Check(t.Context(), c); len(ps) != 0 {
		t.Errorf("problems:\n%v", ps)
	}
}

// TestInitQuotesAnswers: an answer cannot become another key.
func TestInitQuotesAnswers(t *testing.T) {
	a := answers()
	a.Name = "町\"\n  public_url: \"http://x\\ # ' : {}"
	c, err := Load(filepath.Join(initialized(t, a), "sekisho.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(a.Name, "\n", ""); c.Office.Name != want || c.Office.PublicURL != "" {
		t.Errorf("name %q, page %q", c.Office.Name, c.Office.PublicURL)
	}
}

func TestInitNextSteps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	steps, err := Init(dir, Answers{}, start)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(steps, "\n")
	japaneseOnly(t, strings.ReplaceAll(text, dir, ""))
	for _, want := range []string{"要記入", "sekisho config check", "指紋", "sekisho serve --config"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	dir := initialized(t, answers())
	_, err := Init(dir, answers(), start)
	if err == nil || !strings.Contains(err.Error(), "上書きはしません") {
		t.Errorf("got %v", err)
	}
}
