package intake

import (
	"container/list"
	"sync"
)

// cache remembers a bounded number of values by key and forgets those not used
// for longest. It is safe for concurrent use.
type cache[V any] struct {
	mu    sync.Mutex
	limit int
	byKey map[string]*list.Element
	order list.List // front: used last
}

type cacheEntry[V any] struct {
	key   string
	value V
}

func newCache[V any](limit int) *cache[V] {
	return &cache[V]{limit: limit, byKey: map[string]*list.Element{}}
}

// get returns the value of a key, made by create if there is none.
func (c *cache[V]) get(key string, create func() V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[key]; e != nil {
		c.order.MoveToFront(e)
		return e.Value.(*cacheEntry[V]).value
	}
	v := create()
	c.byKey[key] = c.order.PushFront(&cacheEntry[V]{key, v})
	if c.order.Len() > c.limit {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.byKey, last.Value.(*cacheEntry[V]).key)
	}
	return v
}
