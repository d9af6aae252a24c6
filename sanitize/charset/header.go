package charset

import (
	"bytes"
	"strings"
)

// DecodeHeader reads an unstructured header value, a display name or a comment: RFC 2047 encoded words, raw 8-bit text, raw
// ISO-2022-JP, in any mixture. raw is the value as received, folded or not. The text is valid UTF-8 on one line (CR, LF,
// tabs and NUL, decoded ones too, become spaces), trimmed, and at most 4 × len(raw) + 16 bytes. Time is linear. Charset and
// Label are those of the first encoded word, or of the raw text if there is none; Guessed and Replaced speak of the whole.
//
// Address lists MUST be taken apart before decoding: a decoded name may contain commas, quotes and angle brackets.
// spec: rfc2047#6.1 rfc6532#3.2
func DecodeHeader(raw []byte) Result {
	pieces := splitHeader(raw)
	rawCodec := choose(codec{}, rawText(pieces))
	w := writer{out: make([]byte, 0, len(raw)+16)}
	res := Result{Charset: rawCodec.name}
	labelled := false
	for i := 0; i < len(pieces); {
		if !pieces[i].word {
			text := unfold(pieces[i].bytes)
			rawCodec.decode(&w, text)
			res.Guessed = res.Guessed || !isASCII(text)
			i++
			continue
		}
		n := 1
		for i+n < len(pieces) && pieces[i+n].word && pieces[i+n].codec.name == pieces[i].codec.name {
			n++
		}
		used, wrong := decodeWords(&w, pieces[i:i+n])
		if !labelled {
			res.Charset, res.Label, labelled = used, pieces[i].label, true
		}
		res.Guessed = res.Guessed || wrong
		i += n
	}
	res.Text, res.Replaced = oneLine(string(w.out)), w.replaced
	return res
}

// decodeWords converts neighbouring encoded words of one charset together, for they may be cut inside a character, a shift
// state or even a base64 quantum (neomutt#1015, mikel/mail#1397). It returns the charset used and whether the
// label had no part in it.
func decodeWords(w *writer, words []piece) (string, bool) {
	joined, cut := joinWords(words, false)
	c := choose(words[0].codec, joined)
	carried := false
	if cut {
		other, _ := joinWords(words, true)
		oc := choose(words[0].codec, other)
		if carried = unreadable(oc, other) < unreadable(c, joined); carried {
			c, joined = oc, other
		}
	}
	switch {
	case carried || len(words) == 1:
	case c.name == name2022JP && !c.repair:
		joined = closeShifts(words)
	case unreadable(c, joined) > 0:
		return decodeApart(w, words, c, joined)
	}
	c.decode(w, joined[c.skip:])
	return c.name, guessed(words[0].codec.name, c.name, joined)
}

// decodeApart is for words that do not fit together, such as one whose last character is missing before a whole one.
func decodeApart(w *writer, words []piece, together codec, joined []byte) (string, bool) {
	apart, guess := writer{}, false
	for _, p := range words {
		b := p.payload(false)
		c := choose(p.codec, b)
		c.decode(&apart, b[c.skip:])
		guess = guess || guessed(p.codec.name, c.name, b)
	}
	whole := writer{}
	together.decode(&whole, joined[together.skip:])
	if apart.replaced < whole.replaced {
		w.out, w.replaced = append(w.out, apart.out...), w.replaced+apart.replaced
		return together.name, guess
	}
	w.out, w.replaced = append(w.out, whole.out...), w.replaced+whole.replaced
	return together.name, guessed(words[0].codec.name, together.name, joined)
}

func unreadable(c codec, b []byte) int {
	w := writer{}
	c.decode(&w, b[c.skip:])
	return w.replaced
}

// joinWords decodes the payloads into one run of bytes. carry continues base64 over the word boundary; cut says that a
// B word ended inside a quantum without padding, so that carrying is worth a try.
func joinWords(words []piece, carry bool) ([]byte, bool) {
	state, cut := transferState{out: make([]byte, 0, 256)}, false
	for i, p := range words {
		if !carry {
			state.bits = 0
		}
		state.word(p)
		cut = cut || state.bits > 0 && i+1 < len(words)
	}
	return state.out, cut
}

// closeShifts joins words of ISO-2022-JP and repairs those cut off in two-byte mode before a word of plain ASCII: the
// missing ESC ( B is put in, unless the next word reads as the continuation of the Japanese.
func closeShifts(words []piece) []byte {
	t := tables()
	var out []byte
	from := -1 // where the two-byte text at the end of out begins
	for _, p := range words {
		b := p.payload(from >= 0)
		if from >= 0 && !readsAsJIS(t, out[len(out)-(len(out)-from)%2:], b) {
			out = append(out, esc, '(', 'B')
			from, b = -1, p.payload(false)
		}
		if at := bytes.LastIndexByte(b, esc); at >= 0 {
			e := parseEscape(b[at:])
			from = -1
			if e.slot == 0 && e.set == setJIS0208 {
				from = len(out) + at + e.size
			}
		}
		out = append(out, b...)
	}
	return out
}

// rawText is all that stands outside of encoded words, for one decision about its charset.
func rawText(pieces []piece) []byte {
	var raw []byte
	for _, p := range pieces {
		if !p.word {
			raw = append(raw, p.bytes...)
		}
	}
	return raw
}

// unfold takes out the line ends in front of white space (RFC 5322 §2.2.3). It touches nothing else: the text is not
// decoded yet.
func unfold(b []byte) []byte {
	if bytes.IndexByte(b, '\n') < 0 && bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		n := foldAt(b[i:])
		if n > 0 {
			i += n - 1
			continue
		}
		out = append(out, b[i])
	}
	return out
}

// foldAt is the length of the line end at the start of b if white space follows it, else 0.
func foldAt(b []byte) int {
	n := 0
	for n < len(b) && n < 2 && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	if n > 0 && n < len(b) && (b[n] == ' ' || b[n] == '\t') {
		return n
	}
	return 0
}

// oneLine makes decoded text fit for a header or a file name: whatever breaks or ends lines becomes a space.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch r {
		case 0, '\t', '\n', '\v', '\f', '\r', 0x85, 0x2028, 0x2029:
			return ' '
		}
		return r
	}, s)
	return strings.Trim(s, " ")
}
