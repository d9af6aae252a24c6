package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"sekisho/configs"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/flow"
	"sekisho/gateway/portal/demo"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
)

type demoCmd struct {
	SMTP string `help:"メールを受け取るアドレス / SMTP intake" default:"127.0.0.1:2525"`
	Web  string `help:"見くらべる画面のアドレス / web page" default:"127.0.0.1:8080"`
	Once bool   `help:"サンプルが届いたら終わる / exit after the samples were delivered"`
}

const (
	demoDomain    = "town.example.lg.jp"
	demoRecipient = "yamada@" + demoDomain
	demoTime      = 2 * time.Minute // for the samples, with --once
)

// Run starts everything on loopback with throw-away keys and storage, sends
// the samples, and says what became of each.
func (c *demoCmd) Run(e env) error {
	dir, err := os.MkdirTemp("", "sekisho-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demonstration{env: e, dir: dir, board: demo.NewBoard(), once: c.Once}
	if err := d.listen(e.ctx, c); err != nil {
		return err
	}
	defer d.close()
	cfg, err := d.configure()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if d.node, err = newNode(e.ctx, cfg, log, watch{settled: d.settled, done: d.done}); err != nil {
		return err
	}
	return errors.Join(d.run(e.ctx), d.node.close())
}

// demonstration is a running demo.
type demonstration struct {
	env   env
	dir   string
	board *demo.Board
	once  bool
	fonts bool // are there, for PDF files that bring none
	node  *node

	smtp, web, lgwan net.Listener

	mu    sync.Mutex
	ended int // samples' deliveries that need nothing more
}

// listen takes the addresses; one that is taken by another program is replaced
// by a free one.
func (d *demonstration) listen(ctx context.Context, c *demoCmd) error {
	var err error
	if d.smtp, err = loopback(ctx, c.SMTP); err != nil {
		return err
	}
	if d.web, err = loopback(ctx, c.Web); err != nil {
		return err
	}
	d.lgwan, err = loopback(ctx, "127.0.0.1:0")
	return err
}

func loopback(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s: デモはこの機械の中（127.0.0.1）だけで動きます / the demo runs on loopback only", address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	return l, nil
}

func (d *demonstration) close() {
	for _, l := range []net.Listener{d.smtp, d.web, d.lgwan} {
		l.Close() // servers have closed theirs already
	}
}

// configure writes throw-away keys and the default policy.
func (d *demonstration) configure() (config.Config, error) {
	cfg := config.Default()
	cfg.Office = config.Office{Name: "サンプル町　メールゲートウェイ", Contact: "情報政策課（内線１２３）", Postmaster: "postmaster@" + demoDomain, Domains: []string{demoDomain}}
	cfg.Zones.MyNumber.None = config.Confirmed
	cfg.Intake.Hostname = "gw." + demoDomain
	cfg.Intake.Networks = []config.Network{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, {Prefix: netip.MustParsePrefix("::1/128")}}
	cfg.Intake.Recipients.List = []string{"@" + demoDomain}
	cfg.Relay.Address, cfg.Relay.TLS = d.lgwan.Addr().String(), "none"
	cfg.Storage.Dir, cfg.Storage.MinFree = filepath.Join(d.dir, "data"), 64<<20
	cfg.Keys.Dir = filepath.Join(d.dir, "keys")
	cfg.Policy.File = filepath.Join(d.dir, "policy.yaml")
	cfg.Audit.Instance = "demo"
	var err error
	if cfg.Engine, err = engineOf(""); err != nil {
		return cfg, err
	}
	d.fonts = slices.ContainsFunc(cfg.Engine.Fonts, isDir)
	if err := os.WriteFile(cfg.Policy.File, []byte(configs.Policy), 0o600); err != nil {
		return cfg, err
	}
	_, err = config.InitKeys(cfg.Keys.Dir, cfg.Audit.Instance, time.Now())
	return cfg, err
}

func (d *demonstration) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	mailbox := demo.NewMailbox(d.board)
	go mailbox.Serve(d.lgwan) // ends with Close
	defer mailbox.Close()
	page := make(chan error, 1)
	go func() {
		page <- demo.Serve(ctx, d.web, d.board, demo.Setup{SMTP: d.smtp.Addr().String(), Recipient: demoRecipient})
	}()
	d.greet()
	samples, err := demo.Samples(demoRecipient, time.Now())
	if err != nil {
		return err
	}
	sending := make(chan error, 1)
	go func() {
		err := d.send(ctx, samples)
		if d.once || err != nil {
			stop()
		}
		sending <- err
	}()
	err = d.node.run(ctx, []net.Listener{d.smtp}, nil)
	stop()
	return errors.Join(err, <-sending, <-page)
}

