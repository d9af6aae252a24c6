// Package audit remembers who did what to which message, and proves that the
// memory was not edited.
//
// An [Event] is written by a role together with the change of state it speaks
// of, in one ledger transaction. One [Sequencer], the sole holder of the log
// key, later gives each event its place and appends it through a [Writer] to a
// directory of plain files: one canonical JSON line a record in monthly
// segments, the hashes of an RFC 6962 Merkle tree as C2SP tlog tiles, and
// signed checkpoints that state size and root of that tree. [Verify] re-reads
// all of it and needs nothing but the files and the public key; [Prove] hands
// out single records with a proof that [VerifyBundle] checks offline.
//
// Invariants: a sequence number is the leaf index, from 0, without gaps; a
// complete record is never rewritten; a record is acknowledged only after its
// segment is synced; body text, passwords and Individual Numbers have no field
// here, and subjects, file names and comments are only committed to.
package audit
