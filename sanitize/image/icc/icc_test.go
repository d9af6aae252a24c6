package icc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"sekisho/sanitize/image/icc"
	"sekisho/sanitize/image/icc/icctest"
)

func srgbCurve(x float64) float64 {
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

func profiles() map[string][]byte {
	return map[string][]byte{
		"wide":  icctest.Profile("RGB ", icctest.Wide, icctest.Gamma(2.19921875)),
		"p3":    icctest.Profile("RGB ", icctest.P3, icctest.Parametric(3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)),
		"srgb":  icctest.Profile("RGB ", icctest.SRGB, icctest.Sampled(1024, srgbCurve)),
		"g1":    icctest.Profile("GRAY", nil, icctest.Gamma(1)),
		"g18":   icctest.Profile("GRAY", nil, icctest.Parametric(0, 1.8)),
		"none":  icctest.Profile("GRAY", nil, icctest.Linear()),
		"para4": icctest.Profile("GRAY", nil, icctest.Parametric(4, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045, 0, 0)),
		"para1": icctest.Profile("GRAY", nil, icctest.Parametric(1, 2, 1, 0)),
		"para2": icctest.Profile("GRAY", nil, icctest.Parametric(2, 1, 0.5, 0, 0.5)),
	}
}

// The wanted numbers are those of LittleCMS 2.14 (transicc, relative
// colorimetric), clipped; of the parametric curves, the formula's.
func TestConvert(t *testing.T) {
	for _, c := range []struct {
		profile  string
		in, want [3]byte
	}{
		{"wide", [3]byte{200, 100, 50}, [3]byte{227, 100, 42}},
		{"wide", [3]byte{0, 255, 0}, [3]byte{0, 255, 0}},
		{"wide", [3]byte{10, 20, 30}, [3]byte{0, 12, 24}},
		{"wide", [3]byte{128, 128, 128}, [3]byte{129, 129, 129}},
		{"wide", [3]byte{250, 240, 230}, [3]byte{254, 240, 230}},
		{"wide", [3]byte{60, 180, 220}, [3]byte{0, 181, 222}},
		{"p3", [3]byte{200, 100, 50}, [3]byte{215, 93, 31}},
		{"p3", [3]byte{0, 255, 0}, [3]byte{0, 255, 0}},
		{"p3", [3]byte{10, 20, 30}, [3]byte{7, 20, 31}},
		{"p3", [3]byte{250, 240, 230}, [3]byte{252, 240, 229}},
		{"p3", [3]byte{3, 3, 3}, [3]byte{3, 3, 3}},
		{"srgb", [3]byte{60, 180, 220}, [3]byte{60, 180, 220}},
		{"g1", [3]byte{5, 0, 0}, [3]byte{38, 38, 38}},
		{"g1", [3]byte{128, 9, 9}, [3]byte{188, 188, 188}},
		{"g18", [3]byte{64, 0, 0}, [3]byte{81, 81, 81}},
		{"g18", [3]byte{255, 0, 0}, [3]byte{255, 255, 255}},
		{"none", [3]byte{128, 0, 0}, [3]byte{188, 188, 188}},
		{"para4", [3]byte{77, 0, 0}, [3]byte{77, 77, 77}},
		{"para1", [3]byte{128, 0, 0}, [3]byte{137, 137, 137}},
		{"para2", [3]byte{0, 0, 0}, [3]byte{188, 188, 188}},
	} {
		tr, err := icc.New(profiles()[c.profile])
		if err != nil {
			t.Fatalf("%s: %v", c.profile, err)
		}
		r, g, b := tr.Convert(c.in[0], c.in[1], c.in[2])
		for i, got := range [3]byte{r, g, b} {
			if d := int(got) - int(c.want[i]); d < -1 || d > 1 {
				t.Errorf("%s %v: %v, want %v", c.profile, c.in, [3]byte{r, g, b}, c.want)
			}
		}
	}
}

func TestPlain(t *testing.T) {
	for name, p := range profiles() {
		tr, err := icc.New(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := tr.Plain(), name == "srgb" || name == "para4"; got != want {
			t.Errorf("%s: plain %v", name, got)
		}
	}
}

func TestRefused(t *testing.T) {
	good := profiles()["wide"]
	poke := func(at int, s string) []byte {
		p := bytes.Clone(good)
		copy(p[at:], s)
		return p
	}
	at := func(s string) int { return bytes.Index(good[132:], []byte(s)) + 132 }
	curve := binary.BigEndian.Uint32(good[at("rTRC")+4:])
	for name, c := range map[string]struct {
		p    []byte
		want error
	}{
		"empty":             {nil, icc.ErrMalformed},
		"no mark":           {poke(36, "xxxx"), icc.ErrMalformed},
		"version 0":         {poke(8, "\x00"), icc.ErrMalformed},
		"version 5":         {poke(8, "\x05"), icc.ErrMalformed},
		"size too small":    {poke(0, "\x00\x00\x00\x20"), icc.ErrMalformed},
		"larger than it is": {poke(0, "\x00\x10\x00\x00"), icc.ErrMalformed},
		"a link":            {poke(12, "link"), icc.ErrMalformed},
		"abstract":          {poke(12, "abst"), icc.ErrMalformed},
		"connected to RGB":  {poke(20, "RGB "), icc.ErrMalformed},
		"another white":     {poke(68, "\x00\x00\x80\x00"), icc.ErrMalformed},
		"cut":               {good[:140], icc.ErrMalformed},
		"many tags":         {poke(128, "\xFF\xFF\xFF\xFF"), icc.ErrMalformed},
		"press":             {poke(16, "CMYK"), icc.ErrUnsupported},
		"through Lab":       {poke(20, "Lab "), icc.ErrUnsupported},
		"no primaries":      {poke(at("gXYZ"), "zXYZ"), icc.ErrUnsupported},
		"no curve":          {poke(at("bTRC"), "zTRC"), icc.ErrUnsupported},
		"offset behind":     {poke(at("bTRC")+4, "\xFF\xFF\xFF\x00"), icc.ErrUnsupported},
		"other curve":       {poke(int(curve), "zurv"), icc.ErrUnsupported},
		"curve too long":    {poke(int(curve)+8, "\x7F\xFF\xFF\xFF"), icc.ErrMalformed},
		"other space":       {poke(16, "HSV "), icc.ErrUnsupported},
		"unknown function":  {icctest.Profile("GRAY", nil, icctest.Parametric(5, 1)), icc.ErrMalformed},
		"few parameters":    {icctest.Profile("GRAY", nil, icctest.Parametric(4, 1)), icc.ErrMalformed},
	} {
		if _, err := icc.New(c.p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if icc.SpaceOf(poke(16, "CMYK")) != icc.CMYK || icc.SpaceOf(poke(16, "Lab ")) != icc.Other || icc.SpaceOf(nil) != 0 {
		t.Error("space")
	}
}

// A profile may have tables besides its curves, which others prefer.
func TestTables(t *testing.T) {
	p := profiles()["wide"]
	for name, want := range map[string]bool{"desc": false, "A2B0": true, "A2B1": true} {
		q := bytes.Replace(p, []byte("desc"), []byte(name), 1)
		tr, err := icc.New(q)
		if err != nil || tr.Tables() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzNew(f *testing.F) {
	for _, p := range profiles() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		tr, err := icc.New(p)
		if err != nil {
			if !errors.Is(err, icc.ErrMalformed) && !errors.Is(err, icc.ErrUnsupported) {
				t.Fatal(err)
			}
			return
		}
		for i := range 256 {
			tr.Convert(byte(i), byte(i*7), byte(255-i))
		}
		tr.Plain()
	})
}
