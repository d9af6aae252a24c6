package intake

import "testing"

func TestCache(t *testing.T) {
	c := newCache[int](2)
	made := 0
	get := func(key string) int { return c.get(key, func() int { made++; return made }) }
	for _, step := range []struct {
		key  string
		want int
	}{{"a", 1}, {"b", 2}, {"a", 1}, {"c", 3}, {"a", 1}, {"b", 4}, {"a", 1}, {"c", 5}} {
		if got := get(step.key); got != step.want {
			t.Fatalf("%s: %d, want %d", step.key, got, step.want)
		}
	}
	if c.order.Len() != 2 {
		t.Errorf("%d remembered", c.order.Len())
	}
}
