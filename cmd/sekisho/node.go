package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/config"
	"sekisho/gateway/deliver"
	"sekisho/gateway/flow"
	"sekisho/gateway/health"
	"sekisho/gateway/intake"
	"sekisho/gateway/store"
	"sekisho/gateway/store/fs"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/sandbox"
)

// node is a running gateway: every role in one process.
type node struct {
	cfg    config.Config
	log    *slog.Logger
	scribe gateway.Scribe
	guard  config.Guard
	stores *store.Store
	policy *policyWatch
	pool   *sandbox.Pool
	engine *sanitize.Engine

	sequencer *audit.Sequencer
	writer    *audit.Writer
	anchor    *anchor // nil: no syslog server
	intake    *intake.Server
	flow      *flow.Flow
	deliver   *deliver.Deliver
	janitor   *flow.Janitor
	metrics   *health.Metrics

	certificate    *certificate // nil: no STARTTLS
	web            *web         // nil: no REST interface
	accounts       *account.Service
	webCertificate *certificate // nil: it is plain, on loopback

	watch watch
}

// watch are what the demo wants to be told of.
type watch struct {
	settled func(flow.Outcome)
	done    func(gateway.Delivery)
}

const (
	policyEvery  = 5 * time.Second
	janitorEvery = time.Minute
	startTime    = 5 * time.Second
	stopTime     = 30 * time.Second
	// Waiting messages beyond this are not accepted any more.
	maxBacklog = 20_000
)

// newNode opens everything that a gateway needs and listens to nothing yet.
// The caller closes the node.
func newNode(ctx context.Context, cfg config.Config, log *slog.Logger, w watch) (*node, error) {
	keys, err := config.LoadKeys(cfg.Keys.Dir, config.IntakeRole, config.FlowRole, config.DeliverRole, config.SequencerRole, config.AuditorRole)
	if err != nil {
		return nil, err
	}
	location, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, fmt.Errorf("timezone: %w", err)
	}
	n := &node{cfg: cfg, log: log, watch: w,
		scribe: gateway.Scribe{Clock: time.Now, Random: rand.Reader, Version: buildVersion()}}
	n.stores, err = store.Open(ctx, store.Config{Dir: cfg.Storage.Dir,
		Originals: fs.Options{Recipients: keys.OriginalsTo, Identities: keys.OriginalsWith},
		Outbox:    fs.Options{Recipients: keys.OutboxTo, Identities: keys.OutboxWith}})
	if err != nil {
		return nil, err
	}
	if err := n.open(ctx, keys, location); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func (n *node) open(ctx context.Context, keys config.Keys, location *time.Location) error {
	var err error
	if n.policy, err = openPolicy(ctx, n.stores.Ledger, n.scribe, n.cfg); err != nil {
		return err
	}
	if err := recordKeys(ctx, n.stores.Ledger, n.scribe, n.cfg.Keys.Dir); err != nil {
		return err
	}
	if err := recordSwitch(ctx, n.stores.Ledger, n.scribe, n.cfg.Release.Exceptions); err != nil {
		return err
	}
	if n.pool, err = newPool(n.cfg, n.log); err != nil {
		return err
	}
	n.engine = sanitize.New(n.pool, n.log)
	n.guard = n.zoneGuard()
	n.metrics = health.NewMetrics(n.scribe.Version, n.stores.Ledger.Counts)
	if err := n.openAudit(ctx, keys, location); err != nil {
		return err
	}
	if err := recordEngine(ctx, n.stores.Ledger, n.scribe); err != nil {
		return err
	}
	if n.anchor, err = n.openAnchor(); err != nil {
		return err
	}
	if err := n.metrics.Watch(n.machine()); err != nil {
		return err
	}
	if err := n.openAccounts(ctx); err != nil {
		return err
	}
	if err := n.takeOver(ctx); err != nil {
		return err
	}
	owner, err := gateway.NewID(rand.Reader)
	if err != nil {
		return err
	}
	hop, err := n.hop()
	if err != nil {
		return err
	}
	n.deliver = deliver.New(deliver.Config{Ledger: n.stores.Ledger, Outbox: n.stores.Outbox, Keys: keys.SealPublic, Exceptions: n.cfg.Release.Exceptions, Hop: hop,
		Scribe: n.scribe, Log: n.log, Owner: string(owner), Workers: n.cfg.Relay.Workers, Postmaster: n.cfg.Office.Postmaster,
		Draft: func() { n.flow.Wake() }, Done: n.delivered})
	plan, err := n.cfg.NoticePlan()
	if err != nil {
		return err
	}
	n.flow = flow.New(flow.Config{Ledger: n.stores.Ledger, Originals: n.stores.Originals, Outbox: n.stores.Outbox, Engine: n.engine, Pages: sanitize.NewPreviews(n.engine, previewMemory, flow.PreviewLife), Previews: n.stores.Previews,
		Policy: n.policy.Current, Edition: n.policy.Edition, Exceptions: n.cfg.Release.Exceptions, People: n.people(), Key: keys.Seal, Scribe: n.scribe, Log: n.log, Owner: string(owner), Workers: flowWorkers(n.cfg),
		Host: n.cfg.Intake.Hostname, Instance: n.cfg.Audit.Instance, Postmaster: n.cfg.Office.Postmaster,
		Office: n.cfg.Notice(), Authserv: n.cfg.Upstream.AuthservID, Location: location, Relay: n.deliver.Wake, Settled: n.settled, HopSize: n.deliver.HopSize,
		Notices: plan, NoticeAlarm: time.Duration(n.cfg.Notices.Alarm)})
	n.janitor = &flow.Janitor{Ledger: n.stores.Ledger, Originals: n.stores.Originals, Outbox: n.stores.Outbox, Scribe: n.scribe,
		Retain: func() time.Duration { return time.Duration(n.cfg.Storage.Originals) }, Cap: int64(n.cfg.Storage.MaxOriginals), Edition: n.policy.Edition,
		PurgeRecords: n.writer.Purge, Location: location,
		Also: append(n.chores(location), n.flow.WatchNotices, flow.Pictures{Ledger: n.stores.Ledger, Previews: n.stores.Previews}.Tidy)}
	return n.openIntake(location)
}

