package faulttest

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"regexp"
	"strings"
	"sync"
	"time"
)

// letters are the mails of a story: one that is rebuilt, one with a part that
// is held, and one that is held as a whole, of which the recipient is told.
var letters = []string{
	"Subject: plain\nMIME-Version: 1.0\n\n.hello\n",
	"Subject: part\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee the file\n--b\n" +
		"Content-Type: application/octet-stream; name=a.exe\nContent-Transfer-Encoding: base64\n\nTVqQAAMAAAAEAAAA//8AAA==\n--b--\n",
	"Subject: whole\nMIME-Version: 1.0\nContent-Type: message/partial; id=x; number=1; total=2\n\nSubject: in\n\nx\n",
}

// promises are the receipt numbers of the mails that were answered with 250.
type promises struct {
	mu   sync.Mutex
	made map[string]bool
}

func (p *promises) add(receipt string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made == nil {
		p.made = map[string]bool{}
	}
	p.made[receipt] = true
}

func (p *promises) all() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.made)
}

var receiptIn = regexp.MustCompile(`M-\d{6}-\d{5}`)

// send sends one mail over a connection of its own and returns the last reply.
func (w *world) send(p *promises, n int, letter string) string {
	w.t.Helper()
	c, err := net.Dial("tcp", w.address)
	check(w.t, err)
	defer c.Close()
	check(w.t, c.SetDeadline(time.Now().Add(time.Minute)))
	r := bufio.NewReader(c)
	mail := fmt.Sprintf("From: a@example.com\nTo: k%d@%s\nMessage-ID: <m%d@example.com>\n%s", n, domain, n, letter)
	mail = strings.ReplaceAll(strings.ReplaceAll(mail, "\n", "\r\n"), "\r\n.", "\r\n..") + ".\r\n"
	answer := reply(r)
	for _, say := range []string{"EHLO c.example.com\r\n", "MAIL FROM:<a@example.com>\r\n", fmt.Sprintf("RCPT TO:<k%d@%s>\r\n", n, domain), "DATA\r\n", mail} {
		if answer[0] != '2' && answer[0] != '3' {
			return answer
		}
		io.WriteString(c, say) // an error shows in the answer
		answer = reply(r)
	}
	if strings.HasPrefix(answer, "250") {
		p.add(receiptIn.FindString(answer))
	}
	io.WriteString(c, "QUIT\r\n")
	reply(r)
	return answer
}

// reply reads one reply and returns its last line; "eof" when there is none.
func reply(r *bufio.Reader) string {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "eof"
		}
		if len(line) > 3 && line[3] == ' ' {
			return strings.TrimSpace(line)
		}
	}
}

// life sends each letter until it is taken, at most three times, and does all
// that follows. It returns the replies that were not 250.
func (w *world) life(p *promises, letters ...string) []string {
	w.t.Helper()
	var refused []string
	for n, letter := range letters {
		for range 3 {
			answer := w.send(p, n, letter)
			if strings.HasPrefix(answer, "250") {
				break
			}
			refused = append(refused, answer)
		}
	}
	w.work()
	if err := w.tick(); err != nil {
		fmt.Fprintf(w, "tick: %v\n", err)
	}
	return refused
}
