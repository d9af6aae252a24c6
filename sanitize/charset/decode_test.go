package charset

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

type decodeCase struct {
	name, label, in, want string
	charset               string // "" means the label is followed
	replaced              int
}

func runDecode(t *testing.T, cases []decodeCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Decode(c.label, []byte(c.in))
			if got.Text != c.want || got.Replaced != c.replaced {
				t.Errorf("Decode(%q, %q)\n got %q, %d replaced (%s)\nwant %q, %d replaced",
					c.label, c.in, got.Text, got.Replaced, got.Charset, c.want, c.replaced)
			}
			if c.charset != "" && got.Charset != c.charset {
				t.Errorf("charset %q, want %q", got.Charset, c.charset)
			}
		})
	}
}

// spec: g10 rfc1468
func TestDecodeISO2022JP(t *testing.T) {
	const l = "iso-2022-jp"
	runDecode(t, []decodeCase{
		{name: "plain", label: l, in: "\x1b$BF|K\\8l\x1b(B", want: "日本語"},
		{name: "ascii only", label: l, in: "Hello\r\n", want: "Hello\r\n", charset: l},
		{name: "NEC row 13", label: l, in: "\x1b$B-!-\"-#\x1b(B \x1b$B;n83\x1b(B (\x1b$B-j\x1b(B)", want: "①②③ 試験 (㈱)"},
		{name: "square units", label: l, in: "30\x1b$B-@\x1b(B x 45\x1b$B-A\x1b(B", want: "30㍉ x 45㌔"},
		{name: "NEC selected IBM", label: l, in: "\x1b$B\x7c\x62\x79\x75\x1b(B", want: "髙﨑"},
		{name: "IBM rows behind the grid", label: l, in: "\x1b$B\x97\x2c\x96\x21\x1b(B", want: "\u9ed1\ufa20"},
		{name: "IBM row 115", label: l, in: "\x1b$B\x93\x21\x93\x7e\x1b(B", want: "ⅰ墲"},
		{name: "kana escape", label: l, in: "\x1b(I6@6E\x1b(B to \x1b$B%+%J\x1b(B", want: "ｶﾀｶﾅ to カナ"},
		{name: "kana with quote and bracket bytes", label: l, in: "\x1b(I\x22\x36\x23\x1b(B", want: "｢ｶ｣"},
		{name: "SO SI kana", label: l, in: "\x0e\x4a\x5d\x36\x38\x0f ok", want: "ﾊﾝｶｸ ok"},
		{name: "SO ends at line end", label: l, in: "\x0e\x4a\x5d\r\nabc", want: "ﾊﾝ\r\nabc"},
		{name: "8-bit kana", label: l, in: "\x1b$BF|\x1b(B\xca\xdd\xb6\xb8", want: "日ﾊﾝｶｸ"},
		{name: "8-bit kana in two-byte mode", label: l, in: "\x1b$BF|\xca\xddK\\\x1b(B", want: "日ﾊﾝ本"},
		{name: "roman set is ASCII", label: l, in: "\x1b(J\\~\x1b(B", want: "\\~"},
		{name: "JIS C 6226", label: l, in: "\x1b$@F|K\\\x1b(J", want: "日本"},
		{name: "revision announcer", label: l, in: "\x1b&@\x1b$BF|K\\\x1b(B", want: "日本"},
		{name: "ESC ( H", label: l, in: "\x1b$BF|\x1b(Hok", want: "日ok"},
		{name: "JIS X 0212", label: "iso-2022-jp-1", in: "\x1b$(D\x30\x22\x1b(B", want: "丄"},
		{name: "JIS X 0208 by long form", label: l, in: "\x1b$(BF|\x1b(B", want: "日"},
		{name: "JIS X 0213 plane 1", label: "iso-2022-jp-2004", in: "\x1b$(Q\x2e\x21\x2d\x21\x2e\x22\x24\x77\x1b(B", want: "俱①𠀋か゚"},
		{name: "JIS X 0213 2000", label: "iso-2022-jp-3", in: "\x1b$(OF|K\\\x1b(B", want: "日本"},
		{name: "JIS X 0213 plane 2", label: "iso-2022-jp-2004", in: "\x1b$(P\x21\x21\x7e\x76\x1b(B", want: "𠂉𪚲"},
		{name: "GB 2312 in -jp-2", label: "iso-2022-jp-2", in: "\x1b$A0!\x1b(B", want: "啊"},
		{name: "KS X 1001 in -jp-2", label: "iso-2022-jp-2", in: "\x1b$(C0!\x1b(B", want: "가"},
		{name: "latin 1 in -jp-2", label: "iso-2022-jp-2", in: "caf\x1b.A\x1bNi", want: "café"},
		{name: "greek in -jp-2", label: "iso-2022-jp-2", in: "\x1b.F\x1bNa", want: "α"},
		{name: "vendor signs", label: l, in: "\x1b$B\x21\x41\x21\x5d\x21\x42\x21\x71\x21\x72\x22\x4c\x1b(B", want: "～－∥￠￡￢"},
		{name: "line end resets", label: l, in: "\x1b$BF|K\\\r\nabc", want: "日本\r\nabc"},
		{name: "bare LF resets", label: l, in: "\x1b$BF|K\\\nabc def", want: "日本\nabc def"},
		{name: "line end inside Japanese", label: l, in: "\x1b$B$3$s\r\n$K$A$O\x1b(B abc", want: "こん\r\nにちは abc"},
		{name: "price list after a reset is no Japanese", label: l, in: "\x1b$BF|K\\\r\n$12 $30", want: "日本\r\n$12 $30"},
		{name: "empty escapes", label: l, in: "\x1b$B\x1b(B\x1b$B\x1b$B;n83\x1b(B\x1b(B end", want: "試験 end"},
		{name: "cut inside a pair", label: l, in: "\x1b$BF|K", want: "日\uFFFD", replaced: 1},
		{name: "half a pair before the escape", label: l, in: "\x1b$BF|K\x1b(B<b>", want: "日\uFFFD<b>", replaced: 1},
		{name: "half a pair before the line end", label: l, in: "\x1b$BF|K\r\n<b>", want: "日\uFFFD\r\n<b>", replaced: 1},
		{name: "cut inside the escape", label: l, in: "ok \x1b$BF|\x1b(", want: "ok 日"},
		{name: "no character there", label: l, in: "\x1b$B\x29\x21F|\x1b(B", want: "\uFFFD日", replaced: 1},
		{name: "gaiji rows", label: l, in: "\x1b$B\x75\x21\x78\x7e\x7e\x7e\x1b(B", want: "\ue000\ue177\ue3ab"},
		{name: "space in two-byte mode", label: l, in: "\x1b$BF| K\\\x1b(B", want: "日 本"},
		{name: "terminal control is not ours", label: "us-ascii", in: "\x1b[31mred", want: "\x1b[31mred", charset: nameASCII},
		{name: "Shift_JIS between escapes", label: l, in: "\x1b$BF|K\\\x1b(B\r\n\x8e\x91\x97\xbf\x82\xc5\x82\xb7\r\n", want: "日本\r\n資料です\r\n"},
		{name: "UTF-8 between escapes", label: "utf-8", in: "\x1b$BF|K\\\x1b(B\r\n資料です\r\n", want: "日本\r\n資料です\r\n", charset: l},
		{name: "no label", in: "\x1b$BF|K\\8l\x1b(B", want: "日本語", charset: l},
		{name: "label utf-8", label: "utf-8", in: "Re: \x1b$BF|K\\8l\x1b(B", want: "Re: 日本語", charset: l},
		{name: "label shift_jis", label: "shift_jis", in: "\x1b$BF|K\\8l\x1b(B", want: "日本語", charset: l},
		{name: "label windows-1252", label: "windows-1252", in: "\x1b$BF|K\\8l\x1b(B", want: "日本語", charset: l},
		{name: "escapes lost", label: l, in: "$B2q5D;qNA(B", want: "会議資料", charset: l},
		{name: "escapes lost twice", label: l, in: "Re: $B2q5D(B (2) $B;qNA(J.", want: "Re: 会議 (2) 資料."},
		{name: "escapes lost, no label", in: "$B$*CN$i$;(B", want: "お知らせ", charset: l},
		{name: "a price is no escape", label: l, in: "$BUY NOW(B", want: "$BUY NOW(B"},
		{name: "kanji alone do not convince without label", in: "$B2q5D(B", want: "$B2q5D(B", charset: nameASCII},
		{name: "what has no end is no run", label: l, in: "$B2q5D(B $Bab c(B$Babc(B", want: "会議 $Bab c(B$Babc(B"},
		{name: "one bad run and nothing is repaired", label: l, in: "$B2q5D(B $B)!)!(B", want: "$B2q5D(B $B)!)!(B"},
		{name: "ISO-2022-KR", label: "iso-2022-kr", in: "\x1b$)C\x0e0!3*\x0f ok", want: "가나 ok"},
		{name: "ISO-2022-KR without label", in: "\x1b$)C\x0e0!3*\x0f ok", want: "가나 ok", charset: "iso-2022-kr"},
		{name: "ISO-2022-CN", label: "iso-2022-cn", in: "\x1b$)A\x0e0!\x0f ok", want: "啊 ok"},
		{name: "ISO-2022-CN, Taiwan", label: "iso-2022-cn", in: "\x1b$)G\x0e0!\x0f ok", want: "\uFFFD ok", replaced: 1},
	})
}

