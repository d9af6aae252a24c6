package pdfread

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
	"sekisho/sanitize/pdfium/enginetest"
)

// engines are loaded once, at the first test that wants one.
var engines struct {
	sync.Mutex
	of map[string]*pdfium.Engine
}

// dressed is an engine with Japanese fonts, bare one without any.
func dressed(t testing.TB) *pdfium.Engine { return engine(t, enginetest.Fonts()...) }
func bare(t testing.TB) *pdfium.Engine    { return engine(t) }

func engine(t testing.TB, fonts ...string) *pdfium.Engine {
	t.Helper()
	engines.Lock()
	defer engines.Unlock()
	key := strings.Join(fonts, " ")
	if e, ok := engines.of[key]; ok {
		return e
	}
	e, err := pdfium.Load(context.Background(), pdfium.Config{Cache: enginetest.Cache(t), Fonts: fonts})
	if err != nil {
		t.Fatal(err)
	}
	if engines.of == nil {
		engines.of = map[string]*pdfium.Engine{}
	}
	engines.of[key] = e
	return e
}

// drawn is one page of an answer.
type drawn struct {
	ir.Sheet
	raster ir.Raster
	pix    []byte
	runs   []ir.Run
}

// text returns the runs of a page, one a line.
func (d drawn) text() string {
	var b strings.Builder
	for _, r := range d.runs {
		b.WriteString(r.S + "\n")
	}
	return b.String()
}

// answer is everything that Parse emitted.
type answer struct {
	pages  int64
	shared bool
	drawn  []drawn
	texts  []string
	notes  []ir.Note
	reason format.Reason
	detail string
}

func (a answer) has(code string) bool {
	for _, n := range a.notes {
		if n.Code == code {
			return true
		}
	}
	return false
}

func (a answer) text() string {
	var b strings.Builder
	for _, d := range a.drawn {
		b.WriteString(d.text())
	}
	return b.String() + strings.Join(a.texts, "\f")
}

// asked is a request with generous budgets.
func asked(data []byte) format.Untrusted {
	return format.Untrusted{Data: data, Budget: format.Budget{Pixels: 50_000_000, Pages: 1000},
		Render: format.Render{Method: format.MethodImage, DPI: 100, Shade: format.ShadeAuto, Layer: true}}
}

func asText(data []byte) format.Untrusted {
	in := asked(data)
	in.Render.Method = format.MethodText
	return in
}

// parse parses and checks the order of the values. Only a reason to hold may
// end it.
func parse(t testing.TB, e *pdfium.Engine, in format.Untrusted) answer {
	t.Helper()
	return parseContext(t.Context(), t, e, in)
}

func parseContext(ctx context.Context, t testing.TB, e *pdfium.Engine, in format.Untrusted) answer {
	t.Helper()
	var b bytes.Buffer
	err := Parser{e}.Parse(ctx, in, ir.NewWriter(&b))
	a := collect(t, &b)
	var hold *format.Error
	switch {
	case errors.As(err, &hold):
		a.reason, a.detail = hold.Reason, hold.Detail
		if !hold.Reason.Known() {
			t.Errorf("%q is no reason", hold.Reason)
		}
	case err != nil:
		t.Fatalf("parse: %v", err)
	}
	return a
}

// collect reads an answer back through the wall.
func collect(t testing.TB, from io.Reader) answer {
	t.Helper()
	var a answer
	r := ir.NewReader(from, 1<<34)
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			a.whole(t)
			return a
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := a.take(v); err != nil {
			t.Fatal(err)
		}
	}
}

func (a *answer) take(v ir.Value) error {
	last := len(a.drawn) - 1
	switch v := v.(type) {
	case ir.Number:
		if v.Name == ir.NumberPages {
			a.pages = v.N
		} else if v.Name == ir.NumberShared {
			a.shared = v.N == 1
		} else if v.Name != ir.NumberTurned || last < 0 || v.N != a.drawn[last].Page {
			return fmt.Errorf("%+v after %d pages", v, last+1)
		}
	case ir.Note:
		if _, ok := format.TextOf(v.Code); !ok {
			return fmt.Errorf("%q is no finding", v.Code)
		}
		a.notes = append(a.notes, v)
	case ir.Sheet:
		a.drawn = append(a.drawn, drawn{Sheet: v})
	case ir.Raster:
		a.drawn[last].raster = v
	case ir.Pixels:
		a.drawn[last].pix = append(a.drawn[last].pix, v.B...)
	case ir.Run:
		a.drawn[last].runs = append(a.drawn[last].runs, v)
	case ir.Text:
		if int(v.Seq) == len(a.texts) {
			a.texts = append(a.texts, "")
		}
		a.texts[v.Seq] += v.S
	default:
		return fmt.Errorf("%T does not belong here", v)
	}
	return nil
}

// whole checks that each finished page has all of its pixels.
func (a *answer) whole(t testing.TB) {
	t.Helper()
	for i, d := range a.drawn {
		if i < len(a.drawn)-1 && int64(len(d.pix)) != d.raster.H*d.raster.Stride() {
			t.Errorf("page %d: %d bytes of pixels for %+v", i, len(d.pix), d.raster)
		}
	}
}

// sample reads a file of testdata.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
