package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

// Users returns users for those who may read them.
func (s *Service) Users(ctx context.Context, p Principal, q UserQuery) ([]User, error) {
	return view(ctx, s, p, ReadUsers, func(r Reader) ([]User, error) { return r.Users(q) })
}

// User returns one user.
func (s *Service) User(ctx context.Context, p Principal, id string) (User, error) {
	return view(ctx, s, p, ReadUsers, func(r Reader) (User, error) { return find(r.User(id)) })
}

// UserNamed returns one user by name.
func (s *Service) UserNamed(ctx context.Context, p Principal, name string) (User, error) {
	clean, err := foldName(name)
	if err != nil {
		return User{}, ErrNotFound
	}
	return view(ctx, s, p, ReadUsers, func(r Reader) (User, error) { return find(r.UserNamed(clean)) })
}

// Proposals returns the proposals that wait.
func (s *Service) Proposals(ctx context.Context, p Principal) ([]Proposal, error) {
	return view(ctx, s, p, ReadUsers, Reader.Proposals)
}

// Departments returns the departments; everyone with an account may know them.
func (s *Service) Departments(ctx context.Context, p Principal) ([]Department, error) {
	c := OwnAccount
	if p.console != "" || p.Token.ID != "" {
		c = ReadUsers
	}
	return view(ctx, s, p, c, Reader.Departments)
}

// view reads with a capability.
func view[T any](ctx context.Context, s *Service, p Principal, c Capability, f func(Reader) (T, error)) (T, error) {
	var out T
	if err := s.allow(p, c); err != nil {
		return out, err
	}
	err := s.store.View(ctx, func(r Reader) error {
		var err error
		out, err = f(r)
		return err
	})
	return out, err
}

// Mailboxes returns the addresses whose mail p may see with c, and true when
// that is all mail. An empty list without true is nothing.
func (s *Service) Mailboxes(ctx context.Context, p Principal, c Capability) ([]string, bool, error) {
	far, err := p.Reach(c, s.Now())
	if c == PreviewParts && p.User.Has(Auditor) {
		far = min(far, Own) // who audits does not look at what others were sent, whatever else they are
	}
	switch {
	case err != nil:
		return nil, false, err
	case far == All:
		return nil, true, nil
	case far == Own || p.User.Dept == "":
		return slices.Clone(p.User.Addresses), false, nil
	}
	own := slices.Clone(p.User.Addresses)
	err = s.store.View(ctx, func(r Reader) error {
		all, err := r.Users(UserQuery{Dept: p.User.Dept})
		for _, u := range all {
			for _, a := range u.Addresses {
				if !slices.Contains(own, a) {
					own = append(own, a)
				}
			}
		}
		return err
	})
	return own, false, err
}

// PutDepartment makes or renames a department.
func (s *Service) PutDepartment(ctx context.Context, p Principal, d Department) error {
	if err := s.allow(p, WriteUsers); err != nil {
		return err
	}
	if err := CheckDepartment(d); err != nil {
		return err
	}
	return s.store.Do(ctx, func(tx Tx) error {
		all, err := tx.Departments()
		if err != nil {
			return err
		}
		before := ""
		for _, have := range all {
			if have.ID == d.ID {
				before = have.Name
			}
		}
		r, err := s.record("user.changed", audit.Success, p, func(e *audit.Event) {
			e.Object = audit.Object{Type: "department", ID: d.ID}
			e.Change = audit.Change{Path: "department", Before: before, After: d.Name}
		})
		if err != nil {
			return err
		}
		return tx.PutDepartment(d, r)
	})
}

// SetDeputy lets an approver name who decides for them, or an administrator for
// another. Ended and SetBy of d are the service's to fill.
func (s *Service) SetDeputy(ctx context.Context, p Principal, d Deputy) (Deputy, error) {
	far, err := p.Reach(SetDeputy, s.Now())
	if err != nil {
		return Deputy{}, err
	}
	if far == Own && d.For != p.User.ID {
		return Deputy{}, ErrDenied
	}
	if d.ID, err = s.newID(); err != nil {
		return Deputy{}, err
	}
	d.SetBy, d.Ended = p.ID(), time.Time{}
	return d, s.store.Do(ctx, func(tx Tx) error {
		of, err := find(tx.User(d.For))
		if err != nil {
			return err
		}
		by, err := find(tx.User(d.By))
		if err != nil {
			return err
		}
		if err := CheckDeputy(d, of, by, s.Now()); err != nil {
			return err
		}
		r, err := s.deputyRecord(p, d, "", by.ID)
		if err != nil {
			return err
		}
		return tx.PutDeputy(d, r)
	})
}

