package mail

import (
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// parseAlternative is a multipart/alternative of a plain and an HTML text.
func parseAlternative(plain, html string) string {
	return "From: a@example.jp\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain; charset=utf-8\n\n" + plain +
		"\n--a\nContent-Type: text/html; charset=utf-8\n\n" + html + "\n--a--\n"
}

// TestParseBodies holds which of several texts is shown, and how.
func TestParseBodies(t *testing.T) {
	long := strings.Repeat("住民説明会の会場が変わりました。", 20)
	related := "Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<p>HTML <img src=\"cid:c1@x\"></p>\n--r\n" +
		"Content-Type: image/png\nContent-ID: <c1@x>\n\nPNG\n--r--"
	parseRunCases(t, []parseCase{
		{name: "plain wins", in: parseAlternative("会場が変わりました。", "<p>会場が変わりました。</p>"), want: []string{`body 0 "会場が変わりました。"`, "html=0", "alternative_dropped"}},
		{name: "stub loses", in: parseAlternative("このメールはHTML形式です。", "<p>"+long+"</p>"), want: []string{long, "html=1"}, absent: []string{"HTML形式"}},
		{name: "longer stub that names HTML loses", in: parseAlternative("このメールはHTMLメールに対応したソフトでご覧ください。", "<p>このたび住民説明会の会場が変わりましたのでお知らせいたします。</p>"), want: []string{"html=1", "住民説明会"}},
		{name: "empty plain loses", in: parseAlternative("\n \n", "<p>text</p>"), want: []string{`body 0 "text"`, "html=1"}},
		{name: "html empty, plain shown", in: parseAlternative("text", "<div></div>"), want: []string{`body 0 "text"`, "html=0"}},
		{name: "hazards of the dropped form are no news", in: parseAlternative("text that is long enough", "<script>x</script><p>text that is long enough</p>"), want: []string{`body 0 "text`}, absent: []string{"html_script"}},
		{name: "links only in the dropped form are counted", in: parseAlternative("申請はこちらから行えます", "<p>申請は<a href=\"https://a.example.jp/x\">こちら</a>から行えます</p>"), want: []string{"1 links not in the shown text"}},
		{name: "html that says something else follows", in: parseAlternative("会議の資料をお送りします。", "<p>至急、下記の口座へお振り込みください。</p>"), want: []string{`body 0 "会議の資料をお送りします。"`, `body 1 "至急、下記の口座へお振り込みください。"`, "html=1"}, absent: []string{"alternative_dropped"}},
		{name: "forms that give other numbers are both shown", in: parseAlternative("請求書をお送りします。振込先は普通 1234567 です。", "<p>請求書をお送りします。振込先は普通 7654321 です。</p>"), want: []string{`1234567`, `body 1 "請求書をお送りします。振込先は普通 7654321`, "note alternative_differs"}, absent: []string{"alternative_dropped"}},
		{name: "forms that give other addresses are both shown", in: parseAlternative("返信は kacho@a.example.jp までお願いいたします。", "<p>返信は kacho@b.example.jp までお願いいたします。</p>"), want: []string{"body 1", "note alternative_differs"}},
		{name: "a number that one form adds is told", in: parseAlternative("会場が変わりました。お間違えのないようお願いいたします。", "<p>会場が変わりました。お間違えのないようお願いいたします。電話 1234</p>"), want: []string{"note alternative_more", "alternative_dropped"}, absent: []string{"body 1"}},
		{name: "a few words that one form adds are told", in: parseAlternative("請求書をお送りします。期限までにお支払いください。", "<p>請求書をお送りします。期限までにお支払いくださいとは申しません。</p>"), want: []string{"note alternative_more"}, absent: []string{"body 1"}},
		{name: "digits of another width are the same", in: parseAlternative("電話は 1234 です", "<p>電話は １２３４ です</p>"), want: []string{"alternative_dropped"}, absent: []string{"alternative_more", "body 1"}},
		{name: "two plain forms that differ are both shown", in: "Content-Type: multipart/alternative; boundary=a\n\n--a\n\nA text section\n--a\n\nAn HTML section\n--a--\n", want: []string{`body 0 "A text section"`, `body 1 "An HTML section"`}, absent: []string{"alternative_dropped"}},
		{name: "two equal plain forms are one", in: "Content-Type: multipart/alternative; boundary=a\n\n--a\n\nthe same words\n--a\n\nThe same words.\n--a--\n", want: []string{`body 0 "the same words"`, "alternative_dropped"}, absent: []string{"body 1"}},
		{name: "an address behind a text makes no other form", in: parseAlternative("申請はこちら", "<p><a href=\"https://a.example.jp/very/long/way?to=the&form=1\">申請はこちら</a></p>"), want: []string{`body 0 "申請はこちら"`, "alternative_dropped"}, absent: []string{"body 1"}},
		{name: "html alone", in: parsePlain("Content-Type: text/html", "<p>a</p><p>b</p>"), want: []string{`body 0 "a\n\nb"`, "html=1"}},
		{name: "html without type", in: parsePlain("Subject: s", "<!DOCTYPE html><p>words</p>"), want: []string{`body 0 "words"`, "html=1"}},
		{name: "plain that looks like html stays plain", in: parsePlain("Content-Type: text/plain", "<html><p>words</p>"), want: []string{`body 0 "<html><p>words</p>"`}},
		{name: "related inside alternative, plain shown", in: "Content-Type: multipart/alternative; boundary=a\n\n--a\n\nwords of the plain form\n--a\n" + related + "\n--a--\n",
			want: []string{`body 0 "words of the plain form"`, `child inline "" image/png cid=c1@x`}},
		{name: "attachment inside the dropped form stays", in: "Content-Type: multipart/alternative; boundary=a\n\n--a\n\nwords of the plain form\n--a\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/html\n\n<p>words of the form</p>\n--m\n" + partPDF + "\n--m--\n--a--\n",
			want: []string{`body 0 "words of the plain form"`, `child attachment "x.pdf"`}},
		{name: "calendar alternative", in: "Content-Type: multipart/alternative; boundary=a\n\n--a\n\nmeeting\n--a\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:打合せ\\, 第1回\nDTSTART;TZID=Asia/Tokyo:20260406T093000\nLOCATION:会議室\n  A\nEND:VEVENT\nEND:VCALENDAR\n--a--\n",
			want: []string{`body 0 "meeting"`, `child attachment "invite.ics" text/calendar`, `text calendar 1 "件名: 打合せ, 第1回\n開始: 2026年4月6日 09:30（日本時間）\n場所: 会議室 A\n"`}},
		{name: "calendar twice is told once", in: parseMixed(partText, "Content-Type: text/calendar\n\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT", "Content-Type: application/ics; name=invite.ics\n\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\n"),
			want: []string{`text calendar 1 "件名: x\n"`}, absent: []string{"text calendar 2"}},
		{name: "calendar cancelled, repeated, in UTC", in: parsePlain("Content-Type: text/calendar", "BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nSUMMARY:x\nDTSTART:20260405T150000Z\nRRULE:FREQ=DAILY\nBEGIN:VALARM\nSUMMARY:alarm\nEND:VALARM\nEND:VEVENT\n"),
			want: []string{`"種別: 取消しの連絡\n件名: x\n開始: 2026年4月6日 00:00（日本時間）\n繰り返し: あり\n"`}},
		{name: "calendar for a whole day", in: parsePlain("Content-Type: text/calendar", "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260406\nDTEND:nonsense\nEND:VEVENT\n"), want: []string{`"開始: 2026年4月6日\n終了: nonsense\n"`}},
		{name: "related with start parameter", in: "Content-Type: multipart/related; start=\"<root@x>\"; boundary=r\n\n--r\nContent-Type: image/png\nContent-ID: <i@x>\n\nPNG\n--r\nContent-Type: text/html\nContent-ID: <root@x>\n\n<p>root</p>\n--r--\n",
			want: []string{"text body 0 \"root\"\nchild inline \"\" image/png cid=i@x"}},
		{name: "picture marked attachment but shown by the html", in: "Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<p>x<img src=cid:c2></p>\n--r\nContent-Type: image/png; name=p.png\nContent-ID: <c2>\nContent-Disposition: attachment\n\nPNG\n--r--\n", want: []string{`child inline "p.png"`}},
		{name: "photo inline without cid is an attachment", in: parseMixed(partText, "Content-Type: image/jpeg; name=p.jpg\nContent-Disposition: inline; filename=p.jpg\n\nJPG"), want: []string{`child attachment "p.jpg"`}},
		{name: "text with disposition attachment", in: parseMixed(partText, "Content-Type: text/plain\nContent-Disposition: attachment\n\nfile"), want: []string{`child attachment "" text/plain cid= why= "file"`}},
		{name: "text with a file name", in: parseMixed(partText, "Content-Type: text/plain; name=a.txt\n\nfile"), want: []string{`child attachment "a.txt" text/plain cid= why= "file"`}},
		{name: "root text with a name stays the body", in: parsePlain("Content-Type: text/plain; name=mail.txt", "body"), want: []string{`body 0 "body"`}},
		{name: "html file", in: parseMixed(partText, "Content-Type: text/html; name=a.html\n\n<p>x"), want: []string{`child attachment "a.html" text/html`}},
		{name: "other text types are files", in: parseMixed(partText, "Content-Type: text/csv\n\na,b"), want: []string{`child attachment "" text/csv`}},
		{name: "enriched", in: parsePlain("Content-Type: text/enriched", "<bold>Now</bold> is\nthe <<time\n\nfor<color><param>red</param>all</color>"), want: []string{`body 0 "Now is the <time\nforall"`}},
		{name: "enriched with an open parameter", in: parsePlain("Content-Type: text/enriched", "a<color><param>red</param>b</color><param>c<PARAM>d</Param>e<param>f"), want: []string{`body 0 "abef"`}},
		{name: "enriched that is a zip", in: parsePlain("Content-Type: text/richtext\nContent-Transfer-Encoding: base64", "UEsDBAoAAAAAAOCYuCg8z1FoRAAAAEQAAAA="), want: []string{"child attachment", "text/richtext", "body_unreadable"}},
		{name: "only a picture", in: parsePlain("Content-Type: image/png; name=a.png", "PNG"), want: []string{`child attachment "a.png"`, "note body_empty"}},
		{name: "signed", in: "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=s\n\n--s\n\nwords\n--s\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nSIG\n--s--\n",
			want: []string{`body 0 "words"`, "note signature_stripped"}, absent: []string{"child", "SIG"}},
		{name: "signature type with another name is a file", in: parseMixed(partText, "Content-Type: application/pkcs7-signature; name=x.exe\n\nMZ"), want: []string{`child attachment "x.exe"`}},
		{name: "encrypted by PGP", in: "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=e\n\n--e\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--e\nContent-Type: application/octet-stream\n\nDATA\n--e--\n",
			want: []string{`multipart/encrypted cid= why=encrypted_mail`, "DATA"}},
		{name: "encrypted by S/MIME", in: parsePlain("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64", "MA8GCSqGSIb3DQEHA6ACMAA="), want: []string{`child attachment "smime.p7m"`, "why=encrypted_mail"}},
		{name: "opaque S/MIME signature is opened", in: parsePlain("Content-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64",
			"MFgGCSqGSIb3DQEHAqBLMEkCAQExADBCBgkqhkiG9w0BBwGgNQQzQ29udGVudC1UeXBlOiB0ZXh0L3BsYWluDQoNCm9wZW5lZCB3b3JkcyBoZXJlDQo=    "), want: []string{"signature_stripped", "opened words here"}, absent: []string{"child"}},
		{name: "report", in: "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n--b\nContent-Type: text/rfc822-headers\n\nSubject: =?utf-8?B?5Lu2?=\n =?utf-8?B?5ZCN?=\nTo: b\n--b--\n",
			want: []string{`body 0 "sorry"`, `report 1 "Reporting-MTA: dns; x"`, `report 2 "Subject: 件名\nTo: b"`}},
		{name: "external body", in: parseMixed(partText, "Content-Type: message/external-body; access-type=URL; URL=\"http://evil.example/\"\n\nContent-Type: image/gif\n"), want: []string{"note external_body", "why=external_body"}},
		{name: "flowed", in: parsePlain("Content-Type: text/plain; format=flowed", "one \ntwo\n> q1 \n> q2\n>> deep\n-- \nsig \nend"), want: []string{`"one two\n> q1 q2\n>> deep\n-- \nsig end"`}},
		{name: "flowed with delsp", in: parsePlain("Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes", "日本 \n語の文 \nです。\n"), want: []string{`"日本語の文です。\n"`}},
		{name: "flowed space-stuffing", in: parsePlain("Content-Type: text/plain; format=flowed", " From here\n > not a quote\n"), want: []string{`"From here\n> not a quote\n"`}},
		{name: "not flowed stays", in: parsePlain("Content-Type: text/plain", "one \ntwo\n"), want: []string{`"one \ntwo\n"`}},
		{name: "control characters in a body", in: parsePlain("Content-Type: text/plain", "some ordinary words a\x08b\x07c that go on\n"), want: []string{`abc that go on`, "note control_removed @message 2"}},
		{name: "two texts", in: parseMixed("\none", "\ntwo"), want: []string{`body 0 "one"`, `body 1 "two"`}},
		{name: "charset wrong", in: parsePlain("Content-Type: text/plain; charset=us-ascii", "これは日本語です。\n"), want: []string{"これは日本語です。", "charset_guessed"}},
		{name: "iso-2022-jp in qp", in: parsePlain("Content-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: quoted-printable", "=1B$B7oL>=1B(B\n"), want: []string{`"件名\n"`}},
		{name: "html charset from meta", in: parsePlain("Content-Type: text/html", "<meta charset=shift_jis><p>\x8c\x8f\x96\xbc</p>"), want: []string{`"件名"`}},
		{name: "binary called text", in: parsePlain("Content-Type: text/plain", "\x00\x01\x02\x03\x04\x05\x06\x07\x00\x01"), want: []string{"child attachment", "note body_unreadable"}},
		{name: "unreadable type shows as text", in: parsePlain("Content-Type: ISO-2022-JP", "words\n"), want: []string{`body 0 "words\n"`, "unreadable content-type"}},
	})
}

func TestParseDefang(t *testing.T) {
	in := parseGiven(parsePlain("Content-Type: text/plain", "see https://www.example.com/a?b=c now, mail to a@example.jp\n"))
	plain, err := parseTranscript(t.Context(), in)
	if err != nil || !strings.Contains(plain, "see https://www.example.com/a?b=c now") {
		t.Errorf("links must stay as they are: %v\n%s", err, plain)
	}
	in.Defang = true
	got, err := parseTranscript(t.Context(), in)
	if err != nil || !strings.Contains(got, "hxxps://www[.]example[.]com/a?b=c now") || strings.Contains(got, "https://") {
		t.Errorf("links must be inert: %v\n%s", err, got)
	}
	in.Data = []byte(parsePlain("Content-Type: text/html", "<a href=\"https://www.example.com/\">here</a>"))
	got, err = parseTranscript(t.Context(), in)
	if err != nil || !strings.Contains(got, "hxxps://www[.]example[.]com") {
		t.Errorf("links of HTML must be inert: %v\n%s", err, got)
	}
}

func TestParseLoop(t *testing.T) {
	hops := func(n int) string {
		return strings.Repeat("Received: from a by b; x\n", n) + "From: a@example.jp\n\nbody\n"
	}
	for _, c := range []struct {
		name, self, in string
		want           format.Reason
	}{
		{"30 hops", "me", hops(30), ""},
		{"31 hops", "me", hops(31), format.MailLoop},
		{"hops carried by another gateway", "me", "X-Sekisho-Result: v=1; id=other; hops=20\n" + hops(11), format.MailLoop},
		{"absurd hops are not believed", "me", "X-Sekisho-Result: v=1; id=other; hops=-5000\n" + hops(11), ""},
		{"our own id in our field", "me", "X-Sekisho-Result: v=1; verdict=rebuilt; id=me; hops=1\n" + hops(1), format.MailLoop},
		{"our own id in a trace field", "me", "Received: from x by y (sekisho) id me; z\n" + hops(1), format.MailLoop},
		{"the id as another word", "me", "Received: from me by me; z\n" + hops(1), ""},
		{"an attached copy is no loop", "", "X-Sekisho-Result: v=1; id=me; hops=1\n" + hops(1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := parseGiven(c.in)
			in.Self = c.self
			_, err := parseTranscript(t.Context(), in)
			if got := parseReason(err); got != c.want {
				t.Errorf("reason %q, want %q (%v)", got, c.want, err)
			}
		})
	}
}
