package api

import (
	"context"
	"net/http"
	"time"

	"sekisho/gateway/account"
)

type departmentView struct {
	ID   string `json:"id" pattern:"^[a-z0-9-]{1,32}$"`
	Name string `json:"name"`
}

type departmentInput struct {
	ID   string `path:"id" maxLength:"32"`
	Body struct {
		Name string `json:"name" maxLength:"250"`
	}
}

type deputyView struct {
	ID    string    `json:"id"`
	For   string    `json:"for" doc:"The approver"`
	By    string    `json:"by" doc:"Who decides for them"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

func viewDeputy(d account.Deputy) deputyView {
	return deputyView{ID: d.ID, For: d.For, By: d.By, From: d.From, Until: d.Until}
}

type deputyInput struct {
	Body struct {
		For   string    `json:"for" maxLength:"64"`
		By    string    `json:"by" maxLength:"64"`
		From  time.Time `json:"from"`
		Until time.Time `json:"until"`
	}
}

type deputyOutput struct{ Body deputyView }

func (a *API) addDepartments() {
	s := a.c.Accounts
	add(a, route{method: "GET", path: "/departments", id: "listDepartments", summary: "Departments", cap: account.OwnAccount},
		func(ctx context.Context, q asked, _ *none) (*page[departmentView], error) {
			list, err := s.Departments(ctx, q.who)
			return newPage(list, "", func(d account.Department) departmentView { return departmentView{d.ID, d.Name} }), err
		})
	add(a, route{method: "PUT", path: "/departments/{id}", id: "putDepartment", summary: "Make or rename a department", cap: account.WriteUsers},
		func(ctx context.Context, q asked, in *departmentInput) (*none, error) {
			return nil, s.PutDepartment(ctx, q.who, account.Department{ID: in.ID, Name: in.Body.Name})
		})
	add(a, route{method: "GET", path: "/deputies", id: "listDeputies", summary: "Who decides for whom", cap: account.OwnAccount},
		func(ctx context.Context, q asked, _ *none) (*page[deputyView], error) {
			list, err := s.Deputies(ctx, q.who)
			return newPage(list, "", viewDeputy), err
		})
	add(a, route{method: "POST", path: "/deputies", id: "setDeputy", summary: "Name a deputy for a time", cap: account.SetDeputy, status: http.StatusCreated},
		func(ctx context.Context, q asked, in *deputyInput) (*deputyOutput, error) {
			b := in.Body
			d, err := s.SetDeputy(ctx, q.who, account.Deputy{For: b.For, By: b.By, From: b.From, Until: b.Until})
			return &deputyOutput{viewDeputy(d)}, err
		})
	add(a, route{method: "DELETE", path: "/deputies/{id}", id: "endDeputy", summary: "End a deputy before its time", cap: account.SetDeputy},
		func(ctx context.Context, q asked, in *IDInput) (*none, error) {
			return nil, s.EndDeputy(ctx, q.who, in.ID)
		})
}

type tokenView struct {
	ID        string               `json:"id"`
	User      string               `json:"user"`
	Name      string               `json:"name"`
	Scopes    []account.Capability `json:"scopes"`
	CreatedAt time.Time            `json:"created_at"`
	ExpiresAt time.Time            `json:"expires_at"`
	UsedAt    *time.Time           `json:"used_at,omitempty"`
	Secret    string               `json:"secret,omitempty" doc:"Shown once"`
}

func viewToken(t account.Token) tokenView {
	return tokenView{ID: t.ID, User: t.User, Name: t.Name, Scopes: t.Scopes, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, UsedAt: optionalTime(t.UsedAt)}
}

type tokenInput struct {
	Body struct {
		Name      string               `json:"name" maxLength:"250"`
		Scopes    []account.Capability `json:"scopes" minItems:"1" maxItems:"20"`
		ExpiresAt time.Time            `json:"expires_at"`
	}
}

type tokenOutput struct{ Body tokenView }

func (a *API) addTokens() {
	s := a.c.Accounts
	add(a, route{method: "GET", path: "/api-tokens", id: "listTokens", summary: "API tokens", cap: account.OwnAccount},
		func(ctx context.Context, q asked, _ *none) (*page[tokenView], error) {
			list, err := s.Tokens(ctx, q.who)
			return newPage(list, "", viewToken), err
		})
	add(a, route{method: "POST", path: "/api-tokens", id: "addToken", summary: "Make an API token of mine", cap: account.OwnAccount, status: http.StatusCreated},
		func(ctx context.Context, q asked, in *tokenInput) (*tokenOutput, error) {
			t, secret, err := s.NewToken(ctx, q.who, in.Body.Name, in.Body.Scopes, in.Body.ExpiresAt)
			v := viewToken(t)
			v.Secret = secret
			return &tokenOutput{v}, err
		})
	add(a, route{method: "DELETE", path: "/api-tokens/{id}", id: "endToken", summary: "End an API token", cap: account.OwnAccount},
		func(ctx context.Context, q asked, in *IDInput) (*none, error) {
			return nil, s.EndToken(ctx, q.who, in.ID)
		})
}
