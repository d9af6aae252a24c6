package sanitize

import "sekisho/sanitize/format"

// emlRows are mails whose texts and structure are hard to read.
func emlRows() []corpusRow {
	return []corpusRow{
		// The first line, a continuation of nothing, is the sender's field to some readers.
		{path: "eml/enmime-bad-header-start.eml", verdict: format.Rebuilt, subject: "plain text", found: "mime_defect",
			lines: []string{"A text section", "An HTML section"}, notice: []string{saidClear}},
		{path: "eml/enmime-epilogue-sample.eml", verdict: format.Rebuilt, subject: "Epilogue", lines: []string{"A text section"},
			parts:  []part{rebuilt("1", "test.html", format.HTML, "test.html.txt")},
			notice: []string{saidClear, "「test.html」　文字だけを取り出しました（test.html.txt）。"}, absent: []string{"malicious", "<html>"}},
		{path: "eml/enmime-erroneous.eml", verdict: format.Rebuilt, subject: "", found: "from_missing date_missing",
			lines: []string{"// Not an RFC-822 Document"}, top: []string{topLine, topNoFrom}, notice: []string{"差出人の表示がありません。"}},
		{path: "eml/enmime-extra-base64-character.eml", verdict: format.Rebuilt, subject: "Each part contains 1 extra base64 character (4*n + 1)",
			text: []string{"Hello World"}, top: []string{topNoFrom}, absent: []string{lostChar, "<p>"}},
		{path: "eml/enmime-incorrect-charset.eml", verdict: format.Rebuilt, subject: "plain text", found: "charset_guessed",
			text:   []string{"  ∮ E⋅da = Q,  n → ∞, ∑ f(i) = ∏ g(i),", "2H₂ + O₂ ⇌ 2H₂O, R = 4.7 kΩ", "ði ıntəˈnæʃənəl fəˈnɛtık əsoʊsiˈeıʃn"},
			notice: []string{saidClear}, absent: []string{lostChar}},
		{path: "eml/enmime-mime-bad-content-transfer-encoding.eml", verdict: format.Rebuilt, subject: "alert", found: "mime_defect",
			lines: []string{"ploozdect  nispplul swunkglap zarplontruskdremp fruftsist", "glactspang  cruvvob prushswach plegpitwoospvow chuzgrunt", "This is an example"},
			top:   nil, notice: []string{saidClear}, absent: []string{lostChar, "<br>"}},
		{path: "eml/enmime-missing-content-type2.eml", verdict: format.Rebuilt, subject: "plain text", lines: []string{"A text section", "An HTML section"}, notice: []string{saidClear}},
		{path: "eml/enmime-multimixed-no-closing-boundary.eml", verdict: format.Rebuilt, subject: "", found: "mime_defect",
			lines: []string{"Hello,"}, top: []string{topNoFrom}, absent: []string{"Segoe", "<body", "=0D"}},
		{path: "eml/enmime-multipart-wo-boundary.eml", verdict: format.Rebuilt, subject: "Delivery Status Notification (Failure)", found: "mime_defect",
			lines: []string{"I'm  multipart message without boundary"}, notice: []string{saidClear}},
		{path: "eml/enmime-non-mime-html.eml", verdict: format.Rebuilt, subject: "test Sun, 14 Oct 2012 16:09:01 -0700",
			lines: []string{"This is a test mailing"}, notice: []string{saidClear, "飾りと配置は除きました"}, absent: []string{"<em>", "</", "font-size"}},
		{path: "eml/enmime-quoted-printable-invalid.eml", verdict: format.Rebuilt, subject: "", found: "from_missing date_missing",
			lines: []string{"https://www.amazon.ca/gp/product/B002M8EEW8/ref=od_aui_detailpages00?ie=UTF8&psc=1", "Stuffs’s Weekly Summary",
				"Sunday, January 15th – Saturday, January 21st", "Hope you had a good weekend! Here's a summary of what happened on your",
				"https://stuffs.slack.com/unsub/nnnnnnnnnn-0-weekly"},
			top: []string{topNoFrom}, absent: []string{lostChar}},
		{path: "eml/enmime-similar-boundary.eml", verdict: format.Rebuilt, subject: "",
			lines: []string{"Section one", "A text section", "An HTML section"}, top: []string{topNoFrom}, absent: []string{"Enmime-Test"}},
		{path: "eml/rspamd-html_phishing.eml", verdict: format.Rebuilt, subject: "Your weekly newsletter", found: "html_remote_image",
			lines: []string{"Your account has been compromised click here immediately", "Verify Now <https://phishing-site.evil/steal-credentials>", "Unsubscribe: click here <https://phishing-site.evil/fake>"},
			text:  []string{"Weekly Newsletter", "URGENT: Verify your account now!"}, notice: []string{"外部の画像は読み込みません。"},
			absent: []string{"cdn.example.com", "class=", "<h1>"}},
		{path: "eml/rubymail-encoding_madness.eml", verdict: format.Rebuilt,
			subject: "eBay Bid - 2008 Ford Super Duty F-350 DRW King Ranch Crew Cab 4x4 (156) - Stock# XXXX",
			lines:   []string{"Body Text"}, notice: []string{saidClear}, absent: []string{"X-Mailer", "Received-SPF"}},
		{path: "eml/rubymail-multiple_content_types.eml", verdict: format.Rebuilt, subject: "Redacted", found: "mime_defect",
			lines: []string{"foo"}, notice: []string{saidClear}, absent: []string{"------_001_5973", "<p>"}},
		{path: "eml/rubymail-raw_email_encoded_stack_level_too_deep.eml", verdict: format.Rebuilt, subject: "Taro Tester has accepted your invitation to Gmail",
			text: []string{"Nicolas Fouché has accepted your invitation to Gmail and has chosen the", "The Gmail Team"}, notice: []string{saidClear}, absent: []string{lostChar, "<font"}},
		{path: "eml/rubymail-utf8_headers.eml", verdict: format.Rebuilt, subject: "Säying Hello", lines: []string{"body"}, notice: []string{saidClear}},
		{path: "eml/stalwart-008.eml", verdict: format.Rebuilt, subject: "", found: "mime_defect", lines: []string{"body", "body2"}, top: []string{topNoFrom}},
		{path: "eml/zbateson-m0006.eml", verdict: format.Rebuilt, subject: "Die Hasen und die Frösche (Microsoft Outlook 00)",
			text:   []string{"Die Hasen klagten einst über ihre mißliche Lage; \"wir leben\", sprach ein Redner, \"in steter Furcht", "unglücklicher sein müssen als wir.\""},
			notice: []string{saidClear}, absent: []string{"+APw-", "+ACI-", "+APY-", lostChar}},
	}
}

