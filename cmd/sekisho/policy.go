package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store"
	"sekisho/gateway/store/sqlite"
	"sekisho/sanitize/policy"
)

// Names of the ledger's settings that hold the policy. The text is kept as it
// was written, so that its comments stay.
const (
	settingVersion = "policy.version"
	settingText    = "policy.text"
	settingDraft   = "policy.draft"
)

// policyWatch is the policy in force; it follows the ledger, where another
// process may apply a new one.
type policyWatch struct {
	ledger  gateway.Ledger
	domains func(policy.Policy) policy.Policy // fills in the office's own domains
	version string
	current atomic.Pointer[inForce]
}

// inForce is a policy and how records name it.
type inForce struct {
	policy  policy.Policy
	edition audit.Policy
}

// openPolicy reads the policy in force. When the ledger has none, the file
// becomes version 1 (DECISIONS 39).
func openPolicy(ctx context.Context, ledger gateway.Ledger, s gateway.Scribe, cfg config.Config) (*policyWatch, error) {
	w, file := &policyWatch{ledger: ledger, domains: cfg.WithDomains}, cfg.Policy.File
	stored, err := storedPolicy(ctx, ledger)
	if err != nil {
		return nil, err
	}
	if stored.version == "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("policy.file: %w", err)
		}
		p, err := config.ParsePolicy(file, text)
		if err != nil {
			return nil, err
		}
		r, err := s.System("policy.applied", audit.Success, policyEvent(1, "", p.Digest()))
		if err != nil {
			return nil, err
		}
		if err := applyPolicy(ctx, ledger, "1", string(text), r); err != nil {
			return nil, err
		}
	}
	return w, w.reload(ctx)
}

// policyEvent fills in which policy replaced which.
func policyEvent(version int64, before, after string) func(*audit.Event) {
	return func(e *audit.Event) {
		e.Object = audit.Object{Type: "policy", ID: strconv.FormatInt(version, 10)}
		e.Policy = audit.Policy{Version: version, SHA256: after}
		e.Change = audit.Change{Path: "policy", Before: before, After: after}
	}
}

func applyPolicy(ctx context.Context, ledger gateway.Ledger, version, text string, r gateway.Record) error {
	return ledger.Do(ctx, func(tx gateway.Tx) error {
		if err := tx.SetSetting(settingVersion, version, r); err != nil {
			return err
		}
		if err := tx.SetSetting(settingText, text); err != nil {
			return err
		}
		return tx.SetSetting(settingDraft, "")
	})
}

// policyTexts are the ledger's policy settings.
type policyTexts struct{ version, text, draft string }

func storedPolicy(ctx context.Context, ledger gateway.Ledger) (policyTexts, error) {
	var t policyTexts
	err := ledger.Do(ctx, func(tx gateway.Tx) error {
		for name, to := range map[string]*string{settingVersion: &t.version, settingText: &t.text, settingDraft: &t.draft} {
			var err error
			if *to, err = tx.Setting(name); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

// Current returns the policy in force.
func (w *policyWatch) Current() policy.Policy { return w.current.Load().policy }

// Edition returns the policy in force with its version and digest, as
// policy.applied has them.
func (w *policyWatch) Edition() (policy.Policy, audit.Policy) {
	p := w.current.Load()
	return p.policy, p.edition
}

// Run follows the ledger until ctx ends. A stored policy that cannot be read
// leaves the present one in force.
func (w *policyWatch) Run(ctx context.Context, every time.Duration, log *slog.Logger) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := w.reload(ctx); err != nil && ctx.Err() == nil {
				log.Error("policy", "error", err)
			}
		}
	}
}

func (w *policyWatch) reload(ctx context.Context) error {
	stored, err := storedPolicy(ctx, w.ledger)
	if err != nil || stored.version == w.version {
		return err
	}
	p, edition, err := stored.parse()
	if err != nil {
		return err
	}
	w.current.Store(&inForce{w.domains(p), edition})
	w.version = stored.version
	return nil
}

// parse reads the policy in force, and how records name it.
func (t policyTexts) parse() (policy.Policy, audit.Policy, error) {
	p, err := config.ParsePolicy("policy version "+t.version, []byte(t.text))
	if err != nil {
		return p, audit.Policy{}, err
	}
	v, err := strconv.ParseInt(t.version, 10, 64)
	if err != nil {
		return p, audit.Policy{}, fmt.Errorf("policy version %q: %w", t.version, err)
	}
	return p, audit.Policy{Version: v, SHA256: p.Digest()}, nil
}

// editionOf reads from the ledger how records name the policy in force.
func editionOf(l gateway.Ledger) func(context.Context) (audit.Policy, error) {
	return func(ctx context.Context) (audit.Policy, error) {
		t, err := storedPolicy(ctx, l)
		if err != nil {
			return audit.Policy{}, err
		}
		_, edition, err := t.parse()
		return edition, err
	}
}

type policyCmd struct {
	Show   policyShowCmd   `cmd:"" help:"今の方針を表示する / print the policy in force"`
	Import policyImportCmd `cmd:"" help:"方針ファイルを下書きとして取り込む / take a file as the draft"`
	Diff   policyDiffCmd   `cmd:"" help:"今の方針と下書き（またはファイル）の違いを表示する / compare with the draft or a file"`
	Apply  policyApplyCmd  `cmd:"" help:"下書きを今の方針にする（記録されます）/ put the draft in force; recorded"`
}

// ledgerArgs open the ledger of a configuration.
type ledgerArgs struct {
	Config string `help:"設定ファイル / configuration file" short:"c" default:"/etc/sekisho/sekisho.yaml" type:"path" placeholder:"FILE"`
}

func (a ledgerArgs) load() (config.Config, error) { return config.Load(a.Config, os.Environ()) }

// withLedger opens the ledger for f.
func (a ledgerArgs) withLedger(ctx context.Context, f func(config.Config, *sqlite.Ledger) error) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	path := store.LedgerFile(cfg.Storage.Dir)
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("台帳がありません。先に sekisho serve を動かしてください / there is no ledger yet: %w", err)
	}
	ledger, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(f(cfg, ledger), ledger.Close())
}

