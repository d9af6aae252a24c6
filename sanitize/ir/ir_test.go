package ir

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// samples has one value of each tag.
func samples() []Value {
	return []Value{
		Request{Op: OpParse, Kind: "mail", Name: "会議.eml", Media: "message/rfc822", Size: 7, Bytes: 1, Files: 2, Pixels: 3, Depth: 4,
			DeadlineUnixMilli: 5, Defang: true, Self: "gw", Authserv: "mx.example.jp", Method: "image", DPI: 150, Shade: "auto", Layer: true, Page: 6, Pages: 7, Known: make([]byte, 64)},
		Note{"link_mismatch", "1.2", "evil.example"},
		Kind{"png", "", "malformed"},
		Field{FieldSubject, "お知らせ"},
		Address{RoleFrom, "山田", "yamada@example.jp"},
		Date{1_700_000_000, 540},
		Text{RoleBody, 0, "本文\n二行目\t"},
		Row{[]string{"a", "", "多\n行"}},
		Picture{2, 1, 0, true, 300_000, 150_000},
		Pixels{[]byte{1, 2, 3, 4, 5, 6, 7, 8}},
		Child{RoleAttachment, "a.pdf", "application/pdf", "cid@x", Note{Code: "fragment"}},
		Data{[]byte("%PDF\x00\xff")},
		Number{NumberReceived, 3},
		Sheet{0, 595_276, 841_890, 12},
		Raster{Gray4, 3, 2},
		Run{72_000, 700_000, 120_000, 12_000, 270, "縦書き"},
		Fail{"malformed", "header"},
		End{},
	}
}

func TestRoundTrip(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf)
	seen := map[Tag]bool{}
	for _, v := range samples() {
		if err := w.Write(v); err != nil {
			t.Fatal(err)
		}
		seen[v.tag()] = true
	}
	if len(seen) != int(TagEnd) {
		t.Fatalf("samples cover %d of %d tags", len(seen), TagEnd)
	}
	r := NewReader(&buf, int64(buf.Len()))
	for _, want := range samples() {
		got, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %#v, want %#v", got, want)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last frame: %v", err)
	}
}

func TestForbiddenValuesDoNotCross(t *testing.T) {
	for name, v := range map[string]Value{
		"not UTF-8":           Text{RoleBody, 0, "a\xff"},
		"NUL":                 Text{RoleBody, 0, "a\x00"},
		"CR":                  Text{RoleBody, 0, "a\r\n"},
		"escape":              Text{RoleBody, 0, "\x1b[2J"},
		"C1":                  Text{RoleBody, 0, "\u0085"},
		"bidi override":       Text{RoleBody, 0, "a\u202egpj.exe"},
		"isolate":             Field{FieldSubject, "\u2066x"},
		"line separator":      Text{RoleBody, 0, "\u2028"},
		"tag characters":      Text{RoleBody, 0, "\U000E0041"},
		"line in a field":     Field{FieldSubject, "a\nBcc: x"},
		"unknown field":       Field{"bcc", "x"},
		"unknown role":        Address{"bcc", "", "a@b"},
		"child role":          Child{Role: RoleBody},
		"text role":           Text{RoleMember, 0, ""},
		"upper case code":     Note{Code: "Link"},
		"long code":           Note{Code: strings.Repeat("a", MaxCode+1)},
		"long detail":         Note{Detail: strings.Repeat("a", MaxDetail+1)},
		"negative number":     Number{NumberReceived, -1},
		"unknown number":      Number{"sheets", 1},
		"no picture":          Picture{W: 0, H: 1},
		"huge picture":        Picture{W: MaxSide + 1, H: 1},
		"huge resolution":     Picture{W: 1, H: 1, XRes: MaxRes + 1},
		"no page":             Sheet{W: 0, H: 1},
		"huge page":           Sheet{W: 1, H: MaxSheet + 1},
		"unknown samples":     Raster{"cmyk8", 1, 1},
		"huge raster":         Raster{Gray1, MaxSide + 1, 1},
		"text out of range":   Run{Angle: 360, S: "a"},
		"text far away":       Run{X: -MaxSheet - 1, S: "a"},
		"text of two lines":   Run{S: "a\nb"},
		"date":                Date{1 << 60, 0},
		"offset":              Date{0, 1441},
		"unknown operation":   Request{Op: "exec"},
		"known is cut":        Request{Op: OpLint, Known: make([]byte, 31)},
		"name with a newline": Child{Role: RoleMember, Name: "a\n"},
		"cell":                Row{[]string{"ok", "\x07"}},
		"reason":              Fail{Reason: "a b"},
	} {
		if err := NewWriter(io.Discard).Write(v); err == nil {
			t.Errorf("%s: the writer let it pass", name)
		}
		frame := Append(nil, v) // what a captured worker would send
		if _, err := NewReader(bytes.NewReader(frame), 1<<20).Next(); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: the reader says %v", name, err)
		}
	}
}