// emlOddRows are mails of rare types: fragments, references, mails in mails.
func emlOddRows() []corpusRow {
	return []corpusRow{
		{path: "eml/mimekit-rfc2046.0.eml", verdict: format.Held, reason: format.FragmentOfMail},
		{path: "eml/rubymail-attachment_message_rfc822.eml", verdict: format.Partly, subject: "testing", lines: []string{"This is the first part."},
			parts: []part{
				{path: "1", name: "ForwardedMessage.eml", kind: format.Mail, verdict: format.Partly, output: "ForwardedMessage.eml",
					text: []string{"Just attaching another PDF, here, to see what the message looks like,\nand to see if I can figure out what is going wrong here.", "「broken.pdf」（PDF）"}},
				held("1.1", "broken.pdf", format.PDF, format.Truncated),
			},
			top: []string{topLine}, notice: []string{"添付されていたメールを作り直し、一部をお預かりしています。", "１の１「broken.pdf」（PDF）　途中で切れているため"},
			absent: []string{"%PDF-", "FlateDecode", "DomainKey"}},
		{path: "eml/stalwart-001.eml", verdict: format.Partly, subject: "whatever", found: "external_body",
			parts: []part{
				held("1", "BodyFormats.ps", format.Unknown, format.ExternalBody),
				held("2", "RFC-MIME.ps", format.Unknown, format.ExternalBody),
				held("3", "", format.Unknown, format.ExternalBody),
			},
			top: []string{topLine}, notice: []string{"「BodyFormats.ps」　中身が外部に置かれているため、お預かりしています。", "「RFC-MIME.ps」", "３（名前なし）"},
			absent: []string{"thumper.bellcore.com", "/u/nsb", "get RFC-MIME.DOC", "取り除きました"}},
		{path: "eml/stalwart-007.eml", verdict: format.Partly, subject: "RFC 8621 Section 4.1.4 test",
			lines: []string{"A", "B", "D", "E", "K"}, // E is the other form of B and D, and says something else
			parts: []part{
				held("1", "", format.Text, format.TypeMismatch),
				held("2", "", format.Text, format.TypeMismatch),
				held("3", "", format.Text, format.TypeMismatch),
				rebuilt("4", "", format.Text, "text.txt", "H"),
				rebuilt("5", "J.eml", format.Mail, "J.eml", "J\n"),
			},
			top: []string{topLine, topNoFrom}, notice: []string{"１（名前なし）（中身は文字だけのファイル）　種類の表示と中身が合わないため", "「J.eml」"}, absent: []string{"<html>"}},
		{path: "eml/stalwart-008-2.eml", verdict: format.Rebuilt, subject: "", lines: []string{"This is a message with a base64 encoded attached email"},
			parts: []part{rebuilt("1", "attached_email.eml", format.Mail, "attached_email.eml", "This is an *HTML* test message")},
			top:   []string{topNoFrom}, absent: []string{"<b>HTML</b>"}},
		{path: "eml/stalwart-009.eml", verdict: format.Partly, subject: "In parts", lines: []string{"Hi, this is the fancy thing I was talking about!"},
			parts: []part{held("1", "", format.Unknown, format.FragmentOfMail)},
			top:   []string{topLine}, notice: []string{"分割されたメールの一部だけのため", "メールを分割しないで送り直す"},
			absent: []string{"dGhpcyBpcyB0aGUgZmlyc3Q", "this is the first part", "heks68ewe"}},
		{path: "eml/stalwart-017.eml", verdict: format.Partly, subject: "Hello world", found: "body_empty",
			parts: []part{held("1", "image001.png", format.Text, format.TypeMismatch)},
			top:   []string{topLine}, notice: []string{"「image001.png」（中身は文字だけのファイル）"}, absent: []string{"aGVsbG8gd29ybGQK", "hello world\n"}},
		{path: "eml/stalwart-022.eml", verdict: format.Rebuilt, subject: "broken rfc822 attachment", lines: []string{"hello"},
			parts:  []part{rebuilt("1", "broken.eml", format.Mail, "broken.eml", "this attachment is not a valid eml, sorry!")},
			notice: []string{"「broken.eml」　添付されていたメールを作り直しました。差出人の表示がありません。"}},
	}
}
