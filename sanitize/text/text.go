// Package text rebuilds plain text and tables of text: the kinds text (txt,
// log, md, json, xml) and csv (csv, tsv).
//
// Parse decodes whatever charset the bytes are in, takes out control, bidi and
// invisible characters with a finding each, and emits Text or, for a table, one
// Row a line. Build writes UTF-8 or CP932 as the policy says, with CRLF line
// ends. A rebuilt text is always a .txt; the engine keeps the old extension of
// json, xml, md and log files in front of it (data.json.txt, DECISIONS 5).
//
// A table comes out in one closed form: commas (tabs when it was called .tsv),
// cells quoted when they hold any character that a spreadsheet might split at,
// and no cell that a spreadsheet would run as a formula (formula.go).
package text

import (
	"context"
	"fmt"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/plaintext"
)

// Match judges whether content is text. It is never Certain: a text is
// accepted only under a text's name or without one. It serves both kinds.
func Match(data []byte) format.Match {
	if plaintext.Looks(data) {
		return format.Plausible
	}
	return format.NoMatch
}

// Parse emits the text of in. It holds with limit_expanded or limit_time.
func Parse(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	s, err := plaintext.Read(ctx, in, "", out)
	if err != nil {
		return err
	}
	if err := out.Write(ir.Text{Role: ir.RoleContent, S: s}); err != nil {
		return fmt.Errorf("write text: %w", err)
	}
	return nil
}

// Build writes the text as a .txt file.
func Build(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	return plaintext.Build(in, c, w)
}

// Lint reports every violation of the closed form of a text file of ours.
func Lint(data []byte, known map[[32]byte]bool, out *ir.Writer) error {
	return plaintext.Lint(data, known, out)
}
