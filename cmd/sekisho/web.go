package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/api"
	"sekisho/gateway/config"
	"sekisho/gateway/desk"
)

// tidyAccounts is how often sessions that are over are forgotten.
const tidyAccounts = 10 * time.Minute

// web is the REST interface and its listener.
type web struct {
	accounts *account.Service
	server   *api.Server
	listener net.Listener
	tidying  sync.WaitGroup
	stop     context.CancelFunc
}

// accountService is the service of accounts over a ledger.
func accountService(cfg config.Config, store account.Store, s gateway.Scribe) (*account.Service, error) {
	keys, err := config.LoadKeys(cfg.Keys.Dir, config.AccountRole)
	if err != nil {
		return nil, err
	}
	sealer, err := account.NewSealer(keys.Accounts...)
	if err != nil {
		return nil, err
	}
	return account.New(account.Config{Store: store, Scribe: s, Issuer: cfg.Office.Name, Sealer: sealer,
		Words: append([]string{cfg.Office.Name}, cfg.Office.Domains...)})
}

// openAccounts opens the accounts and seals what an earlier version or an earlier
// key left, also where nobody listens.
func (n *node) openAccounts(ctx context.Context) error {
	var err error
	if n.accounts, err = accountService(n.cfg, n.stores.Ledger.Accounts(), n.scribe); err != nil {
		return err
	}
	done, err := n.accounts.SealFactors(ctx)
	if err != nil {
		return err
	}
	if done.Clear+done.Renewed > 0 {
		n.log.Info("second factors are sealed", "in_clear", done.Clear, "of_earlier_keys", done.Renewed)
	}
	if done.Clear > 0 {
		n.log.Warn("the copy of the ledger that the upgrade left, and backups of before, have second factors in clear; delete them once there is no way back")
	}
	if done.Lost > 0 {
		n.log.Warn("no key opens some second factors; restore the key folder, or reset these factors (sekisho user reset-factor)", "accounts", done.Lost)
	}
	return nil
}

// alike reports whether the mail of two recipients is under the same policy now.
func (n *node) alike(a, b string) bool {
	p := n.policy.Current()
	return p.For(a).Digest() == p.For(b).Digest()
}

// people are the accounts, as requests and exceptions ask for them.
func (n *node) people() gateway.People { return desk.Roster{Accounts: n.accounts} }

// openWeb opens the REST interface; nil when the configuration has none.
func (n *node) openWeb(ctx context.Context) (*web, error) {
	c := n.cfg.API
	if c.Listen == "" {
		return nil, nil
	}
	keys, err := config.LoadKeys(n.cfg.Keys.Dir, config.AuditorRole)
	if err != nil {
		return nil, err
	}
	w := &web{accounts: n.accounts}
	if n.webCertificate, err = serverTLS("api.tls", config.TLSFiles(c.Pair)); err != nil {
		return nil, err
	}
	var certificate *tls.Config
	if n.webCertificate != nil {
		certificate = n.webCertificate.config()
	}
	counter := &desk.Desk{Ledger: n.stores.Ledger, Scribe: n.scribe, Rules: releaseRules(n.cfg), Policy: editionOf(n.stores.Ledger), Alike: n.alike, People: n.people(), Wake: n.flow.WakeJob}
	a := api.New(api.Config{Desk: counter, Previews: n.stores.Previews, WakePreview: n.flow.WakePreview, NoOwnPreviews: !c.StaffPreviews, Accounts: w.accounts, Ledger: n.stores.Ledger, Scribe: n.scribe, Log: n.log, Plain: certificate == nil,
		Healthy: n.sequencer.Healthy, Status: n.status, AuditFiles: os.DirFS(n.stores.AuditDir), AuditKeys: keys.AuditPublic, Version: n.scribe.Version})
	w.server = a.Server(certificate)
	files, err := fileLimit()
	if err != nil {
		return nil, err
	}
	room, err := webPlaces(files, n.cfg)
	if err != nil {
		return nil, err
	}
	l, err := n.listen(ctx, c.Listen)
	if err != nil {
		return nil, fmt.Errorf("api.listen: %w", err)
	}
	w.listener = bound(l, room.total, room.each)
	n.log.Info("listening", "api", w.listener.Addr().String())
	return w, nil
}

// run serves until shutdown; how it ended goes to failed.
func (w *web) run(ctx context.Context, n *node, failed chan<- error) {
	ctx, w.stop = context.WithCancel(ctx)
	go func() { failed <- w.server.Serve(w.listener) }()
	w.tidying.Go(func() {
		t := time.NewTicker(tidyAccounts)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				if err := w.accounts.Tidy(ctx); err != nil && ctx.Err() == nil {
					n.log.Error("accounts", "error", err)
				}
			}
		}
	})
}

// shutdown waits for answers in hand; nil is a node without the interface.
func (w *web) shutdown(ctx context.Context) error {
	if w == nil {
		return nil
	}
	w.stop()
	w.tidying.Wait()
	return w.server.Shutdown(ctx)
}

// status asks the conditions of readiness.
func (n *node) status(ctx context.Context) map[string]error {
	said := map[string]error{}
	for _, p := range n.probes() {
		said[p.Name] = p.Check(ctx)
	}
	return said
}
