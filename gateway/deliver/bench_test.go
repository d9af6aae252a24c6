package deliver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"sekisho/gateway"
	"sekisho/sanitize/seal"
)

// owner is a tenure without a ledger.
type owner struct{}

func (owner) renew(context.Context) error { return nil }
func (owner) hold(context.Context) error  { return nil }

// sealed returns a verified mail as flow makes it, held in memory.
func sealed(t testing.TB, from string, to []string, body string) seal.Verified {
	t.Helper()
	key, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p, err := seal.Sign(key, seal.Claims{Delivery: "d", From: from, To: to, Route: gateway.RouteName, NotAfter: time.Now().Add(time.Hour)},
		seal.Linted(sha256.Sum256([]byte(body)), int64(len(body))))
	if err != nil {
		t.Fatal(err)
	}
	v, err := seal.Open(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }, p, key.Public(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sink is a next hop that takes everything and forgets it, with as little work
// as possible, so that clients are measured and not it. Answers to pipelined
// commands travel together.
func sink(t testing.TB, ext string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go swallow(c, ext)
		}
	}()
	return l
}

func swallow(c net.Conn, ext string) {
	defer c.Close()
	r, w := bufio.NewReaderSize(c, 64<<10), bufio.NewWriter(c)
	answer := map[string]string{"EHLO": "250-sink\r\n250 " + ext + "\r\n", "DATA": "354 go on\r\n", "QUIT": "221 bye\r\n"}
	w.WriteString("220 sink\r\n")
	for {
		if r.Buffered() == 0 && w.Flush() != nil {
			return
		}
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		verb := string(line[:4])
		a, ok := answer[verb]
		if !ok {
			a = "250 ok\r\n"
		}
		w.WriteString(a)
		if verb != "DATA" {
			continue
		}
		w.Flush()
		for !bytes.Equal(line, []byte(".\r\n")) {
			if line, err = r.ReadSlice('\n'); err != nil {
				return
			}
		}
		w.WriteString("250 queued\r\n")
	}
}

// mailOf returns a mail of so many bytes in lines of base64's length.
func mailOf(size int) string {
	return "Subject: bench\r\n\r\n" + strings.Repeat(strings.Repeat("x", 76)+"\r\n", size/78)
}

// BenchmarkClient sends mails over one connection, to one recipient and to
// ten, by our client with and without PIPELINING and by go-smtp's. Each sends
// the same sealed body and checks it as it goes. go-smtp's is spared the RSET
// that ours says before each mail; it would say EHLO again after it. CPU is
// that of client and sink together.
func BenchmarkClient(b *testing.B) {
	for _, size := range []int{2 << 10, 20 << 10, 1 << 20} {
		for _, n := range []int{1, 10} {
			var to []string
			for i := range n {
				to = append(to, fmt.Sprintf("user%d@town.example.lg.jp", i))
			}
			v := sealed(b, "a@example.com", to, mailOf(size))
			name := fmt.Sprintf("%dKB/to%d/", size>>10, n)
			b.Run(name+"ours", func(b *testing.B) { benchOurs(b, v, "SIZE 99999999") })
			b.Run(name+"ours-pipelining", func(b *testing.B) { benchOurs(b, v, "PIPELINING") })
			b.Run(name+"go-smtp", func(b *testing.B) { benchPeer(b, v) })
		}
	}
}

func benchOurs(b *testing.B, v seal.Verified, ext string) {
	l := sink(b, ext)
	c := &connection{hop: Hop{Address: l.Addr().String(), Hello: "gw", TLS: TLSNone, Dial: new(net.Dialer).DialContext},
		times: defaultTimes(), reuse: 1 << 30, clock: time.Now, size: func(int64) {}}
	defer c.close()
	measure(b, v.Size, func() {
		a := c.send(b.Context(), parcel{v, v.To, owner{}})
		if a.err != nil || a.answers[v.To[0]].code != 250 {
			b.Fatalf("%+v", a)
		}
	})
}

func benchPeer(b *testing.B, v seal.Verified) {
	conn, err := net.Dial("tcp", sink(b, "SIZE 99999999").Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	c := smtp.NewClient(conn)
	defer c.Close()
	if err := c.Hello("gw"); err != nil {
		b.Fatal(err)
	}
	measure(b, v.Size, func() {
		if err := peerSend(c, v.From, v.To, v.Body); err != nil {
			b.Fatal(err)
		}
	})
}

// peerSend sends a mail by go-smtp's client, to all recipients or not at all.
func peerSend(c *smtp.Client, from string, to []string, open func() (io.ReadCloser, error)) error {
	if err := c.Mail(from, nil); err != nil {
		return err
	}
	for _, a := range to {
		if err := c.Rcpt(a, nil); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	body, err := open()
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(w, body); err != nil {
		return err
	}
	return w.Close()
}

// measure reports mails a second and CPU time a mail.
func measure(b *testing.B, size int64, send func()) {
	send() // connects
	b.SetBytes(size)
	runtime.GC()
	before := cpu(b)
	for b.Loop() {
		send()
	}
	used := cpu(b) - before
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-µs/mail")
}

// cpu is the processor time that this process used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
