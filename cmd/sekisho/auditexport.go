package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
)

// filterArgs choose records.
type filterArgs struct {
	Since   time.Time `help:"この時から / from (inclusive)" format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME"`
	Until   time.Time `help:"この時まで / until (exclusive)" format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME"`
	Event   []string  `help:"出来事の名前または群 / events or groups such as relay.*" placeholder:"NAME"`
	Receipt string    `help:"受付番号 / receipt number" placeholder:"NO"`
	Sender  string    `help:"差出人 / envelope sender" placeholder:"ADDRESS"`
	Actor   string    `help:"行為者のID / id of who acted" placeholder:"ID"`
	SHA256  string    `help:"原本または無害化済みファイルの SHA-256 / of an original or a sanitized copy" name:"sha256" placeholder:"HEX"`
}

func (a filterArgs) filter() (audit.Filter, error) {
	f := audit.Filter{Since: a.Since, Until: a.Until, Receipt: a.Receipt, Sender: a.Sender, Actor: a.Actor, SHA256: strings.ToLower(a.SHA256)}
	for _, v := range a.Event {
		f.Verbs = append(f.Verbs, audit.Verb(v))
		if !audit.KnownEvent(v) {
			return f, fmt.Errorf("%.40q という出来事はありません / there is no such event", v)
		}
	}
	return f, nil
}

type auditExportCmd struct {
	Log    string `help:"監査記録のフォルダ / the log's folder" required:"" type:"existingdir" placeholder:"DIR"`
	Key    string `help:"監査記録の公開鍵。--out と一緒に使うと、証明（FILE.proof）も作ります / with --out: write a proof beside it" type:"existingfile" placeholder:"FILE"`
	Format string `help:"jsonl または csv" enum:"jsonl,csv" default:"jsonl"`
	Lang   string `help:"CSV の見出し / header language of CSV" enum:"ja,en" default:"ja"`
	filterArgs
	Out    string `help:"書き出し先。なければ標準出力 / output file; default standard output" type:"path" placeholder:"FILE"`
	Config string `short:"c" help:"設定ファイル。書き出したことを監査記録に残します / record the export in the log" type:"existingfile" placeholder:"FILE"`
}

// Help says what a proof shows.
func (auditExportCmd) Help() string {
	return "--key と --out を付けると、書き出したものが本物で、抜けや書き換えがないことを示す FILE.proof を隣に作ります。受け取った人は sekisho audit verify --export FILE --key 公開鍵 で、元の記録なしに確かめられます。\n" +
		"With --key and --out, FILE.proof shows without the log that the export is unaltered: sekisho audit verify --export FILE --key KEY."
}

// Run exports records.
func (c *auditExportCmd) Run(e env) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	n, err := c.export(e, f)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "%d 件を書き出しました / records exported\n", n)
	if c.Config == "" {
		return nil
	}
	what := fmt.Sprintf("%s, %d records, %s", c.Format, n, f)
	return recordAct(e.ctx, c.Config, "audit.exported", audit.Change{Path: "export", Before: audit.Clean(c.Out, 1024), After: audit.Clean(what, 1024)})
}

func (c *auditExportCmd) export(e env, f audit.Filter) (int64, error) {
	log := os.DirFS(c.Log)
	lang := audit.Japanese
	if c.Lang == "en" {
		lang = audit.English
	}
	var n int64
	if c.Key != "" && c.Out != "" {
		keys, err := readKeys(c.Key)
		if err != nil {
			return 0, err
		}
		var unsigned int64
		o := audit.ExportOptions{Format: audit.Format(c.Format), Lang: lang, Filter: f}
		err = withOutput(e, c.Out, func(w io.Writer) error {
			return withOutput(e, c.Out+proofEnding, func(proof io.Writer) error {
				n, unsigned, err = audit.Export(e.ctx, log, keys, o, w, proof)
				return err
			})
		})
		if unsigned > 0 {
			fmt.Fprintf(e.stderr, "まだ署名されていない %d 件は含みません。次の署名（普通は5分以内）の後に、もう一度書き出してください / records not signed yet are left out\n", unsigned)
		}
		return n, err
	}
	err := withOutput(e, c.Out, func(w io.Writer) error {
		var err error
		if c.Format == "csv" {
			n, err = audit.ExportCSV(e.ctx, log, w, f, lang)
		} else {
			n, err = audit.ExportJSONL(e.ctx, log, w, f)
		}
		return err
	})
	return n, err
}