func (s *Service) deputyRecord(p Principal, d Deputy, before, after string) (gateway.Record, error) {
	return s.record("user.changed", audit.Success, p, func(e *audit.Event) {
		e.Object = audit.Object{Type: "user", ID: d.For}
		e.Change = audit.Change{Path: "deputy", Before: d.dated(before), After: d.dated(after)}
		e.Decision.RequestID = d.ID
	})
}

// dated is a deputy as records say one: who, from when, until when.
func (d Deputy) dated(who string) string {
	if who == "" {
		return ""
	}
	return who + " " + d.From.UTC().Format(time.RFC3339) + "/" + d.Until.UTC().Format(time.RFC3339)
}

// EndDeputy ends a deputy before its time.
func (s *Service) EndDeputy(ctx context.Context, p Principal, id string) error {
	far, err := p.Reach(SetDeputy, s.Now())
	if err != nil {
		return err
	}
	return s.store.Do(ctx, func(tx Tx) error {
		all, err := tx.Deputies()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(d Deputy) bool { return d.ID == id && (far == All || d.For == p.User.ID) })
		if i < 0 {
			return ErrNotFound
		}
		d := all[i]
		d.Ended = s.Now()
		r, err := s.deputyRecord(p, d, d.By, "")
		if err != nil {
			return err
		}
		return tx.PutDeputy(d, r)
	})
}

// Deputies returns those that have not ended: an approver's own, and all for
// who may read users.
func (s *Service) Deputies(ctx context.Context, p Principal) ([]Deputy, error) {
	all := s.allow(p, ReadUsers) == nil
	c := OwnAccount
	if p.console != "" || p.Token.ID != "" {
		c = ReadUsers
	}
	return view(ctx, s, p, c, func(r Reader) ([]Deputy, error) {
		list, err := r.Deputies()
		return slices.DeleteFunc(list, func(d Deputy) bool { return !all && d.For != p.User.ID && d.By != p.User.ID }), err
	})
}

// Deciders returns who may decide requests of a department now.
func (s *Service) Deciders(ctx context.Context, dept string) ([]Decider, error) {
	var out []Decider
	err := s.store.View(ctx, func(r Reader) error {
		users, err := r.Users(UserQuery{Role: Approver})
		if err != nil {
			return err
		}
		deputies, err := r.Deputies()
		out = Deciders(dept, users, deputies, s.Now())
		return err
	})
	return out, err
}

// DepartmentOf returns whose department a mailbox is, "" when nobody has it.
// When several have it, the first by name counts.
func (s *Service) DepartmentOf(ctx context.Context, address string) (string, error) {
	dept := ""
	err := s.store.View(ctx, func(r Reader) error {
		for after := ""; ; {
			page, err := r.Users(UserQuery{After: after, Limit: 500})
			if err != nil || len(page) == 0 {
				return err
			}
			for _, u := range page {
				if slices.Contains(u.Addresses, strings.ToLower(address)) && u.Dept != "" {
					dept = u.Dept
					return nil
				}
			}
			after = page[len(page)-1].Name
		}
	})
	return dept, err
}

// StandsFor returns the departments of the approvers for whom p decides now.
func (s *Service) StandsFor(ctx context.Context, p Principal) ([]string, error) {
	var depts []string
	err := s.store.View(ctx, func(r Reader) error {
		all, err := r.Deputies()
		if err != nil {
			return err
		}
		for _, d := range all {
			if p.User.ID == "" || d.By != p.User.ID || !d.Holds(s.Now()) {
				continue
			}
			of, err := find(r.User(d.For))
			if err != nil {
				return err
			}
			if of.Dept != "" && of.Has(Approver) {
				depts = append(depts, of.Dept)
			}
		}
		return nil
	})
	return depts, err
}
