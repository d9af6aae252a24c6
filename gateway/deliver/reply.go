package deliver

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"sekisho/gateway"
)

// Limits of one reply. RFC 5321 §4.5.3.1.5 asks for lines of 512 bytes.
const (
	maxReplyLine  = 2048 // bytes
	maxReplyLines = 128
)

// errDialogue means that the peer does not speak SMTP as expected. The
// connection is of no further use, and nothing may be concluded.
var errDialogue = errors.New("the next hop broke the SMTP dialogue")

// reply is an SMTP reply (RFC 5321 §4.2): three digits and its lines, joined
// by \n. Its text is the peer's and not cleaned.
type reply struct {
	code int
	text string
}

// The first digit decides (RFC 5321 §4.2.1).
func (r reply) done() bool      { return r.code >= 200 && r.code < 300 }
func (r reply) goOn() bool      { return r.code >= 300 && r.code < 400 }
func (r reply) transient() bool { return r.code >= 400 && r.code < 500 }
func (r reply) permanent() bool { return r.code >= 500 }

// closing tells that the peer ends the connection after this reply (§3.8).
func (r reply) closing() bool { return r.code == 421 }

func (r reply) state() gateway.RecipientState {
	switch {
	case r.done():
		return gateway.Taken
	case r.permanent():
		return gateway.Refused
	}
	return gateway.Pending
}

// said is a reply that ends an attempt: what it answered, and that it was not
// a consent.
type said struct {
	verb string
	reply
}

func (s said) Error() string {
	return fmt.Sprintf("the next hop answered %s with %d %s", s.verb, s.code, s.text)
}

// readReply reads one reply. r's buffer must hold maxReplyLine bytes; longer
// lines, too many lines, changing codes and codes outside of 200–599 are
// errDialogue.
// spec: rfc5321#4.2
func readReply(r *bufio.Reader) (reply, error) {
	var all reply
	for n := range maxReplyLines {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || len(line) > maxReplyLine {
			return reply{}, fmt.Errorf("%w: a reply line is too long", errDialogue)
		}
		if err != nil {
			return reply{}, fmt.Errorf("read reply: %w", err)
		}
		code, text, last, ok := replyLine(strings.TrimRight(string(line), "\r\n"))
		if !ok || n > 0 && code != all.code {
			return reply{}, fmt.Errorf("%w: not a reply: %.60q", errDialogue, line)
		}
		if n > 0 {
			text = all.text + "\n" + text
		}
		all = reply{code, text}
		if last {
			return all, nil
		}
	}
	return reply{}, fmt.Errorf("%w: a reply of too many lines", errDialogue)
}

// replyLine reads "250-text", "250 text" or "250".
func replyLine(l string) (code int, text string, last, ok bool) {
	if len(l) < 3 {
		return 0, "", false, false
	}
	for _, c := range []byte(l[:3]) {
		if c < '0' || c > '9' {
			return 0, "", false, false
		}
		code = code*10 + int(c-'0')
	}
	if code < 200 || code > 599 {
		return 0, "", false, false
	}
	if len(l) == 3 {
		return code, "", true, true
	}
	return code, l[4:], l[3] == ' ', l[3] == ' ' || l[3] == '-'
}
