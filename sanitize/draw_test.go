package sanitize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
)

// drawing is a class of workers that draw a PDF of these tests: what is asked
// of them stands behind the mark of a PDF in plain words.
func drawing() sandbox.Class {
	return sandbox.Class{Procs: 2, Limits: sandbox.Limits{Memory: 512 << 20, CPU: 20 * time.Second, Wall: 5 * time.Minute, Output: 1 << 30},
		Load: func() (sandbox.Serve, error) {
			rows := Formats()
			rowOf(rows, format.PDF).Parse = drawTest
			return func(in io.Reader, out io.Writer) error { return serve(rows, in, out) }, nil
		}}
}

// drawEngine is an engine with workers that draw.
func drawEngine(t *testing.T) *Engine {
	t.Helper()
	classes := testClasses()
	classes[string(format.ClassPDF)] = drawing()
	return New(testPool(t, classes), slog.New(slog.NewTextHandler(io.Discard, nil)))
}

// testPDF is a file that has this many pages drawn, each with its text; how may
// be "noise" (which no encoder makes small), "blank", "short" (a page less than
// said) and "huge" (more pixels than allowed).
func testPDF(pages int, how string) []byte {
	return fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj\ntest %d %s\nstartxref\n", pages, how)
}

func drawTest(_ context.Context, in format.Untrusted, out *ir.Writer) error {
	var pages int
	var how string
	at := bytes.Index(in.Data, []byte("test "))
	if _, err := fmt.Sscanf(string(in.Data[max(at, 0):]), "test %d %s", &pages, &how); err != nil {
		return format.Hold(format.Malformed, "not a test")
	}
	all := []ir.Value{ir.Number{Name: ir.NumberPages, N: int64(pages)}, ir.Note{Code: "metadata_removed"}}
	if how == "short" {
		pages--
	}
	if in.Render.Page > int64(pages) {
		return format.Hold(format.LimitPages, "no such page")
	}
	for p := range int64(pages) {
		if in.Render.Page > 0 && p != in.Render.Page-1 {
			continue
		}
		text := fmt.Sprintf("page %d of the test", p+1)
		if in.Render.Method == format.MethodText {
			all = append(all, ir.Text{Role: ir.RoleContent, Seq: p, S: text})
			continue
		}
		r := ir.Raster{Samples: ir.Gray8, W: 2 * in.Render.DPI, H: in.Render.DPI}
		if how == "large" {
			r = ir.Raster{Samples: ir.RGB8, W: 5000, H: 5000}
		}
		if how == "huge" {
			r = ir.Raster{Samples: ir.Gray1, W: 1 << 13, H: 1 << 13}
		}
		all = append(all, ir.Sheet{Page: p, W: 144_000, H: 72_000, Marks: 1}, r, ir.Pixels{B: testPixels(r, how, p)})
		if in.Render.Layer {
			all = append(all, ir.Run{X: 1000, Y: 1000, Length: 90_000, Size: 9000, S: text})
		}
	}
	for _, v := range all {
		if err := out.Write(v); err != nil {
			return err
		}
	}
	return nil
}

func testPixels(r ir.Raster, how string, page int64) []byte {
	pix := make([]byte, r.Stride()*r.H)
	state := uint32(page + 1)
	for i := range pix {
		if state = state*1664525 + 1013904223; how != "blank" {
			pix[i] = byte(state >> 24)
		}
	}
	return pix
}

// spec: g1 g5
func TestDrawn(t *testing.T) {
	e := drawEngine(t)
	n := runMail(t, e, mailWith(map[string][]byte{"a.pdf": testPDF(3, "noise")}, "a.pdf"))
	k := n.Kids[0]
	if k.Verdict != format.Rebuilt || k.Method != format.MethodImage || k.Body.Name() != "a.pdf" || len(k.Findings) != 1 {
		t.Fatalf("%s %s %s %+v", k.Verdict, k.Reason, k.Detail, k.Findings)
	}
	if notes, err := e.Lint(t.Context(), "a.pdf", memory(t, output(t, k))); err != nil || len(notes) > 0 {
		t.Errorf("lint: %v %v", notes, err)
	}
	if mail := output(t, n); !strings.Contains(string(mail), "filename=a.pdf") && !strings.Contains(string(mail), `filename="a.pdf"`) {
		t.Errorf("%.2000s", mail)
	}
	if c := k.child(); !c.Searchable {
		t.Error("its text cannot be searched")
	}
	again := runMail(t, e, mailWith(map[string][]byte{"a.pdf": testPDF(3, "noise")}, "a.pdf"))
	if again.Kids[0].Body.Sum() != k.Body.Sum() {
		t.Error("drawn twice, two files")
	}
}

