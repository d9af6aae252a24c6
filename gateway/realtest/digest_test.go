package realtest

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/mail"
	"strings"
	"testing"
	"time"

	"sekisho/gateway/peertest"
)

// TestKilledWhileTelling kills the program while it writes and sends digests:
// each held mail is told of to its recipient in one digest, or in copies of it
// that are the same byte for byte.
// spec: g3
func TestKilledWhileTelling(t *testing.T) {
	kills, chance := max(6, rounds(t, 6, 1)/5), chance(t)
	host := peertest.Loopback()
	s := newSink(t, host)
	later := time.Now().UTC().Add(12 * time.Hour).Format("15:04")
	g := install(t, host, s.Address, "SEKISHO_TIMEZONE=UTC", "SEKISHO_NOTICES_MODE=digest", "SEKISHO_NOTICES_HOURS="+later)
	g.start()
	receipts := holdPieces(t, g, 8*kills)
	g.drained()
	g.stop()
	if total, _ := s.have(); total != 0 {
		t.Fatalf("%d mails came before the hour", total)
	}
	// Without hours, all of it is due at the next start.
	g.environ = append(g.environ, "SEKISHO_NOTICES_MODE=now", "SEKISHO_NOTICES_HOURS=")
	moment := 300 * time.Millisecond
	for range kills {
		before, _ := s.have()
		g.killedAt(moment/2 + time.Duration(chance.Int64N(int64(moment))))
		if after, _ := s.have(); after == before { // not yet at it
			moment += moment / 4
		} else if after > before+16 {
			moment -= moment / 4
		}
	}
	_, early := s.have()
	g.start()
	until(t, "the digests", func() bool { _, different := s.have(); return different >= len(receipts) })
	g.drained()
	g.stop()
	g.verify()
	toldOnce(t, s, receipts)
	total, different := s.have()
	t.Logf("%d digests, %d of them before the last of %d kills, %d came again", different, early, kills, total-different)
}

// holdPieces sends mails that are held as a whole, each to a recipient of its
// own, and returns their receipt numbers by recipient.
func holdPieces(t *testing.T, g *gateway, n int) map[string]string {
	t.Helper()
	c, err := dial(t.Context(), g.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	receipts := map[string]string{}
	for i := range n {
		m := newLetter(piece, i)
		reply, _, err := c.send("kumin@example.com", m.to, m.body)
		if err != nil || !strings.HasPrefix(reply, "250 2.0.0 M-") {
			t.Fatalf("%q, %v", reply, err)
		}
		receipts[m.to[0]] = strings.Fields(reply)[2]
	}
	return receipts
}

// toldOnce checks that each recipient got one digest, of the mail that is held
// for them, and that what came again was the same.
func toldOnce(t *testing.T, s *sink, receipts map[string]string) {
	t.Helper()
	for to, receipt := range receipts {
		own := s.own(to)
		if len(own) != 1 {
			t.Errorf("%s got %d digests", to, len(own))
			continue
		}
		if text := digestText(t, own[0].body); strings.Count(text, receipt) != 1 || strings.Count(text, "受付番号　") != 1 {
			t.Errorf("%s was told:\n%s", to, text)
		}
	}
	for _, id := range s.ids() {
		copies := s.copies(id)
		for _, c := range copies {
			if c.sum != copies[0].sum || c.from != "" {
				t.Errorf("%s came again and was not the same", id)
			}
		}
	}
}

// digestText is the text of one of the gateway's own mails.
func digestText(t *testing.T, data []byte) string {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil || m.Header.Get("Content-Transfer-Encoding") != "base64" {
		t.Fatalf("%v, %v", m, err)
	}
	text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
