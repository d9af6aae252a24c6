// Package mail rebuilds mails (RFC 5322, MIME).
//
// Parse reads a hostile mail in the box, tolerantly, and emits header values,
// texts and child files. Build runs outside. It writes a new mail of one closed
// form: known fields in one order, a text part in UTF-8, attachments whose
// bytes were rebuilt before; no byte of the original. What was changed or is
// missing stands in a notice at the end of the text, in Japanese for people who
// know no mail formats. Lint re-reads the new mail in another box with grammars
// of its own and a second MIME reader.
//
// BuildSubstitute and BuildPostmaster write the gateway's own mails in the same
// form: the one for the recipients of a mail that is held as a whole, the other
// for the people who run the gateway.
package mail

import (
	"fmt"
	"io"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Build writes the new mail made of the values of in and the decided children
// in c.Kids, which stand in the order of the Child frames. With c.Facts it
// writes the root mail: our Received and X-Sekisho-Result fields, warning lines
// on top and a notice at the end. Without, it writes a mail that will be
// attached to another one.
//
// Build is pure: the same values, children, profile and facts give the same
// bytes; boundaries are derived from the content. Built.Findings holds only
// what Build itself noticed; the Notes of in are the caller's already.
// Built.Partial says that a part, at any depth, is held.
//
// Every error holds the mail. An *format.Error names the reason: internal when
// frames and children disagree, or a child's bytes are not those that were
// decided on; too_large_after when the mail exceeds c.Profile.MaxBytes; the
// reason of a Fail frame.
func Build(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	m, err := buildRead(in)
	if err != nil {
		return format.Built{}, err
	}
	if len(m.children) != len(c.Kids) {
		return format.Built{}, format.Hold(format.Internal,
			fmt.Sprintf("%d child frames, %d decided children", len(m.children), len(c.Kids)))
	}
	head := buildHeaderOf(m, c)
	found := append(m.notes, head.findings...)
	n := noticeOf(m, c, found)
	if c.Facts != nil {
		head.result = buildResult(*c.Facts, m.numbers[ir.NumberReceived], c.Kids, found)
	}
	d := buildDraft{head: head, text: buildText(m, n), kids: c.Kids}
	if err := d.write(&buildCounter{w: w, max: c.Profile.MaxBytes}); err != nil {
		return format.Built{}, fmt.Errorf("build mail: %w", err)
	}
	return format.Built{Findings: head.findings, Partial: buildTally(c.Kids).held > 0}, nil
}

// buildCount is how many files below a mail are missing.
type buildCount struct{ held, stripped int }

// buildTally counts the held and stripped files of the tree. Files below a
// missing one are not counted: they are missing with it.
func buildTally(kids []format.Child) buildCount {
	var t buildCount
	for _, k := range kids {
		switch k.Verdict {
		case format.Rebuilt, format.Partly:
			below := buildTally(k.Kids)
			if k.Verdict == format.Partly && below.held == 0 {
				below.held = 1
			}
			t.held += below.held
			t.stripped += below.stripped
		case format.Stripped:
			t.stripped++
		default:
			t.held++
		}
	}
	return t
}

// buildResult gives the tokens of the X-Sekisho-Result field. Its grammar is
// an interface: later versions may only append members.
func buildResult(f format.Facts, hops int64, kids []format.Child, found []format.Finding) []string {
	verdict := format.Rebuilt
	t := buildTally(kids)
	if t.held > 0 {
		verdict = format.Partly
	}
	return buildResultTokens(f, verdict, hops, t, buildCodes(found, kids))
}

func buildResultTokens(f format.Facts, v format.Verdict, hops int64, t buildCount, codes []string) []string {
	tokens := []string{
		"v=1;",
		"verdict=" + v.String() + ";",
		"receipt=" + buildToken(f.ReceiptNo) + ";",
		"id=" + buildToken(f.Instance) + ";",
		fmt.Sprintf("hops=%d;", hops),
		fmt.Sprintf("held=%d;", t.held),
		fmt.Sprintf("stripped=%d;", t.stripped),
	}
	// A fold inside the list is a space after a comma; readers trim it.
	line := "findings="
	for i, code := range codes {
		if i > 0 {
			line += ","
		}
		if len(line)+len(code) > buildColumns-2 {
			tokens = append(tokens, line)
			line = ""
		}
		line += code
	}
	return append(tokens, line)
}

// buildMaxCodes bounds the codes in X-Sekisho-Result; there are fewer in the
// table of findings.
const buildMaxCodes = 100

// buildCodes returns the codes of all findings in the tree, once each, in the
// order of the alphabet. A code outside the table could carry a worker's
// message to the outside; it becomes "other".
func buildCodes(found []format.Finding, kids []format.Child) []string {
	set := map[string]bool{}
	buildCollect(set, found, kids)
	codes := buildSorted(set)
	return codes[:min(len(codes), buildMaxCodes)]
}

func buildCollect(set map[string]bool, found []format.Finding, kids []format.Child) {
	for _, f := range found {
		if _, ok := format.TextOf(f.Code); ok {
			set[f.Code] = true
		} else {
			set["other"] = true
		}
	}
	for _, k := range kids {
		buildCollect(set, k.Findings, k.Kids)
	}
}

// buildToken returns s when it is a plain token, else "-".
func buildToken(s string) string {
	if s == "" || len(s) > 64 {
		return "-"
	}
	for _, c := range []byte(s) {
		if !buildAlnum(c) && !strings.ContainsRune("-_.", rune(c)) {
			return "-"
		}
	}
	return s
}

func buildAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
