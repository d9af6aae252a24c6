package mail

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

func TestBuildBox(t *testing.T) {
	for _, tc := range []struct {
		name, in, addr string
		role           ir.Role
		wantName, want string
		imitates       bool
	}{
		{name: "plain", in: "山田", addr: "yamada@example.jp", wantName: "山田", want: "yamada@example.jp"},
		{name: "same address as name", in: "Yamada@Example.JP", addr: "yamada@example.jp", wantName: "Yamada@Example.JP", want: "yamada@example.jp"},
		{name: "at sign without a domain", in: "佐藤＠総務課", addr: "sato@example.jp", wantName: "佐藤＠総務課", want: "sato@example.jp"},
		{name: "other address", in: "boss@town.example", addr: "e@x.example", wantName: "「boss@town.example」と名乗る e@x.example", want: "e@x.example", imitates: true},
		{name: "wide at sign", in: "ｂｏｓｓ＠ｔｏｗｎ．ｅｘａｍｐｌｅ", addr: "e@x.example", wantName: "「ｂｏｓｓ＠ｔｏｗｎ．ｅｘａｍｐｌｅ」と名乗る e@x.example", want: "e@x.example", imitates: true},
		{name: "spaces around the sign", in: "boss @ town.example", addr: "e@x.example", wantName: "「boss @ town.example」と名乗る e@x.example", want: "e@x.example", imitates: true},
		{name: "zero width space", in: "bo\u200bss@town.example", addr: "e@x.example", wantName: "「bo\u200bss@town.example」と名乗る e@x.example", want: "e@x.example", imitates: true},
		{name: "own domain only", in: "町役場（town.example.lg.jp）", addr: "e@x.example", wantName: "「町役場（town.example.lg.jp）」と名乗る e@x.example", want: "e@x.example", imitates: true},
		{name: "own domain in own address", in: "町役場 town.example.lg.jp", addr: "a@sub.town.example.lg.jp", wantName: "町役場 town.example.lg.jp", want: "a@sub.town.example.lg.jp"},
		{name: "said already", in: "「b@c.example」と名乗る e@x.example", addr: "e@x.example", wantName: "「b@c.example」と名乗る e@x.example", want: "e@x.example", imitates: true},
		{name: "recipient", in: "old@a.example", addr: "new@a.example", role: ir.RoleTo, wantName: "「old@a.example」（実際は new@a.example）", want: "new@a.example"},
		{name: "mobile phone dots", in: "", addr: "a..b.@docomo.example", want: `"a..b."@docomo.example`},
		{name: "mobile phone dots shown", in: "a..b.@docomo.example", addr: `"a..b."@docomo.example`, wantName: "a..b.@docomo.example", want: `"a..b."@docomo.example`},
		{name: "wide domain", addr: "info@例え.jp", want: "info@xn--r8jz45g.jp"},
		{name: "wide local part", in: "山", addr: "山@例え.jp", wantName: "山（返信できないアドレス：山@例え.jp）", want: buildInvalidAddr},
		{name: "two signs", addr: "a@b@c.example", wantName: "（返信できないアドレス：a@b@c.example）", want: buildInvalidAddr},
		{name: "literal", addr: "a@[192.0.2.1]", wantName: "（返信できないアドレス：a@[192.0.2.1]）", want: buildInvalidAddr},
		{name: "angle", addr: "a@b.example>", wantName: "（返信できないアドレス：a@b.example>）", want: buildInvalidAddr},
		{name: "header injection", addr: "a@b.example\r\nBcc: x@y.example", wantName: "（返信できないアドレス：a@b.example\r\nBcc: x@y.example）", want: buildInvalidAddr},
		{name: "no address", in: "山田", wantName: "山田（アドレスの表示なし）", want: buildInvalidAddr},
		{name: "hyphen label", addr: "a@-b.example", wantName: "（返信できないアドレス：a@-b.example）", want: buildInvalidAddr},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.role == "" {
				tc.role = ir.RoleFrom
			}
			b := buildBox(ir.Address{Role: tc.role, Name: tc.in, Addr: tc.addr}, buildOwn)
			if b.name != tc.wantName || b.addr != tc.want || b.imitates != tc.imitates {
				t.Errorf("got %q %q %v", b.name, b.addr, b.imitates)
			}
			again := buildBox(ir.Address{Role: tc.role, Name: b.name, Addr: b.addr}, buildOwn)
			if again.name != b.name || again.addr != b.addr {
				t.Errorf("a second pass gives %q %q", again.name, again.addr)
			}
		})
	}
}

