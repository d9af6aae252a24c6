package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sekisho/gateway/config"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
)

type sanitizeCmd struct {
	Config string   `help:"設定ファイル。engine の項目だけを使います。なければ /etc/sekisho/sekisho.yaml、読めなければ既定値 / configuration, for its engine block only" short:"c" type:"existingfile" placeholder:"FILE"`
	Policy string   `help:"方針ファイル / policy file" type:"existingfile" placeholder:"FILE"`
	Out    string   `help:"無害化済みファイルを置く場所。なければ報告だけ / where to put rebuilt files; without it only the report" type:"path" placeholder:"DIR"`
	JSON   bool     `help:"一行に一件の JSON で報告する / one JSON object per line"`
	Quiet  bool     `help:"途中経過を表示しない / no progress" short:"q"`
	Paths  []string `arg:"" name:"path" help:"ファイル、.eml、フォルダ / files, mails, folders" type:"existingpath"`
}

// Help says what the exit codes mean.
func (sanitizeCmd) Help() string {
	return "終了コード / exit: 0 すべて作り直した（all rebuilt）, 1 一部を預かった（something held）, 2 使い方の誤りまたは失敗（usage or failure）"
}

// Run sanitizes files through the engine and boxes that serve uses.
func (c *sanitizeCmd) Run(e env) error {
	rules := policy.Default()
	if c.Policy != "" {
		p, err := config.LoadPolicy(c.Policy)
		if err != nil {
			return err
		}
		rules = p.Default
	}
	files, err := expand(c.Paths, e.stderr)
	if err != nil {
		return err
	}
	engine, done, err := localEngine(e, c.Config)
	if err != nil {
		return err
	}
	defer done()
	if c.Out != "" {
		if err := os.MkdirAll(c.Out, 0o755); err != nil {
			return err
		}
	}
	s := &sanitizer{env: e, engine: engine, rules: rules, out: c.Out, json: c.JSON, meter: newMeter(e.stderr, c.Quiet, time.Now), taken: map[string]bool{}}
	for i, p := range files {
		if len(files) > 1 && !c.JSON && !c.Quiet {
			fmt.Fprintf(e.stderr, "[%d/%d] %s\n", i+1, len(files), p)
		}
		if err := s.file(p); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	if s.held {
		return exitHeld
	}
	return nil
}

// localEngine starts an engine with boxes of its own for a command, with the
// engine block of a configuration ("" for the system's).
func localEngine(e env, file string) (*sanitize.Engine, func(), error) {
	at, err := engineOf(file)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	pool, err := openBoxes(at, sandbox.Config{MaxRunning: 8}, log)
	if err != nil {
		return nil, nil, fmt.Errorf("start boxes: %w", err)
	}
	return sanitize.New(pool, log), func() { pool.Close() }, nil
}

// expand replaces folders by the regular files below them. What else is in a
// folder is told to w and passed over; what was named itself and is no file is
// an error, since "all rebuilt" would be a lie.
func expand(paths []string, w io.Writer) ([]string, error) {
	var files []string
	for _, p := range paths {
		st, err := os.Stat(p)
		switch {
		case err != nil:
			return nil, err
		case st.Mode().IsRegular(): // a link to a file is that file
			files = append(files, p)
			continue
		case !st.IsDir():
			return nil, fmt.Errorf("%s: ファイルでもフォルダでもありません / neither a file nor a folder", p)
		}
		before := len(files)
		err = filepath.WalkDir(p+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.Type().IsRegular():
				files = append(files, path)
			case !d.IsDir():
				fmt.Fprintf(w, "%s: ファイルではないので、扱いません / not a file, passed over\n", path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, fmt.Errorf("%s: フォルダにファイルがありません / no file in the folder", p)
		}
	}
	return files, nil
}

type sanitizer struct {
	env    env
	engine *sanitize.Engine
	rules  policy.Rules
	out    string
	json   bool
	meter  *meter
	taken  map[string]bool
	held   bool
}

func (s *sanitizer) file(path string) error {
	data, err := load(path, s.rules.Limits.Bytes)
	if err != nil {
		return err
	}
	defer data.Close()
	b := sanitize.BudgetOf(s.rules)
	b.Deadline = time.Now().Add(s.rules.Limits.Time)
	in := sanitize.Input{Name: filepath.Base(path), Data: data, Rules: s.rules, Progress: s.meter.page}
	if strings.EqualFold(filepath.Ext(path), ".eml") {
		in.Kind = format.Mail
	}
	s.meter.begin(path)
	n, err := s.engine.Sanitize(s.env.ctx, in, b)
	s.meter.end()
	if err != nil {
		return err
	}
	defer n.Close()
	r := n.Report(path)
	n.Walk(func(m *sanitize.Node) { s.held = s.held || m.Verdict == format.Held })
	if s.out != "" && n.Body.OK() {
		if r.Output, err = s.save(n.Body); err != nil {
			return err
		}
	}
	if s.json {
		return json.NewEncoder(s.env.stdout).Encode(r)
	}
	printReport(s.env.stdout, r, 0)
	return nil
}

// load reads a file into memory; one over the limit is an error, since the
// command line has no quarantine to hold it in.
func load(path string, limit int64) (*memfile.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := memfile.New(limit)
	if _, err := io.Copy(data, f); err != nil {
		data.Close()
		if errors.Is(err, memfile.ErrLimit) {
			return nil, fmt.Errorf("larger than %d bytes, the limit of the policy", limit)
		}
		return nil, err
	}
	return data, nil
}

// maxSameName bounds the files of one name in the output folder.
const maxSameName = 10_000

// save writes a new file. One that is there already, perhaps the original, is
// never written over: the new one gets a number.
func (s *sanitizer) save(b sanitize.Body) (string, error) {
	for range maxSameName {
		path := filepath.Join(s.out, sanitize.Distinct(s.taken, b.Name()))
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = io.Copy(f, b.Reader())
		return path, errors.Join(err, f.Close())
	}
	return "", fmt.Errorf("%s: more than %d files of this name", b.Name(), maxSameName)
}

// verdictJA are the verdicts as people read them.
var verdictJA = map[string]string{"held": "お預かり", "rebuilt": "無害化済み", "partly": "一部を除き無害化済み", "stripped": "取り除き"}

func printReport(w io.Writer, r sanitize.Report, depth int) {
	pad := strings.Repeat("  ", depth)
	fmt.Fprintf(w, "%s%s  [%s] %s", pad, filepath.Base(r.Path), r.Kind, verdictJA[r.Verdict])
	switch {
	case r.Output != "":
		fmt.Fprintf(w, " → %s", r.Output)
	case r.Reason != "":
		fmt.Fprintf(w, "（%sため: %s）", r.Reason.Text().JA, r.Reason)
	}
	fmt.Fprintln(w)
	for _, h := range r.Hazards {
		if t, ok := format.TextOf(h.Code); ok && t.JA != "" {
			fmt.Fprintf(w, "%s  ・%s（%s）\n", pad, t.JA, h.Code)
		}
	}
	for _, c := range r.Children {
		printReport(w, c, depth+1)
	}
}

type lintCmd struct {
	JSON  bool     `help:"一行に一件の JSON で報告する / one JSON object per line"`
	Paths []string `arg:"" name:"path" help:"ファイルまたは .eml / files or mails" type:"existingfile"`
}

// Help says what the exit codes mean.
func (lintCmd) Help() string {
	return "終了コード / exit: 0 すべて閉じた出力の形（all in the closed form）, 1 そうでないものがある（some are not）, 2 失敗（failure）"
}

// Run lints files in the lint box.
func (c *lintCmd) Run(e env) error {
	engine, done, err := localEngine(e, "")
	if err != nil {
		return err
	}
	defer done()
	bad := false
	for _, p := range c.Paths {
		notes, err := lintFile(e.ctx, engine, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		bad = bad || len(notes) > 0
		if err := printLint(e.stdout, p, notes, c.JSON); err != nil {
			return err
		}
	}
	if bad {
		return exitHeld
	}
	return nil
}

func lintFile(ctx context.Context, engine *sanitize.Engine, path string) ([]format.Finding, error) {
	data, err := load(path, policy.Default().Limits.Bytes)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	ctx, cancel := context.WithTimeout(ctx, policy.Default().Limits.Time)
	defer cancel()
	return engine.Lint(ctx, filepath.Base(path), data)
}

func printLint(w io.Writer, path string, notes []format.Finding, asJSON bool) error {
	if asJSON {
		hazards := []sanitize.Hazard{}
		for _, n := range notes {
			hazards = append(hazards, sanitize.Hazard(n))
		}
		return json.NewEncoder(w).Encode(struct {
			Path    string            `json:"path"`
			OK      bool              `json:"ok"`
			Hazards []sanitize.Hazard `json:"hazards"`
		}{path, len(notes) == 0, hazards})
	}
	if len(notes) == 0 {
		fmt.Fprintf(w, "%s: 閉じた出力の形です / in the closed output form\n", path)
	}
	for _, n := range notes {
		fmt.Fprintf(w, "%s: %s %s %s\n", path, n.Code, n.Where, n.Detail)
	}
	return nil
}
