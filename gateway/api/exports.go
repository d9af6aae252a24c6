package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
)

const (
	// maxExports is how many exports run at once: each reads the whole log.
	maxExports = 2
	// exportWait is how long one may stand still, because the other side does not
	// read, before it ends.
	exportWait = time.Minute
	// checkpointHeader says under which checkpoint an export stands; with it as
	// size the records and their proof are of one moment.
	checkpointHeader = "Sekisho-Checkpoint-Size"
)

// exportInput is an export, as `sekisho audit export` has it.
type exportInput struct {
	Format  string    `query:"format" enum:"jsonl,csv" default:"jsonl"`
	Lang    string    `query:"lang" enum:"ja,en" default:"ja" doc:"Of the heading and the words of CSV"`
	Size    int64     `query:"size" minimum:"0" doc:"Of the checkpoint that the records are under, from the answer's Sekisho-Checkpoint-Size; default the latest"`
	Event   string    `query:"event" maxLength:"64" doc:"An event, or a group such as release.*"`
	Receipt string    `query:"receipt_no" maxLength:"32"`
	Actor   string    `query:"actor" maxLength:"64"`
	Sender  string    `query:"sender" maxLength:"320"`
	SHA256  string    `query:"sha256" pattern:"^([0-9a-f]{64})?$" doc:"Of an original or a sanitized copy"`
	Request string    `query:"request" maxLength:"64" doc:"Id of a release request"`
	After   time.Time `query:"after" doc:"Not before this time"`
	Before  time.Time `query:"before" doc:"Before this time"`
}

func (in exportInput) options(q asked) (audit.ExportOptions, error) {
	o := audit.ExportOptions{Format: audit.Format(in.Format), Size: in.Size, Filter: audit.Filter{Since: in.After, Until: in.Before, Receipt: in.Receipt,
		Actor: in.Actor, Sender: in.Sender, SHA256: in.SHA256, Request: in.Request}}
	if in.Lang == "en" {
		o.Lang = audit.English
	}
	if in.Event != "" {
		if !audit.KnownEvent(in.Event) {
			return o, invalid(q, "query.event")
		}
		o.Filter.Verbs = []audit.Verb{audit.Verb(in.Event)}
	}
	return o, nil
}

type receiptInput struct {
	Receipt string `path:"receipt" maxLength:"32" doc:"Receipt number of a mail"`
}

// download is a file that is made while it is sent.
type download struct {
	a    *API
	q    asked
	id   string // of the operation
	name string
	kind string
	size int64  // of the checkpoint
	what string // for the record
	path string // of the change in the record
	make func(ctx context.Context, w io.Writer) (int64, error)
}

func (a *API) addExports() {
	export := account.ExportAudit
	add(a, route{method: "GET", path: "/audit/exports/records", id: "exportRecords", summary: "Audit records as a file", cap: export, media: "application/jsonl,text/csv"},
		func(ctx context.Context, q asked, in *exportInput) (*huma.StreamResponse, error) {
			return a.export(ctx, q, in, "exportRecords", "")
		})
	add(a, route{method: "GET", path: "/audit/exports/proof", id: "exportProof", summary: "The proof of such a file: NAME.proof beside NAME is what audit verify --export reads",
		cap: export, media: "application/jsonl"},
		func(ctx context.Context, q asked, in *exportInput) (*huma.StreamResponse, error) {
			return a.export(ctx, q, in, "exportProof", ".proof")
		})
	add(a, route{method: "GET", path: "/audit/receipts/{receipt}/proof", id: "proveReceipt", summary: "All records about a mail with their proofs, to be verified offline: audit verify --bundle",
		cap: export, media: "application/json"}, a.proveReceipt)
}

// export answers with the records, or with their proof.
func (a *API) export(ctx context.Context, q asked, in *exportInput, id, ending string) (*huma.StreamResponse, error) {
	o, err := in.options(q)
	if err != nil {
		return nil, err
	}
	c, err := a.checkpoint(ctx, in.Size)
	if err != nil {
		return nil, err
	}
	o.Size = c.Size
	d := download{a: a, q: q, id: id, name: fmt.Sprintf("sekisho-audit-%d.%s%s", c.Size, in.Format, ending), kind: "application/jsonl", size: c.Size,
		path: "export", what: fmt.Sprintf("%s%s, %s", in.Format, ending, o.Filter)}
	if in.Format == "csv" && ending == "" {
		d.kind = "text/csv; charset=utf-8"
	}
	d.make = func(ctx context.Context, w io.Writer) (int64, error) {
		records, proof := w, io.Discard
		if ending != "" {
			records, proof = io.Discard, w
		}
		n, _, err := audit.Export(ctx, a.c.AuditFiles, a.c.AuditKeys, o, records, proof)
		return n, err
	}
	return d.start(ctx)
}

