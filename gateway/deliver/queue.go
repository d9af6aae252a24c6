package deliver

import (
	"fmt"
	"strings"
)

// maxGroup bounds in bytes the commands that are sent before their answers are
// read. Peers that wait for us to read while we wait for them to read would
// wait forever; a group of this size fits into any window (RFC 2920 §3.1).
const maxGroup = 4096

// queue is a row of commands and the replies to them, in order. To a peer that
// offers PIPELINING several are sent in one write; to others one at a time.
// Either way reply gives the replies one by one, so that whoever reads them
// need not know which of the two happened, except for drain.
// spec: rfc2920#3.1
type queue struct {
	client *client
	lines  []string
	sent   int // of lines
	heard  int // replies to lines
}

func (c *client) queue(lines ...string) *queue { return &queue{client: c, lines: lines} }

// reply returns the reply to the next command, which it sends if it was not
// yet. It must not be called more often than there are commands.
func (q *queue) reply() (reply, error) {
	verb := verbIn(q.lines[q.heard])
	if q.heard == q.sent {
		n := q.group()
		if err := q.client.say(q.client.times.command, q.lines[q.sent:q.sent+n]...); err != nil {
			return reply{}, err
		}
		q.sent += n
	}
	if err := q.client.until(q.client.times.command); err != nil {
		return reply{}, err
	}
	r, err := readReply(q.client.r)
	if err != nil {
		return reply{}, fmt.Errorf("%s: %w", verb, err)
	}
	q.heard++
	return r, nil
}

// group returns how many of the waiting commands go out together.
func (q *queue) group() int {
	if !q.client.offers("PIPELINING") {
		return 1
	}
	size := 0
	for n, l := range q.lines[q.sent:] {
		if size += len(l) + len("\r\n"); size > maxGroup && n > 0 {
			return n
		}
	}
	return len(q.lines) - q.sent
}

// drain reads the replies to commands that were sent ahead and are of no more
// use, because an earlier one was refused. It reports whether the peer awaits
// another command then: not after 421, and not when it goes on with DATA for
// nobody, which RFC 2920 §3.1 would end with a lone dot. We write no dot that
// is not the end of a sealed mail, and close the connection instead.
// spec: rfc2920#3.1
func (q *queue) drain() (bool, error) {
	for q.heard < q.sent {
		r, err := q.reply()
		if err != nil {
			return false, err
		}
		if r.closing() || r.goOn() {
			return false, nil
		}
	}
	return true, nil
}

func verbIn(line string) string {
	verb, _, _ := strings.Cut(line, " ")
	return verb
}

// notOneLine returns the verb of the first command that somebody could take for
// more or less than one.
func notOneLine(lines []string) (string, bool) {
	for _, l := range lines {
		if strings.ContainsAny(l, "\r\n\x00") {
			return verbIn(l), true
		}
	}
	return "", false
}
