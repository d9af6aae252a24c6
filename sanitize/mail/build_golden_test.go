package mail

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

func buildSent() ir.Date {
	return ir.Date{Unix: time.Date(2026, 4, 17, 0, 10, 0, 0, time.UTC).Unix(), Offset: 540}
}

// buildLetter is a usual mail with the given further values.
func buildLetter(more ...ir.Value) []ir.Value {
	return append([]ir.Value{
		ir.Number{Name: ir.NumberReceived, N: 3},
		buildSent(),
		ir.Address{Role: ir.RoleFrom, Name: "サンプル商事　佐藤", Addr: "sato@example.jp"},
		ir.Address{Role: ir.RoleTo, Name: "総務課", Addr: "soumu@town.example.lg.jp"},
		ir.Field{Name: ir.FieldMessageID, Value: "<20260417.1@example.jp>"},
	}, more...)
}

func buildSubject(s string) ir.Value { return ir.Field{Name: ir.FieldSubject, Value: s} }
func buildBody(s string) ir.Value    { return ir.Text{Role: ir.RoleBody, S: s} }

func buildNested(t *testing.T) format.Child {
	t.Helper()
	kids := []format.Child{
		buildHeld("見積.zip", format.Zip, format.EncryptedArchive),
		buildChild("案内.txt", "案内.txt", "text/plain; charset=utf-8", format.Text, format.MethodText, "ご案内\r\n"),
	}
	mail, built := buildRun(t, buildLetter(buildSubject("見積の件"), buildBody("見積を送ります。\n")), format.Construction{Kids: kids})
	if !built.Partial {
		t.Error("a held part does not make the nested mail partial")
	}
	c := buildChild("見積の件.eml", "見積の件.eml", "message/rfc822", format.Mail, format.MethodReconstruct, mail)
	c.Verdict, c.Kids = format.Partly, kids
	return c
}

type buildCase struct {
	name    string
	values  []ir.Value
	kids    []format.Child
	partial bool
	plain   bool // no portal
	codes   string
}

func buildCases(t *testing.T) []buildCase {
	return append(buildTextCases(), buildPartCases(t)...)
}

