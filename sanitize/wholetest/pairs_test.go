package wholetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/pdfium/enginetest"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/sandbox/boxtest"
)

// sly is a parser that does as its document says, behind the end of it, where it
// is the second of two boxes: that one is asked for the even ones of two.
func sly(parse sanitize.Parser) sanitize.Parser {
	return func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
		if p := in.Render.Part; p.Step == 2 && p.From%2 == 0 {
			switch _, what, _ := bytes.Cut(in.Data, []byte("%sly: ")); strings.TrimSpace(string(what)) {
			case "dies":
				os.Exit(3)
			case "another document":
				in.Data = document(25)
			case "another part":
				in.Render.Part.From++
			case "lags":
				<-ctx.Done()
				return format.Hold(format.LimitTime, "it lagged")
			}
		}
		return parse(ctx, in, out)
	}
}

// pairing is an engine with boxes for a number of workers, and when two of them
// begin to draw one document.
type pairing struct {
	*sanitize.Engine
	pool *sandbox.Pool
	both chan struct{}
}

// Enabled, Handle, WithAttrs and WithGroup make it the engine's log.
func (p *pairing) Enabled(context.Context, slog.Level) bool { return true }
func (p *pairing) WithAttrs([]slog.Attr) slog.Handler       { return p }
func (p *pairing) WithGroup(string) slog.Handler            { return p }
func (p *pairing) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "two boxes draw" {
		select {
		case p.both <- struct{}{}:
		default:
		}
	}
	return nil
}

// began reports whether two boxes drew since it was last asked.
func (p *pairing) began() bool {
	select {
	case <-p.both:
		return true
	default:
		return false
	}
}

