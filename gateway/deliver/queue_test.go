package deliver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// transcript is a server that must read exactly these bytes before it answers
// with those, in pieces; what the client says after the end is kept.
type transcript struct {
	steps []exchange
	piece int
	more  string // said after the end
}

type exchange struct{ read, write string }

func (s *transcript) serve(t *testing.T, c net.Conn) {
	defer c.Close()
	for _, e := range s.steps {
		got := make([]byte, len(e.read))
		if n, err := io.ReadFull(c, got); err != nil {
			t.Errorf("read %q of %q: %v", got[:n], e.read, err)
			return
		}
		if string(got) != e.read {
			t.Errorf("read %q, want %q", got, e.read)
			return
		}
		for out := bytes.NewBufferString(e.write); out.Len() > 0; {
			n := s.piece
			if n == 0 {
				n = out.Len()
			}
			if _, err := c.Write(out.Next(n)); err != nil {
				return // the client has heard enough
			}
		}
	}
	if s.more == "close" {
		return
	}
	rest, _ := io.ReadAll(c)
	s.more = string(rest)
}

const (
	bodyOf   = "Subject: hi\r\n\r\n.dot\r\n"
	bodySaid = "Subject: hi\r\n\r\n..dot\r\n.\r\n"
)

func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

// A group of commands is sent in one write, and its replies are told apart.
func TestPipelining(t *testing.T) {
	greet := []exchange{{"", "220 hop\r\n"}, {"EHLO gw\r\n", crlf("250-hop", "250 PIPELINING")}}
	group := crlf("MAIL FROM:<a@example.com>", "RCPT TO:<"+taro+">", "RCPT TO:<"+jiro+">", "RCPT TO:<"+hana+">", "DATA")
	for name, c := range map[string]struct {
		replies string // to the group, joined by |
		dot     string // reply to the final dot, "" when no body may come
		codes   [3]int // of the recipients, 0 for no answer
		fails   bool   // with an error
		closes  bool   // the client leaves
		hangs   bool   // the server closes after the replies
	}{
		"all taken":              {replies: "250 a|250 b|250 c|251 d|354 go", dot: "250 e", codes: [3]int{250, 250, 250}},
		"one refused":            {replies: "250 a|250 b|550 c|450 d|354 go", dot: "250 e", codes: [3]int{250, 550, 450}},
		"only the last accepted": {replies: "250 a|550 b|550 c|250 d|354 go", dot: "451 e", codes: [3]int{550, 550, 451}},
		"replies of many lines":  {replies: "250-a|250 a|550-b|550-b|550 b|250-|250 c|450 d|354-go|354 on", dot: "250 e", codes: [3]int{550, 250, 450}},
		"too many":               {replies: "250 a|250 b|552 c|452 d|354 go", dot: "250 e", codes: [3]int{250, 452, 452}},

		"nobody, 554":    {replies: "250 a|550 b|551 c|450 d|554 none", codes: [3]int{550, 551, 450}},
		"nobody, 503":    {replies: "250 a|550 b|551 c|450 d|503 none", codes: [3]int{550, 551, 450}},
		"nobody, 354":    {replies: "250 a|550 b|551 c|450 d|354 go", codes: [3]int{550, 551, 450}, closes: true},
		"no DATA now":    {replies: "250 a|250 b|550 c|250 d|451 no", codes: [3]int{451, 550, 451}},
		"no DATA":        {replies: "250 a|250 b|550 c|250 d|554 no", codes: [3]int{554, 550, 554}},
		"DATA, bad time": {replies: "250 a|250 b|550 c|250 d|503 no", codes: [3]int{450, 550, 450}},

		"sender refused":          {replies: "550 a|503 b|503 c|503 d|503 e", codes: [3]int{550, 550, 550}},
		"sender not now":          {replies: "451 a|503 b|503 c|503 d|503 e", codes: [3]int{451, 451, 451}},
		"sender refused, TLS":     {replies: "530 a|530 b|530 c|530 d|530 e", codes: [3]int{450, 450, 450}},
		"sender refused, no else": {replies: "550 a|250 b|250 c|250 d|554 e", codes: [3]int{550, 550, 550}},
		"sender refused, DATA":    {replies: "550 a|503 b|503 c|503 d|354 go", codes: [3]int{550, 550, 550}, closes: true},
		"sender unknown, RCPT":    {replies: "250 a|503 b|503 c|503 d|503 e", codes: [3]int{450, 450, 450}},

		"421 to MAIL":      {replies: "421 a", codes: [3]int{421, 421, 421}, closes: true},
		"421 to RCPT":      {replies: "250 a|550 b|421 c", codes: [3]int{550, 421, 0}, closes: true},
		"421 to DATA":      {replies: "250 a|550 b|250 c|250 d|421 e", codes: [3]int{550, 421, 421}, closes: true},
		"421 while unused": {replies: "451 a|503 b|421 c", codes: [3]int{451, 451, 451}, closes: true},

		"closed at once":        {replies: "", fails: true, closes: true, hangs: true},
		"closed after MAIL":     {replies: "250 a", fails: true, closes: true, hangs: true},
		"closed after RCPT":     {replies: "250 a|550 b", codes: [3]int{550, 0, 0}, fails: true, closes: true, hangs: true},
		"closed in a reply":     {replies: "250 a|550 b|250 c|250-d", codes: [3]int{550, 0, 0}, fails: true, closes: true, hangs: true},
		"closed while unused":   {replies: "550 a|503 b", codes: [3]int{550, 550, 550}, fails: true, closes: true, hangs: true},
		"one reply too many":    {replies: "250 a|550 x|250 b|250 c|250 d|354 go", fails: true, closes: true},
		"354 too early":         {replies: "250 a|550 b|354 go|250 c|250 d", fails: true, closes: true},
		"250 to DATA":           {replies: "250 a|550 b|250 c|250 d|250 go", fails: true, closes: true},
		"no reply in between":   {replies: "250 a|550 b|what?|250 d|354 go", fails: true, closes: true},
		"no sense while unused": {replies: "550 a|what?", fails: true, closes: true},
	} {
		for _, piece := range []int{0, 1, 7} {
			t.Run(fmt.Sprintf("%s/%d", name, piece), func(t *testing.T) {
				write := ""
				if c.replies != "" {
					write = crlf(strings.Split(c.replies, "|")...)
				}
				s := &transcript{steps: append(greet[:2:2], exchange{group, write}), piece: piece}
				if c.dot != "" {
					s.steps = append(s.steps, exchange{bodySaid, c.dot + "\r\n"})
				}
				if c.hangs {
					s.more = "close"
				}
				client, a := s.run(t)
				for i, to := range []string{taro, jiro, hana} {
					if got := a.answers[to].code; got != c.codes[i] {
						t.Errorf("%s has %d, want %d", to, got, c.codes[i])
					}
				}
				if (a.err != nil) != c.fails || (client == nil) != c.closes {
					t.Errorf("error %v; closed: %v", a.err, client == nil)
				}
				if s.more != "" && s.more != "close" {
					t.Errorf("then it said %q", s.more)
				}
			})
		}
	}
}

