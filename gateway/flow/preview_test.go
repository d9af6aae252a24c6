package flow

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/policy"
)

// slides is a class of boxes that draws a PDF of these tests: "slides 3" behind
// its mark has three pages of noise; "slides 0" is one that its reader dies of.
func slides() sanitize.Heavy {
	return sanitize.Heavy{Class: format.ClassPDF, CPU: time.Minute, Load: func([]string) (map[format.Kind]sanitize.Parser, error) {
		return map[format.Kind]sanitize.Parser{format.PDF: drawSlides}, nil
	}}
}

func drawSlides(_ context.Context, in format.Untrusted, out *ir.Writer) error {
	var pages int64
	if _, err := fmt.Sscanf(string(in.Data[max(bytes.Index(in.Data, []byte("slides ")), 0):]), "slides %d", &pages); err != nil {
		return format.Hold(format.Malformed, "no slides")
	}
	if pages == 0 {
		panic("a reader that dies")
	}
	if in.Render.Page > pages {
		return format.Hold(format.LimitPages, "no such page")
	}
	all := []ir.Value{ir.Number{Name: ir.NumberPages, N: pages}}
	for p := range pages {
		if in.Render.Page > 0 && p != in.Render.Page-1 {
			continue
		}
		r := ir.Raster{Samples: ir.Gray8, W: in.Render.DPI, H: in.Render.DPI}
		pix := make([]byte, r.Stride()*r.H)
		for i := range pix {
			pix[i] = byte(int64(i)*7 + p*31)
		}
		all = append(all, ir.Sheet{Page: p, W: 72_000, H: 72_000, Marks: 1}, r, ir.Pixels{B: pix})
	}
	for _, v := range all {
		if err := out.Write(v); err != nil {
			return err
		}
	}
	return nil
}

func slidesPDF(pages int) []byte {
	return fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj\nslides %d\nstartxref\n", pages)
}

func mailWithPDF(pages int) string {
	return "From: a@example.com\nTo: b@town.example.lg.jp\nSubject: slides\nMessage-ID: <s@example.com>\nMIME-Version: 1.0\n" +
		"Content-Type: multipart/mixed; boundary=xyz\n\n--xyz\nContent-Type: text/plain\n\nthe body\n--xyz\nContent-Type: application/pdf\n" +
		"Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"a.pdf\"\n\n" +
		base64.StdEncoding.EncodeToString(slidesPDF(pages)) + "\n--xyz--\n"
}

// lookers is a world where people look at held documents.
func lookers(t *testing.T, pages int) (*world, gateway.Message, quarantine.Item) {
	t.Helper()
	w := newWorld(t)
	w.Pages, w.Previews = w.Engine.(*sanitize.Engine), blobs(t, t.TempDir(), "previews")
	w.policy.Default.Kinds[format.PDF] = policy.Quarantine
	m := w.accept(mailWithPDF(pages), "b@town.example.lg.jp")
	w.step()
	finish(t, w, m)
	items := w.items(m)
	if len(items) != 1 {
		t.Fatalf("%d items", len(items))
	}
	return w, m, items[0]
}

// wants asks for a page of a part as the interface does.
func (w *world) wants(m gateway.Message, item, part string, page int64) gateway.ID {
	w.t.Helper()
	w.count++
	j := gateway.Job{ID: gateway.ID(fmt.Sprintf("p%d", w.count)), Kind: gateway.JobPreview, Message: m.ID, Item: item, By: "clerk", State: gateway.JobWaiting,
		CreatedAt: w.now, NextAt: w.now, Preview: gateway.PagePreview{Part: part, Page: page, ExpiresAt: w.now.Add(time.Hour)}}
	if err := w.ledger.Do(w.t.Context(), func(tx gateway.Tx) error { return tx.AddJob(j, w.note()) }); err != nil {
		w.t.Fatal(err)
	}
	return j.ID
}

