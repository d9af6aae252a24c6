package account

import (
	"context"
	"time"

	"sekisho/gateway"
)

// Store keeps accounts in the ledger, so that a change and its audit record
// commit together. gateway.ErrNotFound is what reads give for no row.
type Store interface {
	// View runs f on one consistent state.
	View(ctx context.Context, f func(Reader) error) error
	// Do runs f in a transaction, as gateway.Ledger's Do does: f may run more
	// than once, and a change without a record fails.
	Do(ctx context.Context, f func(Tx) error) error
	// Scrub overwrites what changed rows left behind in the files, as far as the
	// store can tell.
	Scrub(ctx context.Context) error
}

// UserQuery selects users in the order of their names.
type UserQuery struct {
	After string // names behind this one; "" from the first
	Dept  string
	Role  Role
	State UserState
	Limit int // 0: 1000
}

// Reader reads accounts.
type Reader interface {
	User(id string) (User, error)
	UserNamed(name string) (User, error)
	Users(q UserQuery) ([]User, error)
	Departments() ([]Department, error)
	Deputies() ([]Deputy, error) // that have not ended
	Session(sum Digest) (Session, error)
	Sessions(user string) ([]Session, error) // oldest first
	Token(sum Digest) (Token, error)
	Tokens(user string) ([]Token, error) // "" for those of all; oldest first
	Attempts(key string) (Attempts, error)
	Proposal(id string) (Proposal, error)
	Proposals() ([]Proposal, error) // that are open
}

// Tx is Reader and changes. Methods with records need at least one in the
// transaction; those without keep counters and times.
type Tx interface {
	Reader
	AddUser(u User, r ...gateway.Record) error
	// ChangeUser stores all of u but its id, name and creation, when the stored
	// version is u.Version-1; else ErrConflict.
	ChangeUser(u User, r ...gateway.Record) error
	// SignedIn stores LastSignIn, Factor.Step and Recovery of u.
	SignedIn(u User, r ...gateway.Record) error
	// FactorsInClear reports whether second factors lie here in clear still, from
	// before they were sealed.
	FactorsInClear() (bool, error)
	// SealFactor replaces the stored key of a user's second factor and nothing else.
	SealFactor(user string, sealed []byte) error
	// FactorsSealed notes that none lies here in clear.
	FactorsSealed(r ...gateway.Record) error
	PutDepartment(d Department, r ...gateway.Record) error
	PutDeputy(d Deputy, r ...gateway.Record) error

	AddSession(s Session, r ...gateway.Record) error
	// CountProofs stores Failed of a session.
	CountProofs(session string, n int) error
	// RotateSession stores a new digest, Auth, ProvedAt and Failed.
	RotateSession(s Session, r ...gateway.Record) error
	SeeSession(id string, at time.Time) error
	// EndSessions ends those of a user but one (none for ""), and returns how many.
	EndSessions(user, but string, r ...gateway.Record) (int, error)
	EndSession(id string, r ...gateway.Record) error

	AddToken(t Token, r ...gateway.Record) error
	EndToken(id string, r ...gateway.Record) error
	EndTokens(user string, r ...gateway.Record) (int, error)
	SeeToken(id string, at time.Time) error

	// ForgetAnswers deletes the answers that are kept for a user's repeated requests,
	// but for those of requests under way.
	ForgetAnswers(user string) error
	PutAttempts(key string, a Attempts) error // zero attempts are forgotten
	PutProposal(p Proposal, r ...gateway.Record) error
	// Tidy deletes sessions made, and attempts last made, before these times.
	Tidy(sessions, attempts time.Time) error
	Note(r ...gateway.Record) error
}
