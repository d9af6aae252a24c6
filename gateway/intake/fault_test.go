package intake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/intake"
)

var errBroken = errors.New("broken")

// faults is a ledger and originals that fail as told.
type faults struct {
	put    error // of Put, before it reads
	amid   error // of Put, after 3 bytes
	inside error // of the closure's first method
	commit error // of Do, after the closure
	press  error
	later  atomic.Bool // press holds from now on
}

type faultyLedger struct {
	gateway.Ledger
	f *faults
}

type faultyTx struct {
	gateway.Tx
	f *faults
}

func (t faultyTx) Receipt(day string) (int, error) {
	if t.f.inside != nil {
		return 0, t.f.inside
	}
	return t.Tx.Receipt(day)
}

func (l faultyLedger) Do(ctx context.Context, f func(gateway.Tx) error) error {
	if l.f.commit != nil {
		return l.f.commit
	}
	return l.Ledger.Do(ctx, func(tx gateway.Tx) error { return f(faultyTx{tx, l.f}) })
}

type faultyBlobs struct {
	gateway.Blobs
	f *faults
}

func (b faultyBlobs) Put(ctx context.Context, fill func(io.Writer) error) (string, error) {
	if b.f.put != nil {
		return "", b.f.put
	}
	name, err := b.Blobs.Put(ctx, func(w io.Writer) error {
		if b.f.amid != nil {
			return fill(&brokenWriter{left: 3, err: b.f.amid})
		}
		return fill(w)
	})
	b.f.later.Store(true)
	return name, err
}

type brokenWriter struct {
	left int
	err  error
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

// TestFaults fails one thing at a time. The client hears 4xx, nothing is
// accepted, no original is left that should not be, and the connection goes on
// at the right byte.
// spec: g3 g6
func TestFaults(t *testing.T) {
	st := openStores(t)
	full := fmt.Errorf("disk: %w", gateway.ErrFull)
	for _, c := range []struct {
		name   string
		f      *faults
		mail   string // answer to MAIL
		data   string // answer to the mail
		orphan int    // originals left to the sweep
	}{
		{"originals", &faults{put: errBroken}, "250", "451 4.3.0", 0},
		{"originals are full", &faults{put: full}, "250", "452 4.3.1", 0},
		{"originals amid a mail", &faults{amid: errBroken}, "250", "451 4.3.0", 0},
		{"originals full amid a mail", &faults{amid: full}, "250", "452 4.3.1", 0},
		{"closure", &faults{inside: errBroken}, "250", "451 4.3.0", 0},
		{"ledger is full", &faults{inside: full}, "250", "452 4.3.1", 0},
		{"commit, which may have happened", &faults{commit: errBroken}, "250", "451 4.3.0", 1},
		{"pressure at MAIL", func() *faults { f := &faults{press: errBroken}; f.later.Store(true); return f }(), "451 4.3.2", "", 0},
		{"full at MAIL", func() *faults { f := &faults{press: full}; f.later.Store(true); return f }(), "452 4.3.1", "", 0},
		{"pressure before the commit", &faults{press: errBroken}, "250", "451 4.3.2", 0},
		{"full before the commit", &faults{press: full}, "250", "452 4.3.1", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, how := range []string{"DATA\r\nSubject: a\r\n\r\nb\r\n.\r\n", "BDAT 10\r\nSubject: aBDAT 7 LAST\r\n\r\n\r\nb\r\n"} {
				before := st.blobs(t)
				r := start(t, st, func(k *intake.Config) {
					k.Ledger, k.Originals = faultyLedger{k.Ledger, c.f}, faultyBlobs{k.Originals, c.f}
					k.Pressure = func(context.Context) error {
						if c.f.later.Load() {
							return c.f.press
						}
						return nil
					}
				})
				d := r.dial(t)
				d.want("220")
				d.send("EHLO c\r\nMAIL FROM:<a@b.test>\r\n")
				d.want("250")
				d.want(c.mail)
				if c.data != "" {
					d.send("RCPT TO:<soumu@town.example.jp>\r\n" + how)
					d.want("250")
					d.want(map[bool]string{true: "354", false: "250 2.0.0 Go on"}[strings.HasPrefix(how, "DATA")])
					d.want(c.data)
				}
				d.run("")
				checkMails(t, r, nil)
				if n := st.blobs(t) - before; n != c.orphan {
					t.Errorf("%d originals left, want %d", n, c.orphan)
				}
				c.f.later.Store(c.data == "")
			}
		})
	}
}

// TestGone has clients go away at each byte of a mail; none of it may be kept.
func TestGone(t *testing.T) {
	const mail = "Subject: a\r\n\r\nb\r\n.\r"
	st := openStores(t)
	r := start(t, st, nil)
	for i := range len(mail) {
		d := r.dial(t)
		d.want("220")
		d.steps(to354)
		d.send(mail[:i+1])
		d.conn.Close()
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkMails(t, r, nil)
	if n := st.blobs(t); n != 0 {
		t.Errorf("%d originals", n)
	}
}

// TestConfig refuses what cannot work.
func TestConfig(t *testing.T) {
	_, good := onMemory(t, intake.Limits{})
	if good == nil {
		t.Fatal("no server")
	}
	for name, l := range map[string]intake.Limits{
		"negative": {Errors: -1}, "short lines": {CommandLine: 100}, "long lines": {CommandLine: 1 << 20},
		"negative size": {MessageBytes: -1}, "negative time": {Idle: -1},
	} {
		c := intake.Config{Host: "gate", Limits: l, Ledger: memoryLedger{}, Originals: memoryBlobs{}, Recipients: &intake.Table{}}
		c.Scribe.Clock, c.Scribe.Random = time.Now, strings.NewReader("")
		if _, err := intake.New(c); !errors.Is(err, intake.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := intake.New(intake.Config{}); !errors.Is(err, intake.ErrConfig) {
		t.Errorf("empty: %v", err)
	}
}
