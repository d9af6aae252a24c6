package desk

import (
	"context"
	"errors"
	"fmt"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// present returns the person as known at this moment. A session began earlier, and
// an account may have been disabled or have lost a role since; for whom somebody
// decides is looked up here, whatever the caller says.
func (d Desk) present(ctx context.Context, p Person) (Person, error) {
	p.Stands = nil
	if d.People == nil || quarantine.OfSystem(p.ID) {
		return p, nil
	}
	a, err := d.People.Person(ctx, p.ID)
	switch {
	case errors.Is(err, gateway.ErrNotFound):
		return p, quarantine.Disabled
	case err != nil:
		return p, fmt.Errorf("look up who acts: %w", err)
	}
	p.Actor = a
	return p, nil
}

// left returns the person of a request's chain who does not stand any more.
func (d Desk) left(ctx context.Context, r interface {
	Chain() []string
	Left(now map[string]quarantine.Actor) string
}) (string, error) {
	if d.People == nil {
		return "", nil
	}
	now, err := gateway.Gather(ctx, d.People, r.Chain())
	if err != nil {
		return "", err
	}
	return r.Left(now), nil
}
