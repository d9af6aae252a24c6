package charset

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
	"pgregory.net/rapid"
)

// spec: g10
func TestDecodeHeader(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"plain", "Hello, world", "Hello, world"},
		{"empty", "", ""},
		{"folded", "Hello,\r\n world\r\n", "Hello, world"},
		{"folded by tab", "Hello,\r\n\tworld", "Hello, world"},
		{"one word", "=?UTF-8?B?44G+44G/44KA44KB44KC?=", "まみむめも"},
		{"lower case", "=?utf-8?b?44G+44G/44KA44KB44KC?=", "まみむめも"},
		{"Q", "=?UTF-8?Q?=E4=BC=9A=E8=AD=B0_1?=", "会議 1"},
		{"Q with small digits", "=?UTF-8?q?=e4=bc=9a=e8=ad=b0?=", "会議"},
		{"text around", "Re: =?UTF-8?B?5Lya6K2w?= (2)", "Re: 会議 (2)"},
		{"white space between words goes", "=?UTF-8?B?5Lya?= \r\n\t =?UTF-8?B?6K2w?=", "会議"},
		{"white space to text stays", "a =?UTF-8?B?5Lya?=  b =?UTF-8?B?6K2w?= c", "a 会  b 議 c"},
		{"no white space between words", "=?UTF-8?B?5Lya?==?UTF-8?B?6K2w?=", "会議"},
		{"no white space to text", "Re:=?UTF-8?B?5Lya?=議", "Re:会議"},
		{"word cut inside UTF-8", "=?UTF-8?Q?=E4=BC=9A=E8?= =?UTF-8?Q?=AD=B0?=", "会議"},
		{"B word cut inside UTF-8", "=?UTF-8?B?5Lya6A==?= =?UTF-8?B?rbA=?=", "会議"},
		{"B and Q words cut inside UTF-8", "=?UTF-8?B?5Lya6A==?= =?UTF-8?Q?=AD=B0?=", "会議"},
		{"base64 itself cut", "=?UTF-8?B?5Lya6K2w6L?= =?UTF-8?B?OH5paZ?=", "会議資料"},
		{"base64 cut and padding forgotten", "=?UTF-8?B?5Lya6K2w5Q?= =?UTF-8?B?5Lya6K2w?=", "会議\uFFFD会議"},
		{"JIS words cut in shift state",
			"=?iso-2022-jp?Q?=1B=24B=21Z=3Bj5=5E=21=5B=3D=3BL1=40bL=402q?=\r\n =?iso-2022-jp?Q?=24N2q=3ElJQ99=24K=24D=24=24=24F=1B=28B?=",
			"【至急】住民説明会の会場変更について"},
		{"JIS words cut inside a pair", "=?iso-2022-jp?B?GyRCMnE1?= =?iso-2022-jp?B?RBsoQg==?=", "会議"},
		{"JIS words, each whole", "=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=\r\n  =?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=", "テストテスト"},
		{"JIS word never closed, ASCII word", "=?iso-2022-jp?B?GyRCMnE1RA==?= =?iso-2022-jp?Q?_abc?=", "会議 abc"},
		{"JIS word never closed, short ASCII word", "=?iso-2022-jp?B?GyRCMnE1RA==?= =?iso-2022-jp?Q?2025?=", "会議2025"},
		{"JIS word never closed, text", "=?iso-2022-jp?B?GyRCMnE1RA==?= abc", "会議 abc"},
		{"JIS Q with raw underscore", "=?iso-2022-jp?Q?=1B$B;_$^$k=1B(B_ok?=", "止まる ok"},
		{"CP50221 vendor letters", "=?cp50221?B?GyRCLSF8Ynl1GyhC?=", "①髙﨑"},
		{"Shift_JIS", "=?Shift_JIS?B?ie+LYw==?=", "会議"},
		{"Shift_JIS cut inside a character", "=?Shift_JIS?B?ie+L?= =?Shift_JIS?B?Y46Rl78=?=", "会議資料"},
		{"padding missing", "=?UTF-8?B?5Lya6K2wMQ?=", "会議1"},
		{"too much padding", "=?UTF-8?B?5Lya6K2w====?=", "会議"},
		{"padding inside", "=?UTF-8?B?5Lya6A==rbA=?=", "会議"},
		{"space inside base64", "=?UTF-8?B?5Ly a6K 2w?=", "会議"},
		{"folded inside base64", "=?UTF-8?B?5Lya\r\n 6K2w?=", "会議"},
		{"junk inside base64", "=?UTF-8?B?5Lya!6K2w?=", "会議"},
		{"URL-safe base64", "=?UTF-8?B?44G-44G_?=", "まみ"},
		{"folded inside the charset", "=?UTF-\r\n 8?B?5Lya6K2w?=", "会議"},
		{"folded after the encoding", "=?UTF-8?B\r\n ?5Lya6K2w?=", "会議"},
		{"raw space in Q", "=?UTF-8?Q?=E4=BC=9A =E8=AD=B0?=", "会 議"},
		{"folded inside Q", "=?UTF-8?Q?=E4=BC=9A\r\n =E8=AD=B0?=", "会議"},
		{"soft line end in Q", "=?UTF-8?Q?=E4=BC=9A=\r\n =E8=AD=B0?=", "会議"},
		{"equals sign in Q", "=?UTF-8?Q?a=b=?=", "a=b="},
		{"question mark in Q", "=?UTF-8?Q?what??=", "what?"},
		{"question mark before an escape in Q", "=?UTF-8?Q?what?=20now?=", "what? now"},
		{"word followed by hexadecimal text", "=?UTF-8?Q?what?=be that", "whatbe that"},
		{"empty words", "=?UTF-8?Q??= =?UTF-8?B??=x", "x"},
		{"language", "=?utf-8*ja?B?5Lya6K2w?=", "会議"},
		{"quoted charset", "=?\"utf-8\"?B?5Lya6K2w?=", "会議"},
		{"unknown charset", "=?x-unknown?B?5Lya6K2w?=", "会議"},
		{"no charset", "=??B?5Lya6K2w?=", "会議"},
		{"wrong charset", "=?iso-8859-1?B?5Lya6K2w?=", "会議"},
		{"UTF-8 called ISO-2022-JP", "=?iso-2022-jp?B?5Lya6K2w?=", "会議"},
		{"JIS called UTF-8", "=?utf-8?B?GyRCMnE1RBsoQg==?=", "会議"},
		{"different charsets side by side", "=?utf-8?B?5Lya?= =?iso-2022-jp?B?GyRCNUQbKEI=?=", "会議"},
		{"within quotes", "\"=?utf-8?B?5Lya6K2w?=\" <a@example.jp>", "\"会議\" <a@example.jp>"},
		{"two words within quotes", "\"=?utf-8?B?5Lya?= =?utf-8?B?6K2w?=\"", "\"会議\""},
		{"within parentheses", "(=?utf-8?B?5Lya6K2w?=)", "(会議)"},
		{"utf-7 word", "=?utf-7?Q?+ZeVnLIqe-?=", "日本語"},
		{"raw UTF-8", "会議 =?utf-8?B?6LOH5paZ?=", "会議 資料"},
		{"raw Shift_JIS", "\x89\xef\x8bc\x8e\x91\x97\xbf", "会議資料"},
		{"raw Shift_JIS and a word", "\x89\xef\x8bc =?utf-8?B?6LOH5paZ?=", "会議 資料"},
		{"raw EUC-JP", "\xb2\xf1\xb5\xc4\xbb\xf1\xce\xc1", "会議資料"},
		{"raw JIS", "\x1b$B2q5D\x1b(B", "会議"},
		{"raw JIS and a word", "\x1b$B2q5D\x1b(B =?utf-8?B?6LOH5paZ?=", "会議 資料"},
		{"raw JIS whose bytes look like a word", "\x1b$B=?2q?B?0!?=\x1b(B", string2022("=?2q?B?0!?=")},
		{"raw JIS folded", "\x1b$B2q5D\x1b(B\r\n \x1b$B;qNA\x1b(B", "会議 資料"},
		{"raw JIS with half the header lost", "\x1b$B2q5", "会\uFFFD"},
		{"no end", "=?utf-8?B?5Lya6K2w", "会議"},
		{"no end, cut in the middle", "Re: =?utf-8?B?5Lya6K2w6L", "Re: 会議\uFFFD"},
		{"no end, next word", "=?utf-8?B?5Lya =?utf-8?B?6K2w?=", "会議"},
		{"Q without end", "=?utf-8?Q?=E4=BC=9A=E", "会"},
		{"no end and not a word", "=?utf-8?B?hello world", "=?utf-8?B?hello world"},
		{"no word: only the opening", "=? what =?", "=? what =?"},
		{"no word: wrong encoding", "=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
		{"no word: three parts", "=?utf-8?abc?=", "=?utf-8?abc?="},
		{"a decoded word is not decoded again", "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fabc=3F=3D?=", "=?utf-8?Q?abc?="},
		{"no line break comes out", "=?utf-8?Q?a=0D=0ABcc:_b=40example.jp?=", "a  Bcc: b@example.jp"},
		{"no line break without folding either", "a\r\nb\nc\rd", "a  b c d"},
		{"no NUL comes out", "=?utf-8?Q?a=00b?=", "a b"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := DecodeHeader([]byte(c.in)).Text; got != c.want {
				t.Errorf("%q\n got %q\nwant %q", c.in, got, c.want)
			}
		})
	}
}

