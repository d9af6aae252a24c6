package api

import (
	"context"
	"net/http"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/quarantine"
)

type scopeView struct {
	Recipients []string `json:"recipients" minItems:"1" maxItems:"100" doc:"Addresses, @domain or *"`
	Senders    []string `json:"senders" minItems:"1" maxItems:"100" doc:"Addresses, @domain or *"`
	Kinds      []string `json:"kinds" minItems:"1" maxItems:"100" doc:"Kinds of files, or *"`
}

type exceptionView struct {
	ID         string         `json:"id"`
	Scope      scopeView      `json:"scope"`
	Reason     string         `json:"reason"`
	From       time.Time      `json:"from"`
	Until      time.Time      `json:"until"`
	MaxUses    int            `json:"max_uses"`
	Uses       int            `json:"uses"`
	State      string         `json:"state" enum:"proposed,open,ended,expired"`
	Version    int            `json:"version"`
	ProposedBy string         `json:"proposed_by"`
	Name       string         `json:"proposer_name"`
	ProposedAt time.Time      `json:"proposed_at"`
	EndedAt    *time.Time     `json:"ended_at,omitempty"`
	Decisions  []decisionView `json:"decisions"`
}

func viewException(e quarantine.Exception) exceptionView {
	return exceptionView{ID: e.ID, Scope: scopeView(e.Scope), Reason: e.Reason, From: e.From, Until: e.Until, MaxUses: e.MaxUses, Uses: e.Uses,
		State: string(e.State), Version: e.Version, ProposedBy: e.ProposedBy.ID, Name: e.ProposedBy.Name, ProposedAt: e.ProposedAt,
		EndedAt: optionalTime(e.EndedAt), Decisions: viewDecisions(e.Decisions)}
}

type exceptionOutput struct{ Body exceptionView }

func oneException(e quarantine.Exception, err error) (*exceptionOutput, error) {
	return &exceptionOutput{viewException(e)}, err
}

type exceptionsInput struct {
	State string `query:"state" enum:"proposed,open,ended,expired" doc:"Default: all"`
}

type proposeInput struct {
	Body struct {
		Scope   scopeView `json:"scope"`
		Reason  string    `json:"reason" maxLength:"2000"`
		From    time.Time `json:"from"`
		Until   time.Time `json:"until"`
		MaxUses int       `json:"max_uses" minimum:"1" maximum:"1000"`
	}
}

type exceptionVoteInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Decision   string `json:"decision" enum:"approve,deny,end"`
		Reason     string `json:"reason,omitempty" maxLength:"2000"`
		OnBehalfOf string `json:"on_behalf_of,omitempty" maxLength:"64"`
		Version    int    `json:"version,omitempty" minimum:"0"`
	}
}

func (a *API) addExceptions() {
	read, decide := account.ReadExceptions, account.OpenException
	add(a, route{method: "GET", path: "/exceptions", id: "listExceptions", summary: "The register of exceptions, oldest first", cap: read},
		func(ctx context.Context, _ asked, in *exceptionsInput) (*page[exceptionView], error) {
			query := gateway.ExceptionQuery{Limit: maxRequests}
			if in.State != "" {
				query.States = []quarantine.ExceptionState{quarantine.ExceptionState(in.State)}
			}
			list, err := a.c.Ledger.Exceptions(ctx, query)
			return newPage(list, "", viewException), err
		})
	add(a, route{method: "GET", path: "/exceptions/{id}", id: "getException", summary: "One exception", cap: read},
		func(ctx context.Context, _ asked, in *IDInput) (*exceptionOutput, error) {
			return oneException(a.c.Ledger.Exception(ctx, in.ID))
		})
	add(a, route{method: "POST", path: "/exceptions", id: "proposeException", summary: "Propose an exception; two others have to approve", cap: decide, moves: true,
		status: http.StatusCreated},
		func(ctx context.Context, q asked, in *proposeInput) (*exceptionOutput, error) {
			b := in.Body
			return oneException(a.c.Desk.Propose(ctx, person(q), quarantine.Exception{Scope: quarantine.Scope(b.Scope), Reason: b.Reason, From: b.From,
				Until: b.Until, MaxUses: b.MaxUses}))
		})
	add(a, route{method: "POST", path: "/exceptions/{id}/decisions", id: "decideException", summary: "Approve, deny or end", cap: decide, moves: true}, a.decideException)
}

func (a *API) decideException(ctx context.Context, q asked, in *exceptionVoteInput) (*exceptionOutput, error) {
	b := in.Body
	if b.Decision == "end" {
		return oneException(a.c.Desk.EndException(ctx, person(q), in.ID, b.Version, b.Reason))
	}
	var like voteInput
	like.Body.Decision, like.Body.Reason, like.Body.OnBehalfOf = b.Decision, b.Reason, b.OnBehalfOf
	return oneException(a.c.Desk.DecideException(ctx, person(q), in.ID, b.Version, vote(&like)))
}