// proofEnding is added to the name of an export for that of its proof.
const proofEnding = ".proof"

// recordAct records what somebody did with the log, in the ledger of a
// configuration.
func recordAct(ctx context.Context, file string, v audit.Verb, change audit.Change) error {
	return ledgerArgs{Config: file}.withLedger(ctx, func(_ config.Config, l *sqlite.Ledger) error {
		r, err := commandScribe().User(v, audit.Success, osUser(), func(ev *audit.Event) {
			ev.Object = audit.Object{Type: "log"}
			ev.Change = change
		})
		if err != nil {
			return err
		}
		return l.Do(ctx, func(tx gateway.Tx) error { return tx.Note(r) })
	})
}

// verifyExport checks an export with the proof beside it, and with a log whether
// it has all that its filter chooses. The log itself is verified on its own.
func verifyExport(ctx context.Context, file, key, log string) (string, error) {
	keys, err := readKeys(key)
	if err != nil {
		return "", err
	}
	export, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer export.Close()
	proof, err := os.Open(file + proofEnding)
	if err != nil {
		return "", err
	}
	defer proof.Close()
	x, err := audit.VerifyExport(ctx, export, proof, keys)
	if err != nil {
		return "", err
	}
	if log != "" {
		if err := nothingLeftOut(ctx, x, log); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "書き出された %d 件は、%d 件からなる記録の木に含まれ、書き換えられていません / records are in the tree of size %d, unaltered\n", x.Count, x.Checkpoint.Size, x.Checkpoint.Size)
	if x.Unbroken {
		fmt.Fprintf(&b, "記録%dから%dまで、抜けはありません / complete from record %d to %d\n", x.First, x.Last, x.First, x.Last)
	}
	if log != "" {
		fmt.Fprintln(&b, "記録のフォルダの、条件に合う記録がすべて入っています / has all that its filter chooses in the log")
		return b.String() + "控え / anchor: " + x.Checkpoint.String() + "\n", nil
	}
	if x.Whole {
		ja, en := span(x.Filter)
		fmt.Fprintf(&b, "%s記録のすべてです。両端は記録の始まりと終わりか、期間の外の記録に接しています / all records %s; nothing was cut off at either end\n", ja, en)
	} else {
		fmt.Fprintln(&b, "条件で選ばれた記録です。条件に合うものがほかにないことは、記録のフォルダと照らし合わせて確かめます / chosen by a filter; that nothing else fits it shows beside the log")
	}
	fmt.Fprintf(&b, "控え / anchor: %s\n", x.Checkpoint)
	return b.String(), nil
}

// span is the time of a filter in words.
func span(f audit.Filter) (ja, en string) {
	if f.Since.IsZero() && f.Until.IsZero() {
		return "始まりから署名された終わりまでの", "from the beginning to what is signed"
	}
	if !f.Since.IsZero() {
		ja, en = f.Since.Format(time.RFC3339)+"から", "from "+f.Since.Format(time.RFC3339)
	}
	if !f.Until.IsZero() {
		ja, en = ja+f.Until.Format(time.RFC3339)+"の前まで", strings.TrimSpace(en+" before "+f.Until.Format(time.RFC3339))
	}
	return ja + "の", en
}

// nothingLeftOut counts what the filter of an export chooses in the log, up to the
// export's checkpoint. What is in the export is proven, so the number is enough.
func nothingLeftOut(ctx context.Context, x audit.Exported, log string) error {
	var n int64
	err := audit.Select(ctx, os.DirFS(log), x.Filter, func(_ []byte, e audit.Event) error {
		if e.Seq < x.Checkpoint.Size {
			n++
		}
		return nil
	})
	if err == nil && n != x.Count {
		err = fmt.Errorf("%w: %d records of the log fit its filter, and it has %d", audit.ErrProof, n, x.Count)
	}
	return err
}

// verifyPart runs the check of a bundle or an export: 0 it holds, 1 it does not,
// 3 it could not be read.
func verifyPart(e env, check func() (string, error)) error {
	text, err := check()
	switch {
	case errors.Is(err, audit.ErrProof):
		fmt.Fprintf(e.stdout, "証明は正しくありません / the proof does not hold: %v\n", err)
		return exitHeld
	case err != nil:
		fmt.Fprintln(e.stderr, "sekisho:", err)
		return exitVerifyUsage
	}
	fmt.Fprint(e.stdout, text)
	return nil
}
