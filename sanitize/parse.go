package sanitize

import (
	"context"
	"errors"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
)

// slack is what an answer may take beyond a multiple of its input, in bytes.
const slack = 16 << 20

// maxNotes bounds the findings kept of one file.
const maxNotes = 200

// parse identifies f and, when it may be parsed, parses it in a box. The
// light worker does both in one go; a heavy kind gets a worker of its own.
// The returned parsed is never nil.
func (s *session) parse(ctx context.Context, f file, b *format.Budget) (*parsed, error) {
	p := &parsed{}
	req := ir.Request{Op: ir.OpParse, Kind: string(f.kind), Name: f.Name, Media: f.Media,
		Bytes: b.Bytes, Files: b.Files, Pixels: b.Pixels, Depth: int64(b.Depth),
		Defang: s.in.Rules.Defang == "all"}
	if f.path == "" && s.in.Facts != nil { // an attached copy of a mail that passed us once is no loop
		req.Self, req.Authserv = s.in.Facts.Instance, s.in.Authserv
	}
	t := &taker{p: p, session: s, path: f.path, name: f.Name, left: b.Bytes, budget: b}
	if f.kind == format.Mail {
		t.name, req.Name = "", "" // whatever an attached mail is called, it is parsed as a mail
	}
	if f.kind != "" {
		t.judged(ir.Kind{Content: string(f.kind), Claimed: string(f.kind)})
	}
	err := s.ask(ctx, format.ClassLight, req, f.data, 8*f.data.Size()+slack, t.take)
	if err != nil || p.row == nil || p.row.Class == format.ClassLight || t.refused != nil {
		return p, errors.Join(err, t.refused) // a sharper reason comes first
	}
	class := p.row.Class
	req.Kind = string(p.row.Kind)
	if class != format.ClassPDF { // pictures of a mail share one budget
		if req.Pixels, err = b.Picture(); err != nil {
			return p, err
		}
		t.each = req.Pixels
	}
	if p.row.Stream {
		p.source = &source{req: req, taker: t, data: f.data}
		return p, nil
	}
	s.drop(class)
	defer s.drop(class)
	return p, s.ask(ctx, class, req, f.data, 4*req.Pixels+f.data.Size()+slack, t.take)
}

// taker sorts the values of an answer: the kind, the children's bytes, and
// the tape of everything that the builder will read.
type taker struct {
	p       *parsed
	session *session
	path    string
	name    string
	left    int64 // bytes of children still allowed
	budget  *format.Budget
	each    int64 // pixels that one picture may have
	said    int64 // pixels announced and not yet followed by their picture
	refused error // why the file may not be parsed
	to      io.Writer
	room    func(size int64) error // waits for memory for a large page; nil once it was had
	gather  *gatherer              // of findings that come page by page
	buf     []byte
}

// judged takes the identified kind and decides whether to go on.
func (t *taker) judged(k ir.Kind) {
	k.Content, k.Claimed = t.listed(k.Content, format.Unknown), t.listed(k.Claimed, "")
	t.p.kind = k
	row, reason, detail := judge(t.session.engine.formats, t.name, format.Kind(k.Content), format.Kind(k.Claimed))
	if sharper := format.Reason(k.Sharper); sharper != "" && (reason == format.KindUnsupported || row != nil && row.Blocked) {
		reason = sharper.Listed()
	}
	if reason != "" {
		t.refused = format.Hold(reason, detail)
		return
	}
	t.p.row = row
	if !row.Stream {
		t.p.tape = memfile.New(1 << 40) // bounded by the answer's limit
		t.to = t.p.tape
	}
}

// listed returns kind when it stands in our list, else other: a box that was
// taken over must not put words of its own into records and metrics.
func (t *taker) listed(kind string, other format.Kind) string {
	if rowOf(t.session.engine.formats, format.Kind(kind)) == nil {
		return string(other)
	}
	return kind
}

func (t *taker) take(v ir.Value) error {
	if k, ok := v.(ir.Kind); ok {
		if t.p.kind.Content != "" {
			return format.Hold(format.WorkerCrash, "kind said twice")
		}
		t.judged(k)
		return nil
	}
	if t.refused != nil {
		return format.Hold(format.WorkerCrash, "values of a refused file")
	}
	if t.p.row == nil {
		return format.Hold(format.WorkerCrash, "values before the kind")
	}
	switch v := v.(type) {
	case ir.Data:
		return t.data(v)
	case ir.Child:
		if int64(len(t.p.kids)) >= t.session.in.Rules.Limits.Files {
			return format.Hold(format.LimitCount, "children")
		}
		k := file{Child: v, data: memfile.New(t.left)}
		if v.Role == ir.RoleMessage {
			k.kind = format.Mail
		}
		t.p.kids = append(t.p.kids, k)
	case ir.Note:
		if t.gather != nil {
			return t.gather.add(v)
		}
		if len(t.p.notes) < maxNotes {
			t.p.notes = append(t.p.notes, v)
		}
	case ir.Address:
		if v.Role == ir.RoleFrom {
			t.p.facts.From = append(t.p.facts.From, v.Addr)
		}
	case ir.Field:
		t.field(v)
	case ir.Date:
		t.p.claims.sent = &v
	case ir.Number:
		switch v.Name {
		case ir.NumberPixels:
			t.said = v.N
			return t.paint(v.N)
		case ir.NumberPages:
			t.session.pagesOf(t.path).begin(v.N, t.session.in.Rules.Limits.Pages)
		}
	case ir.Sheet:
		if err := t.budget.Turn(); err != nil {
			return err
		}
		t.session.turn(t.path)
	case ir.Raster:
		if v.W*v.H > t.budget.Pixels {
			return format.Hold(format.LimitPixels, "one page")
		}
		if size := v.Stride() * v.H; size > largeRaster && t.room != nil {
			if err := t.room(size); err != nil {
				return err
			}
		}
	case ir.Picture:
		t.p.facts.W, t.p.facts.H = v.W, v.H
		if err := t.paint(v.W*v.H - min(v.W*v.H, t.said)); err != nil {
			return err
		}
		t.said = 0
	}
	if t.to == nil { // a streamed kind is parsed in another box
		return format.Hold(format.WorkerCrash, "values of a file that was only identified")
	}
	t.buf = ir.Append(t.buf[:0], v)
	_, err := t.to.Write(t.buf)
	return err
}

// paint takes a picture's pixels out of the budget. A worker that claims more
// than it was allowed lies: its own picture is held, and only its share is gone.
func (t *taker) paint(n int64) error {
	if n > t.each {
		return errors.Join(format.Hold(format.LimitPixels, "one picture"), t.budget.Paint(t.each))
	}
	return t.budget.Paint(n)
}

func (t *taker) field(f ir.Field) {
	switch f.Name {
	case ir.FieldSubject:
		t.p.claims.subject = f.Value
	case ir.FieldMessageID:
		t.p.claims.id = f.Value
	case ir.FieldAuthResult:
		t.p.facts.Auth = f.Value
	}
}

func (t *taker) data(d ir.Data) error {
	if len(t.p.kids) == 0 {
		return format.Hold(format.WorkerCrash, "data without a child")
	}
	if t.left -= int64(len(d.B)); t.left < 0 {
		return format.Hold(format.LimitExpanded, "children")
	}
	_, err := t.p.kids[len(t.p.kids)-1].data.Write(d.B)
	return err
}
