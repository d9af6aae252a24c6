package faulttest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	randv2 "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/deliver"
	"sekisho/gateway/flow"
	"sekisho/gateway/intake"
	"sekisho/gateway/store/fs"
	"sekisho/gateway/store/sqlite"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/sandbox/boxtest"
	"sekisho/sanitize/seal"
)

const (
	domain     = "town.example.lg.jp"
	postmaster = "postmaster@" + domain
)

// begin is when every story begins: the last day of a month in Japan.
var begin = time.Date(2026, 4, 30, 0, 12, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	sandbox.Main(sanitize.Classes())
	os.Exit(boxtest.Run(m))
}

// clock is the wall clock of a story.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// office is what outlives a crash beside the disks: keys, boxes and the clock.
type office struct {
	t       testing.TB
	clock   *clock
	engine  *sanitize.Engine
	seal    seal.Key
	blobs   fs.Options
	audit   audit.Options
	table   *intake.Table
	policy  policy.Policy
	dir     string // for ledgers
	ledgers int
	empty   files
}

// files are a ledger as it lies on a disk: the database and its log.
type files map[string][]byte

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, clock: &clock{at: begin}, dir: quickDir(t), policy: policy.Policy{Default: policy.Default()}}
	pool, err := sandbox.NewPool(sandbox.Config{Classes: sanitize.Classes(), Exe: os.Getenv(boxtest.ExeEnv), MaxRunning: 16,
		Ahead: map[string]int{string(format.ClassLight): 2, string(format.ClassLint): 2}})
	check(t, err)
	t.Cleanup(func() { pool.Close() })
	o.engine = sanitize.New(pool, slog.New(slog.DiscardHandler))
	o.seal, err = seal.NewKey(rand.Reader)
	check(t, err)
	id, err := age.GenerateX25519Identity()
	check(t, err)
	o.blobs = fs.Options{Recipients: []age.Recipient{id.Recipient()}, Identities: []age.Identity{id}, Now: o.clock.now}
	o.audit = auditKeys(t)
	o.table, err = intake.NewTable([]string{"@" + domain}, "+")
	check(t, err)
	o.makeEmpty()
	return o
}

// quickDir is a directory in memory, where there is one: these ledgers lose
// nothing by themselves, and their syncs take most of the time.
func quickDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "faulttest-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// makeEmpty keeps the files of a new ledger: making one takes its time.
func (o *office) makeEmpty() {
	o.t.Helper()
	file := filepath.Join(o.dir, "empty.db")
	l, err := sqlite.Open(o.t.Context(), file)
	check(o.t, err)
	check(o.t, l.Close())
	o.empty = readFiles(o.t, file)
}

func auditKeys(t testing.TB) audit.Options {
	t.Helper()
	pair, err := audit.GenerateKey(nil, "fault")
	check(t, err)
	signer, err := audit.ParseSigner(pair.Signer)
	check(t, err)
	keys, err := audit.ParseKeys(pair.Verifier)
	check(t, err)
	return audit.Options{Signer: signer, Keys: keys, Ballast: 64 << 10}
}

func readFiles(t testing.TB, file string) files {
	t.Helper()
	f := files{}
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(file + end)
		if !errors.Is(err, os.ErrNotExist) {
			check(t, err)
			f[end] = b
		}
	}
	return f
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a running gateway on a disk and a ledger.
type world struct {
	*office
	disk      *disk
	file      string // of the ledger
	real      *sqlite.Ledger
	ledger    ledger
	dir       string // of a real disk instead; "" for none
	originals *fs.Store
	outbox    *fs.Store
	trail     audit.FS // of the log
	log       *audit.Writer
	intake    *intake.Server
	flow      *flow.Flow
	deliver   *deliver.Deliver
	sink      *sink

	address  string
	served   chan error
	pressure func(context.Context) error
	free     func() (int64, error) // of the originals
	logged   sync.Mutex
	lines    []string // what went wrong, for failed tests
}

