package format

import (
	"errors"
	"testing"
	"time"

	"sekisho/sanitize/ir"
)

// spec: g2
func TestZeroVerdictHolds(t *testing.T) {
	var v Verdict
	if v != Held || v.String() != "held" {
		t.Fatalf("zero verdict is %v", v)
	}
	if Verdict(200).String() != "held" {
		t.Fatal("an unknown verdict must read as held")
	}
}

func TestReasonTable(t *testing.T) {
	if n := len(Reasons()); n != 30 {
		t.Fatalf("%d reasons, DECISIONS lists 30", n)
	}
	for _, r := range Reasons() {
		x := r.Text()
		if x.JA == "" || x.Next == "" || x.EN == "" {
			t.Errorf("%s: incomplete text", r)
		}
	}
	if Reason("nonsense").Known() || Reason("nonsense").Text() != Internal.Text() {
		t.Error("an unknown reason must read as internal")
	}
}

func TestBudgetIsShared(t *testing.T) {
	b := Budget{Bytes: 100, Files: 3, Depth: 2, Deadline: time.Unix(1, 0)}
	c, err := b.Enter(60)
	if err != nil {
		t.Fatal(err)
	}
	if c.Depth != 1 || c.Bytes != 40 || c.Files != 2 {
		t.Fatalf("child budget %+v", c)
	}
	if _, err := c.Enter(41); reason(err) != LimitExpanded {
		t.Fatalf("over bytes: %v", err)
	}
	g, err := c.Enter(10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Enter(1); reason(err) != LimitDepth {
		t.Fatalf("over depth: %v", err)
	}
	c.Settle(g)
	b.Settle(c)
	if b.Bytes != 30 || b.Files != 1 || b.Depth != 2 {
		t.Fatalf("settled %+v", b)
	}
	b.Files = 0
	if _, err := b.Enter(1); reason(err) != LimitCount {
		t.Fatalf("over files: %v", err)
	}
}

// spec: g8
func TestGalleryIsShared(t *testing.T) {
	b := Budget{Bytes: 100, Files: 9, Depth: 3, Pixels: 50, Gallery: 120}
	for i, c := range []struct {
		may, paint int64
		want       Reason
	}{{50, 50, ""}, {50, 50, ""}, {20, 15, ""}, {5, 6, LimitPixels}, {0, 1, LimitPixels}} {
		inner, err := b.Enter(1)
		if err != nil {
			t.Fatal(err)
		}
		may, _ := inner.Picture()
		if err := inner.Paint(c.paint); may != c.may || reason(err) != c.want {
			t.Errorf("picture %d: may have %d, %v", i, may, err)
		}
		b.Settle(inner)
	}
	if _, err := b.Picture(); reason(err) != LimitPixels {
		t.Errorf("used up: %v", err)
	}
	if err := (&Budget{Gallery: 1}).Paint(-1); reason(err) != LimitPixels {
		t.Errorf("below zero: %v", err)
	}
}

func reason(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		address, domain string
		want            bool
	}{
		{"a@town.lg.jp", "town.lg.jp", true},
		{"a@Mail.TOWN.lg.jp", "town.lg.jp", true},
		{"a@b@town.lg.jp", "town.lg.jp", true},
		{"a@nottown.lg.jp", "town.lg.jp", false},
		{"a@town.lg.jp.example", "town.lg.jp", false},
		{"town.lg.jp@evil.example", "town.lg.jp", false},
		{"a@", "", false},
		{"", "town.lg.jp", false},
	} {
		if got := Within(c.address, c.domain); got != c.want {
			t.Errorf("Within(%q, %q) = %v", c.address, c.domain, got)
		}
	}
}

func TestFailed(t *testing.T) {
	if e := Failed(ir.Fail{Reason: "truncated", Detail: "x"}); e.Reason != Truncated || e.Detail != "x" {
		t.Errorf("a listed reason became %v", e)
	}
	if e := Failed(ir.Fail{Reason: "nonsense", Detail: "x"}); e.Reason != Internal {
		t.Errorf("an unknown reason became %v", e)
	}
}
