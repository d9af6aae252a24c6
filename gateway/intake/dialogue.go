package intake

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// Refusals by the state of the dialogue.
var (
	helloFirst   = say(503, "5.5.1", "Say EHLO first")
	mailFirst    = say(503, "5.5.1", "MAIL comes first")
	nestedMail   = say(503, "5.5.1", "A mail is already under way")
	rcptFirst    = say(503, "5.5.1", "No valid recipient")
	needsTLS     = say(530, "5.7.0", "STARTTLS must come first")
	alreadyTLS   = say(503, "5.5.1", "TLS is already on")
	noPostmaster = say(550, "5.1.1", "There is no such recipient")
	mailTooLarge = say(552, "5.3.4", "The mail is too large")
	badHello     = say(501, "5.5.4", "Syntax: EHLO name")
	done         = say(250, "2.0.0", "Ok")
)

// readLine reads one command line without its CRLF. It reports false when there
// is none: it was refused, or the connection has ended.
func (g *guard) readLine() (string, bool) {
	g.lineEnd = time.Now().Add(g.s.cfg.Limits.Idle) // for the line, not for each byte
	line, err := g.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) || err == nil && len(line) > g.s.cfg.Limits.CommandLine {
		g.s.reject(ReasonSyntax)
		g.end(tooLong)
		return "", false
	}
	if err != nil {
		g.shut() // a line without an end, and nothing more comes
		return "", false
	}
	if g.commands++; g.commands > maxCommands+2*g.s.cfg.Limits.Recipients {
		g.s.reject(ReasonErrors)
		g.end(tooManyVerbs)
		return "", false
	}
	s, refused, fatal := checkLine(line)
	if refused == nil {
		return s, true
	}
	g.s.reject(ReasonSyntax)
	if fatal {
		g.end(refused)
	} else {
		g.reply(refused)
	}
	return "", false
}

// next reads one command. It either answers it or sets feed.
func (g *guard) next() {
	line, ok := g.readLine()
	if !ok {
		return
	}
	verb, arg := splitCommand(line)
	refused := g.take(verb, arg)
	if refused == nil {
		return
	}
	if refused.Code >= 500 && refused.Code < 503 {
		g.s.reject(ReasonSyntax)
	}
	g.reply(refused)
}

// take handles a command or says why not. These are all the verbs there are.
// spec: rfc5321#4.1.1
func (g *guard) take(verb, arg string) *smtp.SMTPError {
	switch verb {
	case "EHLO", "HELO":
		return g.hello(verb, arg)
	case "MAIL":
		return g.mail(arg)
	case "RCPT":
		return g.rcpt(arg)
	case "DATA":
		return g.data(arg)
	case "BDAT":
		return g.bdat(arg)
	case "STARTTLS":
		return g.startTLS(arg)
	case "RSET", "QUIT":
		if arg != "" {
			return badArgument
		}
		g.give(verb)
	case "NOOP":
		g.give("NOOP")
	case "VRFY":
		g.give("VRFY x") // go-smtp says 252 whatever the argument
	default:
		if strings.Contains(unimplementedVerbs, " "+verb+" ") {
			return unimplemented
		}
		return unrecognized
	}
	return nil
}

// give makes line what go-smtp reads next.
func (g *guard) give(line string) { g.feed = append([]byte(line), "\r\n"...) }

// spec: rfc5321#4.1.1.1
func (g *guard) hello(verb, arg string) *smtp.SMTPError {
	if !helloName(arg) {
		return badHello
	}
	g.greeted = true
	g.session.helo = arg
	g.offer = verb == "EHLO" && g.s.cfg.TLS != nil && !g.secure
	g.give(verb + " " + arg)
	return nil
}

// spec: rfc5321#3.3 rfc5321#4.1.4 rfc1870#6.1
func (g *guard) mail(arg string) *smtp.SMTPError {
	switch {
	case !g.greeted:
		return helloFirst
	case g.s.cfg.RequireTLS && !g.secure:
		return needsTLS
	case g.session.tx != nil:
		return nestedMail
	}
	m, refused := parseMail(arg)
	if refused != nil {
		return refused
	}
	if m.size > g.s.cfg.Limits.MessageBytes {
		g.s.reject(ReasonTooLarge)
		return mailTooLarge
	}
	g.session.asked = m
	line := "MAIL FROM:<" + m.from + ">"
	if m.utf8 {
		line += " SMTPUTF8"
	}
	g.give(line)
	return nil
}

func (g *guard) rcpt(arg string) *smtp.SMTPError {
	if g.session.tx == nil {
		return mailFirst
	}
	to, refused := parseRcpt(arg, g.session.tx.utf8)
	if refused != nil {
		g.session.badRecipient()
		return refused
	}
	if to == "postmaster" {
		to = g.s.cfg.Postmaster
	}
	if to == "" {
		return noPostmaster
	}
	g.session.askedTo = to
	g.give("RCPT TO:<" + to + ">")
	return nil
}

// mayData says whether a mail's bytes may come now.
func (g *guard) mayData() *smtp.SMTPError {
	switch tx := g.session.tx; {
	case tx == nil:
		return mailFirst
	case len(tx.to) == 0:
		return rcptFirst
	}
	return nil
}

// spec: rfc5321#4.1.1.4
func (g *guard) data(arg string) *smtp.SMTPError {
	if arg != "" {
		return badArgument
	}
	if refused := g.mayData(); refused != nil {
		return refused
	}
	g.body = newBody(g)
	g.give("DATA")
	return nil
}

// bdat takes the first chunk of a mail. go-smtp is told DATA and does not learn
// of chunks; the body reader answers all but the last.
func (g *guard) bdat(arg string) *smtp.SMTPError {
	size, last, ok := parseBdat(arg)
	if !ok {
		// Nobody knows how many bytes follow that are not commands.
		g.ending = true
		return badArgument
	}
	if size > g.s.cfg.Limits.MessageBytes {
		g.s.reject(ReasonTooLarge)
		g.ending = true
		return mailTooLarge
	}
	refused := g.mayData()
	b := newBody(g)
	b.chunk(size, last)
	g.body = b
	if refused != nil {
		b.drop()
		g.body = nil
		return refused
	}
	g.swallow = 354
	g.give("DATA")
	return nil
}

// startTLS does what RFC 3207 says. Everything that was learnt in clear is
// forgotten, and so is input that came ahead of the handshake (§4.2, §5).
// spec: rfc3207#4 rfc3207#4.2
func (g *guard) startTLS(arg string) *smtp.SMTPError {
	switch {
	case g.s.cfg.TLS == nil:
		return unimplemented
	case g.secure:
		return alreadyTLS
	case arg != "":
		return badArgument
	}
	g.reply(say(220, "2.0.0", "Ready to start TLS"))
	g.flush()
	g.in.Reset(source{g})
	t := tls.Server(g.raw, g.s.cfg.TLS)
	err := g.raw.SetDeadline(time.Now().Add(min(handshake, g.s.cfg.Limits.Idle)))
	if err == nil {
		err = t.HandshakeContext(g.s.ctx)
	}
	if err == nil {
		err = g.raw.SetDeadline(time.Time{})
	}
	if err != nil {
		g.s.reject(ReasonTLS)
		g.s.cfg.Log.Debug("TLS handshake", "client", g.addr, "error", fmt.Sprint(err))
		g.shut()
		return nil
	}
	g.mu.Lock()
	g.conn = t
	g.mu.Unlock()
	g.secure, g.greeted, g.session.helo = true, false, ""
	g.swallow = 250
	g.give("RSET")
	return nil
}
