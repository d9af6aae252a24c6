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
func send(b *testing.B, address string, set setting, pause time.Duration) sent {
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

// sink is the mail server behind all systems. It keeps nothing but the time at
// which each Message-ID came.
type sink struct {
	address string
	mu      sync.Mutex
	came    map[string][]time.Time
	more    *sync.Cond
}

func newSink(b *testing.B) *sink {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	s := &sink{address: l.Addr().String(), came: map[string][]time.Time{}}
	s.more = sync.NewCond(&s.mu)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

// serve speaks enough SMTP for well-behaved relays.
func (s *sink) serve(conn net.Conn) {
	defer conn.Close()
	r, w := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriter(conn)
	answer := func(text string) {
		_, _ = w.WriteString(text + "\r\n")
		if r.Buffered() == 0 {
			_ = w.Flush() // an error shows at the next read
		}
	}
	answer("220 sink ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(line[:min(4, len(line))]); verb {
		case "EHLO":
			answer("250-sink\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n250-8BITMIME\r\n250 SMTPUTF8")
		case "DATA":
			answer("354 go on")
			_ = w.Flush()
			id, err := readMail(r)
			if err != nil {
				return
			}
			s.note(id)
			answer("250 taken")
		case "QUIT":
			answer("221 bye")
			return
		default:
			answer("250 ok")
		}
	}
}

// readMail reads to the final dot and returns the Message-ID.
func readMail(r *bufio.Reader) (string, error) {
	id, whole := "", true // whole: the line began in this piece
	for {
		piece, err := r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return "", err
		}
		if whole && bytes.Equal(piece, []byte(".\r\n")) {
			return id, nil
		}
		if whole && id == "" && len(piece) > 12 && bytes.EqualFold(piece[:12], []byte("Message-ID: ")) {
			id = string(bytes.TrimSpace(piece[12:]))
		}
		whole = err == nil
	}
}

func (s *sink) note(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.came[id] = append(s.came[id], time.Now())
	s.more.Broadcast()
}

// await waits until all mails have come and returns how long each took. A mail
// that does not come within five minutes, or comes twice, ends the benchmark.
func (s *sink) await(b *testing.B, ids map[string]time.Time) []time.Duration {
	b.Helper()
	late := false
	timer := time.AfterFunc(5*time.Minute, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.more.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	var took []time.Duration
	for id, begin := range ids {
		for len(s.came[id]) == 0 && !late {
			s.more.Wait()
		}
		if len(s.came[id]) != 1 {
			b.Fatalf("%s came %d times", id, len(s.came[id]))
		}
		took = append(took, s.came[id][0].Sub(begin))
	}
	return took
}
