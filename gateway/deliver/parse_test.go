package deliver

import (
	"bufio"
	"bytes"
	"errors"
	"net/textproto"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func parse(s string) (reply, error) {
	return readReply(bufio.NewReaderSize(strings.NewReader(s), maxReplyLine))
}

func TestReadReply(t *testing.T) {
	for in, want := range map[string]reply{
		"250 ok\r\n":                      {250, "ok"},
		"250\r\n":                         {250, ""},
		"250 \r\n":                        {250, ""},
		"250-a\r\n250-\r\n250 b\r\n":      {250, "a\n\nb"},
		"220-a\r\n220\r\n":                {220, "a\n"},
		"554 5.7.1 no\n":                  {554, "5.7.1 no"},
		"":                                {},
		"25":                              {},
		"250 cut":                         {},
		"250-a\r\n":                       {},
		"250-a\r\n251 b\r\n":              {},
		"250_a\r\n":                       {},
		"2500 a\r\n":                      {},
		"-25 a\r\n":                       {},
		"150 a\r\n":                       {},
		"600 a\r\n":                       {},
		" 250 a\r\n":                      {},
		"\r\n250 a\r\n":                   {},
		strings.Repeat("250-a\r\n", 1000): {},
		"250 " + strings.Repeat("a", maxReplyLine) + "\r\n": {},
	} {
		got, err := parse(in)
		if got != want || (err == nil) != (want.code != 0) {
			t.Errorf("%.40q: %+v, %v", in, got, err)
		}
	}
	if got, err := parse("250 " + strings.Repeat("a", maxReplyLine-6) + "\r\n"); err != nil || got.code != 250 {
		t.Errorf("the longest line: %v", err)
	}
}

func FuzzReadReply(f *testing.F) {
	for _, s := range []string{"250 ok\r\n", "250-a\r\n250 b\r\n", "421\n", "999 x\r\n", "250-a\r\n251 b\r\n", "250", "25\x000 a\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := readReply(bufio.NewReaderSize(bytes.NewReader(in), maxReplyLine))
		if err != nil {
			if got != (reply{}) {
				t.Errorf("%+v besides %v", got, err)
			}
			return
		}
		if got.code < 200 || got.code > 599 || len(got.text) > len(in) || strings.Count(got.text, "\n") >= maxReplyLines {
			t.Errorf("%+v", got)
		}
		n := 0
		for _, is := range []bool{got.done(), got.goOn(), got.transient(), got.permanent()} {
			if is {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d is of %d classes", got.code, n)
		}
		// Another reader of the same protocol must not read another outcome.
		code, _, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(in))).ReadResponse(0)
		if err == nil && code != got.code {
			t.Errorf("read %d, net/textproto reads %d", got.code, code)
		}
	})
}

// dotted sends a body in pieces and returns what went out.
func dotted(body string, cuts ...int) (string, error) {
	var out bytes.Buffer
	w := newDotWriter(&out, nil)
	for _, n := range cuts {
		n = min(n, len(body))
		if err := w.write([]byte(body[:n])); err != nil {
			return "", err
		}
		body = body[n:]
	}
	if err := w.write([]byte(body)); err != nil {
		return "", err
	}
	end, err := w.end()
	out.Write(end)
	return out.String(), err
}

func TestDotWriter(t *testing.T) {
	for body, want := range map[string]string{
		"":                   ".\r\n",
		"a":                  "a\r\n.\r\n",
		"a\r\n":              "a\r\n.\r\n",
		".\r\n":              "..\r\n.\r\n",
		"..\r\n.a\r\n":       "...\r\n..a\r\n.\r\n",
		"a.b\r\n.":           "a.b\r\n..\r\n.\r\n",
		"\r\n.\r\n":          "\r\n..\r\n.\r\n",
		"a\nb":               "!",
		"a\rb":               "!",
		"a\r":                "!",
		"\n":                 "!",
		"\n\n":               "!",
		"\r\r":               "!",
		"a\r\r\n":            "!",
		"a\r\n\n":            "!",
		"a\r\n\r":            "!",
		"a\rb\r\n":           "!",
		"a\x00\r\n":          "!",
		"a\r\n.\n.\r\n":      "!",
		"a\r\n.\rb\r\n":      "!",
		"a\r\n.\r\nMAIL\r\n": "a\r\n..\r\nMAIL\r\n.\r\n",
	} {
		for cut := range len(body) + 1 {
			got, err := dotted(body, cut)
			if errors.Is(err, errForm) != (want == "!") || err == nil && got != want {
				t.Errorf("%q cut at %d: %q, %v", body, cut, got, err)
			}
		}
	}
}

