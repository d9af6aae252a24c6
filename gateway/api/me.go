package api

import (
	"context"
	"net/http"
	"time"

	"sekisho/gateway/account"
)

// none is an input or output without anything.
type none struct{}

// userView is a user as others are shown one.
type userView struct {
	ID         string            `json:"id"`
	Name       string            `json:"name" doc:"For signing in"`
	Display    string            `json:"display"`
	Dept       string            `json:"dept,omitempty" doc:"Id of the department"`
	Addresses  []string          `json:"addresses,omitempty" doc:"Mailboxes whose mail the person sees"`
	Roles      []account.Role    `json:"roles"`
	State      account.UserState `json:"state" enum:"active,disabled"`
	Factor     bool              `json:"second_factor"`
	Recovery   int               `json:"recovery_codes_left"`
	Missing    string            `json:"missing,omitempty" doc:"What must be done before anything else: password_change or factor_enrolment"`
	Password   bool              `json:"password_set"`
	CreatedAt  time.Time         `json:"created_at"`
	ChangedAt  time.Time         `json:"changed_at"`
	LastSignIn *time.Time        `json:"last_sign_in,omitempty"`
	Version    int64             `json:"version"`
}

func viewUser(u account.User) userView {
	v := userView{ID: u.ID, Name: u.Name, Display: u.Display, Dept: u.Dept, Addresses: u.Addresses, Roles: u.Roles, State: u.State,
		Factor: u.Factor.Confirmed, Recovery: len(u.Recovery), Missing: missing(u), Password: u.Password != "",
		CreatedAt: u.CreatedAt, ChangedAt: u.ChangedAt, LastSignIn: optionalTime(u.LastSignIn), Version: u.Version}
	return v
}

func missing(u account.User) string {
	if p, known := explain(u.Missing(), ""); u.Missing() != nil && known {
		return p.Code
	}
	return ""
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// meView is the person who asks.
type meView struct {
	User         userView             `json:"user"`
	CSRF         string               `json:"csrf_token,omitempty" doc:"To be sent as X-CSRF-Token with whatever is not GET"`
	Session      string               `json:"session,omitempty"`
	EndsAt       *time.Time           `json:"ends_at,omitempty" doc:"When the session ends, whatever is done"`
	IdleSeconds  int                  `json:"idle_seconds,omitempty" doc:"After how long without a request it ends"`
	FreshUntil   *time.Time           `json:"fresh_until,omitempty" doc:"Until when no step-up is needed"`
	Capabilities []account.Capability `json:"capabilities"`
	TokensEnded  int                  `json:"tokens_ended,omitempty" doc:"API tokens that ended with this change"`
}

func viewMe(p account.Principal, secret string) meView {
	v := meView{User: viewUser(p.User), Session: p.Session.ID, Capabilities: []account.Capability{}}
	for _, c := range account.Capabilities() {
		if account.ReachOf(p.User.Roles, c) != account.Nowhere {
			v.Capabilities = append(v.Capabilities, c)
		}
	}
	if secret != "" {
		v.CSRF = csrf(secret)
		v.EndsAt = optionalTime(p.Session.CreatedAt.Add(account.SessionTime))
		v.IdleSeconds = int(p.User.Idle() / time.Second)
		v.FreshUntil = optionalTime(p.Session.ProvedAt.Add(account.StepUpTime))
	}
	return v
}

// started answers with a session's new secret in its cookie.
type started struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      meView
}

func (a *API) start(st account.Started, err error) (*started, error) {
	if err != nil {
		return nil, err
	}
	out := &started{SetCookie: []http.Cookie{a.cookie(st.Secret)}, Body: viewMe(st.Principal, st.Secret)}
	out.Body.TokensEnded = st.TokensEnded
	if st.Browser != "" {
		out.SetCookie = append(out.SetCookie, a.browserCookie(st.Browser))
	}
	return out, nil
}

type signInInput struct {
	Body struct {
		Name     string `json:"name" maxLength:"256"`
		Password string `json:"password" maxLength:"1024"`
		Code     string `json:"code,omitempty" maxLength:"64" doc:"Of the second factor, or a recovery code"`
	}
}

func (a *API) addSessions() {
	add(a, route{method: "POST", path: "/sessions", id: "signIn", summary: "Sign in", open: true, status: http.StatusCreated},
		func(ctx context.Context, q asked, in *signInInput) (*started, error) {
			return a.start(a.c.Accounts.SignIn(ctx, account.Credentials{Name: in.Body.Name, Password: in.Body.Password, Code: in.Body.Code,
				IP: q.ip, Agent: q.agent, Browser: q.browser}))
		})
	add(a, route{method: "DELETE", path: "/sessions/current", id: "signOut", summary: "Sign out", cap: account.OwnAccount},
		func(ctx context.Context, q asked, _ *none) (*signedOut, error) {
			if err := a.c.Accounts.SignOut(ctx, q.who); err != nil {
				return nil, err
			}
			return &signedOut{SetCookie: a.cookie("")}, nil
		})
}

type signedOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

type meOutput struct{ Body meView }

