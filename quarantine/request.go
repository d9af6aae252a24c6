package quarantine

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// RequestState is the state of a ReleaseRequest. The zero state is not legal.
type RequestState string

// The states of a request.
const (
	Requested RequestState = "requested" // waits for a decision
	Approved  RequestState = "approved"  // by as many persons as the rule demands; waits for flow
	Denied    RequestState = "denied"
	SentBack  RequestState = "sent_back" // to be asked anew, better
	Withdrawn RequestState = "withdrawn"
	Lapsed    RequestState = "expired" // nobody decided in time
	Executed  RequestState = "executed"
	Failed    RequestState = "failed" // approved, but the part is held still
)

// requestMoves is the table of legal moves.
var requestMoves = map[RequestState][]RequestState{
	Requested: {Requested, Approved, Denied, SentBack, Withdrawn, Lapsed},
	Approved:  {Executed, Failed, SentBack},
}

// MoveRequest reports whether a request may go from one state to another. From
// Requested to Requested is one approval of several.
func MoveRequest(from, to RequestState) error {
	if slices.Contains(requestMoves[from], to) {
		return nil
	}
	return fmt.Errorf("%w: request from %s to %s", ErrState, from, to)
}

// Open reports whether a request in this state still holds its item: no other
// request, discard or expiry may come between.
func (s RequestState) Open() bool { return s == Requested || s == Approved }

// Choice is what a person decides. The zero Choice is none.
type Choice string

// The choices.
const (
	Approve  Choice = "approve"
	Deny     Choice = "deny"
	SendBack Choice = "send_back"
	Withdraw Choice = "withdraw" // by the requester
	Lapse    Choice = "expire"   // by time
)

// Decision is one step of a request or an exception, as it stays on record.
type Decision struct {
	Choice     Choice    `json:"choice"`
	By         Actor     `json:"by"`
	OnBehalfOf string    `json:"on_behalf_of,omitempty"` // the approver whose deputy decided
	Order      int       `json:"order,omitempty"`        // of approvals, from 1
	At         time.Time `json:"at"`
	Reason     string    `json:"reason,omitempty"`
	Basis      Basis     `json:"basis"`
	Also       []string  `json:"also,omitempty"` // recipients added by this decision
}

// persons are all whose authority a decision used.
func (d Decision) persons() []string {
	if d.OnBehalfOf == "" {
		return []string{d.By.ID}
	}
	return []string{d.By.ID, d.OnBehalfOf}
}

// ReleaseRequest asks for one held part in one form. Its fields change by the
// functions of this package only; a store checks each move by MoveRequest and
// Version.
type ReleaseRequest struct {
	ID        string
	Item      string
	Message   string
	Receipt   string
	Recipient string   // whose mail the part was in
	Original  []string // all recipients of the original mail
	Form      Form
	Profile   Profile
	Exception string // id of the registered exception of the form Original
	Requester Actor
	Dept      string // the department whose approver decides
	Reason    string
	Persons   int // approvals that the rules demanded when it was made
	State     RequestState
	Version   int // grows by one with each change, from 1

	RequestedAt time.Time
	ExpiresAt   time.Time // the first instant at which nobody may decide
	EndedAt     time.Time // zero while open
	Decisions   []Decision
	LeftOut     []string // recipients that a decider added and whose mail has another policy: they get nothing
	Delivery    string   // the follow-up mail, once executed
	Fault       string   // reason code of a Failed request
}

// Ask is what somebody asks for.
type Ask struct {
	ID        string
	Form      Form
	Profile   Profile
	Reason    string
	Exception Exception // of the form Original
	Original  []string  // recipients of the original mail
	Sender    string    // its reverse-path
	Dept      string    // of the recipient; used when an administrator asks for another
}

// Request makes a request for a held item. With self-service it comes out
// Approved at once, in the forms that need nobody else.
func Request(ask Ask, item Item, a Actor, rules Rules, now time.Time) (ReleaseRequest, error) {
	dept, err := ask.check(item, a, rules, now)
	if err != nil {
		return ReleaseRequest{}, err
	}
	wait := rules.Wait
	if wait <= 0 {
		wait = DefaultWait
	}
	r := ReleaseRequest{ID: ask.ID, Item: item.ID, Message: item.Message, Receipt: item.Receipt, Recipient: item.Recipient,
		Original: slices.Clone(ask.Original), Form: ask.Form, Profile: ask.Profile, Requester: a.named(), Dept: dept,
		Reason: words(ask.Reason), Persons: rules.Persons(ask.Form, ask.Profile), State: Requested, Version: 1,
		RequestedAt: now, ExpiresAt: now.Add(wait)}
	if item.ExpiresAt.Before(r.ExpiresAt) {
		r.ExpiresAt = item.ExpiresAt
	}
	if ask.Form == Original {
		r.Exception = ask.Exception.ID
		if ask.Exception.Until.Before(r.ExpiresAt) {
			r.ExpiresAt = ask.Exception.Until
		}
	}
	if r.Persons == 0 {
		r.State = Approved
	}
	return r, nil
}

