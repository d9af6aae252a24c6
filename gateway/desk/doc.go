// Package desk is the counter where held parts are asked for: it applies the
// pure rules of package quarantine to the ledger, with the audit records that
// belong to each step. The command line, the REST interface and the portal come
// to it with the person who acts, and add no rules.
//
// What a step decides and its record commit together (G6). An approval that is
// the last one commits the job with it, so that nothing approved is forgotten;
// flow carries it out. Whoever decides on an old picture of a request is told
// so by quarantine.AlreadyDecided. Reasons that people write are commitments in
// the record: the text stands beside it and can be erased.
package desk