func TestBuildDate(t *testing.T) {
	received := buildFacts().ReceivedAt
	for _, tc := range []struct {
		name  string
		date  *ir.Date
		root  bool
		want  string
		codes string
	}{
		{"usual", &ir.Date{Unix: received.Unix(), Offset: 540}, true, "Fri, 17 Apr 2026 09:12:30 +0900", ""},
		{"six days", &ir.Date{Unix: received.Unix() - 6*86400}, true, "Sat, 11 Apr 2026 00:12:30 +0000", ""},
		{"eight days", &ir.Date{Unix: received.Unix() - 8*86400}, true, "Thu, 09 Apr 2026 00:12:30 +0000", "date_off"},
		{"eight days ahead", &ir.Date{Unix: received.Unix() + 8*86400}, true, "Sat, 25 Apr 2026 00:12:30 +0000", "date_off"},
		{"absurd zone", &ir.Date{Unix: received.Unix(), Offset: 1439}, true, "Fri, 17 Apr 2026 00:12:30 +0000", ""},
		{"missing", nil, true, "Fri, 17 Apr 2026 09:12:30 +0900", "date_missing"},
		{"1970", &ir.Date{Unix: 0}, true, "Fri, 17 Apr 2026 09:12:30 +0900", "date_missing"},
		{"year 9999", &ir.Date{Unix: 253402300799}, true, "Fri, 17 Apr 2026 09:12:30 +0900", "date_missing"},
		{"nested", &ir.Date{Unix: received.Unix() - 800*86400}, false, "Wed, 07 Feb 2024 00:12:30 +0000", ""},
		{"nested missing", nil, false, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var f *format.Facts
			if tc.root {
				f = buildFacts()
			}
			h := &buildHeader{}
			h.setDate(&buildValues{date: tc.date}, f)
			var codes []string
			for _, f := range h.findings {
				codes = append(codes, f.Code)
			}
			if h.date != tc.want || strings.Join(codes, " ") != tc.codes {
				t.Errorf("got %q %q", h.date, codes)
			}
		})
	}
}

