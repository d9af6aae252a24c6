package account

import "slices"

// Capability is one thing that a person may be allowed to do. The same words
// are the scopes of API tokens.
type Capability string

// The closed list of capabilities.
const (
	OwnAccount     Capability = "me"               // own profile, password, factors, sessions, tokens
	ReadMessages   Capability = "messages:read"    // mails and what was done to them
	ReadItems      Capability = "items:read"       // held parts
	DiscardItems   Capability = "items:discard"    // discard a held part
	PreviewParts   Capability = "previews"         // look at pages of originals as pictures
	RequestRelease Capability = "releases:request" // ask for a release
	ReadRequests   Capability = "releases:read"
	DecideRelease  Capability = "releases:decide"   // as an approver or administrator
	ReadExceptions Capability = "exceptions:read"   // the register of exceptions
	OpenException  Capability = "exceptions:decide" // propose, approve, end one
	ReadUsers      Capability = "users:read"
	WriteUsers     Capability = "users:write"
	SetDeputy      Capability = "deputies:write"
	ReadAudit      Capability = "audit:read"
	ExportAudit    Capability = "audit:export" // records and proofs as files
	ReadSystem     Capability = "system:read"
)

// Reach is how far a capability goes. The zero Reach is nowhere.
type Reach uint8

// The reaches, each within the next.
const (
	Nowhere Reach = iota
	Own           // what is addressed to, or made by, the person
	Dept          // of the person's department
	All
)

// String returns the word of the documentation.
func (r Reach) String() string {
	if r > All {
		return "nowhere"
	}
	return [...]string{"nowhere", "own", "department", "all"}[r]
}

// grant is one row of the table: how far a capability goes for each role.
type grant struct {
	cap                                      Capability
	staff, approver, admin, auditor, operate Reach
	fresh                                    bool // needs a step-up within StepUpTime, or a short-lived token
}

// grants is THE table of who may do what (UX-AUDIT section 6). What is not
// here nobody may. Nothing writes to it.
var grants = [...]grant{
	{cap: OwnAccount, staff: Own, approver: Own, admin: Own, auditor: Own, operate: Own},
	{cap: ReadMessages, staff: Own, approver: Dept, admin: All, auditor: All},
	{cap: ReadItems, staff: Own, approver: Dept, admin: All, auditor: All},
	{cap: DiscardItems, staff: Own, admin: All},
	{cap: PreviewParts, staff: Own, approver: Dept, admin: All},
	{cap: RequestRelease, staff: Own, approver: Own, admin: All},
	{cap: ReadRequests, staff: Own, approver: Dept, admin: All, auditor: All},
	{cap: DecideRelease, approver: Dept, admin: All, fresh: true},
	{cap: ReadExceptions, approver: All, admin: All, auditor: All},
	{cap: OpenException, approver: All, admin: All, fresh: true},
	{cap: ReadUsers, admin: All, auditor: All},
	{cap: WriteUsers, admin: All, fresh: true},
	{cap: SetDeputy, approver: Own, admin: All, fresh: true},
	{cap: ReadAudit, admin: All, auditor: All},
	{cap: ExportAudit, auditor: All, fresh: true},
	{cap: ReadSystem, admin: All, operate: All},
}

// Capabilities returns the closed list.
func Capabilities() []Capability {
	list := make([]Capability, len(grants))
	for i, g := range grants {
		list[i] = g.cap
	}
	return list
}

// NeedsStepUp reports whether the capability needs a recent proof of identity.
// An unknown one does.
func (c Capability) NeedsStepUp() bool {
	i := slices.IndexFunc(grants[:], func(g grant) bool { return g.cap == c })
	return i < 0 || grants[i].fresh
}

// ReachOf returns how far a capability goes for someone with these roles.
func ReachOf(roles []Role, c Capability) Reach {
	far := Nowhere
	for _, g := range grants {
		if g.cap != c {
			continue
		}
		for _, r := range roles {
			far = max(far, g.of(r))
		}
	}
	return far
}

func (g grant) of(r Role) Reach {
	switch r {
	case Staff:
		return g.staff
	case Approver:
		return g.approver
	case Admin:
		return g.admin
	case Auditor:
		return g.auditor
	case Operator:
		return g.operate
	}
	return Nowhere
}

// ContentRoles returns those of the roles that may see what senders wrote:
// subjects, names of files. Auditors and operators may not, whatever else their
// reach (UX-AUDIT section 0, finding 3); who is staff as well sees the content
// of what staff reaches, and no further.
func ContentRoles(roles []Role) []Role {
	var list []Role
	for _, r := range roles {
		if r == Staff || r == Approver || r == Admin {
			list = append(list, r)
		}
	}
	return list
}
