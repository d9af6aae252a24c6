package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/desk"
	"sekisho/quarantine"
)

func person(q asked) desk.Person { return Person(q.who) }

// Person is an account that signed in, as the desk and its records know it. The
// command line uses it too, for who signs in for one step.
func Person(p account.Principal) desk.Person {
	return desk.Person{Actor: desk.ActorOf(p.User), Audit: p.Actor()}
}

// decisionView is a step of a request or an exception.
type decisionView struct {
	Choice     string    `json:"choice"`
	By         string    `json:"by"`
	Name       string    `json:"name"`
	OnBehalfOf string    `json:"on_behalf_of,omitempty"`
	Order      int       `json:"order,omitempty"`
	At         time.Time `json:"at"`
	Reason     string    `json:"reason,omitempty"`
	Basis      string    `json:"basis"`
	Also       []string  `json:"also,omitempty" doc:"Recipients added by this decision"`
}

func viewDecisions(list []quarantine.Decision) []decisionView {
	out := make([]decisionView, 0, len(list))
	for _, d := range list {
		out = append(out, decisionView{string(d.Choice), d.By.ID, d.By.Name, d.OnBehalfOf, d.Order, d.At, d.Reason, string(d.Basis), d.Also})
	}
	return out
}

type requestView struct {
	ID          string         `json:"id"`
	Item        string         `json:"item"`
	Message     string         `json:"message"`
	Receipt     string         `json:"receipt_no"`
	Recipient   string         `json:"recipient"`
	Form        string         `json:"form" enum:"resanitize,text_only,internet_side,exception"`
	Profile     string         `json:"profile,omitempty" enum:"wide"`
	Exception   string         `json:"exception,omitempty"`
	Requester   string         `json:"requester"`
	Name        string         `json:"requester_name"`
	Dept        string         `json:"dept"`
	Reason      string         `json:"reason,omitempty"`
	Persons     int            `json:"persons" doc:"Approvals that it needs"`
	State       string         `json:"state" enum:"requested,approved,denied,sent_back,withdrawn,expired,executed,failed"`
	Version     int            `json:"version"`
	RequestedAt time.Time      `json:"requested_at"`
	ExpiresAt   time.Time      `json:"expires_at"`
	EndedAt     *time.Time     `json:"ended_at,omitempty"`
	Decisions   []decisionView `json:"decisions"`
	To          []string       `json:"to" doc:"Who gets the part, or would"`
	LeftOut     []string       `json:"left_out,omitempty" doc:"Added by a decision, but under another policy: they get nothing and ask for themselves"`
	Fault       string         `json:"fault,omitempty" doc:"Why it could not be carried out"`
}

func viewRequest(r quarantine.ReleaseRequest) requestView {
	return requestView{ID: r.ID, Item: r.Item, Message: r.Message, Receipt: r.Receipt, Recipient: r.Recipient, Form: string(r.Form),
		Profile: string(r.Profile), Exception: r.Exception, Requester: r.Requester.ID, Name: r.Requester.Name, Dept: r.Dept, Reason: r.Reason,
		Persons: r.Persons, State: string(r.State), Version: r.Version, RequestedAt: r.RequestedAt, ExpiresAt: r.ExpiresAt,
		EndedAt: optionalTime(r.EndedAt), Decisions: viewDecisions(r.Decisions), To: r.To(), LeftOut: r.LeftOut, Fault: r.Fault}
}

type requestOutput struct{ Body requestView }

func oneRequest(r quarantine.ReleaseRequest, err error) (*requestOutput, error) {
	return &requestOutput{viewRequest(r)}, err
}

type requestsInput struct {
	State string `query:"state" enum:"requested,approved,denied,sent_back,withdrawn,expired,executed,failed" default:"requested"`
	Item  string `query:"item" maxLength:"64"`
}

type askInput struct {
	Body struct {
		Item      string `json:"item" maxLength:"64"`
		Form      string `json:"form" enum:"resanitize,text_only,internet_side,exception"`
		Profile   string `json:"profile,omitempty" enum:"wide"`
		Reason    string `json:"reason,omitempty" maxLength:"2000"`
		Exception string `json:"exception,omitempty" maxLength:"64"`
	}
}

type voteInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Decision   string   `json:"decision" enum:"approve,deny,send_back"`
		Reason     string   `json:"reason,omitempty" maxLength:"2000"`
		Also       []string `json:"also,omitempty" maxItems:"100" doc:"Original recipients who get the part too; none of an exception"`
		OnBehalfOf string   `json:"on_behalf_of,omitempty" maxLength:"64" doc:"The approver whose deputy decides"`
		Version    int      `json:"version,omitempty" minimum:"0" doc:"Of the picture that was decided on"`
	}
}

type bulkInput struct {
	Body struct {
		Requests   []string `json:"requests" minItems:"1" maxItems:"500"`
		Decision   string   `json:"decision" enum:"approve,deny,send_back"`
		Reason     string   `json:"reason,omitempty" maxLength:"2000"`
		OnBehalfOf string   `json:"on_behalf_of,omitempty" maxLength:"64"`
	}
}

type withdrawInput struct {
	ID     string `path:"id" maxLength:"64"`
	Reason string `query:"reason" maxLength:"2000"`
}

// maxRequests is how many requests one list looks at.
const maxRequests = 1000

