package main

import (
	"context"
	"fmt"
	iofs "io/fs"
	"os"
	"time"

	"sekisho/audit"
	"sekisho/gateway/config"
	"sekisho/gateway/store"
	"sekisho/gateway/store/fs"
	"sekisho/gateway/store/sqlite"
)

type verifyCmd struct {
	ledgerArgs
	Deep bool   `help:"原本と配送待ちをすべて開き、指紋を台帳と比べる（時間がかかります）/ open every blob and compare digests"`
	Keys string `help:"--deep で使う秘密鍵のフォルダ。なければ設定のもの / private keys for --deep" type:"existingdir" placeholder:"DIR"`
}

// Help says what the exit codes mean.
func (verifyCmd) Help() string {
	return "終了コード / exit: 0 すべて合う（all agree）, 1 合わないものがある（something does not）, 2 失敗（failure）"
}

// Run checks that ledger, blob stores and audit log agree. It may run beside a
// serving gateway; what is written meanwhile is not held against it.
func (c *verifyCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(cfg config.Config, l *sqlite.Ledger) error {
		keys, err := config.LoadKeys(cfg.Keys.Dir, config.AuditorRole)
		if err != nil {
			return err
		}
		faults, err := crossCheck(e, cfg.Storage.Dir, keys.AuditPublic, audit.VerifyOptions{}, l)
		if err != nil {
			return err
		}
		left, err := leftStaging(cfg.Storage.Dir)
		if err != nil {
			return err
		}
		for _, name := range left {
			faults = append(faults, "途中で止まったバックアップの残りに原本があります。次の sekisho backup か再起動で消えます / left by a backup that was killed: "+name)
		}
		if err := sayOldLedgers(e, cfg.Storage.Dir); err != nil {
			return err
		}
		if c.Deep {
			if c.Keys == "" {
				c.Keys = cfg.Keys.Dir
			}
			more, err := unreadable(e.ctx, cfg.Storage.Dir, c.Keys, l)
			if err != nil {
				return err
			}
			faults = append(faults, more...)
		}
		return judge(e, faults)
	})
}

// sayOldLedgers names ledgers of before upgrades, which keep what was erased since.
func sayOldLedgers(e env, data string) error {
	old, err := oldLedgers(data)
	for _, o := range old {
		fmt.Fprintf(e.stdout, "更新の前の台帳があります。%s に消えます / a ledger of before an upgrade, until then: %s\n", o.at.Add(copyKept).Local().Format(time.DateOnly), o.file)
	}
	return err
}

// crossCheck holds the ledger, the stores and the log of a data directory
// against each other and returns what does not agree.
func crossCheck(e env, dir string, keys audit.Keys, o audit.VerifyOptions, l *sqlite.Ledger) ([]string, error) {
	faults := l.CheckConsistency(e.ctx)
	more, err := l.CheckRecords(e.ctx)
	if err != nil {
		return nil, err
	}
	faults = append(faults, more...)
	if more, err = missingBlobs(e.ctx, dir, l); err != nil {
		return nil, err
	}
	faults = append(faults, more...)
	log := os.DirFS(store.AuditDir(dir))
	r, err := audit.Verify(e.ctx, log, keys, o)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	printVerdict(e.stdout, r)
	if r.Verdict.ExitCode() != 0 {
		faults = append(faults, "audit log: "+r.Verdict.String())
	}
	rows, err := compareRows(e.ctx, l, log, r.First)
	if err != nil {
		return nil, err
	}
	back, err := erasedAndBack(e.ctx, l, store.AuditDir(dir))
	for _, t := range back {
		rows = append(rows, fmt.Sprintf("texts of %s were erased, and are there again: sekisho audit erase --again", t.name))
	}
	return append(faults, rows...), err
}

// judge prints what crossCheck found; exitHeld if that is anything.
func judge(e env, faults []string) error {
	for _, f := range faults[:min(len(faults), maxFaults)] {
		fmt.Fprintln(e.stdout, "合いません / disagrees:", f)
	}
	if len(faults) > 0 {
		fmt.Fprintf(e.stdout, "合わないものは %d 件です / %d faults\n", len(faults), len(faults))
		return exitHeld
	}
	fmt.Fprintln(e.stdout, "台帳、保管庫、監査記録は合っています / ledger, stores and log agree")
	return nil
}

// maxFaults is how many faults are printed.
const maxFaults = 20

