package deliver

import (
	"bufio"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"
)

// nextHop is a scripted SMTP server on loopback. It speaks raw lines, so that
// it sees exactly what was sent and can misbehave at every step.
//
// Steps are "greeting", the verbs, "RCPT <address>", "body" (after the 354) and
// "." (the final dot). A step's replies are used up in order; then, or when
// the reply is "", a well-behaved one is given. "close" closes the connection,
// "stall" says nothing more until the client hangs up.
type nextHop struct {
	t   *testing.T
	l   net.Listener
	tls *tls.Config
	ext []string // lines of EHLO
	wg  sync.WaitGroup

	mu     sync.Mutex
	script map[string][]string
	always map[string]string
	hook   map[string]func()
	said   [][]string // by connection: the lines that the client said
	inTLS  []bool     // by connection
	mails  []taken
	cut    int // bodies that did not end with a dot
	conns  []net.Conn
	open   int
	ended  *sync.Cond // open went down
}

// taken is a mail that ended with a dot.
type taken struct {
	from string // with its parameters
	to   []string
	data string // as sent, dots still doubled
	tls  bool
}

func newHop(t *testing.T, ext ...string) *nextHop {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nextHop{t: t, l: l, ext: ext, script: map[string][]string{}, always: map[string]string{}, hook: map[string]func(){}}
	s.ended = sync.NewCond(&s.mu)
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(s.stop)
	return s
}

func (s *nextHop) stop() {
	s.l.Close()
	s.mu.Lock()
	for _, c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// on scripts the replies of a step.
func (s *nextHop) on(step string, replies ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script[step] = append(s.script[step], replies...)
}

// ever makes a reply the standard of a step.
func (s *nextHop) ever(step, reply string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always[step] = reply
}

// before calls f each time a step is reached, before it is answered.
func (s *nextHop) before(step string, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook[step] = f
}

func (s *nextHop) got() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]taken(nil), s.mails...)
}

// heard returns what each connection was told, joined by blanks: verbs only.
func (s *nextHop) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, lines := range s.said {
		var verbs []string
		for _, l := range lines {
			v, _, _ := strings.Cut(l, " ")
			verbs = append(verbs, v)
		}
		out = append(out, strings.Join(verbs, " "))
	}
	return out
}

// talk is one connection of the server.
type talk struct {
	*nextHop
	n    int // its number
	conn net.Conn
	r    *bufio.Reader
	tls  bool
	mail taken
}

func (s *nextHop) serve(c net.Conn) {
	s.mu.Lock()
	k := &talk{nextHop: s, n: len(s.said), conn: c, r: bufio.NewReader(c)}
	s.said, s.inTLS, s.conns = append(s.said, nil), append(s.inTLS, false), append(s.conns, c)
	s.open++
	s.mu.Unlock()
	k.run()
	c.Close()
	s.mu.Lock()
	s.open--
	s.ended.Broadcast()
	s.mu.Unlock()
}

// answer answers a step and reports whether the connection lives on.
func (k *talk) answer(good string, steps ...string) (string, bool) {
	k.mu.Lock()
	reply := ""
	var hooks []func()
	for _, step := range steps {
		if f := k.hook[step]; f != nil {
			hooks = append(hooks, f)
		}
		if q := k.script[step]; len(q) > 0 {
			reply, k.script[step] = q[0], q[1:]
		}
		if reply == "" {
			reply = k.always[step]
		}
		if reply != "" {
			break
		}
	}
	k.mu.Unlock()
	for _, f := range hooks {
		f()
	}
	if reply == "" {
		reply = good
	}
	switch reply {
	case "":
		return "", true
	case "close":
		k.conn.Close()
		return reply, false
	case "stall":
		for {
			if _, err := k.r.ReadByte(); err != nil {
				return reply, false
			}
		}
	}
	_, err := k.conn.Write([]byte(strings.ReplaceAll(reply, "\n", "\r\n") + "\r\n"))
	return reply, err == nil
}

func (k *talk) run() {
	if _, ok := k.answer("220 hop.example ESMTP", "greeting"); !ok {
		return
	}
	for {
		line, err := k.r.ReadString('\n')
		if err != nil {
			return
		}
		if !strings.HasSuffix(line, "\r\n") || strings.Count(line, "\r") != 1 {
			k.t.Errorf("a command line %q", line)
		}
		line = strings.TrimSuffix(line, "\r\n")
		k.mu.Lock()
		k.said[k.n] = append(k.said[k.n], line)
		k.mu.Unlock()
		if !k.verb(line) {
			return
		}
	}
}

func (k *talk) verb(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "EHLO":
		ext := k.ext
		if k.tls {
			ext = strings.Split(strings.ReplaceAll(strings.Join(ext, "\n"), "STARTTLS", "X-NOTHING"), "\n")
		}
		all := append([]string{"hop.example"}, ext...)
		for i := range all[:len(all)-1] {
			all[i] = "250-" + all[i]
		}
		all[len(all)-1] = "250 " + all[len(all)-1]
		_, ok := k.answer(strings.Join(all, "\n"), verb)
		return ok
	case "STARTTLS":
		return k.startTLS()
	case "MAIL":
		reply, ok := k.answer("250 2.1.0 ok", verb)
		if strings.HasPrefix(reply, "2") {
			k.mail = taken{from: rest}
		}
		return ok
	case "RCPT":
		to := strings.TrimSuffix(strings.TrimPrefix(rest, "TO:<"), ">")
		reply, ok := k.answer("250 2.1.5 ok", "RCPT "+to, verb)
		if strings.HasPrefix(reply, "2") {
			k.mail.to = append(k.mail.to, to)
		}
		return ok
	case "DATA":
		reply, ok := k.answer("354 go on", verb)
		if ok && strings.HasPrefix(reply, "3") {
			return k.data()
		}
		return ok
	case "RSET", "HELO":
		_, ok := k.answer("250 ok", verb)
		return ok
	case "QUIT":
		k.answer("221 bye", verb)
		return false
	}
	_, ok := k.answer("500 what?", verb)
	return ok
}

func (k *talk) startTLS() bool {
	reply, ok := k.answer("220 go", "STARTTLS")
	if !ok || !strings.HasPrefix(reply, "220") {
		return ok
	}
	t := tls.Server(k.conn, k.nextHop.tls)
	if err := t.Handshake(); err != nil {
		return false
	}
	k.conn, k.r, k.tls = t, bufio.NewReader(t), true
	k.mu.Lock()
	k.inTLS[k.n] = true
	k.mu.Unlock()
	return true
}

func (k *talk) data() bool {
	if _, ok := k.answer("", "body"); !ok {
		return false
	}
	var data strings.Builder
	for {
		line, err := k.r.ReadString('\n')
		if err != nil {
			k.mu.Lock()
			k.cut++
			k.mu.Unlock()
			return false
		}
		if line == ".\r\n" {
			break
		}
		data.WriteString(line)
	}
	k.mail.data, k.mail.tls = data.String(), k.tls
	k.mu.Lock()
	k.mails = append(k.mails, k.mail)
	k.mu.Unlock()
	_, ok := k.answer("250 2.0.0 queued", ".")
	return ok
}

// settled waits until the server has seen the end of every connection.
func (s *nextHop) settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.open > 0 {
		s.ended.Wait()
	}
}
