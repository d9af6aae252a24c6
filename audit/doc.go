// Package audit remembers who did what to which message, and proves that the
// memory was not edited.
//
// An [Event] is written with the change of state it speaks of, in one ledger
// transaction. One [Sequencer], sole holder of the log key, gives it its place
// and appends it through a [Writer] to plain files: canonical JSON lines in
// monthly segments, C2SP tlog tiles of their RFC 6962 tree, signed checkpoints.
// [Verify] re-reads all of it with nothing but the public key; [Prove] hands out
// records that [VerifyBundle] checks offline.
//
// Invariants: seq is the leaf index, from 0, without gaps; a complete record is
// never rewritten; it is acknowledged only when its segment is synced; body
// text, passwords and Individual Numbers have no field, and subjects, file names
// and comments are only committed to. See docs/design/audit.md.
package audit