// commandScribe records in the name of the person at the command line.
func commandScribe() gateway.Scribe {
	return gateway.Scribe{Clock: time.Now, Random: rand.Reader, Version: buildVersion()}
}

type policyShowCmd struct{ ledgerArgs }

// Run prints the policy in force as it was written.
func (c *policyShowCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		t, err := storedPolicy(e.ctx, l)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "# 第 %s 版 / version %s\n%s", t.version, t.version, t.text)
		if t.draft != "" {
			fmt.Fprintln(e.stderr, "下書きがあります: sekisho policy diff で違いを見られます / there is a draft")
		}
		return nil
	})
}

type policyImportCmd struct {
	ledgerArgs
	File string `arg:"" help:"方針ファイル / policy file" type:"existingfile"`
}

// Run stores a checked file as the draft.
func (c *policyImportCmd) Run(e env) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	p, err := config.ParsePolicy(c.File, text)
	if err != nil {
		return err
	}
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		r, err := commandScribe().User("policy.drafted", audit.Success, osUser(), policyEvent(0, "", p.Digest()))
		if err != nil {
			return err
		}
		if err := l.Do(e.ctx, func(tx gateway.Tx) error { return tx.SetSetting(settingDraft, string(text), r) }); err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, "下書きにしました。sekisho policy diff で違いを確かめ、sekisho policy apply で有効にしてください / stored as the draft")
		return nil
	})
}

type policyDiffCmd struct {
	ledgerArgs
	File string `arg:"" optional:"" help:"比べるファイル。なければ下書き / file; default the draft" type:"existingfile"`
}

// Run compares the policy in force with the draft or a file. Exit 1: differences.
func (c *policyDiffCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		t, err := storedPolicy(e.ctx, l)
		if err != nil {
			return err
		}
		name, other := "draft", []byte(t.draft)
		if c.File != "" {
			name = c.File
			if other, err = os.ReadFile(c.File); err != nil {
				return err
			}
		}
		if len(other) == 0 {
			fmt.Fprintln(e.stdout, "下書きはありません / there is no draft")
			return nil
		}
		return printDiff(e, t.text, name, other)
	})
}

func printDiff(e env, current, name string, other []byte) error {
	a, err := config.ParsePolicy("current", []byte(current))
	if err != nil {
		return err
	}
	b, err := config.ParsePolicy(name, other)
	if err != nil {
		return err
	}
	lines := config.Diff(a, b)
	for _, l := range lines {
		fmt.Fprintln(e.stdout, l)
	}
	if len(lines) > 0 {
		return exitHeld
	}
	fmt.Fprintln(e.stdout, "違いはありません / no difference")
	return nil
}

type policyApplyCmd struct{ ledgerArgs }

// Run puts the draft in force. A running gateway takes it within seconds.
func (c *policyApplyCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		t, err := storedPolicy(e.ctx, l)
		if err != nil {
			return err
		}
		if t.draft == "" {
			return errors.New("下書きがありません。先に sekisho policy import で取り込んでください / there is no draft")
		}
		before, err := config.ParsePolicy("current", []byte(t.text))
		if err != nil {
			return err
		}
		after, err := config.ParsePolicy("draft", []byte(t.draft))
		if err != nil {
			return err
		}
		v, err := strconv.ParseInt(t.version, 10, 64)
		if err != nil {
			return fmt.Errorf("policy version %q: %w", t.version, err)
		}
		r, err := commandScribe().User("policy.applied", audit.Success, osUser(), policyEvent(v+1, before.Digest(), after.Digest()))
		if err != nil {
			return err
		}
		if err := applyPolicy(e.ctx, l, strconv.FormatInt(v+1, 10), t.draft, r); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "第 %d 版にしました / version %d is in force\n", v+1, v+1)
		return nil
	})
}
