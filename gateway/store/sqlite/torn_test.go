package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"sekisho/gateway"
)

// TestTornLog cuts the write-ahead log at each 512 bytes of its last
// transactions, as a power loss leaves a file that was being written: short,
// full of zeros, or with other bytes at its end. What was committed before the
// cut is there, of the transaction cut nothing, and the ledger goes on.
// spec: g3
func TestTornLog(t *testing.T) {
	const commits, torn = 6, 2
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.db")
	l := openAt(t, file)
	ends := []int{size(t, file+"-wal")}
	for n := 1; n <= commits; n++ {
		if err := l.Do(t.Context(), func(x gateway.Tx) error { return x.Accept(mail(n), record(t)) }); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, size(t, file+"-wal"))
	}
	data, log := mustRead(t, file), mustRead(t, file+"-wal")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	step := 1024
	if os.Getenv("SEKISHO_SOAK") != "" {
		step = 512
	}
	from := ends[commits-torn]
	for i, at := 0, from; at <= ends[commits]; i, at = i+1, at+step {
		for name, tail := range tails(i, log, at) {
			want := 0
			for want < commits && ends[want+1] <= at {
				want++
			}
			if err := reopen(t, file, data, tail, want); err != nil {
				t.Errorf("cut at %d of %d, then %s: %v", at, ends[commits], name, err)
			}
		}
	}
	if err := reopen(t, file, data, log, commits); err != nil {
		t.Errorf("whole: %v", err)
	}
}

// tails are what may be behind a cut: one of them in turn, all in long runs.
func tails(i int, log []byte, at int) map[string][]byte {
	zeros, other := append([]byte(nil), log...), append([]byte(nil), log...)
	clear(zeros[at:])
	for j := at; j < len(other); j++ {
		other[j] ^= 0x55
	}
	all := []string{"nothing", "zeros", "other bytes"}
	m := map[string][]byte{all[0]: log[:at], all[1]: zeros, all[2]: other}
	if os.Getenv("SEKISHO_SOAK") == "" {
		m = map[string][]byte{all[i%3]: m[all[i%3]]}
	}
	return m
}

// reopen opens a ledger from its bytes, in a new folder beside base, and wants the messages 1 to want and no
// other, no contradiction, and that another message can be accepted.
func reopen(t *testing.T, base string, data, log []byte, want int) error {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(base), "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "ledger.db")
	if err := errors.Join(os.WriteFile(file, data, 0o600), os.WriteFile(file+"-wal", log, 0o600)); err != nil {
		return err
	}
	l, err := Open(t.Context(), file)
	if err != nil {
		return err
	}
	defer l.Close()
	for n := 1; n <= want+1; n++ {
		_, err := l.Message(t.Context(), mail(n).ID)
		if n <= want && err != nil {
			return fmt.Errorf("message %d of %d: %w", n, want, err)
		}
		if n > want && !errors.Is(err, gateway.ErrNotFound) {
			return fmt.Errorf("message %d was not committed: %v", n, err)
		}
	}
	if bad := l.CheckConsistency(t.Context()); len(bad) > 0 {
		return fmt.Errorf("it is inconsistent: %v", bad)
	}
	return l.Do(t.Context(), func(x gateway.Tx) error { return x.Accept(mail(want+1), record(t)) })
}

func size(t *testing.T, file string) int { t.Helper(); return len(mustRead(t, file)) }

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