// plainDots is DATA's transparency byte by byte, as RFC 5321 §4.5.2 tells it.
func plainDots(body string) (string, bool) {
	var out strings.Builder
	last := byte('\n')
	for _, c := range []byte(body) {
		if c == 0 || (c == '\n') != (last == '\r') {
			return "", false
		}
		if c == '.' && last == '\n' {
			out.WriteByte('.')
		}
		out.WriteByte(c)
		last = c
	}
	if last != '\n' {
		out.WriteString("\r\n")
	}
	return out.String() + ".\r\n", last != '\r'
}

func FuzzDotWriter(f *testing.F) {
	f.Add("Subject: a\r\n\r\n.\r\n..b\r\nc", 3, false)
	f.Add("a\r\n.\n.\r\n", 1, false)
	f.Add("a\r", 1, true)
	f.Add("\r\n.a", 2, true)
	f.Fuzz(func(t *testing.T, body string, cut int, long bool) {
		if long { // beyond what is kept back
			body = strings.Repeat(body, 1+(dotBuffer+1000)/max(1, len(body)))
		}
		want, ok := plainDots(body)
		got, err := dotted(body, max(0, cut), 1)
		if ok != (err == nil) || ok && got != want {
			t.Errorf("%.200q gives %.200q, %v", body, got, err)
		}
	})
}

// What is kept back has a limit, whatever the size of the parts.
func TestDotWriterKeepsLittle(t *testing.T) {
	var out bytes.Buffer
	w := newDotWriter(&out, nil)
	for n := range 400 {
		if err := w.write([]byte(strings.Repeat(string(".x"[n%2]), n*n%40_000) + "\r\n")); err != nil {
			t.Fatal(err)
		}
		if len(w.kept) > dotBuffer {
			t.Fatalf("%d bytes are kept back", len(w.kept))
		}
	}
}

// Whatever is sealed, the peer reads the same or nothing, and no dot ends it early.
func TestDotWriterRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringOf(rapid.SampledFrom([]rune(".a\r\n\x00"))).Draw(t, "body")
		if rapid.Bool().Draw(t, "lines") {
			body = strings.ReplaceAll(strings.NewReplacer("\r", "", "\x00", "").Replace(body), "\n", "\r\n")
		}
		var out bytes.Buffer
		w := newDotWriter(&out, nil)
		cut := rapid.IntRange(0, len(body)).Draw(t, "cut")
		err := errors.Join(w.write([]byte(body[:cut])), w.write([]byte(body[cut:])))
		end, enderr := w.end()
		err = errors.Join(err, enderr)
		bad := strings.ContainsAny(strings.ReplaceAll(body, "\r\n", ""), "\r\n\x00")
		if bad != (err != nil) {
			t.Fatalf("%q: %v", body, err)
		}
		if bad {
			return
		}
		out.Write(end)
		var read strings.Builder
		rest := out.String()
		for line := range strings.SplitAfterSeq(rest, "\r\n") {
			rest = rest[len(line):]
			if line == ".\r\n" {
				break
			}
			read.WriteString(strings.TrimPrefix(line, "."))
		}
		want := body
		if want != "" && !strings.HasSuffix(want, "\r\n") {
			want += "\r\n"
		}
		if read.String() != want || rest != "" {
			t.Errorf("%q arrives as %q, then %q", body, read.String(), rest)
		}
	})
}
