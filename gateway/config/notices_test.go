package config

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sekisho/gateway/notice"
)

// TestNoticePlan: what the file says is the plan; by default everybody is told
// at once.
func TestNoticePlan(t *testing.T) {
	dir := initialized(t, answers())
	file := filepath.Join(dir, "sekisho.yaml")
	plan := func(environ ...string) notice.Plan {
		t.Helper()
		c, err := Load(file, environ)
		if err != nil {
			t.Fatal(err)
		}
		if ps := Check(t.Context(), c); len(ps) != 0 {
			t.Errorf("problems:\n%v", ps)
		}
		p, err := c.NoticePlan()
		if err != nil {
			t.Fatal(err)
		}
		if p.Schedule.Location.String() != "Asia/Tokyo" {
			t.Errorf("zone %v", p.Schedule.Location)
		}
		p.Schedule.Location = nil
		return p
	}
	if diff := cmp.Diff(notice.Plan{}, plan()); diff != "" {
		t.Error(diff)
	}
	want := notice.Plan{Digest: true, Schedule: notice.Schedule{Hours: []notice.Hour{510, 780}}}
	if diff := cmp.Diff(want, plan("SEKISHO_NOTICES_MODE=digest", "SEKISHO_NOTICES_HOURS=08:30,13:00")); diff != "" {
		t.Error(diff)
	}
	replaceIn(t, file, "copies: []", `copies: [{to: soumu@town.example.lg.jp, for: [Yamada@town.example.lg.jp, "@Town.example.lg.jp"]}]`)
	want = notice.Plan{Schedule: notice.Schedule{Hours: []notice.Hour{480}},
		Copies: []notice.Copy{{To: "soumu@town.example.lg.jp", For: []string{"yamada@town.example.lg.jp", "@town.example.lg.jp"}}}}
	if diff := cmp.Diff(want, plan("SEKISHO_NOTICES_HOURS=8:00")); diff != "" {
		t.Error(diff)
	}
	if a := time.Duration(Default().Notices.Alarm); a != 4*time.Hour {
		t.Errorf("the alarm comes after %v", a)
	}
}
