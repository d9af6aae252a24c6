package intake_test

import (
	"bufio"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sent is a mail as a client sees it: what it named and wrote, and was told 250
// for.
type sent struct {
	From string
	To   []string
	Body string
}

// model reads a client's bytes as RFC 5321 and RFC 3030 say, with nothing of the
// server's code, and takes the server's replies one by one, in step. It knows
// after each unit (a command, a mail, a chunk) what may be answered and what
// must be. What two readers could understand differently must end the
// connection, and then the model reads no further.
type model struct {
	t       failer
	in      *bufio.Reader // replies
	rest    string        // bytes of the client, not yet read
	rcpts   map[string]bool
	extra   string // the postmaster
	greeted bool
	open    bool // a mail is under way
	now     sent
	mails   []sent
	over    bool // the connection has ended
	tls     bool // the server waits for a handshake
}

// What MAIL and RCPT may at most look like to be accepted, and what must be
// accepted in the right state.
var (
	mayMail  = regexp.MustCompile(`(?i)^MAIL +FROM: *<([^<>@"\\\x00-\x20\x7f]+@[^<>@"\\\x00-\x20\x7f]+|)>( +(SIZE=\d{1,19}|BODY=(7BIT|8BITMIME)|SMTPUTF8))* *$`)
	mustMail = regexp.MustCompile(`^MAIL FROM:<([a-z]+@[a-z]+\.test|)>( SMTPUTF8)?$`)
	mayRcpt  = regexp.MustCompile(`(?i)^RCPT +TO: *<([^<>@"\\\x00-\x20\x7f]+@[^<>@"\\\x00-\x20\x7f]+|postmaster)> *$`)
	mustRcpt = regexp.MustCompile(`^RCPT TO:<([a-z]+@town\.example\.jp)>$`)
	hello    = regexp.MustCompile(`(?i)^(EHLO|HELO) +[!-~]{1,255} *$`)
	chunk    = regexp.MustCompile(`(?i)^BDAT +(\d{1,18})( +LAST)? *$`)
)

// bare is a line end or an octet that another reader may take for something.
var bare = regexp.MustCompile("\x00|\r[^\n]|(^|[^\r])\n")

// maxMail is the limit of the servers under test.
const maxMail = 1 << 16

// run reads units until the bytes or the connection end.
func (m *model) run() {
	m.t.Helper()
	for !m.over && !m.tls {
		line, rest, whole := strings.Cut(m.rest, "\n")
		if !whole {
			m.ends() // a command that never ends is none
			return
		}
		m.rest = rest
		command, crlf := strings.CutSuffix(line, "\r")
		switch {
		case !crlf || strings.Contains(command, "\r"), len(line) >= 1024:
			m.refused()
			m.ends()
		case strings.IndexFunc(command, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0:
			m.refused()
		default:
			m.command(command)
		}
	}
}

// reply takes the next reply and returns its code; 0 when the connection ended.
func (m *model) reply() (code int, text string) {
	m.t.Helper()
	for {
		line, err := m.in.ReadString('\n')
		if err != nil {
			if line != "" {
				m.t.Fatal("half a reply", line)
			}
			m.over = true
			return 0, ""
		}
		if line = strings.TrimSuffix(line, "\r\n"); !replyLine.MatchString(line) {
			m.t.Fatal("not a reply", strconv.Quote(line))
		}
		if line[3] != ' ' {
			continue
		}
		code, _ = strconv.Atoi(line[:3]) // three digits
		if code == 421 {
			m.ends()
		}
		return code, line[4:]
	}
}

// ends wants nothing more but refusals and the end.
func (m *model) ends() {
	m.t.Helper()
	for !m.over {
		if code, _ := m.reply(); code != 0 && code < 400 {
			m.t.Fatal("an answer of", code, "where the connection ends")
		}
	}
}

// refused wants a refusal, or the end.
func (m *model) refused() int {
	m.t.Helper()
	code, text := m.reply()
	if code != 0 && code < 400 {
		m.t.Fatal("not refused:", code, text, "before", strconv.Quote(m.rest))
	}
	return code
}

// granted takes a reply and reports whether it is the code; it fails when that
// may not be, or must be and is not.
func (m *model) granted(want int, may, must bool, what string) bool {
	m.t.Helper()
	code, text := m.reply()
	yes := code == want
	switch {
	case yes && !may, code != 0 && code < 400 && !yes:
		m.t.Fatal("may not be:", code, text, "to", strconv.Quote(what))
	case !yes && must && code != 421 && code != 0:
		m.t.Fatal("must be accepted:", code, text, "to", strconv.Quote(what))
	}
	return yes
}

func (m *model) command(line string) {
	m.t.Helper()
	verb, arg, _ := strings.Cut(line, " ")
	arg = strings.Trim(arg, " ")
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO":
		ok := hello.MatchString(line)
		if m.granted(250, ok, ok, line) {
			m.greeted, m.open, m.now = true, false, sent{}
		}
	case "MAIL":
		m.mail(line)
	case "RCPT":
		m.rcpt(line)
	case "DATA":
		ready := m.open && len(m.now.To) > 0 && arg == ""
		if m.granted(354, ready, ready, line) {
			m.data()
		}
	case "BDAT":
		m.bdat(line)
	case "RSET":
		if m.granted(250, arg == "", arg == "", line) {
			m.open, m.now = false, sent{}
		}
	case "QUIT":
		if m.granted(221, arg == "", arg == "", line) {
			m.ends()
		}
	case "NOOP":
		m.granted(250, true, true, line)
	case "VRFY":
		m.granted(252, true, true, line)
	case "STARTTLS":
		m.tls = m.granted(220, arg == "", false, line)
	default:
		m.refused()
	}
}

func (m *model) mail(line string) {
	m.t.Helper()
	free := m.greeted && !m.open
	if m.granted(250, free && mayMail.MatchString(line), free && mustMail.MatchString(line), line) {
		m.open, m.now = true, sent{From: mayMail.FindStringSubmatch(line)[1]}
	}
}

func (m *model) rcpt(line string) {
	m.t.Helper()
	to := ""
	if p := mayRcpt.FindStringSubmatch(line); p != nil {
		to = p[1]
	}
	if strings.EqualFold(to, "postmaster") {
		to = m.extra
	}
	known := m.rcpts[strings.ToLower(to)] || to == m.extra && to != ""
	seen := slices.ContainsFunc(m.now.To, func(s string) bool { return strings.EqualFold(s, to) })
	if m.granted(250, m.open && known, m.open && known && mustRcpt.MatchString(line) && (seen || len(m.now.To) < 100), line) && !seen {
		m.now.To = append(m.now.To, to)
	}
}

// data reads a mail after 354: lines end in CRLF, a dot before a line goes away,
// a lone dot ends it.
func (m *model) data() {
	m.t.Helper()
	end := strings.Index("\r\n"+m.rest, "\r\n.\r\n")
	text := m.rest
	if end >= 0 {
		text = m.rest[:end]
	}
	if bare.MatchString(text) || end < 0 {
		m.refused()
		m.ends()
		return
	}
	m.rest = m.rest[end+len(".\r\n"):]
	body := strings.ReplaceAll("\r\n"+text, "\r\n.", "\r\n")[2:]
	m.complete(body)
}

// complete takes the reply to a whole mail.
func (m *model) complete(body string) {
	m.t.Helper()
	large := len(body) > maxMail
	if m.granted(250, !large, !large, "a mail") {
		m.now.Body = body
		m.mails = append(m.mails, m.now)
	}
	m.open, m.now = false, sent{}
}

// bdat reads chunks up to the last, or to what ends the mail.
func (m *model) bdat(line string) {
	m.t.Helper()
	ready := m.open && len(m.now.To) > 0
	body := ""
	for {
		p := chunk.FindStringSubmatch(line)
		if p == nil {
			m.refused()
			m.ends()
			return
		}
		size, err := strconv.Atoi(p[1])
		if err != nil || size > maxMail || len(body)+size > maxMail {
			m.refused() // a chunk of a mail that is too large
			m.ends()
			return
		}
		part := m.rest[:min(size, len(m.rest))]
		// A CR at the end of a chunk waits for the next one.
		wrong := bare.MatchString(body + part)
		last := p[2] != ""
		if wrong || len(part) < size || last && ready && strings.HasSuffix(body+part, "\r") {
			m.refused()
			m.ends()
			return
		}
		m.rest, body = m.rest[size:], body+part
		switch {
		case !ready:
			m.refused()
			return
		case last:
			m.complete(body)
			return
		case !m.granted(250, true, true, line):
			return
		}
		if line = m.between(); line == "" {
			return
		}
	}
}

// between reads commands up to the next BDAT; another one ends the mail, and
// then it returns "".
func (m *model) between() string {
	m.t.Helper()
	for {
		line, rest, whole := strings.Cut(m.rest, "\n")
		command, crlf := strings.CutSuffix(line, "\r")
		if !whole || !crlf || len(line) >= 1024 || strings.IndexFunc(command, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0 {
			m.ends()
			return ""
		}
		m.rest = rest
		verb, _, _ := strings.Cut(command, " ")
		switch strings.ToUpper(verb) {
		case "BDAT":
			return command
		case "NOOP":
			m.granted(250, true, true, command)
			continue
		case "RSET":
			m.granted(250, true, true, command)
		case "QUIT":
			m.granted(221, true, true, command)
			m.ends()
		default:
			m.refused()
		}
		m.open, m.now = false, sent{}
		return ""
	}
}

// converse sends bytes in pieces, ends the sending side unless more is to come,
// and runs the model on the answers.
func (m *model) converse(c net.Conn, more bool, pieces ...string) {
	m.t.Helper()
	c.SetDeadline(time.Now().Add(20 * time.Second)) // a reply that never comes shows as an early end
	m.rest = strings.Join(pieces, "")
	written := make(chan struct{})
	go func() {
		defer close(written)
		for _, p := range pieces {
			if _, err := c.Write([]byte(p)); err != nil {
				return // the server has ended the connection
			}
		}
		if half, ok := c.(interface{ CloseWrite() error }); ok && !more {
			half.CloseWrite()
		}
	}()
	m.run()
	<-written
}
