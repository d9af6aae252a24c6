package sanitize

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/policy"
)

// answerOf is what an honest worker answers about a file.
func answerOf(tb testing.TB, req ir.Request, data []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := answer(Formats(), req, data, ir.NewWriter(&out)); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// FuzzAnswer: whatever a worker that was taken over answers, the trusted side
// takes it without a panic, stays below its limits, and builds nothing that
// the lint has not seen: what it builds lints clean or is held.
func FuzzAnswer(f *testing.F) {
	budget := ir.Request{Op: ir.OpParse, Bytes: 1 << 20, Files: 100, Pixels: 1 << 16, Depth: 8}
	for name, data := range map[string][]byte{
		"a.png": wordPicture(f, "x"), "a.txt": []byte("本文\r\nhttp://a.example/\r\n"), "a.csv": []byte("=1+1,2\r\n\"x\"\"y\",-3\r\n"),
		"a.html": []byte("<p>hello <a href=http://b.example>http://a.example</a></p>"),
		"a.eml":  mailWith(map[string][]byte{"a.txt": []byte("one"), "b.csv": []byte("1,2")}, "a.txt", "b.csv"),
	} {
		req := budget
		req.Name = name
		light := answerOf(f, req, data)
		f.Add(light)
		if name == "a.png" {
			req.Kind = string(format.PNG)
			end := len(ir.Append(nil, ir.End{}))
			f.Add(append(light[:len(light)-end:len(light)-end], answerOf(f, req, data)...))
		}
	}
	pages := ir.Append(nil, ir.Kind{Content: string(format.PDF)})
	for _, v := range []ir.Value{ir.Number{Name: ir.NumberPages, N: 1}, ir.Sheet{W: 9000, H: 9000, Marks: 1}, ir.Raster{Samples: ir.Gray1, W: 9, H: 2},
		ir.Pixels{B: []byte{0, 0, 0xFF, 0x80}}, ir.Run{X: 9, Y: 9, Length: 99, Size: 99, S: "x"}, ir.End{}} {
		pages = ir.Append(pages, v)
	}
	f.Add(pages)
	e := &Engine{formats: Formats(), log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, frames []byte) {
		b := format.Budget{Bytes: 1 << 20, Files: 100, Pixels: 1 << 16, Gallery: 1 << 18, Pages: 10, Depth: 8}
		p := &parsed{}
		defer p.close()
		tk := &taker{p: p, session: &session{engine: e, in: Input{Rules: policy.Default()}}, name: "a", left: b.Bytes, budget: &b, each: b.Pixels}
		if err := takeAll(tk, ir.NewReader(bytes.NewReader(frames), 1<<20)); err != nil || p.row == nil || tk.refused != nil {
			return
		}
		var all int64
		for _, k := range p.kids {
			all += k.data.Size()
		}
		if all > 1<<20 || len(p.notes) > maxNotes || b.Gallery < 0 || b.Gallery > 1<<18 {
			t.Fatalf("%d bytes of children, %d notes, %d pixels left", all, len(p.notes), b.Gallery)
		}
		buildAndLint(t, p)
	})
}

// takeAll hands the values of an answer to the taker, as session.hear does.
func takeAll(tk *taker, r *ir.Reader) error {
	for {
		v, err := r.Next()
		if err != nil {
			return err
		}
		switch v := v.(type) {
		case ir.End:
			return nil
		case ir.Fail:
			return format.Failed(v)
		}
		if err := tk.take(v); err != nil {
			return err
		}
		if tk.p.row != nil && tk.p.row.Stream && tk.to == nil { // the answers of two boxes in one
			tk.p.tape = memfile.New(1 << 30)
			tk.to = tk.p.tape
		}
	}
}

