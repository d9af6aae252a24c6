package modules

import (
	"bytes"
	stdcontext "context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mincho = "/usr/share/fonts/opentype/ipafont-mincho"

// collection is a TrueType collection of one font: its tables moved behind a
// header of 16 bytes.
func collection(font []byte) []byte {
	out := append([]byte("ttcf\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x10"), font...)
	for i := range int(u16(font, 4)) {
		at := 12 + 16*i + 8
		start := u32(font, at) + 16
		copy(out[16+at:], []byte{byte(start >> 24), byte(start >> 16), byte(start >> 8), byte(start)})
	}
	return out
}

func TestFamily(t *testing.T) {
	all, err := ReadFonts([]string{mincho, fonts[0], "/nowhere"})
	if err != nil || len(all) != 4 {
		t.Fatalf("%d fonts, %v", len(all), err)
	}
	var names []string
	for _, f := range all {
		names = append(names, family(f))
	}
	if got := strings.Join(names, " "); got != "IPAMincho IPAPMincho IPAGothic IPAPGothic" {
		t.Errorf("families %q", got)
	}
	if got := family(collection(all[0])); got != "IPAMincho" {
		t.Errorf("of a collection: %q", got)
	}
	for name, c := range map[string]struct {
		fonts [][]byte
		want  string
	}{
		"the proportional one": {all, "IPAPGothic"},
		"the first":            {all[:2], "IPAMincho"},
		"none":                 {nil, ""},
		"a broken one":         {[][]byte{all[0][:100], all[1]}, "IPAPMincho"},
	} {
		if got := defaultFamily(c.fonts); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestWordsInOtherFonts: words are drawn with whatever font is there, also as a
// collection, when they ask for one that is not.
func TestWordsInOtherFonts(t *testing.T) {
	files, err := ReadFonts([]string{mincho})
	if err != nil {
		t.Fatal(err)
	}
	at := t.TempDir()
	if err := os.WriteFile(filepath.Join(at, "a.TTC"), collection(files[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	cache, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{mincho, at} {
		letters, err := ReadFonts([]string{from})
		if err != nil || len(letters) == 0 {
			t.Fatalf("%s: %d fonts, %v", from, len(letters), err)
		}
		parse, err := Load(stdcontext.Background(), "svg", Config{Dir: dir, Cache: cache, Fonts: letters})
		if err != nil {
			t.Fatal(err)
		}
		for _, asked := range []string{"", ` font-family="Meiryo, sans-serif"`} {
			o, err := sanitize(t, rowOf("svg", parse), []byte(head+`<text x="2" y="14" font-size="12"`+asked+`>日本語</text></svg>`), 0)
			if err != nil {
				t.Fatal(err)
			}
			if ink := dark(picture(t, o)); ink < 100 {
				t.Errorf("%s%s: %d dark pixels", from, asked, ink)
			}
		}
	}
}

// TestFontsAreBounded: files that are too large are left out, whole.
func TestFontsAreBounded(t *testing.T) {
	at := t.TempDir()
	for name, size := range map[string]int{"a.ttf": 10, "b.otf": maxFontBytes + 1, "c.ttf": maxFontBytes, "d.ttf": maxFontBytes - 9, "e.ttf": 20, "f.txt": 5} {
		if err := os.WriteFile(filepath.Join(at, name), bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := ReadFonts([]string{at})
	if err != nil || len(all) != 3 || len(all[0]) != 10 || len(all[1]) != maxFontBytes || len(all[2]) != 20 {
		t.Errorf("%d fonts, %v", len(all), err)
	}
}

// FuzzFamily: any bytes give a name or none.
func FuzzFamily(f *testing.F) {
	data, err := os.ReadFile(filepath.Join(fonts[0], "ipagp.ttf"))
	if err != nil {
		f.Fatal(err)
	}
	small := append([]byte("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00name\x00\x00\x00\x00\x00\x00\x00\x1c"), 0, 0, 0, 0)
	names := table(data, 0, "name")
	small = append(small, names...)
	copy(small[24:], []byte{byte(len(names) >> 24), byte(len(names) >> 16), byte(len(names) >> 8), byte(len(names))})
	if got := family(small); got != proportional {
		f.Fatalf("the seed says %q", got)
	}
	f.Add(small)
	f.Add(collection(small))
	f.Fuzz(func(t *testing.T, font []byte) {
		if name := family(font); len(name) > 3*len(font) {
			t.Errorf("%d bytes of name from %d", len(name), len(font))
		}
	})
}