// open starts a gateway on what a disk and a ledger hold. The error is one of
// starting it; the ledger's own files never fail.
func (o *office) open(d *disk, l files, s *sink, change ...func(*world)) (*world, error) {
	o.t.Helper()
	o.ledgers++
	w := &world{office: o, disk: d, sink: s, file: filepath.Join(o.dir, fmt.Sprintf("ledger%d.db", o.ledgers))}
	for end, b := range l {
		check(o.t, os.WriteFile(w.file+end, b, 0o600))
	}
	for _, f := range change {
		f(w)
	}
	if w.dir != "" {
		w.file = filepath.Join(w.dir, "ledger.db")
	}
	var err error
	w.real, err = sqlite.Open(o.t.Context(), w.file)
	check(o.t, err)
	w.ledger = ledger{w.real, d}
	if err := w.start(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) start() error {
	ctx := w.t.Context()
	options := w.blobs
	options.Random = randv2.NewChaCha8([32]byte{byte(w.ledgers), byte(w.ledgers >> 8)}) // its own, but the same in each run
	originals, outbox, trail, err := w.trees()
	if err != nil {
		return err
	}
	if w.originals, err = fs.OpenFS(originals, options); err != nil {
		return err
	}
	if w.outbox, err = fs.OpenFS(outbox, options); err != nil {
		return err
	}
	w.trail = trail
	if w.log, err = audit.Open(ctx, trail, w.office.audit); err != nil {
		return err
	}
	if _, err := w.real.EndLeases(ctx, w.clock.now()); err != nil {
		return err
	}
	w.rooms()
	return w.listen()
}

// trees are the places of originals, outbox and log: on the disk in memory, or
// on a real one.
func (w *world) trees() (originals, outbox fs.FS, trail audit.FS, err error) {
	if w.dir == "" {
		return blobTree{d: w.disk, root: "originals", free: w.free}, blobTree{d: w.disk, root: "outbox"}, logTree{w.disk, "audit"}, nil
	}
	for _, name := range []string{"originals", "outbox", "audit"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(w.dir, name), 0o700))
	}
	originals, wrong := fs.DirFS(filepath.Join(w.dir, "originals"))
	outbox, worse := fs.DirFS(filepath.Join(w.dir, "outbox"))
	trail, worst := audit.OpenDir(filepath.Join(w.dir, "audit"))
	return originals, outbox, trail, errors.Join(err, wrong, worse, worst)
}

func (w *world) rooms() {
	scribe := gateway.Scribe{Clock: w.clock.now, Random: rand.Reader, Version: "test"}
	log := slog.New(slog.NewTextHandler(w, nil))
	owner := filepath.Base(w.file)
	w.flow = flow.New(flow.Config{Ledger: w.ledger, Originals: w.originals, Outbox: w.outbox, Engine: w.engine,
		Policy: func() policy.Policy { return w.policy }, Key: w.seal, Scribe: scribe, Log: log, Owner: owner, Host: "gw." + domain,
		Instance: "fault", Office: format.Office{Name: "サンプル町", Contact: "情報政策課"}, Postmaster: postmaster, Location: time.FixedZone("JST", 9*3600)})
	w.deliver = deliver.New(deliver.Config{Ledger: w.ledger, Outbox: w.outbox, Keys: w.seal.Public(), Scribe: scribe, Log: log, Owner: owner,
		Hop: deliver.Hop{Address: "sink.test:25", Hello: "gw." + domain, TLS: deliver.TLSNone, Dial: w.sink.dial}, Postmaster: postmaster})
	var err error
	w.intake, err = intake.New(intake.Config{Host: "gw." + domain, Recipients: w.table, Postmaster: postmaster, Ledger: w.ledger, Originals: w.originals,
		Scribe: scribe, Location: time.FixedZone("JST", 9*3600), Log: log, Pressure: func(ctx context.Context) error {
			if w.pressure != nil {
				return w.pressure(ctx)
			}
			return nil
		}})
	check(w.t, err)
}

// Write takes lines of the program's log.
func (w *world) Write(p []byte) (int, error) {
	w.logged.Lock()
	defer w.logged.Unlock()
	w.lines = append(w.lines, string(p))
	return len(p), nil
}

func (w *world) said() []string {
	w.logged.Lock()
	defer w.logged.Unlock()
	return append([]string(nil), w.lines...)
}

func (w *world) listen() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.address, w.served = l.Addr().String(), make(chan error, 1)
	go func() { w.served <- w.intake.Serve(l) }()
	return nil
}

// close ends the gateway as its process would end, without a word.
func (w *world) close() {
	w.t.Helper()
	if w.served != nil {
		check(w.t, w.intake.Shutdown(context.WithoutCancel(w.t.Context())))
		check(w.t, <-w.served)
	}
	if w.log != nil {
		w.log.Close() // a log that could not be written says so again
	}
	check(w.t, w.real.Close())
	for _, end := range []string{"", "-wal", "-shm"} {
		os.Remove(w.file + end)
	}
}

// tick is one run of the sequencer: it takes what is pending, and signs.
func (w *world) tick() error {
	ctx, cancel := context.WithCancel(w.t.Context())
	cancel()
	return w.sequencer().Run(ctx)
}

func (w *world) sequencer() *audit.Sequencer {
	return &audit.Sequencer{Source: w.ledger, Writer: w.log, Now: w.clock.now}
}

// work has flow and deliver do what is due, until nothing is or both fail.
func (w *world) work() {
	for _, step := range []func(context.Context) (bool, error){w.flow.Step, w.deliver.Step} {
		for range 20 {
			worked, err := step(w.t.Context())
			if err != nil {
				fmt.Fprintf(w, "step: %v\n", err)
			}
			if !worked {
				break
			}
		}
	}
}

// settle works until nothing waits for another try, four times at most.
func (w *world) settle() {
	for range 4 {
		w.work()
		if err := w.tick(); err != nil {
			fmt.Fprintf(w, "tick: %v\n", err)
		}
		c, err := w.real.Counts(w.t.Context())
		check(w.t, err)
		if c.Accepted+c.Sanitizing+c.Drafted+c.Ready+c.Relaying+int(c.AuditPending) == 0 {
			return
		}
		w.clock.pass(20 * time.Minute)
	}
}

var _ io.Writer = (*world)(nil)
