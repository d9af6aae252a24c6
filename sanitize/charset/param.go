package charset

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// maxParamPieces bounds the continuations of one parameter (RFC 2231 §3); the rest are ignored.
const maxParamPieces = 1000

// Param is one parameter of Content-Type or Content-Disposition as it stood in the header.
type Param struct {
	// Name is the attribute with its marks: "filename", "filename*", "name*0*". Case and outer spaces do not matter.
	Name string
	// Value is what stood behind '='. If Quoted, these are the bytes between the quotes exactly as they were, backslashes
	// included: in Shift_JIS and ISO-2022-JP a backslash or quote may be half a character, and only this package can tell
	// (see QuotedEnd).
	Value []byte
	// Quoted says that the value was in quotation marks.
	Quoted bool
}

// DecodeParam reads the parameter called name: RFC 2231 continuations and percent-encoding in any order and mixture, RFC 2047
// words (which Outlook and others use although it is forbidden), raw 8-bit bytes. name* wins over name*0…, and that over name,
// unless it cannot be read and the other can. The first of several equal pieces counts; a gap in the numbers is skipped.
// The result is "" if there is no such parameter, else as DecodeHeader describes. It is not a file name yet: callers MUST
// treat slashes, dots and reserved names themselves.
func DecodeParam(params []Param, name string) string {
	return DecodeParamResult(params, name).Text
}

// DecodeParamResult is DecodeParam with the particulars.
func DecodeParamResult(params []Param, name string) Result {
	found := collect(params, name)
	best := Result{}
	for _, read := range []func() (Result, bool){found.extended, found.continued, found.plain} {
		res, ok := read()
		if !ok || res.Text == "" {
			continue
		}
		if res.Replaced == 0 {
			return res
		}
		if best.Text == "" || res.Replaced < best.Replaced {
			best = res
		}
	}
	return best
}

// paramForms are the ways one parameter was given.
type paramForms struct {
	single, star *Param // name, name*
	parts        []paramPart
}

// paramPart is a continuation: name*2 or, percent-encoded, name*2*.
type paramPart struct {
	number  int
	percent bool
	param   Param
}

// spec: rfc2231#3
func collect(params []Param, name string) paramForms {
	var found paramForms
	seen := make(map[int]bool)
	for i, p := range params {
		base, marks, starred := strings.Cut(strings.Trim(p.Name, " \t\r\n"), "*")
		if !strings.EqualFold(strings.TrimRight(base, " \t"), name) {
			continue
		}
		switch {
		case !starred:
			if found.single == nil {
				found.single = &params[i]
			}
		case marks == "":
			if found.star == nil {
				found.star = &params[i]
			}
		default:
			digits, percent := strings.CutSuffix(marks, "*")
			n, err := strconv.Atoi(digits)
			if err != nil || n < 0 || seen[n] || len(found.parts) == maxParamPieces {
				continue
			}
			seen[n] = true
			found.parts = append(found.parts, paramPart{number: n, percent: percent, param: p})
		}
	}
	slices.SortFunc(found.parts, func(a, b paramPart) int { return a.number - b.number })
	return found
}

// extended reads name*=charset'language'percent-encoded (RFC 2231 §4, RFC 8187).
// spec: rfc2231#4
func (f paramForms) extended() (Result, bool) {
	if f.star == nil {
		return Result{}, false
	}
	label, value := cutCharset(f.star.Value)
	if label == "" && bytes.IndexByte(value, '%') < 0 {
		return f.star.text(), true // name*="=?utf-8?B?…?=" or raw
	}
	return lineResult(Decode(label, unpercent(value))), true
}

