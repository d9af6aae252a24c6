package quarantine

import "time"

// Form is the way in which a held part is to be released. The zero Form is
// none.
type Form string

// The four forms (UX-AUDIT section 0).
const (
	// Resanitize rebuilds the part with the present engine, by a Profile.
	Resanitize Form = "resanitize"
	// TextOnly gives what can be read in the part as text, and nothing else.
	TextOnly Form = "text_only"
	// InternetSide gives the part to a mailbox of the Internet zone.
	InternetSide Form = "internet_side"
	// Original lets the original into LGWAN: the exception release.
	Original Form = "exception"
)

// Forms returns the forms in the order in which they are offered.
func Forms() []Form { return []Form{Resanitize, TextOnly, InternetSide, Original} }

// Profile is by which rules Resanitize rebuilds. The zero Profile is ByPolicy.
type Profile string

// The profiles.
const (
	// ByPolicy is the policy in force for the recipient, and never less strict.
	ByPolicy Profile = ""
	// Wide rebuilds the kinds too that the policy would hold or strip, and has
	// wider limits. What comes out is rebuilt all the same; only the office's
	// own wish is set aside, so a person has to approve.
	Wide Profile = "wide"
)

// Rules are what this gateway offers, and when. The zero Rules offer what needs
// an approver, and neither the Internet side nor exceptions.
type Rules struct {
	SelfService  bool          // as strict as the policy or stricter: at once, without an approver
	InternetSide bool          // a mailbox relay on the Internet side is configured
	Exceptions   bool          // originals may be asked for under a registered exception
	Wait         time.Duration // how long a request waits for decisions; 0 is DefaultWait
}

// DefaultWait is how long a request waits for decisions.
const DefaultWait = 7 * 24 * time.Hour

// Offers says whether a form may be asked for and approved at all. What is
// switched off stops what was granted before: whoever executes a request asks
// again.
func (r Rules) Offers(f Form) bool {
	switch f {
	case Resanitize, TextOnly:
		return true
	case InternetSide:
		return r.InternetSide
	case Original:
		return r.Exceptions
	}
	return false
}

// AtOnce reports whether the asked form is of those that a policy may leave to
// the person alone: as strict as the policy, or stricter (DECISIONS 27).
func AtOnce(f Form, p Profile) bool { return f == TextOnly || f == Resanitize && p == ByPolicy }

// Persons returns how many persons besides the requester have to approve. A
// form outside the list needs more than there are steps for: it is never
// approved.
func (r Rules) Persons(f Form, p Profile) int {
	if n := least(f, p); n > 0 || r.SelfService {
		return n
	}
	return 1
}

// least is the number below which no setting goes.
func least(f Form, p Profile) int {
	switch {
	case AtOnce(f, p):
		return 0
	case f == Resanitize && p == Wide, f == InternetSide:
		return 1
	case f == Original:
		return 2
	}
	return maxSteps + 1
}

// maxSteps is the most approvals that any form has.
const maxSteps = 2

// step is who may give one approval: an approver of the request's department,
// an administrator, or either.
type step struct{ approver, admin bool }

// stepOf returns who gives the n-th approval, from 1 (UX-AUDIT section 6). The
// zero step lets nobody.
func stepOf(f Form, n int) step {
	switch {
	case f == Original && n == 1:
		return step{approver: true}
	case f == Original && n == 2:
		return step{admin: true}
	case f != Original && n == 1:
		return step{approver: true, admin: true}
	}
	return step{}
}

// Basis is in what capacity somebody decided.
type Basis string

// The capacities.
const (
	AsApprover Basis = "department_approver"
	AsDeputy   Basis = "deputy"
	AsAdmin    Basis = "admin"
	AsAsker    Basis = "requester" // withdrew
	ByTime     Basis = "time"      // expired
	BySystem   Basis = "system"    // went back by itself
)

// basis is capacity for somebody who says in whose stead they decide.
func (s step) basis(a Actor, onBehalfOf, dept string, now time.Time) (Basis, error) {
	d, err := a.deputation(onBehalfOf, now)
	if err != nil {
		return "", err
	}
	return s.capacity(a, d, dept)
}

// capacity says in which capacity a person may take a step, or why not. The
// department's own approver counts before the administrator, should one person
// be both. d is the person's deputation, if they decide by one.
func (s step) capacity(a Actor, d Deputy, dept string) (Basis, error) {
	if !d.none() {
		switch {
		case !s.approver:
			return "", WrongRole
		case dept == "" || d.Of.Dept != dept:
			return "", WrongDepartment
		}
		return AsDeputy, nil
	}
	if s.approver && a.Has(Approver) && dept != "" && a.Dept == dept {
		return AsApprover, nil
	}
	if s.admin && a.Has(Admin) {
		return AsAdmin, nil
	}
	if s.approver && a.Has(Approver) {
		return "", WrongDepartment
	}
	return "", WrongRole
}
