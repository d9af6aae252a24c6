package api

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// TestLimitsForgetTheQuietest: a full table forgets who was quiet for longest, and
// refuses nobody for being full.
func TestLimitsForgetTheQuietest(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	l := newLimits(func() time.Time { return now }, 3)
	take := func(key string) time.Duration { return l.take(key, rate.Limit(1), 2) }
	take("loud")
	take("loud")
	for i := range 10_000 {
		if d := take(fmt.Sprint("crowd ", i)); d != 0 {
			t.Fatalf("%d waits %v", i, d)
		}
		if i%2 == 0 && take("loud") == 0 {
			t.Fatalf("who is seen again and again was forgotten at %d", i)
		}
		if len(l.keys) > 3 || l.order.Len() != len(l.keys) {
			t.Fatalf("%d keys, %d in order", len(l.keys), l.order.Len())
		}
	}
	now = now.Add(time.Second)
	if take("loud") != 0 || take("loud") == 0 {
		t.Error("a second gives one more, not none and not two")
	}
}

// TestNetwork: a host that has 2^64 addresses is one.
func TestNetwork(t *testing.T) {
	for in, want := range map[string]string{"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8::1": "2001:db8::/64",
		"2001:db8::ffff:1": "2001:db8::/64", "2001:db8:0:1::1": "2001:db8:0:1::/64", "fe80::1%eth0": "fe80::/64", "": ""} {
		if got := network(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