// continued reads name*0, name*1* … as one run of bytes, so that characters cut between pieces come out whole.
func (f paramForms) continued() (Result, bool) {
	if len(f.parts) == 0 {
		return Result{}, false
	}
	var value []byte
	label, encoded := "", false
	for i, part := range f.parts {
		b := part.param.Value
		if !part.percent {
			value = append(value, b...)
			continue
		}
		l, rest := cutCharset(b)
		switch {
		case i == 0:
			label, b = l, rest
		case lookup(l).name != "" && (label == "" || strings.EqualFold(l, label)):
			label, b = l, rest // some senders repeat it in each piece, or have it only in a later one
		}
		value = append(value, unpercent(b)...)
		encoded = true
	}
	if !encoded {
		return Param{Value: value, Quoted: f.parts[0].param.Quoted}.text(), true
	}
	res := lineResult(Decode(label, value))
	if f.parts[0].param.Quoted {
		res.Text = unescape(res.Text)
	}
	return res, true
}

func (f paramForms) plain() (Result, bool) {
	if f.single == nil {
		return Result{}, false
	}
	return f.single.text(), true
}

// text reads a value that by the standard is ASCII: RFC 2047 words, raw text, and URL encoding if it is that of UTF-8.
func (p Param) text() Result {
	value := p.Value
	if bytes.IndexByte(value, '%') >= 0 && isASCII(value) {
		if plain := unpercent(value); tallyUTF8(plain).long > 0 && tallyUTF8(plain).bad == 0 {
			return lineResult(Decode(nameUTF8, plain))
		}
	}
	res := DecodeHeader(value)
	if p.Quoted {
		res.Text = unescape(res.Text)
	}
	return res
}

func lineResult(res Result) Result {
	res.Text = oneLine(res.Text)
	return res
}

// cutCharset takes charset'language' off the front. With a single quote sign only, what precedes it must be a known charset.
func cutCharset(b []byte) (string, []byte) {
	first := bytes.IndexByte(b, '\'')
	if first < 0 || first > maxLabelBytes {
		return "", b
	}
	label := string(b[:first])
	rest := b[first+1:]
	if first > 0 && lookup(label).name == "" && strings.ContainsAny(label, "% .\"") {
		return "", b // an apostrophe in a name: it's.txt
	}
	if second := bytes.IndexByte(rest, '\''); second >= 0 && second <= 32 {
		return label, rest[second+1:]
	}
	if lookup(label).name == "" {
		return "", b
	}
	return label, rest
}

// unpercent undoes %XX; a percent sign without two digits stays.
func unpercent(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) && hexValue(b[i+1]) >= 0 && hexValue(b[i+2]) >= 0 {
			out = append(out, byte(hexValue(b[i+1])<<4|hexValue(b[i+2])))
			i += 2
			continue
		}
		out = append(out, b[i])
	}
	return out
}

// unescape undoes \" and \\ (RFC 5322 §3.2.4) in decoded text. Other backslashes stay: senders of Windows paths do not
// double them.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// QuotedEnd finds the quotation mark that ends a quoted string. b begins behind the opening one; the result is an offset in
// b, or -1 if there is no end. It steps over backslash pairs, over raw ISO-2022-JP (where 0x22 and 0x5C are halves of
// characters) and over the trail bytes 0x5C of raw Shift_JIS (表, ソ, 能).
func QuotedEnd(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i
		case c == esc:
			i += shiftedRun(b[i:]) - 1
		case c >= 0x81 && i+1 < len(b) && b[i+1] == '\\' && trailBackslash(b, i):
			i++
		case c == '\\':
			i++
		}
	}
	return -1
}

// trailBackslash decides whether the backslash behind b[i] is the second half of a Shift_JIS character: not if b[i] is itself
// a second half, and not if the run of bytes above 0x7F reads as UTF-8.
func trailBackslash(b []byte, i int) bool {
	start := i
	for start > 0 && b[start-1] >= 0x80 {
		start--
	}
	if tallyUTF8(b[start:i+1]).bad == 0 {
		return false
	}
	for start < i { // read Shift_JIS from the start of the run
		if _, _, ok := shiftJISCell(b[start], b[start+1]); ok {
			start++
		}
		start++
	}
	if start > i {
		return false
	}
	_, _, ok := shiftJISCell(b[i], '\\')
	return ok
}
