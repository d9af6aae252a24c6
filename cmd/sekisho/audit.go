package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"sekisho/audit"
)

type auditCmd struct {
	Verify  auditVerifyCmd  `cmd:"" help:"監査記録が書き換えられていないかを調べる（通信も設定も不要）/ was the log edited, cut or reordered?"`
	Witness auditWitnessCmd `cmd:"" help:"前に見たときの続きであることを、自分の機械で確かめて控える / is this the continuation of what was shown before?"`
	Search  auditSearchCmd  `cmd:"" help:"監査記録を探す / search records"`
	Report  auditReportCmd  `cmd:"" help:"毎月の自己点検票を作る（A4のHTMLとCSV）/ the monthly self-inspection report"`
	Export  auditExportCmd  `cmd:"" help:"監査記録を JSONL または CSV で、証明を付けて書き出す / export records with a proof"`
	Prove   auditProveCmd   `cmd:"" help:"一部の記録を、単独で検証できる証明付きで取り出す / records with proofs that verify offline"`
	Erase   auditEraseCmd   `cmd:"" help:"件名とファイル名の文字を消す（指紋と証明は残ります）/ erase texts behind the digests"`
	Check   auditCheckCmd   `cmd:"" help:"証明付きの記録を検証する / verify a bundle made by prove"`
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
	Log      string        `help:"監査記録のフォルダ / the log's folder" type:"existingdir" placeholder:"DIR" xor:"log"`
	Bundle   string        `help:"prove が作った証明付きの記録（記録のフォルダは不要）/ a bundle made by prove" type:"existingfile" placeholder:"FILE" xor:"what,log"`
	Export   string        `help:"export が書き出したファイル。隣の .proof も読みます。--log も指定すると、条件に合う記録が漏れていないことも確かめます / a file made by export, with its .proof beside it; with --log: was nothing left out?" type:"existingfile" placeholder:"FILE" xor:"what"`
	Key      string        `help:"監査記録の公開鍵 / the log's public key" required:"" type:"existingfile" placeholder:"FILE"`
	Anchors  []string      `help:"記録の外に保管したチェックポイント / checkpoints kept elsewhere" type:"existingfile" placeholder:"FILE" sep:"none"`
	Since    string        `help:"このチェックポイントより前の空白は調べ済みとする / silences before this checkpoint were looked at" type:"existingfile" placeholder:"FILE"`
	Interval time.Duration `help:"心拍の間隔 / between heartbeats" default:"5m"`
	Live     bool          `help:"今も動いている記録として、最後の心拍から今までの空白も調べる / the log of a running gateway: is it silent now?"`
	JSON     bool          `help:"JSON で報告する / report as JSON"`
	Config   string        `short:"c" help:"設定ファイル。検証したことを監査記録に残します / record the verification in the log" type:"existingfile" placeholder:"FILE"`
}

// Help says what the exit codes mean.
func (auditVerifyCmd) Help() string {
	return "--log、--bundle、--export のどれかを指定します（--export には --log を添えられます）。--anchors には、syslog サーバーのファイル、立会い検証の控え、紙から写した「記録の数 ルート」の行を、混ぜて書けます。\n" +
		"Give one of --log, --bundle and --export. Anchors are lines of a syslog server, files of a witness, printed roots, in any mixture.\n" +
		"終了コード / exit: 0 改ざんは検出されていない（intact）, 1 改ざんを検出（tampered）, 2 空白または外部保管との不一致（gap or missing anchor）, 3 使い方の誤り（usage）"
}

// Exit codes of audit verify (UX-AUDIT §5).
const exitVerifyUsage exit = 3

// Run verifies a log from its files alone, or what was taken from it.
func (c *auditVerifyCmd) Run(e env) error {
	switch {
	case c.Bundle != "":
		return verifyPart(e, func() (string, error) { return verifyBundle(c.Bundle, c.Key) })
	case c.Export != "":
		return verifyPart(e, func() (string, error) { return verifyExport(e.ctx, c.Export, c.Key, c.Log) })
	case c.Log == "":
		fmt.Fprintln(e.stderr, "sekisho: --log、--bundle、--export のどれかを指定してください / give one of --log, --bundle, --export")
		return exitVerifyUsage
	}
	r, err := c.verify(e)
	if err != nil {
		fmt.Fprintln(e.stderr, "sekisho:", err)
		return exitVerifyUsage
	}
	if c.JSON {
		err = json.NewEncoder(e.stdout).Encode(reportToJSON(r))
	} else {
		printVerdict(e.stdout, r)
	}
	if err == nil && c.Config != "" {
		err = recordAct(e.ctx, c.Config, "audit.verified", verified(r))
	}
	if err != nil {
		return err
	}
	if code := r.Verdict.ExitCode(); code != 0 {
		return exit(code)
	}
	return nil
}

func (c *auditVerifyCmd) verify(e env) (audit.Report, error) {
	keys, err := readKeys(c.Key)
	if err != nil {
		return audit.Report{}, err
	}
	o := audit.VerifyOptions{Interval: c.Interval}
	if c.Live {
		o.Now = time.Now()
	}
	if len(c.Anchors) > 0 {
		if o.Anchors, err = readAnchors(e, c.Anchors, keys); err != nil {
			return audit.Report{}, err
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
	return audit.Verify(e.ctx, os.DirFS(c.Log), keys, o)
}

// readAnchors reads files of checkpoints that were kept outside of a log, and tells
// of lines that it did not use.
func readAnchors(e env, files []string, keys audit.Keys) ([]audit.Checkpoint, error) {
	var all []audit.Checkpoint
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		list, unsigned, err := audit.ParseAnchors(b, keys)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if unsigned > 0 {
			fmt.Fprintf(e.stderr, "sekisho: %s: この記録の鍵で署名されていない行が%d行あり、控えとして数えていません / %d lines are not signed by this log and were not used\n", file, unsigned, unsigned)
		}
		all = append(all, list...)
	}
	return all, nil
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
