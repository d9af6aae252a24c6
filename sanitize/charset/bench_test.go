package charset

import (
	"strings"
	"testing"
)

// benchText is some 20 KB in the 8-bit charsets.
var benchText = strings.Repeat("下記のとおり会議（第３回）を開催しますので、ご出席ください。\r\n1. 日時 令和７年５月１日 ABC①\r\n", 210)

func BenchmarkDecode(b *testing.B) {
	for _, c := range japaneseCharsets {
		in, _ := encoded(b, c.enc, benchText)
		for _, label := range []string{c.name, ""} {
			b.Run(c.name+" as "+label, func(b *testing.B) {
				b.SetBytes(int64(len(in)))
				for b.Loop() {
					Decode(label, in)
				}
			})
		}
	}
}

func BenchmarkCleanText(b *testing.B) {
	b.SetBytes(int64(len(benchText)))
	for b.Loop() {
		CleanText(benchText, KeepLines)
	}
}

func BenchmarkDecodeHeader(b *testing.B) {
	in := []byte("=?iso-2022-jp?Q?=1B=24B=21Z=3Bj5=5E=21=5B=3D=3BL1=40bL=402q?=\r\n =?iso-2022-jp?Q?=24N2q=3ElJQ99=24K=24D=24=24=24F=1B=28B?=")
	for b.Loop() {
		DecodeHeader(in)
	}
}
