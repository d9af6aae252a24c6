package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/quarantine"
)

// itemView is a held part as one person sees it.
type itemView struct {
	ID        string     `json:"id"`
	Message   string     `json:"message"`
	Receipt   string     `json:"receipt_no"`
	Recipient string     `json:"recipient"`
	Part      string     `json:"part" doc:"Place in the mail, empty for the whole mail"`
	Name      string     `json:"name,omitempty" doc:"File name as the sender wrote it"`
	Kind      string     `json:"kind"`
	Reason    string     `json:"reason"`
	Text      string     `json:"reason_text" doc:"In Japanese, for people"`
	Next      string     `json:"next_step" doc:"In Japanese, for people"`
	Detail    string     `json:"detail,omitempty" doc:"For administrators"`
	SHA256    string     `json:"sha256,omitempty"`
	Size      int64      `json:"size"`
	State     string     `json:"state" enum:"held,released,discarded,expired"`
	HeldAt    time.Time  `json:"held_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	DecidedAt *time.Time `json:"decided_at,omitempty"`
	DecidedBy string     `json:"decided_by,omitempty"`
}

func (s sight) item(i quarantine.Item) itemView {
	t := i.Reason.Text()
	v := itemView{ID: i.ID, Message: i.Message, Receipt: i.Receipt, Recipient: i.Recipient, Part: i.Path, Kind: string(i.Kind),
		Reason: string(i.Reason), Text: t.JA + "ため", Next: t.Next, SHA256: gateway.Hex(i.Sum), Size: i.Size, State: string(i.State),
		HeldAt: i.HeldAt, ExpiresAt: i.ExpiresAt, DecidedAt: optionalTime(i.DecidedAt), DecidedBy: i.DecidedBy}
	if s.reads(i.Recipient) {
		v.Name = i.Name
	}
	if s.named {
		v.Detail = i.Detail
	}
	return v
}

type itemsInput struct {
	PageInput
	State   string `query:"state" enum:"held,released,discarded,expired" doc:"Default: all"`
	Receipt string `query:"receipt_no" maxLength:"32"`
}

type itemOutput struct{ Body itemView }

type discardInput struct {
	Body struct {
		Items []string `json:"items" minItems:"1" maxItems:"500" doc:"Ids of held parts"`
	}
}

// resultView is what came of one of several things that were asked at once.
type resultView struct {
	ID   string `json:"id"`
	Done bool   `json:"done"`
	Code string `json:"code,omitempty" doc:"Why not"`
}

type resultsOutput struct {
	Body struct {
		Results []resultView `json:"results"`
	}
}

func (a *API) addItems() {
	add(a, route{method: "GET", path: "/items", id: "listItems", summary: "Held parts", cap: account.ReadItems},
		func(ctx context.Context, q asked, in *itemsInput) (*page[itemView], error) {
			s, err := a.sight(ctx, q, account.ReadItems)
			if err != nil {
				return nil, err
			}
			p, err := in.query(q, "i")
			if err != nil {
				return nil, err
			}
			p.State, p.Receipt = in.State, in.Receipt
			list, next, err := a.c.Ledger.ItemPage(ctx, s.limit(p))
			return newPage(list, nextOf("i", next), s.item), err
		})
	add(a, route{method: "GET", path: "/items/{id}", id: "getItem", summary: "One held part, never its content", cap: account.ReadItems},
		func(ctx context.Context, q asked, in *IDInput) (*itemOutput, error) {
			s, err := a.sight(ctx, q, account.ReadItems)
			if err != nil {
				return nil, err
			}
			i, err := a.judged(ctx, q, s, in.ID)
			return &itemOutput{s.item(i)}, err
		})
	add(a, route{method: "POST", path: "/item-discards", id: "discardItems", summary: "Discard held parts, each with a result of its own; cannot be undone",
		cap: account.DiscardItems, moves: true}, a.discard)
}

// item reads a part within reach.
func (a *API) item(ctx context.Context, s sight, id string) (quarantine.Item, error) {
	i, err := a.c.Ledger.Item(ctx, id)
	if err == nil && !s.sees(i.Recipient) {
		return quarantine.Item{}, account.ErrNotFound
	}
	return i, err
}

// judged is item, and also finds what the person has to decide about, as the deputy
// of another department's approver: nobody decides blind. Auditors decide nothing.
func (a *API) judged(ctx context.Context, q asked, s sight, id string) (quarantine.Item, error) {
	i, err := a.item(ctx, s, id)
	if !errors.Is(err, account.ErrNotFound) || q.who.User.Has(account.Auditor) {
		return i, err
	}
	concerns, why := a.concern(ctx, q, account.ReadRequests)
	if why != nil {
		return quarantine.Item{}, err // a token that may not read requests
	}
	open, why := a.c.Ledger.Requests(ctx, gateway.RequestQuery{Item: id, States: []quarantine.RequestState{quarantine.Requested}})
	if why != nil {
		return quarantine.Item{}, why
	}
	if !slices.ContainsFunc(open, concerns) {
		return quarantine.Item{}, err
	}
	return a.c.Ledger.Item(ctx, id)
}

func (a *API) discard(ctx context.Context, q asked, in *discardInput) (*resultsOutput, error) {
	s, err := a.sight(ctx, q, account.DiscardItems)
	if err != nil {
		return nil, err
	}
	return a.each(q, "discardItems", in.Body.Items, func(id string) error { return a.discardOne(ctx, q, s, id) }), nil
}

// each does one thing for each of several, and says what came of it.
func (a *API) each(q asked, operation string, ids []string, do func(id string) error) *resultsOutput {
	out := &resultsOutput{}
	for _, id := range ids {
		r := resultView{ID: id, Done: true}
		if err := do(id); err != nil {
			p, known := explain(err, q.accept)
			if !known {
				a.c.Log.Error("api", "operation", operation, "error", err)
			}
			r.Done, r.Code = false, p.Code
		}
		out.Body.Results = append(out.Body.Results, r)
	}
	return out
}

func (a *API) discardOne(ctx context.Context, q asked, s sight, id string) error {
	i, err := a.item(ctx, s, id)
	if err != nil {
		return err
	}
	if i, err = i.Discard(q.who.ID(), a.c.Accounts.Now()); err != nil {
		return err
	}
	r, err := a.record(q, "item.discarded", func(e *audit.Event) {
		e.Object = gateway.ItemObject(i)
		e.Mail = audit.Mail{Recipients: gateway.AuditRecipients([]string{i.Recipient})}
		e.Decision.ReasonCode = string(i.Reason)
	})
	if err != nil {
		return err
	}
	return a.c.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.MoveItem(i, r) })
}
