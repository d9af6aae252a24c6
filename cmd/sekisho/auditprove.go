package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
)

type auditProveCmd struct {
	logArgs
	Out     string   `help:"書き出し先 / output file" type:"path" placeholder:"FILE"`
	Message []string `help:"この受付番号の記録をすべて。使った例外措置の記録も / all records of this receipt number, and of exceptions used" placeholder:"NO"`
	Config  string   `short:"c" help:"設定ファイル。件名とファイル名の文字も付け、取り出したことを監査記録に残します / disclose subjects and file names, and record that" type:"existingfile" placeholder:"FILE"`
	Seq     []int64  `arg:"" optional:"" help:"記録の番号 / sequence numbers"`
}

// Help says who may see what.
func (auditProveCmd) Help() string {
	return "-c を付けられるのは、台帳を読める人だけです。付けないときは、件名とファイル名は指紋のままです。\n" +
		"With -c, which needs access to the ledger, subjects and file names are disclosed; without it they stay digests."
}

// Run writes a bundle of records with inclusion proofs.
func (c *auditProveCmd) Run(e env) error {
	keys, err := c.keys()
	if err != nil {
		return err
	}
	seqs, err := c.numbers(e)
	if err != nil {
		return err
	}
	b, err := audit.Prove(e.ctx, os.DirFS(c.Log), keys, seqs...)
	if err != nil {
		return err
	}
	if c.Config != "" {
		if err := c.disclose(e, &b); err != nil {
			return err
		}
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

// numbers are the records asked for, by number and by receipt number.
func (c *auditProveCmd) numbers(e env) ([]int64, error) {
	seqs := slices.Clone(c.Seq)
	for _, receipt := range c.Message {
		found, err := audit.OfReceipt(e.ctx, os.DirFS(c.Log), receipt)
		if errors.Is(err, audit.ErrNoRecords) {
			return nil, fmt.Errorf("受付番号 %.40s の記録はありません / no records of this receipt number", receipt)
		}
		if err != nil {
			return nil, err
		}
		seqs = append(seqs, found...)
	}
	if len(seqs) == 0 {
		return nil, errors.New("記録の番号か --message を指定してください / give numbers or --message")
	}
	return seqs, nil
}

// disclose adds what commitments stand for, as far as it was not erased, and
// records that it was shown.
func (c *auditProveCmd) disclose(e env, b *audit.Bundle) error {
	var shown []string
	err := ledgerArgs{Config: c.Config}.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		for _, r := range b.Records {
			ev, err := audit.ParseRecord([]byte(r.Record))
			if err != nil {
				return err
			}
			for _, digest := range ev.Commitments() {
				o, err := l.Opening(e.ctx, digest)
				if errors.Is(err, gateway.ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				b.Disclose(o)
			}
			if n := ev.Object.ReceiptNo; n != "" && !slices.Contains(shown, n) {
				shown = append(shown, n)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return recordAct(e.ctx, c.Config, "audit.exported", audit.Change{Path: "bundle", Before: audit.Clean(c.Out, 1024),
		After: audit.Clean(fmt.Sprintf("%d records, %d texts, %s", len(b.Records), len(b.Openings), strings.Join(shown, " ")), 1024)})
}

type auditCheckCmd struct {
	Key    string `help:"監査記録の公開鍵 / the log's public key" required:"" type:"existingfile" placeholder:"FILE"`
	Bundle string `arg:"" help:"prove が作ったファイル / file made by prove" type:"existingfile"`
}

// Run verifies a bundle offline.
func (c *auditCheckCmd) Run(e env) error {
	text, err := verifyBundle(c.Bundle, c.Key)
	if errors.Is(err, audit.ErrProof) {
		fmt.Fprintf(e.stdout, "証明は正しくありません / the proof does not hold: %v\n", err)
		return exitHeld
	}
	fmt.Fprint(e.stdout, text)
	return err
}

// verifyBundle checks a bundle and returns what it shows, in words.
func verifyBundle(file, key string) (string, error) {
	keys, err := readKeys(key)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	p, err := audit.VerifyBundle(b, keys)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%d 件の記録は、%d 件からなる記録の木に含まれています / records are in the tree of size %d\n", len(p.Events), p.Checkpoint.Size, p.Checkpoint.Size)
	fmt.Fprintf(&out, "控え / anchor: %s\n", p.Checkpoint)
	for _, ev := range p.Events {
		fmt.Fprint(&out, sentence(ev))
		for _, d := range ev.Commitments() {
			if text, ok := p.Texts[d]; ok {
				fmt.Fprintf(&out, " 「%s」", audit.Clean(text, 256))
			}
		}
		fmt.Fprintln(&out)
	}
	return out.String(), nil
}

// sentence is a record in one line: when, what, how it ended, about what, by whom
// and under which version of the policy.
func sentence(e audit.Event) string {
	info, _ := e.Verb.Info()
	line := fmt.Sprintf("%8d  %s  %-22s %s", e.Seq, e.TS.Format("2006-01-02 15:04:05"), e.Verb, info.JA)
	if e.Outcome != audit.Success {
		line += "（" + e.Outcome.JA() + "）"
	}
	for _, w := range []struct{ before, word string }{{"", e.Object.ReceiptNo}, {"パート", e.Object.Part}, {"", e.Decision.Form}} {
		if w.word != "" {
			line += " " + w.before + w.word
		}
	}
	if a := e.Actor; a.ID != "" && a.Type != audit.ActorSystem {
		line += " " + strings.TrimSpace(a.ID+" "+a.Name)
	}
	if e.OnBehalfOf != "" {
		line += "（" + e.OnBehalfOf + " の代理）"
	}
	if e.Policy.Version > 0 {
		line += fmt.Sprintf(" 方針第%d版", e.Policy.Version)
	}
	return line
}
