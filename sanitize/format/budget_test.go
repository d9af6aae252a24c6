package format

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever tree of files is walked, all of it together never uses more than
// the root was given, and no path is deeper.
func TestBudgetBoundsAnyTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root := Budget{Bytes: rapid.Int64Range(0, 1000).Draw(t, "bytes"), Files: rapid.Int64Range(0, 30).Draw(t, "files"),
			Depth: rapid.IntRange(0, 6).Draw(t, "depth")}
		limit := root
		var bytes, files int64
		var deepest int
		var walk func(b *Budget, depth int)
		walk = func(b *Budget, depth int) {
			for range rapid.IntRange(0, 3).Draw(t, "children") {
				size := rapid.Int64Range(-1, 200).Draw(t, "size")
				before := *b
				inner, err := b.Enter(size)
				if err != nil {
					if *b != before {
						t.Fatalf("a refused file changed the budget: %+v, %+v", before, *b)
					}
					continue
				}
				bytes, files = bytes+size, files+1
				deepest = max(deepest, depth+1)
				walk(&inner, depth+1)
				b.Settle(inner)
			}
		}
		walk(&root, 0)
		if bytes > limit.Bytes || files > limit.Files || deepest > limit.Depth {
			t.Fatalf("%d bytes, %d files, depth %d of %+v", bytes, files, deepest, limit)
		}
		if root.Bytes != limit.Bytes-bytes || root.Files != limit.Files-files || root.Depth != limit.Depth {
			t.Fatalf("left %+v of %+v after %d bytes, %d files", root, limit, bytes, files)
		}
	})
}
