package intake

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/emersion/go-smtp"

	"sekisho/gateway"
)

// Refusals of the syntax of a command.
var (
	badLineEnd    = say(500, "5.5.2", "A command ends in CRLF")
	badByte       = say(500, "5.5.2", "Control characters are not allowed")
	tooLong       = say(500, "5.5.2", "The line is too long")
	unrecognized  = say(500, "5.5.2", "Command not recognized")
	unimplemented = say(502, "5.5.1", "Command not implemented")
	badArgument   = say(501, "5.5.4", "Syntax error in the arguments")
	badMail       = say(501, "5.5.2", "Syntax: MAIL FROM:<address>")
	badRcpt       = say(501, "5.5.2", "Syntax: RCPT TO:<address>")
	badSender     = say(553, "5.1.7", "This sender address is not accepted")
	badRecipient  = say(553, "5.1.3", "This recipient address is not accepted")
	badParameter  = say(555, "5.5.4", "Parameter not recognized")
	needsUTF8     = say(553, "5.6.7", "Addresses beyond ASCII need SMTPUTF8")
)

// unimplementedVerbs are known to RFCs and not to us. AUTH is not offered.
const unimplementedVerbs = " AUTH EXPN HELP ETRN ATRN TURN SEND SOML SAML BURL XCLIENT XFORWARD LHLO "

// say makes a reply; enhanced is a status code of RFC 3463.
// spec: rfc3463#2
func say(code int, enhanced, text string) *smtp.SMTPError {
	var e smtp.EnhancedCode
	for i, s := range strings.SplitN(enhanced, ".", 3) {
		e[i], _ = strconv.Atoi(s) // constants of this package
	}
	return &smtp.SMTPError{Code: code, EnhancedCode: e, Message: text}
}

// checkLine returns a command line without its CRLF. A line end that is not
// exactly CRLF, which another server could have taken for one or not, is
// refused with fatal set: the connection has to end.
// spec: rfc5321#2.3.8
func checkLine(line []byte) (s string, refused *smtp.SMTPError, fatal bool) {
	body, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || bytes.IndexByte(body, '\r') >= 0 {
		return "", badLineEnd, true
	}
	for _, c := range body {
		if c < ' ' || c == 0x7f {
			return "", badByte, false
		}
	}
	return string(body), nil, false
}

// splitCommand separates the verb, in upper case, from its argument.
// spec: rfc5321#2.4
func splitCommand(line string) (verb, arg string) {
	verb, arg, _ = strings.Cut(line, " ")
	return strings.ToUpper(verb), strings.Trim(arg, " ")
}

// helloName reports whether s may stand as the argument of EHLO. Real clients
// send underscores and bare host names, so any visible ASCII is accepted.
func helloName(s string) bool {
	return s != "" && len(s) <= 255 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// mailArgument is a checked argument of MAIL.
type mailArgument struct {
	from string // "" for the null reverse-path
	size int64  // as declared by SIZE (RFC 1870), 0 if it was not
	utf8 bool   // SMTPUTF8 (RFC 6531)
}

// parseMail reads the argument of MAIL (RFC 5321 §4.1.1.2).
// spec: rfc5321#4.1.1.2 rfc6531#3.4
func parseMail(arg string) (mailArgument, *smtp.SMTPError) {
	path, params, ok := splitPath(arg, "FROM:")
	if !ok {
		return mailArgument{}, badMail
	}
	m := mailArgument{from: path}
	if path != "" && gateway.CheckAddress(path, true) != nil {
		return m, badSender
	}
	seen := map[string]bool{}
	for _, p := range params {
		key, value, has := strings.Cut(p, "=")
		key = strings.ToUpper(key)
		if seen[key] {
			return m, badArgument
		}
		seen[key] = true
		switch key {
		case "SIZE":
			n, err := strconv.ParseUint(value, 10, 63)
			if err != nil || len(value) > 20 {
				return m, badArgument
			}
			m.size = int64(n)
		case "BODY":
			if v := strings.ToUpper(value); v != "7BIT" && v != "8BITMIME" {
				return m, badParameter
			}
		case "SMTPUTF8":
			if has {
				return m, badArgument
			}
			m.utf8 = true
		default:
			return m, badParameter
		}
	}
	if !m.utf8 && !gateway.ASCII(m.from) {
		return m, needsUTF8
	}
	return m, nil
}

// parseRcpt reads the argument of RCPT (RFC 5321 §4.1.1.3). "postmaster"
// without a domain comes back as it is. No parameter is known: DSN (RFC 3461)
// is not offered.
// spec: rfc5321#4.1.1.3 rfc3461
func parseRcpt(arg string, utf8OK bool) (string, *smtp.SMTPError) {
	path, params, ok := splitPath(arg, "TO:")
	if !ok {
		return "", badRcpt
	}
	bare := strings.EqualFold(path, "postmaster")
	switch {
	case !bare && gateway.CheckAddress(path, true) != nil:
		return "", badRecipient
	case !utf8OK && !gateway.ASCII(path):
		return "", needsUTF8
	case len(params) > 0:
		return "", badParameter
	case bare:
		return "postmaster", nil
	}
	return path, nil
}

// splitPath cuts "FROM:<path> PARAM PARAM" into path and parameters. The path
// ends at the first ">": one inside a quoted local part leaves a path that
// CheckAddress refuses. Spaces before the path are common and harmless.
func splitPath(arg, prefix string) (path string, params []string, ok bool) {
	if len(arg) < len(prefix) || !strings.EqualFold(arg[:len(prefix)], prefix) {
		return "", nil, false
	}
	rest, ok := strings.CutPrefix(strings.TrimLeft(arg[len(prefix):], " "), "<")
	if !ok {
		return "", nil, false
	}
	path, rest, ok = strings.Cut(rest, ">")
	if !ok || rest != "" && rest[0] != ' ' {
		// Also <"a>b"@c>; an honest answer is that of a bad address.
		return path, nil, ok && strings.Contains(path, `"`)
	}
	for p := range strings.SplitSeq(rest, " ") {
		if p != "" {
			params = append(params, p)
		}
	}
	return path, params, true
}

// parseBdat reads the argument of BDAT (RFC 3030 §2). The size has at most 18
// digits.
// spec: rfc3030#2
func parseBdat(arg string) (size int64, last, ok bool) {
	number, word, has := strings.Cut(arg, " ")
	if has && !strings.EqualFold(strings.Trim(word, " "), "LAST") {
		return 0, false, false
	}
	n, err := strconv.ParseUint(number, 10, 63)
	return int64(n), has, err == nil && len(number) <= 18
}