// lasting takes deadlines also when the peer has closed, as a socket does.
type lasting struct{ net.Conn }

func (l lasting) SetDeadline(t time.Time) error {
	if err := l.Conn.SetDeadline(t); !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	return nil
}

// run sends one mail to three and returns the client that is left.
func (s *transcript) run(t *testing.T) (*client, attempt) {
	us, them := net.Pipe()
	done := make(chan struct{})
	go func() { defer close(done); s.serve(t, them) }()
	k := good("").pipe(t)
	k.client = newClient(lasting{us}, k.times)
	if err := k.client.greet("gw"); err != nil {
		t.Fatal(err)
	}
	v := sealed(t, "a@example.com", []string{taro, jiro, hana}, bodyOf)
	tr := transaction{client: k.client, answers: map[string]reply{}}
	err := tr.run(t.Context(), parcel{v, v.To, owner{}})
	if err != nil || tr.closing {
		k.abort()
	}
	left := k.client
	us.Close()
	<-done
	return left, attempt{tr.answers, err}
}

// A reply that comes during DATA is not taken for the one to the final dot.
func TestRepliesAheadOfTheDot(t *testing.T) {
	s := good("PIPELINING")
	s.data = "354 go on\n250 queued"
	s.dot = "554 no"
	o, a := ours(t, s.pipe(t), sealed(t, "a@example.com", []string{taro}, bodyOf))
	if o[taro] != "waits" || !errors.Is(a.err, errDialogue) || len(s.mails) != 0 {
		t.Errorf("%v, %v, mails %q", o, a.err, s.mails)
	}
}

// However slowly the replies come, none is waited for longer than its time.
func TestSlowReplies(t *testing.T) {
	us, them := net.Pipe()
	defer us.Close()
	defer them.Close()
	d := defaultTimes()
	d.command = 20 * time.Millisecond
	go func() {
		io.WriteString(them, "220 hop\r\n")
		r := bufio.NewReader(them)
		r.ReadString('\n')
		io.WriteString(them, crlf("250-hop", "250 PIPELINING"))
		for range 3 {
			r.ReadString('\n')
		}
		io.WriteString(them, crlf("250 a", "550 b")+"25") // and no more
	}()
	c := newClient(us, d)
	if err := c.greet("gw"); err != nil {
		t.Fatal(err)
	}
	v := sealed(t, "a@example.com", []string{taro, jiro}, bodyOf)
	tr := transaction{client: c, answers: map[string]reply{}}
	err := tr.run(t.Context(), parcel{v, v.To, owner{}})
	var limit net.Error
	if !errors.As(err, &limit) || !limit.Timeout() || tr.answers[taro].code != 550 || tr.answers[jiro].code != 0 {
		t.Errorf("%v, answers %+v", err, tr.answers)
	}
}

