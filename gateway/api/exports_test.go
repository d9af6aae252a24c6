package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/api"
)

// logged is a world with a log: written by hand, a checkpoint at a time.
type logged struct {
	*world
	keys audit.Keys
	log  *audit.Writer
	done int // records of the ledger that are in the log
}

func newLogged(t *testing.T, change func(*api.Config)) *logged {
	t.Helper()
	pair, err := audit.GenerateKey(strings.NewReader(strings.Repeat("k", 64)), "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.ParseSigner(pair.Signer)
	if err != nil {
		t.Fatal(err)
	}
	x := &logged{}
	if x.keys, err = audit.ParseKeys(pair.Verifier); err != nil {
		t.Fatal(err)
	}
	x.world = newWorldWith(t, func(c *api.Config) { c.AuditKeys = x.keys; change(c) })
	files, err := audit.OpenDir(x.logDir)
	if err == nil {
		x.log, err = audit.Open(t.Context(), files, audit.Options{Signer: signer, Keys: x.keys, Ballast: 64 << 10})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.log.Close() })
	return x
}

// sequence puts what the ledger has into the log, and signs it.
func (x *logged) sequence() int64 {
	x.T.Helper()
	all := x.Events("")
	_, err := x.log.Append(x.T.Context(), all[x.done:])
	x.done = len(all)
	if err != nil {
		x.T.Fatal(err)
	}
	return x.sign()
}

func (x *logged) sign() int64 {
	x.T.Helper()
	c, err := x.log.Checkpoint(x.T.Context())
	if err != nil {
		x.T.Fatal(err)
	}
	return c.Size
}

// fetch downloads a file.
func (c *client) fetch(path string, query url.Values) answer {
	c.w.T.Helper()
	a := c.want(200, "GET", path+"?"+query.Encode(), nil)
	if !strings.Contains(a.header.Get("Content-Disposition"), "attachment; filename=") || a.header.Get("Sekisho-Checkpoint-Size") == "" {
		c.w.T.Errorf("%s: %v", path, a.header)
	}
	return a
}

// TestExport: what is downloaded is what the command line writes, byte for byte,
// and audit verify accepts it, however much came in between.
// spec: art-6(9)
func TestExport(t *testing.T) {
	x := newLogged(t, func(*api.Config) {})
	x.user("kansa", "", account.Auditor)
	m := x.mail("yamada@town.example", "tanaka@town.example")
	size := x.sequence()
	c := x.signIn("kansa")
	for _, v := range []struct {
		name  string
		query url.Values
		o     audit.ExportOptions
	}{
		{"all, JSONL", url.Values{}, audit.ExportOptions{Format: audit.JSONL}},
		{"all, CSV", url.Values{"format": {"csv"}}, audit.ExportOptions{Format: audit.CSV}},
		{"in English", url.Values{"format": {"csv"}, "lang": {"en"}}, audit.ExportOptions{Format: audit.CSV, Lang: audit.English}},
		{"a group", url.Values{"event": {"message.*"}}, audit.ExportOptions{Format: audit.JSONL, Filter: audit.Filter{Verbs: []audit.Verb{"message.*"}}}},
		{"a mail", url.Values{"receipt_no": {m.Receipt}}, audit.ExportOptions{Format: audit.JSONL, Filter: audit.Filter{Receipt: m.Receipt}}},
		{"a time", url.Values{"after": {"2026-11-25T00:00:00Z"}, "before": {"2026-11-25T00:00:01Z"}}, audit.ExportOptions{Format: audit.JSONL,
			Filter: audit.Filter{Since: x.Now().Truncate(24 * time.Hour), Until: x.Now().Truncate(24 * time.Hour).Add(time.Second)}}},
		{"nothing", url.Values{"actor": {"nobody"}}, audit.ExportOptions{Format: audit.JSONL, Filter: audit.Filter{Actor: "nobody"}}},
	} {
		t.Run(v.name, func(t *testing.T) {
			var records, proof bytes.Buffer
			v.o.Size = size
			n, _, err := audit.Export(t.Context(), os.DirFS(x.logDir), x.keys, v.o, &records, &proof)
			if err != nil {
				t.Fatal(err)
			}
			v.query.Set("size", strconv.FormatInt(size, 10))
			got := c.fetch("audit/exports/records", v.query)
			x.sequence() // the download itself is on record, and signed
			gotProof := c.fetch("audit/exports/proof", v.query)
			x.sequence()
			if !bytes.Equal(got.body, records.Bytes()) || !bytes.Equal(gotProof.body, proof.Bytes()) {
				t.Errorf("another file than the command line's")
			}
			e, err := audit.VerifyExport(t.Context(), bytes.NewReader(got.body), bytes.NewReader(gotProof.body), x.keys)
			if err != nil || e.Count != n || e.Checkpoint.Size != size {
				t.Errorf("%+v %v", e, err)
			}
		})
		x.Wait(time.Second)
	}
	if got := x.records("audit.exported"); len(got) != 28 || got[0] != "audit.exported pending " || got[1] != "audit.exported success " {
		t.Errorf("%d records: %q", len(got), got)
	}
}

