package inspection

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"time"

	"sekisho/audit"
)

// Input is what a report is made of.
type Input struct {
	Log      fs.FS        // of the log's directory
	Verified audit.Report // what audit.Verify found in it
	Origin   string       // name of the log
	Month    time.Time    // any moment of it, in the zone of the office
	Now      time.Time
	Office   string
	Accounts []Account // nil: they were not given
	// Reason says in Japanese what a reason code means, "" for an unknown one.
	Reason func(code string) string
}

// lookback is how long before the month a mail may have come that was relayed in
// it: longer than deliveries are tried.
const lookback = 62 * 24 * time.Hour

// Collect reads the log and makes the report.
func Collect(ctx context.Context, in Input) (Report, error) {
	from := time.Date(in.Month.Year(), in.Month.Month(), 1, 0, 0, 0, 0, in.Month.Location())
	c := newCollector(in, from, from.AddDate(0, 1, 0))
	// Persons, requests and exceptions of any time before.
	always := audit.Filter{Until: c.to, Verbs: []audit.Verb{"user.*", "release.*", "exception.*"}}
	if _, err := audit.Search(ctx, in.Log, always, audit.Page{Limit: math.MaxInt, After: -1}, func(_ []byte, e audit.Event) error {
		c.person(e)
		return nil
	}); err != nil {
		return Report{}, fmt.Errorf("self-inspection: %w", err)
	}
	near := audit.Filter{Since: from.Add(-lookback), Until: c.to}
	if _, err := audit.Search(ctx, in.Log, near, audit.Page{Limit: math.MaxInt, After: -1}, func(_ []byte, e audit.Event) error {
		c.see(e)
		return nil
	}); err != nil {
		return Report{}, fmt.Errorf("self-inspection: %w", err)
	}
	return c.report(), nil
}

// collector gathers what the sections tell.
type collector struct {
	in       Input
	from, to time.Time

	counts map[audit.Verb]map[audit.Outcome]int
	first  time.Time // of the records seen

	sanitized map[string]bool     // receipts with message.sanitized
	sealed    map[string][]string // deliveries: digests that were sealed
	crossed   int
	bare      Table // crossings without a record of sanitizing

	rejected, held map[string]int // by reason
	limits         int            // parts held at a limit
	hashes         map[string]*seen
	senders        map[string]int // of held parts

	requests   map[string]*request
	exceptions map[string]*exception
	disabled   map[string]bool // users, now in the pass
	faults     Table           // approvals that must not be
	deputies   int

	views, unlocks map[string]*tally
	exported       Table
	policy, users  Table
	failedSignIns  map[string]int
	denied         map[string]int
	running        Table // clock, anchors, starts
	engines        map[string]time.Time
	outbound       map[string]int
	silent         []string
}

// seen is one original that came in several mails.
type seen struct {
	receipts map[string]bool
	reason   string
}

// tally counts what one person did.
type tally struct {
	n, failed int
	receipts  map[string]bool
}

func newCollector(in Input, from, to time.Time) *collector {
	return &collector{in: in, from: from, to: to, counts: map[audit.Verb]map[audit.Outcome]int{}, sanitized: map[string]bool{}, sealed: map[string][]string{},
		bare:     Table{Caption: "無害化の記録のない通過", Head: []string{"記録", "日時", "受付番号", "宛先"}},
		rejected: map[string]int{}, held: map[string]int{}, hashes: map[string]*seen{}, senders: map[string]int{},
		requests: map[string]*request{}, exceptions: map[string]*exception{}, disabled: map[string]bool{},
		faults: Table{Caption: "あってはならない承認", Head: []string{"記録", "日時", "申請", "承認した人", "理由"}},
		views:  map[string]*tally{}, unlocks: map[string]*tally{},
		exported:      Table{Caption: "原本の取り出しと、監査記録の書き出し", Head: []string{"日時", "出来事", "だれが", "対象"}},
		policy:        Table{Caption: "方針の変更", Head: []string{"日時", "出来事", "だれが", "版", "前", "後"}},
		users:         Table{Caption: "利用者と権限の変更", Head: []string{"日時", "出来事", "だれが", "だれを", "変更"}},
		running:       Table{Caption: "起動、停止、時計、外部保全", Head: []string{"日時", "出来事", "内容"}},
		failedSignIns: map[string]int{}, denied: map[string]int{}, engines: map[string]time.Time{}, outbound: map[string]int{}}
}

func (c *collector) within(e audit.Event) bool { return !e.TS.Before(c.from) && e.TS.Before(c.to) }

// count returns how often an event was recorded in the month, with one of the
// outcomes, or any.
func (c *collector) count(v audit.Verb, outcomes ...audit.Outcome) int {
	n := 0
	for o, k := range c.counts[v] {
		if len(outcomes) == 0 || slices.Contains(outcomes, o) {
			n += k
		}
	}
	return n
}

