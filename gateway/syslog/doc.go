// Package syslog hands short messages to a syslog server over TLS.
//
// A [Message] is written in the form of RFC 5424 and framed by octet counting
// (RFC 5425 section 4.3). A [Sender] keeps one connection, makes it anew when it
// ends, and never makes its caller wait: messages queue up to a bound, behind
// which the oldest are given up and counted.
//
// Invariants: nothing of a message can begin another one or another field,
// whatever its values hold; the server's certificate is checked, always; a
// connection is made only through the dialer given, so that the zone guard looks
// at each address. RFC 5425 has no acknowledgement: "sent" says that the
// message was handed to a living connection.
package syslog
