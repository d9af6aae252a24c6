package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b/two.txt", "a/one.txt", "a/deep/three.txt"} {
		p := filepath.Join(dir, "tree", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	err := errors.Join(os.Mkdir(at("empty"), 0o700), syscall.Mkfifo(at("fifo"), 0o600), os.Symlink(at("tree/a/one.txt"), at("link")),
		os.Symlink(at("tree"), at("linked")), os.Symlink(at("nowhere"), at("dangling")), os.Symlink(at("fifo"), at("tree/b/pipe")))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		paths []string
		want  []string
		fails bool
		says  string
	}{
		{name: "a file", paths: []string{"tree/a/one.txt"}, want: []string{"tree/a/one.txt"}},
		{name: "a link to a file", paths: []string{"link"}, want: []string{"link"}},
		{name: "a folder, deep, and what is no file in it", paths: []string{"tree"},
			want: []string{"tree/a/deep/three.txt", "tree/a/one.txt", "tree/b/two.txt"}, says: "pipe"},
		{name: "a link to a folder", paths: []string{"linked"},
			want: []string{"linked/a/deep/three.txt", "linked/a/one.txt", "linked/b/two.txt"}, says: "pipe"},
		{name: "the order is that of the command line", paths: []string{"tree/b/two.txt", "tree/a"},
			want: []string{"tree/b/two.txt", "tree/a/deep/three.txt", "tree/a/one.txt"}},
		{name: "nothing there", paths: []string{"tree", "missing"}, fails: true},
		{name: "a dangling link", paths: []string{"dangling"}, fails: true},
		{name: "an empty folder", paths: []string{"empty"}, fails: true},
		{name: "a pipe", paths: []string{"fifo"}, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var paths, want []string
			for _, p := range c.paths {
				paths = append(paths, at(p))
			}
			for _, p := range c.want {
				want = append(want, at(p))
			}
			var told bytes.Buffer
			got, err := expand(paths, &told)
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			if err == nil && !cmp.Equal(got, want) {
				t.Error(cmp.Diff(want, got))
			}
			if err == nil && (told.Len() > 0) != (c.says != "") || !strings.Contains(told.String(), c.says) {
				t.Errorf("said %q", told.String())
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	for _, no := range []string{"0.0.0.0:0", "192.0.2.1:25", "[::]:0", "localhost:0", ":2525", "127.0.0.1", "10.0.0.1:1", "nonsense"} {
		if l, err := loopback(t.Context(), no); err == nil {
			l.Close()
			t.Errorf("%s: the demo would listen there", no)
		}
	}
	first, err := loopback(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := loopback(t.Context(), first.Addr().String())
	if err != nil {
		t.Fatalf("a taken port: %v", err)
	}
	defer second.Close()
	if !strings.HasPrefix(second.Addr().String(), "127.0.0.1:") || second.Addr().String() == first.Addr().String() {
		t.Errorf("listens on %s", second.Addr())
	}
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		name string
		node sanitize.Node
		want string
	}{
		{"the mail itself", sanitize.Node{Verdict: format.Rebuilt}, "メール → 作り直し"},
		{"the zero node is held", sanitize.Node{}, "メール:  → お預かり（" + format.Reason("").Text().JA + "ため）"},
		{"a held part", sanitize.Node{Path: "1", Name: "a.exe", Kind: format.Executable, Reason: format.KindBlocked}, "a.exe: executable → お預かり（受け取れない種類のため）"},
		{"a part without a name", sanitize.Node{Path: "2", Kind: format.PNG, Verdict: format.Stripped}, "名前のない部品: png → 取り除き"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := describe(&c.node); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestPrintItems(t *testing.T) {
	var none, some bytes.Buffer
	if err := printItems(&none, nil); err != nil || !strings.Contains(none.String(), "お預かり中のものはありません") {
		t.Errorf("nothing held: %q, %v", none.String(), err)
	}
	hostile := "a\x1b[31m\n\u202egnp.exe"
	items := []quarantine.Item{
		{ID: "1", Receipt: "M-261102-00001", Recipient: "a@town.example", Kind: format.Mail, Reason: format.Malformed},
		{ID: "2", Receipt: "M-261102-00002", Recipient: "a@town.example", Path: "1", Kind: format.Zip, Reason: format.EncryptedArchive},
		{ID: "3", Receipt: "M-261102-00003", Recipient: "a@town.example", Path: "1", Name: hostile, Kind: format.Executable, Reason: format.KindBlocked},
	}
	if err := printItems(&some, items); err != nil {
		t.Fatal(err)
	}
	out := some.String()
	if strings.Count(out, "\n") != 4 || strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("a name reaches the terminal as it is:\n%q", out)
	}
	for _, want := range []string{"（メール全体）", "（名前なし）", "encrypted_archive", "kind_blocked"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// TestPolicyWatch: a policy applied by another process is taken, and one that
// cannot be read leaves the present one in force.
func TestPolicyWatch(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	ledger, err := sqlite.Open(ctx, filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	cfg := config.Default()
	cfg.Policy.File = filepath.Join(dir, "policy.yaml")
	cfg.Office.Domains = []string{"Town.example.lg.jp"}
	scribe := gateway.Scribe{Clock: time.Now, Random: rand.Reader, Version: "test"}
	if _, err := openPolicy(ctx, ledger, scribe, cfg); err == nil {
		t.Fatal("a policy that is not there was taken")
	}
	if err := os.WriteFile(cfg.Policy.File, []byte("default:\n  jpeg_quality: 80\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := openPolicy(ctx, ledger, scribe, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if p := w.Current(); p.Default.JPEGQuality != 80 || !slices.Equal(p.Default.OwnDomains, []string{"town.example.lg.jp"}) {
		t.Errorf("first policy %+v", p.Default)
	}
	apply := func(version, text string) {
		t.Helper()
		r, err := scribe.System("policy.applied", audit.Success, policyEvent(2, "", ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := applyPolicy(ctx, ledger, version, text, r); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, version, text string
		want                int
		fails               bool
	}{
		{"a new one is taken", "2", "default:\n  jpeg_quality: 70\n", 70, false},
		{"one that cannot be read is not", "3", "default:\n  jpeg_quality: 900\n", 70, true},
		{"nor an empty one with a fault", "4", "defualt: {}\n", 70, true},
		{"the next good one is", "5", "default:\n  jpeg_quality: 60\n", 60, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			apply(c.version, c.text)
			if err := w.reload(ctx); (err != nil) != c.fails {
				t.Errorf("reload: %v", err)
			}
			if got := w.Current().Default.JPEGQuality; got != c.want {
				t.Errorf("quality %d, want %d", got, c.want)
			}
		})
	}
	// The ledger's policy counts from now on, whatever the file says.
	if err := os.WriteFile(cfg.Policy.File, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w, err = openPolicy(ctx, ledger, scribe, cfg); err != nil || w.Current().Default.JPEGQuality != 60 {
		t.Errorf("second start: %v", err)
	}
}

// settings is a ledger that knows the policy alone.
type settings struct {
	gateway.Ledger
	fail error
}

func (s *settings) Do(context.Context, func(gateway.Tx) error) error { return s.fail }

// TestPolicyWatchOutlivesALedgerThatFails: the loop goes on, says what is wrong,
// and ends with its context.
func TestPolicyWatchOutlivesALedgerThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		w := &policyWatch{ledger: &settings{fail: errors.New("disk on fire")}}
		p := policy.Policy{}
		w.current.Store(&inForce{policy: p})
		done := make(chan struct{})
		go func() {
			w.Run(ctx, time.Second, slog.New(slog.NewTextHandler(&log, nil)))
			close(done)
		}()
		time.Sleep(3500 * time.Millisecond) // of the bubble's clock
		cancel()
		<-done
		if n := strings.Count(log.String(), "disk on fire"); n != 3 {
			t.Errorf("said %d times:\n%s", n, log.String())
		}
	})
}
