package audit

import "bytes"

// words returns conditions that the line of each record that the filter chooses
// meets: texts stand in a canonical record in one spelling. They are cheaper than
// reading the record, and let more lines through than the filter does.
func (f Filter) words() []func(line []byte) bool {
	var list []func([]byte) bool
	for _, t := range [...]struct{ member, value string }{
		{"receipt_no", f.Receipt}, {"id", f.Actor}, {"request_id", f.Request},
	} {
		if t.value != "" {
			word := appendString([]byte(`"`+t.member+`":`), t.value)
			list = append(list, func(line []byte) bool { return bytes.Contains(line, word) })
		}
	}
	if f.SHA256 != "" {
		word := []byte(`"` + f.SHA256 + `"`)
		list = append(list, func(line []byte) bool { return bytes.Contains(line, word) })
	}
	if len(f.Verbs) > 0 {
		var words [][]byte
		for _, v := range verbs {
			if f.wants(v.Verb) {
				words = append(words, []byte(`"event":"`+string(v.Verb)+`"`))
			}
		}
		list = append(list, func(line []byte) bool {
			for _, w := range words {
				if bytes.Contains(line, w) {
					return true
				}
			}
			return false
		})
	}
	return list
}