func buildTextCases() []buildCase {
	var many []ir.Value
	for i := range 200 {
		many = append(many, ir.Address{Role: ir.RoleCc, Name: fmt.Sprintf("担当者%d", i), Addr: fmt.Sprintf("user%d@example.org", i)})
	}
	return []buildCase{
		{name: "plain", values: buildLetter(buildSubject("４月分のご連絡"), buildBody("お世話になっております。\n\n４月分をお送りします。\n-- \n佐藤\n"))},
		{name: "ascii", values: []ir.Value{
			buildSent(), ir.Address{Role: ir.RoleFrom, Addr: "bob@example.com"}, buildSubject("Monthly report"),
			ir.Field{Name: ir.FieldReferences, Value: "<a@b.example> <c@d.example> junk"},
			ir.Field{Name: ir.FieldInReplyTo, Value: "<c@d.example>"},
			ir.Field{Name: ir.FieldListID, Value: "news.example.com"},
			ir.Field{Name: ir.FieldPrecedence, Value: "list"},
			ir.Field{Name: ir.FieldAutoSubmitted, Value: "auto-generated"},
			ir.Field{Name: ir.FieldImportance, Value: "high"},
			ir.Field{Name: ir.FieldContentLanguage, Value: "ja, en-US"},
			buildBody("Hello.\n"),
		}},
		{name: "lying_link", codes: "", values: buildLetter(
			ir.Number{Name: ir.NumberHTML, N: 1},
			ir.Note{Code: "link_mismatch", Where: "1", Detail: "evil.example"},
			ir.Note{Code: "link_mismatch", Where: "1", Detail: "evil.example"},
			ir.Note{Code: "html_tracking_pixel"}, ir.Note{Code: "html_script"}, ir.Note{Code: "html_event_handler"},
			buildSubject("口座の確認"),
			buildBody("【無害化済み】この行は差出人が書いたものです。\n確認はこちら：hxxps://evil[.]example/（表示は bank.example）\n -- 無害化のお知らせ（偽物） --\n"))},
		{name: "own_domain", codes: "own_domain", values: []ir.Value{
			buildSent(), ir.Address{Role: ir.RoleFrom, Name: "町長", Addr: "mayor@town.example.lg.jp"},
			ir.Address{Role: ir.RoleTo, Addr: "soumu@town.example.lg.jp"},
			buildSubject("至急"), buildBody("至急、振り込んでください。\n"),
		}},
		{name: "display_name", codes: "display_name", values: []ir.Value{
			buildSent(), ir.Address{Role: ir.RoleFrom, Name: "町長 yamada＠town.example.lg.jp", Addr: "evil@attacker.example"},
			ir.Address{Role: ir.RoleTo, Name: "boss@old.example", Addr: "boss@new.example"},
			buildSubject("お願い"), buildBody("お願いがあります。\n"),
		}},
		{name: "empty", codes: "from_missing date_missing", values: []ir.Value{ir.Note{Code: "body_empty"}}},
		{name: "unreadable", values: buildLetter(ir.Note{Code: "body_unreadable"})},
		{name: "long_subject", values: buildLetter(buildSubject(strings.Repeat("令和八年度一般会計補正予算（第１号）の要求について、", 5)), buildBody("本文です。"))},
		{name: "recipients", values: buildLetter(append(many, buildSubject("一斉のご連絡"), buildBody("各位\n"))...)},
		{name: "sections", values: buildLetter(
			ir.Text{Role: ir.RoleBody, Seq: 2, S: "二つ目の本文"},
			ir.Text{Role: ir.RoleBody, Seq: 0, S: "一つ目の"}, ir.Text{Role: ir.RoleBody, Seq: 0, S: "本文\n"},
			ir.Text{Role: ir.RoleReport, Seq: 3, S: "Status: 5.1.1\n"},
			ir.Text{Role: ir.RoleCalendar, Seq: 4, S: "件名：定例会\n開始：2026年4月20日 10時\n場所：第一会議室\n"})},
		{name: "old_date", codes: "date_off", values: []ir.Value{
			ir.Date{Unix: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), Offset: -480},
			ir.Address{Role: ir.RoleFrom, Name: "O'Brien, \"Pat\" \\", Addr: "a..b.@docomo.example"},
			ir.Address{Role: ir.RoleFrom, Name: "二人目", Addr: "山田@例え.example"},
			ir.Address{Role: ir.RoleReplyTo, Addr: "info@例え.example"},
			ir.Address{Role: ir.RoleTo, Name: "undisclosed-recipients"},
			ir.Note{Code: "from_many"},
			buildSubject("=?utf-8?Q?trick?= in ASCII"), buildBody("From here\nto there\n"),
		}},
	}
}

func buildPartCases(t *testing.T) []buildCase {
	text := buildChild("申請書 の 写し.csv", "申請書 の 写し.csv", "text/csv; charset=utf-8", format.CSV, format.MethodReconstruct, "\ufeff番号,氏名\r\n1,山田\r\n")
	text.Findings = []format.Finding{{Code: "csv_formula"}, {Code: "csv_formula"}}
	picture := buildChild("photo.jpg", "photo.JPEG", "image/jpeg", format.JPEG, format.MethodImage, "\xff\xd8not really\xff\xd9")
	picture.Findings = []format.Finding{{Code: "metadata_removed"}}
	small := format.Child{Original: "logo.gif", Kind: format.GIF, Verdict: format.Stripped, Findings: []format.Finding{{Code: "inline_picture"}}}
	invite := buildHeld("invite.ics", format.ICS, format.KindUnsupported)
	invite.Brief = []string{"件名：定例会", "開始：2026年4月20日 10時", "場所：「第一」会議室"}
	mixed := []format.Child{text, picture,
		buildHeld("見積.zip", format.Zip, format.EncryptedArchive),
		buildHeld("請求書.pdf", format.Executable, format.TypeMismatch),
		{Original: "setup.exe", Kind: format.Executable, Verdict: format.Stripped, Reason: format.KindBlocked},
		small, small, invite,
		buildChild(strings.Repeat("長い名前", 9)+".txt", strings.Repeat("長い名前", 30)+".log", "text/plain; charset=Shift_JIS", format.Text, format.MethodText, "\x93\xfa\x96\x7b\r\n"),
		buildChild("empty.txt", "", "text/plain; charset=utf-8", format.Text, format.MethodText, ""),
		buildHeld("", format.Unknown, format.KindUnknown),
	}
	rebuilt := []format.Child{picture, small}
	return []buildCase{
		{name: "mixed", partial: true, kids: mixed, values: buildLetter(
			ir.Note{Code: "inline_picture"}, ir.Note{Code: "signature_stripped"},
			buildSubject("書類の送付"), buildBody("書類を送ります。\n"))},
		{name: "rebuilt", kids: rebuilt, values: buildLetter(buildSubject("写真"), buildBody("写真です。\n"))},
		{name: "nested", partial: true, plain: true, kids: []format.Child{buildNested(t)},
			values: buildLetter(buildSubject("Fwd: 見積の件"), buildBody("転送します。\n"))},
	}
}

