package sanitizetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// upper is a small format that keeps every rule: its content is "U:" and
// letters, its output the same in upper case.
func upper() format.Format {
	return format.Format{
		Kind: format.Text, Names: []string{"txt"},
		Match: func(b []byte) format.Match {
			if bytes.HasPrefix(b, []byte("U:")) {
				return format.Certain
			}
			return format.NoMatch
		},
		Parse: func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
			s := string(in.Data)
			switch {
			case ctx.Err() != nil:
				return format.Hold(format.LimitTime, "")
			case !strings.HasPrefix(s, "U:"):
				return format.Hold(format.Malformed, "")
			case int64(len(s)) > in.Budget.Bytes:
				return format.Hold(format.LimitExpanded, "")
			}
			s, hidden, found := strings.Cut(s, "#")
			if found && hidden != "" {
				if err := out.Write(ir.Note{Code: "trailing_data"}); err != nil {
					return err
				}
			}
			return out.Write(ir.Text{Role: ir.RoleContent, S: s})
		},
		Build: func(in *ir.Reader, _ format.Construction, w io.Writer) (format.Built, error) {
			for {
				v, err := in.Next()
				if errors.Is(err, io.EOF) {
					return format.Built{Extension: "txt"}, nil
				}
				if err != nil {
					return format.Built{}, err
				}
				switch v := v.(type) {
				case ir.Fail:
					return format.Built{}, format.Hold(format.Reason(v.Reason), "")
				case ir.Text:
					if _, err := io.WriteString(w, strings.ToUpper(v.S)); err != nil {
						return format.Built{}, err
					}
				}
			}
		},
		Lint: func(data []byte, _ map[[32]byte]bool, out *ir.Writer) error {
			if bytes.ToUpper(data) != nil && !bytes.Equal(bytes.ToUpper(data), data) {
				return out.Write(ir.Note{Code: "lint_case"})
			}
			return nil
		},
	}
}

func suite() Suite {
	small := Budget()
	small.Bytes = 2
	return Suite{
		Truncate: 100,
		Good:     []Sample{{Name: "plain", Data: []byte("U:abc")}, {Name: "hidden", Data: []byte("U:abc#SECRET"), Findings: []string{"trailing_data"}, Marks: []string{"SECRET"}, Shows: []string{"ABC"}}},
		Refused:  []Refusal{{Name: "other", Data: []byte("x"), Reason: format.Malformed}, {Name: "large", Data: []byte("U:abc"), Budget: &small, Reason: format.LimitExpanded}},
		Bad:      []BadOutput{{Name: "lower", Data: []byte("U:a"), Code: "lint_case"}},
		Rules:    []string{"lint_case"},
	}
}

func TestSuitePassesAGoodFormat(t *testing.T) { Run(t, upper(), suite()) }

// faults runs all checks and returns the names of those that complain.
func faults(t *testing.T, f format.Format, s Suite) string {
	t.Helper()
	var all []string
	for _, x := range s.Good {
		for _, c := range goodChecks {
			if err := c.run(t.Context(), f, s, x); err != nil {
				all = append(all, c.name)
			}
		}
	}
	for _, x := range s.Refused {
		if err := checkRefused(t.Context(), f, s, x); err != nil {
			all = append(all, "refused")
		}
	}
	for _, x := range s.Bad {
		if err := checkBad(f, s, x); err != nil {
			all = append(all, "bad")
		}
	}
	if err := checkRules(s); err != nil {
		all = append(all, "rules")
	}
	return strings.Join(all, ",")
}

// wrap returns upper with one of its functions replaced.
func wrap(change func(f *format.Format)) format.Format {
	f := upper()
	change(&f)
	return f
}