func (a *API) addReleases() {
	read, ask, decide := account.ReadRequests, account.RequestRelease, account.DecideRelease
	add(a, route{method: "GET", path: "/release-requests", id: "listRequests", summary: "Release requests, oldest first", cap: read}, a.listRequests)
	add(a, route{method: "POST", path: "/release-requests", id: "askRelease", summary: "Ask for a held part", cap: ask, moves: true, status: http.StatusCreated}, a.ask)
	add(a, route{method: "GET", path: "/release-requests/{id}", id: "getRequest", summary: "One request", cap: read},
		func(ctx context.Context, q asked, in *IDInput) (*requestOutput, error) {
			return oneRequest(a.request(ctx, q, read, in.ID))
		})
	add(a, route{method: "DELETE", path: "/release-requests/{id}", id: "withdrawRequest", summary: "Take one's own request back", cap: ask},
		func(ctx context.Context, q asked, in *withdrawInput) (*none, error) {
			if _, err := a.request(ctx, q, ask, in.ID); err != nil {
				return nil, err
			}
			_, err := a.c.Desk.Withdraw(ctx, person(q), in.ID, 0, in.Reason)
			return nil, err
		})
	add(a, route{method: "POST", path: "/release-requests/{id}/decisions", id: "decideRequest", summary: "Approve, deny or send back", cap: decide, moves: true},
		func(ctx context.Context, q asked, in *voteInput) (*requestOutput, error) {
			if _, err := a.request(ctx, q, decide, in.ID); err != nil {
				return nil, err
			}
			return oneRequest(a.c.Desk.Decide(ctx, person(q), in.ID, in.Body.Version, vote(in)))
		})
	add(a, route{method: "POST", path: "/release-decisions", id: "decideRequests", summary: "Decide several requests alike, each with a result of its own",
		cap: decide, moves: true}, a.decideMany)
}

// decideMany decides several requests alike, each with a result of its own: what
// is refused for one does not stop the others.
func (a *API) decideMany(ctx context.Context, q asked, in *bulkInput) (*resultsOutput, error) {
	b := in.Body
	var one voteInput
	one.Body.Decision, one.Body.Reason, one.Body.OnBehalfOf = b.Decision, b.Reason, b.OnBehalfOf
	v := vote(&one)
	return a.each(q, "decideRequests", b.Requests, func(id string) error {
		if _, err := a.request(ctx, q, account.DecideRelease, id); err != nil {
			return err
		}
		_, err := a.c.Desk.Decide(ctx, person(q), id, 0, v)
		return err
	}), nil
}

// vote is what was said. Whether it may be said in another's stead is the desk's to
// look up.
func vote(in *voteInput) quarantine.Vote {
	return quarantine.Vote{Choice: quarantine.Choice(in.Body.Decision), Reason: in.Body.Reason, OnBehalfOf: in.Body.OnBehalfOf, Also: in.Body.Also}
}

// concern decides whether a request is within a person's reach: their own, of
// their mail, of their department, or of an approver whom they stand in for.
func (a *API) concern(ctx context.Context, q asked, c account.Capability) (func(quarantine.ReleaseRequest) bool, error) {
	far, err := q.who.Reach(c, a.c.Accounts.Now())
	if err != nil {
		return nil, err
	}
	u := q.who.User
	depts := []string{}
	if far == account.Dept && u.Dept != "" {
		depts = append(depts, u.Dept)
	}
	if far == account.Dept {
		held, err := a.c.Accounts.StandsFor(ctx, q.who)
		if err != nil {
			return nil, err
		}
		depts = append(depts, held...)
	}
	s := sight{own: u.Addresses}
	return func(r quarantine.ReleaseRequest) bool {
		return far == account.All || r.Requester.ID == u.ID || s.owns(r.Recipient) || r.Dept != "" && slices.Contains(depts, r.Dept)
	}, nil
}

func (a *API) request(ctx context.Context, q asked, c account.Capability, id string) (quarantine.ReleaseRequest, error) {
	concerns, err := a.concern(ctx, q, c)
	if err != nil {
		return quarantine.ReleaseRequest{}, err
	}
	r, err := a.c.Ledger.Request(ctx, id)
	if err == nil && !concerns(r) {
		return quarantine.ReleaseRequest{}, account.ErrNotFound
	}
	return r, err
}

func (a *API) listRequests(ctx context.Context, q asked, in *requestsInput) (*page[requestView], error) {
	concerns, err := a.concern(ctx, q, account.ReadRequests)
	if err != nil {
		return nil, err
	}
	state := quarantine.RequestState(in.State)
	// What waits longest is decided first; of what is over, people look for the last.
	list, err := a.c.Ledger.Requests(ctx, gateway.RequestQuery{States: []quarantine.RequestState{state}, Item: in.Item, Limit: maxRequests, Newest: !state.Open()})
	list = slices.DeleteFunc(list, func(r quarantine.ReleaseRequest) bool { return !concerns(r) })
	return newPage(list, "", viewRequest), err
}

func (a *API) ask(ctx context.Context, q asked, in *askInput) (*requestOutput, error) {
	s, err := a.sight(ctx, q, account.RequestRelease)
	if err != nil {
		return nil, err
	}
	i, err := a.item(ctx, s, in.Body.Item)
	if err != nil {
		return nil, err
	}
	dept, err := a.c.Accounts.DepartmentOf(ctx, i.Recipient)
	if err != nil {
		return nil, err
	}
	b := in.Body
	return oneRequest(a.c.Desk.Ask(ctx, person(q), desk.Ask{Item: b.Item, Form: quarantine.Form(b.Form), Profile: quarantine.Profile(b.Profile),
		Reason: b.Reason, Exception: b.Exception, Dept: dept}))
}
