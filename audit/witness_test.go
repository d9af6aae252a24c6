package audit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A witness follows a growing log through every size, and refuses an older copy,
// a fork, another log, and a log whose tiles do not show the connection.
// spec: c2sp/tlog-witness g7
func TestWitnessFollows(t *testing.T) {
	o := testKeys(t)
	d := newDisk()
	w := mustOpen(t, d, o)
	var last Checkpoint
	var older []*disk
	var kept []Checkpoint
	for i := 0; i < 600; i += 37 {
		mustAppend(t, w, events(i, i+37))
		mustSign(t, w)
		for _, before := range append([]Checkpoint{{}, last}, kept...) {
			c, err := Follow(t.Context(), d, o.Keys, before)
			if err != nil || c.Size != w.Size() {
				t.Fatalf("from %d to %d: %v", before.Size, w.Size(), err)
			}
			last = c
		}
		kept, older = append(kept, last), append(older, d.clone())
	}
	forged := newDisk()
	f := mustOpen(t, forged, o)
	lie := events(0, 700)
	lie[300].Actor.IP = "192.0.2.9"
	mustAppend(t, f, lie[:600])
	mustSign(t, f)
	mustAppend(t, f, lie[600:])
	mustSign(t, f)
	same := newDisk()
	s := mustOpen(t, same, o)
	mustAppend(t, s, lie[:int(last.Size)])
	mustSign(t, s)
	cut := d.clone()
	mustAppend(t, w, events(700, 900))
	mustSign(t, w)
	bare := d.clone()
	delete(bare.now, "tile/0/000")
	strange := d.clone()
	strange.write(checkpointFile, []byte("no note\n"))
	for _, c := range []struct {
		name string
		d    *disk
		from Checkpoint
		want error
	}{
		{"true log", d, last, nil},
		{"the same again", cut, last, nil},
		{"older copy", older[3], last, ErrRollback},
		{"fork of the same size", same, last, ErrFork},
		{"longer fork", forged, last, ErrFork},
		{"longer fork, from before it parts", forged, kept[5], nil},
		{"tiles missing", bare, kept[2], ErrProof},
		{"no checkpoint", strange, last, ErrCheckpoint},
	} {
		got, err := Follow(t.Context(), c.d, o.Keys, c.from)
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if (c.want == ErrFork || c.want == ErrRollback) && len(got.Note) == 0 {
			t.Errorf("%s: no evidence", c.name)
		}
	}
}

// What a syslog server keeps is an anchor in each of the usual file formats,
// among lines of other programs; a forged or broken line is an error, not less.
func TestAnchorsFromSyslog(t *testing.T) {
	o := testKeys(t)
	d := signedLog(t, o, 30, 10)
	var notes []Checkpoint
	for h := d.read(historyName("2026-11")); len(h) > 0; h = h[historyEnd(h):] {
		c, err := OpenCheckpoint(h[:historyEnd(h)-1], o.Keys)
		if err != nil {
			t.Fatal(err)
		}
		notes = append(notes, c)
	}
	file := strings.Join([]string{
		"# kept by the syslog server",
		"2026-11-25T09:00:01.123456+09:00 mail postfix/smtpd[12]: connect from unknown",
		"Nov 25 09:00:02 gw sekisho[123]: " + notes[0].Line(),
		"2026-11-25T09:05:00+09:00 gw sekisho 123 - [x@32473 size=\"20\"] " + notes[1].Line() + " ",
		"<108>1 2026-11-25T09:10:00Z gw sekisho 1 audit.checkpoint - " + notes[2].Line(),
		"<13>1 2026-11-25T09:10:00Z gw cron 1 - - audit-checkpoint of something else",
		"Nov 25 09:15:02 gw sekisho[123]: " + notes[2].Line(),
		notes[1].String(),
		"",
	}, "\n") + string(notes[0].Note) + "\n" + string(notes[2].Note)
	list, unsigned, err := ParseAnchors([]byte(file), o.Keys)
	if err != nil || unsigned != 0 || len(list) != 3 {
		t.Fatalf("%d anchors: %v", len(list), err)
	}
	for i, c := range list {
		if c.Size != notes[i].Size || c.Root != notes[i].Root {
			t.Errorf("anchor %d is %v, want %v", i, c, notes[i])
		}
	}
	if r := mustVerify(t, d, o, VerifyOptions{Anchors: list, NeedAnchor: true}); r.Verdict != Intact || r.Anchors != 3 {
		t.Errorf("%v %v", r.Verdict, r.Faults)
	}
	line := "Nov 25 09:00:02 gw sekisho[123]: " + notes[0].Line()
	for name, bad := range map[string]string{
		"other size":      strings.Replace(line, " 10 ", " 11 ", 1),
		"other root":      strings.Replace(line, notes[0].Root.String()[:4], "AAAA", 1),
		"other signature": line[:len(line)-9] + "AAAAAAAA=",
		"cut":             line[:len(line)-30],
		"no signature":    line[:strings.LastIndexByte(line, ' ')],
		"a word":          "size",
		"of a stranger":   "Nov 25 09:00:02 mx postfix/smtpd[12]: NOQUEUE: reject: from=<\"" + lineMark + o.Keys.Origin() + " \"@evil.example>",
	} {
		if list, unsigned, err := ParseAnchors([]byte(bad), o.Keys); err == nil && (unsigned != 1 || len(list) > 0) || err != nil && !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: %v, %d unsigned, %v", name, list, unsigned, err)
		}
		// Whatever others write into the file, what is signed stays an anchor.
		if !strings.HasPrefix(bad, "Nov") {
			continue
		}
		if list, unsigned, err := ParseAnchors([]byte(bad+"\n"+line+"\n"+bad), o.Keys); err != nil || unsigned != 2 || len(list) != 1 || list[0].Root != notes[0].Root {
			t.Errorf("%s among others: %v, %d unsigned, %v", name, list, unsigned, err)
		}
	}
}

