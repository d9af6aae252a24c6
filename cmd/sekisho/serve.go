package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"

	"sekisho/gateway/config"
)

type serveCmd struct {
	Config string `help:"設定ファイル / configuration file" short:"c" default:"/etc/sekisho/sekisho.yaml" type:"path" placeholder:"FILE"`
}

// Run serves until the process is asked to stop.
func (c *serveCmd) Run(e env) error {
	cfg, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	problems := config.Check(e.ctx, cfg)
	if len(problems) > 0 {
		fmt.Fprintln(e.stderr, problems.Error())
	}
	if problems.Fatal() {
		return errors.New("設定に誤りがあるため、動かしません / the configuration is at fault")
	}
	calmCollector()
	log := newLog(e, cfg.Log)
	left, err := clearStaging(cfg.Storage.Dir)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		log.Warn("backups that were killed had left links to originals; they are removed", "folders", left)
	}
	n, err := newNode(e.ctx, cfg, log, watch{})
	if err != nil {
		return err
	}
	return errors.Join(serve(e.ctx, n), n.close())
}

// calmCollector lets the heap grow to five times what lives before it is
// collected: a few MB live, and collecting them twenty times a second took a
// tenth of the gateway's CPU time. With large mails in hand it works harder
// before memory grows much. The operator's GOGC and GOMEMLIMIT count for more.
func calmCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(192 << 20)
	}
}

func newLog(e env, l config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(e.stderr, o))
	}
	return slog.New(slog.NewTextHandler(e.stderr, o))
}

// serve opens the listeners of the configuration and runs the node.
func serve(ctx context.Context, n *node) error {
	var smtp []net.Listener
	for _, address := range n.cfg.Intake.Listen {
		l, err := n.listen(ctx, address)
		if err != nil {
			return fmt.Errorf("intake.listen: %w", err)
		}
		smtp = append(smtp, l)
		n.log.Info("listening", "smtp", l.Addr().String())
	}
	var management net.Listener
	if n.cfg.Management.Listen != "" {
		l, err := n.listen(ctx, n.cfg.Management.Listen)
		if err != nil {
			return fmt.Errorf("management.listen: %w", err)
		}
		management = bound(l, managementPlaces.total, managementPlaces.each)
		n.log.Info("listening", "management", l.Addr().String())
	}
	var err error
	if n.web, err = n.openWeb(ctx); err != nil {
		return err
	}
	n.log.Info("sekisho serves", "version", n.scribe.Version, "instance", n.cfg.Audit.Instance, "policy", n.policy.Current().Digest()[:12])
	return n.run(ctx, smtp, management)
}

func (n *node) listen(ctx context.Context, address string) (net.Listener, error) {
	if err := n.guard.CheckListen(ctx, address); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return n.guard.Listener(ctx, l), nil
}