// TestExportOfTheLatest: without a size it is the published checkpoint, and the
// answer says which, for the proof.
func TestExportOfTheLatest(t *testing.T) {
	x := newLogged(t, func(*api.Config) {})
	x.user("kansa", "", account.Auditor)
	x.mail("yamada@town.example")
	size := x.sequence()
	c := x.signIn("kansa")
	a := c.fetch("audit/exports/records", url.Values{})
	if a.header.Get("Sekisho-Checkpoint-Size") != strconv.FormatInt(size, 10) || a.header.Get("Content-Type") != "application/jsonl" ||
		a.header.Get("Content-Disposition") != fmt.Sprintf(`attachment; filename="sekisho-audit-%d.jsonl"`, size) {
		t.Errorf("%v", a.header)
	}
	x.sequence()
	proof := c.fetch("audit/exports/proof", url.Values{"size": {a.header.Get("Sekisho-Checkpoint-Size")}})
	if _, err := audit.VerifyExport(t.Context(), bytes.NewReader(a.body), bytes.NewReader(proof.body), x.keys); err != nil {
		t.Error(err)
	}
	broken := bytes.Replace(a.body, []byte("yamada"), []byte("tanaka"), 1)
	if _, err := audit.VerifyExport(t.Context(), bytes.NewReader(broken), bytes.NewReader(proof.body), x.keys); !errors.Is(err, audit.ErrProof) {
		t.Errorf("an edited file: %v", err)
	}
	c.want(404, "GET", "audit/exports/records?size=7777", nil)
	if a := c.want(422, "GET", "audit/exports/records?event=no.such", nil); !strings.Contains(string(a.body), `"query.event"`) {
		t.Errorf("%s", a.body)
	}
	c.want(422, "GET", "audit/exports/records?format=xml", nil)
	x.Wait(account.StepUpTime + time.Second)
	for _, path := range []string{"audit/exports/records", "audit/exports/proof", "audit/receipts/x/proof"} {
		if a := c.want(401, "GET", path, nil); a.code() != "step_up_required" {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

// TestProofOfAMail: the bundle that the command line would write, verified without
// the log; what is not signed yet has to wait.
func TestProofOfAMail(t *testing.T) {
	x := newLogged(t, func(*api.Config) {})
	x.user("kansa", "", account.Auditor)
	m := x.mail("yamada@town.example")
	other := x.mail("tanaka@town.example")
	x.sequence()
	c := x.signIn("kansa")
	a := c.fetch("audit/receipts/"+m.Receipt+"/proof", nil)
	p, err := audit.VerifyBundle(a.body, x.keys)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Events) != 3 || bytes.Contains(a.body, []byte(other.Receipt)) || len(p.Texts) > 0 {
		t.Errorf("%d events, %d texts", len(p.Events), len(p.Texts))
	}
	seqs, err := audit.OfReceipt(t.Context(), os.DirFS(x.logDir), m.Receipt)
	if err != nil {
		t.Fatal(err)
	}
	b, err := audit.Prove(t.Context(), os.DirFS(x.logDir), x.keys, seqs...)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := b.Marshal(); err != nil || !bytes.Equal(append(text, '\n'), a.body) {
		t.Errorf("not what the command line writes: %v", err)
	}
	late := x.mail("sato@town.example")
	all := x.Events("")
	if _, err := x.log.Append(t.Context(), all[x.done:]); err != nil {
		t.Fatal(err)
	}
	if a := c.want(409, "GET", "audit/receipts/"+late.Receipt+"/proof", nil); a.code() != "not_signed_yet" {
		t.Errorf("%s", a.body)
	}
	x.sign()
	c.fetch("audit/receipts/"+late.Receipt+"/proof", nil)
	c.want(404, "GET", "audit/receipts/M-000000-00000/proof", nil)
	if got := x.records("audit.exported"); len(got) != 4 {
		t.Errorf("records: %q", got)
	}
}

// TestExportIsRecordedFirst: without a record not a byte goes out.
// spec: g6
func TestExportIsRecordedFirst(t *testing.T) {
	x := newLogged(t, func(c *api.Config) { c.Ledger = deaf{c.Ledger} })
	x.user("kansa", "", account.Auditor)
	m := x.mail("yamada@town.example")
	x.sequence()
	c := x.signIn("kansa")
	for _, path := range []string{"audit/exports/records", "audit/exports/proof", "audit/receipts/" + m.Receipt + "/proof"} {
		for range 3 { // and no place of those for exports is lost by it
			if a := c.want(500, "GET", path, nil); bytes.Contains(a.body, []byte("yamada")) {
				t.Errorf("%s", a.body)
			}
		}
	}
}

// deaf is a ledger that commits nothing more.
type deaf struct{ api.Ledger }

func (deaf) Do(context.Context, func(gateway.Tx) error) error {
	return errors.New("the ledger is gone")
}

// TestExportIsBrokenOff: an export that fails half-way does not look whole, and
// that it failed is on record; before the first byte it is a problem.
func TestExportIsBrokenOff(t *testing.T) {
	var log torn
	x := newLogged(t, func(c *api.Config) { log.FS = c.AuditFiles; c.AuditFiles = &log })
	x.user("kansa", "", account.Auditor)
	x.mail("yamada@town.example")
	all := x.Events("")
	for n := range 250 { // as of many mails
		e := all[len(all)-1]
		e.ID = fmt.Sprintf("%032x", n)
		all = append(all, e)
	}
	if _, err := x.log.Append(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	x.sign()
	c := x.signIn("kansa")
	s := httptest.NewServer(x.a)
	defer s.Close()
	get := func() (*http.Response, []byte, error) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/api/v1/audit/exports/records", nil)
		if err != nil {
			t.Fatal(err)
		}
		for n, v := range c.cookies {
			q.AddCookie(&http.Cookie{Name: n, Value: v})
		}
		a, err := s.Client().Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		return a, b, err
	}
	a, whole, err := get()
	if err != nil || a.StatusCode != 200 || len(whole) < 80_000 {
		t.Fatalf("%v, %d bytes, %v", a.Status, len(whole), err)
	}
	log.after = 80_000
	if a, part, err := get(); err == nil {
		t.Errorf("%v: %d of %d bytes look whole", a.Status, len(part), len(whole))
	}
	log.after = 1000
	if a, part, err := get(); err != nil || a.StatusCode != 500 || !bytes.Contains(part, []byte(`"internal"`)) || a.Header.Get("Content-Disposition") != "" {
		t.Errorf("%v: %s %v", a.Status, part, err)
	}
	var ended []string
	for _, e := range x.Events("audit.exported") {
		ended = append(ended, string(e.Outcome))
	}
	if strings.Join(ended, " ") != "pending success pending failure pending failure" {
		t.Errorf("records: %q", ended)
	}
}

// torn is a log whose segments cannot be read to their end.
type torn struct {
	fs.FS
	after int // bytes; 0: whole
}

func (l *torn) Open(name string) (fs.File, error) {
	f, err := l.FS.Open(name)
	if err == nil && l.after > 0 && strings.HasPrefix(name, "segments/") {
		return &tornFile{f, l.after}, nil
	}
	return f, err
}

type tornFile struct {
	fs.File
	left int
}

func (f *tornFile) Read(b []byte) (int, error) {
	if f.left <= 0 {
		return 0, errors.New("a bad sector")
	}
	n, err := f.File.Read(b[:min(len(b), f.left)])
	f.left -= n
	return n, err
}
