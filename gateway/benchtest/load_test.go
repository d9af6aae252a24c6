package benchtest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sent is what became of a run at the load's end.
type sent struct {
	ids     map[string]time.Time // Message-IDs and when their MAIL was sent
	latency []time.Duration      // from MAIL to the reply to the final dot
}

// send sends the mails of a setting over that many sessions, each of which
// waits for every reply (no pipelining, as smtp-source does), and with a pause
// after each mail.
func send(b testing.TB, address string, set setting, pause time.Duration) sent {
	b.Helper()
	body := mails[set.mail]
	run := make([]byte, 8)
	if _, err := rand.Read(run); err != nil {
		b.Fatal(err)
	}
	out := sent{ids: map[string]time.Time{}}
	var mu sync.Mutex
	var next atomic.Int64
	var wg sync.WaitGroup
	for range set.sessions {
		wg.Go(func() {
			c, err := dial(address)
			if err != nil {
				b.Error(err)
				return
			}
			defer c.close()
			for {
				n := next.Add(1)
				if n > int64(set.count) {
					return
				}
				id := fmt.Sprintf("<%d.%s@bench.example>", n, hex.EncodeToString(run))
				begin := time.Now()
				if err := c.mail(id, body); err != nil {
					b.Error(err)
					return
				}
				took := time.Since(begin)
				mu.Lock()
				out.ids[id] = begin
				out.latency = append(out.latency, took)
				mu.Unlock()
				time.Sleep(pause) // the load's own pace, not a wait for something
			}
		})
	}
	wg.Wait()
	if len(out.ids) != set.count {
		b.Fatalf("%d of %d mails were taken", len(out.ids), set.count)
	}
	return out
}

// client is one SMTP session.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

func dial(address string) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &client{conn, bufio.NewReader(conn)}
	if err := c.expect("220"); err != nil {
		return nil, err
	}
	return c, c.say("EHLO bench.example", "250")
}

func (c *client) close() {
	_ = c.say("QUIT", "221")
	_ = c.conn.Close()
}

func (c *client) say(line, code string) error {
	if _, err := c.conn.Write([]byte(line + "\r\n")); err != nil {
		return err
	}
	return c.expect(code)
}

func (c *client) expect(code string) error {
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return fmt.Errorf("wait for %s: %w", code, err)
		}
		if !strings.HasPrefix(line, code) {
			return fmt.Errorf("%q instead of %s", line, code)
		}
		if len(line) > 3 && line[3] == ' ' {
			return nil
		}
	}
}

func (c *client) mail(id string, body []byte) error {
	for _, step := range [][2]string{{"MAIL FROM:<sender@bench.example>", "250"}, {"RCPT TO:<clerk@town.example.lg.jp>", "250"}, {"DATA", "354"}} {
		if err := c.say(step[0], step[1]); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	text.WriteString("Message-ID: " + id + "\r\n")
	text.Write(body)
	text.WriteString(".\r\n")
	if _, err := c.conn.Write(text.Bytes()); err != nil {
		return err
	}
	return c.expect("250")
}
