package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"sekisho/audit"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"監査記録が書き換えられていないかを調べる（通信も設定も不要）/ was the log edited, cut or reordered?"`
	Export auditExportCmd `cmd:"" help:"監査記録を JSONL または CSV で書き出す / export records"`
	Prove  auditProveCmd  `cmd:"" help:"一部の記録を、単独で検証できる証明付きで取り出す / records with proofs that verify offline"`
	Check  auditCheckCmd  `cmd:"" help:"証明付きの記録を検証する / verify a bundle made by prove"`
}

// logArgs name a log and the public key that it is checked with.
type logArgs struct {
	Log string `help:"監査記録のフォルダ / the log's folder" required:"" type:"existingdir" placeholder:"DIR"`
	Key string `help:"監査記録の公開鍵 / the log's public key" required:"" type:"existingfile" placeholder:"FILE"`
}

func (a logArgs) keys() (audit.Keys, error) { return readKeys(a.Key) }

func readKeys(path string) (audit.Keys, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return audit.Keys{}, err
	}
	return audit.ParseKeys(string(b))
}

type auditVerifyCmd struct {
	logArgs
	Anchors  string        `help:"記録の外に保管したチェックポイント / checkpoints kept elsewhere" type:"existingfile" placeholder:"FILE"`
	Since    string        `help:"このチェックポイントより前の空白は調べ済みとする / silences before this checkpoint were looked at" type:"existingfile" placeholder:"FILE"`
	Interval time.Duration `help:"心拍の間隔 / between heartbeats" default:"5m"`
	JSON     bool          `help:"JSON で報告する / report as JSON"`
}

// Help says what the exit codes mean.
func (auditVerifyCmd) Help() string {
	return "終了コード / exit: 0 改ざんは検出されていない（intact）, 1 改ざんを検出（tampered）, 2 空白または外部保管との不一致（gap or missing anchor）, 3 使い方の誤り（usage）"
}

// Exit codes of audit verify (UX-AUDIT §5).
const exitVerifyUsage exit = 3

// Run verifies a log from its files alone.
func (c *auditVerifyCmd) Run(e env) error {
	r, err := c.verify(e.ctx)
	if err != nil {
		fmt.Fprintln(e.stderr, "sekisho:", err)
		return exitVerifyUsage
	}
	if c.JSON {
		err = json.NewEncoder(e.stdout).Encode(reportToJSON(r))
	} else {
		printVerdict(e.stdout, r)
	}
	if err != nil {
		return err
	}
	if code := r.Verdict.ExitCode(); code != 0 {
		return exit(code)
	}
	return nil
}

func (c *auditVerifyCmd) verify(ctx context.Context) (audit.Report, error) {
	keys, err := c.keys()
	if err != nil {
		return audit.Report{}, err
	}
	o := audit.VerifyOptions{Interval: c.Interval}
	if c.Anchors != "" {
		b, err := os.ReadFile(c.Anchors)
		if err != nil {
			return audit.Report{}, err
		}
		if o.Anchors, err = audit.ParseAnchors(b, keys); err != nil {
			return audit.Report{}, fmt.Errorf("anchors: %w", err)
		}
		o.NeedAnchor = true
	}
	if c.Since != "" {
		b, err := os.ReadFile(c.Since)
		if err != nil {
			return audit.Report{}, err
		}
		since, err := audit.OpenCheckpoint(b, keys)
		if err != nil {
			return audit.Report{}, fmt.Errorf("since: %w", err)
		}
		o.Since = &since
	}
	return audit.Verify(ctx, os.DirFS(c.Log), keys, o)
}

// reportJSON is a verification as scripts read it. Numbers of records are -1 for none.
type reportJSON struct {
	Verdict     string      `json:"verdict"`
	First       int64       `json:"first"`
	Size        int64       `json:"size"`
	Root        string      `json:"root"`
	Signed      int64       `json:"signed"`
	From        time.Time   `json:"from"`
	To          time.Time   `json:"to"`
	Checkpoints int         `json:"checkpoints"`
	Anchors     int         `json:"anchors"`
	FirstBad    int64       `json:"first_bad"`
	Faults      []faultJSON `json:"faults"`
}

type faultJSON struct {
	Code  audit.Code `json:"code"`
	Seq   int64      `json:"seq"`
	Until int64      `json:"until"`
	Where string     `json:"where"`
}

func reportToJSON(r audit.Report) reportJSON {
	j := reportJSON{Verdict: r.Verdict.String(), First: r.First, Size: r.Size, Root: r.Root.String(), Signed: r.Signed.Size, From: r.From, To: r.To,
		Checkpoints: r.Checkpoints, Anchors: r.Anchors, FirstBad: r.FirstBad, Faults: []faultJSON{}}
	for _, f := range r.Faults {
		j.Faults = append(j.Faults, faultJSON(f))
	}
	return j
}

func printVerdict(w io.Writer, r audit.Report) {
	fmt.Fprintln(w, r.JA())
	fmt.Fprintln(w, r.EN())
	fmt.Fprintf(w, "控え / anchor: %d %s\n", r.Size, r.Root)
	for _, f := range r.Faults {
		fmt.Fprintln(w, "  "+f.String())
	}
}

type auditExportCmd struct {
	Log     string    `help:"監査記録のフォルダ / the log's folder" required:"" type:"existingdir" placeholder:"DIR"`
	Format  string    `help:"jsonl または csv" enum:"jsonl,csv" default:"jsonl"`
	Lang    string    `help:"CSV の見出し / header language of CSV" enum:"ja,en" default:"ja"`
	Since   time.Time `help:"この時から / from (inclusive)" format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME"`
	Until   time.Time `help:"この時まで / until (exclusive)" format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME"`
	Event   []string  `help:"出来事の名前または群 / events or groups such as relay.*" placeholder:"NAME"`
	Receipt string    `help:"受付番号 / receipt number" placeholder:"NO"`
	Sender  string    `help:"差出人 / envelope sender" placeholder:"ADDRESS"`
	Out     string    `help:"書き出し先。なければ標準出力 / output file; default standard output" type:"path" placeholder:"FILE"`
}

