package mail

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/ir"
)

func TestParseAddresses(t *testing.T) {
	cases := []struct {
		name, in string
		want     []string
	}{
		{"bare", "a@example.jp", []string{`"" <a@example.jp>`}},
		{"angle", "<a@example.jp>", []string{`"" <a@example.jp>`}},
		{"phrase", "Taro Yamada <a@example.jp>", []string{`"Taro Yamada" <a@example.jp>`}},
		{"quoted phrase with comma", `"Yamada, Taro" <a@example.jp>, b@example.jp`, []string{`"Yamada, Taro" <a@example.jp>`, `"" <b@example.jp>`}},
		{"encoded phrase", "=?iso-2022-jp?B?GyRCOzNFRBsoQg==?= <a@example.jp>", []string{`"山田" <a@example.jp>`}},
		{"encoded phrase in quotes", `"=?utf-8?B?5bGx55Sw?=" <a@example.jp>`, []string{`"山田" <a@example.jp>`}},
		{"encoded phrase that decodes to an address", "=?utf-8?Q?boss=40town.example.jp?= <evil@x.example>", []string{`"boss@town.example.jp" <evil@x.example>`}},
		{"name and address encoded together", "=?utf-8?B?5bGx55SwIDxhQGV4YW1wbGUuanA+?=", []string{`"山田" <a@example.jp>`}},
		{"raw Shift_JIS with 0x5C in quotes", "\"\x95\x5c\" <a@example.jp>", []string{`"表" <a@example.jp>`}},
		{"raw ISO-2022-JP", "\x1b$B;3ED\x1b(B <a@example.jp>", []string{`"山田" <a@example.jp>`}},
		{"comment as name", "a@example.jp (Taro)", []string{`"Taro" <a@example.jp>`}},
		{"comment inside", "Taro (the boss) <a@example.jp>", []string{`"Taro" <a@example.jp>`}},
		{"name without brackets", "Taro Yamada a@example.jp", []string{`"Taro Yamada" <a@example.jp>`}},
		{"group", "staff: a@example.jp, B <b@example.jp>;, c@example.jp", []string{`"" <a@example.jp>`, `"B" <b@example.jp>`, `"" <c@example.jp>`}},
		{"empty group", "undisclosed-recipients:;", []string{`"undisclosed-recipients" <>`}},
		{"empty group before others", "none: ;, a@example.jp", []string{`"none" <>`, `"" <a@example.jp>`}},
		{"semicolons", "a@example.jp; b@example.jp", []string{`"" <a@example.jp>`, `"" <b@example.jp>`}},
		{"source route", "<@x.example,@y.example:a@example.jp>", []string{`"" <a@example.jp>`}},
		{"two angles", "<a@example.jp> <b@example.jp>", []string{`"<a@example.jp>" <b@example.jp>`}},
		{"unbalanced quote", `"Taro <a@example.jp>`, []string{`"Taro" <a@example.jp>`}},
		{"unclosed angle", "Taro <a@example.jp", []string{`"Taro" <a@example.jp>`}},
		{"no address", "Whomever", []string{`"Whomever" <>`}},
		{"only commas", ", ,,", nil},
		{"quoted local part", `"a b"@example.jp`, []string{`<"a b"@example.jp>`}},
		{"utf-8 address", "Jöhn <jöhn@exämple.jp>", []string{`"Jöhn" <jöhn@exämple.jp>`}},
		{"blank inside", "< a@ example.jp >", []string{`"" <a@example.jp>`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list, _ := hdrAddresses([]byte(c.in), 100)
			var got []string
			for _, a := range list {
				b := hdrMailbox(a, ir.RoleTo, &parseCleaner{})
				got = append(got, fmt.Sprintf("%q <%s>", b.Name, b.Addr))
			}
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.HasSuffix(got[i], c.want[i]) {
					t.Errorf("%d: got %s, want %s", i, got[i], c.want[i])
				}
			}
		})
	}
}

