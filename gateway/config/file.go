package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sekisho/gateway"
)

// maxRecipients bounds a recipient list, in bytes: some 100,000 addresses.
const maxRecipients = 8 << 20

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("not a regular file"))
	}
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b, nil
}

// RecipientTable returns the addresses that mail is taken for, lower case and
// without doubles: those of the file and of the list. "@domain" stands for all
// of a domain. The error is Problems.
func (c Config) RecipientTable() ([]string, error) {
	r := c.Intake.Recipients
	seen := map[string]bool{}
	var out []string
	add := func(a string) {
		if a = strings.ToLower(a); !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	var ps Problems
	if r.File != "" {
		text, err := readFile(r.File, maxRecipients+1)
		if err != nil {
			ps = append(ps, missing(r.File, "intake.recipients.file", err, "宛先の一覧を置くか、項目を消してください。",
				"put the list of recipients there, or delete the key."))
		}
		list, faults := parseRecipients(r.File, text)
		ps = append(ps, faults...)
		for _, a := range list {
			add(a)
		}
	}
	for i, a := range r.List {
		if err := checkRecipient(a); err != nil {
			ja, en := sentences(err)
			ps = append(ps, Problem{Key: fmt.Sprintf("intake.recipients.list[%d]", i), JA: ja, EN: en})
			continue
		}
		add(a)
	}
	return out, ps.Err()
}

// parseRecipients reads a recipient list: one address or @domain a line; what
// follows a # at the start of a word, and empty lines, are passed over.
func parseRecipients(file string, text []byte) ([]string, Problems) {
	if len(text) > maxRecipients {
		return nil, Problems{{File: file, JA: "宛先の一覧が大きすぎます (8MB まで)。", EN: "the list of recipients is too large (8MB at most)."}}
	}
	var out []string
	var ps Problems
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		n++
		line = strings.TrimRight(line, "\r\n")
		word, _, _ := strings.Cut(" "+strings.ReplaceAll(line, "\t", " "), " #")
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		if err := checkRecipient(word); err != nil {
			ja, en := sentences(err)
			if ps = append(ps, Problem{File: file, Line: n, Source: strings.ToValidUTF8(line, "?"), JA: ja, EN: en}); len(ps) >= maxFaults {
				return out, ps
			}
			continue
		}
		out = append(out, word)
	}
	return out, ps
}

func checkRecipient(a string) error {
	probe := a
	if strings.HasPrefix(a, "@") {
		probe = "x" + a
	}
	if err := gateway.CheckAddress(probe, true); err != nil {
		return faultf("「%s」は宛先として使えません。name@example.lg.jp か @example.lg.jp の形で 1 行に 1 つ書いてください。",
			"%q cannot be a recipient; write name@example.lg.jp or @example.lg.jp, one a line.", a)
	}
	return nil
}
