package sanitize

import (
	"encoding/hex"

	"sekisho/sanitize/format"
)

// Report is the JSON form of one file's outcome (PRODUCT.md, "Interfaces").
type Report struct {
	Path         string        `json:"path"`
	SHA256       string        `json:"sha256"`
	Kind         format.Kind   `json:"kind"`
	Verdict      string        `json:"verdict"`
	Reason       format.Reason `json:"reason,omitempty"`
	Detail       string        `json:"detail,omitempty"`
	Output       string        `json:"output,omitempty"`
	OutputSHA256 string        `json:"output_sha256,omitempty"`
	Method       format.Method `json:"method"`
	Hazards      []Hazard      `json:"hazards"`
	Children     []Report      `json:"children"`
}

// Hazard is one finding.
type Hazard struct {
	Code   string `json:"code"`
	Where  string `json:"where,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Report returns the node's report. A child's path is its parent's path, a
// slash and its name or number.
func (n *Node) Report(path string) Report {
	r := Report{Path: path, SHA256: hex.EncodeToString(n.Sum[:]), Kind: n.Kind, Verdict: n.Verdict.String(), Reason: n.Reason,
		Detail: n.Detail, Method: n.Method, Hazards: []Hazard{}, Children: []Report{}}
	if n.Body.OK() {
		r.Output = n.Body.Name()
		r.OutputSHA256 = hex.EncodeToString(n.Body.sum[:])
	}
	for _, f := range n.Findings {
		r.Hazards = append(r.Hazards, Hazard(f))
	}
	for i := range n.Kids {
		k := &n.Kids[i]
		name := k.Name
		if name == "" {
			name = "part-" + k.Path
		}
		r.Children = append(r.Children, k.Report(path+"/"+name))
	}
	return r
}