// spec: g10
func TestDecodeShiftJIS(t *testing.T) {
	runDecode(t, []decodeCase{
		{name: "three placements of vendor characters", label: "cp932", in: "\x87\x40\x87\x8a\xee\xe0\xed\x95\xfb\xfc\xfa\xb1", want: "①㈱髙﨑髙﨑"},
		{name: "trail bytes in ASCII", label: "shift_jis", in: "\x97\x5c\x8e\x5a\x95\x5c\x83\x5c\x94\x5c", want: "予算表ソ能"},
		{name: "vendor signs", label: "windows-31j", in: "\x81\x60\x81\x7c\x81\x61\x81\x91", want: "～－∥￠"},
		{name: "half-width kana", label: "sjis", in: "\xca\xdd\xb6\xb8", want: "ﾊﾝｶｸ"},
		{name: "backslash and tilde", label: "shift_jis", in: "C:\\\x95\x5c~", want: "C:\\表~"},
		{name: "first and last gaiji", label: "cp932", in: "\x93\xfa\x96\x7b\x82\xcc\xf0\x40\xf9\xfc\x82\xa0\x82\xa2", want: "日本の\ue000\ue757あい"},
		{name: "broken lead does not eat a bracket", label: "shift_jis", in: "\x82\xa0\x82<b>\x82\xa2", want: "あ\uFFFD<b>い", replaced: 1},
		{name: "broken lead does not eat a line end", label: "shift_jis", in: "\x82\xa0\x82\r\n\x82\xa2", want: "あ\uFFFD\r\nい", replaced: 1},
		{name: "code without character keeps its ASCII half", label: "shift_jis", in: "\x82\xa0\x82\xa2\x85\x41\x82\xa4", want: "あい\uFFFDAう", replaced: 1},
		{name: "cut", label: "shift_jis", in: "\x82\xa0\x82\xa2\x82", want: "あい\uFFFD", replaced: 1},
		{name: "bytes of no use", label: "shift_jis", in: "\x82\xa0\x80\xa0\xfd\xff\x82\xa2", want: "あ\uFFFD\uFFFD\uFFFD\uFFFDい", replaced: 4},
		{name: "file with Ctrl-Z", in: "\x89\xef\x8bc\x0c\x1a", want: "会議\x0c\x1a", charset: nameShiftJIS},
		{name: "no label", in: "\x94\x5b\x95\x69\x88\xea\x97\x97\x81\x46\xed\x94", want: "納品一覧：嵓", charset: nameShiftJIS},
		{name: "label us-ascii", label: "us-ascii", in: "\x82\xb7\x82\xdd\x82\xdc\x82\xb9\x82\xf1\x81\x42", want: "すみません。", charset: nameShiftJIS},
		{name: "label iso-8859-1", label: "iso-8859-1", in: "\x82\xb7\x82\xdd\x82\xdc\x82\xb9\x82\xf1\x81\x42", want: "すみません。", charset: nameShiftJIS},
		{name: "label utf-8", label: "utf-8", in: "\x82\xb7\x82\xdd\x82\xdc\x82\xb9\x82\xf1\x81\x42", want: "すみません。", charset: nameShiftJIS},
		{name: "label iso-2022-jp", label: "iso-2022-jp", in: "\x8e\x91\x97\xbf", want: "資料", charset: nameShiftJIS},
		{name: "label windows-1251", label: "windows-1251", in: "\x82\xb7\x82\xdd\x82\xdc\x82\xb9\x82\xf1\x81\x42", want: "すみません。", charset: nameShiftJIS},
	})
}

