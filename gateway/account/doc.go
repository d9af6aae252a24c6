// Package account holds the rules about people: who they are, how they prove
// it, and what they may do. The rules are pure functions over values; Service
// applies them to a Store, with clock and chance injected, and the command
// line, the REST interface and the portal call it and add no rules.
//
// A person is a User with Roles. What a role may do, and how far (its own, its
// department's, all), stands in one table, capability.go. Passwords follow NIST
// SP 800-63B-4, second factors RFC 6238, limits UX-AUDIT section 6. Secrets are
// kept only as digests, save the key of the second factor.
//
// Invariants: no change without its audit record in the same transaction (G6);
// the zero Principal may do nothing; an unknown name and a wrong password get
// the same answer after the same work; an attempt is counted before it is
// looked at, so that a thousand at once are a thousand.
package account
