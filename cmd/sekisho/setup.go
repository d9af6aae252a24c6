package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
)

type configCmd struct {
	Check    configCheckCmd    `cmd:"" help:"設定に誤りがないかを調べる / check a configuration"`
	Describe configDescribeCmd `cmd:"" help:"設定できる項目の一覧 / list every setting"`
}

type configCheckCmd struct {
	File string `arg:"" help:"設定ファイル / configuration file" type:"path" default:"/etc/sekisho/sekisho.yaml"`
}

// Help says what the exit codes mean.
func (configCheckCmd) Help() string {
	return "終了コード / exit: 0 誤りなし（no fault）, 1 誤りあり（faults）, 2 読めない（unreadable）"
}

// Run reports every fault of a configuration.
func (c *configCheckCmd) Run(e env) error {
	cfg, err := config.Load(c.File, os.Environ())
	if err != nil {
		return err
	}
	problems := config.Check(e.ctx, cfg)
	if len(problems) > 0 {
		fmt.Fprintln(e.stdout, problems.Error())
	}
	if problems.Fatal() {
		return exit(problems.ExitCode())
	}
	fmt.Fprintln(e.stdout, "設定に誤りはありません / no fault in the configuration")
	return nil
}

type configDescribeCmd struct{}

// Run lists every setting with its default and meaning.
func (configDescribeCmd) Run(e env) error { return config.Describe(e.stdout) }

type keysCmd struct {
	List   keysListCmd   `cmd:"" help:"鍵の一覧と指紋 / list keys and fingerprints"`
	Rotate keysRotateCmd `cmd:"" help:"新しい鍵にする（古い鍵は、前のものを開くために残ります）/ new keys; old ones still open old files"`
	Export keysExportCmd `cmd:"" help:"公開鍵を書き出す（監査担当に渡すもの）/ export public keys"`
}

type keysListCmd struct{ ledgerArgs }

// Run lists the public keys.
func (c *keysListCmd) Run(e env) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	infos, err := config.ListKeys(cfg.Keys.Dir)
	if err != nil {
		return err
	}
	return printKeys(e, infos)
}

func printKeys(e env, infos []config.KeyInfo) error {
	t := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	for _, k := range infos {
		state := "以前の鍵 / earlier"
		if k.Present {
			state = "今の鍵 / present"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", k.Name, k.ID, state, k.Fingerprint)
	}
	return t.Flush()
}

type keysRotateCmd struct {
	ledgerArgs
	Names []string `arg:"" optional:"" name:"name" help:"originals, outbox, seal, audit。なければすべて / default all"`
}

// Run makes new keys and records it. A running gateway takes them at its next
// start.
func (c *keysRotateCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(cfg config.Config, l *sqlite.Ledger) error {
		infos, err := config.RotateKeys(cfg.Keys.Dir, time.Now(), c.Names...)
		if err != nil {
			return err
		}
		for _, k := range infos {
			if !k.Present || len(c.Names) > 0 && !slices.Contains(c.Names, k.Name) {
				continue
			}
			r, err := commandScribe().User("key.rotated", audit.Success, osUser(), func(ev *audit.Event) {
				ev.Object = audit.Object{Type: "key", ID: k.ID}
				ev.Change = audit.Change{Path: "keys." + k.Name, After: k.Fingerprint}
			})
			if err != nil {
				return err
			}
			if err := l.Do(e.ctx, func(tx gateway.Tx) error { return tx.Note(r) }); err != nil {
				return fmt.Errorf("keys were rotated, but this was not recorded: %w", err)
			}
		}
		fmt.Fprintln(e.stdout, "新しい鍵を作りました。sekisho serve を起動し直すと使われます / new keys; restart sekisho serve")
		return printKeys(e, infos)
	})
}

type keysExportCmd struct {
	ledgerArgs
	To string `arg:"" help:"新しいフォルダ / a new folder" type:"path"`
}

// Run writes the public keys into a new folder.
func (c *keysExportCmd) Run(e env) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	infos, err := config.ExportPublic(cfg.Keys.Dir, c.To)
	if err != nil {
		return err
	}
	return printKeys(e, infos)
}

type initCmd struct {
	Dir        string   `arg:"" optional:"" help:"作る場所 / where" default:"/etc/sekisho" type:"path"`
	Storage    string   `help:"台帳、原本、配送待ちを置く場所。なければ /etc/sekisho では /var/lib/sekisho、ほかでは作る場所の data / storage directory" type:"path"`
	Instance   string   `help:"このゲートウェイの名前（英数字）。なければ機械の名前 / name of this gateway"`
	Name       string   `help:"団体の名前。通知文に出ます / name of the office"`
	Contact    string   `help:"職員からの問い合わせ先 / contact for staff"`
	Postmaster string   `help:"配送できなかったときの連絡先 / postmaster's address"`
	Domain     []string `help:"団体のメールドメイン / mail domains" placeholder:"DOMAIN"`
	Recipient  []string `help:"受け取る宛先、または @ドメイン / recipients or @domain" placeholder:"ADDRESS"`
	Listen     []string `help:"メールを受け取るアドレス / SMTP listeners" placeholder:"HOST:PORT"`
	Hostname   string   `help:"このゲートウェイのホスト名 / our host name"`
	Client     []string `help:"受け取る相手のネットワーク / client networks" placeholder:"NETWORK"`
	Relay      string   `help:"LGWAN接続系のメールサーバー / next hop" placeholder:"HOST:PORT"`
	RelayTLS   string   `help:"中継の暗号化: required, opportunistic, none" placeholder:"MODE"`
	MyNumber   []string `help:"マイナンバー利用事務系のネットワーク / networks of the My Number zone" placeholder:"NETWORK"`
	NoMyNumber bool     `help:"マイナンバー利用事務系が無いことを確かめた / there is no My Number zone: confirmed"`
}

// Where an installed gateway keeps its files (FHS 3.0).
const (
	systemDir     = "/etc/sekisho"
	systemConfig  = "/etc/sekisho/sekisho.yaml"
	systemStorage = "/var/lib/sekisho"
)

// Run writes templates and keys, and says what to do next.
func (c *initCmd) Run(e env) error {
	if c.Storage == "" && c.Dir == systemDir {
		c.Storage = systemStorage
	}
	next, err := config.Init(c.Dir, config.Answers{Name: c.Name, Contact: c.Contact, Postmaster: c.Postmaster, Domains: c.Domain,
		Listen: c.Listen, Hostname: c.Hostname, Clients: c.Client, MyNumber: c.MyNumber, NoMyNumber: c.NoMyNumber, Relay: c.Relay,
		RelayTLS: c.RelayTLS, Instance: c.Instance, Storage: c.Storage, Recipients: c.Recipient}, time.Now())
	if err != nil {
		return err
	}
	for _, s := range next {
		fmt.Fprintln(e.stdout, s)
	}
	return nil
}
