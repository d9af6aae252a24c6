package intake_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/gateway/intake"
)

func TestTable(t *testing.T) {
	table, err := intake.NewTable([]string{"Soumu@Town.example.jp", "@all.example.jp", "a+b@town.example.jp", "総務@例.jp"}, "+")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := intake.NewTable([]string{"soumu@town.example.jp"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		table   *intake.Table
		address string
		want    intake.Verdict
	}{
		{table, "soumu@town.example.jp", intake.Accept},
		{table, "SOUMU@TOWN.EXAMPLE.JP", intake.Accept},
		{table, "soumu+x@town.example.jp", intake.Accept},
		{table, "soumu+x+y@town.example.jp", intake.Accept},
		{table, "a+b@town.example.jp", intake.Accept},
		{table, "a@town.example.jp", intake.Unknown},
		{table, "a+c@town.example.jp", intake.Unknown},
		{table, "+soumu@town.example.jp", intake.Unknown},
		{table, "soumu@all.example.jp", intake.Accept},
		{table, "soumu@sub.all.example.jp", intake.Unknown},
		{table, "soumu@town.example.jp.evil.example", intake.Unknown},
		{table, "soumu@eviltown.example.jp", intake.Unknown},
		{table, "postmaster@town.example.jp", intake.Accept},
		{table, "Postmaster@例.jp", intake.Accept},
		{table, "postmaster@elsewhere.example", intake.Unknown},
		{table, "総務@例.jp", intake.Accept},
		{table, "soumu", intake.Unknown},
		{table, "@all.example.jp", intake.Unknown},
		{table, "", intake.Unknown},
		{plain, "soumu+x@town.example.jp", intake.Unknown},
		{&intake.Table{}, "soumu@town.example.jp", intake.Unknown},
	} {
		if got := c.table.Check(t.Context(), c.address); got != c.want {
			t.Errorf("%q: %v, want %v", c.address, got, c.want)
		}
	}
	for _, bad := range []string{"", "@", "soumu", "a@b@c", "a b@c.test", "@-x.test", "@", "<a@b.test>", "*@b.test.", "@@b.test"} {
		if _, err := intake.NewTable([]string{bad}, ""); !errors.Is(err, intake.ErrConfig) {
			t.Errorf("entry %q: %v", bad, err)
		}
	}
}

type fixed intake.Verdict

func (f fixed) Check(context.Context, string) intake.Verdict { return intake.Verdict(f) }

func TestChain(t *testing.T) {
	yes, no, later := fixed(intake.Accept), fixed(intake.Unknown), fixed(intake.TryLater)
	for _, c := range []struct {
		chain intake.Chain
		want  intake.Verdict
	}{
		{nil, intake.Unknown}, {intake.Chain{no, no}, intake.Unknown}, {intake.Chain{later, no}, intake.TryLater},
		{intake.Chain{no, later, yes}, intake.Accept}, {intake.Chain{yes, later}, intake.Accept},
	} {
		if got := c.chain.Check(t.Context(), "a@b.test"); got != c.want {
			t.Errorf("%v: %v", c.chain, got)
		}
	}
}

// TestTryLater is the answer for a recipient that cannot be checked.
func TestTryLater(t *testing.T) {
	r := start(t, openStores(t), func(c *intake.Config) { c.Recipients = fixed(intake.TryLater) })
	d := r.dial(t)
	d.want("220")
	d.run("> EHLO c\n< 250\n> MAIL FROM:<a@b.test>\n< 250\n> RCPT TO:<soumu@town.example.jp>\n< 451 4.3.0\n> DATA\n< 503")
}

// hop is a next hop that answers as told and writes down what it is asked.
type hop struct {
	mu     sync.Mutex
	dials  int
	rcpts  []string
	answer string // to RCPT
	mail   string // to MAIL
	ext    string
	down   error
}

func (h *hop) dial(context.Context) (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dials++
	if h.down != nil {
		return nil, h.down
	}
	here, there := net.Pipe()
	go h.serve(there)
	return here, nil
}

func (h *hop) serve(c net.Conn) {
	defer c.Close()
	d := bufio.NewReader(c)
	io.WriteString(c, "220 hop\r\n")
	for {
		line, err := d.ReadString('\n')
		if err != nil {
			return
		}
		h.mu.Lock()
		reply := "250 ok"
		switch verb := strings.ToUpper(line[:4]); verb {
		case "EHLO":
			reply = "250-hop\r\n250 " + h.ext
		case "MAIL":
			reply = h.mail
		case "RCPT":
			h.rcpts = append(h.rcpts, strings.TrimSpace(line))
			reply = h.answer
		case "QUIT":
			reply = "221 bye"
		}
		h.mu.Unlock()
		fmt.Fprintf(c, "%s\r\n", reply)
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, mail, rcpt, ext string
		address               string
		down                  error
		want                  intake.Verdict
		asked                 int
		lasts                 time.Duration
	}{
		{name: "yes", rcpt: "250 ok", want: intake.Accept, asked: 1, lasts: time.Hour},
		{name: "no", rcpt: "550 5.1.1 no", want: intake.Unknown, asked: 1, lasts: 10 * time.Minute},
		{name: "later", rcpt: "451 later", want: intake.TryLater, asked: 1, lasts: 30 * time.Second},
		{name: "greylisted", rcpt: "450 4.2.0 later", want: intake.TryLater, asked: 1, lasts: 30 * time.Second},
		{name: "about us", rcpt: "554 5.7.1 you are blocked", want: intake.TryLater, asked: 1, lasts: 30 * time.Second},
		{name: "MAIL refused", mail: "550 no", rcpt: "250 ok", want: intake.TryLater, lasts: 30 * time.Second},
		{name: "down", down: errBroken, want: intake.TryLater, lasts: 30 * time.Second},
		{name: "not ours", address: "x@elsewhere.example", rcpt: "250 ok", want: intake.Unknown},
		{name: "injected", address: "x@e.test>\r\nDATA\r\n@town.example.jp", rcpt: "250 ok", want: intake.Unknown},
		{name: "postmaster", address: "postmaster@town.example.jp", want: intake.Accept},
		{name: "no SMTPUTF8", address: "総務@town.example.jp", rcpt: "250 ok", want: intake.Unknown, lasts: 10 * time.Minute},
		{name: "SMTPUTF8", address: "総務@town.example.jp", ext: "SMTPUTF8", rcpt: "250 ok", want: intake.Accept, asked: 1, lasts: time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &hop{answer: c.rcpt, mail: c.mail, ext: c.ext, down: c.down}
			if h.mail == "" {
				h.mail = "250 ok"
			}
			if h.ext == "" {
				h.ext = "SIZE"
			}
			now := noon
			p, err := intake.NewProbe(intake.ProbeConfig{Domains: []string{"Town.example.jp"}, Dial: h.dial, Host: "gate",
				Clock: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			address := c.address
			if address == "" {
				address = "soumu@town.example.jp"
			}
			check := func() {
				t.Helper()
				if got := p.Check(t.Context(), address); got != c.want {
					t.Fatalf("%v, want %v", got, c.want)
				}
			}
			check()
			dials := h.dials
			if len(h.rcpts) != c.asked || c.lasts == 0 && dials != 0 {
				t.Errorf("asked %q in %d dials", h.rcpts, dials)
			}
			now = now.Add(c.lasts - 1)
			address = strings.ToUpper(address)
			check()
			if h.dials != dials {
				t.Error("the answer was not remembered")
			}
			now = now.Add(1)
			check()
			if c.lasts > 0 && h.dials != dials+1 {
				t.Error("the answer was remembered too long")
			}
		})
	}
}

// TestProbeTogether has many ask for one address at once: one probe.
func TestProbeTogether(t *testing.T) {
	h := &hop{answer: "250 ok", mail: "250 ok", ext: "SIZE"}
	p, err := intake.NewProbe(intake.ProbeConfig{Domains: []string{"town.example.jp"}, Dial: h.dial, Host: "gate"})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if v := p.Check(t.Context(), "soumu@town.example.jp"); v != intake.Accept {
				t.Errorf("%v", v)
			}
		})
	}
	wg.Wait()
	if h.dials != 1 {
		t.Errorf("%d dials", h.dials)
	}
}

// TestProbeGivesUp ends with its context when the next hop says nothing.
func TestProbeGivesUp(t *testing.T) {
	p, err := intake.NewProbe(intake.ProbeConfig{Domains: []string{"town.example.jp"}, Host: "gate",
		Dial: func(context.Context) (net.Conn, error) { c, _ := net.Pipe(); return c, nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if v := p.Check(ctx, "soumu@town.example.jp"); v != intake.TryLater {
		t.Errorf("%v", v)
	}
}
