package sanitize

import (
	"context"
	"errors"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
)

// maxLintDepth bounds how deep Lint follows attachments.
const maxLintDepth = 8

// Lint reports what keeps a file, and every attachment in it, from being in
// the closed output form of its kind. The kind is judged by name and content.
// An empty answer means that it is in that form.
func (e *Engine) Lint(ctx context.Context, name string, data *memfile.File) ([]format.Finding, error) {
	s := &session{engine: e, boxes: map[format.Class]*box{}}
	defer s.close()
	notes := s.lintFile(ctx, file{Child: ir.Child{Name: name}, data: data}, maxLintDepth)
	return notes, s.broken
}

func (s *session) lintFile(ctx context.Context, f file, depth int) []format.Finding {
	fault := func(code, detail string) []format.Finding {
		return []format.Finding{{Code: code, Where: f.path, Detail: detail}}
	}
	if depth == 0 {
		return fault("lint_depth", f.Name)
	}
	kind, err := s.outputKind(ctx, f)
	if err != nil {
		return fault("lint_kind", err.Error())
	}
	if kind == "" {
		return fault("lint_kind", f.Name)
	}
	var notes []format.Finding
	var kids []file
	defer func() {
		for _, k := range kids {
			k.data.Close()
		}
	}()
	err = s.ask(ctx, format.ClassLint, ir.Request{Op: ir.OpLint, Kind: string(kind)}, f.data, 8*f.data.Size()+slack, func(v ir.Value) error {
		switch v := v.(type) {
		case ir.Note:
			notes = append(notes, v)
		case ir.Child:
			kids = append(kids, file{Child: v, path: childPath(f.path, len(kids)), data: memfile.New(f.data.Size())})
		case ir.Data:
			if len(kids) == 0 {
				return errors.New("data without a child")
			}
			_, err := kids[len(kids)-1].data.Write(v.B)
			return err
		}
		return nil
	})
	if err != nil {
		return append(notes, fault("lint_unreadable", err.Error())...)
	}
	for _, k := range kids {
		notes = append(notes, s.lintFile(ctx, k, depth-1)...)
	}
	return notes
}

// outputKind says which closed form a file claims to be in: that of its name
// or MIME type when the content could be of it.
func (s *session) outputKind(ctx context.Context, f file) (format.Kind, error) {
	var k ir.Kind
	req := ir.Request{Op: ir.OpIdentify, Name: f.Name, Media: f.Media}
	err := s.ask(ctx, format.ClassLight, req, f.data, slack, func(v ir.Value) error {
		if got, ok := v.(ir.Kind); ok {
			k = got
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	row := rowOf(s.engine.formats, format.Kind(k.Content))
	if row == nil || row.Lint == nil || k.Claimed != "" && family(s.engine.formats, format.Kind(k.Claimed)) != family(s.engine.formats, row.Kind) {
		return "", nil
	}
	return row.Kind, nil
}