// check says why the request may not be made, and whose department it is.
func (k Ask) check(i Item, a Actor, rules Rules, now time.Time) (dept string, err error) {
	if err := a.able(); err != nil {
		return "", err
	}
	own := slices.Contains(a.Mailboxes, strings.ToLower(i.Recipient))
	switch {
	case i.State != Held || !now.Before(i.ExpiresAt):
		return "", Ended
	case own && (a.Has(Staff) || a.Has(Approver) || a.Has(Admin)):
		dept = a.Dept
	case a.Has(Admin):
		dept = k.Dept
	case a.Has(Staff) || a.Has(Approver):
		return "", NotYours
	default:
		return "", WrongRole
	}
	switch {
	case k.ID == "" || k.Profile != ByPolicy && (k.Form != Resanitize || k.Profile != Wide):
		return "", Incomplete
	case !rules.Offers(k.Form):
		return "", NotOffered
	case words(k.Reason) == "" && rules.Persons(k.Form, k.Profile) > 0:
		return "", NoReason
	case k.Form == Original:
		return dept, k.Exception.covers(i, k.Sender, now)
	}
	return dept, nil
}

// To returns who gets the released part: whose mail it was in, and whom the
// deciders added and nobody left out. Of an original that is one recipient.
func (r ReleaseRequest) To() []string {
	to := []string{r.Recipient}
	if r.Form == Original {
		return to
	}
	for _, d := range r.Decisions {
		for _, a := range d.Also {
			if d.Choice == Approve && !slices.Contains(to, a) && !slices.Contains(r.LeftOut, a) {
				to = append(to, a)
			}
		}
	}
	return to
}

// LeaveOut returns the request without those added recipients that are not
// alike: what goes out is built by the policy for Recipient, and may be more
// than the policy for another lets in. Who is left out once stays so.
func (r ReleaseRequest) LeaveOut(alike func(address string) bool) ReleaseRequest {
	out := slices.Clone(r.LeftOut)
	for _, a := range r.To()[1:] {
		if !alike(a) {
			out = append(out, a)
		}
	}
	r.LeftOut = out
	return r
}

// Approvals returns the approving decisions.
func (r ReleaseRequest) Approvals() []Decision {
	var all []Decision
	for _, d := range r.Decisions {
		if d.Choice == Approve {
			all = append(all, d)
		}
	}
	return all
}

// Granted checks, on the request itself and whatever it was read from, that it
// is approved by as many distinct persons as its form demands, none of them the
// requester, each in the order and capacity of the rule. Whoever executes a
// request MUST call it: a row that somebody has edited is not a decision.
func (r ReleaseRequest) Granted() error {
	approvals := r.Approvals()
	need := max(r.Persons, least(r.Form, r.Profile))
	switch {
	case r.State != Approved || len(approvals) != len(r.Decisions):
		return fmt.Errorf("%w: the request is %s", ErrState, r.State)
	case r.Requester.ID == "" || len(approvals) != need:
		return NotEnoughPersons
	}
	seen := map[string]bool{r.Requester.ID: true}
	for n, d := range approvals {
		s := stepOf(r.Form, n+1)
		fits := d.Basis == AsApprover && s.approver || d.Basis == AsDeputy && s.approver && d.OnBehalfOf != "" || d.Basis == AsAdmin && s.admin
		switch {
		case !fits || d.Order != n+1:
			return WrongRole
		case r.Form == Original && len(d.Also) > 0:
			return OneRecipient
		}
		for _, p := range d.persons() {
			if p == "" || seen[p] || !tellable(p, r.Requester.ID) {
				return NotEnoughPersons
			}
			seen[p] = true
		}
		if d.By.same(r.Requester, d.At) || d.By.sameAsAny(approvals[:n], d.At) {
			return GivenCredential
		}
	}
	return nil
}
