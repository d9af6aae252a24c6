package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/store"
	"sekisho/gateway/store/sqlite"
)

// TestQueueShowsProgress: a message whose long document is drawn is shown with
// the page that it is at, in the list and by its number; scripts that ask for no
// state get deliveries, as before.
func TestQueueShowsProgress(t *testing.T) {
	at := t.TempDir()
	t.Setenv("SEKISHO_STORAGE_DIR", at)
	l, err := sqlite.Open(t.Context(), store.LedgerFile(at))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, receipt := range []string{"M-261125-00001", "M-261125-00002"} {
		id, err := gateway.NewID(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		r, err := commandScribe().System("message.received", audit.Success, nil)
		if err != nil {
			t.Fatal(err)
		}
		m := gateway.Message{ID: id, Receipt: receipt, State: gateway.Accepted, ReceivedAt: now, Blob: "b" + receipt, Size: 3,
			Envelope: gateway.Envelope{From: "a@example.com", To: []string{"yamada@town.example.lg.jp"}}}
		if err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.Accept(m, r) }); err != nil {
			t.Fatal(err)
		}
	}
	err = l.Do(t.Context(), func(tx gateway.Tx) error {
		m, err := tx.ClaimMessage("flow", now, now.Add(time.Hour))
		if err != nil {
			return err
		}
		return tx.Progress(m, gateway.Progress{Part: "2.1", Page: 12, Pages: 500})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(at, "s.yaml")
	if err := os.WriteFile(file, []byte("timezone: Asia/Tokyo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	say := func(args ...string) string {
		t.Helper()
		var out, bad bytes.Buffer
		if code := run(env{context.Background(), &out, &bad}, append(args, "--config", file)); code != 0 {
			t.Fatalf("%v: %d %s", args, code, bad.String())
		}
		return out.String()
	}
	if got := say("queue", "list"); !strings.Contains(got, "M-261125-00001  sanitizing") || !strings.Contains(got, "12 / 500 ページ（2.1）") || !strings.Contains(got, "M-261125-00002  accepted") {
		t.Errorf("list:\n%s", got)
	}
	var shown messageJSON
	if err := json.Unmarshal([]byte(say("queue", "show", "M-261125-00001")), &shown); err != nil || shown.Progress == nil || *shown.Progress != (progressJSON{"2.1", 12, 500}) || shown.State != gateway.Sanitizing {
		t.Errorf("show: %+v, %v", shown, err)
	}
	if got := say("queue", "list", "--json"); got != "" {
		t.Errorf("deliveries: %s", got)
	}
	if got := say("queue", "list", "--json", "--state", "accepted"); strings.Count(got, "\n") != 1 || !strings.Contains(got, "M-261125-00002") || strings.Contains(got, "progress") {
		t.Errorf("accepted: %s", got)
	}
}
