package realtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/gateway/peertest"
)

// releaseRow is a line of "sekisho quarantine requests --json".
type releaseRow struct {
	ID       string `json:"id"`
	Item     string `json:"item"`
	State    string `json:"state"`
	Fault    string `json:"fault"`
	Delivery string `json:"delivery"`
}

// TestKilledWhileReleasing kills the program around the work on a release that
// two persons agreed on: twice while it works on it, and again while the
// follow-up mail is on its way. Each part comes in one mail, or in copies of it
// that are the same byte for byte.
// spec: g3 g11
func TestKilledWhileReleasing(t *testing.T) {
	releases, chance := max(6, rounds(t, 6, 1)/5), chance(t)
	host := peertest.Loopback()
	s := newSink(t, host)
	g := install(t, host, s.Address)
	strict := filepath.Join(g.dir, "etc", "policy.yaml")
	if err := os.WriteFile(strict, []byte("default:\n  kinds:\n    csv: quarantine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.start()
	held := holdTables(t, g, s, releases+1)
	g.stop()

	// One in peace shows how long it takes from the start of the program.
	first := g.approved(held[0].item)
	began := time.Now()
	g.start()
	g.executed(first)
	span := time.Since(began)
	g.kill()
	aim := span / 2
	for _, h := range held[1:] {
		id := g.approved(h.item)
		for range 2 { // a third dead parent would end the job
			g.killedAt(aim - span/16 + time.Duration(chance.Int64N(int64(span/8))))
			if aim += span / 16; g.release(id).State == "executed" {
				aim -= span / 8 // the next one earlier: most are to strike about the end of the work
			}
		}
		g.start()
		g.executed(id)
		g.kill() // before, while, or after the mail goes out
	}
	g.start()
	g.drained()
	g.stop()
	g.verify()
	for _, h := range held {
		cameOnce(t, g, s, h)
	}
	said, err := os.ReadFile(filepath.Join(g.dir, "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	struck := bytes.Count(said, []byte("in the middle of its work"))
	t.Logf("%d releases, %v each, %d kills, %d of them in the midst of work", releases+1, span.Round(time.Millisecond), 3*releases+1, struck)
	if releases >= 50 && struck < releases/10 {
		t.Error("too few kills struck work")
	}
}

// killedAt starts the program and kills it a moment later.
func (g *gateway) killedAt(moment time.Duration) {
	g.t.Helper()
	g.launch()
	select {
	case <-g.ended:
		g.t.Fatalf("sekisho serve ended by itself: %v", g.err)
	case <-time.After(moment):
	}
	g.kill()
}

// heldTable is a part that is held, and the mail that it came with.
type heldTable struct {
	letter letter
	item   string
}

// holdTables sends mails whose tables are held, and waits until the rest of each
// has come.
func holdTables(t *testing.T, g *gateway, s *sink, n int) []heldTable {
	t.Helper()
	c, err := dial(t.Context(), g.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	var out []heldTable
	receipts := map[string]int{}
	for i := range n {
		m := newLetter(table, i)
		reply, _, err := c.send("kumin@example.com", m.to, m.body)
		if err != nil || !strings.HasPrefix(reply, "250 2.0.0 M-") {
			t.Fatalf("%q, %v", reply, err)
		}
		receipts[strings.Fields(reply)[2]] = i
		out = append(out, heldTable{letter: m})
	}
	for _, h := range out {
		until(t, h.letter.id, func() bool { return len(s.copies(h.letter.id)) > 0 })
	}
	for _, i := range g.items() {
		out[receipts[i.Receipt]].item = i.ID
	}
	for _, h := range out {
		if h.item == "" {
			t.Fatalf("%s has no held part", h.letter.id)
		}
	}
	return out
}

var requestID = regexp.MustCompile(`(?m)^([0-9a-f]{32}): (\w+)$`)

// approved asks for a part as text, which needs nobody else, and returns the
// number of the request.
func (g *gateway) approved(item string) string {
	g.t.Helper()
	out, code := g.run("quarantine", "request", "-c", g.config, item, "--form=text_only")
	m := requestID.FindStringSubmatch(out)
	if code != 0 || m == nil || m[2] != "approved" {
		g.t.Fatalf("request: exit %d\n%s", code, out)
	}
	return m[1]
}

// release returns a request as the ledger has it.
func (g *gateway) release(id string) releaseRow {
	g.t.Helper()
	rows := list[releaseRow](g, "quarantine", "requests", "-c", g.config, "--json", all)
	at := slices.IndexFunc(rows, func(r releaseRow) bool { return r.ID == id })
	if at < 0 {
		g.t.Fatalf("request %s is gone", id)
	}
	return rows[at]
}

// executed waits until a request has been carried out.
func (g *gateway) executed(id string) {
	g.t.Helper()
	until(g.t, "the release to be carried out", func() bool {
		r := g.release(id)
		if r.State == "failed" {
			g.t.Fatalf("request %s failed: %s", id, r.Fault)
		}
		return r.State == "executed"
	})
}

// cameOnce checks that a released part came in one mail, perhaps several times.
func cameOnce(t *testing.T, g *gateway, s *sink, h heldTable) {
	t.Helper()
	rows := list[releaseRow](g, "quarantine", "requests", "-c", g.config, "--json", all)
	at := slices.IndexFunc(rows, func(r releaseRow) bool { return r.Item == h.item })
	if at < 0 || rows[at].State != "executed" {
		t.Fatalf("%s: %+v", h.letter.id, rows)
	}
	ds := g.deliveries("relayed")
	if !slices.ContainsFunc(ds, func(d delivery) bool { return d.ID == rows[at].Delivery && d.Kind == "followup" }) {
		t.Errorf("%s: delivery %s was not relayed", h.letter.id, rows[at].Delivery)
	}
	var ids []string
	for _, id := range s.ids() {
		copies := s.copies(id)
		if copies[0].from != "" || !bytes.Contains(copies[0].body, []byte("\r\nIn-Reply-To: "+h.letter.id+"\r\n")) {
			continue
		}
		ids = append(ids, fmt.Sprintf("%s (%d times)", id, len(copies)))
		for _, c := range copies {
			if c.sum != copies[0].sum || !slices.Equal(c.to, h.letter.to) {
				t.Errorf("%s came again and was not the same: %v", id, c.to)
			}
		}
	}
	if len(ids) != 1 {
		t.Errorf("%s was released in %d mails: %v", h.letter.id, len(ids), ids)
	}
}
