package api

import (
	"context"
	"net/http"
	"time"

	"sekisho/gateway/account"
)

type usersInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"256" doc:"The next of the page before"`
	Dept   string `query:"dept" maxLength:"32"`
	Role   string `query:"role" enum:"staff,approver,admin,auditor,operator"`
	State  string `query:"state" enum:"active,disabled"`
}

type userOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   struct {
		User     userView      `json:"user"`
		Proposal *proposalView `json:"proposal,omitempty" doc:"What waits for a second person"`
	}
}

// userAnswer is a user with what waits: 202 then, for it is not done.
func userAnswer(u account.User, waits *account.Proposal) *userOutput {
	out := &userOutput{Status: http.StatusOK, ETag: etag(u.Version)}
	out.Body.User = viewUser(u)
	if waits != nil {
		v := viewProposal(*waits)
		out.Status, out.Body.Proposal = http.StatusAccepted, &v
	}
	return out
}

func oneUser(u account.User, err error) (*userOutput, error) { return userAnswer(u, nil), err }

func outcome(o account.Outcome, err error) (*userOutput, error) {
	return userAnswer(o.User, o.Waits), err
}

type newUserInput struct {
	Body struct {
		Name      string         `json:"name" maxLength:"200"`
		Display   string         `json:"display" maxLength:"250"`
		Dept      string         `json:"dept,omitempty" maxLength:"32"`
		Addresses []string       `json:"addresses,omitempty" maxItems:"20"`
		Roles     []account.Role `json:"roles" maxItems:"5"`
	}
}

type changeUserInput struct {
	Matched
	Body struct {
		Display   *string   `json:"display,omitempty" maxLength:"250"`
		Dept      *string   `json:"dept,omitempty" maxLength:"32"`
		Addresses *[]string `json:"addresses,omitempty" maxItems:"20"`
	}
}

// Matched names a user and the version that the change is meant for.
type Matched struct {
	ID    string `path:"id" maxLength:"64"`
	Match string `header:"If-Match" hidden:"true"`
}

type stateInput struct {
	Matched
	Body struct {
		State account.UserState `json:"state" enum:"active,disabled"`
	}
}

type passwordOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   struct {
		Password string        `json:"password,omitempty" doc:"Shown once; its owner must change it"`
		Proposal *proposalView `json:"proposal,omitempty" doc:"What waits for a second person, who gets the password"`
	}
}

func (a *API) addUsers() {
	read, write := account.ReadUsers, account.WriteUsers
	s := a.c.Accounts
	add(a, route{method: "GET", path: "/users", id: "listUsers", summary: "Users, by name", cap: read}, a.listUsers)
	add(a, route{method: "POST", path: "/users", id: "addUser", summary: "Make a user; what takes two persons waits for the second", cap: write,
		status: http.StatusCreated},
		func(ctx context.Context, q asked, in *newUserInput) (*userOutput, error) {
			b := in.Body
			u, waits, err := s.AddUser(ctx, q.who, account.NewUser{Name: b.Name, Display: b.Display, Dept: b.Dept, Addresses: b.Addresses, Roles: b.Roles})
			out := userAnswer(u, waits)
			out.Status = http.StatusCreated
			return out, err
		})
	add(a, route{method: "GET", path: "/users/{id}", id: "getUser", summary: "One user", cap: read},
		func(ctx context.Context, q asked, in *IDInput) (*userOutput, error) {
			return oneUser(s.User(ctx, q.who, in.ID))
		})
	add(a, route{method: "PATCH", path: "/users/{id}", id: "changeUser", summary: "Change name, department, mailboxes", cap: write, versioned: true, waits: true},
		func(ctx context.Context, q asked, in *changeUserInput) (*userOutput, error) {
			return outcome(s.ChangeUser(ctx, q.who, in.ID, version(in.Match), account.Change{Display: in.Body.Display, Dept: in.Body.Dept, Addresses: in.Body.Addresses}))
		})
	add(a, route{method: "PUT", path: "/users/{id}/state", id: "setUserState", summary: "Disable or enable", cap: write, versioned: true},
		func(ctx context.Context, q asked, in *stateInput) (*userOutput, error) {
			if in.Body.State == account.Disabled {
				return oneUser(s.Disable(ctx, q.who, in.ID, version(in.Match)))
			}
			return oneUser(s.Enable(ctx, q.who, in.ID, version(in.Match)))
		})
	add(a, route{method: "POST", path: "/users/{id}/unlocks", id: "unlockUser", summary: "Forget failed attempts", cap: write},
		func(ctx context.Context, q asked, in *IDInput) (*none, error) {
			return nil, s.Unlock(ctx, q.who, in.ID)
		})
	add(a, route{method: "POST", path: "/users/{id}/factor-resets", id: "resetFactor", summary: "Take a lost second factor away", cap: write, versioned: true, waits: true},
		func(ctx context.Context, q asked, in *Matched) (*userOutput, error) {
			return outcome(s.ResetFactor(ctx, q.who, in.ID, version(in.Match)))
		})
	add(a, route{method: "POST", path: "/users/{id}/password-resets", id: "resetPassword", summary: "Give a password by chance", cap: write, versioned: true, waits: true},
		func(ctx context.Context, q asked, in *Matched) (*passwordOutput, error) {
			o, err := s.ResetPassword(ctx, q.who, in.ID, version(in.Match))
			u := userAnswer(o.User, o.Waits)
			out := &passwordOutput{Status: u.Status, ETag: u.ETag}
			out.Body.Password, out.Body.Proposal = o.Password, u.Body.Proposal
			return out, err
		})
	add(a, route{method: "POST", path: "/user-imports", id: "importUsers", summary: "Make and change users by a CSV list", cap: write, body: account.MaxImport}, a.importUsers)
}

func (a *API) listUsers(ctx context.Context, q asked, in *usersInput) (*page[userView], error) {
	list, err := a.c.Accounts.Users(ctx, q.who, account.UserQuery{After: in.Cursor, Dept: in.Dept, Role: account.Role(in.Role),
		State: account.UserState(in.State), Limit: in.Limit})
	next := ""
	if len(list) == in.Limit {
		next = list[len(list)-1].Name
	}
	return newPage(list, next, viewUser), err
}

type importInput struct {
	DryRun  bool   `query:"dry_run" default:"true" doc:"Only say what would be done"`
	RawBody []byte `contentType:"text/csv"`
}

type importRowView struct {
	Line   int    `json:"line"`
	Name   string `json:"name"`
	Action string `json:"action" enum:"create,change,same,error"`
	Error  string `json:"error,omitempty"`
}

type importOutput struct {
	Body struct {
		Applied bool            `json:"applied"`
		Rows    []importRowView `json:"rows"`
	}
}

func (a *API) importUsers(ctx context.Context, q asked, in *importInput) (*importOutput, error) {
	rows, err := account.ParseImport(in.RawBody)
	if err != nil {
		return nil, err
	}
	done, err := a.c.Accounts.Import(ctx, q.who, rows, in.DryRun)
	if err != nil {
		return nil, err
	}
	out := &importOutput{}
	out.Body.Applied, out.Body.Rows = !in.DryRun, []importRowView{}
	for _, r := range done {
		if r.Action == account.ImportError {
			out.Body.Applied = false
		}
		out.Body.Rows = append(out.Body.Rows, importRowView{r.Line, r.Name, string(r.Action), string(r.Error)})
	}
	return out, nil
}

type proposalView struct {
	ID        string         `json:"id"`
	User      string         `json:"user"`
	Act       account.Act    `json:"act" enum:"grant,reset_factor,reset_password"`
	Roles     []account.Role `json:"roles,omitempty" doc:"To be given"`
	Addresses []string       `json:"addresses,omitempty" doc:"Mailboxes to be given"`
	By        string         `json:"by"`
	At        time.Time      `json:"at"`
	ExpiresAt time.Time      `json:"expires_at"`
}

func viewProposal(p account.Proposal) proposalView {
	return proposalView{ID: p.ID, User: p.User, Act: p.Act, Roles: p.Roles, Addresses: p.Addresses, By: p.ByName, At: p.At, ExpiresAt: p.ExpiresAt}
}

type roleInput struct {
	Matched
	Role account.Role `path:"role" enum:"staff,approver,admin,auditor,operator"`
}

type confirmInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Decision string `json:"decision" enum:"confirm,withdraw"`
	}
}

type confirmOutput struct {
	Body struct {
		User     *userView `json:"user,omitempty" doc:"As it is after a confirmation"`
		Password string    `json:"password,omitempty" doc:"Of a reset; shown once, its owner must change it"`
	}
}

func (a *API) addRoles() {
	write := account.WriteUsers
	s := a.c.Accounts
	add(a, route{method: "PUT", path: "/users/{id}/roles/{role}", id: "grantRole", summary: "Give a role; those of people who decide or audit wait for a second person",
		cap: write, versioned: true, waits: true},
		func(ctx context.Context, q asked, in *roleInput) (*userOutput, error) {
			u, waits, err := s.Grant(ctx, q.who, in.ID, version(in.Match), in.Role)
			return userAnswer(u, waits), err
		})
	add(a, route{method: "DELETE", path: "/users/{id}/roles/{role}", id: "revokeRole", summary: "Take a role away", cap: write, versioned: true},
		func(ctx context.Context, q asked, in *roleInput) (*userOutput, error) {
			return oneUser(s.Revoke(ctx, q.who, in.ID, version(in.Match), in.Role))
		})
	add(a, route{method: "GET", path: "/role-proposals", id: "listProposals", summary: "What waits for a second person", cap: account.ReadUsers},
		func(ctx context.Context, q asked, _ *none) (*page[proposalView], error) {
			list, err := s.Proposals(ctx, q.who)
			return newPage(list, "", viewProposal), err
		})
	add(a, route{method: "POST", path: "/role-proposals/{id}/decisions", id: "decideProposal", summary: "Confirm as the second person, or withdraw", cap: write},
		func(ctx context.Context, q asked, in *confirmInput) (*confirmOutput, error) {
			out := &confirmOutput{}
			if in.Body.Decision == "withdraw" {
				return out, s.Withdraw(ctx, q.who, in.ID)
			}
			o, err := s.Confirm(ctx, q.who, in.ID)
			if err == nil {
				v := viewUser(o.User)
				out.Body.User, out.Body.Password = &v, o.Password
			}
			return out, err
		})
}