// newPairing makes one for a pool of so many workers, on a machine of so many
// processors.
func newPairing(t *testing.T, workers, procs int) *pairing {
	t.Helper()
	exe := os.Getenv(boxtest.ExeEnv)
	pool, err := sandbox.NewPool(sandbox.Config{Classes: sanitize.Classes(heavy(enginetest.Cache(t))), Exe: exe, EngineExe: exe, MaxRunning: workers,
		Ahead: map[string]int{string(format.ClassPDF): min(workers, 3) - 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	p := &pairing{pool: pool, both: make(chan struct{}, 1)}
	before := runtime.GOMAXPROCS(procs)
	p.Engine = sanitize.New(pool, slog.New(p))
	runtime.GOMAXPROCS(before)
	return p
}

// together sanitizes a document until two boxes drew it: it is chance whether the
// second one starts before the first one is done.
func (p *pairing) together(t *testing.T, data []byte, r policy.Rules) sanitize.Node {
	t.Helper()
	for {
		n := run(t, p.Engine, "a.pdf", data, r)
		if p.began() {
			return n
		}
		n.Close()
		if t.Context().Err() != nil {
			t.Fatal("two boxes never draw")
		}
	}
}

// motley is a document of pages that differ in all that is decided page by page,
// set in the given fonts that are not embedded, beside one that each reader has.
func motley(pages int, fonts ...string) []byte {
	w := writer{}
	w.object("<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(1)>>>>")
	kids := ""
	for i := range pages {
		kids += fmt.Sprintf("%d 0 R ", 4+len(fonts)+2*i)
	}
	w.object(fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", pages, kids))
	w.object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	list := "/F0 3 0 R"
	for i, f := range fonts {
		w.object(f)
		list += fmt.Sprintf("/F%d %d 0 R", i+1, i+4)
	}
	for i := range pages {
		size := []string{"595 842", "842 595", "300 300"}[i%3]
		annotations := ""
		if i%4 == 1 {
			annotations = "/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(http://a.example)>>>>]"
		}
		w.object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %s]%s/Contents %d 0 R/Resources<</Font<<%s>>>>>>", size, annotations, 5+len(fonts)+2*i, list))
		ground := []string{"", "0.9 0.8 0.7 rg 20 20 200 200 re f 0 g ", "0 0 150 150 re f "}[i%5%3]
		text := fmt.Sprintf("BT /F0 20 Tf 30 250 Td (Page %d) Tj ET ", i)
		if i%3 > 0 {
			text += fmt.Sprintf("BT /F%d 14 Tf 30 200 Td (Latin words) Tj ET ", i%(len(fonts)+1))
		}
		if i%5 == 2 {
			text += "BT 1 g /F0 12 Tf 30 280 Td (white on white) Tj ET "
		}
		body := ground + text
		w.object(fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(body), body))
	}
	return w.end()
}

const (
	mincho  = "<</Type/Font/Subtype/Type0/BaseFont/MS-Mincho/Encoding/90ms-RKSJ-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/MS-Mincho/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>/DW 1000>>]>>"
	calibri = "<</Type/Font/Subtype/TrueType/BaseFont/Calibri>>"
	georgia = "<</Type/Font/Subtype/TrueType/BaseFont/Georgia>>"
)

// TestTwoBoxesDrawAsOne: byte for byte, with the same findings.
// spec: g9
func TestTwoBoxesDrawAsOne(t *testing.T) {
	small, alone, both := newPairing(t, 8, 1), newPairing(t, 2, 2), newPairing(t, 8, 2)
	for _, test := range []struct {
		name  string
		data  []byte
		share bool
	}{
		{"all kinds of pages", motley(19, mincho, calibri), true},
		{"text, an even number", document(14), true},
		{"fonts whose look depends on each other", motley(9, calibri, georgia), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			one := run(t, alone.Engine, "a.pdf", test.data, policy.Default())
			core := run(t, small.Engine, "a.pdf", test.data, policy.Default())
			if alone.began() || small.began() {
				t.Fatal("two boxes in a pool with a place for one, or on one processor")
			}
			if core.Body.Sum() != one.Body.Sum() || !slices.Equal(core.Findings, one.Findings) {
				t.Error("another file of one request")
			}
			two := sanitize.Node{}
			if test.share {
				two = both.together(t, test.data, policy.Default())
			} else if two = run(t, both.Engine, "a.pdf", test.data, policy.Default()); both.began() {
				t.Fatal("two boxes draw what depends on the pages before")
			}
			if one.Verdict != format.Rebuilt || two.Verdict != format.Rebuilt {
				t.Fatalf("%s %s, %s %s", one.Reason, one.Detail, two.Reason, two.Detail)
			}
			if one.Body.Sum() != two.Body.Sum() || !bytes.Equal(output(t, one), output(t, two)) {
				t.Error("another file")
			}
			if !slices.Equal(one.Findings, two.Findings) || len(one.Findings) == 0 {
				t.Errorf("other findings: %+v, %+v", one.Findings, two.Findings)
			}
		})
	}
}

// TestSecondBoxHolds: a death in the second box, and what it does not agree on,
// hold the document, and are no more than one death.
// spec: g2 g4
func TestSecondBoxHolds(t *testing.T) {
	p := newPairing(t, 8, 2)
	for what, reason := range map[string]format.Reason{
		"dies": format.WorkerCrash, "another document": format.WorkerCrash, "another part": format.WorkerCrash,
	} {
		n := p.together(t, append(document(24), "%sly: "+what+"\n"...), policy.Default())
		if n.Verdict != format.Held || n.Reason != reason || n.Body.OK() {
			t.Errorf("%s: %s %s %s", what, n.Verdict, n.Reason, n.Detail)
		}
	}
	if n := run(t, p.Engine, "a.pdf", document(3), policy.Default()); n.Verdict != format.Rebuilt {
		t.Errorf("afterwards: %s %s", n.Reason, n.Detail)
	}
}

// TestCalledOffTogether: both boxes end when the work is called off.
func TestCalledOffTogether(t *testing.T) {
	p := newPairing(t, 8, 2)
	data := append(document(24), "%sly: lags\n"...)
	for {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			select {
			case <-p.both:
				cancel()
			case <-ended:
			}
		}()
		f := memfile.New(int64(len(data)))
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
		b := sanitize.BudgetOf(policy.Default())
		b.Deadline = time.Now().Add(10 * time.Minute) // a machine of tests may be busy
		n, err := p.Sanitize(ctx, sanitize.Input{Name: "a.pdf", Data: f, Rules: policy.Default()}, b)
		called := ctx.Err() != nil
		close(ended)
		cancel()
		f.Close()
		if !called { // the first box had drawn all before the second one came
			n.Close()
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%v, %s %s", err, n.Verdict, n.Reason)
		}
		break
	}
	for tick := time.NewTicker(5 * time.Millisecond); p.pool.Stats().Busy > 0; <-tick.C {
		if t.Context().Err() != nil {
			t.Fatal("a worker is left")
		}
	}
}
