package format

// FindingText is what people read about a finding. An empty JA keeps it out of
// the recipient's notice; it still stands in the report and the record.
type FindingText struct {
	JA     string // a clause for the notice: 「追跡用の画像を取り除きました」
	EN     string
	Hazard bool // a danger that was removed, as opposed to a change of form
}

// findings is the one table of finding codes. A code that a format emits and
// that does not stand here fails the conformance suite.
var findings = map[string]FindingText{
	// HTML bodies and attachments (sanitize/hypertext)
	"html_script":           {"埋め込みのプログラム（スクリプト）を取り除きました", "script removed", true},
	"html_event_handler":    {"埋め込みのプログラム（スクリプト）を取り除きました", "event handler removed", true},
	"html_iframe":           {"埋め込みの別ページを取り除きました", "iframe removed", true},
	"html_object":           {"埋め込みオブジェクトを取り除きました", "embedded object removed", true},
	"html_form":             {"入力欄は文字だけにしました", "form turned into text", true},
	"html_svg":              {"埋め込みの図を取り除きました", "svg or math removed", true},
	"html_data_uri":         {"埋め込みのデータを取り除きました", "data URI removed", true},
	"html_meta_refresh":     {"別ページへの自動移動を取り除きました", "meta refresh removed", true},
	"html_base":             {"", "base URL ignored", false},
	"html_style_import":     {"", "style import removed", false},
	"html_remote_image":     {"外部の画像は読み込みません", "remote image not fetched", false},
	"html_tracking_pixel":   {"開封を知らせる追跡用の画像を取り除きました", "tracking pixel removed", true},
	"html_hidden_text":      {"見えないように隠された文字がありました", "hidden text marked", true},
	"html_css_text":         {"飾りの指定に書かれた文字がありました", "words written by a style", true},
	"html_reversed_text":    {"並びを逆にして見せる文字がありました", "text shown from right to left", true},
	"html_conditional_text": {"一部のメールソフトだけに見える文字がありました", "words in conditional comments", true},
	"html_style_unread":     {"見えない文字が混じっているおそれがあります", "a style that may hide text was not understood", false},
	"html_media":            {"音声や動画を取り除きました", "audio or video removed", true},
	"link_mismatch":         {"見かけと行き先の違うリンクがあります", "link target differs from its text", true},
	"html_deep_nesting":     {"", "deep nesting flattened", false},
	"html_invisible_chars":  {"目に見えない文字を取り除きました", "invisible characters removed", false},
	"html_password_field":   {"パスワードの入力欄がありました", "password field removed", true},
	"html_script_uri":       {"プログラムとして動くリンクを取り除きました", "script address removed", true},
	"html_template":         {"", "inert template removed", false},
	"html_unfinished_tag":   {"", "document ends inside a tag", false},
	"link_deceptive":        {"読み違えやすく作られたリンクがあります", "address built to be misread", true},
	"link_scheme":           {"開けない種類のリンクを取り除きました", "link scheme removed", true},
	"link_defanged":         {"リンクは押せない形にしました", "links defanged", false},

	// Text and charsets
	"charset_guessed":   {"", "charset guessed from the bytes", false},
	"charset_replaced":  {"読めない文字を、代わりの印に置き換えました", "undecodable characters replaced", false},
	"charset_lost":      {"文字コードにない文字を「〓」に置き換えました", "characters not in the chosen charset replaced", false},
	"csv_delimiter":     {"", "delimiter changed to a comma", false},
	"csv_sep_line":      {"", "sep= line dropped", false},
	"control_removed":   {"文字に紛れた制御文字を取り除きました", "control characters removed", true},
	"bidi_removed":      {"文字の並びを入れ替える制御文字を取り除きました", "bidi controls removed", true},
	"invisible_removed": {"目に見えない文字を取り除きました", "invisible characters removed", false},
	"csv_formula":       {"数式として動くおそれのある欄の先頭に印を付けました", "formula-like cells prefixed", true},
	"csv_ragged":        {"", "rows of different lengths", false},

	// Pictures
	"metadata_removed":    {"撮影場所などの付加情報を取り除きました", "metadata removed", true},
	"color_profile":       {"色の見え方が元と少し違うことがあります", "colour profile not applied", false},
	"color_differs":       {"色や文字が元と大きく違うことがあります", "colour tables or a film curve not applied", false},
	"color_converted":     {"", "colours brought to sRGB, profile removed", false},
	"depth_reduced":       {"色の細かさを１６ビットから８ビットにしました", "sixteen bits a colour reduced to eight", false},
	"trailing_data":       {"画像の後ろに付いた余分なデータを取り除きました", "trailing data removed", true},
	"orientation_applied": {"", "EXIF orientation applied", false},
	"animation_first":     {"動く画像は最初の１枚だけにしました", "first frame of an animation kept", false},
	"format_changed":      {"", "written in the nearest format", false},
	"fax_lines_lost":      {"ファクスの画像に、読めない行がありました", "damaged fax lines repeat the line above", false},
	"svg_script":          {"図に埋め込まれたプログラムを取り除きました", "script of a drawing removed", true},
	"svg_page":            {"図に埋め込まれた別のページを取り除きました", "page inside a drawing removed", true},
	"svg_remote":          {"図の外にある画像は読み込みません", "what a drawing refers to is not fetched", false},
	"svg_style":           {"図の見え方が元と違うことがあります", "drawing has styles that its engine does not read as browsers do", true},
	"icon_largest":        {"", "largest picture of an icon kept", false},
	"picture_truncated":   {"画像の途中から先がありません", "picture cut short", false},

	// PDF (sanitize/pdfread)
	"pdf_script":         {"文書に埋め込まれたプログラム（スクリプト）を取り除きました", "JavaScript removed", true},
	"pdf_action":         {"開いたときなどに自動で動く指示を取り除きました", "automatic action removed", true},
	"pdf_launch":         {"ほかのプログラムを起動する指示を取り除きました", "launch action removed", true},
	"pdf_attachment":     {"文書に添付されたファイルを取り除きました", "embedded file removed", true},
	"pdf_portfolio":      {"複数のファイルをまとめた文書のため、表紙のページだけを残しました", "files of a portfolio removed", true},
	"pdf_media":          {"音声、動画、立体の部品を取り除きました", "sound, movie or 3D removed", true},
	"pdf_xfa":            {"特別な形式（ＸＦＡ）の入力欄を取り除きました", "XFA form removed", true},
	"pdf_form":           {"入力欄は、見えているままの形で残しました", "form drawn as it looked", false},
	"pdf_layers":         {"表示を切り替える層は、見えているものだけを残しました", "layers drawn as they were shown", false},
	"pdf_outline":        {"しおりを取り除きました", "outline removed", false},
	"pdf_link":           {"リンクは押せない形にしました", "links made inactive", false},
	"pdf_annotation":     {"注釈は、見えているままの形で残しました", "annotations drawn as they looked", false},
	"annotation_missing": {"表示できない注釈がありました", "annotations without an appearance not drawn", false},
	"pdf_restrictions":   {"", "owner password and its restrictions dropped", false},
	"document_metadata":  {"作成者などの付加情報を取り除きました", "metadata removed", true},
	"font_substituted":   {"文書に含まれていない書体は、似た書体で描きました", "fonts that the document lacks were drawn with others", false},
	"document_repaired":  {"文書が壊れていたため、読み取れる部分から作り直しました", "table of objects was wrong; opened by what looks like objects", false},
	"content_truncated":  {"途中までしか読み取れないページがありました", "content of a page cut short", false},
	"glyph_missing":      {"書体がなく、表示できない文字がありました", "characters that no font has, or that something covers", false},
	"user_unit":          {"用紙の大きさが元と異なるページがあります", "user unit ignored: pages are as large as their points", false},
	"page_scaled":        {"大きなページは、細かさを落として描きました", "large page drawn more coarsely", false},
	"hidden_text":        {"目に見えない文字を、写せる文字から除きました", "text that nobody could see left out", true},
	"picture_missing":    {"読み取れない画像がありました", "unreadable picture on a page", false},
	"text_missing":       {"文字のないページがありました", "page without text", false},
	"text_differs":       {"文字の読み取り方により、内容が異なります", "two extractors read different text", true},

	// Mail
	"mime_defect":         {"", "MIME structure repaired", false},
	"body_rest":           {"本文の終わりの後に、読み取れない部分がありました", "words behind the end of base64 left out", true},
	"mime_preamble":       {"", "text outside the parts dropped", false},
	"signature_stripped":  {"電子署名は、作り直しにより取り除きました", "signature removed", false},
	"alternative_dropped": {"", "alternative body dropped", false},
	"alternative_more":    {"別の形の本文（ＨＴＭＬなど）には、ここにない言葉や数字がありました", "a form that is not shown says more", false},
	"alternative_differs": {"本文の形（文字とＨＴＭＬ）により、数字やアドレスが異なります。両方を載せました", "forms give other numbers or addresses", true},
	"inline_picture":      {"本文に埋め込まれた小さな画像を取り除きました", "small inline pictures removed", false},
	"uuencode_decoded":    {"", "uuencoded file taken out of the body", false},
	"receipt_request":     {"開封確認の要求を取り除きました", "read receipt request removed", true},
	"date_off":            {"送信日時が実際と大きくずれています", "Date far from the time of receipt", false},
	"date_missing":        {"送信日時の表示がないため、受け付けた日時を入れました", "no usable Date", false},
	"from_missing":        {"差出人の表示がありません", "no From", false},
	"from_many":           {"差出人の表示が二つ以上あります", "more than one From", true},
	"display_name":        {"差出人の名前が別のアドレスのように見せかけています", "display name imitates an address", true},
	"own_domain":          {"外部から届きましたが、庁内のアドレスを名乗っています", "outside mail with an own-domain From", true},
	"body_empty":          {"", "empty body", false},
	"body_unreadable":     {"本文を読み取れませんでした", "unreadable body", false},
	"name_changed":        {"", "file name made safe", false},
	"type_claim":          {"", "claimed type differs from content", false},
	"header_dropped":      {"", "header fields outside the allow-list dropped", false},
	"external_body":       {"", "external body reference removed", true},
}

// TextOf returns what people read about a finding code and whether it is known.
func TextOf(code string) (FindingText, bool) {
	t, ok := findings[code]
	return t, ok
}