// checkpoint is the latest one for 0.
func (a *API) checkpoint(ctx context.Context, size int64) (audit.Checkpoint, error) {
	var c audit.Checkpoint
	var err error
	if size > 0 {
		c, err = audit.CheckpointAt(ctx, a.c.AuditFiles, a.c.AuditKeys, size)
	} else {
		var b []byte
		if b, err = fs.ReadFile(a.c.AuditFiles, "checkpoint"); err == nil {
			c, err = audit.OpenCheckpoint(b, a.c.AuditKeys)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = account.ErrNotFound
	}
	return c, err
}

// proveReceipt answers with what `sekisho audit prove --message` writes: digests
// of subjects and names, for an auditor sees no content.
func (a *API) proveReceipt(ctx context.Context, q asked, in *receiptInput) (*huma.StreamResponse, error) {
	search, cancel := context.WithTimeout(ctx, maxSearch)
	defer cancel()
	seqs, err := audit.OfReceipt(search, a.c.AuditFiles, in.Receipt)
	if err != nil {
		return nil, unproven(q, err)
	}
	b, err := audit.Prove(search, a.c.AuditFiles, a.c.AuditKeys, seqs...)
	if err != nil {
		return nil, unproven(q, err)
	}
	text, err := b.Marshal()
	if err != nil {
		return nil, err
	}
	c, err := audit.OpenCheckpoint([]byte(b.Checkpoint), a.c.AuditKeys)
	if err != nil {
		return nil, err
	}
	d := download{a: a, q: q, id: "proveReceipt", name: "sekisho-proof-" + in.Receipt + ".json", kind: "application/json", size: c.Size, path: "bundle",
		what: fmt.Sprintf("%d records, %s", len(b.Records), audit.Clean(in.Receipt, 32))}
	d.make = func(_ context.Context, w io.Writer) (int64, error) {
		_, err := w.Write(append(text, '\n'))
		return int64(len(b.Records)), err
	}
	return d.start(ctx)
}

// unproven is why records cannot be proven.
func unproven(q asked, err error) error {
	switch {
	case errors.Is(err, audit.ErrNotSigned):
		return problem(codeUnsigned, q.accept)
	case errors.Is(err, audit.ErrNoRecords), errors.Is(err, fs.ErrNotExist):
		return account.ErrNotFound
	}
	return err
}

// start records that the file is taken out, before a byte of it is sent, and
// answers with it.
func (d download) start(ctx context.Context) (*huma.StreamResponse, error) {
	select {
	case d.a.exporting <- struct{}{}:
	default:
		return nil, d.a.wait(d.q, exportWait)
	}
	if err := d.record(ctx, audit.Pending, d.what); err != nil {
		<-d.a.exporting
		return nil, err
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		defer func() { <-d.a.exporting }()
		d.send(h)
	}}, nil
}

func (d download) record(ctx context.Context, o audit.Outcome, what string) error {
	r, err := d.a.record(d.q, "audit.exported", func(e *audit.Event) {
		e.Outcome, e.Object = o, audit.Object{Type: "log"}
		e.Change = audit.Change{Path: d.path, Before: "first " + strconv.FormatInt(d.size, 10), After: audit.Clean(what, 1024)}
	})
	if err != nil {
		return err
	}
	return d.a.c.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.Note(r) })
}

// send makes the file. Should that fail on the way, the answer is broken off, so
// that nobody takes a part of it for the whole; and how it ended is on record.
func (d download) send(h huma.Context) {
	_, w := humago.Unwrap(h)
	control := http.NewResponseController(w)
	h.SetHeader("Content-Type", d.kind)
	h.SetHeader("Content-Disposition", `attachment; filename="`+d.name+`"`)
	h.SetHeader(checkpointHeader, strconv.FormatInt(d.size, 10))
	body := &patient{w: h.BodyWriter(), control: control}
	out := bufio.NewWriterSize(body, 64<<10)
	n, err := d.make(h.Context(), out)
	if err == nil {
		err = out.Flush()
	}
	outcome, what := audit.Success, fmt.Sprintf("%s: %d records", d.what, n)
	if err != nil {
		outcome, what = audit.Failure, d.what
		d.a.c.Log.Error("an export was broken off", "operation", d.id, "error", err)
		d.breakOff(w, control, body.began)
	}
	if err := d.record(context.WithoutCancel(h.Context()), outcome, what); err != nil {
		d.a.c.Log.Error("how an export ended was not recorded", "operation", d.id, "error", err)
	}
}

// breakOff ends an answer that is not whole: with a problem as long as nothing was
// sent, and else by a deadline that has passed, which cuts the connection before
// the mark of its end.
func (d download) breakOff(w http.ResponseWriter, control *http.ResponseController, began bool) {
	if !began {
		w.Header().Del("Content-Disposition")
		problem(codeInternal, d.q.accept).write(w)
		return
	}
	if err := control.SetWriteDeadline(time.Unix(1, 0)); err != nil {
		d.a.c.Log.Error("an export could not be broken off", "operation", d.id, "error", err)
	}
}

// patient gives each piece its own time: a whole export may take longer than an
// answer may.
type patient struct {
	w       io.Writer
	control *http.ResponseController
	began   bool
}

// Write implements io.Writer.
func (p *patient) Write(b []byte) (int, error) {
	p.began = true
	if err := p.control.SetWriteDeadline(time.Now().Add(exportWait)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.w.Write(b)
}
