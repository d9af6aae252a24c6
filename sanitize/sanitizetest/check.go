package sanitizetest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

type check struct {
	name string
	run  func(context.Context, format.Format, Suite, Sample) error
}

var goodChecks = [...]check{
	{"rebuilt", checkRebuilt},
	{"marks", checkMarks},
	{"same in, same out", checkDeterministic},
	{"twice", checkTwice},
	{"cut input", checkTruncated},
	{"cut output", checkCutOutput},
	{"cancelled", checkCancelled},
	{"hostile frames", checkFrames},
}

func (x Sample) untrusted() format.Untrusted {
	return format.Untrusted{Name: x.File, Media: x.Media, Data: bytes.Clone(x.Data), Self: x.Self, Budget: Budget()}
}

func (x Sample) construction() format.Construction {
	return format.Construction{Profile: x.Profile, Facts: x.Facts}
}

func pass(ctx context.Context, f format.Format, s Suite, x Sample) (Output, error) {
	return Sanitize(ctx, f, x.untrusted(), x.construction(), s.Kid)
}

func (s Suite) show(out []byte) (string, error) {
	if s.Show == nil {
		return string(out), nil
	}
	return s.Show(out)
}

// checkRebuilt: recognized, rebuilt without a fault, findings and content as
// expected.
func checkRebuilt(ctx context.Context, f format.Format, s Suite, x Sample) error {
	if f.Match(x.Data) == format.NoMatch {
		return errors.New("content is not recognized")
	}
	o, err := pass(ctx, f, s, x)
	if err != nil {
		return err
	}
	if len(o.Faults) > 0 {
		return fmt.Errorf("lint: %v", o.Faults)
	}
	for _, c := range o.Codes() {
		if _, ok := format.TextOf(c); !ok {
			return fmt.Errorf("finding %q does not stand in format's table", c)
		}
	}
	got, want := slices.Sorted(slices.Values(o.Codes())), slices.Sorted(slices.Values(x.Findings))
	if !slices.Equal(got, want) {
		return fmt.Errorf("findings %v, want %v", got, want)
	}
	seen, err := s.show(o.Data)
	if err != nil {
		return fmt.Errorf("show output: %w", err)
	}
	for _, want := range x.Shows {
		if !strings.Contains(seen, want) {
			return fmt.Errorf("a reader does not see %q in %.300q", want, seen)
		}
	}
	return nil
}

// checkMarks: no canary comes through, neither in the file nor in what is
// reported about it to people.
func checkMarks(ctx context.Context, f format.Format, s Suite, x Sample) error {
	for _, m := range x.Marks {
		if !bytes.Contains(x.Data, []byte(m)) {
			return fmt.Errorf("mark %q is not planted", m)
		}
	}
	o, err := pass(ctx, f, s, x)
	if err != nil {
		return err
	}
	seen, err := s.show(o.Data)
	if err != nil {
		return fmt.Errorf("show output: %w", err)
	}
	for _, m := range slices.Concat(x.Marks, x.DeepMarks) {
		if strings.Contains(seen, m) {
			return fmt.Errorf("mark %q is shown", m)
		}
		for _, form := range spellings(m) {
			if bytes.Contains(o.Data, form) {
				return fmt.Errorf("mark %q came through", m)
			}
		}
	}
	return nil
}

// spellings returns a mark as UTF-8 and as UTF-16 in both byte orders.
func spellings(m string) [][]byte {
	var le, be []byte
	for _, u := range utf16.Encode([]rune(m)) {
		le = append(le, byte(u), byte(u>>8))
		be = append(be, byte(u>>8), byte(u))
	}
	return [][]byte{[]byte(m), le, be}
}

// checkDeterministic: Parse and Build twice, with and without the End frame.
func checkDeterministic(ctx context.Context, f format.Format, s Suite, x Sample) error {
	first, err := pass(ctx, f, s, x)
	if err != nil {
		return err
	}
	t, err := record(ctx, f, x.untrusted(), s.Kid)
	if err != nil {
		return err
	}
	for _, end := range []bool{true, false} {
		again, err := finish(f, t, x.construction(), end)
		if err != nil {
			return err
		}
		if !bytes.Equal(first.Data, again.Data) {
			return errors.New("two builds differ")
		}
		if !slices.Equal(first.Findings, again.Findings) {
			return fmt.Errorf("findings differ: %v, %v", first.Findings, again.Findings)
		}
	}
	return nil
}

// checkTwice: sanitizing the output changes nothing and finds nothing new.
func checkTwice(ctx context.Context, f format.Format, s Suite, x Sample) error {
	first, err := pass(ctx, f, s, x)
	if err != nil {
		return err
	}
	g := f
	if s.Again != nil {
		g = *s.Again
	}
	y := x
	y.Data, y.File = first.Data, "output."+first.Built.Extension
	if g.Match(y.Data) == format.NoMatch {
		return errors.New("output is not recognized")
	}
	second, err := pass(ctx, g, s, y)
	if err != nil {
		return fmt.Errorf("second pass: %w", err)
	}
	if len(second.Faults) > 0 {
		return fmt.Errorf("second pass: lint: %v", second.Faults)
	}
	for _, c := range second.Codes() {
		if !slices.Contains(first.Codes(), c) {
			return fmt.Errorf("second pass: new finding %s", c)
		}
	}
	if s.Same != nil {
		return s.Same(first.Data, second.Data)
	}
	if !bytes.Equal(first.Data, second.Data) {
		return fmt.Errorf("second pass changed %.200q to %.200q", first.Data, second.Data)
	}
	return nil
}