// A bundle may say what commitments stand for, and only that.
func TestBundleOpenings(t *testing.T) {
	o := testKeys(t)
	d := newDisk()
	w := mustOpen(t, d, o)
	list := events(0, 3)
	name, err := Commit("見積書.xlsx", seed(4))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := Commit("見積のお願い", seed(5))
	if err != nil {
		t.Fatal(err)
	}
	list[1].Commit = Commitment{Filename: name.Digest, Subject: subject.Digest}
	mustAppend(t, w, list)
	mustSign(t, w)
	make := func(disclose ...Opening) []byte {
		b, err := Prove(t.Context(), d, o.Keys, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range disclose {
			b.Disclose(o)
		}
		text, err := b.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	p, err := VerifyBundle(make(name, subject), o.Keys)
	if err != nil || p.Texts[p.Events[1].Commit.Filename] != "見積書.xlsx" || p.Texts[p.Events[1].Commit.Subject] != "見積のお願い" {
		t.Errorf("%v %v", p.Texts, err)
	}
	other, err := Commit("別の件名", seed(6))
	if err != nil {
		t.Fatal(err)
	}
	lie := subject
	lie.Value = "別の件名"
	for what, bad := range map[string][]byte{
		"text of no record": make(other),
		"another text":      make(lie),
		"another nonce":     bytes.Replace(make(name), []byte(`"nonce": "BAQE`), []byte(`"nonce": "BQQE`), 1),
		"a short nonce":     bytes.Replace(make(name), []byte(`"nonce": "BAQE`), []byte(`"nonce": "`), 1),
		"too many":          make(name, name, name, name, name, name, name),
	} {
		if _, err := VerifyBundle(bad, o.Keys); !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func FuzzParseAnchors(f *testing.F) {
	o := testKeys(f)
	d := newDisk()
	w := mustOpen(f, d, o)
	mustAppend(f, w, events(0, 9))
	c := mustSign(f, w)
	f.Add([]byte("Nov 25 09:00:02 gw sekisho[123]: " + c.Line() + "\n"))
	f.Add(append([]byte(c.String()+"\n"), c.Note...))
	f.Add([]byte(fmt.Sprintf("# %s\n<13>1 - - - - - -\n%s\n\n%s", c, c.Note, c.Line())))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _, err := ParseAnchors(b, o.Keys)
		if err != nil && !errors.Is(err, ErrCheckpoint) {
			t.Error(err)
		}
		for _, a := range list {
			// Whoever has no key can only make printed lines.
			if len(a.Note) > 0 && (a.Size != c.Size || a.Root != c.Root) {
				t.Errorf("signed by nobody: %v", a)
			}
		}
	})
}
