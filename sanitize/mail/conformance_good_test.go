package mail

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"sekisho/sanitize/sanitizetest"
)

const conformHead = "Received: from mx.example.com by mx.example.jp; Fri, 17 Apr 2026 09:11:58 +0900\n" +
	"Date: Fri, 17 Apr 2026 09:11:00 +0900\nFrom: =?utf-8?B?5L2Q6Jek?= <sato@example.jp>\nTo: soumu@town.example.lg.jp\n" +
	"Message-ID: <1@example.jp>\nMIME-Version: 1.0\n"

func conformEncode(t testing.TB, enc interface{ String(string) (string, error) }, s string) string {
	t.Helper()
	out, err := enc.String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func conformBase64(s string) string {
	enc := base64.StdEncoding.EncodeToString([]byte(s))
	var b strings.Builder
	for ; len(enc) > 76; enc = enc[76:] {
		b.WriteString(enc[:76] + "\n")
	}
	return b.String() + enc + "\n"
}

// conformParts is a multipart of the given type with boundary b.
func conformParts(kind string, parts ...string) string {
	return conformHead + "Subject: parts\nContent-Type: multipart/" + kind + "; boundary=b\n\n" +
		"--b\n" + strings.Join(parts, "\n--b\n") + "\n--b--\n"
}

func conformFile(media, name, content string) string {
	return "Content-Type: " + media + "; name=\"" + name + "\"\nContent-Transfer-Encoding: base64\n" +
		"Content-Disposition: attachment; filename=\"" + name + "\"\n\n" + conformBase64(content)
}

// conformGood are honest mails of every form, with LF line ends.
func conformGood(t testing.TB) []sanitizetest.Sample {
	jis := japanese.ISO2022JP.NewEncoder()
	sjis := japanese.ShiftJIS.NewEncoder()
	const letter = "会議の日程を変更します。\n担当：総務課\n"
	const page = "<html><body><p>会議の日程を変更します。</p><p>担当：総務課</p></body></html>"
	inner := "From: b@example.jp\nSubject: inner\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nthe inner words\n--c\n" +
		conformFile("text/plain", "note.txt", "in the inner mail\n") + "--c--\n"
	outer := "From: c@example.jp\nSubject: outer\nContent-Type: multipart/mixed; boundary=d\n\n--d\n\nthe outer words\n--d\n" +
		"Content-Type: message/rfc822\n\n" + inner + "\n--d--\n"
	text := "Content-Type: text/plain; charset=utf-8\n\n" + letter
	rows := []struct {
		name, in, findings string
		shows              []string
	}{
		{"plain", conformHead + "Subject: hello\nCc: b@example.jp\nImportance: high\n\nhello\n",
			"", []string{"Subject: hello", "hello\n", "Importance: high"}},
		{"iso-2022-jp", conformHead + "Subject: =?ISO-2022-JP?B?" + base64.StdEncoding.EncodeToString([]byte(conformEncode(t, jis, "日程変更"))) + "?=\n" +
			"Content-Type: text/plain; charset=ISO-2022-JP\n\n" + conformEncode(t, jis, letter), "", []string{"Subject: 日程変更", letter}},
		{"shift jis without a label", conformHead + "Subject: " + conformEncode(t, sjis, "日程変更") + "\n\n" + conformEncode(t, sjis, letter),
			"charset_guessed", []string{"Subject: 日程変更", letter}},
		{"quoted-printable", conformHead + "Subject: q\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n" +
			"=E4=BC=9A=E8=AD=B0=\n=E3=81=AE\n", "", []string{"会議の\n"}},
		{"flowed", conformHead + "Subject: f\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\n\n会議の \n日程\n> a \n> b\n",
			"", []string{"会議の日程\n> ab\n"}},
		{"alternative", conformParts("alternative", text, "Content-Type: text/html; charset=utf-8\n\n"+page),
			"alternative_dropped", []string{letter}},
		{"alternative that says more", conformParts("alternative", "\n\nSee HTML.", "Content-Type: text/html\n\n<p>The real invitation says the fourth of May.</p>"),
			"alternative_dropped", []string{"The real invitation says the fourth of May."}},
		{"html alone", conformHead + "Subject: h\nContent-Type: text/html; charset=utf-8\n\n" + page, "", []string{"会議の日程を変更します。\n\n担当：総務課\n"}},
		{"related", conformParts("related", "Content-Type: text/html\n\n<p>plan</p><img src=\"cid:p1\" alt=\"map\">",
			"Content-ID: <p1>\n"+conformFile("image/png", "map.png", "\x89PNG as sent")), "", []string{"plan", "[image/png map.png]", "drawn anew"}},
		{"mail in a mail in a mail", conformParts("mixed", text, "Content-Type: message/rfc822\n\n"+outer),
			"", []string{"the outer words", "Subject: inner", "the inner words", "[text/plain note.txt]\nin the inner mail"}},
		{"signed", conformParts("signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256", text,
			conformFile("application/pkcs7-signature", "smime.p7s", "0\x82 a signature")), "signature_stripped", []string{letter}},
		{"report", conformParts("report; report-type=delivery-status", "\n\nYour mail was not delivered.",
			"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\nStatus: 5.1.1\n",
			"Content-Type: text/rfc822-headers\n\nSubject: =?utf-8?B?5pel56iL?=\n"), "", []string{"Your mail was not delivered.", "Status: 5.1.1", "Subject: 日程"}},
		{"calendar", conformParts("alternative", "\n\ncome", "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\n"+
			"SUMMARY:Meeting\nLOCATION:Hall\nDTSTART:20260501T010000Z\nEND:VEVENT\nEND:VCALENDAR\n"), "alternative_dropped", []string{"come", "Meeting", "Hall"}},
		{"attachments", conformParts("mixed", text, conformFile("text/csv", "data.csv", "a,b\n1,2\n"), conformFile("application/x-msdownload", "a.exe", "MZ\x90\x00")),
			"", []string{"[text/csv data.csv]\na,b\n1,2\n", "a.exe"}},
		{"uuencoded", conformHead + "Subject: u\n\nbefore\nbegin 644 cat.txt\n#0V%T\nend\nafter\n", "uuencode_decoded", []string{"before", "after", "[text/plain cat.txt]\nCat"}},
		{"attachment alone", conformHead + "Subject: alone\n" + conformFile("text/plain", "only.txt", "only this\n"), "body_empty", []string{"[text/plain only.txt]\nonly this"}},
		{"name in pieces", conformParts("mixed", text, "Content-Type: text/plain\nContent-Disposition: attachment; filename*0*=utf-8''%E4%BC%9A;\n filename*1=\"a.txt\"\n\nx"),
			"", []string{"[text/plain 会a.txt]"}},
	}
	all := []sanitizetest.Sample{conformFull(t)}
	for _, r := range rows {
		s := sanitizetest.Sample{Name: r.name, File: "a.eml", Data: []byte(r.in), Facts: buildFacts(), Shows: r.shows,
			Findings: strings.Fields(r.findings)}
		all = append(all, s)
	}
	return all
}

// conformFull is one mail with very many carriers at once. Each § becomes a
// mark of its own.
func conformFull(t testing.TB) sanitizetest.Sample {
	mail := "From §@example.jp Fri Apr 17 09:11:00 2026\n" + strings.Replace(conformHead, "<1@", "(§) <1@", 1) +
		"Received: from § by mx\nDKIM-Signature: b=§\nDisposition-Notification-To: §@example.jp\nList-Unsubscribe: <mailto:§>\n" +
		"Bcc: §@example.jp\nComments: §\nKeywords: §\nX-Mailer: §\nX-§: x\nSubject: full\nSubject: §\n" +
		"Content-Type: multipart/signed; x=\"§\"; boundary=\"b§\" (§)\n\n§\n--b§\n" +
		"Content-Type: multipart/mixed; boundary=m§\n\n§\n--m§\nContent-Type: text/html; charset=x-§\nContent-ID: <§>\nContent-Description: §\n\n" +
		"<html><head><title>§</title><style>p{content:\"§\"}</style><meta content=\"§\"></head><body><!-- § -->" +
		"<p id=\"§\" onclick=\"§\" data-a=\"§\" title=\"§\">shown words</p><script>§</script><input type=hidden value=\"§\">" +
		"<a href=\"javascript:§\">go</a><img src=\"https://example.com/§\"><img srcset=\"https://example.com/§ 2x\">" +
		"<!--[if lt IE 9]>§<![endif]--><template>§</template><noscript>§</noscript></body></html>\n" +
		"--m§\nContent-Type: text/plain; name=\"§.txt\"\nContent-Location: §\n" +
		"Content-Disposition: attachment; x=\"§\"; filename=\"§/a.txt\"\n\nshown file\n" +
		"--m§\nContent-Type: application/x-msdownload\nContent-Disposition: attachment; filename=a.exe\n\nMZ§\n--m§--\n§\n" +
		"--b§\nContent-Type: application/pgp-signature\n\n§\n--b§--\n§\n"
	data, marks := "", []string(nil)
	pieces := strings.Split(mail, "§")
	for i, p := range pieces[:len(pieces)-1] {
		mark := fmt.Sprintf("Canary%03dq", i)
		switch { // a boundary is one word wherever it stands
		case strings.HasSuffix(p, "\"b"), strings.HasSuffix(p, "--b"):
			mark = "CanaryOuter"
		case strings.HasSuffix(p, "=m"), strings.HasSuffix(p, "--m"):
			mark = "CanaryInner"
		}
		marks, data = append(marks, mark), data+p+mark
	}
	return sanitizetest.Sample{Name: "very many carriers", File: "a.eml", Data: []byte(data + pieces[len(pieces)-1]), Marks: marks,
		Facts: buildFacts(), Shows: []string{"shown words", "[text/plain a.txt]\nshown file", "「a.exe」"},
		Findings: strings.Fields("html_event_handler html_hidden_text html_remote_image html_script html_script_uri html_template " +
			"link_scheme mime_defect mime_preamble receipt_request signature_stripped")}
}