func string2022(s string) string {
	w := writer{}
	decodeISO2022(&w, []byte("\x1b$B"+s+"\x1b(B"))
	return string(w.out)
}

func TestDecodeHeaderResult(t *testing.T) {
	got := DecodeHeader([]byte("=?shift_jis?B?5Lya6K2w?= \xff"))
	if got.Charset != nameUTF8 || got.Label != "shift_jis" || !got.Guessed || got.Text != "会議 ÿ" {
		t.Errorf("%+v", got)
	}
	got = DecodeHeader([]byte("=?utf-8?Q?=E4=BC?= x"))
	if got.Replaced != 1 || got.Guessed || got.Text != "\uFFFD x" {
		t.Errorf("%+v", got)
	}
}

// TestDecodeHeaderCutAnywhere cuts a subject at every byte into two encoded words, as some senders do.
func TestDecodeHeaderCutAnywhere(t *testing.T) {
	for _, c := range japaneseCharsets {
		for _, s := range []string{"住民説明会の会場変更について", "(株)山田 様 見積書 No.12", "ﾃｽﾄ送信です", "①髙橋"} {
			b, ok := encoded(t, c.enc, s)
			if !ok {
				continue
			}
			for cut := 1; cut < len(b); cut++ {
				for _, form := range []string{"B", "Q"} {
					in := word(c.name, form, b[:cut]) + " " + word(c.name, form, b[cut:])
					if got := DecodeHeader([]byte(in)).Text; got != s {
						t.Errorf("%s %s cut at %d: %q, want %q", c.name, form, cut, got, s)
					}
				}
			}
		}
	}
}