func TestDrawnAsPolicySays(t *testing.T) {
	e := drawEngine(t)
	r := policy.Default()
	r.Pages.Layer = false
	n := runWith(t, e, Input{Name: "a.pdf", Data: memory(t, testPDF(2, "noise")), Rules: r})
	if n.Verdict != format.Rebuilt || n.child().Searchable {
		t.Errorf("without a layer: %s %s", n.Verdict, n.Detail)
	}
	r.Kinds[format.PDF] = policy.Text
	n = runWith(t, e, Input{Name: "a.pdf", Data: memory(t, testPDF(2, "noise")), Rules: r})
	want := "\uFEFF--- 1 / 2 ページ ---\r\npage 1 of the test\r\n\r\n--- 2 / 2 ページ ---\r\npage 2 of the test\r\n"
	if n.Verdict != format.Rebuilt || n.Method != format.MethodText || string(output(t, n)) != want || !strings.HasSuffix(n.Body.Name(), ".txt") {
		t.Errorf("as text: %s %s %q %q", n.Verdict, n.Detail, output(t, n), n.Body.Name())
	}
}

// spec: g2 g8
func TestDrawnHolds(t *testing.T) {
	e := drawEngine(t)
	for how, want := range map[string]format.Reason{"blank": format.FidelityLoss, "short": format.Internal, "huge": format.LimitPixels} {
		n := run(t, e, "a.pdf", testPDF(2, how))
		if n.Verdict != format.Held || n.Reason != want || n.Body.OK() {
			t.Errorf("%s: %s %s %s", how, n.Verdict, n.Reason, n.Detail)
		}
	}
	r := policy.Default()
	r.Limits.Pages = 4
	n := runWith(t, e, Input{Kind: format.Mail, Data: memory(t, mailWith(map[string][]byte{"a.pdf": testPDF(3, "noise"), "b.pdf": testPDF(2, "noise")}, "a.pdf", "b.pdf")), Rules: r, Facts: testFacts()})
	if n.Kids[0].Verdict != format.Rebuilt || n.Kids[1].Reason != format.LimitPages {
		t.Errorf("pages together: %s, %s %s", n.Kids[0].Verdict, n.Kids[1].Verdict, n.Kids[1].Reason)
	}
}

// TestTooLargeIsDrawnCoarser: DECISIONS 19. The largest drawn part gets a
// smaller profile before anything is held, and its pages count once.
func TestTooLargeIsDrawnCoarser(t *testing.T) {
	e := drawEngine(t)
	files := map[string][]byte{"large.pdf": testPDF(4, "noise"), "small.pdf": testPDF(1, "noise"), "a.txt": []byte("words")}
	mail := mailWith(files, "large.pdf", "small.pdf", "a.txt")
	sized := func(output int64) Node {
		r := policy.Default()
		r.Limits.Output, r.Limits.Pages = output, 5
		return runWith(t, e, Input{Kind: format.Mail, Data: memory(t, mail), Rules: r, Facts: testFacts()})
	}
	whole := sized(50 << 20)
	if whole.Verdict != format.Rebuilt {
		t.Fatalf("%s %s", whole.Verdict, whole.Detail)
	}
	drawn := sized(whole.Body.Size() - 1)
	if drawn.Verdict != format.Rebuilt || drawn.Body.Size() >= whole.Body.Size() || len(drawn.Kids[0].Findings) != 1 {
		t.Errorf("%s %s, %d bytes of %d, findings %v", drawn.Verdict, drawn.Detail, drawn.Body.Size(), whole.Body.Size(), drawn.Kids[0].Findings)
	}
	if drawn.Kids[0].Body.Sum() == whole.Kids[0].Body.Sum() || drawn.Kids[1].Body.Sum() != whole.Kids[1].Body.Sum() {
		t.Error("not the largest part was drawn again")
	}
	held := sized(whole.Kids[1].Body.Size()*2 + 8000)
	if held.Verdict != format.Partly || held.Kids[0].Reason != format.TooLargeAfter || held.Kids[1].Verdict != format.Rebuilt || held.Kids[2].Verdict != format.Rebuilt {
		t.Errorf("%s: large %s %s, small %s %s", held.Verdict, held.Kids[0].Verdict, held.Kids[0].Reason, held.Kids[1].Verdict, held.Kids[1].Reason)
	}
	if held.Body.Size() > whole.Kids[1].Body.Size()*2+8000 {
		t.Errorf("%d bytes", held.Body.Size())
	}
}

