package quarantine

import (
	"errors"
	"testing"
	"time"
)

func TestMove(t *testing.T) {
	states := []State{"", Held, Released, Discarded, Expired}
	for _, from := range states {
		for _, to := range states {
			err := Move(from, to)
			want := from == Held && to != Held && to != ""
			if (err == nil) != want {
				t.Errorf("Move(%q, %q) = %v", from, to, err)
			}
		}
	}
}

// spec: art-5(1)
func TestDiscard(t *testing.T) {
	now := time.Unix(1000, 0)
	i := Item{State: Held, ExpiresAt: now.Add(time.Hour)}
	if _, err := i.Discard("", now); err == nil {
		t.Error("a discard without a name passed")
	}
	d, err := i.Discard("yamada", now)
	if err != nil || d.State != Discarded || d.DecidedBy != "yamada" || !d.DecidedAt.Equal(now) {
		t.Fatalf("%+v, %v", d, err)
	}
	if _, err := d.Discard("sato", now); !errors.Is(err, ErrState) {
		t.Errorf("second discard: %v", err)
	}
	if _, err := d.Expire(now.Add(2 * time.Hour)); !errors.Is(err, ErrState) {
		t.Errorf("expiry of a discarded item: %v", err)
	}
}

func TestExpire(t *testing.T) {
	now := time.Unix(1000, 0)
	i := Item{State: Held, ExpiresAt: now.Add(time.Hour)}
	if _, err := i.Expire(now); !errors.Is(err, ErrState) {
		t.Errorf("early expiry: %v", err)
	}
	if e, err := i.Expire(i.ExpiresAt); err != nil || e.State != Expired {
		t.Errorf("%+v, %v", e, err)
	}
}
