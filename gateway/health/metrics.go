package health

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"sekisho/gateway"
)

// Metrics counts what the gateway does. Labels hold closed words only, never
// addresses or names.
type Metrics struct {
	Registry *prometheus.Registry

	Messages *prometheus.CounterVec // direction, verdict
	Parts    *prometheus.CounterVec // kind, action
	Rejected *prometheus.CounterVec // reason
	Relayed  *prometheus.CounterVec // outcome
	Sanitize prometheus.Histogram
	Sessions prometheus.Gauge
}

// NewMetrics returns metrics that also read the ledger's counts at each scrape.
func NewMetrics(version string, counts func(context.Context) (gateway.Counts, error)) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		Messages: vec("sekisho_messages_total", "Messages settled, by verdict of the mail.", "direction", "verdict"),
		Parts:    vec("sekisho_parts_total", "Parts of settled messages, by kind and verdict.", "kind", "action"),
		Rejected: vec("sekisho_rejected_total", "SMTP refusals, by reason.", "reason"),
		Relayed:  vec("sekisho_deliveries_total", "Delivery attempts, by state afterwards.", "state"),
		Sanitize: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "sekisho_sanitize_duration_seconds",
			Help: "Time to sanitize and settle a message.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 14)}),
		Sessions: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sekisho_smtp_sessions", Help: "Open SMTP sessions."}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "sekisho_build_info", Help: "Always 1.",
		ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	m.Registry.MustRegister(m.Messages, m.Parts, m.Rejected, m.Relayed, m.Sanitize, m.Sessions, info, &queues{counts},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Reading is a value that is asked for at each scrape; ok is false when there is
// none, and the metric is then left out.
type Reading func() (v float64, ok bool)

// Readings are counts since the start, by a closed word, that are asked for at
// each scrape. Words that may come MUST be there from the beginning, with 0: an
// increase from nothing is none to Prometheus.
type Readings func() map[string]uint64

// Machine are readings of the machine and of the program's surroundings. Nil
// ones are left out.
type Machine struct {
	Deaths  Readings // boxed workers that ended by themselves in the middle of their work, by cause
	Delayed Readings // mails of our own that wait for a later hour, by kind
	LeftOut Readings // mails of our own that their hour has no room for, by kind
	Anchor  Readings // attempts to keep a checkpoint elsewhere that failed, by where

	DiskFree       Reading // bytes
	DiskMinFree    Reading // bytes, of the configuration
	WallsMissing   Reading // walls of the boxes that do not stand
	CheckpointTime Reading // Unix time of the last signed checkpoint
	AnchorTime     Reading // Unix time at which a checkpoint was last kept elsewhere
	AnchorsWaiting Reading // checkpoints that wait for that
	CertificateEnd Reading // Unix time at which the listener's certificate ends
	NoticesStopped Reading // 1 while notices are due and none gets through
	NoticesWaiting Reading // notices not handed over yet, and parts that wait for a digest
}

// Watch adds the readings of a machine; once for each Metrics.
func (m *Metrics) Watch(r Machine) error { return m.Registry.Register(machine{r}) }

// machine reads a Machine when it is scraped.
type machine struct{ Machine }

// Describe implements prometheus.Collector. Which readings there are is known
// only when they are asked for, so it describes none (an unchecked collector).
func (machine) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (r machine) Collect(c chan<- prometheus.Metric) {
	for _, g := range []struct {
		desc *prometheus.Desc
		read Readings
	}{
		{describe("sekisho_box_deaths_total", "Boxed workers that did not end well, by cause.", "cause"), r.Deaths},
		{describe("sekisho_notices_delayed_total", "Mails of our own that wait for a later hour, by kind.", "kind"), r.Delayed},
		{describe("sekisho_notices_left_out_total", "Mails of our own that were left out, by kind; the next one says how many.", "kind"), r.LeftOut},
		{describe("sekisho_anchor_failures_total", "Attempts to keep a checkpoint outside that failed.", "target"), r.Anchor},
	} {
		if g.read == nil {
			continue
		}
		for word, n := range g.read() {
			c <- prometheus.MustNewConstMetric(g.desc, prometheus.CounterValue, float64(n), word)
		}
	}
	for _, g := range []struct {
		desc *prometheus.Desc
		read Reading
	}{
		{describe("sekisho_disk_free_bytes", "Bytes free for data."), r.DiskFree},
		{describe("sekisho_disk_min_free_bytes", "Below this, mail is put off."), r.DiskMinFree},
		{describe("sekisho_walls_missing", "Walls of the boxes that do not stand."), r.WallsMissing},
		{describe("sekisho_checkpoint_timestamp_seconds", "When the audit log was last signed."), r.CheckpointTime},
		{describe("sekisho_anchor_timestamp_seconds", "When a checkpoint was last kept outside."), r.AnchorTime},
		{describe("sekisho_anchors_waiting", "Checkpoints that wait to be kept outside."), r.AnchorsWaiting},
		{describe("sekisho_certificate_end_timestamp_seconds", "When the listener's certificate ends."), r.CertificateEnd},
		{describe("sekisho_notices_stopped", "1 while notices are due and none gets through."), r.NoticesStopped},
		{describe("sekisho_notices_waiting", "Notices not handed over yet, and held parts that wait for a digest."), r.NoticesWaiting},
	} {
		if g.read == nil {
			continue
		}
		if v, ok := g.read(); ok {
			c <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, v)
		}
	}
}

