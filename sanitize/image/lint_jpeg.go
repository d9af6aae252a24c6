package image

import (
	"sekisho/sanitize/ir"
	"sekisho/sanitize/jpeglint"
)

// LintJPEG reports every violation of the closed form of a JPEG of ours, by
// the rules of jpeglint. The only error is one of out.
func LintJPEG(data []byte, _ map[[32]byte]bool, out *ir.Writer) error {
	r := report{out: out}
	jpeglint.Check(data, r.add)
	return r.err
}
