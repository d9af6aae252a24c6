package intake_test

import (
	"strings"
	"testing"

	"sekisho/gateway/intake"
)

// BenchmarkMegabyte takes in mails of 1 MB, one for each connection,
// without storage: what the dialogue itself costs.
func BenchmarkMegabyte(b *testing.B) {
	m, addr := onSocket(b, intake.Limits{MailsPerMinute: 1 << 30})
	mail := opened + "DATA\r\n" + strings.Repeat(strings.Repeat("x", 76)+"\r\n", 1<<20/78) + ".\r\n"
	b.SetBytes(int64(len(mail)))
	for b.Loop() {
		if answers := whole(b, addr, mail); !strings.Contains(answers, "250 2.0.0 M-") {
			b.Fatal(answers)
		}
		m.mu.Lock()
		clear(m.kept)
		m.mu.Unlock()
	}
}