func TestParseAddressLimit(t *testing.T) {
	in := "From: a@example.jp\nTo: " + strings.Repeat("b@example.jp,\n ", 600) + "\nCc: c@example.jp\n\nbody\n"
	got, err := parseTranscript(t.Context(), parseGiven(in))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(got, "\naddress "); n != hdrMaxAddresses {
		t.Errorf("%d addresses, want %d", n, hdrMaxAddresses)
	}
	if !strings.Contains(got, "note header_dropped @message more than 500 addresses") {
		t.Errorf("no note in\n%s", got[:300])
	}
}

func TestParseDates(t *testing.T) {
	jst := time.FixedZone("", 9*3600)
	nine := time.Date(2026, 4, 6, 9, 0, 0, 0, jst)
	for _, c := range []struct {
		in   string
		want time.Time // zero: unreadable
	}{
		{"Mon, 6 Apr 2026 09:00:00 +0900", nine},
		{"Mon, 06 Apr 2026 09:00:00 +0900 (JST)", nine},
		{"6 Apr 2026 09:00 +0900", nine},
		{"Mon,6 Apr 2026 09:00:00 +0900", nine},
		{"mon, 6 apr 26 09:00:00 jst", nine},
		{"Mon, 6 Apr 126 09:00:00 +0900", nine},
		{"Monday, 6-Apr-2026 09:00:00 +09:00", nine},
		{"Mon Apr  6 09:00:00 2026 +0900", nine},
		{"2026-04-06T09:00:00+09:00", nine},
		{"2026-04-06 09:00:00 +0900", nine},
		{"Mon, 6 Apr 2026 09:00:00 GMT+0900", nine},
		{"Mon, 6 Apr 2026 09:00:00.123 +0900", nine},
		{"Mon, 6 Apr 2026 00:00:00 GMT", nine},
		{"Mon, 6 Apr 2026 00:00:00", nine},
		{"Sun, 5 Apr 2026 20:00:00 EDT", nine},
		{"Sun, 5 Apr 2026 14:00:00 -1000", nine},
		{"Mon, 6 Apr (comment) 2026 09:00:00 +0900", nine},
		{"Whenever", time.Time{}},
		{"", time.Time{}},
		{"Mon, 40 Apr 2026 09:00:00 +0900", time.Time{}},
		{"Mon, 6 Apr 99999 09:00:00 +0900", time.Time{}},
		{"Mon, 6 Apr 2026 25:99:00 +0900", time.Time{}},
	} {
		d, ok := hdrDate([]byte(c.in))
		if ok != !c.want.IsZero() {
			t.Errorf("%q: readable %v", c.in, ok)
		} else if ok && d.Unix != c.want.Unix() {
			t.Errorf("%q: %v, want %v", c.in, time.Unix(d.Unix, 0).UTC(), c.want.UTC())
		}
	}
}