// see takes a record of the month or of shortly before.
func (c *collector) see(e audit.Event) {
	e.TS = e.TS.In(c.from.Location())
	if c.first.IsZero() {
		c.first = e.TS
	}
	switch e.Verb {
	case "message.sanitized":
		c.sanitized[e.Object.ReceiptNo] = true
	case "delivery.sealed":
		c.sealed[e.Object.ID] = append(c.sealed[e.Object.ID], e.Object.Sanitized)
	}
	if !c.within(e) {
		return
	}
	if c.counts[e.Verb] == nil {
		c.counts[e.Verb] = map[audit.Outcome]int{}
	}
	c.counts[e.Verb][e.Outcome]++
	if e.Engine.Name != "" {
		name := e.Engine.Name + " " + e.Engine.Version
		if _, ok := c.engines[name]; !ok {
			c.engines[name] = e.TS
		}
	}
	c.mail(e)
	c.people(e)
	c.machine(e)
}

// mail takes what is about mail and its parts.
func (c *collector) mail(e audit.Event) {
	switch e.Verb {
	case "relay.relayed":
		c.crossing(e)
	case "message.rejected":
		c.rejected[e.Decision.ReasonCode]++
	case "part.quarantined", "part.failed":
		c.held[e.Decision.ReasonCode]++
		if h := e.Object.Original; h != "" {
			if c.hashes[h] == nil {
				c.hashes[h] = &seen{receipts: map[string]bool{}, reason: e.Decision.ReasonCode}
			}
			c.hashes[h].receipts[e.Object.ReceiptNo] = true
		}
		if len(e.Decision.ReasonCode) > 6 && e.Decision.ReasonCode[:6] == "limit_" {
			c.limits++
		}
	case "item.held":
		c.senders[e.Mail.Sender]++
	}
}

// crossing checks that what was relayed is what was sealed, and that the mail it
// was made of was sanitized. Mails of our own have no original.
func (c *collector) crossing(e audit.Event) {
	c.crossed++
	kind := e.Decision.Form
	own := slices.Contains([]string{"substitute", "postmaster", "digest", "notice", "trial"}, kind)
	if !slices.Contains(c.sealed[e.Object.ID], e.Object.Sanitized) || e.Object.Sanitized == "" || !own && !c.sanitized[e.Object.ReceiptNo] {
		to := ""
		if len(e.Mail.Recipients) > 0 {
			to = e.Mail.Recipients[0]
		}
		c.bare.add(fmt.Sprint(e.Seq), moment(e.TS), e.Object.ReceiptNo, to)
	}
}

// people takes what persons looked at, tried and changed.
func (c *collector) people(e audit.Event) {
	switch e.Verb {
	case "message.viewed", "preview.page_rendered":
		c.add(c.views, who(e), e)
	case "archive.unlock_attempted":
		c.add(c.unlocks, who(e), e)
	case "original.exported", "audit.exported":
		what := e.Object.ReceiptNo
		if what == "" {
			what = e.Change.After
		}
		c.exported.add(moment(e.TS), phrase(e), who(e), what)
	case "auth.failed", "auth.locked":
		c.failedSignIns[string(e.Verb)]++
	case "authz.denied":
		c.denied[who(e)] += refusals(e)
	}
	switch group(e.Verb) {
	case "policy":
		c.policy.add(moment(e.TS), phrase(e), who(e), version(e.Policy.Version), short(e.Change.Before), short(e.Change.After))
	case "user":
		c.users.add(moment(e.TS), phrase(e), who(e), e.Object.ID, e.Change.Path+"："+e.Change.Before+" → "+e.Change.After)
	case "outbound":
		c.outbound[phrase(e)+"\t"+e.Policy.Rule]++
	}
}

// refusals is how many refusals a record stands for: of those within a minute only
// the number is recorded, as "x 600".
func refusals(e audit.Event) int {
	n := 0
	if _, err := fmt.Sscanf(e.Change.After, "x %d", &n); err != nil || n < 1 {
		return 1
	}
	return n
}

func (c *collector) add(to map[string]*tally, key string, e audit.Event) {
	if to[key] == nil {
		to[key] = &tally{receipts: map[string]bool{}}
	}
	t := to[key]
	t.n++
	if e.Outcome != audit.Success {
		t.failed++
	}
	if e.Object.ReceiptNo != "" {
		t.receipts[e.Object.ReceiptNo] = true
	}
}

// machine takes what befell the machine and the log.
func (c *collector) machine(e audit.Event) {
	switch e.Verb {
	case audit.VerbClockChanged:
		c.running.add(moment(e.TS), phrase(e), e.Change.Before+" → "+e.Change.After)
	case "audit.anchor_failed", "zone.refused", audit.VerbStarted, audit.VerbStopped, "system.engine_updated", "system.backup", "system.restored", "key.created", "key.rotated":
		c.running.add(moment(e.TS), phrase(e), shorten(e.Change.Path+" "+e.Change.After, 80))
	case audit.VerbPurged:
		c.running.add(moment(e.TS), phrase(e), e.Object.Type+" "+e.Object.ID)
	}
}