// previewMemory is how many bytes of drawn pages are kept for who looks next.
const previewMemory = 32 << 20

func flowWorkers(cfg config.Config) int {
	if cfg.Flow.Workers > 0 {
		return cfg.Flow.Workers
	}
	return 2 * runtime.NumCPU() // one of two waits for a disk or a box
}

// newPool starts the boxes. A message holds a light and a lint worker while it
// asks for a heavy one, so fewer than three for each flow worker would wait
// for each other for ever.
func newPool(cfg config.Config, log *slog.Logger) (*sandbox.Pool, error) {
	w := flowWorkers(cfg)
	pool, err := openBoxes(cfg.Engine, sandbox.Config{MaxRunning: 4*w + 4, AllowWeak: cfg.Sandbox.AllowWeak,
		Ahead: map[string]int{string(format.ClassLight): w, string(format.ClassLint): w, string(format.ClassImage): 1, string(format.ClassPDF): 1}}, log)
	if errors.Is(err, sandbox.ErrWeak) {
		return nil, fmt.Errorf("%w\nこの機械では、ファイルを開く処理を十分に隔離できません。新しい Linux（Landlock と seccomp が使えるもの）で動かしてください。\n"+
			"やむを得ず動かすときは、設定の sandbox.allow_weak と sandbox.reason を書いてください（監査記録に残ります）", err)
	}
	return pool, err
}

func (n *node) openAudit(ctx context.Context, keys config.Keys, location *time.Location) error {
	files, err := audit.OpenDir(n.stores.AuditDir)
	if err != nil {
		return fmt.Errorf("open audit log: %w", err)
	}
	n.writer, err = audit.Open(ctx, files, audit.Options{Signer: keys.Audit, Keys: keys.AuditPublic, Location: location})
	if err != nil {
		return fmt.Errorf("open audit log: %w", err)
	}
	n.sequencer = &audit.Sequencer{Source: n.stores.Ledger, Writer: n.writer, Interval: time.Duration(n.cfg.Audit.Interval)}
	if !n.cfg.Sandbox.AllowWeak {
		return nil
	}
	r, err := n.scribe.System("system.started", audit.Success, func(e *audit.Event) {
		e.Change = audit.Change{Path: "sandbox.allow_weak", After: audit.Clean(fmt.Sprintf("%s; missing: %v", n.cfg.Sandbox.Reason, n.pool.Walls().Missing()), 2048)}
	})
	if err != nil {
		return err
	}
	return n.stores.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.Note(r) })
}

// takeOver ends the leases of a process that was killed. The lock of the audit
// log, which this process holds by now, says that there is no other.
func (n *node) takeOver(ctx context.Context) error {
	left, err := n.stores.Ledger.EndLeases(ctx, time.Now())
	if left > 0 {
		n.log.Warn("the last run ended in the middle of its work, which goes on now", "tasks", left)
	}
	return err
}

