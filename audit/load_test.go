package audit

import (
	"errors"
	"testing"
)

func TestOpenRefuses(t *testing.T) {
	build := func(t *testing.T) (*disk, Options) {
		d, o := newDisk(), testKeys(t)
		w := mustOpen(t, d, o)
		for i := 0; i < 600; i += 100 {
			mustAppend(t, w, events(i, i+100))
			mustSign(t, w)
		}
		w.Close()
		return d.clone(), o
	}
	name := segmentName("2026-11")
	for _, c := range []struct {
		name   string
		damage func(*disk, *Options)
		want   error
	}{
		{"signed records cut off", func(d *disk, _ *Options) { b := d.read(name); d.write(name, b[:len(b)-10]) }, ErrDamaged},
		{"segment gone", func(d *disk, _ *Options) { delete(d.now, name) }, ErrDamaged},
		{"segment empty", func(d *disk, _ *Options) { d.write(name, nil) }, ErrDamaged},
		{"history gone", func(d *disk, _ *Options) { delete(d.now, historyName("2026-11")) }, ErrDamaged},
		{"history cut", func(d *disk, _ *Options) {
			h := d.read(historyName("2026-11"))
			d.write(historyName("2026-11"), h[:historyEnd(h)])
		}, ErrDamaged},
		{"checkpoint changed", func(d *disk, _ *Options) { d.write(checkpointFile, []byte("sekisho-audit/test\n1\n")) }, ErrDamaged},
		{"no tiles and another record", func(d *disk, _ *Options) {
			for p := range d.now {
				if len(p) > 5 && p[:5] == "tile/" && !d.now[p].dir {
					delete(d.now, p)
				}
			}
			b := d.read(name)
			b[300] ^= 1
			d.write(name, b)
		}, ErrDamaged},
		{"key of another log", func(_ *disk, o *Options) {
			pair, _ := GenerateKey(seed(2), "other")
			*o = optionsFor(t, pair)
		}, ErrDamaged},
		{"no key", func(_ *disk, o *Options) { *o = Options{} }, ErrKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, o := build(t)
			c.damage(d, &o)
			if w, err := Open(t.Context(), d, o); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
				if err == nil {
					w.Close()
				}
			}
		})
	}
}

func TestTilesAreMadeAgain(t *testing.T) {
	d, o := newDisk(), testKeys(t)
	w := mustOpen(t, d, o)
	mustAppend(t, w, events(0, 1000))
	mustSign(t, w)
	w.Close()
	for p := range d.now {
		if len(p) > 5 && p[:5] == "tile/" && !d.now[p].dir {
			delete(d.now, p)
		}
	}
	w = mustOpen(t, d, o)
	if !w.Recovery().Rebuilt {
		t.Error("tiles were not rebuilt")
	}
	mustAppend(t, w, events(1000, 1100))
	mustSign(t, w)
	wantIntact(t, d, o)
}

// The history's last entry was being written when the power failed: pages of it
// are missing, or only its beginning is there. It had not been published.
func TestUnfinishedHistory(t *testing.T) {
	o := testKeys(t)
	for name, spoil := range map[string]func(entry []byte) []byte{
		"beginning only": func(b []byte) []byte { return b[:len(b)/2] },
		"zeros at first": func(b []byte) []byte { clear(b[:30]); return b },
		"zeros in the middle": func(b []byte) []byte {
			clear(b[len(b)/2-20 : len(b)/2+20])
			return b
		},
		"zeros only": func(b []byte) []byte { clear(b); return b },
	} {
		for _, signed := range []int{0, 1, 2} { // entries before it
			d := newDisk()
			w := mustOpen(t, d, o)
			for i := range signed {
				mustAppend(t, w, events(i, i+1))
				mustSign(t, w)
			}
			mustAppend(t, w, events(signed, signed+1))
			before := d.clone()
			mustSign(t, w)
			h := d.read(historyName("2026-11"))
			start := 0
			for range signed {
				start += historyEnd(h[start:])
			}
			before.write(historyName("2026-11"), append(h[:start:start], spoil(h[start:])...))
			if r := mustVerify(t, before, o, VerifyOptions{}); r.Verdict != Intact {
				t.Errorf("%s after %d: before opening %v", name, signed, r.Faults)
			}
			again := mustOpen(t, before, o)
			if again.Recovery().TornHistory == 0 || again.Size() != int64(signed+1) || again.Signed().Size != int64(signed) {
				t.Errorf("%s after %d: %+v, size %d", name, signed, again.Recovery(), again.Size())
			}
			mustSign(t, again)
			if r := wantIntact(t, before, o); r.Checkpoints != signed+1 {
				t.Errorf("%s after %d: %d checkpoints", name, signed, r.Checkpoints)
			}
		}
	}
}