func TestBuildGolden(t *testing.T) {
	for _, tc := range buildCases(t) {
		t.Run(tc.name, func(t *testing.T) {
			facts := buildFacts()
			if tc.plain {
				facts.Office.PublicURL = ""
			}
			mail, built := buildRun(t, tc.values, format.Construction{Kids: tc.kids, Facts: facts, Profile: format.Profile{OwnDomains: buildOwn}})
			if built.Partial != tc.partial {
				t.Errorf("partial %v, want %v", built.Partial, tc.partial)
			}
			var codes []string
			for _, f := range built.Findings {
				codes = append(codes, f.Code)
				if _, ok := format.TextOf(f.Code); !ok {
					t.Errorf("finding %q is not in the table", f.Code)
				}
			}
			if got := strings.Join(codes, " "); got != tc.codes {
				t.Errorf("findings %q, want %q", got, tc.codes)
			}
			buildGolden(t, tc.name, mail)
		})
	}
}

func TestSubstituteGolden(t *testing.T) {
	s := Substitute{
		Facts: *buildFacts(), Reason: format.Malformed,
		From: "サンプル商事「佐藤」\r\nBcc: x@example.jp <sato@example.jp>", Subject: "４月分請求書\u202e", MessageID: "<1@example.jp>",
		Contents: format.Child{Kids: []format.Child{buildHeld("請求書.xls", format.OLE, format.KindUnsupported)}},
	}
	for _, tc := range []struct {
		name string
		edit func(*Substitute)
	}{
		{"substitute", func(*Substitute) {}},
		{"substitute_delayed", func(s *Substitute) { s.Delayed = true }},
		{"substitute_unknown", func(s *Substitute) {
			*s = Substitute{Facts: s.Facts}
			s.Facts.Office.PublicURL = ""
			s.Facts.Recipients = []string{"a@town.example.lg.jp", "b@town.example.lg.jp"}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := s
			tc.edit(&s)
			var b bytes.Buffer
			if err := BuildSubstitute(s, &b); err != nil {
				t.Fatal(err)
			}
			lintExpectClean(t, b.Bytes(), nil)
			buildGolden(t, tc.name, b.String())
		})
	}
}

func TestPostmasterGolden(t *testing.T) {
	p := Postmaster{
		Facts: *buildFacts(), To: []string{"postmaster@town.example.lg.jp", "not an address"},
		From: "佐藤 <sato@example.jp>", Subject: "４月分請求書",
		Outcomes: []Outcome{
			{Recipient: "soumu@town.example.lg.jp", Code: 550, Enhanced: "5.1.1", Text: "user unknown\r\n.\r\n"},
			{Recipient: "zei@town.example.lg.jp", Text: "dial tcp: connection refused"},
		},
	}
	for _, tc := range []struct {
		name string
		edit func(*Postmaster)
	}{
		{"postmaster", func(*Postmaster) {}},
		{"postmaster_untold", func(p *Postmaster) { p.Untold = 980 }},
		{"postmaster_held", func(p *Postmaster) { p.Event, p.Reason, p.Outcomes = MessageHeld, format.CrashLoop, nil }},
		{"postmaster_stopped", func(p *Postmaster) {
			p.Event, p.Facts.ReceiptNo, p.Outcomes, p.Detail = NoticesStopped, "", nil, "3 notices wait"
		}},
		{"postmaster_person", func(p *Postmaster) { p.Event, p.Detail, p.To = 99, "audit log: disk full", nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := p
			tc.edit(&p)
			var b bytes.Buffer
			if err := BuildPostmaster(p, &b); err != nil {
				t.Fatal(err)
			}
			lintExpectClean(t, b.Bytes(), nil)
			buildGolden(t, tc.name, b.String())
		})
	}
}

