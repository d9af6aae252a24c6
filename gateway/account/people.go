package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sekisho/audit"
	"sekisho/gateway"
)

// NewUser is a user to be made.
type NewUser struct {
	Name, Display, Dept string
	Addresses           []string
	Roles               []Role
	Password            string // "" for none: the account cannot be used before ResetPassword
}

// check returns the user, without id and password.
func (n NewUser) check(depts []Department) (User, error) {
	var u User
	var err error
	if u.Name, err = CleanName(n.Name); err != nil {
		return User{}, err
	}
	if u.Display, err = cleanDisplay(n.Display); err != nil {
		return User{}, err
	}
	if u.Dept, err = checkDept(n.Dept, depts); err != nil {
		return User{}, err
	}
	if u.Addresses, err = checkAddresses(n.Addresses); err != nil {
		return User{}, err
	}
	if err := CheckRoles(n.Roles); err != nil {
		return User{}, err
	}
	u.Roles, u.State = ordered(n.Roles), Active
	return u, nil
}

func checkDept(id string, depts []Department) (string, error) {
	if id != "" && !slices.ContainsFunc(depts, func(d Department) bool { return d.ID == id }) {
		return "", ErrDepartment
	}
	return id, nil
}

// maxAddresses is how many mailboxes one person has at most.
const maxAddresses = 20