func TestParseFields(t *testing.T) {
	parseRunCases(t, []parseCase{
		{name: "message-id", in: parsePlain("Message-ID: <a.b@example.jp>", "x"), want: []string{"message_id=<a.b@example.jp>\n"}},
		{name: "message-id without brackets", in: parsePlain("Message-ID: a.b@example.jp", "x"), want: []string{"message_id=<a.b@example.jp>\n"}},
		{name: "message-id folded inside", in: parsePlain("Message-ID: <a.b@\n example.jp>", "x"), want: []string{"message_id=<a.b@example.jp>\n"}},
		{name: "message-id with kanji", in: parsePlain("Message-ID: <件名@example.jp>", "x"), want: []string{"body"}, absent: []string{"message_id"}},
		{name: "message-id too long", in: parsePlain("Message-ID: <"+strings.Repeat("a", 250)+"@example.jp>", "x"), want: []string{"body"}, absent: []string{"message_id"}},
		{name: "message-id without at sign", in: parsePlain("Message-ID: <abc>", "x"), want: []string{"body"}, absent: []string{"message_id"}},
		{name: "message-id with a line break trick", in: parsePlain("Message-ID: <a@b>, junk <c@d> \"<e@f\"", "x"), want: []string{"message_id=<a@b>\n"}},
		{name: "references", in: parsePlain("References: <1@x> junk\n <2@x>\t<bad one@x y>", "x"), want: []string{"references=<1@x> <2@x> <badone@xy>\n"}},
		{name: "in-reply-to with words", in: parsePlain("In-Reply-To: Your mail of Monday <1@x>", "x"), want: []string{"in_reply_to=<1@x>\n"}},
		{name: "auto-submitted", in: parsePlain("Auto-Submitted: Auto-Replied (vacation); x=y", "x"), want: []string{"auto_submitted=auto-replied\n"}},
		{name: "auto-submitted unknown", in: parsePlain("Auto-Submitted: perhaps", "x"), want: []string{"body"}, absent: []string{"auto_submitted"}},
		{name: "precedence", in: parsePlain("Precedence: Bulk", "x"), want: []string{"precedence=bulk\n"}},
		{name: "precedence unknown", in: parsePlain("Precedence: first-class", "x"), want: []string{"body"}, absent: []string{"precedence"}},
		{name: "list-id", in: parsePlain("List-Id: \"A list\" <soumu.list.example.jp>", "x"), want: []string{"list_id=soumu.list.example.jp\n"}},
		{name: "list-id with junk", in: parsePlain("List-Id: <a b\"c>", "x"), want: []string{"body"}, absent: []string{"list_id"}},
		{name: "importance", in: parsePlain("Importance: High", "x"), want: []string{"importance=high\n"}},
		{name: "x-priority", in: parsePlain("X-Priority: 1 (Highest)", "x"), want: []string{"importance=high\n"}},
		{name: "x-priority low", in: parsePlain("X-Priority: 5", "x"), want: []string{"importance=low\n"}},
		{name: "x-priority normal says nothing", in: parsePlain("X-Priority: 3", "x"), want: []string{"body"}, absent: []string{"importance"}},
		{name: "priority", in: parsePlain("Priority: urgent", "x"), want: []string{"importance=high\n"}},
		{name: "language", in: parsePlain("Content-Language: ja, en-US, <script>, x", "x"), want: []string{"content_language=ja, en-US\n"}},
		{name: "receipt request", in: parsePlain("Return-Receipt-To: a@example.jp", "x"), want: []string{"note receipt_request"}},
		{name: "subject of blanks", in: parsePlain("Subject:   ", "x"), want: []string{"body"}, absent: []string{"subject"}},
	})
}

func TestParseReferencesAreCut(t *testing.T) {
	var ids []string
	for i := range 120 {
		ids = append(ids, fmt.Sprintf("<%d@x>", i))
	}
	got := hdrReferences(ids)
	if len(got) != hdrMaxReferences || got[0] != "<0@x>" || got[1] != "<71@x>" || got[49] != "<119@x>" {
		t.Errorf("kept %d: %v", len(got), got)
	}
}