func TestDigestGolden(t *testing.T) {
	at := buildFacts().ReceivedAt
	parts := []DigestPart{
		{ReceiptNo: "M-260417-00042", ReceivedAt: at, From: "サンプル商事「佐藤」\r\nBcc: x@example.jp <sato@example.jp>", Subject: "４月分請求書\u202e",
			Recipient: "yamada@town.example.lg.jp", Name: "請求書.xls", Kind: format.OLE, Reason: format.KindUnsupported, ExpiresAt: at.AddDate(0, 1, 0)},
		{ReceiptNo: "M-260417-00042", ReceivedAt: at, Recipient: "yamada@town.example.lg.jp", Name: "図面.zip", Kind: format.Zip,
			Reason: format.EncryptedArchive, ExpiresAt: at.AddDate(0, 1, 0)},
		{ReceiptNo: "M-260417-00043", ReceivedAt: at.Add(time.Hour), Recipient: "yamada@town.example.lg.jp", Whole: true, Kind: format.Mail,
			Reason: format.FragmentOfMail, ExpiresAt: at.AddDate(0, 1, 0)},
		{ReceiptNo: "M-260417-00044", ReceivedAt: at, Recipient: "yamada@town.example.lg.jp", Name: "b.csv", Kind: format.CSV, State: DigestReleased},
		{ReceiptNo: "M-260417-00044", ReceivedAt: at, Recipient: "yamada@town.example.lg.jp", Name: "c.csv", Kind: format.CSV, State: DigestDiscarded},
	}
	facts := *buildFacts()
	facts.ReceiptNo, facts.Recipients = "", []string{"yamada@town.example.lg.jp"}
	for _, tc := range []struct {
		name string
		edit func(*Digest)
	}{
		{"digest", func(*Digest) {}},
		{"digest_department", func(d *Digest) {
			d.Facts.Recipients, d.Facts.Office.PublicURL, d.More = []string{"soumu@town.example.lg.jp"}, "", true
		}},
		{"digest_again", func(d *Digest) { d.Occasion, d.Facts.ReceiptNo, d.Parts = DigestAgain, "M-260417-00042", d.Parts[:2] }},
		{"digest_again_over", func(d *Digest) { d.Occasion, d.Facts.ReceiptNo, d.Parts = DigestAgain, "M-260417-00042", nil }},
		{"digest_again_many", func(d *Digest) {
			d.Occasion, d.Facts.ReceiptNo, d.Parts, d.More = DigestAgain, "M-260417-00042", d.Parts[:2], true
		}},
		{"digest_over", func(d *Digest) { d.Parts = d.Parts[3:] }},
		{"digest_trial", func(d *Digest) { d.Occasion, d.Parts = DigestTrial, nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := Digest{Facts: facts, Key: "0123", Parts: slices.Clone(parts)}
			tc.edit(&d)
			var b bytes.Buffer
			if err := BuildDigest(d, &b); err != nil {
				t.Fatal(err)
			}
			lintExpectClean(t, b.Bytes(), nil)
			buildGolden(t, tc.name, b.String())
		})
	}
}

// TestDigestIsBounded: a digest lists so many parts and no more, and the next
// one is another mail.
func TestDigestIsBounded(t *testing.T) {
	d := Digest{Facts: *buildFacts(), Key: "1"}
	for i := range 3 * DigestMost {
		d.Parts = append(d.Parts, DigestPart{ReceiptNo: fmt.Sprintf("M-260417-%05d", i), Name: strings.Repeat("長", 500), Reason: format.Malformed})
	}
	var one, same, other bytes.Buffer
	for key, to := range map[string]*bytes.Buffer{"1": &one, "2": &other} {
		d.Key = key
		if err := BuildDigest(d, to); err != nil {
			t.Fatal(err)
		}
	}
	d.Key = "1"
	if err := BuildDigest(d, &same); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(digestText(Digest{Facts: d.Facts, Parts: d.Parts[:DigestMost]}), "受付番号　　　　　"); n != DigestMost {
		t.Errorf("%d parts", n)
	}
	if one.Len() > 200<<10 || !bytes.Equal(one.Bytes(), same.Bytes()) {
		t.Errorf("%d bytes, equal %v", one.Len(), bytes.Equal(one.Bytes(), same.Bytes()))
	}
	id := func(b []byte) string {
		_, s, _ := strings.Cut(string(b), "Message-ID: ")
		s, _, _ = strings.Cut(s, "\r\n")
		return s
	}
	if id(one.Bytes()) == id(other.Bytes()) || id(one.Bytes()) == "" {
		t.Errorf("the ids %q and %q", id(one.Bytes()), id(other.Bytes()))
	}
	lintExpectClean(t, one.Bytes(), nil)
}
