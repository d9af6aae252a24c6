// Package inspection makes the monthly self-inspection report (自己点検) from the
// audit log: A4 pages to print and sign, and the same as CSV.
//
// [Collect] reads the records of a month, and of before it what they hang on,
// and answers what an auditor must be able to answer: did anything cross without
// a record of its sanitizing, who released what on whose request, did anyone
// approve a request of one's own, what changed in policy and accounts, was the
// log whole. A [Report] is sections of tables; [Report.HTML] and [Report.CSV]
// write them. What must not be is counted and shown as 0, never left out.
//
// Invariants: nothing but the log, the verdict on it and the accounts given goes
// in, so the same input gives the same bytes; the page holds no script and asks
// for nothing from elsewhere; no content of mails, whose words the log does not
// have.
package inspection
