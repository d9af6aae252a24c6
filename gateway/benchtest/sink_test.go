package benchtest

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sink is the mail server behind all systems. It keeps nothing but the time at
// which each Message-ID came, and whole mails while it is told to.
type sink struct {
	address string
	keeping atomic.Bool
	mu      sync.Mutex
	came    map[string][]time.Time
	kept    map[string][]byte
	more    *sync.Cond
}

func newSink(b testing.TB) *sink {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	s := &sink{address: l.Addr().String(), came: map[string][]time.Time{}, kept: map[string][]byte{}}
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
			var whole *bytes.Buffer
			if s.keeping.Load() {
				whole = &bytes.Buffer{}
			}
			id, err := readMail(r, whole)
			if err != nil {
				return
			}
			s.note(id, whole)
			answer("250 taken")
		case "QUIT":
			answer("221 bye")
			return
		default:
			answer("250 ok")
		}
	}
}

// readMail reads to the final dot and returns the first Message-ID; keep, if
// any, gets the lines as they came.
func readMail(r *bufio.Reader, keep *bytes.Buffer) (string, error) {
	id, whole := "", true // whole: the line began in this piece
	for {
		piece, err := r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return "", err
		}
		if whole && bytes.Equal(piece, []byte(".\r\n")) {
			return id, nil
		}
		if keep != nil {
			keep.Write(piece)
		}
		if whole && id == "" && len(piece) > 12 && bytes.EqualFold(piece[:12], []byte("Message-ID: ")) {
			id = string(bytes.TrimSpace(piece[12:]))
		}
		whole = err == nil
	}
}

func (s *sink) note(id string, whole *bytes.Buffer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.came[id] = append(s.came[id], time.Now())
	if whole != nil {
		s.kept[id] = whole.Bytes()
	}
	s.more.Broadcast()
}

// await waits until all mails have come and returns how long each took, in no
// order. A mail that has not come within the limit, or came twice, is an error.
func (s *sink) await(ids map[string]time.Time, limit time.Duration) ([]time.Duration, error) {
	late := false
	timer := time.AfterFunc(limit, func() {
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
			return nil, fmt.Errorf("%s came %d times", id, len(s.came[id]))
		}
		took = append(took, s.came[id][0].Sub(begin))
	}
	return took, nil
}

// doubled names a mail of ours that has come more than once, however late.
func (s *sink) doubled() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, times := range s.came {
		if len(times) > 1 && strings.HasSuffix(id, "@bench.example>") {
			return id
		}
	}
	return ""
}

func TestReadMail(t *testing.T) {
	long := strings.Repeat("x", 64)
	for _, c := range []struct{ name, mail, id, rest string }{
		{"plain", "Message-ID: <1@x>\r\n\r\nhello\r\n.\r\n", "<1@x>", ""},
		{"the first of two", "message-id: <1@x>\r\nMessage-ID: <2@x>\r\n\r\n.\r\n", "<1@x>", ""},
		{"a stuffed dot is no end", "Message-ID: <1@x>\r\n\r\n..\r\n.\r\nQUIT\r\n", "<1@x>", "QUIT\r\n"},
		{"a bare dot is no end", "Message-ID: <1@x>\r\n\r\n.\n.\r\n", "<1@x>", ""},
		{"a line longer than the buffer that ends in a dot", "Message-ID: <1@x>\r\n\r\n" + long + ".\r\nnext\r\n.\r\n", "<1@x>", ""},
		{"none", "\r\nhello\r\n.\r\n", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for size := 16; size < 80; size++ { // each place at which a buffer may be full
				r := bufio.NewReaderSize(strings.NewReader(c.mail), size)
				var keep bytes.Buffer
				id, err := readMail(r, &keep)
				if err != nil {
					t.Fatal(err)
				}
				rest, _ := r.ReadString(0)
				if id != c.id && size > len("Message-ID: <1@x>\r\n") || rest != c.rest || keep.String()+".\r\n"+rest != c.mail {
					t.Errorf("buffer of %d: id %q, rest %q, kept %q", size, id, rest, keep.String())
				}
			}
		})
	}
	if _, err := readMail(bufio.NewReader(strings.NewReader("Message-ID: <1@x>\r\n\r\nhel")), nil); err == nil {
		t.Error("half a mail was taken")
	}
}

// The load client and the sink, with nothing between them: none lost, none
// doubled, over more sessions than one, and each loss or double is noticed.
func TestLoadReachesSink(t *testing.T) {
	s := newSink(t)
	for mail := range mails {
		out := send(t, s.address, setting{mail, 3, 10}, 0)
		if took, err := s.await(out.ids, patience); err != nil || len(took) != 10 || len(out.latency) != 10 {
			t.Errorf("%s: %d mails, %d latencies, %v", mail, len(took), len(out.latency), err)
		}
	}
	if id := s.doubled(); id != "" {
		t.Errorf("%s came twice", id)
	}
	lost := map[string]time.Time{"<never@bench.example>": time.Now()}
	if _, err := s.await(lost, time.Millisecond); err == nil {
		t.Error("a lost mail was not noticed")
	}
	s.note("<twice@bench.example>", nil)
	s.note("<twice@bench.example>", nil)
	if _, err := s.await(map[string]time.Time{"<twice@bench.example>": {}}, patience); err == nil || s.doubled() == "" {
		t.Error("a doubled mail was not noticed")
	}
}
