package audit

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrCheckpoint is wrapped by errors about a checkpoint that is malformed or
// not signed by a known key.
var ErrCheckpoint = errors.New("audit checkpoint")

const (
	// maxNote is the most bytes a signed checkpoint may have.
	maxNote = 4096
	// sigMark begins each signature line of a signed note: em dash and space.
	sigMark = "\u2014 "
)

// Checkpoint states that a log had Size records and that Root is the hash of
// the RFC 6962 tree over them.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
	Note   []byte // the signed note it was read from; nil for an unsigned anchor
}

// text returns the body of the note: three lines as C2SP tlog-checkpoint says.
// spec: c2sp/tlog-checkpoint#note-text
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// sign returns c with a Note signed by s. Ed25519 is deterministic, so signing
// the same tree twice gives the same bytes.
func (c Checkpoint) sign(s note.Signer) (Checkpoint, error) {
	msg, err := note.Sign(&note.Note{Text: c.text()}, s)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint of size %d: %w", c.Size, err)
	}
	c.Note = msg
	return c, nil
}

// OpenCheckpoint reads a signed checkpoint and checks that a key of keys signed
// it and that its origin is theirs. The error wraps ErrCheckpoint.
// spec: c2sp/signed-note#signatures
func OpenCheckpoint(msg []byte, keys Keys) (Checkpoint, error) {
	if len(msg) > maxNote {
		return Checkpoint{}, fmt.Errorf("%w: longer than %d bytes", ErrCheckpoint, maxNote)
	}
	n, err := note.Open(msg, keys)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: no valid signature of a known key", ErrCheckpoint)
	}
	c, err := parseTreeHead(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, sig := range append(n.Sigs, n.UnverifiedSigs...) {
		// The bits after the last byte are ignored when decoding, but we don't
		// want two files to be the same checkpoint.
		if !isBase64(sig.Base64) {
			return Checkpoint{}, fmt.Errorf("%w: signature not in its one spelling", ErrCheckpoint)
		}
	}
	if c.Origin != keys.Origin() {
		return Checkpoint{}, fmt.Errorf("%w: of another log", ErrCheckpoint)
	}
	c.Note = bytes.Clone(msg)
	return c, nil
}

// parseTreeHead reads the text of a checkpoint. Only the three lines that we
// write are accepted: an extension line would be covered by the signature but
// not by any check here.
func parseTreeHead(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] == "" {
		return Checkpoint{}, fmt.Errorf("%w: not three lines", ErrCheckpoint)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size >= maxSeq || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("%w: size is not a decimal number", ErrCheckpoint)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || root.String() != lines[2] {
		return Checkpoint{}, fmt.Errorf("%w: root is not a hash", ErrCheckpoint)
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

// Signed returns the checkpoint in the form that a record carries. Only the
// first signature is kept, which is the log's own.
func (c Checkpoint) Signed() Signed {
	s := Signed{Origin: c.Origin, Size: c.Size, Root: c.Root.String()}
	_, sigs, _ := strings.Cut(string(c.Note), "\n\n"+sigMark)
	line, _, _ := strings.Cut(sigs, "\n")
	_, s.Sig, _ = strings.Cut(line, " ")
	return s
}

// Open rebuilds the signed note that the record carries and checks it as
// OpenCheckpoint does.
func (s Signed) Open(keys Keys) (Checkpoint, error) {
	msg := fmt.Sprintf("%s\n%d\n%s\n\n%s%s %s\n", s.Origin, s.Size, s.Root, sigMark, s.Origin, s.Sig)
	return OpenCheckpoint([]byte(msg), keys)
}

// historyEnd returns the length of the first entry of a checkpoint history: a
// signed note and an empty line. It is 0 when b does not begin with a whole
// entry.
func historyEnd(b []byte) int {
	if len(b) > maxNote+1 {
		b = b[:maxNote+1]
	}
	body := bytes.Index(b, []byte("\n\n"))
	if body < 0 {
		return 0
	}
	sigs := bytes.Index(b[body+2:], []byte("\n\n"))
	if sigs < 0 {
		return 0
	}
	return body + 2 + sigs + 2
}