// buildAndLint builds the tape as the engine does and re-reads what came out.
func buildAndLint(t *testing.T, p *parsed) {
	t.Helper()
	way, ok := p.row.Way("")
	if lint := rowOf(Formats(), way.Output); !ok || lint == nil || lint.Lint == nil {
		t.Fatalf("%s may be parsed and has no builder or no lint", p.row.Kind)
	}
	d := policy.Default().Choose(policy.Facts{Kind: p.row.Kind, Size: 1, W: p.facts.W, H: p.facts.H})
	if d.Do != policy.Build {
		return
	}
	c := format.Construction{Profile: d.Profile}
	for _, k := range p.kids {
		c.Kids = append(c.Kids, format.Child{Original: k.Name, Kind: format.Unknown, Reason: format.KindUnknown})
	}
	var first, again bytes.Buffer
	built, err := p.row.Build(ir.NewReader(p.tape.Reader(), p.tape.Size()), c, &first)
	if err != nil {
		return
	}
	if _, err := p.row.Build(ir.NewReader(p.tape.Reader(), p.tape.Size()), c, &again); err != nil || !bytes.Equal(first.Bytes(), again.Bytes()) {
		t.Fatalf("%s: built twice, it is not the same: %v", p.row.Kind, err)
	}
	var faults bytes.Buffer
	kind := pick(string(built.Output), string(way.Output))
	if err := lintIn(Formats(), ir.Request{Op: ir.OpLint, Kind: kind}, first.Bytes(), ir.NewWriter(&faults)); err != nil {
		var fe *format.Error
		if !errors.As(err, &fe) {
			t.Fatalf("%s: the lint ends with %v", p.row.Kind, err)
		}
	}
	var sheets []ir.Sheet
	for r := ir.NewReader(&faults, 1<<20); ; {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		sheet, ok := v.(ir.Sheet)
		if err != nil || !ok {
			t.Fatalf("%s: built and does not lint: %+v, %v\n%q", p.row.Kind, v, err, first.Bytes())
		}
		sheets = append(sheets, sheet)
	}
	if err := samePages(sheets, built.Sheets); err != nil {
		t.Fatal(err)
	}
}

// FuzzServe: whatever the trusted side would send, a worker answers with
// frames that can be read, and ends.
func FuzzServe(f *testing.F) {
	for _, req := range []ir.Request{{Op: ir.OpIdentify, Name: "a.txt"}, {Op: ir.OpParse, Name: "a.csv", Bytes: 1 << 20, Files: 10, Depth: 4},
		{Op: ir.OpParse, Kind: string(format.Mail), Bytes: 1 << 20, Files: 10, Depth: 4}, {Op: ir.OpLint, Kind: string(format.Text)}} {
		f.Add(string(req.Op), req.Kind, req.Name, "text/plain", []byte("a,b\r\n"))
	}
	f.Add("parse", "png", "a.png", "image/png", wordPicture(f, "x"))
	f.Add("lint", "mail", "a.eml", "", mailWith(map[string][]byte{"a.txt": []byte("one")}, "a.txt"))
	f.Fuzz(func(t *testing.T, op, kind, name, media string, data []byte) {
		req := ir.Request{Op: ir.Op(op), Kind: kind, Name: name, Media: media, Bytes: 1 << 20, Files: 50, Pixels: 1 << 16, Depth: 8}
		in := ir.Append(nil, req)
		in = ir.Append(in, ir.Data{B: data})
		in = ir.Append(in, ir.End{})
		var out bytes.Buffer
		if err := Serve(bytes.NewReader(in), &out); err != nil {
			if !errors.Is(err, ir.ErrFrame) {
				t.Fatal(err)
			}
			return // what the trusted side never writes
		}
		for r := ir.NewReader(&out, 1<<30); ; {
			v, err := r.Next()
			if err != nil {
				t.Fatalf("the answer does not end: %v", err)
			}
			if _, end := v.(ir.End); end {
				break
			}
			if fail, failed := v.(ir.Fail); failed {
				if r := format.Reason(fail.Reason); !r.Known() {
					t.Fatalf("reason %q", fail.Reason)
				}
				break
			}
		}
		if out.Len() != 0 {
			t.Fatalf("%d bytes behind the end of the answer", out.Len())
		}
	})
}
