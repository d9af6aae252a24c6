package api

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
)

// sight is what of mails a person sees.
type sight struct {
	all  bool
	own  []string // the person's own mailboxes
	mine []string // mailboxes within reach
	// What senders wrote is seen by the reach of the roles that may see it, which
	// is not always that of all roles together.
	content bool // of own mail at least
	names   []string
	named   bool // all
}

func (a *API) sight(ctx context.Context, q asked, c account.Capability) (sight, error) {
	mine, all, err := a.c.Accounts.Mailboxes(ctx, q.who, c)
	if err != nil {
		return sight{}, err
	}
	s := sight{all: all, own: q.who.User.Addresses, mine: mine}
	reader := q.who
	reader.User.Roles = account.ContentRoles(q.who.User.Roles)
	switch s.names, s.named, err = a.c.Accounts.Mailboxes(ctx, reader, c); {
	case errors.Is(err, account.ErrDenied):
		return s, nil
	case err != nil:
		return sight{}, err
	}
	s.content = true
	return s, nil
}

// reads reports whether what a sender wrote to an address may be seen.
func (s sight) reads(address string) bool {
	return s.named || slices.Contains(s.names, strings.ToLower(address))
}

// sees reports whether mail to an address is within reach.
func (s sight) sees(address string) bool {
	return s.all || slices.Contains(s.mine, strings.ToLower(address))
}

func (s sight) owns(address string) bool { return slices.Contains(s.own, strings.ToLower(address)) }

func (s sight) limit(p gateway.PageQuery) gateway.PageQuery {
	p.All, p.Addresses = s.all, s.mine
	return p
}

// messageView is a mail as one person sees it: with the recipients within
// reach, and with what the sender wrote only for whom it is meant.
type messageView struct {
	ID         string         `json:"id"`
	Receipt    string         `json:"receipt_no"`
	ReceivedAt time.Time      `json:"received_at"`
	State      string         `json:"state" enum:"accepted,sanitizing,settled"`
	Sender     string         `json:"sender" doc:"Envelope sender, empty for none"`
	Recipients []string       `json:"recipients"`
	Subject    string         `json:"subject,omitempty"`
	From       string         `json:"from,omitempty" doc:"Sender as named in the mail"`
	Size       int64          `json:"size"`
	SHA256     string         `json:"sha256"`
	Deliveries []deliveryView `json:"deliveries,omitempty"`
}

type deliveryView struct {
	ID         string          `json:"id"`
	Kind       string          `json:"kind"`
	State      string          `json:"state"`
	Verdict    string          `json:"verdict"`
	Reason     string          `json:"reason,omitempty"`
	HeldParts  int             `json:"held_parts"`
	CreatedAt  time.Time       `json:"created_at"`
	Recipients []recipientView `json:"recipients"`
}

type recipientView struct {
	Address string     `json:"address"`
	State   string     `json:"state"`
	At      *time.Time `json:"at,omitempty"`
}

func (s sight) message(m gateway.Message) messageView {
	v := messageView{ID: string(m.ID), Receipt: m.Receipt, ReceivedAt: m.ReceivedAt, State: string(m.State), Sender: m.Envelope.From,
		Recipients: []string{}, Size: m.Size, SHA256: gateway.Hex(m.Sum)}
	own := false
	for _, to := range m.Envelope.To {
		if s.sees(to) {
			v.Recipients = append(v.Recipients, to)
		}
		own = own || s.owns(to)
	}
	// Mail of others is looked up by what is known of it, not by what it says.
	if own && s.content {
		v.Subject, v.From = m.Subject, m.From
	}
	return v
}

func (s sight) delivery(d gateway.Delivery) (deliveryView, bool) {
	v := deliveryView{ID: string(d.ID), Kind: string(d.Kind), State: string(d.State), Verdict: d.Verdict, Reason: d.Reason,
		HeldParts: d.HeldParts, CreatedAt: d.CreatedAt}
	for _, r := range d.Recipients {
		if s.sees(r.Address) {
			v.Recipients = append(v.Recipients, recipientView{r.Address, string(r.State), optionalTime(r.At)})
		}
	}
	return v, len(v.Recipients) > 0
}

type messagesInput struct {
	PageInput
	State   string `query:"state" enum:"accepted,sanitizing,settled"`
	Receipt string `query:"receipt_no" maxLength:"32"`
}

type messageOutput struct{ Body messageView }

// eventView is a step of a mail's history.
type eventView struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"`
	Text    string    `json:"text" doc:"What it means, in the language asked for"`
	Outcome string    `json:"outcome"`
	Actor   string    `json:"actor" enum:"user,os_user,system,remote"`
	Name    string    `json:"name,omitempty"`
	Part    string    `json:"part,omitempty"`
	Reason  string    `json:"reason,omitempty"`
}

