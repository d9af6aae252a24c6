package audit

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filter chooses records. Empty fields choose all.
type Filter struct {
	Since, Until time.Time // Since inclusive, Until exclusive
	Verbs        []Verb    // exact, or a group such as "release.*"
	Receipt      string    // object.receipt_no
	Sender       string    // mail.sender, in any case
	Actor        string    // actor.id
	SHA256       string    // of the original or of what was sanitized, 64 lower hex digits
	Request      string    // decision.request_id
}

// Match reports whether the filter chooses e.
func (f Filter) Match(e Event) bool {
	switch {
	case !f.Since.IsZero() && e.TS.Before(f.Since), !f.Until.IsZero() && !e.TS.Before(f.Until):
		return false
	case f.Request != "" && e.Decision.RequestID != f.Request:
		return false
	case f.Receipt != "" && e.Object.ReceiptNo != f.Receipt, f.Actor != "" && e.Actor.ID != f.Actor:
		return false
	case f.SHA256 != "" && e.Object.Original != f.SHA256 && e.Object.Sanitized != f.SHA256:
		return false
	case f.Sender != "" && !strings.EqualFold(e.Mail.Sender, f.Sender):
		return false
	}
	return len(f.Verbs) == 0 || f.wants(e.Verb)
}

// timeOnly reports whether the filter chooses all records of a time, or all.
func (f Filter) timeOnly() bool {
	return len(f.Verbs) == 0 && f.Receipt == "" && f.Sender == "" && f.Actor == "" && f.SHA256 == "" && f.Request == ""
}

// wants reports whether the filter names a verb.
func (f Filter) wants(verb Verb) bool {
	return slices.ContainsFunc(f.Verbs, func(v Verb) bool {
		group, ok := strings.CutSuffix(string(v), "*")
		return v == verb || ok && strings.HasPrefix(string(verb), group)
	})
}

// Select calls visit for each record that the filter chooses, in order, with its
// canonical bytes, which are valid during the call only. It does not verify.
func Select(ctx context.Context, fsys fs.FS, f Filter, visit func(line []byte, e Event) error) error {
	list, err := months(fsys, segmentDir, ".jsonl")
	if err != nil {
		return fmt.Errorf("select audit records: %w", err)
	}
	for _, month := range list {
		_, _, err := scanSegment(ctx, fsys, month, func(line []byte, _ int64) error {
			e, err := ParseRecord(line)
			if err != nil || !f.Match(e) {
				return err
			}
			return visit(line, e)
		})
		if err != nil {
			return fmt.Errorf("select audit records: %w", err)
		}
	}
	return nil
}

// ExportJSONL writes the chosen records as they stand in the log, one a line, and
// returns how many there were.
func ExportJSONL(ctx context.Context, fsys fs.FS, w io.Writer, f Filter) (int64, error) {
	var n int64
	err := Select(ctx, fsys, f, func(line []byte, _ Event) error {
		n++
		_, err := w.Write(append(slices.Clone(line), '\n'))
		return err
	})
	return n, err
}

// Language is that of the header row and the descriptions of a CSV export.
type Language uint8

// The languages of a CSV export.
const (
	Japanese Language = iota
	English
)

// code is the language in a proof.
func (l Language) code() string {
	if l == English {
		return "en"
	}
	return "ja"
}

func languageOf(code string) (Language, bool) {
	switch code {
	case "ja":
		return Japanese, true
	case "en":
		return English, true
	}
	return Japanese, false
}

// ExportCSV writes the chosen records for spreadsheets: UTF-8 with byte order
// mark, CRLF, one header row, the columns of docs/design/audit.md. A cell that a
// spreadsheet would take for a formula gets an apostrophe before it. It returns
// the number of records.
func ExportCSV(ctx context.Context, fsys fs.FS, w io.Writer, f Filter, lang Language) (int64, error) {
	t, err := newTable(w, lang)
	if err != nil {
		return 0, fmt.Errorf("export audit records: %w", err)
	}
	var n int64
	err = Select(ctx, fsys, f, func(_ []byte, e Event) error {
		n++
		return t.add(e)
	})
	if err == nil {
		err = t.flush()
	}
	return n, err
}

// Cell makes a text harmless as a spreadsheet cell: what would begin a formula
// gets an apostrophe before it. The wide forms are taken for
// the narrow ones by some input methods and programs.
func Cell(s string) string {
	for _, sign := range []string{"=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(s, sign) {
			return "'" + s
		}
	}
	return s
}

