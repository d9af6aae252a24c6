package gateway

import (
	"context"
	"errors"
	"fmt"

	"sekisho/quarantine"
)

// People knows who somebody is at the moment: rows of requests say who they were.
type People interface {
	// Person returns who an account is now, with all deputations that hold;
	// ErrNotFound when there is no such account.
	Person(ctx context.Context, id string) (quarantine.Actor, error)
}

// Gather returns who the ids are now; who has no account is not among them.
func Gather(ctx context.Context, people People, ids []string) (map[string]quarantine.Actor, error) {
	now := map[string]quarantine.Actor{}
	for _, id := range ids {
		a, err := people.Person(ctx, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up who asked and approved: %w", err)
		}
		now[id] = a
	}
	return now, nil
}
