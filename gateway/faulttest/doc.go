// Package faulttest breaks the ground under the whole relay and looks whether
// its promises stand: intake, flow, deliver and the audit sequencer work on one
// disk in memory that knows what was synced, and on a real ledger whose commits
// can fail or lose their answer.
//
// One counter runs over all operations of originals, outbox, log and ledger, so
// "the n-th operation fails" goes through a mail's whole life, for every n, and
// the golden operation log shows each sync where it stands. After each fault
// the gateway is started again on what is left, and must converge: each mail
// that got 250 is relayed or held, sealed mails arrive with the same bytes if
// twice, ledger, stores and log agree.
//
// A disk of a few real megabytes, with a real ledger on it, is filled to the page.
//
// All of it is test code; SEKISHO_SOAK=1 makes the sweeps deeper.
package faulttest
