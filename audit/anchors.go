package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Anchors are checkpoints kept where the holder of the machine and of the log
// key cannot reach them: lines of a syslog server, roots printed on a report,
// the notes that a witness keeps.

const (
	maxAnchors = 64 << 20 // bytes; a line every five minutes is 40 MiB a year
	// lineMark begins the words of a checkpoint in a line of text. They are looked
	// for anywhere in the line: what a syslog server writes before them differs.
	lineMark = "audit-checkpoint "
)

// syslogLine is what a line of a syslog file begins with: a priority, or the
// date in one of the two usual forms. Those about other matters are passed over.
var syslogLine = regexp.MustCompile(`^(<[0-9]{1,3}>|[0-9]{4}-[0-9]{2}-[0-9]{2}T|[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:)`)

// String returns "<size> <root in base64>", the form for reports on paper.
func (c Checkpoint) String() string {
	return strconv.FormatInt(c.Size, 10) + " " + base64.StdEncoding.EncodeToString(c.Root[:])
}

// Line returns the signed checkpoint as one line of printable ASCII, the form for
// syslog: "audit-checkpoint <origin> <size> <root> <signature>". ParseAnchors
// reads it wherever it stands in a line.
func (c Checkpoint) Line() string {
	s := c.Signed()
	return lineMark + s.Origin + " " + strconv.FormatInt(s.Size, 10) + " " + s.Root + " " + s.Sig
}

// ParseAnchors reads checkpoints that were kept outside the log, in any mixture:
// signed notes, each followed by an empty line or the end; lines of a syslog
// file with the words of Checkpoint.Line, among lines of other programs; single
// lines of "<size> <root in base64>" as printed. Lines that begin with # are
// skipped. At most 64 MiB. A note must be signed by a key of keys; a printed
// line is trusted because of where it was kept. What is there twice is returned
// once. The error wraps ErrCheckpoint.
//
// A line with the words of Checkpoint.Line that is not signed, or cut, is no
// anchor and no error: whoever can send mail or a datagram can have such a line
// written into a syslog file. They are counted in unsigned, for the auditor to see.
func ParseAnchors(b []byte, keys Keys) (list []Checkpoint, unsigned int, err error) {
	if len(b) > maxAnchors {
		return nil, 0, fmt.Errorf("%w: anchors longer than %d bytes", ErrCheckpoint, maxAnchors)
	}
	seen := map[string]bool{}
	for n := 1; len(b) > 0; {
		c, size, err := nextAnchor(b, keys)
		switch {
		case errors.Is(err, errUnsigned):
			unsigned++
		case err != nil:
			return nil, 0, fmt.Errorf("anchors, line %d: %w", n, err)
		}
		n += bytes.Count(b[:size], []byte("\n"))
		b = b[size:]
		if key := c.text(); c.Origin != "" && !seen[key] {
			seen[key] = true
			list = append(list, c)
		}
	}
	return list, unsigned, nil
}

// errUnsigned is about a line that anybody may have written.
var errUnsigned = errors.New("audit: a line that the log's key did not sign")

// nextAnchor reads what b begins with and returns how long it is. Without an
// origin it is no anchor: an empty line, a remark, a line of another program.
func nextAnchor(b []byte, keys Keys) (Checkpoint, int, error) {
	line, _, found := bytes.Cut(b, []byte("\n"))
	size := len(line)
	if found {
		size++
	}
	text := string(bytes.TrimSpace(line))
	switch {
	case text == "" || text[0] == '#':
		return Checkpoint{}, size, nil
	case strings.HasPrefix(text, keyPrefix):
		end := historyEnd(b)
		if end == 0 { // the last note of a file needs no empty line after it
			end = len(b)
		}
		c, err := OpenCheckpoint(append(bytes.TrimRight(b[:end], "\n"), '\n'), keys)
		return c, end, err
	case strings.Contains(text, lineMark+keys.Origin()+" "):
		c, err := parseLine(text, keys)
		if err != nil {
			return Checkpoint{}, size, fmt.Errorf("%w: %w", errUnsigned, err)
		}
		return c, size, nil
	case syslogLine.MatchString(text):
		return Checkpoint{}, size, nil
	}
	c, err := parsePrinted(text, keys.Origin())
	return c, size, err
}

// parseLine reads the words of Checkpoint.Line from a line of text.
func parseLine(text string, keys Keys) (Checkpoint, error) {
	_, words, _ := strings.Cut(text, lineMark+keys.Origin()+" ")
	w := strings.Fields(words)
	if len(w) < 3 {
		return Checkpoint{}, fmt.Errorf("%w: the line is not whole", ErrCheckpoint)
	}
	size, err := strconv.ParseInt(w[0], 10, 64)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: size is not a decimal number", ErrCheckpoint)
	}
	return Signed{Origin: keys.Origin(), Size: size, Root: w[1], Sig: w[2]}.Open(keys)
}

// parsePrinted reads "<size> <root>".
func parsePrinted(line, origin string) (Checkpoint, error) {
	size, root, ok := strings.Cut(line, " ")
	if !ok {
		return Checkpoint{}, fmt.Errorf("%w: neither a note nor a line with size and root", ErrCheckpoint)
	}
	return parseTreeHead(origin + "\n" + size + "\n" + strings.TrimSpace(root) + "\n")
}
