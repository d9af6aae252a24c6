package audit

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// A tile holds up to 256 hashes of one level of the tree, as C2SP tlog-tiles
// lays them out; a tile of level n+1 holds the roots of complete tiles of level
// n.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tile is one tile of the tree. It is complete when it has tileWidth hashes.
type tile struct {
	level  int
	n      int64 // place within the level
	hashes []tlog.Hash
}

// path returns the tile's file name: tile/<level>/<n in groups of three digits>
// and .p/<width> for a partial tile.
func (t tile) path() string { return tilePath(t.level, t.n, len(t.hashes)) }

func tilePath(level int, n int64, width int) string {
	digits := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		digits = fmt.Sprintf("x%03d/", n%1000) + digits
	}
	name := "tile/" + strconv.Itoa(level) + "/" + digits
	if width < tileWidth {
		name += ".p/" + strconv.Itoa(width)
	}
	return name
}

func (t tile) bytes() []byte {
	b := make([]byte, 0, len(t.hashes)*tlog.HashSize)
	for _, h := range t.hashes {
		b = append(b, h[:]...)
	}
	return b
}

// readTile reads the first width hashes of a tile, from the file with that
// width or from a wider one that has replaced it.
func readTile(fsys fs.FS, level int, n int64, width int) ([]tlog.Hash, error) {
	b, err := readSmall(fsys, tilePath(level, n, width), tileWidth*tlog.HashSize)
	for _, wider := range widerTiles(fsys, level, n, width, err) {
		if b, err = readSmall(fsys, tilePath(level, n, wider), tileWidth*tlog.HashSize); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if len(b) < width*tlog.HashSize || len(b)%tlog.HashSize != 0 {
		return nil, fmt.Errorf("tile %s has %d bytes", tilePath(level, n, width), len(b))
	}
	hashes := make([]tlog.Hash, width)
	for i := range hashes {
		copy(hashes[i][:], b[i*tlog.HashSize:])
	}
	return hashes, nil
}

// widerTiles returns the widths that a tile may be found with instead, nothing
// when the first reading succeeded.
func widerTiles(fsys fs.FS, level int, n int64, width int, err error) []int {
	if err == nil || width == tileWidth {
		return nil
	}
	names, err := readDir(fsys, path.Dir(tilePath(level, n, 1)))
	list := []int{tileWidth}
	for _, name := range names {
		if w, bad := strconv.Atoi(name); err == nil && bad == nil && w > width && w < tileWidth {
			list = append(list, w)
		}
	}
	return list
}

// tree is the right edge of the log's Merkle tree (RFC 6962 section 2.1): all
// that is needed to add leaves and to know the root.
type tree struct {
	size int64
	edge [][]tlog.Hash // by level, the hashes of the last, incomplete tile
	full []tile        // tiles completed since the last publication
}

// add appends one leaf.
func (t *tree) add(h tlog.Hash) {
	t.size++
	for level := 0; ; level++ {
		if level == len(t.edge) {
			t.edge = append(t.edge, nil)
		}
		t.edge[level] = append(t.edge[level], h)
		if len(t.edge[level]) < tileWidth {
			return
		}
		n := t.size>>(tileHeight*(level+1)) - 1
		t.full = append(t.full, tile{level, n, t.edge[level]})
		h = perfect(t.edge[level])
		t.edge[level] = nil
	}
}

// partials returns the incomplete tiles at the right edge.
func (t *tree) partials() []tile {
	var list []tile
	for level, hashes := range t.edge {
		if len(hashes) > 0 {
			list = append(list, tile{level, t.size >> (tileHeight * (level + 1)), hashes})
		}
	}
	return list
}

// root returns the hash of the tree: the complete subtrees, largest first,
// joined from the right.
func (t *tree) root() tlog.Hash {
	var peaks []tlog.Hash
	for level := len(t.edge) - 1; level >= 0; level-- {
		hashes := t.edge[level]
		for width := tileWidth / 2; width > 0; width /= 2 {
			if len(hashes) >= width {
				peaks = append(peaks, perfect(hashes[:width]))
				hashes = hashes[width:]
			}
		}
	}
	if len(peaks) == 0 {
		return sha256.Sum256(nil)
	}
	h := peaks[len(peaks)-1]
	for i := len(peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(peaks[i], h)
	}
	return h
}

// perfect returns the root over a power of two of hashes.
func perfect(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return tlog.NodeHash(perfect(hashes[:half]), perfect(hashes[half:]))
}

// loadTree reads the right edge of the tree of the given size from its tiles.
// It does not check them: the caller compares the root with a checkpoint.
func loadTree(fsys fs.FS, size int64) (tree, error) {
	t := tree{size: size}
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		count := size >> (tileHeight * level)
		var hashes []tlog.Hash
		if width := int(count % tileWidth); width > 0 {
			var err error
			if hashes, err = readTile(fsys, level, count/tileWidth, width); err != nil {
				return tree{}, fmt.Errorf("load tree of size %d: %w", size, err)
			}
		}
		t.edge = append(t.edge, hashes)
	}
	return t, nil
}
