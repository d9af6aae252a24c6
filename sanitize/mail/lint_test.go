package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// lintSample is a good mail of a text and three attachments, 7bit text, so
// that a test can break one thing.
func lintSample(t testing.TB) (string, map[[32]byte]bool) {
	t.Helper()
	nested := "From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nhi\r\n"
	kids := []format.Child{
		buildChild("data.csv", "data.csv", "text/csv; charset=utf-8", format.CSV, format.MethodReconstruct, strings.Repeat("1,2,3\r\n", 20)),
		buildChild("図面.png", "図面.png", "image/png", format.PNG, format.MethodImage, "\x89PNG"),
		buildChild("mail.eml", "mail.eml", "message/rfc822", format.Mail, format.MethodReconstruct, nested),
	}
	values := []ir.Value{
		buildSent(), ir.Address{Role: ir.RoleFrom, Name: "Bob", Addr: "bob@example.com"},
		ir.Address{Role: ir.RoleTo, Name: "山田", Addr: "yamada@example.jp"}, buildSubject("Report of April"), buildBody("Hello\nBob\n"),
		ir.Field{Name: ir.FieldMessageID, Value: "<1@example.com>"},
	}
	var b bytes.Buffer
	if _, err := Build(buildFrames(t, values, kids), format.Construction{Kids: kids}, &b); err != nil {
		t.Fatal(err)
	}
	known := map[[32]byte]bool{}
	for _, k := range kids {
		known[k.Sum] = true
	}
	return b.String(), known
}

// lintEdit replaces one occurrence, which must exist.
func lintEdit(t *testing.T, s, old, with string) string {
	t.Helper()
	if !strings.Contains(s, old) {
		t.Fatalf("the sample has no %q", old)
	}
	return strings.Replace(s, old, with, 1)
}

type lintBad struct{ name, code, old, with string }

