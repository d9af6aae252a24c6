package account

import "time"

// Refusal is a reason not to do something, as a stable code. It is an error
// that callers branch on and show; it never quotes input.
type Refusal string

// The closed list of refusals. gateway/api has a sentence for each.
const (
	ErrCredentials   Refusal = "invalid_credentials"   // name, password or code is wrong, or there is no such account
	ErrFactor        Refusal = "second_factor_needed"  // the password was right; the code of the second factor is missing
	ErrTooMany       Refusal = "too_many_attempts"     // wait; errors.As finds a Wait
	ErrLocked        Refusal = "account_locked"        // until a person unlocks it
	ErrSession       Refusal = "session_ended"         // none, unknown, timed out or revoked
	ErrStepUp        Refusal = "step_up_required"      // prove again who you are
	ErrEnrolFactor   Refusal = "factor_enrolment"      // the role demands a second factor: set it up first
	ErrNewPassword   Refusal = "password_change"       // a new password must be chosen first
	ErrDenied        Refusal = "not_permitted"         // the role does not allow it
	ErrNotFound      Refusal = "not_found"             // or not visible for this person
	ErrConflict      Refusal = "changed_meanwhile"     // the version is not the present one
	ErrExists        Refusal = "already_exists"        // the name is taken
	ErrSelf          Refusal = "own_account_forbidden" // another person has to do it
	ErrSamePerson    Refusal = "second_person_needed"  // the proposer cannot confirm
	ErrTwoAdmins     Refusal = "two_admins_needed"     // two administrators have to do it, each with an account
	ErrLastAdmin     Refusal = "last_admin"            // one active administrator must remain
	ErrRolesExclude  Refusal = "roles_exclude"         // these roles cannot be held together
	ErrRole          Refusal = "unknown_role"
	ErrName          Refusal = "bad_name"
	ErrMail          Refusal = "bad_address"
	ErrDepartment    Refusal = "unknown_department"
	ErrScope         Refusal = "bad_scope"
	ErrPeriod        Refusal = "bad_period"
	ErrDeputy        Refusal = "bad_deputy"
	ErrShort         Refusal = "password_too_short"
	ErrLong          Refusal = "password_too_long"
	ErrListed        Refusal = "password_too_common"
	ErrOwnWords      Refusal = "password_names_user"
	ErrUnchanged     Refusal = "password_unchanged"
	ErrReplay        Refusal = "code_already_used"
	ErrCode          Refusal = "wrong_code"
	ErrFactorPresent Refusal = "factor_present" // there is one already
	ErrFactorAbsent  Refusal = "factor_absent"
)

// Refusals returns the closed list.
func Refusals() []Refusal {
	return []Refusal{ErrCredentials, ErrFactor, ErrTooMany, ErrLocked, ErrSession, ErrStepUp, ErrEnrolFactor, ErrNewPassword, ErrDenied, ErrNotFound,
		ErrConflict, ErrExists, ErrSelf, ErrSamePerson, ErrTwoAdmins, ErrLastAdmin, ErrRolesExclude, ErrRole, ErrName, ErrMail, ErrDepartment, ErrScope, ErrPeriod,
		ErrDeputy, ErrShort, ErrLong, ErrListed, ErrOwnWords, ErrUnchanged, ErrReplay, ErrCode, ErrFactorPresent, ErrFactorAbsent, ErrImport}
}

// Error implements error.
func (r Refusal) Error() string { return "account: " + string(r) }

// Wait is ErrTooMany with the time until the next attempt is looked at.
type Wait struct{ After time.Duration }

// Error implements error.
func (w Wait) Error() string { return ErrTooMany.Error() }

// Is makes a Wait an ErrTooMany.
func (w Wait) Is(target error) bool { return target == ErrTooMany }