// spec: g10
func TestDecodeEUCJP(t *testing.T) {
	runDecode(t, []decodeCase{
		{name: "plain", label: "euc-jp", in: "\xc6\xfc\xcb\xdc\xb8\xec", want: "日本語"},
		{name: "NEC row 13", label: "cp51932", in: "\xad\xa1\xad\xea", want: "①㈱"},
		{name: "half-width kana", label: "euc-jp", in: "\xc6\xfc\x8e\xca\x8e\xdd", want: "日ﾊﾝ"},
		{name: "JIS X 0212", label: "euc-jp", in: "\xc6\xfc\x8f\xb0\xa1", want: "日丂"},
		{name: "NEC selected IBM", label: "euc-jp", in: "\xc6\xfc\xfc\xe2", want: "日髙"},
		{name: "eucJP-ms IBM", label: "eucjp-ms", in: "\xc6\xfc\x8f\xf3\xf3\x8f\xf4\xaa\x8f\xf4\xab\x8f\xf4\xac\x8f\xf4\xae\x8f\xf4\xfe", want: "日ⅰ＂㈱№炻黑"},
		{name: "eucJP-ms gaiji", label: "eucjp-ms", in: "\xc6\xfc\xcb\xdc\xa4\xce\xf5\xa1\x8f\xf5\xa1\x8f\xfe\xfe", want: "日本の\ue000\ue3ac\ue757"},
		{name: "broken lead does not eat a bracket", label: "euc-jp", in: "\xa4\xa2\xa4<b>\xa4\xa4", want: "あ\uFFFD<b>い", replaced: 1},
		{name: "broken third set", label: "euc-jp", in: "\xa4\xa2\xa4\xa4\x8f\xb0<", want: "あい\uFFFD\uFFFD<", replaced: 2},
		{name: "no label", in: "\xc6\xfc\xcb\xdc\xb8\xec", want: "日本語", charset: nameEUCJP},
		{name: "label shift_jis", label: "shift_jis", in: "\xa4\xb9\xa4\xdf\xa4\xde\xa4\xbb\xa4\xf3\xa1\xa3", want: "すみません。", charset: nameEUCJP},
		{name: "label iso-2022-jp", label: "iso-2022-jp", in: "\xa4\xb9\xa4\xdf\xa4\xde\xa4\xbb\xa4\xf3\xa1\xa3", want: "すみません。", charset: nameEUCJP},
		{name: "label utf-8", label: "utf-8", in: "\xa4\xb9\xa4\xdf\xa4\xde\xa4\xbb\xa4\xf3\xa1\xa3", want: "すみません。", charset: nameEUCJP},
		{name: "label euc-jp on Shift_JIS", label: "euc-jp", in: "\x82\xb7\x82\xdd\x82\xdc\x82\xb9\x82\xf1\x81\x42", want: "すみません。", charset: nameShiftJIS},
	})
}