// zoneGuard refuses the third zone and records the attempts (DECISIONS 24); of
// a storm of them one a second, for each record stays for years.
func (n *node) zoneGuard() config.Guard {
	records := rate.NewLimiter(rate.Every(time.Second), 20)
	return config.Guard{Forbidden: n.cfg.Forbidden(), OnRefused: func(ctx context.Context, purpose, address string, at netip.Addr) {
		n.log.Warn("a connection with the third zone was refused", "purpose", purpose, "address", address, "at", at)
		if !records.Allow() {
			return
		}
		r, err := n.scribe.System("zone.refused", audit.Denied, func(e *audit.Event) {
			e.Route = gateway.Inbound()
			e.Route.To = "zone_mynumber"
			e.Change = audit.Change{Path: purpose, Before: audit.Clean(address, 256), After: at.String()}
		})
		if err == nil {
			err = n.stores.Ledger.Do(context.WithoutCancel(ctx), func(tx gateway.Tx) error { return tx.Note(r) })
		}
		if err != nil {
			n.log.Error("a refused connection was not recorded", "error", err)
		}
	}}
}

func (n *node) settled(o flow.Outcome) {
	n.metrics.Sanitize.Observe(o.Took.Seconds())
	for _, t := range o.Trees {
		n.metrics.Messages.WithLabelValues("inbound", t.Verdict.String()).Inc()
		t.Walk(func(m *sanitize.Node) {
			if m.Path != "" {
				n.metrics.Parts.WithLabelValues(string(m.Kind), m.Verdict.String()).Inc()
			}
		})
	}
	if n.watch.settled != nil {
		n.watch.settled(o)
	}
}

func (n *node) delivered(d gateway.Delivery) {
	n.metrics.Relayed.WithLabelValues(string(d.State)).Inc()
	if n.watch.done != nil {
		n.watch.done(d)
	}
}

// run serves until ctx ends, then stops gracefully: no new mail, then what is
// in hand, then the log.
func (n *node) run(ctx context.Context, smtp []net.Listener, management net.Listener) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	logging, stopLog := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	defer stopLog()
	var workers, sequencer sync.WaitGroup
	failed := make(chan error, len(smtp)+3)
	sequencer.Go(func() {
		if err := n.sequencer.Run(logging); err != nil {
			n.log.Error("audit log", "error", err)
			failed <- fmt.Errorf("audit log: %w", err)
		}
	})
	workers.Go(func() {
		if err := n.deliver.Probe(work); err != nil && work.Err() == nil {
			n.log.Warn("the next hop does not answer yet; mail will wait for it", "error", err)
		}
	})
	anchoring, stopAnchor := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAnchor()
	var anchored sync.WaitGroup
	anchored.Go(func() { n.anchor.run(anchoring) })
	workers.Go(func() { n.hangups(work) })
	workers.Go(func() { n.flow.Run(work) })
	workers.Go(func() { n.deliver.Run(work) })
	workers.Go(func() { n.policy.Run(work, policyEvery, n.log) })
	workers.Go(func() {
		n.janitor.Run(work, janitorEvery, func(err error) { n.log.Error("retention", "error", err) })
	})
	var admin *health.Server
	if management != nil {
		admin = health.New(n.probes(), n.metrics.Registry)
		go func() { failed <- admin.Serve(management) }()
	}
	if n.web != nil {
		n.web.run(work, n, failed)
	}
	n.awaitLog(ctx)
	for _, l := range smtp {
		go func() { failed <- n.intake.Serve(l) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	n.log.Info("stopping")
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	err = errors.Join(err, n.intake.Shutdown(stop), n.web.shutdown(stop))
	stopWork()
	workers.Wait()
	if admin != nil {
		err = errors.Join(err, admin.Shutdown(stop))
	}
	stopLog()
	sequencer.Wait()
	stopAnchor() // after the log's last checkpoint
	anchored.Wait()
	return err
}

// awaitLog waits until the log takes records, so that the first mail is not put
// off. After startTime intake begins all the same and answers 451 by itself.
func (n *node) awaitLog(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for n.sequencer.Healthy() != nil {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// probes say whether the gateway can do its work.
func (n *node) probes() []health.Probe {
	return []health.Probe{
		{Name: "ledger", Check: func(ctx context.Context) error { _, err := n.stores.Ledger.Counts(ctx); return err }},
		{Name: "storage", Check: n.room},
		{Name: "audit", Check: func(context.Context) error { return n.sequencer.Healthy() }},
		{Name: "boxes", Check: func(ctx context.Context) error {
			w, err := n.pool.Get(ctx, string(format.ClassLint))
			if err != nil {
				return err
			}
			return w.Close()
		}},
		{Name: "notices", Told: true, Check: func(context.Context) error {
			if since, stopped := n.flow.NoticesStopped(); stopped {
				return fmt.Errorf("通知停止中 / stopped since %s", since.Format(time.RFC3339))
			}
			return nil
		}},
	}
}

// close gives everything back; it works on a node that was opened in part.
func (n *node) close() error {
	var errs []error
	if n.pool != nil {
		n.pool.Close()
	}
	if n.writer != nil {
		errs = append(errs, n.writer.Close())
	}
	if n.stores != nil {
		errs = append(errs, n.stores.Close())
	}
	return errors.Join(errs...)
}
