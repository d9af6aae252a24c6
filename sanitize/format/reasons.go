package format

// Reason says why a file is held: a stable lower-case code of the closed list
// below (DECISIONS, "Reason codes").
type Reason string

// The closed list of reasons.
const (
	EncryptedArchive   Reason = "encrypted_archive"
	EncryptedDocument  Reason = "encrypted_document"
	EncryptedMail      Reason = "encrypted_mail"
	KindUnknown        Reason = "kind_unknown"
	KindUnsupported    Reason = "kind_unsupported"
	KindBlocked        Reason = "kind_blocked"
	TypeMismatch       Reason = "type_mismatch"
	Malformed          Reason = "malformed"
	Truncated          Reason = "truncated"
	LintFailed         Reason = "lint_failed"
	FidelityLoss       Reason = "fidelity_loss"
	LimitSize          Reason = "limit_size"
	LimitExpanded      Reason = "limit_expanded"
	LimitDepth         Reason = "limit_depth"
	LimitCount         Reason = "limit_count"
	LimitPixels        Reason = "limit_pixels"
	LimitPages         Reason = "limit_pages"
	LimitTime          Reason = "limit_time"
	LimitMemory        Reason = "limit_memory"
	WorkerCrash        Reason = "worker_crash"
	CrashLoop          Reason = "crash_loop"
	Internal           Reason = "internal"
	MalwareFound       Reason = "malware_found"
	ScannerUnavailable Reason = "scanner_unavailable"
	MailLoop           Reason = "mail_loop"
	FragmentOfMail     Reason = "fragment"
	ExternalBody       Reason = "external_body"
	SpoofedOwnDomain   Reason = "spoofed_own_domain"
	TooLargeAfter      Reason = "too_large_after"
	ByPolicy           Reason = "policy"
)

// ReasonText is what people read about a reason: a clause that follows
// 「…ため」 in a notice, the next step for the recipient, and the English line
// for operators.
type ReasonText struct {
	JA   string // 「パスワードが付いている」
	Next string // 「差出人に、パスワードなしで送り直すよう頼んでください。」
	EN   string
}

// AsksOffice reports whether Next is only to ask the office, which whoever
// names the office otherwise need not say again.
func (t ReasonText) AsksOffice() bool { return t.Next == askOffice }

const (
	askResend   = "必要なときは、差出人に別の形（文字や画像など）で送り直すよう頼んでください。"
	askUnlocked = "差出人に、パスワードを付けずに送り直すよう頼んでください。"
	askWhole    = "差出人に、メールを分割しないで送り直すよう頼んでください。"
	askSmaller  = "差出人に、小さく分けて送り直すよう頼んでください。"
	askOffice   = "中身が必要なときは、受付番号を添えて担当課へお問い合わせください。"
	askSender   = "心当たりがないときは、何もしないでください。必要なときは、電話などで差出人に確かめてください。"
)

// reasons is the one table of reasons.
var reasons = map[Reason]ReasonText{
	EncryptedArchive:   {"パスワード付きで中を確かめられない", askUnlocked, "password-protected archive"},
	EncryptedDocument:  {"パスワード付きで中を確かめられない", askUnlocked, "password-protected document"},
	EncryptedMail:      {"暗号化されていて中を確かめられない", askUnlocked, "encrypted mail"},
	KindUnknown:        {"種類を確かめられない", askResend, "unknown kind of file"},
	KindUnsupported:    {"まだ無害化できない種類の", askOffice, "kind of file not yet supported"},
	KindBlocked:        {"受け取れない種類の", askSender, "kind of file that is never accepted"},
	TypeMismatch:       {"名前と中身の種類が合わない", askSender, "name and content disagree"},
	Malformed:          {"壊れていて読めない", askResend, "malformed"},
	Truncated:          {"途中で切れている", askResend, "cut short"},
	LintFailed:         {"作り直したものの検査に合格しなかった", askOffice, "rebuilt file failed its lint"},
	FidelityLoss:       {"作り直すと中身が失われる", askOffice, "content would be lost"},
	LimitSize:          {"大きさの上限を超えた", askSmaller, "size limit"},
	LimitExpanded:      {"展開した大きさの上限を超えた", askSmaller, "expanded size limit"},
	LimitDepth:         {"入れ子が深すぎる", askResend, "nesting limit"},
	LimitCount:         {"部品の数が多すぎる", askSmaller, "count limit"},
	LimitPixels:        {"画像の大きさの上限を超えた", askSmaller, "pixel limit"},
	LimitPages:         {"ページ数の上限を超えた", askSmaller, "page limit"},
	LimitTime:          {"決められた時間の内に処理できなかった", askOffice, "time limit"},
	LimitMemory:        {"処理に使えるメモリーの上限を超えた", askOffice, "memory limit"},
	WorkerCrash:        {"処理の途中で異常が起きた", askOffice, "worker crashed"},
	CrashLoop:          {"処理の途中で異常が続いた", askOffice, "worker crashed repeatedly"},
	Internal:           {"装置の側で処理できなかった", askOffice, "internal error"},
	MalwareFound:       {"ウイルスの疑いがある", askSender, "malware found"},
	ScannerUnavailable: {"ウイルス検査ができなかった", askOffice, "scanner unavailable"},
	MailLoop:           {"同じメールが回り続けている", askOffice, "mail loop"},
	FragmentOfMail:     {"分割されたメールの一部だけの", askWhole, "fragment of a split mail"},
	ExternalBody:       {"中身が外部に置かれている", askResend, "body stored elsewhere"},
	SpoofedOwnDomain:   {"庁内の差出人を名乗る外部のメールの", askSender, "outside mail claiming an own address"},
	TooLargeAfter:      {"届け先の大きさの上限を超える", askSmaller, "too large for the next hop"},
	ByPolicy:           {"方針により受け取らない", askOffice, "policy"},
}

// Text returns what people read about r; an unknown reason reads as Internal.
func (r Reason) Text() ReasonText { return reasons[r.Listed()] }

// Known reports whether r stands in the closed list.
func (r Reason) Known() bool { _, ok := reasons[r]; return ok }

// Listed returns r, or Internal where r does not stand in the closed list.
func (r Reason) Listed() Reason {
	if r.Known() {
		return r
	}
	return Internal
}

// Reasons returns the closed list in no particular order.
func Reasons() []Reason {
	var all []Reason
	for r := range reasons {
		all = append(all, r)
	}
	return all
}