// lintBads are samples with one fault each; name says the attack or slip.
var lintBads = []lintBad{
	{"bare LF smuggles a line", "lint_bare_lf", "Hello\r\n", "Hello\n"},
	{"bare CR", "lint_bare_cr", "Hello\r\n", "Hel\rlo\r\n"},
	{"NUL", "lint_nul", "Hello", "Hel\x00lo"},
	{"raw UTF-8", "lint_8bit", "Hello", "こんにちは"},
	{"escape sequence", "lint_control", "Hello", "\x1b$BHello"},
	{"long line", "lint_line_length", "Hello", strings.Repeat("Hello", 200)},
	{"header that never ends", "lint_header_end", "", ""},
	{"two spaces in a fold", "lint_fold", "mixed;\r\n boundary", "mixed;\r\n  boundary"},
	{"colon without space", "lint_field_form", "Subject: ", "Subject:"},
	{"line without colon", "lint_field_form", "Subject: ", "Subject\r\nSubject: "},
	{"receipt request", "lint_field_unknown", "Subject: ", "Disposition-Notification-To: a@b.example\r\nSubject: "},
	{"field in other case", "lint_field_unknown", "Subject: ", "SUBJECT: "},
	{"two subjects", "lint_field_twice", "Subject: ", "Subject: x\r\nSubject: "},
	{"order", "lint_field_order", "MIME-Version: 1.0\r\n", "MIME-Version: 1.0\r\nImportance: high\r\n"},
	{"no From", "lint_field_missing", "From: \"Bob\" <bob@example.com>\r\n", ""},
	{"half a trace", "lint_field_missing", "MIME-Version", "X-Sekisho-Result: v=1; verdict=partly; receipt=-; id=-; hops=0; held=0; stripped=0; findings=\r\nMIME-Version"},
	{"address without domain", "lint_field_value", "<bob@example.com>", "<bob>"},
	{"source route", "lint_field_value", "<bob@example.com>", "<@a.example:bob@example.com>"},
	{"comment in an address", "lint_field_value", "<bob@example.com>", "<bob(x)@example.com>"},
	{"Q word", "lint_word", "Report of April", "=?utf-8?Q?Report?="},
	{"encoded word in quotes", "lint_word", `"Bob"`, `"=?utf-8?Q?Bob?="`},
	{"cut character in a word", "lint_word", "Report of April", "=?utf-8?B?4w==?="},
	{"bidi control in the subject", "lint_field_text", "Report of April", "=?utf-8?B?4oCu?="},
	{"new line in the subject", "lint_field_text", "Report of April", "=?utf-8?B?DQpCY2M6?="},
	{"message id with a comment", "lint_field_value", "<1@example.com>", "<1(x)@example.com>"},
	{"long message id", "lint_field_value", "<1@", "<" + strings.Repeat("1", 260) + "@"},
	{"51 references", "lint_field_value", "MIME-Version", "References:" + strings.Repeat(" <1@a>", 51) + "\r\nMIME-Version"},
	{"thirtieth of February", "lint_date", "Fri, 17 Apr", "Fri, 30 Feb"},
	{"wrong weekday", "lint_date", "Fri, 17 Apr", "Mon, 17 Apr"},
	{"long local part", "lint_address_length", "bob@", strings.Repeat("b", 65) + "@"},
	{"other multipart", "lint_structure", "multipart/mixed", "multipart/related"},
	{"foreign boundary", "lint_structure", "boundary=\"=_sekisho_", "boundary=\"=_other_"},
	{"HTML first", "lint_structure", "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit", "text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit"},
	{"preamble", "lint_preamble", "\r\n\r\n--=_", "\r\n\r\nhidden\r\n--=_"},
	{"part field", "lint_part_fields", "Content-Disposition: ", "Content-ID: <x>\r\nContent-Disposition: "},
	{"second name parameter", "lint_part_type", ";\r\n name=\"data.csv\"", ";\r\n name=\"data.csv\"; name=\"x.exe\""},
	{"charset of a picture", "lint_part_type", "image/png", "image/png; charset=utf-8"},
	{"program", "lint_media", "image/png", "application/x-msdownload"},
	{"HTML attachment", "lint_media", "text/csv; charset=utf-8", "text/html; charset=utf-8"},
	{"inline", "lint_disposition", "attachment;\r\n filename=\"data", "inline;\r\n filename=\"data"},
	{"names differ", "lint_name_differs", "filename=\"data.csv\"", "filename=\"data.exe\""},
	{"extended name differs", "lint_name_differs", "filename*=utf-8''%E5%9B%B3", "filename*=utf-8''%E5%9B%B2"},
	{"extended name in lower case digits", "lint_name_differs", "%E5%9B%B3", "%e5%9b%b3"},
	{"extended name beside a plain one", "lint_name_form", "filename=\"data.csv\"", "filename=\"data.csv\";\r\n filename*=utf-8''data.csv"},
	{"encoding of a mail", "lint_encoding", "message/rfc822", "image/gif"},
	{"quoted printable", "lint_encoding", "Transfer-Encoding: base64", "Transfer-Encoding: quoted-printable"},
	{"text as binary", "lint_encoding", "utf-8\r\nContent-Transfer-Encoding: 7bit", "utf-8\r\nContent-Transfer-Encoding: binary"},
	{"base64 line of 72", "lint_base64", "MSwyLDMN", "MSwyLDMN\r\n"},
	{"padding inside", "lint_base64", "MSwyLDMN", "MSwyLA=="},
	{"stray bits", "lint_base64", "iVBORw==", "iVBORx=="},
	{"junk in base64", "lint_base64", "iVBORw==", "iVBO*w=="},
	{"base64 without final CRLF", "lint_base64", "iVBORw==\r\n", "iVBORw=="},
	{"mark twice", "lint_mark", "Hello", "-- 添付 --"},
	{"uuencode in the text", "lint_text_file", "Hello", "begin 644 evil.exe"},
	{"base64 of uuencode in the text", "lint_text_file", "Hello", "begin-base64 0644 evil.exe"},
	{"begin and two blanks", "lint_text_file", "Hello", "begin  evil"},
	{"yEnc in the text", "lint_text_file", "Hello", "=ybegin line=128 size=3 name=evil.exe"},
}

func TestLintBadSamples(t *testing.T) {
	sample, known := lintSample(t)
	if got := lintValues(t, []byte(sample), known); len(got) > 0 {
		t.Fatalf("the good sample: %v", got)
	}
	used := map[string]bool{}
	check := func(name, code, mail string) {
		t.Run(name, func(t *testing.T) {
			used[code] = true
			var codes []string
			for _, v := range lintValues(t, []byte(mail), known) {
				if n, ok := v.(ir.Note); ok {
					codes = append(codes, n.Code)
				}
			}
			if !strings.Contains(" "+strings.Join(codes, " ")+" ", " "+code+" ") {
				t.Errorf("got %v, want %s", codes, code)
			}
		})
	}
	for _, b := range lintBads {
		if b.code != "lint_header_end" && b.code != "lint_mark" {
			check(b.name, b.code, lintEdit(t, sample, b.old, b.with))
		}
	}
	for _, b := range lintWhole(t, sample) {
		check(b.name, b.code, b.with)
	}
	used["lint_reread"] = true // TestLintSecondReader
	for _, code := range lintCodes(t) {
		if !used[code] {
			t.Errorf("no bad sample for %s", code)
		}
	}
}

