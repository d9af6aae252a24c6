package audit

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// One proof for many records of a tree: the roots of the largest subtrees that
// hold none of them, from left to right. With the records' own leaves they give
// the root of the whole tree (RFC 6962 section 2.1), so nothing can be put in,
// changed or moved. For records that follow each other these are a few dozen
// hashes, however many records there are.

// maxSubset bounds the records under one such proof: the leaves of 16 million
// records take half a gigabyte, and an export of more is made by the month.
const maxSubset = 1 << 24

// hashBatch is how many hashes are asked of the tiles at once.
const hashBatch = 4096

// errSubset says that hashes, numbers and size do not belong together.
var errSubset = errors.New("the hashes do not fit the records")

// proveSubset returns the hashes that lead from the leaves of the records seqs,
// which are sorted, without repetition and below size, to the root.
func proveSubset(size int64, seqs []int64, tiles tlog.HashReader) ([]tlog.Hash, error) {
	var gaps [][]int64 // stored hashes to be joined from the right, one list for each subtree
	collectGaps(0, size, seqs, &gaps)
	var proof []tlog.Hash
	for len(gaps) > 0 {
		n, indexes := 0, []int64(nil)
		for n < len(gaps) && (n == 0 || len(indexes)+len(gaps[n]) <= hashBatch) {
			indexes = append(indexes, gaps[n]...)
			n++
		}
		hashes, err := tiles.ReadHashes(indexes)
		if err != nil {
			return nil, fmt.Errorf("read tree hashes: %w", err)
		}
		for _, g := range gaps[:n] {
			proof = append(proof, joinRight(hashes[:len(g)]))
			hashes = hashes[len(g):]
		}
		gaps = gaps[n:]
	}
	return proof, nil
}

// collectGaps walks the tree over the records lo to hi-1, of which seqs are chosen.
func collectGaps(lo, hi int64, seqs []int64, gaps *[][]int64) {
	switch {
	case lo == hi || int64(len(seqs)) == hi-lo:
	case len(seqs) == 0:
		*gaps = append(*gaps, storedHashes(lo, hi))
	default:
		mid := lo + half(hi-lo)
		cut, _ := slices.BinarySearch(seqs, mid)
		collectGaps(lo, mid, seqs[:cut], gaps)
		collectGaps(mid, hi, seqs[cut:], gaps)
	}
}

// storedHashes names the complete subtrees that make up lo to hi-1.
func storedHashes(lo, hi int64) []int64 {
	var list []int64
	for lo < hi {
		level := 0
		for lo>>(level+1)<<(level+1) == lo && lo+int64(1)<<(level+1) <= hi {
			level++
		}
		list = append(list, tlog.StoredHashIndex(level, lo>>level))
		lo += int64(1) << level
	}
	return list
}

func joinRight(hashes []tlog.Hash) tlog.Hash {
	h := hashes[len(hashes)-1]
	for _, left := range slices.Backward(hashes[:len(hashes)-1]) {
		h = tlog.NodeHash(left, h)
	}
	return h
}

// half is where RFC 6962 section 2.1 divides n leaves, n > 1: the largest power
// of two below n.
func half(n int64) int64 {
	k := int64(1)
	for k<<1 < n {
		k <<= 1
	}
	return k
}

// subsetRoot computes the root of a tree of the given size from the leaves of the
// records seqs and a proof. It shares nothing with proveSubset but half.
// spec: rfc6962#2.1
func subsetRoot(size int64, seqs []int64, leaves []hash, proof []tlog.Hash) (hash, error) {
	if size <= 0 || size >= maxSeq || len(seqs) == 0 || len(seqs) != len(leaves) || seqs[0] < 0 || seqs[len(seqs)-1] >= size {
		return hash{}, errSubset
	}
	for i := 1; i < len(seqs); i++ {
		if seqs[i] <= seqs[i-1] {
			return hash{}, errSubset
		}
	}
	s := subset{proof: proof}
	root := s.root(0, size, seqs, leaves)
	if s.short || len(s.proof) > 0 {
		return hash{}, errSubset
	}
	return root, nil
}

type subset struct {
	proof []tlog.Hash // not used yet
	short bool        // there were too few
}

func (s *subset) root(lo, hi int64, seqs []int64, leaves []hash) hash {
	switch {
	case len(seqs) == 0:
		if len(s.proof) == 0 {
			s.short = true
			return hash{}
		}
		h := s.proof[0]
		s.proof = s.proof[1:]
		return hash(h)
	case hi-lo == 1:
		return leaves[0]
	}
	mid := lo + half(hi-lo)
	cut, _ := slices.BinarySearch(seqs, mid)
	left := s.root(lo, mid, seqs[:cut], leaves[:cut])
	return nodeHash(left, s.root(mid, hi, seqs[cut:], leaves[cut:]))
}
