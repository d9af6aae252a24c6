package format

// NextEN is Next in English, for programs and for people who asked for it.
func (t ReasonText) NextEN() string {
	switch t.Next {
	case askResend:
		return "If you need it, ask the sender to send it again in another form, such as text or a picture."
	case askUnlocked:
		return "Ask the sender to send it again without a password."
	case askWhole:
		return "Ask the sender to send the mail again without splitting it."
	case askSmaller:
		return "Ask the sender to send it again in smaller pieces."
	case askSender:
		return "If you do not expect it, do nothing; if you need it, ask the sender by telephone."
	}
	return "If you need what is in it, ask the office in charge and name the receipt number."
}