func TestDecodeUnicode(t *testing.T) {
	runDecode(t, []decodeCase{
		{name: "utf-8", label: "UTF8", in: "日本語", want: "日本語", charset: nameUTF8},
		{name: "byte order mark", label: "shift_jis", in: "\xef\xbb\xbf日本", want: "日本", charset: nameUTF8},
		{name: "cut character", label: "utf-8", in: "日本\xe8\xaa", want: "日本\uFFFD", replaced: 1},
		{name: "cut character without label", in: "日本\xe8\xaa", want: "日本\uFFFD", charset: nameUTF8, replaced: 1},
		{name: "maximal subparts", label: "utf-8", in: "日本語日本語日本語\xf0\x90\x80<\xe3\x81<\xc3<\x80<", want: "日本語日本語日本語\uFFFD<\uFFFD<\uFFFD<\uFFFD<", replaced: 4},
		{name: "overlong slash", label: "utf-8", in: "日本語日本語日本語日本語日本語日本語日本語\xc0\xaf", want: "日本語日本語日本語日本語日本語日本語日本語\uFFFD\uFFFD", replaced: 2},
		{name: "CESU-8 pair", label: "utf-8", in: "日本\xed\xa1\x82\xed\xbe\xb7", want: "日本𠮷"},
		{name: "lone surrogate", label: "utf-8", in: "日本語日本語日本語日本語\xed\xa0\x80x", want: "日本語日本語日本語日本語\uFFFDx", replaced: 1},
		{name: "real U+FFFD is not counted", label: "utf-8", in: "日\uFFFD本", want: "日\uFFFD本"},
		{name: "label shift_jis on UTF-8", label: "shift_jis", in: "会議", want: "会議", charset: nameUTF8},
		{name: "label euc-jp on UTF-8", label: "euc-jp", in: "会議", want: "会議", charset: nameUTF8},
		{name: "label iso-2022-jp on UTF-8", label: "iso-2022-jp", in: "会議資料", want: "会議資料", charset: nameUTF8},
		{name: "label latin1 on UTF-8", label: "latin1", in: "会議", want: "会議", charset: nameUTF8},
		{name: "label gb2312 on UTF-8", label: "gb2312", in: "会議資料", want: "会議資料", charset: nameUTF8},
		{name: "utf-8 label on windows-1252", label: "utf-8", in: "caf\xe9 au lait", want: "café au lait", charset: nameLatin},
		{name: "UTF-16LE mark", in: "\xff\xfeO\x81\xa0R", want: "腏加", charset: nameUTF16LE},
		{name: "UTF-16BE mark", label: "us-ascii", in: "\xfe\xff\x00a\x65\xe5\x67\x2c", want: "a日本", charset: nameUTF16BE},
		{name: "UTF-16 by label", label: "utf-16", in: "\x65\xe5\x67\x2c\x8a\x9e\x00\n", want: "日本語\n", charset: nameUTF16BE},
		{name: "UTF-16LE by label, no zero", label: "utf-16le", in: "\x53\x30\x93\x30\x6b\x30\x61\x30\x6f\x30", want: "こんにちは"},
		{name: "UTF-16LE by zeros", in: "n\x00a\x00m\x00e\x00,\x00\xe5\x65\x2c\x67\r\x00\n\x00", want: "name,日本\r\n", charset: nameUTF16LE},
		{name: "UTF-16BE by zeros", in: "\x30\x53\x30\x93\x30\x6b\x30\x61\x30\x6f\x00\r\x00\n", want: "こんにちは\r\n", charset: nameUTF16BE},
		{name: "UTF-16LE by kana alone", in: "\x53\x30\x93\x30\x6b\x30\x61\x30\x6f\x30", want: "こんにちは", charset: nameUTF16LE},
		{name: "UTF-16 odd byte", in: "\xff\xfea\x00b", want: "a\uFFFD", charset: nameUTF16LE, replaced: 1},
		{name: "UTF-16 lone surrogate", in: "\xfe\xff\xd8\x42\x00a", want: "\uFFFDa", charset: nameUTF16BE, replaced: 1},
		{name: "UTF-16 pair", in: "\xfe\xff\xd8\x42\xdf\xb7\x00a", want: "𠮷a", charset: nameUTF16BE},
		{name: "UTF-16 label on ASCII", label: "utf-16", in: "plain text", want: "plain text", charset: nameASCII},
		{name: "UTF-16 by label, kanji only", label: "utf-16", in: "\x4f\x1a\x8b\x70", want: "会議", charset: nameUTF16BE},
		{name: "UTF-16 label on UTF-8", label: "utf-16", in: "会議資料です", want: "会議資料です", charset: nameUTF8},
		{name: "UTF-32LE mark", in: "\xff\xfe\x00\x00\xe5\x65\x00\x00\xb7\x0b\x02\x00", want: "日𠮷", charset: nameUTF32LE},
		{name: "UTF-32BE by zeros", in: "\x00\x00\x65\xe5\x00\x00\x67\x2c\x00\x00\x00\n", want: "日本\n", charset: nameUTF32BE},
		{name: "a NUL makes no UTF-16", in: "abc\x00def, plain text", want: "abc\x00def, plain text", charset: nameASCII},
		{name: "UTF-7", label: "utf-7", in: "+ZeVnLIqe- Hi +AGEAYg-c", want: "日本語 Hi abc", charset: nameUTF7},
		{name: "UTF-7 plus", label: "unicode-1-1-utf-7", in: "1 +- 1 +AD0- 2", want: "1 + 1 = 2"},
		{name: "UTF-7 closes without minus", label: "utf-7", in: "+ZeVnLA.+ZeU", want: "日本.日"},
		{name: "UTF-7 plus as people write it", label: "utf-7", in: "a+b, c++, +", want: "a+b, c++, +"},
		{name: "UTF-7 surrogates", label: "utf-7", in: "+2ELftw- +2EI-", want: "𠮷 \uFFFD", replaced: 1},
		{name: "UTF-7 script becomes text", label: "utf-7", in: "+ADw-script+AD4-", want: "<script>"},
		{name: "UTF-7 label on 8-bit", label: "utf-7", in: "会議", want: "会議", charset: nameUTF8},
		{name: "no UTF-7 without label", in: "+ZeVnLIqe-", want: "+ZeVnLIqe-", charset: nameASCII},
	})
}