// TestTooLargeInsideAMail: the same for a document in an attached mail.
func TestTooLargeInsideAMail(t *testing.T) {
	e := drawEngine(t)
	inner := mailWith(map[string][]byte{"large.pdf": testPDF(4, "noise"), "a.txt": []byte("words")}, "large.pdf", "a.txt")
	mail := []byte("From: a@example.com\r\nSubject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n" +
		"--abc\r\nContent-Type: text/plain\r\n\r\nsee below\r\n--abc\r\nContent-Type: message/rfc822\r\n\r\n" + string(inner) + "\r\n--abc--\r\n")
	sized := func(output int64) Node {
		r := policy.Default()
		r.Limits.Output, r.Limits.Pages = output, 4
		return runWith(t, e, Input{Kind: format.Mail, Data: memory(t, mail), Rules: r, Facts: testFacts()})
	}
	whole := sized(50 << 20)
	if whole.Verdict != format.Rebuilt || len(whole.Kids) != 1 || len(whole.Kids[0].Kids) != 2 {
		t.Fatalf("%s %s, %d kids", whole.Verdict, whole.Detail, len(whole.Kids))
	}
	drawn := sized(whole.Body.Size() - 1)
	if drawn.Verdict != format.Rebuilt || drawn.Body.Size() >= whole.Body.Size() || drawn.Kids[0].Kids[0].Verdict != format.Rebuilt {
		t.Errorf("%s %s, %d bytes of %d; within %s, %s %s", drawn.Verdict, drawn.Detail, drawn.Body.Size(), whole.Body.Size(),
			drawn.Kids[0].Verdict, drawn.Kids[0].Kids[0].Reason, drawn.Kids[0].Kids[0].Detail)
	}
	held := sized(6000) // less than the document alone takes
	if in := held.Kids[0]; held.Verdict != format.Partly || in.Verdict != format.Partly || in.Kids[0].Reason != format.TooLargeAfter || in.Kids[1].Verdict != format.Rebuilt {
		t.Errorf("%s: within %s, %s %s", held.Verdict, in.Verdict, in.Kids[0].Verdict, in.Kids[0].Reason)
	}
}

func TestSamePages(t *testing.T) {
	a := ir.Sheet{W: 1, H: 2, Marks: 3}
	b := ir.Sheet{Page: 1, W: 1, H: 2, Marks: 3}
	other := b
	other.Marks = 2
	larger := b
	larger.W++
	for name, c := range map[string]struct {
		found, written []ir.Sheet
		same           bool
	}{
		"none":         {nil, nil, true},
		"two":          {[]ir.Sheet{a, b}, []ir.Sheet{a, b}, true},
		"one missing":  {[]ir.Sheet{a}, []ir.Sheet{a, b}, false},
		"one more":     {[]ir.Sheet{a}, nil, false},
		"less text":    {[]ir.Sheet{a, other}, []ir.Sheet{a, b}, false},
		"another size": {[]ir.Sheet{a, larger}, []ir.Sheet{a, b}, false},
	} {
		if err := samePages(c.found, c.written); (err == nil) != c.same {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLargePagesWait: one builder at a time has a page of a hundred megabytes.
// spec: g8
func TestLargePagesWait(t *testing.T) {
	e := drawEngine(t)
	data := memory(t, testPDF(1, "large"))
	try := func(within time.Duration) Node {
		b := BudgetOf(policy.Default())
		b.Deadline = time.Now().Add(within)
		n, err := e.Sanitize(t.Context(), Input{Name: "a.pdf", Data: data, Rules: policy.Default()}, b)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Close)
		return n
	}
	e.room <- struct{}{}
	if n := try(time.Second); n.Reason != format.LimitTime {
		t.Errorf("%s %s %s", n.Verdict, n.Reason, n.Detail)
	}
	<-e.room
	if n := try(10 * time.Minute); n.Verdict != format.Rebuilt || len(e.room) != 0 {
		t.Errorf("%s %s %s, %d in the room", n.Verdict, n.Reason, n.Detail, len(e.room))
	}
}

// TestIdentifiedIsNotParsed: a light box that was taken over says that a file
// is a PDF and goes on talking.
// spec: g2
func TestIdentifiedIsNotParsed(t *testing.T) {
	e := &Engine{formats: Formats(), log: slog.New(slog.DiscardHandler)}
	b := format.Budget{Bytes: 1, Pixels: 1, Pages: 9}
	tk := &taker{p: &parsed{}, session: &session{engine: e, in: Input{Rules: policy.Default()}}, name: "a.pdf", budget: &b}
	if err := tk.take(ir.Kind{Content: "pdf"}); err != nil || tk.refused != nil {
		t.Fatal(err, tk.refused)
	}
	var fe *format.Error
	if err := tk.take(ir.Sheet{W: 1, H: 1}); !errors.As(err, &fe) || fe.Reason != format.WorkerCrash {
		t.Error(err)
	}
}
