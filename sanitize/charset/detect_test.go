package charset

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
)

func TestDetect(t *testing.T) {
	for _, c := range japaneseCharsets {
		for _, s := range append(sketchSamples, shortSamples...) {
			if in, ok := encoded(t, c.enc, s); ok {
				if got := Detect(in); got != c.name {
					t.Errorf("%s in %s detected as %s", s, c.name, got)
				}
			}
		}
	}
}

func TestDetectWestern(t *testing.T) {
	for _, s := range westernSamples {
		in, ok := encoded(t, charmap.Windows1252, s)
		if !ok {
			t.Errorf("%q is not in windows-1252", s)
			continue
		}
		if got := Detect(in); got != nameLatin && got != nameASCII {
			t.Errorf("%q detected as %s: %q", s, got, Decode("", in).Text)
		}
		if got := Detect([]byte(s)); got != nameUTF8 && got != nameASCII {
			t.Errorf("%q in UTF-8 detected as %s", s, got)
		}
	}
}

func TestDetectIsBounded(t *testing.T) {
	in, _ := encoded(t, japanese.ShiftJIS, strings.Repeat("会議資料", sampleBytes/8))
	in = append(in, bytes.Repeat([]byte("日本語の本文"), 100000)...) // UTF-8 behind the sample
	if got := Detect(in); got != nameShiftJIS {
		t.Errorf("detected %s", got)
	}
	odd := append([]byte("x"), in...) // the sample ends inside a character
	if got := Detect(odd); got != nameShiftJIS {
		t.Errorf("detected %s", got)
	}
}

func TestDecodeLooksBehindAnASCIIHead(t *testing.T) {
	head := strings.Repeat("2025-04-01 00:00:00 started\r\n", sampleBytes/20)
	for _, c := range japaneseCharsets {
		in, _ := encoded(t, c.enc, head+"終了しました。\r\n")
		if got := Decode("", in); got.Text != head+"終了しました。\r\n" || got.Charset != c.name {
			t.Errorf("%s read as %s", c.name, got.Charset)
		}
	}
}

func TestDecodeMixedLines(t *testing.T) {
	mail, footer := "お世話になっております。\r\n資料を送ります。\r\n日程は別紙のとおりです。\r\n", "このメールは自動で送信しています。\r\n"
	for _, a := range japaneseCharsets[:3] {
		for _, b := range japaneseCharsets[:3] {
			first, _ := encoded(t, a.enc, mail)
			second, _ := encoded(t, b.enc, footer)
			got := Decode(a.name, append(first, second...))
			if got.Text != mail+footer || got.Replaced != 0 || got.Charset != a.name || got.Guessed != (a.name != b.name) {
				t.Errorf("%s with %s: %+v", a.name, b.name, got)
			}
		}
	}
	damaged := "日本語の本文です。\r\n日本語の\xe6\x9c\r\n"
	if got := Decode(nameUTF8, []byte(damaged)); got.Replaced != 1 || got.Guessed {
		t.Errorf("damage is no mixture: %+v", got)
	}
}
