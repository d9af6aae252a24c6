package sanitize

import "sekisho/sanitize/format"

// emlAttachmentRows are mails about their attachments.
func emlAttachmentRows() []corpusRow {
	const (
		unsupported = "　まだ無害化できない種類のため、お預かりしています。"
		cutOff      = "　途中で切れているため、お預かりしています。"
		mismatch    = "　名前と中身の種類が合わないため、お預かりしています。"
		hasen       = "Die Hasen klagten einst über ihre mißliche Lage; \"wir leben\", sprach ein Redner"
	)
	return []corpusRow{
		{path: "eicar/eicar-base64.eml", verdict: format.Partly, subject: "eicar", text: []string{bugsText},
			parts: []part{held("1", "eicar.com", format.Executable, format.MalwareFound)},
			top:   []string{topLine}, notice: []string{"「eicar.com」（プログラム）　ウイルスの疑いがあるため"}, absent: []string{eicarMark, "X5O!P"}},
		{path: "eml/enmime-attachment-only-no-disposition.eml", verdict: format.Rebuilt, subject: "Test", found: "body_empty",
			parts:  []part{rebuilt("1", "favicon.jpg", format.PNG, "favicon.png")},
			notice: []string{saidNoBody, "「favicon.jpg」　PNGの画像にしました（favicon.png）。"}, absent: []string{"ImageReady", "tEXt"}},
		{path: "eml/enmime-bad-final-boundary.eml", verdict: format.Partly, subject: "Attachment", lines: []string{"A text section"}, found: "mime_defect",
			parts: []part{held("1", "foo_9E5D72.zip", format.HTML, format.TypeMismatch)},
			top:   []string{topLine}, notice: []string{"「foo_9E5D72.zip」（中身はHTML）" + mismatch}, absent: []string{"<html>", "PGh0bWw"}},
		// The small picture belongs to the HTML form, which is not shown.
		{path: "eml/enmime-html-mime-inline.eml", verdict: format.Rebuilt, subject: "MIME test 1", lines: []string{"Test of text section"},
			parts:  []part{{path: "1", name: "favicon.png", kind: format.PNG, verdict: format.Stripped}},
			notice: []string{"本文に埋め込まれた小さな画像１件を取り除きました。"}, absent: []string{"iVBOR", "Comic Sans", "ImageReady"}},
		{path: "eml/enmime-inlinemultipart.eml", verdict: format.Partly, subject: "Test", lines: []string{"Simple text."},
			parts: []part{held("1", "test.pdf", format.PDF, format.Truncated), rebuilt("2", "test.txt", format.Text, "test.txt", "Text attachment.\n")},
			top:   []string{topLine}, notice: []string{"「test.pdf」（PDF）" + cutOff}, absent: []string{"%PDF-", "Linearized"}},
		{path: "eml/enmime-malformed-base64-attach.eml", verdict: format.Partly, subject: "Attachment", lines: []string{"A text section"}, found: "mime_defect",
			parts: []part{held("1", "some.doc", format.HTML, format.TypeMismatch)},
			top:   []string{topLine}, notice: []string{"「some.doc」（中身はHTML）" + mismatch}, absent: []string{"PGh0", "<html>"}},
		{path: "eml/enmime-mime-bad-8bit-filename.eml", verdict: format.Partly, subject: "Malformed test", lines: []string{"Text part"},
			parts: []part{held("1", "管理.doc", format.HTML, format.TypeMismatch)},
			top:   []string{topLine}, notice: []string{"「管理.doc」（中身はHTML）" + mismatch}, absent: []string{"<html>", "multi-part message"}},
		{path: "eml/enmime-mime-bad-content-type.eml", verdict: format.Partly, subject: "Confirmation of Booking with easyHotel", lines: []string{"Thank you for booking with easyHotel."},
			parts: []part{held("1", "Invoice_302232133150612.pdf", format.PDF, format.Truncated)},
			top:   []string{topLine}, notice: []string{"「Invoice_302232133150612.pdf」（PDF）" + cutOff}, absent: []string{"%PDF-", "multi-part message"}},
		{path: "eml/enmime-mime-signed.eml", verdict: format.Rebuilt, subject: "Multipart Signed", found: "signature_stripped",
			lines: []string{"Section one", "Section two"}, notice: []string{saidSign, saidClear}, absent: []string{"PGP SIGNATURE", "iQIVAwUB"}},
		{path: "eml/enmime-mime-unquoted-tspecials-param.eml", verdict: format.Partly, subject: "Confirmation of Booking with easyHotel",
			lines: []string{"Thank you for booking with easyHotel.", "https://bookings.easyHotel.com/AccClient/MyInformation-MyBookings.asp", "We wish you a pleasant stay."},
			parts: []part{held("1", "Invoice_(302232133150612).pdf", format.PDF, format.Truncated)},
			top:   []string{topLine}, notice: []string{"「Invoice_(302232133150612).pdf」（PDF）" + cutOff}, absent: []string{"%PDF-"}},
		{path: "eml/enmime-unk-charset-part.eml", verdict: format.Partly, subject: "Attachment", lines: []string{"A text section"},
			parts: []part{held("1", "foo_9E5D72.zip", format.HTML, format.TypeMismatch)},
			top:   []string{topLine}, notice: []string{"「foo_9E5D72.zip」（中身はHTML）" + mismatch}, absent: []string{"<html>", lostChar}},
		{path: "eml/enmime-unk-encoding-part.eml", verdict: format.Partly, subject: "Attachment", lines: []string{"A text section"}, found: "mime_defect",
			parts: []part{held("1", "foo_9E5D72.zip", format.Unknown, format.Malformed)},
			top:   []string{topLine}, notice: []string{"「foo_9E5D72.zip」　壊れていて読めないため"}, absent: []string{"PGh0bWw"}},
		// An emoji of 15 pixels with a Content-ID: part of the text's look.
		{path: "eml/enmime-unknown-part-type.eml", verdict: format.Rebuilt, subject: "Emoji from Gmail", lines: []string{"A text section"},
			parts:  []part{{path: "1", name: "B05.gif", kind: format.GIF, verdict: format.Stripped}},
			notice: []string{"本文に埋め込まれた小さな画像１件を取り除きました。"}, absent: []string{"GIF89a", "R0lGOD"}},
		{path: "eml/mimekit-ukr.eml", verdict: format.Partly, subject: "rr test 7", lines: []string{"шостий", "RR Test 1"},
			parts: []part{held("1", "winmail.dat", format.TNEF, format.KindUnsupported)},
			top:   []string{topLine}, notice: []string{"「winmail.dat」（Outlookの添付ファイル", unsupported}, absent: []string{"\x78\x9f\x3e\x22", "eJ8+I", "IPM.Microsoft", lostChar}},
		{path: "eml/rspamd-broken_richtext.eml", verdict: format.Partly, subject: "Hi", lines: []string{"Hi"},
			parts: []part{held("1", "eicar.zip", format.Zip, format.KindUnsupported)},
			top:   []string{topLine}, notice: []string{"「eicar.zip」（ZIP）" + unsupported}, absent: []string{eicarMark, "UEsDB", "eicar.com"}},
		{path: "eml/rspamd-exe_attm.eml", verdict: format.Partly, subject: "test Sat, 26 Jan 2019 12:04:58 +0100", lines: []string{"This is a test mailing"},
			parts: []part{held("1", "hello_world.exe", format.Executable, format.KindBlocked)},
			top:   []string{topLine}, notice: []string{"「hello_world.exe」（プログラム）　受け取れない種類のため"}, absent: []string{"\x7fELF", "f0VMR"}},
		{path: "eml/rspamd-f.zip.gz.eml", verdict: format.Partly, subject: "", found: "body_empty",
			parts: []part{held("1", "f.zip.gz", format.Gzip, format.KindUnsupported)},
			top:   []string{topLine, topNoFrom}, notice: []string{"「f.zip.gz」（gz形式の圧縮ファイル）" + unsupported}, absent: []string{"H4sIC", "fake.exe"}},
		// The content of both is five characters of base64, no PDF.
		{path: "eml/rspamd-fname.eml", verdict: format.Partly, subject: "Fwd:", found: "body_empty mime_defect",
			parts: []part{
				held("1", "[삼성생명]2020.08.14 데일리 경제뉴스.pdf", format.Text, format.TypeMismatch),
				held("2", "01029_402110_10620_RGT06902_PRT180ML_20200803_101820.pdf", format.Text, format.TypeMismatch),
			},
			top: []string{topLine}, notice: []string{"「[삼성생명]2020.08.14 데일리 경제뉴스.pdf」", "「01029_402110_10620_RGT06902_PRT180ML_20200803_101820.pdf」", mismatch}, absent: []string{"yCvOy"}},
		// DECISIONS 7: what an invitation says is shown, the file is held.
		{path: "eml/rspamd-ics.eml", verdict: format.Partly, subject: "test Sat, 26 Jan 2019 12:04:58 +0100",
			lines: []string{"件名: http://test.com", "開始: 2019年11月22日 09:00（Europe/Moscow）", "終了: 2019年11月22日 10:00（Europe/Moscow）"},
			parts: []part{held("1", "test2.ics", format.ICS, format.KindUnsupported)},
			top:   []string{topLine}, notice: []string{"「test2.ics」（予定）" + unsupported}, absent: []string{"BEGIN:VCALENDAR", "QkVHSU46", "data-mce"}},
		{path: "eml/rspamd-pdf_js.eml", verdict: format.Rebuilt, subject: "test Sat, 26 Jan 2019 12:04:58 +0100", found: "body_empty",
			parts:  []part{rebuilt("1", "DynamicEmail_AcroForm.pdf", format.PDF, "DynamicEmail_AcroForm.pdf", "Planet PDF JavaScript Learning Center", "10/28/2004")},
			notice: []string{"１「DynamicEmail_AcroForm.pdf」　画像のPDFにしました（文字の検索とコピーができます）。", "（スクリプト）を取り除きました。", "入力欄は、見えているままの形で残しました。"},
			absent: []string{"/JavaScript", "ARTS PDF", "Distiller", "xap:CreatorTool"}},
		{path: "eml/rspamd-rar4.eml", verdict: format.Partly, subject: "", found: "body_empty",
			parts: []part{held("1", "f.rar", format.RAR, format.KindUnsupported)},
			top:   []string{topLine}, notice: []string{"「f.rar」（RAR形式の圧縮ファイル）" + unsupported}, absent: []string{"Rar!", "UmFyIR", "fake.exe"}},
		{path: "eml/rspamd-zip-doublebad.eml", verdict: format.Partly, subject: "", found: "body_empty",
			parts: []part{held("1", "f.zip", format.Zip, format.KindUnsupported)},
			top:   []string{topLine}, notice: []string{"「f.zip」（ZIP）" + unsupported}, absent: []string{"PK\x03\x04", "UEsDB", "fake.pdf.exe"}},
		// The content of LOGO.png is three bytes.
		{path: "eml/rubymail-email_with_similar_boundaries.eml", verdict: format.Partly, subject: "Xxxxxx", lines: []string{"Test"},
			parts: []part{held("1", "LOGO.png", format.Text, format.TypeMismatch)},
			top:   []string{topLine}, notice: []string{"「LOGO.png」（中身は文字だけのファイル）" + mismatch}, absent: []string{"SNIP", "DOCTYPE"}},
		{path: "eml/rubymail-raw_email_with_nested_attachment.eml", verdict: format.Partly, subject: "Testing attachments", found: "signature_stripped",
			lines: []string{"Here is a test of an attachment via email.", "- Jamis"},
			parts: []part{held("1", "truncated.png", format.PNG, format.Truncated)},
			top:   []string{topLine}, notice: []string{saidSign, "「truncated.png」（画像）　途中で切れているため"}, absent: []string{"iVBOR", "Fireworks", "xmpmeta", "smime.p7s", "Thawte"}},
		{path: "eml/zbateson-m2011.eml", verdict: format.Partly, subject: "Die Hasen und die Frösche", text: []string{hasen},
			parts: []part{held("1", "blueball.png", format.Unknown, format.KindUnsupported), held("2", "HasenundFrösche.txt", format.Unknown, format.KindUnsupported)},
			top:   []string{topLine}, notice: []string{"「blueball.png」" + unsupported, "「HasenundFrösche.txt」" + unsupported}, absent: []string{"BinHex", lostChar}},
		{path: "eml/zbateson-m3007.eml", verdict: format.Rebuilt, subject: "The Hare and the Tortoise",
			text: []string{"A HARE one day ridiculed the short feet and slow pace of the Tortoise", "Slow but steady wins the race."},
			parts: []part{
				rebuilt("1", "greenball.png", format.PNG, "greenball.png"),
				rebuilt("2", "blueball.png", format.PNG, "blueball.png"),
				rebuilt("3", "HasenundFrösche.txt", format.Text, "HasenundFrösche.txt", hasen, "unglücklicher sein müssen als wir."),
			},
			notice: []string{"「greenball.png」　画像を作り直しました。", "「HasenundFrösche.txt」　文字だけを取り出しました。"}, absent: []string{"clip2gif", "gif2png", "begin 600", lostChar}},
		// Called TNEF, but a PNG picture by content.
		{path: "eml/zbateson-m4006.eml", verdict: format.Rebuilt, subject: "Read: invitation", found: "body_empty",
			parts:  []part{rebuilt("1", "winmail.dat", format.PNG, "winmail.png")},
			notice: []string{saidNoBody, "「winmail.dat」　PNGの画像にしました（winmail.png）。"}, absent: []string{"clip2gif", "gif2png"}},
	}
}
