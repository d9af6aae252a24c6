package account

import (
	"slices"
	"strings"
)

// Role is what a person is to the gateway; one person may have several.
type Role string

// The closed list of roles (PRODUCT.md, "Who uses it").
const (
	Staff    Role = "staff"    // 職員
	Approver Role = "approver" // 承認者 (所属長)
	Admin    Role = "admin"    // 隔離管理者 (情報政策課)
	Auditor  Role = "auditor"  // 監査者
	Operator Role = "operator" // 運用者
)

// Roles returns the closed list.
func Roles() []Role { return []Role{Staff, Approver, Admin, Auditor, Operator} }

// Privileged reports whether the role demands a second factor and short
// sessions.
func (r Role) Privileged() bool { return r != Staff }

// TakesTwo reports whether giving the role takes two administrators: those who
// decide about mail or look at who did.
func (r Role) TakesTwo() bool { return r != Staff && r != Operator }

// CheckRoles reports why a person cannot hold these roles: ErrRole for none, an
// unknown one or one named twice, ErrRolesExclude when an auditor would audit
// what the same person does (UX-AUDIT section 6).
func CheckRoles(roles []Role) error {
	if len(roles) == 0 {
		return ErrRole
	}
	for i, r := range roles {
		if !slices.Contains(Roles(), r) || slices.Contains(roles[:i], r) {
			return ErrRole
		}
	}
	if slices.Contains(roles, Auditor) && (slices.Contains(roles, Admin) || slices.Contains(roles, Operator)) {
		return ErrRolesExclude
	}
	return nil
}

// privileged reports whether any of the roles is. No role at all counts as
// privileged: the strict side.
func privileged(roles []Role) bool {
	return len(roles) == 0 || slices.ContainsFunc(roles, Role.Privileged)
}

// with returns the roles with r, in the order of the closed list.
func with(roles []Role, r Role) []Role { return ordered(append(slices.Clone(roles), r)) }

// without returns the roles without r.
func without(roles []Role, r Role) []Role {
	return slices.DeleteFunc(slices.Clone(roles), func(have Role) bool { return have == r })
}

func ordered(roles []Role) []Role {
	var out []Role
	for _, r := range Roles() {
		if slices.Contains(roles, r) {
			out = append(out, r)
		}
	}
	return out
}

// names returns roles as records hold them.
func names(roles []Role) []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return out
}

// joined returns roles as one text.
func joined(roles []Role) string { return strings.Join(names(roles), " ") }
