package quarantine

// Refusal is why a rule says no: a stable lower-case code, which is an
// interface to people and programs. It is compared with errors.Is.
type Refusal string

// The closed list of refusals.
const (
	// SelfApproval: nobody decides on a request of one's own, nor does the
	// deputy of the person who made it.
	SelfApproval Refusal = "self_approval"
	// WrongDepartment: the request is another department's.
	WrongDepartment Refusal = "not_your_department"
	// AlreadyDecided: the request waits for nobody any more.
	AlreadyDecided Refusal = "already_decided"
	// RequestExpired: the time to decide, or an exception's time, is over.
	RequestExpired Refusal = "expired"
	// NotEnoughPersons: the step needs a person who has not decided yet.
	NotEnoughPersons Refusal = "not_enough_persons"
	// WrongRole: the person's roles do not allow this step.
	WrongRole Refusal = "role"
	// Disabled: the person's account is not in use.
	Disabled Refusal = "disabled"
	// DeputyRefused: the deputation is not this person's, or not of today.
	DeputyRefused Refusal = "deputy"
	// NotOffered: the rules of this gateway do not offer the form.
	NotOffered Refusal = "form_not_offered"
	// NoException: no open exception covers the part.
	NoException Refusal = "no_exception"
	// NotYours: the held part is in another person's mail.
	NotYours Refusal = "not_yours"
	// NoReason: a decision or request without the reason that it needs.
	NoReason Refusal = "reason_required"
	// NotRecipient: somebody who did not get the mail cannot get its parts.
	NotRecipient Refusal = "not_a_recipient"
	// OneRecipient: an exception lets an original to the one recipient that was
	// asked for; each further one is a request of its own.
	OneRecipient Refusal = "one_recipient"
	// GivenCredential: one of two persons gave the other what it signs in with, not
	// long ago, and they count as one.
	GivenCredential Refusal = "credential_given"
	// Ended: the held part was released, discarded or has expired.
	Ended Refusal = "item_ended"
	// MixedPersons: a user of the operating system and an account may be one and
	// the same person; they do not count together.
	MixedPersons Refusal = "mixed_persons"
	// PersonLeft: somebody who asked or approved has no account in use any more, or
	// lost the role; their part does not count.
	PersonLeft Refusal = "person_left"
	// TooManyOpen: so many requests of this person wait that those of others would
	// be hard to find.
	TooManyOpen Refusal = "too_many_open"
	// Incomplete: the request or the exception lacks what it must say.
	Incomplete Refusal = "incomplete"
)

// RefusalText is what people read about a refusal: a whole sentence each.
type RefusalText struct{ JA, EN string }

// refusals is the one table of refusals. Nothing writes to it.
var refusals = map[Refusal]RefusalText{
	SelfApproval:     {"自分の申請、または代理する人の申請は、自分では決められません。", "Nobody decides on a request of their own."},
	WrongDepartment:  {"ほかの課の申請です。その課の承認者が決めます。", "The request belongs to another department."},
	AlreadyDecided:   {"すでに決まっています。画面を読み直してください。", "It was decided already."},
	RequestExpired:   {"期限が過ぎています。必要なときは、もう一度申請してください。", "The time for it is over."},
	NotEnoughPersons: {"まだ決めていない別の人の承認が必要です。", "Another person has to decide this step."},
	WrongRole:        {"この手続きを行う役割がありません。", "Your roles do not allow this step."},
	Disabled:         {"このアカウントは使えません。", "The account is not in use."},
	DeputyRefused:    {"代理の期間外か、代理に選ばれていません。", "You are not the deputy at this time."},
	NotOffered:       {"この形の解除は、このゲートウェイでは選べません。", "This form of release is not offered here."},
	NoException:      {"あてはまる例外措置が登録されていないか、期間が終わっています。", "No open exception covers this part."},
	NotYours:         {"自分あてのメールではありません。", "The part is not in your own mail."},
	NoReason:         {"理由を書いてください。", "A reason is needed."},
	NotRecipient:     {"もとのメールの宛先でない人には届けられません。", "Only original recipients can be added."},
	OneRecipient:     {"例外解除では、ほかの宛先を加えられません。宛先ごとに申請してください。", "An exception is for one recipient; ask for each."},
	GivenCredential: {"この人かあなたのパスワードや認証アプリを、最近もう一人が初期化したため、別の人として数えられません。ほかの人に頼んでください。",
		"One of you gave the other's password or factor not long ago, so that you count as one person; ask another."},
	Ended: {"すでに解除、破棄、または期限切れになっています。", "The part was released, discarded or has expired."},
	MixedPersons: {"コマンドの利用者とアカウントは、別の人かどうかを確かめられません。申請と同じ方法（コマンドかアカウント）で承認してください。",
		"A command line user and an account may be one person; approve in the way in which it was asked for."},
	PersonLeft: {"申請した人か承認した人が、アカウントの停止や役割の変更で、今はその立場にありません。もう一度申請してください。",
		"Somebody who asked or approved does not hold that role any more; ask anew."},
	TooManyOpen: {"承認待ちの申請が多すぎます。決まるのを待つか、いらない申請を取り下げてください。",
		"Too many of your requests wait; let them be decided, or withdraw some."},
	Incomplete: {"必要な項目が足りません。", "Something that must be said is missing."},
}

// Error implements error, for operators and logs.
func (r Refusal) Error() string { return "quarantine: " + string(r) + ": " + r.Text().EN }

// Is makes what came too late an ErrState too: the caller's picture is old.
func (r Refusal) Is(target error) bool {
	return target == ErrState && (r == AlreadyDecided || r == Ended)
}

// Text returns what people read; an unknown refusal reads as WrongRole.
func (r Refusal) Text() RefusalText {
	if t, ok := refusals[r]; ok {
		return t
	}
	return refusals[WrongRole]
}

// Refusals returns the closed list in no particular order.
func Refusals() []Refusal {
	var all []Refusal
	for r := range refusals {
		all = append(all, r)
	}
	return all
}