func TestBuildLooksOurs(t *testing.T) {
	for line, want := range map[string]bool{
		noticeTop:                true,
		noticeTitle + "（○○町） --": true,
		noticeNested:             true,
		"　－－　無害化 の お知らせ　－－": true,
		"‐‐ﾑ":        false,
		"[無害化済み] 添付": true,
		"━━━無害化のお知らせ━━━":   true,
		"ーー無害化のお知らせ":       true,
		"無\u200b害化済み":      true,
		"-- 添付されていたメ―ルの処理": true,
		"> -- 無害化のお知らせ":    false,
		"本日の無害化済みファイル":     false,
		"お世話になっております。":     false,
		"":                 false,
	} {
		if got := buildLooksOurs(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

func TestBuildName(t *testing.T) {
	for in, want := range map[string]string{
		"図面.pdf":                         "図面.pdf",
		"../../etc/passwd":               "_.._etc_passwd",
		`C:\a"b<c>.txt`:                  "C__a_b_c_.txt",
		"a\u202etxt.exe":                 "atxt.exe",
		"CON.txt":                        "_CON.txt",
		"lpt1":                           "_lpt1",
		" . ":                            "file-7",
		"":                               "file-7",
		".txt":                           "file-7.txt",
		" .a.txt":                        "a.txt",
		"a\r\nb.txt":                     "ab.txt",
		strings.Repeat("あ", 60) + ".txt": strings.Repeat("あ", 38) + ".txt",
		"か\u3099.txt":                    "が.txt",
	} {
		if got := buildName(in, 7); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	good := buildChild("a.txt", "a.txt", "text/plain", format.Text, format.MethodText, "abc")
	edit := func(f func(*format.Child)) []format.Child {
		c := good
		f(&c)
		return []format.Child{c}
	}
	for _, tc := range []struct {
		name   string
		kids   []format.Child
		frames []ir.Value
		max    int64
		want   format.Reason
	}{
		{name: "good", kids: []format.Child{good}},
		{name: "size", kids: []format.Child{good}, max: 900, want: format.TooLargeAfter},
		{name: "other bytes", kids: edit(func(c *format.Child) { c.Open = func() io.Reader { return strings.NewReader("abd") } }), want: format.Internal},
		{name: "more bytes", kids: edit(func(c *format.Child) { c.Size = 2 }), want: format.Internal},
		{name: "no bytes", kids: edit(func(c *format.Child) { c.Open = nil }), want: format.Internal},
		{name: "child frame without a decision", frames: []ir.Value{ir.Child{Role: ir.RoleAttachment}}, want: format.Internal},
		{name: "fail frame", frames: []ir.Value{ir.Fail{Reason: "malformed"}}, want: format.Malformed},
		{name: "fail frame of unknown reason", frames: []ir.Value{ir.Fail{Reason: "made_up"}}, want: format.Internal},
		{name: "value of another format", frames: []ir.Value{ir.Row{}}, want: format.Internal},
		{name: "attached mail with 8 bit", kids: []format.Child{buildChild("a.eml", "", "message/rfc822", format.Mail, format.MethodReconstruct, "\xe3\r\n")}, want: format.Internal},
		{name: "attached mail with bare LF", kids: []format.Child{buildChild("a.eml", "", "message/rfc822", format.Mail, format.MethodReconstruct, "a\n")}, want: format.Internal},
		{name: "attached mail with bare CR", kids: []format.Child{buildChild("a.eml", "", "message/rfc822", format.Mail, format.MethodReconstruct, "a\rb\r\n")}, want: format.Internal},
		{name: "attached mail without end", kids: []format.Child{buildChild("a.eml", "", "message/rfc822", format.Mail, format.MethodReconstruct, "a\r")}, want: format.Internal},
		{name: "attached mail with long line", kids: []format.Child{buildChild("a.eml", "", "message/rfc822", format.Mail, format.MethodReconstruct, strings.Repeat("a", 999)+"\r\n")}, want: format.Internal},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := buildFrames(t, append(buildLetter(), tc.frames...), tc.kids)
			_, err := Build(r, format.Construction{Kids: tc.kids, Facts: buildFacts(), Profile: format.Profile{MaxBytes: tc.max}}, io.Discard)
			var e *format.Error
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.As(err, &e) || e.Reason != tc.want {
				t.Fatalf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// TestBuildZeroVerdict: a child that nobody decided on is held.
func TestBuildZeroVerdict(t *testing.T) {
	c := buildChild("a.txt", "a.txt", "text/plain", format.Text, format.MethodText, "SECRET")
	c.Verdict = 0
	mail, built := buildRun(t, buildLetter(), format.Construction{Kids: []format.Child{c}, Facts: buildFacts()})
	if !built.Partial || strings.Contains(mail, "U0VDUkVU") {
		t.Error("an undecided child was delivered")
	}
}

func TestBuildMaxBytesIsExact(t *testing.T) {
	mail, _ := buildRun(t, buildLetter(), format.Construction{Facts: buildFacts()})
	for _, d := range []int64{-1, 0} {
		c := format.Construction{Facts: buildFacts(), Profile: format.Profile{MaxBytes: int64(len(mail)) + d}}
		if _, err := Build(buildFrames(t, buildLetter(), nil), c, io.Discard); (err != nil) != (d < 0) {
			t.Errorf("%+d: %v", d, err)
		}
	}
}

// TestBuildProperty: whatever values come through the wall, the mail is in the
// closed form, the same twice, and keeps the sender's text.
func TestBuildProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		values, body := buildRandom(rt)
		c := format.Construction{Profile: format.Profile{OwnDomains: buildOwn}}
		if rapid.Bool().Draw(rt, "root") {
			c.Facts = buildFacts()
		}
		for range rapid.IntRange(0, 3).Draw(rt, "kids") {
			k := buildChild(rapid.String().Draw(rt, "name")+".txt", rapid.String().Draw(rt, "original"), "text/plain; charset=utf-8",
				format.Text, format.MethodText, rapid.String().Draw(rt, "content"))
			k.Original = buildClean(k.Original)
			k.Verdict = format.Verdict(rapid.IntRange(0, 3).Draw(rt, "verdict"))
			c.Kids = append(c.Kids, k)
		}
		var mail bytes.Buffer
		if _, err := Build(buildFrames(t, values, c.Kids), c, &mail); err != nil {
			rt.Fatal(err)
		}
		known := map[[32]byte]bool{}
		for _, k := range c.Kids {
			known[k.Sum] = true
		}
		for _, v := range lintValues(t, mail.Bytes(), known) {
			rt.Fatalf("lint: %#v\n%s", v, mail.String())
		}
		if text := buildReadable(t, mail.String()); strings.TrimSpace(body) != "" && !buildLooksOurs(body) && !strings.Contains(text, body) {
			rt.Fatalf("body %q is not in\n%s", body, text)
		}
	})
}

// buildRandom draws values that could come through the wall.
func buildRandom(rt *rapid.T) ([]ir.Value, string) {
	line := rapid.OneOf(
		rapid.StringOf(rapid.RuneFrom([]rune("ab@.<>\"\\=?,;:()[] 　山＠。…「」-_\u200b\U0001F600"))),
		rapid.String(),
		rapid.StringMatching(`<?[a-z.]{1,5}@[a-z.\-]{1,8}>?`),
	)
	draw := func(name string) string { return buildClean(line.Draw(rt, name)) }
	values := []ir.Value{ir.Date{Unix: rapid.Int64Range(-62135596800, 253402300799).Draw(rt, "unix"), Offset: rapid.Int64Range(-1440, 1440).Draw(rt, "offset")}}
	for _, role := range []ir.Role{ir.RoleFrom, ir.RoleSender, ir.RoleReplyTo, ir.RoleTo, ir.RoleCc} {
		for range rapid.IntRange(0, 3).Draw(rt, string(role)) {
			values = append(values, ir.Address{Role: role, Name: draw("display"), Addr: draw("addr")})
		}
	}
	for _, f := range []ir.FieldName{ir.FieldSubject, ir.FieldMessageID, ir.FieldInReplyTo, ir.FieldReferences, ir.FieldAutoSubmitted,
		ir.FieldPrecedence, ir.FieldListID, ir.FieldImportance, ir.FieldContentLanguage, ir.FieldAuthResult} {
		if rapid.Bool().Draw(rt, string(f)) {
			values = append(values, ir.Field{Name: f, Value: draw("value")})
		}
	}
	for _, code := range rapid.SliceOfN(rapid.SampledFrom([]string{"link_mismatch", "html_script", "body_empty", "made_up", "own_domain"}), 0, 4).Draw(rt, "notes") {
		values = append(values, ir.Note{Code: code})
	}
	body := draw("body")
	if !utf8.ValidString(body) {
		rt.Fatal("not UTF-8")
	}
	return append(values, ir.Text{Role: ir.RoleBody, S: body}), body
}

// FuzzBuild: any frames give a mail in the closed form or an error.
func FuzzBuild(f *testing.F) {
	for _, tc := range buildTextCases() {
		var b []byte
		for _, v := range tc.values {
			b = ir.Append(b, v)
		}
		f.Add(b, true)
		f.Add(b, false)
	}
	f.Fuzz(func(t *testing.T, frames []byte, root bool) {
		c := format.Construction{}
		if root {
			c.Facts = buildFacts()
		}
		var mail bytes.Buffer
		if _, err := Build(ir.NewReader(bytes.NewReader(frames), 1<<20), c, &mail); err != nil {
			return
		}
		lintExpectClean(t, mail.Bytes(), nil)
	})
}

// TestBuildSender: of several authors the last address that is one sends, for
// the first is what a forger claims.
func TestBuildSender(t *testing.T) {
	first, second := buildMailbox{name: "市長", addr: "mayor@a.example"}, buildMailbox{name: "x", addr: "x@b.example"}
	bad := buildMailbox{name: "y", addr: buildInvalidAddr}
	for name, c := range map[string]struct {
		from []buildMailbox
		want string
	}{
		"last":             {[]buildMailbox{first, second}, "x@b.example"},
		"last that is one": {[]buildMailbox{first, second, bad}, "x@b.example"},
		"none":             {[]buildMailbox{bad, bad}, buildInvalidAddr},
	} {
		if got := buildSender(c.from); len(got) != 1 || got[0].addr != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
