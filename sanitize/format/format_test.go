package format

import (
	"errors"
	"testing"
	"time"
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

func reason(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