// Groups fit into a window, and every recipient is asked for once.
// spec: rfc2920#3.1
func TestGroups(t *testing.T) {
	var to []string
	for i := range 300 {
		to = append(to, fmt.Sprintf("%s%d@town.example.lg.jp", strings.Repeat("u", i%60), i))
	}
	for ext, least := range map[string]int{"PIPELINING": 3, "SIZE 1000000": 302} {
		s := good(ext)
		k := s.pipe(t)
		o, a := ours(t, k, sealed(t, "a@example.com", to, bodyOf))
		k.abort()
		for _, r := range to {
			if o[r] != "taken" {
				t.Fatalf("%s %s: %v", r, o[r], a.err)
			}
		}
		s.mu.Lock()
		groups := s.group[1 : len(s.group)-1] // without EHLO and the body
		for _, n := range groups {
			if n > maxGroup {
				t.Errorf("%s: a group of %d bytes", ext, n)
			}
		}
		if n := len(groups); n < least || ext == "PIPELINING" && n > 10 {
			t.Errorf("%s: %d groups", ext, n)
		}
		if len(s.lines) != 303 || strings.Count(s.mails[0], "RCPT") != 300 {
			t.Errorf("%s: %d commands", ext, len(s.lines))
		}
		s.mu.Unlock()
	}
}

// On a connection that is used again RSET goes with the group; when the peer
// has gone meanwhile, a new connection costs no attempt.
func TestReuseWithPipelining(t *testing.T) {
	const first, next = "EHLO MAIL RCPT DATA", " RSET MAIL RCPT DATA"
	for name, c := range map[string]struct {
		set   func(*script)
		heard [2]string
	}{
		"RSET in the group":   {func(*script) {}, [2]string{first + next, ""}},
		"RSET refused":        {func(s *script) { s.reset = "421 idle too long" }, [2]string{first + " RSET", first}},
		"RSET refused, alive": {func(s *script) { s.reset = "500 what?" }, [2]string{first + next, first}},
		"closed at RSET":      {func(s *script) { s.reset = "close" }, [2]string{first + " RSET", first}},
		"closed after a dot":  {func(s *script) { s.dot = "250 queued\n421 bye" }, [2]string{first, first}},
	} {
		t.Run(name, func(t *testing.T) {
			s, other := good("PIPELINING"), good("PIPELINING")
			c.set(s)
			k := s.pipe(t, other)
			v := sealed(t, "a@example.com", []string{taro}, bodyOf)
			for range 2 {
				if o, a := ours(t, k, v); o[taro] != "taken" {
					t.Fatalf("%v, %v", o, a.err)
				}
			}
			if got := [2]string{s.verbs(), other.verbs()}; got != c.heard {
				t.Errorf("heard %q\n want %q", got, c.heard)
			}
			if n := len(s.mails) + len(other.mails); n != 2 {
				t.Errorf("%d mails", n)
			}
		})
	}
}

// The peer closes at MAIL: before it was answered a new connection is tried,
// but only once, and not after the answer.
func TestGoneBeforeMail(t *testing.T) {
	v := sealed(t, "a@example.com", []string{taro}, bodyOf)
	for _, reply := range []string{"close", "421 mails enough"} {
		s, other := good("PIPELINING"), good("PIPELINING")
		k := s.pipe(t, other)
		if o, a := ours(t, k, v); o[taro] != "taken" {
			t.Fatalf("%v, %v", o, a.err)
		}
		s.mail = reply
		if o, a := ours(t, k, v); o[taro] != "taken" || len(other.mails) != 1 {
			t.Errorf("%s: %v, %v", reply, o, a.err)
		}
		other.mail = reply
		if o, _ := ours(t, k, v); o[taro] != "waits" {
			t.Errorf("%s: %v", reply, o)
		}
	}
}

// A peer that does not forget the last mail gets no other over this connection.
func TestResetIsNotObeyed(t *testing.T) {
	s, other := good("PIPELINING"), good("PIPELINING")
	k := s.pipe(t, other)
	v := sealed(t, "a@example.com", []string{taro}, bodyOf)
	ours(t, k, v)
	s.reset, s.mail = "500 what?", "550 no"
	if o, a := ours(t, k, v); o[taro] != "taken" || len(s.mails) != 1 || len(other.mails) != 1 {
		t.Errorf("%v, %v; mails %q and %q", o, a.err, s.mails, other.mails)
	}
}