func (a *API) addMail() {
	add(a, route{method: "GET", path: "/messages", id: "listMessages", summary: "Mails", cap: account.ReadMessages},
		func(ctx context.Context, q asked, in *messagesInput) (*page[messageView], error) {
			s, err := a.sight(ctx, q, account.ReadMessages)
			if err != nil {
				return nil, err
			}
			p, err := in.query(q, "m")
			if err != nil {
				return nil, err
			}
			p.State, p.Receipt = in.State, in.Receipt
			list, next, err := a.c.Ledger.MessagePage(ctx, s.limit(p))
			return newPage(list, nextOf("m", next), s.message), err
		})
	add(a, route{method: "GET", path: "/messages/{id}", id: "getMessage", summary: "One mail", cap: account.ReadMessages}, a.getMessage)
	add(a, route{method: "GET", path: "/messages/{id}/timeline", id: "getTimeline", summary: "What was done to a mail", cap: account.ReadMessages}, a.timeline)
}

// message reads a mail within reach; others are not found, as if there were none.
func (a *API) message(ctx context.Context, s sight, id string) (gateway.Message, error) {
	m, err := a.c.Ledger.Message(ctx, gateway.ID(id))
	if err != nil {
		return m, err
	}
	if !s.all && !slices.ContainsFunc(m.Envelope.To, s.sees) {
		return m, account.ErrNotFound
	}
	return m, nil
}

func (a *API) getMessage(ctx context.Context, q asked, in *IDInput) (*messageOutput, error) {
	s, err := a.sight(ctx, q, account.ReadMessages)
	if err != nil {
		return nil, err
	}
	m, err := a.message(ctx, s, in.ID)
	if err != nil {
		return nil, err
	}
	if err := a.viewed(ctx, q, s, m); err != nil {
		return nil, err
	}
	ds, err := a.c.Ledger.Deliveries(ctx, gateway.DeliveryQuery{Message: m.ID, Limit: 100})
	out := &messageOutput{s.message(m)}
	for _, d := range ds {
		if v, ok := s.delivery(d); ok {
			out.Body.Deliveries = append(out.Body.Deliveries, v)
		}
	}
	return out, err
}

// viewed records that somebody looked at another person's mail, in the history
// that this person sees.
func (a *API) viewed(ctx context.Context, q asked, s sight, m gateway.Message) error {
	if slices.ContainsFunc(m.Envelope.To, s.owns) {
		return nil
	}
	r, err := a.record(q, "message.viewed", func(e *audit.Event) {
		e.Object = m.Object()
		e.Mail.Recipients = gateway.AuditRecipients(slices.DeleteFunc(slices.Clone(m.Envelope.To), func(to string) bool { return !s.sees(to) }))
	})
	if err != nil {
		return err
	}
	return a.c.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.NoteOn(m.ID, r) })
}

func (a *API) record(q asked, v audit.Verb, fill func(*audit.Event)) (gateway.Record, error) {
	return a.c.Scribe.System(v, audit.Success, func(e *audit.Event) {
		e.Actor = q.who.Actor()
		fill(e)
	})
}

type timelineInput struct {
	PageInput
	IDInput
}

func (a *API) timeline(ctx context.Context, q asked, in *timelineInput) (*page[eventView], error) {
	s, err := a.sight(ctx, q, account.ReadMessages)
	if err != nil {
		return nil, err
	}
	m, err := a.message(ctx, s, in.ID)
	if err != nil {
		return nil, err
	}
	p, err := in.query(q, "t")
	if err != nil {
		return nil, err
	}
	p.All, p.Message = true, m.ID
	rows, next, err := a.c.Ledger.RecordPage(ctx, p)
	rows = slices.DeleteFunc(rows, func(r audit.Row) bool { return !s.concerns(r.Event) })
	return newPage(rows, nextOf("t", next), func(r audit.Row) eventView { return s.event(r.Event, japanese(q.accept)) }), err
}

// concerns reports whether a record of a mail is about the person's part of it.
// Records of others' deliveries would tell who else got it.
func (s sight) concerns(e audit.Event) bool {
	return s.all || e.Verb == "message.received" || e.Verb == "message.sanitized" || slices.ContainsFunc(e.Mail.Recipients, s.sees)
}

func (s sight) event(e audit.Event, ja bool) eventView {
	info, _ := e.Verb.Info()
	v := eventView{At: e.TS, Event: string(e.Verb), Text: info.EN, Outcome: string(e.Outcome), Actor: string(e.Actor.Type),
		Part: e.Object.Part, Reason: e.Decision.ReasonCode}
	if ja {
		v.Text = info.JA
	}
	if e.Actor.Type == audit.ActorUser {
		v.Name = e.Actor.Name
	}
	return v
}