func vec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// queues reads the ledger's counts when it is scraped.
type queues struct {
	counts func(context.Context) (gateway.Counts, error)
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe implements prometheus.Collector; the set is fixed by Collect.
func (q *queues) Describe(c chan<- *prometheus.Desc) { prometheus.DescribeByCollect(q, c) }

// Collect implements prometheus.Collector. When the ledger does not answer,
// sekisho_ledger_up is 0 and the rest is left out.
func (q *queues) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	n, err := q.counts(ctx)
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	up := describe("sekisho_ledger_up", "1 when the ledger answers.")
	if err != nil {
		gauge(up, 0)
		return
	}
	gauge(up, 1)
	messages := describe("sekisho_queue_messages", "Messages not yet settled.", "state")
	gauge(messages, float64(n.Accepted), string(gateway.Accepted))
	gauge(messages, float64(n.Sanitizing), string(gateway.Sanitizing))
	deliveries := describe("sekisho_queue_deliveries", "Deliveries by state.", "state")
	for s, v := range map[gateway.DeliveryState]int{gateway.Drafted: n.Drafted, gateway.Ready: n.Ready, gateway.Relaying: n.Relaying,
		gateway.Held: n.DeliveriesHeld, gateway.Failed: n.Failed} {
		gauge(deliveries, float64(v), string(s))
	}
	gauge(describe("sekisho_quarantine_items", "Items by state.", "state"), float64(n.ItemsHeld), "held")
	gauge(describe("sekisho_spool_bytes", "Bytes of originals kept."), float64(n.OriginalBytes))
	gauge(describe("sekisho_audit_pending_records", "Audit rows without a sequence number."), float64(n.AuditPending))
	gauge(describe("sekisho_release_requests_pending", "Release requests that wait for a decision."), float64(n.RequestsPending))
	gauge(describe("sekisho_jobs_waiting", "Releases and previews that wait to be carried out."), float64(n.JobsWaiting))
	for _, oldest := range []struct {
		at   time.Time
		desc *prometheus.Desc
	}{
		{n.OldestWaiting, describe("sekisho_queue_oldest_timestamp_seconds", "When the oldest waiting message or delivery came.")},
		{n.OldestRequest, describe("sekisho_release_requests_oldest_timestamp_seconds", "When the oldest waiting release request was made.")},
		{n.OldestJob, describe("sekisho_jobs_oldest_timestamp_seconds", "When the oldest waiting job was asked for.")},
	} {
		if !oldest.at.IsZero() {
			gauge(oldest.desc, float64(oldest.at.Unix()))
		}
	}
}
