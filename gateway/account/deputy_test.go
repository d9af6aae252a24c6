package account

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDeciders(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	user := func(id, dept string, s UserState, roles ...Role) User {
		return User{ID: id, Dept: dept, State: s, Roles: roles}
	}
	boss, off := user("boss", "zei", Active, Staff, Approver), user("off", "zei", Disabled, Approver)
	other, third := user("other", "soumu", Active, Approver), user("third", "soumu", Active, Approver)
	clerk, admin := user("clerk", "zei", Active, Staff), user("admin", "zei", Active, Admin)
	stand := func(of, by string) Deputy {
		return Deputy{ID: of + by, For: of, By: by, From: now.Add(-time.Hour), Until: now.Add(time.Hour)}
	}
	ended := stand("off", "other")
	ended.Ended = now
	for _, c := range []struct {
		name     string
		users    []User
		deputies []Deputy
		want     string
	}{
		{"the approver of the department", []User{boss, other, clerk, admin}, nil, "boss"},
		{"nobody", []User{other, clerk, admin}, nil, ""},
		{"disabled", []User{off, other}, nil, ""},
		{"the deputy of a disabled approver", []User{off, other}, []Deputy{stand("off", "other")}, "other for off"},
		{"deputy beside the approver", []User{boss, other}, []Deputy{stand("boss", "other")}, "boss, other for boss"},
		{"one hop", []User{off, other, third}, []Deputy{stand("off", "other"), stand("other", "third")}, "other for off"},
		{"no deputy without the role", []User{off, clerk}, []Deputy{stand("off", "clerk")}, ""},
		{"ended", []User{off, other}, []Deputy{ended}, ""},
		{"for another department", []User{boss, other, third}, []Deputy{stand("other", "boss")}, "boss"},
	} {
		var got []string
		for _, d := range Deciders("zei", c.users, c.deputies, now) {
			s := d.User
			if d.For != "" {
				s += " for " + d.For
			}
			got = append(got, s)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
	late := Deciders("zei", []User{off, other}, []Deputy{stand("off", "other")}, now.Add(time.Hour))
	if len(late) != 0 || Deciders("", []User{{State: Active, Roles: []Role{Approver}}}, nil, now) != nil {
		t.Error("a deputy after the time, or a request of no department")
	}
	if errors.Is(CheckDeputy(stand("boss", "boss"), boss, boss, now), nil) || errors.Is(CheckDeputy(stand("boss", "clerk"), boss, clerk, now), nil) ||
		CheckDeputy(stand("boss", "other"), boss, other, now) != nil || !errors.Is(CheckDeputy(stand("boss", "other"), boss, other, now.Add(time.Hour)), ErrPeriod) {
		t.Error("CheckDeputy")
	}
}

// TestProposalNeedsTwo: whoever confirms in whatever order, the role is given
// only by two persons besides the one who gets it.
func TestProposalNeedsTwo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		person := rapid.SampledFrom([]string{"a", "b", "c", "os:root", ""})
		now := time.Unix(1_800_000_000, 0)
		p := Proposal{ID: "1", User: "b", Act: ActGrant, Roles: []Role{Admin}, By: person.Draw(t, "by"), ExpiresAt: now.Add(ProposalTime), State: Open}
		confirmed := 0
		for range 8 {
			by := person.Draw(t, "confirms")
			now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "hours")) * time.Hour)
			next, err := p.Confirm(by, now)
			if err != nil {
				if next.State == Confirmed && p.State != Confirmed {
					t.Fatal("an error confirmed")
				}
				continue
			}
			confirmed++
			if by == "" || by == p.By || by == p.User || !now.Before(p.ExpiresAt) {
				t.Fatalf("%q confirmed what %q proposed for %q", by, p.By, p.User)
			}
			p = next
		}
		if confirmed > 1 {
			t.Fatal("confirmed twice")
		}
	})
}