func TestParseAuthResult(t *testing.T) {
	for _, c := range []struct{ name, headers, want string }{
		{"no field", "", ""},
		{"another host's field", "Authentication-Results: evil.example; dmarc=pass\n", ""},
		{"dmarc pass", "Authentication-Results: mx.example.net; dmarc=pass header.from=example.jp\n", "pass"},
		{"dmarc pass for another From", "Authentication-Results: mx.example.net; dmarc=pass header.from=evil.example\n", "fail:dmarc_unaligned"},
		{"dmarc pass with version and comment", "Authentication-Results: mx.example.net 1 (x; y); dmarc=pass (p=reject) header.from=example.jp\n", "pass"},
		{"dmarc fail", "Authentication-Results: mx.example.net; dmarc=fail; spf=softfail smtp.mailfrom=x@evil.example; dkim=none\n", "fail:dmarc_fail_spf_softfail_dkim_none"},
		{"dkim aligned", "Authentication-Results: mx.example.net; dkim=pass header.d=example.jp\n", "pass"},
		{"dkim of a subdomain", "Authentication-Results: mx.example.net; dkim=pass header.d=mail.example.jp\n", "pass"},
		{"dkim by i only", "Authentication-Results: mx.example.net; dkim=pass header.i=@example.jp\n", "pass"},
		{"dkim not aligned", "Authentication-Results: mx.example.net; dkim=pass header.d=evil.example\n", "fail:dkim_unaligned"},
		{"dkim of a look-alike", "Authentication-Results: mx.example.net; dkim=pass header.d=evilexample.jp\n", "fail:dkim_unaligned"},
		{"dkim of the top domain", "Authentication-Results: mx.example.net; dkim=pass header.d=jp\n", "fail:dkim_unaligned"},
		{"second signature aligned", "Authentication-Results: mx.example.net; dkim=pass header.d=list.example; dkim=pass header.d=example.jp\n", "pass"},
		{"spf aligned", "Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=bounce@example.jp\n", "pass"},
		{"spf not aligned", "Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=bounce@evil.example\n", "fail:spf_unaligned"},
		{"dmarc failure beats aligned dkim", "Authentication-Results: mx.example.net; dmarc=fail; dkim=pass header.d=example.jp\n", "fail:dmarc_fail_dkim_pass"},
		{"a forged second field cannot overrule", "Authentication-Results: mx.example.net; dmarc=fail\nAuthentication-Results: mx.example.net; dmarc=pass\n", "fail:dmarc_fail"},
		{"nor a forged first one", "Authentication-Results: mx.example.net; dmarc=pass\nAuthentication-Results: mx.example.net; dmarc=fail\n", "fail:dmarc_fail"},
		{"none", "Authentication-Results: mx.example.net; none\n", "fail:none"},
		{"authserv-id in another case", "Authentication-Results: MX.Example.Net; dmarc=pass\n", "pass"},
		{"second From", "Authentication-Results: mx.example.net; dmarc=pass\nFrom: boss@town.example.jp\n", "fail:dmarc_pass"},
		{"result with junk letters", "Authentication-Results: mx.example.net; dmarc=<script>\n", "fail:dmarc_script"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := parseGiven(c.headers + "From: A <a@example.jp>\n\nbody\n")
			in.Authserv = "mx.example.net"
			got, err := parseTranscript(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			line := ""
			for l := range strings.SplitSeq(got, "\n") {
				if v, ok := strings.CutPrefix(l, "field auth_result="); ok {
					line = v
				}
			}
			if line != c.want {
				t.Errorf("got %q, want %q", line, c.want)
			}
		})
	}
}

// spec: rfc8601#5
func TestParseAuthResultNeedsConfiguration(t *testing.T) {
	got, err := parseTranscript(t.Context(), parseGiven("Authentication-Results: mx.example.net; dmarc=pass\nFrom: a@example.jp\n\nx"))
	if err != nil || strings.Contains(got, "auth_result") {
		t.Errorf("a field was believed without an authserv-id: %v\n%s", err, got)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     bool
	}{
		{"mail", "From: a@example.jp\nSubject: s\n\nx", true},
		{"crlf", "From: a@example.jp\r\nSubject: s\r\n\r\nx", true},
		{"cr", "From: a@example.jp\rSubject: s\r\rx", true},
		{"mailbox separator", "From a@x Mon Apr 6\nReceived: x\nSubject: s\n\nx", true},
		{"blank lines on top", "\n\nReceived: x\nSubject: s\n\nx", true},
		{"one typical line and a blank", "Content-Type: text/plain\n\nx", true},
		{"one typical line and words", "Date: tomorrow\nwords", false},
		{"folded", "Received: from a\n by b\n\tfor c\nDate: x\n\n", true},
		{"properties file", "name: x\nversion: 1\n\n", false},
		{"yaml", "---\nfrom: x\nto: y\n", false},
		{"prose", "Dear Sir,\nFrom: now on\n", false},
		{"empty", "", false},
		{"binary", "PK\x03\x04", false},
	} {
		if got := Match([]byte(c.in)) != 0; got != c.want {
			t.Errorf("%s: match %v, want %v", c.name, got, c.want)
		}
	}
}