// show draws the next page that somebody wants.
func (w *world) show(id gateway.ID) gateway.Job {
	w.t.Helper()
	if worked, err := w.Preview(w.t.Context()); !worked || err != nil {
		w.t.Fatalf("worked: %v, %v", worked, err)
	}
	j, err := w.ledger.Job(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return j
}

func (w *world) picture(j gateway.Job) []byte {
	w.t.Helper()
	r, err := w.Previews.Open(w.t.Context(), j.Preview.Blob)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// TestPreviewIsTheEngines: what people are shown is the page that the engine
// draws, of the part that is held.
func TestPreviewIsTheEngines(t *testing.T) {
	w, m, i := lookers(t, 3)
	for page := int64(1); page <= 3; page++ {
		j := w.show(w.wants(m, i.ID, i.Path, page))
		if j.State != gateway.JobDone || j.Preview.Pages != 3 || !j.Preview.ExpiresAt.Equal(w.now.Add(PreviewLife)) {
			t.Fatalf("%+v", j)
		}
		got := w.picture(j)
		data, err := w.original(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		rules := w.policy.For(i.Recipient)
		b := sanitize.BudgetOf(rules)
		b.Deadline = time.Now().Add(time.Minute)
		drawn, err := w.Pages.Preview(t.Context(), sanitize.Input{Kind: format.Mail, Data: data, Rules: rules}, i.Path, page, b)
		data.Close()
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(drawn.Reader())
		drawn.Close()
		if err != nil || !bytes.Equal(got, want) || sha256.Sum256(got) != j.Preview.Sum || int64(len(got)) != j.Preview.Size {
			t.Errorf("page %d: %d bytes, the engine's has %d; %v", page, len(got), len(want), err)
		}
	}
	if n := w.verbs(); n["job.done"] != 3 {
		t.Errorf("%d records", n["job.done"])
	}
	if worked, err := w.Job(t.Context()); worked || err != nil {
		t.Errorf("a preview was taken for a release: %v, %v", worked, err)
	}
}

// TestPreviewReasons: whatever is wrong with a part, or with what was asked, ends
// the job with a reason of the closed list, and leaves no picture.
func TestPreviewReasons(t *testing.T) {
	w, m, i := lookers(t, 2)
	deadly := w.accept(mailWithPDF(0), "b@town.example.lg.jp")
	w.step()
	text := w.accept(withTable, "b@town.example.lg.jp")
	w.step()
	other := w.accept(plain, "b@town.example.lg.jp")
	w.step()
	for _, c := range []struct {
		name string
		j    gateway.ID
		want format.Reason
	}{
		{"no such page", w.wants(m, i.ID, i.Path, 3), format.LimitPages},
		{"text", w.wants(text, "", "1", 1), format.KindUnsupported},
		{"no such part", w.wants(m, "", "7", 1), format.Internal},
		{"no path", w.wants(m, "", "x", 1), format.Internal},
		{"the mail itself", w.wants(m, "", "", 1), format.KindUnsupported},
		{"a reader that dies", w.wants(deadly, "", "1", 1), format.WorkerCrash},
		{"another part in its place", w.wants(other, i.ID, i.Path, 1), format.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := w.show(c.j)
			if j.State != gateway.JobFailed || j.Reason != string(c.want) || j.Preview.Blob != "" || j.Preview.ExpiresAt.IsZero() {
				t.Errorf("%+v", j)
			}
		})
	}
	late := w.wants(m, i.ID, i.Path, 1)
	w.now = w.now.Add(time.Hour)
	if j := w.show(late); j.Reason != string(format.LimitTime) {
		t.Errorf("nobody waits for it: %+v", j)
	}
	discard(t, w, i)
	if j := w.show(w.wants(m, i.ID, i.Path, 1)); j.Reason != string(format.Internal) {
		t.Errorf("a part that is gone: %+v", j)
	}
	w.empty(t)
}

func discard(t *testing.T, w *world, i quarantine.Item) {
	t.Helper()
	gone, err := i.Discard("clerk", w.now)
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.Scribe.System("item.discarded", audit.Success, func(e *audit.Event) { e.Object = gateway.ItemObject(i) })
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ledger.Do(t.Context(), func(tx gateway.Tx) error { return tx.MoveItem(gone, r) }); err != nil {
		t.Fatal(err)
	}
}

// empty fails when there is a picture.
func (w *world) empty(t *testing.T) {
	t.Helper()
	err := w.Previews.Walk(t.Context(), func(name string, _ int64, _ time.Time) error { return errors.New("a picture is left: " + name) })
	if err != nil {
		t.Error(err)
	}
}

// TestPicturesGo: a picture lives for minutes, and no longer than its item.
func TestPicturesGo(t *testing.T) {
	w, m, i := lookers(t, 2)
	keeper := Pictures{Ledger: w.ledger, Previews: w.Previews}
	tidy := func() {
		t.Helper()
		if err := keeper.Tidy(t.Context(), w.now); err != nil {
			t.Fatal(err)
		}
	}
	gone := func(id gateway.ID) {
		t.Helper()
		if _, err := w.ledger.Job(t.Context(), id); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("its row: %v", err)
		}
		w.empty(t)
	}
	first := w.show(w.wants(m, i.ID, i.Path, 1))
	waiting := w.wants(m, i.ID, i.Path, 2)
	w.now = w.now.Add(PreviewLife - time.Second)
	tidy()
	w.picture(first)
	w.now = w.now.Add(time.Second)
	tidy()
	gone(first.ID)
	second := w.show(waiting) // what waited is left, and drawn
	w.picture(second)
	discard(t, w, i)
	tidy()
	gone(second.ID)

	third := w.show(w.wants(m, "", "1", 1)) // of the mail, without an item
	tidy()
	w.picture(third)
	purged, err := w.Scribe.System("original.purged", audit.Success, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ledger.Do(t.Context(), func(tx gateway.Tx) error { return tx.ForgetOriginal(m.ID, purged) }); err != nil {
		t.Fatal(err)
	}
	tidy()
	gone(third.ID)

	stray, err := w.Previews.Put(t.Context(), func(o io.Writer) error { _, err := o.Write([]byte("x")); return err })
	if err != nil {
		t.Fatal(err)
	}
	w.now = time.Now().Add(lost / 2)
	tidy()
	w.picture(gateway.Job{Preview: gateway.PagePreview{Blob: stray}})
	w.now = time.Now().Add(lost + time.Minute)
	tidy()
	w.empty(t)
}

// TestPreviewIsTriedAgain: a machine without room is not the page's fault, and a
// parent that keeps dying of a page ends it.
func TestPreviewIsTriedAgain(t *testing.T) {
	w, m, i := lookers(t, 1)
	id := w.wants(m, i.ID, i.Path, 1)
	good := w.Previews
	w.Previews = full{good}
	if worked, err := w.Preview(t.Context()); !worked || !errors.Is(err, gateway.ErrFull) {
		t.Fatalf("%v %v", worked, err)
	}
	w.Previews, w.now = good, w.now.Add(time.Minute)
	if j := w.show(id); j.State != gateway.JobDone || j.Attempts != 0 {
		t.Errorf("%+v", j)
	}
	id = w.wants(m, i.ID, i.Path, 1)
	for range maxLost + 1 {
		err := w.ledger.Do(t.Context(), func(tx gateway.Tx) error {
			_, err := tx.ClaimJob("dead", w.now, w.now.Add(time.Second), gateway.JobPreview)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Second)
	}
	if j := w.show(id); j.Reason != string(format.CrashLoop) {
		t.Errorf("%+v", j)
	}
}

// full is a store without room.
type full struct{ gateway.Blobs }

func (full) Put(context.Context, func(io.Writer) error) (string, error) {
	return "", gateway.ErrFull
}

// TestJobsAreWoken: what this process asked for is begun at once; what another one
// asked for, within the poll.
func TestJobsAreWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Config{})
		for name, c := range map[string]struct {
			wake func()
			hint <-chan struct{}
		}{"job": {f.WakeJob, f.wakeJob}, "preview": {f.WakePreview, f.wakePreview}, "mail": {f.Wake, f.wake}} {
			ctx, stop := context.WithCancel(t.Context())
			begun := make(chan struct{})
			step := func(context.Context) (bool, error) { begun <- struct{}{}; return false, nil }
			go f.loop(ctx, name, c.hint, step)
			<-begun // found nothing, and waits
			start := time.Now()
			c.wake()
			<-begun
			if d := time.Since(start); d != 0 {
				t.Errorf("%s: woken after %v", name, d)
			}
			<-begun
			if d := time.Since(start); d != pollTime {
				t.Errorf("%s: looked by itself after %v", name, d)
			}
			stop()
			c.wake()
			c.wake() // nobody has to be there to hear it
			synctest.Wait()
		}
	})
}
