package account

import (
	"net/netip"
	"slices"
	"time"

	"sekisho/audit"
)

// Principal is who acts: a person with a session or with a token, or the
// operating system's user at the command line. The zero Principal is nobody.
type Principal struct {
	User    User
	Session Session // zero with a token
	Token   Token   // zero with a session
	IP      string
	console string
}

// Console returns the operating system's user at the command line of the
// machine. They may write accounts, for the first administrator must come from
// somewhere, and nothing else of this package.
func Console(osUser string) Principal {
	return Principal{console: audit.Clean(osUser, 256)}
}

// Reach returns how far p may go with c: ErrDenied when nowhere, ErrStepUp when
// identity must be proved anew, or what the account lacks first (see
// User.Missing). The reach is Nowhere with every error.
func (p Principal) Reach(c Capability, now time.Time) (Reach, error) {
	switch {
	case p.console != "":
		if c == WriteUsers || c == ReadUsers || c == SetDeputy {
			return All, nil
		}
		return Nowhere, ErrDenied
	case p.User.ID == "" || p.User.State != Active || (p.Session.ID == "") == (p.Token.ID == ""):
		return Nowhere, ErrSession
	}
	far := ReachOf(p.User.Roles, c)
	if far == Nowhere || p.Token.ID != "" && !slices.Contains(p.Token.Scopes, c) {
		return Nowhere, ErrDenied
	}
	if c == OwnAccount {
		return far, nil
	}
	if err := p.User.Missing(); err != nil {
		return Nowhere, err
	}
	if c.NeedsStepUp() && p.Token.ID == "" && !p.Session.Fresh(now) {
		return Nowhere, ErrStepUp
	}
	return far, nil
}

// ID names the person for rules that tell persons apart. The operating
// system's users are persons of their own.
func (p Principal) ID() string {
	if p.console != "" {
		return "os:" + p.console
	}
	return p.User.ID
}

// Name is what people are shown.
func (p Principal) Name() string {
	if p.console != "" {
		return p.console
	}
	return p.User.Display
}

// Actor is p as records name it.
func (p Principal) Actor() audit.Actor {
	if p.console != "" {
		return audit.Actor{Type: audit.ActorOS, ID: p.console}
	}
	a := audit.Actor{Type: audit.ActorUser, ID: p.User.ID, Name: audit.Clean(p.User.Display, 256),
		Dept: audit.Clean(p.User.Dept, 256), Roles: names(p.User.Roles), Auth: p.Session.Auth, Session: p.Session.ID, IP: recordIP(p.IP)}
	if p.Token.ID != "" {
		a.Auth, a.Session = "token", p.Token.ID
	}
	if p.User.ID == "" {
		a = audit.Actor{Type: audit.ActorRemote, IP: recordIP(p.IP)}
	}
	return a
}

// recordIP returns an address as records hold it, "" for what is none.
func recordIP(s string) string {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return ""
	}
	return a.Unmap().WithZone("").String()
}
