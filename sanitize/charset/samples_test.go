package charset

import (
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
)

// sketchSamples are the six texts with which detectors were compared before this package was written.
var sketchSamples = []string{
	"令和七年度の予算編成方針について、通知します。①㈱みどり商事 髙橋", "お世話になります。", "会議", "資料", "ｶﾅ ﾃｽﾄ", "田中",
}

// shortSamples are subjects, names, file names and phrases as they arrive at a town office.
var shortSamples = []string{
	"令和7年度当初予算編成方針について（通知）", "会議資料の送付について", "【重要】住民説明会の日程変更", "Re: 見積書の件",
	"お世話になっております。", "よろしくお願いいたします。", "ご確認ください", "はい", "了解しました", "添付ファイルをご確認ください。",
	"至急", "照会", "回答", "議事録", "請求書", "見積書", "納品書", "契約書", "仕様書", "要綱", "起案", "決裁", "供覧",
	"田中太郎", "佐藤花子", "鈴木 一郎", "高橋", "髙橋", "伊藤", "渡邊", "渡辺", "山本", "中村", "小林", "加藤", "吉田", "山﨑",
	"齋藤", "斉藤", "濱田", "松本", "井上", "木村", "清水", "林", "森", "原", "橋本", "阿部", "池田",
	"総務課", "税務課", "住民課", "福祉課", "建設課", "教育委員会", "議会事務局", "情報政策課", "みどり町", "みどり町役場", "東京都",
	"北海道", "大阪府", "鹿児島県", "沖縄県", "国土交通省", "総務省", "株式会社みどり商事", "㈱みどり商事", "（株）山田工務店",
	"予算表.xlsx", "会議資料.pdf", "様式第1号.docx", "能力表.csv", "ソフト一覧.txt", "第３回委員会.zip", "名簿（最新版）.xls",
	"領収書_2025.pdf", "写真1.jpg", "申請書(新).doc", "★重要★", "①号車", "②③④", "令和７年４月１日", "平成三十年", "１２３４５",
	"ＡＢＣ", "テスト", "テストメール", "メール", "ファイル", "データ", "サーバー", "システム", "パスワード", "アンケート", "ホームページ",
	"カタカナ", "ひらがな", "ありがとうございます", "すみません。", "こんにちは", "さようなら", "あ", "い", "ア", "日", "本", "町",
	"ﾃｽﾄ", "ｶﾀｶﾅ", "ﾀﾅｶ ﾀﾛｳ", "ｽｽﾞｷ", "ﾃﾞｰﾀ", "ﾊﾝｶｸ ｶﾅ", "ﾌｧｲﾙ", "ｼｽﾃﾑ", "(ｶ)ﾐﾄﾞﾘｼｮｳｼﾞ",
	"PDFファイル", "Excel表", "Webサイト", "ID番号", "A4用紙", "FAX送信票", "DX推進", "JIS規格", "IT化", "3月の予定", "10月5日（金）",
	"「国勢調査」の件", "－通知－", "～お知らせ～", "※注意", "〒999-0000", "電話：03-0000-0000", "担当：総務課　田中", "以上", "追伸",
	"・項目一\r\n・項目二\r\n", "平素より大変お世話になっております。\r\nみどり町総務課の田中です。\r\n",
	"下記のとおり会議を開催しますので、ご出席ください。\r\n\r\n記\r\n１　日時　令和７年５月１日\r\n２　場所　第一会議室\r\n",
	"<html><body>お知らせ</body></html>", "氏名,住所\r\n田中,みどり町1-2-3\r\n", "㍉ ㌔ ㎡ ㏍ № ℡", "ⅠⅡⅢ ⅰⅱⅲ", "纊褜鍈銈蓜",
	"表示能力ソ十構貼暴予欺噂", "ミ曖Ы",
}

var japaneseCharsets = []struct {
	name string
	enc  encoding.Encoding
}{
	{nameUTF8, encoding.Nop}, {nameShiftJIS, japanese.ShiftJIS}, {nameEUCJP, japanese.EUCJP}, {name2022JP, japanese.ISO2022JP},
}

// encoded returns s in the charset; ok is false if that has no code for it.
func encoded(t testing.TB, enc encoding.Encoding, s string) ([]byte, bool) {
	t.Helper()
	b, err := enc.NewEncoder().Bytes([]byte(s))
	return b, err == nil
}

// westernSamples must stay readable although every one of them has bytes that make up a Shift_JIS or EUC-JP character.
var westernSamples = []string{
	"café", "résumé", "Müller", "Größe", "Grüße aus Köln", "naïve", "señor", "Ångström", "don’t", "it’s", "“Hello”", "‘x’",
	"François", "Ça va très bien", "à bientôt", "crème brûlée", "Übergröße", "São Paulo", "coração", "über", "Zürich",
	"déjà vu", "garçon", "fiancée", "El Niño", "¿Qué?", "mañana", "Malmö", "smörgåsbord", "Søren", "Ærø", "Þór", "10 €", "© 2025",
	"5 £", "25 °C", "½ cup", "« oui »", "A – B", "wait…", "Motörhead", "Citroën", "Beyoncé", "touché!", "über-café",
	"Die Hasen klagten einst über ihre mißliche Lage", "L’été est arrivé, où êtes-vous ?",
	"Müller & Söhne", "Straße", "Éric", "Noël",
}
