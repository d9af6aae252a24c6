//go:build !race

package hypertext

const raceEnabled = false