// checkAddresses returns mailboxes in lower case, each once. Whoever has an
// address sees the mail to it.
func checkAddresses(list []string) ([]string, error) {
	if len(list) > maxAddresses {
		return nil, ErrMail
	}
	var out []string
	for _, a := range list {
		a = strings.ToLower(a)
		if err := gateway.CheckAddress(a, true); err != nil || !strings.Contains(a, "@") {
			return nil, ErrMail
		}
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out, nil
}

// AddUser makes an account. What takes two persons is not given by one alone: the
// user is made without those roles, and without mailboxes that another active
// account has, and the Proposal waits for a second administrator. At the command
// line of the machine all is given at once while there are not two administrators.
func (s *Service) AddUser(ctx context.Context, p Principal, n NewUser) (User, *Proposal, error) {
	if err := s.allow(p, WriteUsers); err != nil {
		return User{}, nil, err
	}
	id, err := s.newID()
	if err != nil {
		return User{}, nil, err
	}
	var hash string
	if n.Password != "" {
		u, err := n.check([]Department{{ID: n.Dept}})
		if err == nil {
			err = passwordError(u, n.Password, s.words)
		}
		if err != nil {
			return User{}, nil, err
		}
		if hash, err = s.keep.hash(ctx, n.Password); err != nil {
			return User{}, nil, err
		}
	}
	var out User
	var waits *Proposal
	err = s.store.Do(ctx, func(tx Tx) error {
		waits = nil
		if out, err = s.fresh(tx, n, id); err != nil {
			return err
		}
		first, err := s.firstAdmin(tx, p, out)
		if err != nil {
			return err
		}
		var later Proposal
		if out, later, err = s.begins(tx, p, out); err != nil {
			return err
		}
		out.Password, out.Long, out.MustChange = hash, n.Password != "" && long(n.Password), hash != "" && !first
		if hash != "" {
			out.Given = out.Given.with(s.Now(), p.ID())
		}
		r, err := s.record("user.created", audit.Success, p, about(out, "user", "", out.Name+" "+joined(out.Roles)))
		if err != nil {
			return err
		}
		if err := tx.AddUser(out, r); err != nil || later.Act == "" {
			return err
		}
		waits, err = s.propose(tx, p, out, later)
		return err
	})
	return out, waits, err
}

// begins splits a new user into what one person gives, and what has to wait for a
// second one; the zero Proposal for nothing.
func (s *Service) begins(r Reader, p Principal, u User) (User, Proposal, error) {
	later := Proposal{User: u.ID, Act: ActGrant}
	for _, role := range u.Roles {
		if role.TakesTwo() {
			later.Roles = append(later.Roles, role)
		}
	}
	for _, a := range u.Addresses {
		shared, err := anyShared(r, u.ID, []string{a})
		if err != nil {
			return u, Proposal{}, err
		}
		if shared {
			later.Addresses = append(later.Addresses, a)
		}
	}
	if len(later.Roles)+len(later.Addresses) == 0 {
		return u, Proposal{}, nil
	}
	switch alone, err := alone(r, p, u.ID); {
	case err != nil || alone:
		return u, Proposal{}, err
	case p.console != "":
		return u, Proposal{}, ErrTwoAdmins
	}
	u.Roles = slices.DeleteFunc(slices.Clone(u.Roles), Role.TakesTwo)
	if len(u.Roles) == 0 {
		u.Roles = []Role{Staff}
	}
	u.Addresses = slices.DeleteFunc(slices.Clone(u.Addresses), func(a string) bool { return slices.Contains(later.Addresses, a) })
	return u, later, CheckRoles(append(slices.Clone(u.Roles), later.Roles...))
}

// fresh checks a new user against what the store has.
func (s *Service) fresh(tx Tx, n NewUser, id string) (User, error) {
	depts, err := tx.Departments()
	if err != nil {
		return User{}, err
	}
	u, err := n.check(depts)
	if err != nil {
		return User{}, err
	}
	if _, err := tx.UserNamed(u.Name); err == nil {
		return User{}, ErrExists
	} else if !errors.Is(err, gateway.ErrNotFound) {
		return User{}, err
	}
	u.ID, u.Version = id, 1
	u.CreatedAt, u.ChangedAt = s.Now(), s.Now()
	return u, nil
}

// firstAdmin reports whether u may be an administrator on one word: of the
// machine's own user, while there is no user with that role.
func (s *Service) firstAdmin(tx Tx, p Principal, u User) (bool, error) {
	if p.console == "" || !u.Has(Admin) {
		return false, nil
	}
	all, err := tx.Users(UserQuery{Role: Admin, Limit: 1})
	return len(all) == 0, err
}

// Change is what of a user may be changed by an administrator; nil leaves.
type Change struct {
	Display   *string
	Dept      *string
	Addresses *[]string
}

// ChangeUser changes what people are shown and what they see: department and
// addresses decide whose mail that is, so nobody changes these of their own.
// Sessions end with them. Mailboxes that are added and take two persons wait for
// the second one; the rest is done.
func (s *Service) ChangeUser(ctx context.Context, p Principal, id string, version int64, c Change) (Outcome, error) {
	if err := s.allow(p, WriteUsers); err != nil {
		return Outcome{}, err
	}
	if id == p.ID() && (c.Dept != nil || c.Addresses != nil) {
		return Outcome{}, ErrSelf
	}
	var out Outcome
	err := s.store.Do(ctx, func(tx Tx) error {
		u, err := find(tx.User(id))
		if err != nil {
			return err
		}
		if version != 0 && u.Version != version {
			return ErrConflict
		}
		was := u
		added, err := c.apply(tx, &u)
		if err != nil {
			return err
		}
		if summary(u) != summary(was) {
			if u, err = s.stored(tx, p, u, "profile", summary(was), summary(u)); err != nil {
				return err
			}
			if c.Dept != nil || c.Addresses != nil {
				if err := s.endSessions(tx, p, u, "", "profile"); err != nil {
					return err
				}
			}
		}
		out = Outcome{User: u}
		if len(added) > 0 {
			out, err = s.put(tx, p, u, Proposal{Act: ActGrant, Addresses: added}, "")
		}
		return err
	})
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

// apply makes the changes of a user but for mailboxes that are added, which it
// returns.
func (c Change) apply(r Reader, u *User) ([]string, error) {
	depts, err := r.Departments()
	if err != nil {
		return nil, err
	}
	if c.Display != nil {
		if u.Display, err = cleanDisplay(*c.Display); err != nil {
			return nil, err
		}
	}
	if c.Dept != nil {
		if u.Dept, err = checkDept(*c.Dept, depts); err != nil {
			return nil, err
		}
	}
	if c.Addresses == nil {
		return nil, nil
	}
	want, err := checkAddresses(*c.Addresses)
	if err != nil {
		return nil, err
	}
	had := u.Addresses
	u.Addresses = slices.DeleteFunc(slices.Clone(want), func(a string) bool { return !slices.Contains(had, a) })
	return slices.DeleteFunc(want, func(a string) bool { return slices.Contains(had, a) }), nil
}

// summary is a user's profile as a record holds it.
func summary(u User) string {
	return fmt.Sprintf("%s [%s] %s", u.Display, u.Dept, strings.Join(u.Addresses, " "))
}

// Disable ends an account's use: its sessions and tokens end with it. The last
// administrator stays, and nobody does it to themselves.
func (s *Service) Disable(ctx context.Context, p Principal, id string, version int64) (User, error) {
	return s.act(ctx, p, id, version, func(tx Tx, u *User) (string, string, string, error) {
		if u.State == Disabled {
			return "", "", "", ErrConflict
		}
		if err := keepsAdmin(tx, *u); err != nil {
			return "", "", "", err
		}
		u.State = Disabled
		if err := s.endAll(tx, p, *u, "disabled"); err != nil {
			return "", "", "", err
		}
		return "state", string(Active), string(Disabled), nil
	})
}

// Enable takes a Disable back. The account signs in as before.
func (s *Service) Enable(ctx context.Context, p Principal, id string, version int64) (User, error) {
	return s.act(ctx, p, id, version, func(_ Tx, u *User) (string, string, string, error) {
		if u.State == Active {
			return "", "", "", ErrConflict
		}
		u.State = Active
		return "state", string(Disabled), string(Active), nil
	})
}

// act is change for what a person does to another's account.
func (s *Service) act(ctx context.Context, p Principal, id string, version int64,
	f func(tx Tx, u *User) (path, before, after string, err error)) (User, error) {
	if err := s.allow(p, WriteUsers); err != nil {
		return User{}, err
	}
	if id == p.ID() {
		return User{}, ErrSelf
	}
	return s.change(ctx, p, id, version, f)
}

// keepsAdmin reports ErrLastAdmin when u is the only active administrator.
func keepsAdmin(tx Tx, u User) error {
	if !u.activeAdmin() {
		return nil
	}
	all, err := tx.Users(UserQuery{Role: Admin, State: Active, Limit: 2})
	if err == nil && len(all) < 2 {
		err = ErrLastAdmin
	}
	return err
}