func (d *demonstration) say(format string, args ...any) {
	fmt.Fprintf(d.env.stdout, format+"\n", args...)
}

func (d *demonstration) greet() {
	d.say("関所のデモを始めます。すべてこの機械の中だけで動き、終わると消えます。/ Everything runs on this machine and vanishes at the end.")
	d.say("")
	d.say("  見くらべる画面 / open in a browser   http://%s/", d.web.Addr())
	d.say("  メールの送り先 / send your own       SMTP %s、宛先 %s", d.smtp.Addr(), demoRecipient)
	host, port, _ := strings.Cut(d.smtp.Addr().String(), ":")
	d.say("  例 / for example                     swaks --server %s --port %s --to %s --attach @FILE", host, port, demoRecipient)
	d.say("  終わるには / to stop                 Ctrl-C")
	if !d.fonts {
		d.say("")
		d.say("この機械には文字を描く書体がありません。書体を埋め込んでいないPDFは、お預かりになります。/ No fonts here: a PDF that brings none is held.")
		d.say("  入れるには / to install              apt-get install fonts-ipafont-mincho fonts-ipafont-gothic")
	}
	d.say("")
}

// send sends the samples and, with --once, waits until all have arrived.
func (d *demonstration) send(ctx context.Context, samples []demo.Sample) error {
	for _, s := range samples {
		if _, err := demo.Send(d.smtp.Addr().String(), s, demoRecipient); err != nil {
			return err
		}
		d.say("送りました / sent: %s", s.Title)
	}
	if !d.once {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	for {
		if d.count() >= len(samples) {
			return nil
		}
		select {
		case <-d.board.Arrivals():
		case <-time.After(100 * time.Millisecond):
		case <-wait.Done():
			return fmt.Errorf("%d 通のうち %d 通しか届きませんでした / not all samples arrived", len(samples), d.count())
		}
	}
}

func (d *demonstration) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ended
}

// done is told of each attempt of deliver.
func (d *demonstration) done(v gateway.Delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.State == gateway.Relayed {
		d.ended++
		d.say("届きました / delivered: %s → %s", v.Receipt, v.Recipients[0].Address)
	}
}

// settled is told of each sanitized mail: it prints a line a part and puts the
// mail on the board.
func (d *demonstration) settled(o flow.Outcome) {
	var lines []string
	for _, t := range o.Trees {
		t.Walk(func(n *sanitize.Node) { lines = append(lines, describe(n)) })
	}
	d.mu.Lock()
	d.say("%s 「%s」 %.2f 秒", o.Message.Receipt, o.Message.Subject, o.Took.Seconds())
	for _, l := range lines {
		d.say("    %s", l)
	}
	d.mu.Unlock()
	in := demo.Incoming{Receipt: o.Message.Receipt, At: o.Message.ReceivedAt.Local(), From: o.Message.Envelope.From, To: o.Message.Envelope.To,
		Size: o.Message.Size, Result: strings.Join(lines, "\n"), Took: o.Took}
	r, err := d.node.stores.Originals.Open(d.env.ctx, o.Message.Blob)
	if err == nil {
		b, _ := io.ReadAll(io.LimitReader(r, 64<<10)) // what could be read is shown
		r.Close()
		in.Source = strings.ToValidUTF8(string(b), "�")
	}
	d.board.Received(in)
}

// describe says in one line what became of a part.
func describe(n *sanitize.Node) string {
	name := n.Name
	switch {
	case n.Path == "":
		name = "メール"
	case name == "":
		name = "名前のない部品"
	}
	switch n.Verdict {
	case format.Rebuilt, format.Partly:
		s := name + " → 作り直し"
		if n.Path != "" {
			s = name + ": " + string(n.Kind) + " → 作り直し（" + n.Body.Name() + "）"
		}
		if n.Searchable() {
			s += "、ページの画像にしました（文字の検索とコピーができます）"
		}
		for _, f := range n.Findings {
			if t, ok := format.TextOf(f.Code); ok && t.JA != "" {
				s += "、" + t.JA
			}
		}
		return s
	case format.Stripped:
		return name + ": " + string(n.Kind) + " → 取り除き"
	}
	return name + ": " + string(n.Kind) + " → お預かり（" + n.Reason.Text().JA + "ため）"
}