// lintWhole are bad samples that are not an edit of one place.
func lintWhole(t *testing.T, sample string) []lintBad {
	t.Helper()
	boundary := regexp.MustCompile(`=_sekisho_[0-9a-f]{40}`).FindString(sample)
	single := func(text string) string {
		lines := &strings.Builder{}
		enc := base64.StdEncoding.EncodeToString([]byte(text))
		for ; len(enc) > 76; enc = enc[76:] {
			lines.WriteString(enc[:76] + "\r\n")
		}
		return "From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" +
			"Content-Transfer-Encoding: base64\r\n\r\n" + lines.String() + enc + "\r\n"
	}
	unsafe := func(name string) string {
		return strings.ReplaceAll(sample, "data.csv", name)
	}
	end := "--" + boundary + "--\r\n"
	part := sample[strings.Index(sample, "\r\n--"+boundary+"\r\nContent-Type: image"):strings.Index(sample, "\r\n--"+boundary+"\r\nContent-Type: message")]
	return []lintBad{
		{"nothing", "lint_header_end", "", ""},
		{"header only", "lint_header_end", "", "From: a@b.example\r\n"},
		{"huge header", "lint_header_end", "", "From: a@b.example\r\n" + strings.Repeat("X: y\r\n", lintMaxHeader/6+1) + "\r\n"},
		{"no final line end", "lint_last_line", "", strings.TrimSuffix(sample, "\r\n")},
		{"epilogue", "lint_epilogue", "", sample + "hidden\r\n"},
		{"not closed", "lint_boundary_open", "", strings.Replace(sample, end, "", 1)},
		{"boundary with a tail", "lint_boundary_line", "", strings.Replace(sample, "\r\n--"+boundary+"\r\nContent-Type: image", "\r\n--"+boundary+" x\r\nContent-Type: image", 1)},
		{"part without blank line", "lint_header_end", "", strings.Replace(sample, end, "--"+boundary+"\r\nX: y\r\n"+end, 1)},
		{"multipart of one part", "lint_structure", "", sample[:strings.Index(sample, "--"+boundary+"\r\nContent-Type: text/csv")] + end},
		{"too many parts", "lint_parts", "", strings.Replace(sample, "\r\n"+end, strings.Repeat(part, lintMaxParts)+"\r\n"+end, 1)},
		{"escape in the text", "lint_text", "", single("a\x1b[2Jb\r\n")},
		{"bidi in the text", "lint_text", "", single("a\u202eb\r\n")},
		{"broken UTF-8 in the text", "lint_text", "", single("a\xe3b\r\n")},
		{"bare LF in the text", "lint_text_lines", "", single("a\nb\r\n")},
		{"no line end in the text", "lint_text_lines", "", single("a")},
		{"two notices", "lint_mark", "", single("-- 無害化のお知らせ --\r\n-- 無害化のお知らせ --\r\n")},
		{"top line below", "lint_mark", "", single("x\r\n【無害化済み】\r\n")},
		{"path", "lint_name_unsafe", "", unsafe("../x.csv")},
		{"stream", "lint_name_unsafe", "", unsafe("x:y.csv")},
		{"device", "lint_name_unsafe", "", unsafe("con.csv")},
		{"hidden file", "lint_name_unsafe", "", unsafe(".x.csv")},
		{"empty name", "lint_name_unsafe", "", unsafe("")},
		{"final dot", "lint_name_unsafe", "", unsafe("x.csv.")},
		{"long name", "lint_name_unsafe", "", unsafe(strings.Repeat("x", 200) + ".csv")},
		{"double extension", "lint_name_type", "", unsafe("x.csv.exe")},
		{"broken words in a name", "lint_word", "", unsafe("=?utf-8?B?x?=")},
	}
}

