package sanitize

import "sekisho/sanitize/format"

// Words that several rows share.
const (
	topLine    = "【無害化済み】"
	topNoFrom  = "【ご注意】差出人の表示がありません。"
	saidClear  = "危険因子は見つかりませんでした。"
	saidSign   = "電子署名は、作り直しにより取り除きました。"
	saidNoBody = "届いたメールにはありませんでした。"
	eicarMark  = "EICAR-STANDARD-ANTIVIRUS-TEST-FILE"
	lostChar   = "\uFFFD"
	bugsText   = "資料を送ります。ご確認ください。"
)

// held is a part of which nothing is delivered.
func held(path, name string, k format.Kind, r format.Reason) part {
	return part{path: path, name: name, kind: k, reason: r}
}

// rebuilt is a part that is delivered as a new file.
func rebuilt(path, name string, k format.Kind, output string, text ...string) part {
	return part{path: path, name: name, kind: k, verdict: format.Rebuilt, output: output, text: text}
}

// bugMailRows are mails written after public bug reports; MANIFEST.tsv names
// them.
func bugMailRows() []corpusRow {
	return []corpusRow{
		{path: "bugs/double-extensions.eml", verdict: format.Partly, subject: "double", text: []string{bugsText},
			parts: []part{
				held("1", "list.pdf.js", format.Text, format.KindBlocked),
				rebuilt("2", "list.txt", format.Text, "list.txt", "plain text list.txt"),
				held("3", "list.xlsx.lnk", format.Text, format.KindBlocked),
				held("4", "list.doc.vbs", format.Text, format.KindBlocked),
			},
			top:    []string{topLine},
			notice: []string{"「list.pdf.js」　受け取れない種類のため", "「list.xlsx.lnk」　受け取れない種類のため", "「list.doc.vbs」　受け取れない種類のため", "お願い　１、３、４"},
			absent: []string{"plain text list.pdf.js", "plain text list.xlsx.lnk", "plain text list.doc.vbs"}},
		{path: "bugs/duplicate-mime-version.eml", verdict: format.Rebuilt, subject: "dup", lines: []string{"重複ヘッダの本文"}, notice: []string{saidClear}},
		{path: "bugs/exe-named-pdf.eml", verdict: format.Partly, subject: "mangled", text: []string{bugsText},
			parts:  []part{held("1", "invoice.pdf", format.Text, format.TypeMismatch)},
			top:    []string{topLine},
			notice: []string{"「invoice.pdf」（中身は文字だけのファイル）　名前と中身の種類が合わないため、お預かりしています。"},
			absent: []string{"placeholder"}},
		{path: "bugs/filename-inside-other-param.eml", verdict: format.Partly, subject: "param", text: []string{bugsText},
			parts: []part{held("1", "real.exe", format.Text, format.KindBlocked)},
			top:   []string{topLine}, notice: []string{"「real.exe」　受け取れない種類のため"},
			absent: []string{"placeholder", "safe.txt", "wrong.txt"}},
		{path: "bugs/html-image-link.eml", verdict: format.Rebuilt, subject: "imglink", found: "link_mismatch html_remote_image",
			text:   []string{"申請ボタン", "https://form.example.jp/apply?id=5", "bank[.]example[.]net", "town[.]example[.]jp"},
			top:    []string{topLine, "【ご注意】見かけと行き先の違うリンクがあります。"},
			notice: []string{"見かけと行き先の違うリンクがあります。", "「hxxp」と「[.]」の形に書き換えました。", "外部の画像は読み込みません。"},
			absent: []string{"img.example.jp", "https://bank.example.net", "https://town.example.jp", "<a ", "<p>"}},
		{path: "bugs/html-style-and-nested-div.eml", verdict: format.Rebuilt, subject: "style", found: "html_script",
			lines: []string{"お知らせ本文"}, notice: []string{"埋め込みのプログラム（スクリプト）を取り除きました。"},
			absent: []string{"color:red", "font-face", "hidden_text", "<div", "\n\n\n"}},
		{path: "bugs/html-table.eml", verdict: format.Rebuilt, subject: "table",
			lines: []string{"課 | 内線", "総務課 | 101", "税務課 | 202"}, notice: []string{saidClear}, absent: []string{"<td", "<tr"}},
		{path: "bugs/jis-empty-escapes.eml", verdict: format.Rebuilt, subject: "esc", lines: []string{"試験 end"}, notice: []string{saidClear}, absent: []string{lostChar, "\x1b"}},
		{path: "bugs/jis-halfwidth-kana.eml", verdict: format.Rebuilt, subject: "kana", lines: []string{"ｶﾀｶﾅ to カナ"}, notice: []string{saidClear}, absent: []string{lostChar, "\x1b"}},
		{path: "bugs/jis-nec-row13.eml", verdict: format.Rebuilt, subject: "nec", lines: []string{"①②③ 試験 (㈱)"}, notice: []string{saidClear}, absent: []string{lostChar, "\x1b"}},
		{path: "bugs/jis-q-words-cut-in-shift.eml", verdict: format.Rebuilt, subject: "【至急】住民説明会の会場変更について", lines: []string{"本文です。"}, notice: []string{saidClear}, absent: []string{lostChar}},
		{path: "bugs/jis-quoted-printable.eml", verdict: format.Rebuilt, subject: "qp", lines: []string{"Request: 担当者名＝未定です。"}, notice: []string{saidClear}, absent: []string{lostChar, "=1B"}},
		{path: "bugs/jis-square-miri.eml", verdict: format.Rebuilt, subject: "miri", lines: []string{"30㍉ x 45㌔"}, notice: []string{saidClear}, absent: []string{lostChar}},
		{path: "bugs/nested-120-levels.eml", verdict: format.Held, reason: format.LimitDepth},
		{path: "bugs/sjis-text-attachment.eml", verdict: format.Rebuilt, subject: "sjis", text: []string{bugsText},
			parts:  []part{rebuilt("1", "list.txt", format.Text, "list.txt", "納品一覧：髙橋商店、﨑山工業、①号車\n")},
			notice: []string{saidClear, "「list.txt」　文字だけを取り出しました。"}, absent: []string{lostChar}},
		// The bytes after DATA as one mail: what follows the bare "." is text.
		{path: "bugs/smtp-crlf-dot-lf.raw", verdict: format.Rebuilt, subject: "outer2",
			lines: []string{"first mail body", "MAIL FROM:<forged@example.net>", "Subject: smuggled", "second mail"}, notice: []string{saidClear}},
	}
}
