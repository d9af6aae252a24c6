package quarantine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sekisho/sanitize/format"
)

// ExceptionState is the state of an Exception. The zero state is not legal.
type ExceptionState string

// The states of an exception.
const (
	Proposed ExceptionState = "proposed" // waits for two persons
	Opened   ExceptionState = "open"
	Over     ExceptionState = "ended"   // by a person, or refused before it opened
	RanOut   ExceptionState = "expired" // its last day is over
)

// exceptionMoves is the table of legal moves; Opened to Opened is one use.
var exceptionMoves = map[ExceptionState][]ExceptionState{
	Proposed: {Proposed, Opened, Over, RanOut},
	Opened:   {Opened, Over, RanOut},
}

// MoveException reports whether an exception may go from one state to another.
func MoveException(from, to ExceptionState) error {
	if slices.Contains(exceptionMoves[from], to) {
		return nil
	}
	return fmt.Errorf("%w: exception from %s to %s", ErrState, from, to)
}

// MaxException is the longest time for which an exception may be registered; a
// longer need is a new decision.
const MaxException = 366 * 24 * time.Hour

// maxUses bounds how often one exception may be used.
const maxUses = 1000

// Any stands in a Scope for everything.
const Any = "*"

// Scope is what an exception is about. Each of the three has to say something;
// an empty one covers nothing. Any is for all.
type Scope struct {
	Recipients []string `json:"recipients"` // addresses or @domain, lower case
	Senders    []string `json:"senders"`    // likewise, of the reverse-path
	Kinds      []string `json:"kinds"`      // format.Kind words
}

// Exception is an entry of the register of exceptions (例外措置台帳): for whom,
// from whom, for which files and how long originals may be asked for. It lets
// nothing through by itself; each part still needs its own request and persons.
type Exception struct {
	ID         string
	Scope      Scope
	Reason     string
	From       time.Time
	Until      time.Time // the first instant at which it is over
	MaxUses    int
	Uses       int
	State      ExceptionState
	Version    int // grows by one with each change, from 1
	ProposedBy Actor
	ProposedAt time.Time
	EndedAt    time.Time
	Decisions  []Decision
}

// Propose registers an exception that two others have to approve. Only the
// fields that say what it is about are taken from e.
func Propose(e Exception, a Actor, now time.Time) (Exception, error) {
	if err := a.able(); err != nil {
		return Exception{}, err
	}
	e.Reason = words(e.Reason)
	switch {
	case !a.Has(Admin) && !a.Has(Approver):
		return Exception{}, WrongRole
	case e.Reason == "":
		return Exception{}, NoReason
	case e.ID == "" || !e.Scope.complete() || e.MaxUses < 1 || e.MaxUses > maxUses,
		e.From.IsZero(), !e.From.Before(e.Until), !now.Before(e.Until), e.Until.Sub(e.From) > MaxException:
		return Exception{}, Incomplete
	}
	if word := e.Scope.strange(); word != "" {
		return Exception{}, fmt.Errorf("%w: %.100q is no address, @domain or kind", Incomplete, word)
	}
	return Exception{ID: e.ID, Scope: e.Scope.clone(), Reason: e.Reason, From: e.From, Until: e.Until, MaxUses: e.MaxUses,
		State: Proposed, Version: 1, ProposedBy: a.named(), ProposedAt: now}, nil
}

// exceptionSteps is who gives the two approvals: any approver or administrator
// first, an administrator second.
var exceptionSteps = [maxSteps]step{{approver: true, admin: true}, {admin: true}}

// DecideException returns the exception after a person's vote. The second
// approval opens it; Deny ends it.
func DecideException(e Exception, a Actor, v Vote, now time.Time) (Exception, error) {
	if err := a.able(); err != nil {
		return e, err
	}
	switch {
	case e.State != Proposed:
		return e, AlreadyDecided
	case !now.Before(e.Until):
		return e, RequestExpired
	case e.ProposedBy.ID == "":
		return e, Incomplete
	case a.ID == e.ProposedBy.ID || v.OnBehalfOf == e.ProposedBy.ID || a.standsFor(e.ProposedBy.ID, now):
		return e, SelfApproval
	case v.Choice == Approve && !tellable(a.ID, e.ProposedBy.ID):
		return e, MixedPersons
	case v.Choice == Approve && (a.same(e.ProposedBy, now) || a.sameAsAny(e.approvals(), now)):
		return e, GivenCredential
	}
	n := len(e.approvals())
	if n >= maxSteps {
		return e, AlreadyDecided
	}
	who := Decision{By: a, OnBehalfOf: v.OnBehalfOf}.persons()
	for _, d := range e.approvals() {
		if slices.ContainsFunc(d.persons(), func(p string) bool { return slices.Contains(who, p) }) {
			return e, NotEnoughPersons
		}
	}
	stand, err := a.deputation(v.OnBehalfOf, now)
	if err != nil {
		return e, err
	}
	dept := a.Dept // the register is everybody's: an approver of any department
	if !stand.none() {
		dept = stand.Of.Dept
	}
	basis, err := exceptionSteps[n].capacity(a, stand, dept)
	if err != nil {
		return e, err
	}
	d := Decision{Choice: v.Choice, By: a.named(), OnBehalfOf: v.OnBehalfOf, At: now, Reason: words(v.Reason), Basis: basis}
	switch v.Choice {
	case Approve:
		d.Order = n + 1
		e = e.with(d)
		if d.Order == maxSteps {
			e.State = Opened
		}
		return e, nil
	case Deny:
		return e.close(d)
	}
	return e, Incomplete
}