// column is one column of the CSV export.
type column struct {
	ja, en string
	of     func(Event, Language) string
}

// columns is the layout of the CSV export. It is an interface: columns are added
// at the end. Headings use JIS X 0208 characters only, so that the file can be
// saved as CP932. Nothing writes to it.
var columns = [...]column{
	{"番号", "seq", func(e Event, _ Language) string { return strconv.FormatInt(e.Seq, 10) }},
	{"日時", "time", func(e Event, _ Language) string { return e.TS.Format("2006-01-02 15:04:05") }},
	{"時差", "offset", func(e Event, _ Language) string { return e.TS.Format("UTC-07:00") }},
	{"事象コード", "event", func(e Event, _ Language) string { return string(e.Verb) }},
	{"事象", "description", describe},
	{"結果", "outcome", outcomeText},
	{"行為者の種類", "actor_type", func(e Event, _ Language) string { return string(e.Actor.Type) }},
	{"行為者ID", "actor_id", func(e Event, _ Language) string { return e.Actor.ID }},
	{"行為者", "actor_name", func(e Event, _ Language) string { return e.Actor.Name }},
	{"所属", "department", func(e Event, _ Language) string { return e.Actor.Dept }},
	{"役割", "roles", func(e Event, _ Language) string { return strings.Join(e.Actor.Roles, " ") }},
	{"IPアドレス", "ip", func(e Event, _ Language) string { return e.Actor.IP }},
	{"代理された人", "on_behalf_of", func(e Event, _ Language) string { return e.OnBehalfOf }},
	{"対象の種類", "object_type", func(e Event, _ Language) string { return e.Object.Type }},
	{"対象ID", "object_id", func(e Event, _ Language) string { return e.Object.ID }},
	{"受付番号", "receipt_no", func(e Event, _ Language) string { return e.Object.ReceiptNo }},
	{"パート", "part", func(e Event, _ Language) string { return e.Object.Part }},
	{"差出人", "sender", func(e Event, _ Language) string { return e.Mail.Sender }},
	{"宛先", "recipients", func(e Event, _ Language) string { return strings.Join(e.Mail.Recipients, " ") }},
	{"経路元", "route_from", func(e Event, _ Language) string { return e.Route.From }},
	{"経路先", "route_to", func(e Event, _ Language) string { return e.Route.To }},
	{"方向", "direction", func(e Event, _ Language) string { return e.Route.Direction }},
	{"方針の版", "policy_version", func(e Event, _ Language) string { return number(e.Policy.Version) }},
	{"ルール", "policy_rule", func(e Event, _ Language) string { return e.Policy.Rule }},
	{"処理エンジン", "engine", func(e Event, _ Language) string { return strings.TrimSpace(e.Engine.Name + " " + e.Engine.Version) }},
	{"形", "form", func(e Event, _ Language) string { return e.Decision.Form }},
	{"理由コード", "reason_code", func(e Event, _ Language) string { return e.Decision.ReasonCode }},
	{"申請ID", "request_id", func(e Event, _ Language) string { return e.Decision.RequestID }},
	{"承認の順", "order", func(e Event, _ Language) string { return number(e.Decision.Order) }},
	{"変更箇所", "change_path", func(e Event, _ Language) string { return e.Change.Path }},
	{"変更前", "before", func(e Event, _ Language) string { return e.Change.Before }},
	{"変更後", "after", func(e Event, _ Language) string { return e.Change.After }},
	{"条文", "articles", func(e Event, _ Language) string { return strings.Join(e.Articles, " ") }},
	{"原本SHA-256", "sha256_original", func(e Event, _ Language) string { return e.Object.Original }},
	{"無害化済みSHA-256", "sha256_sanitized", func(e Event, _ Language) string { return e.Object.Sanitized }},
	{"記録ID", "id", func(e Event, _ Language) string { return e.ID }},
}

// describe is the verb's phrase.
func describe(e Event, lang Language) string {
	i, _ := e.Verb.Info()
	if lang == English {
		return i.EN
	}
	return i.JA
}

// outcomeText is the outcome in the language of the export.
func outcomeText(e Event, lang Language) string {
	if lang == English {
		return string(e.Outcome)
	}
	return e.Outcome.JA()
}

// JA names the outcome in Japanese.
func (o Outcome) JA() string {
	switch o {
	case Success:
		return "成功"
	case Failure:
		return "失敗"
	case Denied:
		return "拒否"
	case Pending:
		return "実行前"
	}
	return "不明"
}

// number writes a positive number, and nothing for 0.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