// missingBlobs names files that a row needs and that are not there. It has no
// keys: whether a file is there shows without reading it.
func missingBlobs(ctx context.Context, dir string, l *sqlite.Ledger) ([]string, error) {
	originals, err := fs.Open(store.OriginalsDir(dir), fs.Options{})
	if err != nil {
		return nil, err
	}
	defer originals.Close()
	outbox, err := fs.Open(store.OutboxDir(dir), fs.Options{})
	if err != nil {
		return nil, err
	}
	defer outbox.Close()
	return store.Missing(ctx, l, originals, outbox)
}

// rowsAtOnce is how many audit rows are read at a time.
const rowsAtOnce = 1000

// compareRows compares the ledger's audit rows with the log: each row that has
// a sequence number must be the record with that number, and each record must
// have a row, but for those that the log made itself and those of months that
// the ledger no longer keeps. Rows before first are of months that were purged
// after their time, which the log's verdict covers.
func compareRows(ctx context.Context, l *sqlite.Ledger, log iofs.FS, first int64) ([]string, error) {
	c := &comparison{rows: rowCursor{ctx: ctx, ledger: l, after: first - 1}}
	var err error
	if c.since, err = l.RowsSince(ctx); err != nil {
		return nil, err
	}
	if c.row, err = c.rows.next(); err != nil {
		return nil, err
	}
	if err := audit.Select(ctx, log, audit.Filter{}, c.record); err != nil {
		return nil, fmt.Errorf("compare rows: %w", err)
	}
	if c.row != nil {
		c.fault("audit row %d has number %d, beyond the log's end", c.row.ID, c.row.Seq)
	}
	unknown, err := withoutRow(ctx, l, c.strange)
	return append(c.faults, unknown...), err
}

// comparison is the walk along the log and the rows.
type comparison struct {
	rows    rowCursor
	row     *audit.Row // the next one, nil at the end
	since   int64      // of the records before it some have no row any more
	faults  []string
	strange []audit.Event // records that had no row when the rows were read, at most rowsAtOnce
}

func (c *comparison) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// record compares one record of the log.
func (c *comparison) record(_ []byte, e audit.Event) error {
	var err error
	for c.row != nil && c.row.Seq < e.Seq {
		c.fault("audit row %d has number %d, which the log lacks", c.row.ID, c.row.Seq)
		if c.row, err = c.rows.next(); err != nil {
			return err
		}
	}
	if c.row == nil || c.row.Seq > e.Seq {
		if e.Seq >= c.since && !e.OfLog() && len(c.strange) < rowsAtOnce {
			c.strange = append(c.strange, e)
		}
		return nil
	}
	want, err := c.row.Event.ContentDigest()
	if err != nil {
		return err
	}
	if got, err := e.ContentDigest(); err != nil || got != want {
		c.fault("record %d differs from the ledger's row %d", e.Seq, c.row.ID)
	}
	c.row, err = c.rows.next()
	return err
}

// withoutRow returns the records that the ledger has no row of, as after it was
// replaced by an older one. It looks again: beside a working gateway, a record
// may stand in the log before its row has the number. Its row was there first.
func withoutRow(ctx context.Context, l *sqlite.Ledger, records []audit.Event) ([]string, error) {
	if len(records) == 0 {
		return nil, nil
	}
	known := map[string]bool{}
	for after := records[0].Seq - 1; ; {
		rows, err := l.Pending(ctx, after, rowsAtOnce)
		if err != nil {
			return nil, err
		}
		before := after
		for _, r := range rows {
			known[r.Event.ID] = true
			after = max(after, r.Seq)
		}
		if len(rows) < rowsAtOnce || after == before {
			break
		}
	}
	var faults []string
	for _, e := range records {
		if !known[e.ID] {
			faults = append(faults, fmt.Sprintf("record %d (%s) is in the log, and the ledger does not know of it", e.Seq, e.Verb))
		}
	}
	return faults, nil
}

// rowCursor reads the sequenced rows in the order of their numbers.
type rowCursor struct {
	ctx    context.Context
	ledger *sqlite.Ledger
	after  int64
	page   []audit.Row
}

func (c *rowCursor) next() (*audit.Row, error) {
	if len(c.page) == 0 {
		rows, err := c.ledger.Pending(c.ctx, c.after, rowsAtOnce)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if r.Seq >= 0 {
				c.page = append(c.page, r)
			}
		}
		if len(c.page) == 0 {
			return nil, nil
		}
	}
	r := c.page[0]
	c.page = c.page[1:]
	c.after = r.Seq
	return &r, nil
}