// End returns the exception ended before its time by an approver or an
// administrator; one person is enough to be stricter.
func (e Exception) End(a Actor, reason string, now time.Time) (Exception, error) {
	if err := a.able(); err != nil {
		return e, err
	}
	switch {
	case MoveException(e.State, Over) != nil:
		return e, AlreadyDecided
	case !a.Has(Admin) && !a.Has(Approver):
		return e, WrongRole
	}
	basis := AsApprover
	if a.Has(Admin) {
		basis = AsAdmin
	}
	return e.close(Decision{Choice: Withdraw, By: a.named(), At: now, Reason: words(reason), Basis: basis})
}

func (e Exception) close(d Decision) (Exception, error) {
	if d.Reason == "" {
		return e, NoReason
	}
	e = e.with(d)
	e.State, e.EndedAt = Over, d.At
	return e, nil
}

// Expire returns the exception after its last day, or ErrState before.
func (e Exception) Expire(now time.Time) (Exception, error) {
	if MoveException(e.State, RanOut) != nil || now.Before(e.Until) {
		return e, ErrState
	}
	e = e.with(Decision{Choice: Lapse, At: now, Basis: ByTime})
	e.State, e.EndedAt = RanOut, now
	return e, nil
}

// Use returns the exception used once more for an item, or NoException when it
// is not open now, is about something else, or was used as often as it may be.
func (e Exception) Use(i Item, sender string, now time.Time) (Exception, error) {
	if err := e.covers(i, sender, now); err != nil {
		return e, err
	}
	e.Version++
	e.Uses++
	return e, nil
}

// covers checks everything that makes an exception one for this item now: what
// it says, and that two persons besides its proposer opened it.
func (e Exception) covers(i Item, sender string, now time.Time) error {
	opened := e.approvals()
	persons := map[string]bool{e.ProposedBy.ID: true}
	for n, d := range opened {
		if d.By.same(e.ProposedBy, d.At) || d.By.sameAsAny(opened[:n], d.At) {
			return NoException
		}
		for _, p := range d.persons() {
			if p == "" || persons[p] || !tellable(p, e.ProposedBy.ID) {
				return NoException
			}
			persons[p] = true
		}
	}
	ok := e.InForce(now) && len(opened) == maxSteps &&
		e.Uses < e.MaxUses && matches(e.Scope.Recipients, i.Recipient) && matches(e.Scope.Senders, sender) &&
		(slices.Contains(e.Scope.Kinds, Any) || slices.Contains(e.Scope.Kinds, string(i.Kind)))
	if !ok {
		return NoException
	}
	return nil
}

func (e Exception) approvals() []Decision {
	var all []Decision
	for _, d := range e.Decisions {
		if d.Choice == Approve {
			all = append(all, d)
		}
	}
	return all
}

func (e Exception) with(d Decision) Exception {
	e.Decisions = append(slices.Clone(e.Decisions), d)
	e.Version++
	return e
}

// matches reports whether an address is one of a list, or in a domain of it.
func matches(list []string, address string) bool {
	a := strings.ToLower(address)
	at := strings.LastIndexByte(a, '@')
	return slices.Contains(list, Any) || a != "" && slices.Contains(list, a) || at >= 0 && slices.Contains(list, a[at:])
}

// complete reports whether each part of the scope says something.
func (s Scope) complete() bool {
	for _, list := range [][]string{s.Recipients, s.Senders, s.Kinds} {
		if len(list) == 0 || slices.Contains(list, "") {
			return false
		}
	}
	return true
}

// strange returns the first word that could match nothing, "" for none: a slip
// of the pen is told when an exception is registered, not when it is needed.
func (s Scope) strange() string {
	for _, list := range [][]string{s.Recipients, s.Senders} {
		for _, a := range list {
			if at := strings.LastIndexByte(a, '@'); a != Any && (at < 0 || at == len(a)-1 || strings.ContainsAny(a, " \t,;<>")) {
				return a
			}
		}
	}
	for _, k := range s.Kinds {
		if k != Any && !slices.Contains(format.Kinds(), format.Kind(strings.ToLower(k))) {
			return k
		}
	}
	return ""
}

// clone returns a copy, addresses in lower case.
func (s Scope) clone() Scope {
	lower := func(list []string) []string {
		out := slices.Clone(list)
		for i := range out {
			out[i] = strings.ToLower(out[i])
		}
		return out
	}
	return Scope{lower(s.Recipients), lower(s.Senders), lower(s.Kinds)}
}