func TestLongValuesAreSplit(t *testing.T) {
	text := strings.Repeat("あ", 100_000)
	data := bytes.Repeat([]byte{0xfe}, 3<<20)
	var buf bytes.Buffer
	w := NewWriter(&buf)
	for _, v := range []Value{Text{RoleBody, 7, text}, Child{Role: RoleAttachment}, Data{data}} {
		if err := w.Write(v); err != nil {
			t.Fatal(err)
		}
	}
	var gotText strings.Builder
	var gotData bytes.Buffer
	frames := 0
	for r := NewReader(&buf, 1<<30); ; frames++ {
		v, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch v := v.(type) {
		case Text:
			if v.Seq != 7 || !utf8.ValidString(v.S) {
				t.Fatal("a split text lost its number or cut a character")
			}
			gotText.WriteString(v.S)
		case Data:
			gotData.Write(v.B)
		}
	}
	if gotText.String() != text || !bytes.Equal(gotData.Bytes(), data) {
		t.Fatal("the parts do not make the whole")
	}
	if frames < 50 {
		t.Fatalf("%d frames only", frames)
	}
}

func TestReaderLimits(t *testing.T) {
	frame := Append(nil, Text{RoleBody, 0, "0123456789"})
	for name, c := range map[string]struct {
		b     []byte
		limit int64
	}{
		"over the limit":   {frame, int64(len(frame)) - 1},
		"cut in the head":  {frame[:3], 100},
		"cut in the body":  {frame[:len(frame)-1], 100},
		"unknown tag":      {[]byte{200, 0, 0, 0, 0}, 100},
		"zero tag":         {[]byte{0, 0, 0, 0, 0}, 100},
		"claims 4 GiB":     {[]byte{byte(TagData), 0xff, 0xff, 0xff, 0xff}, 1 << 40},
		"trailing payload": {[]byte{byte(TagEnd), 0, 0, 0, 1, 0}, 100},
		"cells":            {append([]byte{byte(TagRow), 0, 0, 0, 8}, binary.BigEndian.AppendUint64(nil, 1<<40)...), 100},
		"flag of 2":        {append(append(Append(nil, Picture{W: 1, H: 1})[:29-1:29-1], 2), make([]byte, 16)...), 100},
	} {
		if _, err := NewReader(bytes.NewReader(c.b), c.limit).Next(); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsStay(t *testing.T) {
	r := NewReader(bytes.NewReader(append([]byte{200, 0, 0, 0, 0}, Append(nil, End{})...)), 100)
	for range 3 {
		if _, err := r.Next(); !errors.Is(err, ErrFrame) {
			t.Fatalf("a reader went on after an error: %v", err)
		}
	}
}

// Any text that passes Clean crosses unchanged, whatever its length.
func TestTextCrossesUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune{'a', '\n', '\t', 'あ', '𠮷', '\x00', '\u202e', '～'})).Draw(t, "s")
		var buf bytes.Buffer
		err := NewWriter(&buf).Write(Text{RoleContent, 0, s})
		if (err == nil) != (Clean(s, true) == nil) {
			t.Fatalf("%q: %v", s, err)
		}
		if err != nil {
			return
		}
		v, err := NewReader(&buf, 1<<20).Next()
		if err != nil || v.(Text).S != s {
			t.Fatalf("%v, %v", v, err)
		}
	})
}

func FuzzReader(f *testing.F) {
	for _, v := range samples() {
		f.Add(Append(nil, v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b), 1<<16)
		for {
			v, err := r.Next()
			if err != nil {
				if err != io.EOF && !errors.Is(err, ErrFrame) {
					t.Fatalf("unexpected error %v", err)
				}
				return
			}
			// What was read can be written, and reads the same.
			again, err := NewReader(bytes.NewReader(Append(nil, v)), 1<<16).Next()
			if err != nil || !reflect.DeepEqual(v, again) {
				t.Fatalf("%#v came back as %#v, %v", v, again, err)
			}
		}
	})
}

func TestPeek(t *testing.T) {
	b := Append(Append(nil, Number{NumberPages, 2}), Pixels{[]byte("ab")})
	r := NewReader(bytes.NewReader(b), 1<<10)
	for _, want := range []Value{Number{NumberPages, 2}, Pixels{[]byte("ab")}} {
		for range 2 {
			if v, err := r.Peek(); err != nil || !reflect.DeepEqual(v, want) {
				t.Fatalf("peek %#v, %v", v, err)
			}
		}
		if v, err := r.Next(); err != nil || !reflect.DeepEqual(v, want) {
			t.Fatalf("next %#v, %v", v, err)
		}
	}
	for range 2 {
		if v, err := r.Peek(); v != nil || err != io.EOF {
			t.Fatalf("end: %#v, %v", v, err)
		}
	}
	if v, err := r.Next(); v != nil || err != io.EOF {
		t.Fatalf("end: %#v, %v", v, err)
	}
}