type proofInput struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"1024"`
		Code     string `json:"code,omitempty" maxLength:"64"`
	}
}

type passwordInput struct {
	Body struct {
		Old        string `json:"old" maxLength:"1024"`
		New        string `json:"new" maxLength:"1024"`
		Code       string `json:"code,omitempty" maxLength:"64" doc:"Of the second factor, where one is confirmed"`
		KeepTokens bool   `json:"keep_tokens,omitempty" doc:"My API tokens go on; else they end"`
	}
}

type sessionView struct {
	ID        string    `json:"id"`
	Current   bool      `json:"current"`
	Auth      string    `json:"auth"`
	IP        string    `json:"ip"`
	Agent     string    `json:"agent"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
}

type sessionList struct {
	Body struct {
		Items []sessionView `json:"items"`
	}
}

// IDInput names one of what a route lists. It is exported because embedded
// fields of the library must be, as are PageInput and Matched.
type IDInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) addMe() {
	own := account.OwnAccount
	add(a, route{method: "GET", path: "/me", id: "me", summary: "Who I am and what I may do", cap: own},
		func(_ context.Context, q asked, _ *none) (*meOutput, error) {
			return &meOutput{viewMe(q.who, q.secret)}, nil
		})
	add(a, route{method: "POST", path: "/me/step-ups", id: "stepUp", summary: "Prove again who I am", cap: own},
		func(ctx context.Context, q asked, in *proofInput) (*started, error) {
			return a.start(a.c.Accounts.StepUp(ctx, q.who, in.Body.Password, in.Body.Code))
		})
	add(a, route{method: "PUT", path: "/me/password", id: "changePassword", summary: "Change my password", cap: own},
		func(ctx context.Context, q asked, in *passwordInput) (*started, error) {
			return a.start(a.c.Accounts.ChangePassword(ctx, q.who, account.PasswordChange{Old: in.Body.Old, New: in.Body.New, Code: in.Body.Code,
				KeepTokens: in.Body.KeepTokens}))
		})
	add(a, route{method: "GET", path: "/me/sessions", id: "mySessions", summary: "My sessions", cap: own},
		func(ctx context.Context, q asked, _ *none) (*sessionList, error) {
			all, err := a.c.Accounts.Sessions(ctx, q.who)
			out := &sessionList{}
			out.Body.Items = []sessionView{}
			for _, s := range all {
				out.Body.Items = append(out.Body.Items, sessionView{ID: s.ID, Current: s.ID == q.who.Session.ID, Auth: s.Auth, IP: s.IP,
					Agent: s.Agent, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt})
			}
			return out, err
		})
	add(a, route{method: "DELETE", path: "/me/sessions/{id}", id: "endMySession", summary: "End one of my sessions", cap: own},
		func(ctx context.Context, q asked, in *IDInput) (*none, error) {
			return nil, a.c.Accounts.EndSession(ctx, q.who, in.ID)
		})
	a.addFactors()
}

type factorOutput struct {
	Body struct {
		Key string `json:"key" doc:"Shown once"`
		URI string `json:"uri" doc:"otpauth address for a QR code"`
	}
}

type codeInput struct {
	Body struct {
		Code       string `json:"code" maxLength:"64"`
		KeepTokens bool   `json:"keep_tokens,omitempty" doc:"My API tokens go on; else they end"`
	}
}

type keepInput struct {
	KeepTokens bool `query:"keep_tokens" doc:"My API tokens go on; else they end"`
}

type tokensOutput struct {
	Body struct {
		TokensEnded int `json:"tokens_ended" doc:"API tokens that ended with it"`
	}
}

type codesOutput struct {
	Body struct {
		Codes       []string `json:"recovery_codes" doc:"Shown once"`
		TokensEnded int      `json:"tokens_ended,omitempty" doc:"API tokens that ended with it"`
	}
}

func codes(list []string, err error) (*codesOutput, error) {
	out := &codesOutput{}
	out.Body.Codes = list
	return out, err
}

func (a *API) addFactors() {
	own := account.OwnAccount
	add(a, route{method: "POST", path: "/me/factors", id: "beginFactor", summary: "Begin a second factor", cap: own, status: http.StatusCreated},
		func(ctx context.Context, q asked, _ *none) (*factorOutput, error) {
			out := &factorOutput{}
			var err error
			out.Body.Key, out.Body.URI, err = a.c.Accounts.BeginFactor(ctx, q.who)
			return out, err
		})
	add(a, route{method: "PUT", path: "/me/factors/totp", id: "confirmFactor", summary: "Confirm it with its first code", cap: own},
		func(ctx context.Context, q asked, in *codeInput) (*codesOutput, error) {
			e, err := a.c.Accounts.ConfirmFactor(ctx, q.who, in.Body.Code, in.Body.KeepTokens)
			out, err := codes(e.Codes, err)
			out.Body.TokensEnded = e.TokensEnded
			return out, err
		})
	add(a, route{method: "DELETE", path: "/me/factors/totp", id: "removeFactor", summary: "Remove it, where no role demands it", cap: own},
		func(ctx context.Context, q asked, in *keepInput) (*tokensOutput, error) {
			out := &tokensOutput{}
			var err error
			out.Body.TokensEnded, err = a.c.Accounts.RemoveFactor(ctx, q.who, in.KeepTokens)
			return out, err
		})
	add(a, route{method: "POST", path: "/me/recovery-codes", id: "renewRecoveryCodes", summary: "New recovery codes", cap: own, status: http.StatusCreated},
		func(ctx context.Context, q asked, _ *none) (*codesOutput, error) {
			return codes(a.c.Accounts.RenewRecovery(ctx, q.who))
		})
}
