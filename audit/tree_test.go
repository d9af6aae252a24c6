package audit

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// Writer and verifier compute the same root as the reference, and the same tiles
// as each other, at every size.
func TestTreesAgreeWithReference(t *testing.T) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		list := make([]tlog.Hash, len(at))
		for i, n := range at {
			list[i] = stored[n]
		}
		return list, nil
	})
	var w tree
	var v calculator
	var done []computed
	if w.root() != toHash(v.root()) {
		t.Error("empty trees differ")
	}
	const size = 66000 // beyond the first complete tile of level 1
	for i := range int64(size) {
		leaf := []byte(fmt.Sprint(i))
		more, err := tlog.StoredHashes(i, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		w.add(tlog.RecordHash(leaf))
		done = append(done, v.push(leafHash(leaf))...)
		if n := i + 1; n < 1100 || n%997 == 0 || n > 65530 && n < 65550 {
			want, err := tlog.TreeHash(n, reader)
			if err != nil {
				t.Fatal(err)
			}
			if w.root() != want || toHash(v.root()) != want {
				t.Fatalf("root at %d: writer %v, verifier %v, reference %v", n, w.root(), toHash(v.root()), want)
			}
		}
	}
	done = append(done, v.unfinished()...)
	mine := map[string][]byte{}
	for _, p := range append(w.full, w.partials()...) {
		mine[p.path()] = p.bytes()
	}
	for _, c := range done {
		var b []byte
		for _, h := range c.hashes {
			b = append(b, h[:]...)
		}
		name := tilePath(c.level, c.n, len(c.hashes))
		if !bytes.Equal(mine[name], b) {
			t.Errorf("tile %s differs", name)
		}
		want, err := tlog.ReadTileData(tlog.Tile{H: 8, L: c.level, N: c.n, W: len(c.hashes)}, reader)
		if err != nil || !bytes.Equal(want, b) {
			t.Errorf("tile %s is not the reference's: %v", name, err)
		}
		delete(mine, name)
	}
	if len(mine) > 0 || len(done) != 257+1+1+1+1 {
		t.Errorf("%d tiles, %d only of the writer", len(done), len(mine))
	}
}

// spec: c2sp/tlog-tiles#merkle-tree
func TestTilePaths(t *testing.T) {
	for _, c := range []struct {
		level int
		n     int64
		width int
		want  string
	}{
		{0, 0, 256, "tile/0/000"},
		{0, 5, 1, "tile/0/005.p/1"},
		{1, 1000, 256, "tile/1/x001/000"},
		{5, 1234067, 7, "tile/5/x001/x234/067.p/7"},
		{2, 999999, 256, "tile/2/x999/999"},
	} {
		got := tilePath(c.level, c.n, c.width)
		inv := inventory{}
		if got != c.want || !inv.add(got) {
			t.Errorf("path %q, want %q", got, c.want)
		}
		if w := inv.take(c.level, c.n); len(w) != 1 || w[0] != c.width {
			t.Errorf("%s found as widths %v", got, w)
		}
	}
	for _, bad := range []string{"tile/0/1", "tile/0/0000", "tile/00/000", "tile/9/000", "tile/0/x000/000", "tile/0/000.p/0", "tile/0/000.p/256",
		"tile/0/000.p/01", "tile/0/000.p", "tile/0", "tile/0/-01", "tile/0/x01/000", "tile/0/000.p/1/2", "tile/0/000.tmp", "tile/a/000", "tile/0/099999999999999999999"} {
		if (inventory{}).add(bad) {
			t.Errorf("%q taken for a tile", bad)
		}
	}
}