// Each kind of broken format is caught by the check that is there for it.
func TestSuiteCatches(t *testing.T) {
	calls := 0
	good := upper()
	cases := map[string]struct {
		format format.Format
		check  string
	}{
		"copies the input": {wrap(func(f *format.Format) {
			f.Parse = func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
				return out.Write(ir.Text{Role: ir.RoleContent, S: string(in.Data)})
			}
		}), "marks"},
		"is never the same": {wrap(func(f *format.Format) {
			f.Build = func(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
				calls++
				if calls%2 == 0 {
					if _, err := io.WriteString(w, "X"); err != nil {
						return format.Built{}, err
					}
				}
				return good.Build(in, c, w)
			}
		}), "same in, same out"},
		"grows each time": {wrap(func(f *format.Format) {
			f.Build = func(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
				b, err := good.Build(in, c, w)
				if err == nil {
					_, err = io.WriteString(w, "!")
				}
				return b, err
			}
		}), "twice"},
		"has an unknown finding": {wrap(func(f *format.Format) {
			f.Parse = func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
				if err := out.Write(ir.Note{Code: "nonsense"}); err != nil {
					return err
				}
				return good.Parse(ctx, in, out)
			}
		}), "rebuilt"},
		"ignores the clock": {wrap(func(f *format.Format) {
			f.Parse = func(_ context.Context, in format.Untrusted, out *ir.Writer) error {
				return good.Parse(context.Background(), in, out)
			}
		}), "cancelled"},
		"has no reason to hold": {wrap(func(f *format.Format) {
			f.Parse = func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
				if !bytes.HasPrefix(in.Data, []byte("U:")) {
					return errors.New("bad")
				}
				return good.Parse(ctx, in, out)
			}
		}), "cut input"},
		"builds in spite of a Fail": {wrap(func(f *format.Format) {
			f.Build = func(_ *ir.Reader, _ format.Construction, w io.Writer) (format.Built, error) {
				_, err := io.WriteString(w, "U:ABC")
				return format.Built{}, err
			}
		}), "hostile frames"},
		"has no lint": {wrap(func(f *format.Format) {
			f.Lint = func([]byte, map[[32]byte]bool, *ir.Writer) error { return nil }
		}), "bad"},
		"lint is never content": {wrap(func(f *format.Format) {
			f.Lint = func(_ []byte, _ map[[32]byte]bool, out *ir.Writer) error {
				return out.Write(ir.Note{Code: "lint_case"})
			}
		}), "rebuilt"},
		"has no limit": {wrap(func(f *format.Format) {
			f.Parse = func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
				in.Budget = Budget()
				return good.Parse(ctx, in, out)
			}
		}), "refused"},
	}
	for name, c := range cases {
		if got := faults(t, c.format, suite()); !strings.Contains(got, c.check) {
			t.Errorf("%s: caught by %q, want %q", name, got, c.check)
		}
	}
}

func TestSuiteCatchesWeakSamples(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *Suite)
		check  string
	}{
		"mark that is not planted": {func(s *Suite) { s.Good[1].Marks = []string{"NOWHERE"} }, "marks"},
		"finding that is missing":  {func(s *Suite) { s.Good[1].Findings = nil }, "rebuilt"},
		"rule without a sample":    {func(s *Suite) { s.Rules = append(s.Rules, "lint_other") }, "rules"},
		"sample of another rule":   {func(s *Suite) { s.Rules = []string{"lint_other"} }, "bad"},
		"reason that is unknown":   {func(s *Suite) { s.Refused[0].Reason = "nonsense" }, "refused"},
		"text that is not shown":   {func(s *Suite) { s.Good[0].Shows = []string{"xyz"} }, "rebuilt"},
		"cut that is no fault":     {func(s *Suite) { s.CutIsFault = true }, "cut output"},
	} {
		s := suite()
		c.change(&s)
		if got := faults(t, upper(), s); !strings.Contains(got, c.check) {
			t.Errorf("%s: caught by %q, want %q", name, got, c.check)
		}
	}
}

func TestMarksAreFoundInUTF16(t *testing.T) {
	for i, form := range spellings("Aあ") {
		want := []string{"Aあ", "A\x00\x42\x30", "\x00A\x30\x42"}[i]
		if string(form) != want {
			t.Errorf("%q, want %q", form, want)
		}
	}
}

// Children come to the KidFunc with their bytes, and to Build as decided.
func TestKids(t *testing.T) {
	f := upper()
	f.Parse = func(_ context.Context, _ format.Untrusted, out *ir.Writer) error {
		for _, name := range []string{"a", "b"} {
			if err := out.Write(ir.Child{Role: ir.RoleMember, Name: name}); err != nil {
				return err
			}
			if _, err := io.WriteString(out.ChildData(), strings.Repeat(name, 100_000)); err != nil {
				return err
			}
		}
		return nil
	}
	o, err := Sanitize(t.Context(), f, format.Untrusted{}, format.Construction{}, func(c ir.Child, data []byte) format.Child {
		return format.Child{Original: c.Name, Size: int64(len(data)), Verdict: format.Rebuilt}
	})
	if err != nil || len(o.Kids) != 2 || o.Kids[1].Original != "b" || o.Kids[1].Size != 100_000 {
		t.Fatalf("%+v %v", o.Kids, err)
	}
	held, err := Sanitize(t.Context(), f, format.Untrusted{}, format.Construction{}, nil)
	if err != nil || held.Kids[0].Verdict != format.Held || held.Kids[0].Reason != format.KindUnsupported {
		t.Fatalf("%+v %v", held.Kids, err)
	}
}

func TestParserMustNotEnd(t *testing.T) {
	for _, v := range []ir.Value{ir.End{}, ir.Fail{Reason: "malformed"}, ir.Kind{Content: "text"}, ir.Data{B: []byte("x")}} {
		f := upper()
		f.Parse = func(_ context.Context, _ format.Untrusted, out *ir.Writer) error { return out.Write(v) }
		if _, err := Sanitize(t.Context(), f, format.Untrusted{}, format.Construction{}, nil); err == nil {
			t.Errorf("%T was accepted from a parser", v)
		}
	}
}