// Run exports records.
func (c *auditExportCmd) Run(e env) error {
	f := audit.Filter{Since: c.Since, Until: c.Until, Receipt: c.Receipt, Sender: c.Sender}
	for _, v := range c.Event {
		f.Verbs = append(f.Verbs, audit.Verb(v))
	}
	lang := audit.Japanese
	if c.Lang == "en" {
		lang = audit.English
	}
	return withOutput(e, c.Out, func(w io.Writer) error {
		var n int64
		var err error
		if c.Format == "csv" {
			n, err = audit.ExportCSV(e.ctx, os.DirFS(c.Log), w, f, lang)
		} else {
			n, err = audit.ExportJSONL(e.ctx, os.DirFS(c.Log), w, f)
		}
		if err == nil {
			fmt.Fprintf(e.stderr, "%d 件を書き出しました / records exported\n", n)
		}
		return err
	})
}

type auditProveCmd struct {
	logArgs
	Out string  `help:"書き出し先 / output file" type:"path" placeholder:"FILE"`
	Seq []int64 `arg:"" help:"記録の番号 / sequence numbers"`
}

// Run writes a bundle of records with inclusion proofs.
func (c *auditProveCmd) Run(e env) error {
	keys, err := c.keys()
	if err != nil {
		return err
	}
	b, err := audit.Prove(e.ctx, os.DirFS(c.Log), keys, c.Seq...)
	if err != nil {
		return err
	}
	text, err := b.Marshal()
	if err != nil {
		return err
	}
	return withOutput(e, c.Out, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

type auditCheckCmd struct {
	Key    string `help:"監査記録の公開鍵 / the log's public key" required:"" type:"existingfile" placeholder:"FILE"`
	Bundle string `arg:"" help:"prove が作ったファイル / file made by prove" type:"existingfile"`
}

// Run verifies a bundle offline.
func (c *auditCheckCmd) Run(e env) error {
	keys, err := readKeys(c.Key)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(c.Bundle)
	if err != nil {
		return err
	}
	p, err := audit.VerifyBundle(b, keys)
	if err != nil {
		fmt.Fprintf(e.stdout, "証明は正しくありません / the proof does not hold: %v\n", err)
		return exitHeld
	}
	fmt.Fprintf(e.stdout, "%d 件の記録は、%d 件からなる記録の木に含まれています / records are in the tree of size %d\n", len(p.Events), p.Checkpoint.Size, p.Checkpoint.Size)
	return nil
}
