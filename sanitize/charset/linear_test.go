package charset

import (
	"strings"
	"testing"
	"time"
)

// hostileInput is a start and a unit that is repeated, each aimed at something that has to be looked at twice.
type hostileInput struct{ name, start, unit string }

var hostileInputs = []hostileInput{
	{"words", "", "=?iso-2022-jp?B?GyRCMnE1RBsoQg==?=\r\n "},
	{"openings", "", "=?"},
	{"B words without end", "", "=?a?b?"},
	{"Q words without end", "", "=?a?q?x"},
	{"question marks", "=?a?q?", "?=AA"},
	{"question marks at heads", "", "=?a?q??=AA"},
	{"long charsets", "", "=?" + strings.Repeat("a", 70)},
	{"shifts never closed", "", "=?iso-2022-jp?Q?=1B$B2q?= "},
	{"one shift, many words", "=?iso-2022-jp?Q?=1B$B2q?= ", "=?iso-2022-jp?Q?2q2?= "},
	{"misaligned base64", "", "=?utf-8?B?5Lya6?= "},
	{"escapes", "", "\x1b$B\x1b(B"},
	{"escapes without end", "", "\x1b$B"},
	{"JIS lines", "\x1b$B", "$3$s\r\n"},
	{"bare runs", "", "$B$3$s(B"},
	{"bare starts", "", "$B$3"},
	{"dollars", "", "$B"},
	{"8-bit in JIS", "", "\x1b$B2q\x1b(B\xb1\xb2\xe0\n"},
	{"Korean in JIS", "\x1b$(C", "0!"},
	{"single shifts", "\x1b.A", "\x1bNi"},
	{"mixed lines", "", "日本語です\n\x82\xa0\x82\xa2\x82\xa4\n"},
	{"damaged lines", "", "\x82\n"},
	{"lead bytes", "", "\xe0"},
	{"UTF-7", "", "+AGE"},
	{"plus signs", "", "+"},
	{"zeros", "", "\x00\x30"},
	{"invisible text", "", "\u200b\u200d\U000e0100"},
	{"apostrophes and percent signs", "", "%41'"},
	{"backslashes", "\x95", "\\\x95"},
}

// TestLinear measures each function on an input and on one eight times as long. Linear work takes eight times as long,
// quadratic sixty-four.
func TestLinear(t *testing.T) {
	work := map[string]func([]byte){
		"Decode":          func(b []byte) { Decode("", b) },
		"Decode as JIS":   func(b []byte) { Decode("iso-2022-jp", b) },
		"Decode as UTF-7": func(b []byte) { Decode("utf-7", b) },
		"DecodeHeader":    func(b []byte) { DecodeHeader(b) },
		"DecodeParam": func(b []byte) {
			DecodeParam([]Param{{Name: "x*0*", Value: b}, {Name: "x", Value: b, Quoted: true}}, "x")
		},
		"QuotedEnd": func(b []byte) { QuotedEnd(b) },
		"CleanText": func(b []byte) { CleanText(string(b), KeepLines) },
	}
	for _, in := range hostileInputs {
		for name, run := range work {
			if a, b := in.measure(run); b > allowed(a) {
				t.Errorf("%s on %s: %v and %v", name, in.name, a, b)
			}
		}
	}
}

// measure returns the times for the two sizes. Other work on the machine can only make them longer, so that a bad result is
// tried again and a good one counts.
func (h hostileInput) measure(run func([]byte)) (time.Duration, time.Duration) {
	short, long := h.bytes(6_000), h.bytes(48_000)
	a, b := timed(run, short), timed(run, long)
	for range 10 {
		if b <= allowed(a) {
			break
		}
		a, b = min(a, timed(run, short)), min(b, timed(run, long))
	}
	return a, b
}

func allowed(short time.Duration) time.Duration { return 24*short + 20*time.Millisecond }

func (h hostileInput) bytes(size int) []byte {
	return []byte(h.start + strings.Repeat(h.unit, size/len(h.unit)))
}

func timed(run func([]byte), b []byte) time.Duration {
	start := time.Now()
	run(b)
	return time.Since(start)
}