// lintCodes returns every code that the lint's source names.
func lintCodes(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("lint*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(lint_[a-z0-9_]+)"`).FindAllSubmatch(src, -1) {
			set[string(m[1])] = true
		}
	}
	if len(set) < 30 {
		t.Fatalf("only %d codes found", len(set))
	}
	return buildSorted(set)
}

// TestLintSecondReader: whatever the second reader sees differently is found.
// spec: g5
func TestLintSecondReader(t *testing.T) {
	sample, known := lintSample(t)
	for _, tc := range []struct {
		name  string
		edit  func(*linter)
		where string
	}{
		{"agreed", func(*linter) {}, ""},
		{"subject", func(l *linter) { l.subject = "Report of March" }, "Subject"},
		{"sender", func(l *linter) { l.people["From"] = []string{"eve@example.com"} }, "From"},
		{"hidden recipient", func(l *linter) { l.people["To"] = append(l.people["To"], "eve@example.com") }, "To"},
		{"media type", func(l *linter) { l.parts[1].media = "text/html" }, "part 2"},
		{"file name", func(l *linter) { l.parts[2].name = "図面.exe" }, "part 3"},
		{"content", func(l *linter) { l.parts[3].sum[0]++ }, "part 4"},
		{"text", func(l *linter) { l.parts[0].sum[0]++ }, "part 1"},
		{"part seen by it alone", func(l *linter) { l.parts = l.parts[:3] }, "body"},
		{"part seen by us alone", func(l *linter) { l.parts = append(l.parts, lintPart{}) }, "body"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b bytes.Buffer
			l := &linter{out: ir.NewWriter(&b), known: known}
			l.mail([]byte(sample))
			tc.edit(l)
			l.reread([]byte(sample))
			v, err := ir.NewReader(&b, 1<<20).Next()
			if n, _ := v.(ir.Note); n.Where != tc.where || (err == nil) != (n.Code == "lint_reread") {
				t.Errorf("got %#v %v", v, err)
			}
		})
	}
}

func TestLintHandsOutUnknownAttachments(t *testing.T) {
	sample, known := lintSample(t)
	png := sha256.Sum256([]byte("\x89PNG"))
	delete(known, png)
	got := lintValues(t, []byte(sample), known)
	want := []ir.Value{ir.Child{Role: ir.RoleAttachment, Name: "図面.png", Media: "image/png"}, ir.Data{B: []byte("\x89PNG")}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	children := 0
	for _, v := range lintValues(t, []byte(sample), nil) {
		switch v := v.(type) {
		case ir.Child:
			children++
		case ir.Note:
			t.Errorf("%#v", v)
		}
	}
	if children != 3 {
		t.Errorf("%d children", children)
	}
}

// TestLintIsLinear: ten times the input takes about ten times as long, for
// inputs made to be slow. The bound is generous; quadratic work exceeds it.
func TestLintIsLinear(t *testing.T) {
	sample, known := lintSample(t)
	boundary := regexp.MustCompile(`=_sekisho_[0-9a-f]{40}`).FindString(sample)
	for name, mk := range map[string]func(n int) string{
		"almost boundaries": func(n int) string {
			return lintEdit(t, sample, "Hello\r\n", "Hello\r\n"+strings.Repeat("--"+boundary[:len(boundary)-1]+"\r\n", n))
		},
		"empty lines": func(n int) string { return lintEdit(t, sample, "Hello\r\n", strings.Repeat("\r\n", 20*n)) },
		"folds":       func(n int) string { return lintEdit(t, sample, "Report", "Report"+strings.Repeat("\r\n x", 5*n)) },
		"addresses": func(n int) string {
			return lintEdit(t, sample, "From: ", "From: "+strings.Repeat("a@b.example,\r\n ", n))
		},
		"quotes": func(n int) string { return lintEdit(t, sample, `"Bob"`, `"`+strings.Repeat(`\"`, 2*n)+`"`) },
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			lintValues(t, []byte(mk(20000)), known)
			if d := time.Since(start); d > 8*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// FuzzLint: no input breaks the lint or its frames.
func FuzzLint(f *testing.F) {
	sample, known := lintSample(f)
	f.Add([]byte(sample))
	for _, b := range lintBads {
		f.Add([]byte(strings.Replace(sample, b.old, b.with, 1)))
	}
	files, err := filepath.Glob("testdata/build/*.eml.golden")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { lintValues(t, data, known) })
}

func BenchmarkLintSmall(b *testing.B) {
	sample, known := lintSample(b)
	for b.Loop() {
		if err := Lint([]byte(sample), known, ir.NewWriter(bytes.NewBuffer(nil))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLintLarge(b *testing.B) {
	content := strings.Repeat("0123456789abcdef", 35<<20/16)
	kid := buildChild("a.pdf", "a.pdf", "application/pdf", format.PDF, format.MethodImage, content)
	var mail bytes.Buffer
	if _, err := Build(buildFrames(b, buildLetter(), []format.Child{kid}), format.Construction{Kids: []format.Child{kid}}, &mail); err != nil {
		b.Fatal(err)
	}
	known := map[[32]byte]bool{kid.Sum: true}
	b.SetBytes(int64(mail.Len()))
	for b.Loop() {
		if err := Lint(mail.Bytes(), known, ir.NewWriter(bytes.NewBuffer(nil))); err != nil {
			b.Fatal(err)
		}
	}
}
