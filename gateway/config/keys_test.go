package config

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"sekisho/sanitize/seal"
)

func newKeys(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := InitKeys(dir, "test-1", start); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestInitKeysFilesAndModes(t *testing.T) {
	dir := newKeys(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		st, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Name())
		if want := map[bool]os.FileMode{true: 0o600, false: 0o644}[private(e.Name())]; st.Mode() != want {
			t.Errorf("%s has mode %v", e.Name(), st.Mode())
		}
	}
	want := []string{"audit.key", "audit.pub", "originals.agekey", "originals.agepub", "outbox.agekey", "outbox.agepub", "seal.key", "seal.pub"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", st, err)
	}
	if ps := CheckKeys(dir); len(ps) > 0 {
		t.Error(ps)
	}
}

func TestInitKeysOverwritesNothing(t *testing.T) {
	dir := newKeys(t)
	before := read(t, filepath.Join(dir, "originals.agekey"))
	if _, err := InitKeys(dir, "test-1", start); err == nil || !strings.Contains(err.Error(), "上書き") {
		t.Errorf("got %v", err)
	}
	if read(t, filepath.Join(dir, "originals.agekey")) != before {
		t.Error("the key changed")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".sekisho-keys-*")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	if _, err := InitKeys(filepath.Join(t.TempDir(), "k"), "bad name", start); err == nil {
		t.Error("an instance with a space was taken")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRolesGetNothingElse: what a role did not ask for is neither loaded nor
// needed on the disk.
func TestRolesGetNothingElse(t *testing.T) {
	for _, c := range []struct {
		role  Role
		files []string
		has   func(k Keys) bool
	}{
		{IntakeRole, []string{"originals.agepub"}, func(k Keys) bool { return len(k.OriginalsTo) == 1 && k.OriginalsWith == nil && k.OutboxTo == nil }},
		{FlowRole, []string{"originals.agekey", "outbox.agepub", "seal.key"}, func(k Keys) bool {
			return len(k.OriginalsWith) == 1 && len(k.OutboxTo) == 1 && k.Seal.ID() != "" && k.OutboxWith == nil && k.Audit == nil
		}},
		{DeliverRole, []string{"outbox.agekey", "seal.pub"}, func(k Keys) bool {
			return len(k.OutboxWith) == 1 && len(k.SealPublic) == 1 && k.OriginalsWith == nil && k.Seal.ID() == ""
		}},
		{SequencerRole, []string{"audit.key"}, func(k Keys) bool { return k.Audit.Name() == "sekisho-audit/test-1" && k.OriginalsWith == nil }},
		{AccountRole, []string{"outbox.agekey"}, func(k Keys) bool { return len(k.Accounts) == 1 && len(k.Accounts[0]) > 32 && k.OutboxWith == nil }},
		{AuditorRole, []string{"audit.pub"}, func(k Keys) bool { return k.AuditPublic.Origin() == "sekisho-audit/test-1" && k.Audit == nil }},
	} {
		t.Run(string(c.role), func(t *testing.T) {
			all, dir := newKeys(t), t.TempDir()
			for _, f := range c.files {
				put(t, filepath.Join(dir, f), read(t, filepath.Join(all, f)), 0o600)
			}
			k, err := LoadKeys(dir, c.role)
			if err != nil || !c.has(k) {
				t.Errorf("%+v, %v", k, err)
			}
			for _, f := range c.files {
				if err := os.Remove(filepath.Join(dir, f)); err != nil {
					t.Fatal(err)
				}
				if _, err := LoadKeys(dir, c.role); err == nil || !strings.Contains(err.Error(), f) || !strings.Contains(err.Error(), "sekisho init") {
					t.Errorf("without %s: %v", f, err)
				}
				put(t, filepath.Join(dir, f), read(t, filepath.Join(all, f)), 0o600)
			}
		})
	}
	if _, err := LoadKeys(newKeys(t), "cook"); err == nil {
		t.Error("an unknown role was served")
	}
}

func TestLoadKeysNeverQuotesAKey(t *testing.T) {
	dir := newKeys(t)
	for _, f := range []string{"originals.agekey", "outbox.agekey", "seal.key", "audit.key"} {
		path := filepath.Join(dir, f)
		text := read(t, path)
		secret := firstLine(text)
		put(t, path, strings.Replace(text, secret, secret[:len(secret)-3]+"???", 1), 0o600)
		err := CheckKeys(dir).Err()
		if err == nil || strings.Contains(err.Error(), secret[len(secret)-20:len(secret)-3]) || strings.Contains(err.Error(), secret[:30]) {
			t.Errorf("%s: %v", f, err)
		}
		put(t, path, text, 0o600)
	}
}

func TestRotateKeepsOldFilesReadable(t *testing.T) {
	dir := newKeys(t)
	all := []Role{IntakeRole, FlowRole, DeliverRole, SequencerRole, AuditorRole, AccountRole}
	first, err := LoadKeys(dir, all...)
	if err != nil {
		t.Fatal(err)
	}
	old := encrypt(t, first.OriginalsTo)
	list, err := RotateKeys(dir, start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	present := 0
	for _, k := range list {
		if k.Present {
			present++
		}
		if len(k.ID) != map[bool]int{true: 8, false: 16}[k.Name == "audit"] || len(k.Fingerprint) != 79 {
			t.Errorf("%+v", k)
		}
	}
	if len(list) != 8 || present != 4 {
		t.Errorf("%d keys, %d present", len(list), present)
	}
	second, err := LoadKeys(dir, all...)
	if err != nil {
		t.Fatal(err)
	}
	if got := decrypt(t, old, second.OriginalsWith); got != "original" {
		t.Errorf("an old original reads %q", got)
	}
	fresh := encrypt(t, second.OriginalsTo)
	if decrypt(t, fresh, second.OriginalsWith) != "original" {
		t.Error("a new original cannot be read")
	}
	if _, err := age.Decrypt(bytes.NewReader(fresh), first.OriginalsWith...); err == nil {
		t.Error("the old key reads new originals")
	}
	if len(second.Accounts) != 2 || !bytes.Equal(second.Accounts[1], first.Accounts[0]) || bytes.Equal(second.Accounts[0], first.Accounts[0]) {
		t.Error("second factors are not sealed anew, or those sealed before do not open")
	}
	if first.Seal.ID() == second.Seal.ID() || second.SealPublic[first.Seal.ID()] == nil || second.SealPublic[second.Seal.ID()] == nil {
		t.Error("the sealing keys do not overlap")
	}
	if second.Audit.Name() != first.Audit.Name() || second.Audit.KeyHash() == first.Audit.KeyHash() {
		t.Error("the log key did not change, or its name did")
	}
	for _, k := range []interface {
		Name() string
		KeyHash() uint32
	}{first.Audit, second.Audit} {
		if _, err := second.AuditPublic.Verifier(k.Name(), k.KeyHash()); err != nil {
			t.Error(err)
		}
	}
	if ps := CheckKeys(dir); len(ps) > 0 {
		t.Error(ps)
	}
}

func TestRotateOneOnly(t *testing.T) {
	dir := newKeys(t)
	before, err := ListKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	after, err := RotateKeys(dir, start, "seal")
	if err != nil || len(after) != len(before)+1 {
		t.Fatalf("%d keys, %v", len(after), err)
	}
	if _, err := RotateKeys(dir, start, "house"); err == nil || !strings.Contains(err.Error(), "house") {
		t.Errorf("got %v", err)
	}
	if ring, err := seal.ParseKeyring(read(t, filepath.Join(dir, "seal.pub"))); err != nil || len(ring) != 2 {
		t.Errorf("%v %v", ring, err)
	}
}

func TestExportPublicHoldsNoSecret(t *testing.T) {
	dir, to := newKeys(t), filepath.Join(t.TempDir(), "out")
	if _, err := ExportPublic(dir, to); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(to)
	if err != nil || len(entries) != 4 {
		t.Fatalf("%v %v", entries, err)
	}
	for _, e := range entries {
		text := strings.ToUpper(read(t, filepath.Join(to, e.Name())))
		if strings.Contains(text, "SECRET") || strings.Contains(text, "PRIVATE") || strings.Contains(text, "SEAL-KEY") {
			t.Errorf("%s holds a secret", e.Name())
		}
	}
	if _, err := ExportPublic(dir, to); err == nil {
		t.Error("files were written over")
	}
}

func encrypt(t *testing.T, to []age.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "original")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decrypt(t *testing.T, b []byte, with []age.Identity) string {
	t.Helper()
	r, err := age.Decrypt(bytes.NewReader(b), with...)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
