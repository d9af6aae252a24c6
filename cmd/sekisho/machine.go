package main

import (
	"context"
	"sync/atomic"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/health"
)

// machine gives the metrics what the node knows of itself and its surroundings.
// They are asked for only once the node is open.
func (n *node) machine() health.Machine {
	var signed atomic.Int64
	n.sequencer.OnCheckpoint = func(c audit.Checkpoint) {
		signed.Store(time.Now().Unix())
		n.anchor.offer(c)
	}
	return health.Machine{
		Deaths:  func() map[string]uint64 { return n.pool.Stats().Deaths() },
		Delayed: n.delayed,
		LeftOut: n.leftOut,
		Anchor:  n.anchor.failureCount,
		DiskFree: func() (float64, bool) {
			free, err := n.stores.Originals.Room(context.Background())
			return float64(free), err == nil
		},
		DiskMinFree:    func() (float64, bool) { return float64(n.cfg.Storage.MinFree), true },
		WallsMissing:   func() (float64, bool) { return float64(len(n.pool.Walls().Missing())), true },
		CheckpointTime: func() (float64, bool) { at := signed.Load(); return float64(at), at > 0 },
		AnchorTime:     n.anchor.lastTime,
		AnchorsWaiting: n.anchor.queued,
		CertificateEnd: func() (float64, bool) { return n.certificate.end() },
		NoticesStopped: func() (float64, bool) {
			if _, stopped := n.flow.NoticesStopped(); stopped {
				return 1, true
			}
			return 0, true
		},
		NoticesWaiting: func() (float64, bool) {
			ctx, cancel := context.WithTimeout(context.Background(), startTime)
			defer cancel()
			s, err := n.stores.Ledger.NoticeState(ctx, time.Now())
			return float64(s.Waiting + s.Unwritten), err == nil
		},
	}
}

// delayed counts our own mails that wait for a later hour.
func (n *node) delayed() map[string]uint64 {
	delayed, _ := n.deliver.Limited()
	return map[string]uint64{string(gateway.KindPostmaster): delayed, string(gateway.KindSubstitute): n.flow.Delayed()}
}

// leftOut counts our own mails that were not written.
func (n *node) leftOut() map[string]uint64 {
	_, left := n.deliver.Limited()
	return map[string]uint64{string(gateway.KindPostmaster): left}
}