func word(charset, form string, b []byte) string {
	if form == "B" {
		return "=?" + charset + "?B?" + base64.StdEncoding.EncodeToString(b) + "?="
	}
	var q strings.Builder
	for _, c := range b {
		fmt.Fprintf(&q, "=%02X", c)
	}
	return "=?" + charset + "?Q?" + q.String() + "?="
}

// TestDecodeHeaderWholeWords writes any Japanese text in words of whole characters and reads it back.
func TestDecodeHeaderWholeWords(t *testing.T) {
	letter := rapid.RuneFrom([]rune("会議資料①㈱髙ァーンあいうえおｱｲｳ、。ABCxyz019 -_=?()\""))
	rapid.Check(t, func(t *rapid.T) {
		runes := rapid.SliceOfN(letter, 1, 40).Draw(t, "text")
		form := rapid.SampledFrom([]string{"B", "Q"}).Draw(t, "form")
		size := rapid.IntRange(1, 9).Draw(t, "size")
		var in strings.Builder
		for i := 0; i < len(runes); i += size {
			b, err := japanese.ISO2022JP.NewEncoder().Bytes([]byte(string(runes[i:min(i+size, len(runes))])))
			if err != nil {
				t.Fatal(err)
			}
			in.WriteString(word("ISO-2022-JP", form, append(b, "\x1b(B"...)) + "\r\n ")
		}
		if got, want := DecodeHeader([]byte(in.String())).Text, strings.Trim(string(runes), " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
