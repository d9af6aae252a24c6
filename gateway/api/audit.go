package api

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"time"

	"sekisho/audit"
	"sekisho/gateway/account"
)

// maxSearch bounds the time of one search of the log.
const maxSearch = 20 * time.Second

type recordsInput struct {
	PageInput
	Event   string `query:"event" maxLength:"64" doc:"An event, or a group such as release.*"`
	Receipt string `query:"receipt_no" maxLength:"32"`
	Actor   string `query:"actor" maxLength:"64"`
	Sender  string `query:"sender" maxLength:"320"`
	SHA256  string `query:"sha256" pattern:"^([0-9a-f]{64})?$" doc:"Of an original or a sanitized copy"`
	Request string `query:"request" maxLength:"64" doc:"Id of a release request"`
}

// recordView is a record as it stands in the log: the canonical bytes, so that
// what is shown is what was signed.
type recordView struct {
	Seq    int64           `json:"seq"`
	Record json.RawMessage `json:"record" doc:"The canonical record (docs/design/audit.md)"`
}

type seqInput struct {
	Seq int64 `path:"seq" minimum:"0"`
}

type bundleOutput struct {
	Body audit.Bundle
}

type checkpointView struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
	Note   string `json:"note" doc:"The signed note (C2SP tlog-checkpoint)"`
}

type checkpointOutput struct{ Body checkpointView }

func (a *API) addAudit() {
	read := account.ReadAudit
	add(a, route{method: "GET", path: "/audit/records", id: "listRecords", summary: "Audit records, as signed", cap: read}, a.records)
	add(a, route{method: "GET", path: "/audit/records/{seq}/proof", id: "proveRecord", summary: "A record with its proof, to be verified offline", cap: read},
		func(ctx context.Context, q asked, in *seqInput) (*bundleOutput, error) {
			b, err := audit.Prove(ctx, a.c.AuditFiles, a.c.AuditKeys, in.Seq)
			if errors.Is(err, audit.ErrNotSigned) || errors.Is(err, audit.ErrProof) || errors.Is(err, fs.ErrNotExist) {
				err = account.ErrNotFound
			}
			return &bundleOutput{b}, err
		})
	add(a, route{method: "GET", path: "/audit/checkpoints/latest", id: "latestCheckpoint", summary: "The signed state of the log", cap: read},
		func(context.Context, asked, *none) (*checkpointOutput, error) {
			b, err := fs.ReadFile(a.c.AuditFiles, "checkpoint")
			if errors.Is(err, fs.ErrNotExist) {
				return nil, account.ErrNotFound
			}
			if err != nil {
				return nil, err
			}
			c, err := audit.OpenCheckpoint(b, a.c.AuditKeys)
			return &checkpointOutput{checkpointView{c.Origin, c.Size, c.Root.String(), string(b)}}, err
		})
	a.addSystem()
}

func (a *API) records(ctx context.Context, q asked, in *recordsInput) (*page[recordView], error) {
	n, ok := readCursor("r", in.Cursor)
	if !ok {
		return nil, invalid(q, "query.cursor")
	}
	f := audit.Filter{Since: in.After, Until: in.Before, Receipt: in.Receipt, Actor: in.Actor, Sender: in.Sender, SHA256: in.SHA256, Request: in.Request}
	if in.Event != "" {
		f.Verbs = []audit.Verb{audit.Verb(in.Event)}
	}
	ctx, cancel := context.WithTimeout(ctx, maxSearch)
	defer cancel()
	var list []recordView
	next, err := audit.Search(ctx, a.c.AuditFiles, f, audit.Page{Limit: in.Limit, Newest: true, After: n - 1},
		func(line []byte, e audit.Event) error {
			list = append(list, recordView{e.Seq, slices.Clone(line)})
			return nil
		})
	if err != nil {
		return nil, err
	}
	// Number 0 has a cursor too: they are counted from 1 here.
	return newPage(list, nextOf("r", next+1), func(v recordView) recordView { return v }), nil
}

type statusView struct {
	Version   string            `json:"version"`
	Ready     bool              `json:"ready"`
	Checks    map[string]string `json:"checks" doc:"ok, or failed; the operator's log says more"`
	Waiting   int               `json:"waiting" doc:"Mails that wait to be sanitized or relayed"`
	ItemsHeld int               `json:"items_held"`
	Requests  int               `json:"requests_pending"`
	Failed    int               `json:"deliveries_failed"`
	Oldest    *time.Time        `json:"oldest_waiting,omitempty"`
	Originals int64             `json:"original_bytes"`
	Pending   int64             `json:"audit_pending" doc:"Records without a place in the log yet"`
}

type statusOutput struct{ Body statusView }

func (a *API) addSystem() {
	add(a, route{method: "GET", path: "/system/status", id: "systemStatus", summary: "Does the gateway do its work?", cap: account.ReadSystem},
		func(ctx context.Context, _ asked, _ *none) (*statusOutput, error) {
			c, err := a.c.Ledger.Counts(ctx)
			if err != nil {
				return nil, err
			}
			v := statusView{Version: a.c.Version, Ready: true, Checks: map[string]string{}, Waiting: c.Accepted + c.Sanitizing + c.Drafted + c.Ready + c.Relaying,
				ItemsHeld: c.ItemsHeld, Requests: c.RequestsPending, Failed: c.Failed, Oldest: optionalTime(c.OldestWaiting),
				Originals: c.OriginalBytes, Pending: c.AuditPending}
			if a.c.Status != nil {
				for name, err := range a.c.Status(ctx) {
					v.Checks[name] = "ok"
					if err != nil {
						v.Checks[name], v.Ready = "failed", false
						a.c.Log.Warn("not ready", "check", name, "error", err)
					}
				}
			}
			return &statusOutput{v}, nil
		})
}
