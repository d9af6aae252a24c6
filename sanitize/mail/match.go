package mail

import (
	"bytes"

	"sekisho/sanitize/format"
)

// matchLines is how many lines Match looks at.
const matchLines = 50

// Match judges whether data is a mail: at least two header lines, one of them
// typical of mail, stand at the top; a single typical one does when a blank line
// follows it. The separator of a mailbox file and blank lines before them are
// passed over. A mail is never Certain: any text can
// start like one, so the name or the media type has to agree.
func Match(data []byte) format.Match {
	data = bytes.TrimPrefix(data[:min(len(data), 64<<10)], []byte("\xEF\xBB\xBF"))
	lines := mimeLines{b: mimeUnix(data)}
	fields, typical := 0, 0
	for range matchLines {
		line, _, ok := lines.next()
		switch {
		case len(line) == 0 && ok && typical > 0:
			return format.Plausible
		case !ok || len(line) == 0 && fields > 0:
			return matchOf(fields, typical)
		case len(line) == 0 || fields == 0 && hdrIsMbox(line):
			continue
		case line[0] == ' ' || line[0] == '\t':
			continue
		}
		name, _, ok := hdrSplit(line)
		if !ok {
			return matchOf(fields, typical)
		}
		fields++
		if hdrTypical[name] || name == "content-type" {
			typical++
		}
	}
	return matchOf(fields, typical)
}

func matchOf(fields, typical int) format.Match {
	if fields >= 2 && typical >= 1 {
		return format.Plausible
	}
	return format.NoMatch
}
