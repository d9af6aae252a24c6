package config

import (
	"fmt"
	"slices"
	"strings"
)

// unknown says that a key does not exist, with the one that may be meant.
func unknown(name string, possible []string) (ja, en string) {
	if near := nearest(name, possible); near != "" {
		return fmt.Sprintf("「%s」という項目はありません。%s の書き誤りではありませんか。", name, near),
			fmt.Sprintf("there is no key %q; did you mean %s?", name, near)
	}
	list := strings.Join(slices.Sorted(slices.Values(possible)), ", ")
	return fmt.Sprintf("「%s」という項目はありません。ここに書ける項目: %s。", name, list),
		fmt.Sprintf("there is no key %q; possible here: %s.", name, list)
}

// nearest returns the candidate within two edits of name, "" for none.
func nearest(name string, possible []string) string {
	best, at := "", 3
	for _, p := range possible {
		if n := distance(name, p); n < at && n < len(p)-1 {
			best, at = p, n
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes; long words count as far.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
