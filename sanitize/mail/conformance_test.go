package mail

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/charset"
	"sekisho/sanitize/format"
	"sekisho/sanitize/hypertext"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/sanitizetest"
)

func conformFormat() format.Format {
	return format.Format{Kind: format.Mail, Names: []string{"eml"}, Media: []string{"message/rfc822"}, Partial: true,
		Match: Match, Parse: Parse, Build: Build, Lint: Lint}
}

// conformKids stands in for the engine: attached mails go through this package
// again, text is decoded, a picture becomes other bytes, the rest is held.
func conformKids(ctx context.Context) sanitizetest.KidFunc {
	return func(c ir.Child, data []byte) format.Child {
		text := map[string]string{"txt": "text/plain; charset=utf-8", "csv": "text/csv; charset=utf-8"}
		_, ext, _ := strings.Cut(c.Name, ".")
		switch {
		case c.Note.Code != "":
		case c.Role == ir.RoleMessage:
			return conformMail(ctx, c, data)
		case bytes.HasPrefix(data, []byte("\x89PNG")) && ext == "png":
			return buildChild(c.Name, c.Name, "image/png", format.PNG, format.MethodImage, "\x89PNG drawn anew")
		case text[ext] != "":
			var clean parseCleaner
			words := strings.ReplaceAll(clean.text(charset.Decode("", data).Text), "\n", "\r\n")
			return buildChild(c.Name, c.Name, text[ext], format.Text, format.MethodText, words)
		}
		return sanitizetest.HoldKids(c, data)
	}
}

func conformMail(ctx context.Context, c ir.Child, data []byte) format.Child {
	in := format.Untrusted{Data: data, Budget: sanitizetest.Budget()}
	o, err := sanitizetest.Sanitize(ctx, conformFormat(), in, format.Construction{}, conformKids(ctx))
	if err != nil || len(o.Faults) > 0 {
		return format.Child{Original: c.Name, Kind: format.Mail, Reason: sanitizetest.ReasonOf(err)}
	}
	k := buildChild(strings.TrimSuffix(c.Name, ".eml")+".eml", c.Name, "message/rfc822", format.Mail, format.MethodText, string(o.Data))
	if k.Kids = o.Kids; o.Built.Partial {
		k.Verdict = format.Partly
	}
	return k
}

// conformSame compares a rebuilt mail with what a second pass makes of it: the
// header values, the text up to our own lines, and the attachments stay
// (DECISIONS 4).
func conformSame(first, second []byte) error {
	one, err := buildParse(first)
	if err != nil {
		return fmt.Errorf("read first: %w", err)
	}
	two, err := buildParse(second)
	if err != nil {
		return fmt.Errorf("read second: %w", err)
	}
	if a, b := fmt.Sprint(one.header()), fmt.Sprint(two.header()); a != b {
		return fmt.Errorf("header %s, then %s", a, b)
	}
	a, _, _ := strings.Cut(one.body(), "\n"+noticeTitle)
	a = hypertext.Unmark(a) // to the second pass our remarks are a sender's
	if !strings.Contains(two.body(), a) && !buildLooksOurs(a) {
		return fmt.Errorf("text %q, then %q", a, two.body())
	}
	names := func(p buildParsed) (all []string) {
		for i, c := range p.values.children {
			all = append(all, fmt.Sprintf("%s %s %x", c.Name, c.Media, p.children[i]))
		}
		return all
	}
	if !slices.Equal(names(one), names(two)) {
		return fmt.Errorf("files %.300q, then %.300q", names(one), names(two))
	}
	return nil
}

// conformBad are the samples of the lint's own tests.
func conformBad(t *testing.T) (bad []sanitizetest.BadOutput) {
	sample, _ := lintSample(t)
	for _, b := range lintBads {
		if b.code != "lint_header_end" && b.code != "lint_mark" {
			bad = append(bad, sanitizetest.BadOutput{Name: b.name, Code: b.code, Data: []byte(lintEdit(t, sample, b.old, b.with))})
		}
	}
	for _, b := range lintWhole(t, sample) {
		bad = append(bad, sanitizetest.BadOutput{Name: b.name, Code: b.code, Data: []byte(b.with)})
	}
	return append(bad, sanitizetest.BadOutput{Name: "attachment that nobody judged", Code: "lint_unknown_attachment", Data: []byte(sample)})
}

// conformRules are all codes of the lint but lint_reread: what our reader
// takes and the other one does not is not known, so TestLintSecondReader
// makes them differ.
func conformRules(t *testing.T) []string {
	rules := slices.DeleteFunc(lintCodes(t), func(s string) bool { return s == "lint_reread" })
	return append(rules, "lint_unknown_attachment")
}

// spec: g1 g2 g5 g9
func TestMailConformance(t *testing.T) {
	sanitizetest.Run(t, conformFormat(), sanitizetest.Suite{
		Good: conformGood(t), Refused: conformRefused(), Bad: conformBad(t), Rules: conformRules(t),
		Show: conformShow, Same: conformSame, Kid: conformKids(t.Context()),
		Truncate: 400, CutIsFault: true, Golden: "testdata/conformance",
	})
}

func conformRefused() []sanitizetest.Refusal {
	rep := strings.Repeat
	nest := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d-\n\n--b%d-\n", i, i)
		}
		return "From: a@example.jp\n" + b.String() + "\nx\n"
	}
	tight := sanitizetest.Budget()
	tight.Bytes = 20
	return []sanitizetest.Refusal{
		{Name: "31 hops", Data: []byte(rep("Received: from a\n", 31) + "From: a@example.jp\n\nx\n"), Reason: format.MailLoop},
		{Name: "fragment", Data: []byte(parsePlain("Content-Type: message/partial; id=x; number=1; total=2", "x")), Reason: format.FragmentOfMail},
		{Name: "a PDF", Data: []byte("%PDF-1.4\n\xE2\xE3\xCF\xD3\n"), Reason: format.Malformed},
		{Name: "nothing but zeros", Data: make([]byte, 3000), Reason: format.Malformed},
		{Name: "501 parts", Data: []byte(parseMixed(slices.Repeat([]string{partText}, 501)...)), Reason: format.LimitCount},
		{Name: "21 multiparts deep", Data: []byte(nest(21)), Reason: format.LimitDepth},
		{Name: "300 KB of header", Data: []byte(parsePlain(rep("X-A: b\n", 43_000), "x")), Reason: format.LimitSize},
		{Name: "budget", Data: []byte(parsePlain("Subject: x", rep("words ", 10))), Budget: &tight, Reason: format.LimitExpanded},
		{Name: "budget of attachments", Data: []byte(parseMixed(partText, partPDF, partPDF)), Budget: &tight, Reason: format.LimitExpanded},
	}
}
