package audit

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// This file computes the tree for Verify. It shares nothing with tree.go, by
// which a Writer does the same, so that a mistake in one is found by the other.

type hash [sha256.Size]byte

func toHash(h hash) tlog.Hash { return tlog.Hash(h) }

// leafHash is RFC 6962 section 2.1: SHA-256(0x00 ‖ record).
// spec: rfc6962#2.1
func leafHash(record []byte) hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(record)
	return hash(h.Sum(nil))
}

// nodeHash is RFC 6962 section 2.1: SHA-256(0x01 ‖ left ‖ right).
func nodeHash(left, right hash) hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// calculator computes root and tiles from the leaves, one at a time. It keeps
// the roots of the complete subtrees, like the digits of a binary counter.
type calculator struct {
	size  int64
	stack []subtree
	rows  [][]hash // by tile level, the hashes since the last complete tile
}

type subtree struct {
	height int
	h      hash
}

// computed is a tile as the records give it.
type computed struct {
	level  int
	n      int64
	hashes []hash
}

// push takes the next leaf and returns the tiles that it completes.
func (c *calculator) push(leaf hash) []computed {
	var done []computed
	node := subtree{0, leaf}
	c.size++
	for {
		if node.height%8 == 0 {
			if t, ok := c.fill(node); ok {
				done = append(done, t)
			}
		}
		last := len(c.stack) - 1
		if last < 0 || c.stack[last].height != node.height {
			break
		}
		node = subtree{node.height + 1, nodeHash(c.stack[last].h, node.h)}
		c.stack = c.stack[:last]
	}
	c.stack = append(c.stack, node)
	return done
}

// fill puts a node into the tile row of its height.
func (c *calculator) fill(node subtree) (computed, bool) {
	level := node.height / 8
	if level == len(c.rows) {
		c.rows = append(c.rows, nil)
	}
	c.rows[level] = append(c.rows[level], node.h)
	if len(c.rows[level]) < 256 {
		return computed{}, false
	}
	t := computed{level, (c.size >> (8 * level) >> 8) - 1, c.rows[level]}
	c.rows[level] = nil
	return t, true
}

// unfinished returns the tiles that are not complete.
func (c *calculator) unfinished() []computed {
	var list []computed
	for level, row := range c.rows {
		if len(row) > 0 {
			list = append(list, computed{level, c.size >> (8 * level) >> 8, row})
		}
	}
	return list
}

// root joins the complete subtrees from the right.
func (c *calculator) root() hash {
	if len(c.stack) == 0 {
		return sha256.Sum256(nil)
	}
	h := c.stack[len(c.stack)-1].h
	for _, s := range slices.Backward(c.stack[:len(c.stack)-1]) {
		h = nodeHash(s.h, h)
	}
	return h
}

// inventory is the tile files found, by level and number, with their widths.
type inventory map[[2]int64][]int

// add takes a tile file and reports whether its name is one.
func (inv inventory) add(name string) bool {
	dir, base := path.Split(name)
	width := 256
	number := strings.TrimSuffix(dir, "/")
	if strings.HasSuffix(number, ".p") {
		w, err := strconv.Atoi(base)
		if err != nil {
			return false
		}
		width, number = w, strings.TrimSuffix(number, ".p")
	} else {
		number = name
	}
	parts := strings.Split(number, "/")
	if len(parts) < 3 {
		return false
	}
	level, err := strconv.Atoi(parts[1])
	if err != nil || level < 0 || level > 7 {
		return false
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(strings.Join(parts[2:], ""), "x", ""), 10, 64)
	if err != nil || n < 0 || width < 1 || tilePath(level, n, width) != name {
		return false
	}
	key := [2]int64{int64(level), n}
	inv[key] = append(inv[key], width)
	return true
}

// take removes and returns the widths found of a tile.
func (inv inventory) take(level int, n int64) []int {
	key := [2]int64{int64(level), n}
	widths := inv[key]
	delete(inv, key)
	return widths
}

// rest names the tiles that were not taken: they stand for records that are not
// there. At most maxFaults.
func (inv inventory) rest() []string {
	var names []string
	for key, widths := range inv {
		names = append(names, tilePath(int(key[0]), key[1], slices.Max(widths)))
	}
	slices.Sort(names)
	return names[:min(len(names), maxFaults)]
}

// miss is a place where a tile differs from the records: records from to until.
type miss struct {
	name        string
	from, until int64
}

// compareTile compares the files of one tile with what the records give. Up to
// the signed size the tile must be there.
func (v *verifier) compareTile(t computed) error {
	span := int64(1) << (8 * t.level)
	need := int(min(max((v.heads.signed/span)-t.n*256, 0), 256))
	whole := need == 0
	for _, w := range v.tiles.take(t.level, t.n) {
		b, err := readSmall(v.fs, tilePath(t.level, t.n, w), 256*sha256.Size)
		if errors.Is(err, fs.ErrNotExist) {
			continue // swept since it was listed; a wider one is there now
		}
		if err != nil && !errors.Is(err, errLarge) {
			return err
		}
		whole = whole || w >= need
		v.compareHashes(t, w, b)
	}
	if whole {
		return nil
	}
	hashes, err := readTile(v.fs, t.level, t.n, need)
	if err != nil {
		v.rep.fault(FaultTile, -1, -1, tilePath(t.level, t.n, need))
		return nil
	}
	v.compareHashes(t, need, tile{hashes: hashes}.bytes())
	return nil
}

// compareHashes compares the content of a tile file of the given width.
func (v *verifier) compareHashes(t computed, width int, b []byte) {
	span := int64(1) << (8 * t.level)
	i := len(t.hashes) // it stands for more than the records give
	if width <= len(t.hashes) {
		i = firstDifference(b, t.hashes[:width])
	}
	if i >= 0 {
		from := (t.n*256 + int64(i)) * span
		v.heads.missed(miss{tilePath(t.level, t.n, width), from, from + span})
	}
}

// firstDifference returns the index of the first hash in which the file differs,
// -1 for none.
func firstDifference(b []byte, want []hash) int {
	for i, h := range want {
		if at := i * sha256.Size; at+sha256.Size > len(b) || hash(b[at:at+sha256.Size]) != h {
			return i
		}
	}
	if len(b) != len(want)*sha256.Size {
		return len(want) - 1
	}
	return -1
}