func TestDecodeOtherCharsets(t *testing.T) {
	cases := []struct {
		label, charset, text string
		enc                  encoding.Encoding
	}{
		{"gb2312", "gb18030", "您好，附件是会议资料，请查收。", simplifiedchinese.GBK},
		{"gb18030", "gb18030", "您好，附件是会议资料，请查收。", simplifiedchinese.GB18030},
		{"GBK", "gb18030", "日本語のファイルです", simplifiedchinese.GBK},
		{"hz-gb-2312", nameHZ, "您好", simplifiedchinese.HZGB2312},
		{"big5", "big5", "您好，附件是會議資料，請查收。", traditionalchinese.Big5},
		{"euc-kr", "euc-kr", "안녕하세요. 회의 자료입니다.", korean.EUCKR},
		{"ks_c_5601-1987", "euc-kr", "안녕하세요. 회의 자료입니다.", korean.EUCKR},
		{"koi8-r", "koi8-r", "Здравствуйте, это файл", charmap.KOI8R},
		{"koi8-u", "koi8-u", "Привіт, це файл", charmap.KOI8U},
		{"windows-1251", "windows-1251", "Здравствуйте, это файл", charmap.Windows1251},
		{"iso-8859-5", "iso-8859-5", "Здравствуйте", charmap.ISO8859_5},
		{"windows-1250", "windows-1250", "Příliš žluťoučký kůň", charmap.Windows1250},
		{"iso-8859-2", "iso-8859-2", "Příliš žluťoučký kůň", charmap.ISO8859_2},
		{"windows-1253", "windows-1253", "Καλημέρα", charmap.Windows1253},
		{"windows-874", "windows-874", "สวัสดีครับ", charmap.Windows874},
		{"iso-8859-15", "iso-8859-15", "10 €", charmap.ISO8859_15},
		{"latin1", nameLatin, "Die Hasen klagten über ihre mißliche Lage", charmap.Windows1252},
		{"cp1252", nameLatin, "“déjà vu” – œuvre", charmap.Windows1252},
		{"ibm850", "ibm850", "déjà vu", charmap.CodePage850},
	}
	for _, c := range cases {
		t.Run(c.label, func(t *testing.T) {
			in, ok := encoded(t, c.enc, c.text)
			if !ok {
				t.Fatalf("sample cannot be written in %s", c.label)
			}
			got := Decode(c.label, in)
			want := Result{Text: c.text, Charset: c.charset, Label: c.label}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestTablesAgree compares every assigned cell read through the three encodings.
func TestTablesAgree(t *testing.T) {
	table := tables()
	seen := 0
	for row := 1; row <= 94; row++ {
		for cell := 1; cell <= 94; cell++ {
			r := table.jis0208(row, cell)
			if r == 0 {
				continue
			}
			seen++
			lead, trail := shiftJISPair(row, cell)
			want, jis := string(r), []byte{esc, '$', 'B', byte(0x20 + row), byte(0x20 + cell), esc, '(', 'B'}
			for label, in := range map[string][]byte{
				nameShiftJIS: {lead, trail}, nameEUCJP: {byte(0xa0 + row), byte(0xa0 + cell)}, name2022JP: jis,
			} {
				w := writer{}
				if (codec{name: label}).decode(&w, in); string(w.out) != want {
					t.Fatalf("row %d cell %d by %s: %q, want %q", row, cell, label, w.out, want)
				}
			}
		}
	}
	if want := 6879 + 83 + 374; seen != want { // JIS X 0208, NEC row 13, NEC selected IBM
		t.Errorf("%d characters, want %d", seen, want)
	}
	if len(table.msIBM()) != 106 {
		t.Errorf("eucJP-ms adds %d characters, want 106", len(table.msIBM()))
	}
}

func TestShiftJISCellInverts(t *testing.T) {
	for row := 1; row <= rowsCP932; row++ {
		for cell := 1; cell <= cellsPerRow; cell++ {
			r, c, ok := shiftJISCell(shiftJISPair(row, cell))
			if !ok || r != row || c != cell {
				t.Fatalf("row %d cell %d came back as %d %d %v", row, cell, r, c, ok)
			}
		}
	}
}

// wrongLabels are those under which Japanese text arrives in practice.
var wrongLabels = []string{"", "us-ascii", "iso-8859-1", "windows-1252", "x-unknown", "iso-2022-jp", "utf-7", "iso-8859-15", "utf-8"}

// spec: g10
func TestWrongLabelsDoNotHarm(t *testing.T) {
	for _, label := range wrongLabels {
		for _, c := range japaneseCharsets {
			for _, s := range append(shortSamples, sketchSamples...) {
				in, ok := encoded(t, c.enc, s)
				if !ok || label == nameUTF8 && c.name == nameEUCJP && tallyUTF8(in).bad == 0 {
					continue // 町 in EUC-JP is a letter in UTF-8, and so says the label
				}
				if got := Decode(label, in); got.Text != s {
					t.Errorf("%s under label %q: %q, want %q", c.name, label, got.Text, s)
				}
			}
		}
	}
}

func TestJapaneseLabelsMixedUp(t *testing.T) {
	text := "下記のとおり会議を開催しますので、ご出席ください。"
	for _, label := range []string{"shift_jis", "euc-jp", "iso-2022-jp", "utf-8", "utf-16", "big5", "euc-kr", "windows-1251", "koi8-r", "macintosh"} {
		for _, c := range japaneseCharsets {
			in, _ := encoded(t, c.enc, text)
			if got := Decode(label, in); got.Text != text {
				t.Errorf("%s under label %q: %q", c.name, label, got.Text)
			}
		}
	}
}

func TestDecodeIsLongAsAllowed(t *testing.T) {
	for _, in := range []string{"\xff", "\x1b$B!", strings.Repeat("\xb1", 100), strings.Repeat("+AGE-", 100)} {
		for _, label := range []string{"shift_jis", "euc-jp", "utf-8", "utf-7", "iso-2022-jp", "koi8-r", "big5", ""} {
			if got := Decode(label, []byte(in)); len(got.Text) > 4*len(in)+16 {
				t.Errorf("%q as %s: %d bytes", in, label, len(got.Text))
			}
		}
	}
}