// offsets returns where to cut n bytes: everywhere up to limit, else about 64
// places.
func offsets(n, limit int) []int {
	step := 1
	if n > limit {
		step = max(1, n/64)
	}
	var all []int
	for i := 0; i < n; i += step {
		all = append(all, i)
	}
	return all
}

// checkTruncated: a file cut short is held with a known reason, or it is
// rebuilt without a fault.
func checkTruncated(ctx context.Context, f format.Format, s Suite, x Sample) error {
	for _, n := range offsets(len(x.Data), s.Truncate) {
		y := x
		y.Data = x.Data[:n]
		o, err := pass(ctx, f, s, y)
		if err != nil {
			if !ReasonOf(err).Known() {
				return fmt.Errorf("cut at %d: %w", n, err)
			}
			continue
		}
		if len(o.Faults) > 0 {
			return fmt.Errorf("cut at %d: lint: %v", n, o.Faults)
		}
	}
	return nil
}

// checkCutOutput: the lint stands any cut and, where the form is closed at its
// end, sees it.
func checkCutOutput(ctx context.Context, f format.Format, s Suite, x Sample) error {
	o, err := pass(ctx, f, s, x)
	if err != nil {
		return err
	}
	for _, n := range offsets(len(o.Data), s.Truncate) {
		faults, err := Lint(f, o.Data[:n], nil)
		if err != nil {
			return fmt.Errorf("cut at %d: %w", n, err)
		}
		if s.CutIsFault && len(faults) == 0 {
			return fmt.Errorf("cut at %d of %d: no fault", n, len(o.Data))
		}
	}
	return nil
}

// checkCancelled: no work once the time is up.
func checkCancelled(ctx context.Context, f format.Format, s Suite, x Sample) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := pass(ctx, f, s, x); ReasonOf(err) != format.LimitTime {
		return fmt.Errorf("cancelled parse gave %v", err)
	}
	return nil
}

// checkFrames: Build meets frames of a worker that was taken over. A Fail
// must fail with its reason; cut frames must fail; frames cut between values
// must not panic and, when they build, must pass the lint.
func checkFrames(ctx context.Context, f format.Format, s Suite, x Sample) error {
	t, err := record(ctx, f, x.untrusted(), s.Kid)
	if err != nil {
		return err
	}
	bad := t
	bad.frames = ir.Append(bytes.Clone(t.frames), ir.Fail{Reason: string(format.Malformed)})
	if _, err := finish(f, bad, x.construction(), false); ReasonOf(err) != format.Malformed {
		return fmt.Errorf("a Fail frame gave %v", err)
	}
	if len(t.frames) > 0 {
		bad.frames = t.frames[:len(t.frames)-1]
		if _, err := finish(f, bad, x.construction(), false); err == nil {
			return errors.New("a cut frame was built")
		}
	}
	for _, n := range bounds(t.frames) {
		bad.frames = t.frames[:n]
		o, err := finish(f, bad, x.construction(), true)
		if err == nil && len(o.Faults) > 0 {
			return fmt.Errorf("frames up to %d: lint: %v", n, o.Faults)
		}
	}
	return nil
}

// bounds returns some offsets at which whole frames end.
func bounds(frames []byte) []int {
	const most = 40
	var all []int
	for at := 0; at+5 <= len(frames) && len(all) < most; {
		all = append(all, at)
		at += 5 + int(frames[at+1])<<24 + int(frames[at+2])<<16 + int(frames[at+3])<<8 + int(frames[at+4])
	}
	return all
}

func checkRefused(ctx context.Context, f format.Format, s Suite, x Refusal) error {
	in := format.Untrusted{Name: x.File, Media: x.Media, Data: bytes.Clone(x.Data), Budget: Budget()}
	if x.Budget != nil {
		in.Budget = *x.Budget
	}
	_, err := Sanitize(ctx, f, in, format.Construction{}, s.Kid)
	if !x.Reason.Known() || ReasonOf(err) != x.Reason {
		return fmt.Errorf("%v, want %s", err, x.Reason)
	}
	return nil
}

func checkBad(f format.Format, s Suite, x BadOutput) error {
	faults, err := Lint(f, x.Data, nil)
	if err != nil {
		return err
	}
	if !slices.Contains(codes(faults), x.Code) {
		return fmt.Errorf("faults %v, want %s", faults, x.Code)
	}
	for _, c := range codes(faults) {
		if !slices.Contains(s.Rules, c) {
			return fmt.Errorf("fault %s is not among the suite's rules", c)
		}
	}
	return nil
}

// checkRules: each rule has a bad sample.
func checkRules(s Suite) error {
	for _, r := range s.Rules {
		if !slices.ContainsFunc(s.Bad, func(b BadOutput) bool { return b.Code == r }) {
			return fmt.Errorf("rule %s has no bad sample", r)
		}
	}
	if len(s.Rules) == 0 {
		return errors.New("no lint rules")
	}
	return nil
}

func checkGolden(ctx context.Context, f format.Format, s Suite, x Sample) error {
	if s.Golden == "" {
		return nil
	}
	o, err := pass(ctx, f, s, x)
	if err != nil {
		return err
	}
	ext := o.Built.Extension
	if ext == "" {
		ext = f.Extension()
	}
	path := filepath.Join(s.Golden, strings.ReplaceAll(x.Name, " ", "_")+"."+ext)
	if fl := flag.Lookup("update"); fl != nil && fl.Value.String() == "true" {
		if err := os.MkdirAll(s.Golden, 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, o.Data, 0o644)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(o.Data, want) {
		return fmt.Errorf("output differs from %s", path)
	}
	return nil
}
