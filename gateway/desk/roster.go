package desk

import (
	"context"

	"sekisho/gateway/account"
	"sekisho/quarantine"
)

// Roster is gateway.People by the accounts of the ledger.
type Roster struct {
	Accounts interface {
		Known(ctx context.Context, id string) (account.User, []account.Standing, error)
	}
}

// Person implements gateway.People.
func (r Roster) Person(ctx context.Context, id string) (quarantine.Actor, error) {
	u, stands, err := r.Accounts.Known(ctx, id)
	if err != nil {
		return quarantine.Actor{}, err
	}
	a := ActorOf(u)
	for _, s := range stands {
		a.Stands = append(a.Stands, quarantine.Deputy{Of: ActorOf(s.Of), To: s.By, From: s.From, Until: s.Until})
	}
	return a, nil
}

// ActorOf returns an account as the rules of quarantine know a person, without
// deputations.
func ActorOf(u account.User) quarantine.Actor {
	a := quarantine.Actor{ID: u.ID, Name: u.Display, Dept: u.Dept, Mailboxes: u.Addresses, Disabled: u.State != account.Active,
		GivenBy: u.Given.By, GivenUntil: u.Given.At.Add(account.CredentialTime)}
	for _, r := range u.Roles {
		a.Roles = append(a.Roles, quarantine.Role(r))
	}
	return a
}
