package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/quarantine"
)

// Problem is an error as RFC 9457 writes it.
type Problem struct {
	Type   string   `json:"type" format:"uri" doc:"urn:sekisho:problem: and the code"`
	Title  string   `json:"title" doc:"What people read, in the language of Accept-Language"`
	Status int      `json:"status" doc:"HTTP status code"`
	Code   string   `json:"code" doc:"Stable code for programs"`
	Fields []string `json:"fields,omitempty" doc:"Places in the request that are at fault"`
	Next   string   `json:"next_step,omitempty" doc:"What people can do, in the same language"`

	wait time.Duration
}

// Error implements error.
func (p *Problem) Error() string { return p.Code }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// said is one row of the table of problems.
type said struct {
	code   string
	status int
	ja, en string
}

// Codes of this package's own.
const (
	codeInvalid      = "invalid_request"
	codeNoRoute      = "no_such_resource"
	codeMethod       = "method_not_allowed"
	codeRate         = "rate_limited"
	codeCrossSite    = "cross_site_request"
	codeKeyMissing   = "idempotency_key_missing"
	codeKeyReused    = "idempotency_key_reused"
	codeInProgress   = "request_in_progress"
	codePrecondition = "if_match_missing"
	codeAudit        = "audit_unavailable"
	codeTooLarge     = "request_too_large"
	codeDecided      = "already_decided"
	codeInternal     = "internal"
	codeDrawing      = "picture_in_progress"
	codeGone         = "original_gone"
	codeUnsigned     = "not_signed_yet"
)

// problems is the table of what people and programs are told. Nothing writes
// to it. Codes of package quarantine bring their own texts.
var problems = [...]said{
	{codeInvalid, 422, "送られた内容に誤りがあります。", "The request is not well formed."},
	{codeNoRoute, 404, "見つかりません。", "There is nothing here."},
	{codeMethod, 405, "この操作はできません。", "This method is not possible here."},
	{codeRate, 429, "操作が多すぎます。しばらく待ってから、もう一度お試しください。", "Too many requests; wait and try again."},
	{codeCrossSite, 403, "ほかのページからの操作のため、受け付けませんでした。ページを開き直してください。", "The request did not come from our own page."},
	{codeKeyMissing, 400, "Idempotency-Key がありません。", "The Idempotency-Key header is missing."},
	{codeKeyReused, 422, "同じ Idempotency-Key が別の内容に使われました。", "The Idempotency-Key was used for another request."},
	{codeInProgress, 409, "同じ操作を処理しています。しばらく待ってから確かめてください。", "The same request is under way."},
	{codePrecondition, 428, "If-Match がありません。今の内容を読み直してから変更してください。", "The If-Match header is missing."},
	{codeAudit, 503, "監査記録が書けないため、操作を受け付けていません。情報政策課へお知らせください。", "The audit log takes no records, so nothing may be changed."},
	{codeTooLarge, 413, "送られた内容が大きすぎます。", "The request is too large."},
	{codeDecided, 409, "すでにほかの人が決めたか、状態が変わっています。", "It was decided meanwhile."},
	{codeDrawing, 409, "画像を作っています。しばらく待ってから、もう一度お試しください。", "The picture is being made; ask again."},
	{codeGone, 410, "原本か、その画像は、もうありません。", "The original, or the picture of it, is gone."},
	{codeUnsigned, 409, "まだ署名されていない記録があります。次の署名（普通は５分以内）の後に、もう一度お試しください。", "Some records are not under a checkpoint yet; try again after the next one."},
	{codeInternal, 500, "処理できませんでした。情報政策課へお知らせください。", "This could not be done."},
	{string(account.ErrCredentials), 401, "ログイン名、パスワード、確認コードのいずれかが違います。", "Name, password or code is wrong."},
	{string(account.ErrFactor), 401, "認証アプリの確認コードを入力してください。", "The code of the second factor is needed."},
	{string(account.ErrTooMany), 429, "続けて失敗したため、しばらく受け付けません。時間をおいてお試しください。", "Too many failed attempts; wait and try again."},
	{string(account.ErrLocked), 429, "このログイン名はロックされています。情報政策課へお知らせください。", "This name is locked until an administrator unlocks it."},
	{string(account.ErrSession), 401, "ログインしてください。", "Sign in first."},
	{string(account.ErrStepUp), 401, "この操作の前に、もう一度本人確認をしてください。", "Prove again who you are before this."},
	{string(account.ErrEnrolFactor), 403, "先に認証アプリを登録してください。", "Set up the second factor first."},
	{string(account.ErrNewPassword), 403, "先に新しいパスワードを決めてください。", "Choose a new password first."},
	{string(account.ErrDenied), 403, "この操作をする権限がありません。", "You are not permitted to do this."},
	{string(account.ErrNotFound), 404, "見つかりません。", "Not found."},
	{string(account.ErrConflict), 412, "ほかの人が先に変更しました。読み直してください。", "It was changed meanwhile; read it again."},
	{string(account.ErrExists), 409, "すでにあるか、数の上限です。", "It exists already, or there are too many."},
	{string(account.ErrSelf), 403, "自分のアカウントには行えません。ほかの管理者に頼んでください。", "Another person has to do this to your account."},
	{string(account.ErrSamePerson), 403, "二人目の確認が必要です。申し出た人とは別の人が行ってください。", "A second person has to confirm."},
	{string(account.ErrTwoAdmins), 403, "隔離管理者二人が、それぞれのアカウントで行ってください。", "Two administrators have to do this, each with an account."},
	{string(account.ErrLastAdmin), 409, "最後の隔離管理者は外せません。", "The last administrator cannot be removed."},
	{string(account.ErrRolesExclude), 422, "監査者は、隔離管理者や運用者を兼ねられません。", "An auditor cannot be administrator or operator."},
	{string(account.ErrRole), 422, "役割が正しくありません。", "There is no such role."},
	{string(account.ErrName), 422, "名前に使えない文字があるか、長さが合いません。", "The name has characters or a length that is not allowed."},
	{string(account.ErrMail), 422, "メールアドレスが正しくありません。", "An address is not valid."},
	{string(account.ErrDepartment), 422, "所属がありません。", "There is no such department."},
	{string(account.ErrScope), 422, "許可の範囲が正しくありません。", "The scopes are not possible."},
	{string(account.ErrPeriod), 422, "期間が正しくありません。", "The period is not possible."},
	{string(account.ErrDeputy), 422, "代理承認者にできません。承認者の役割を持つ、別の人を選んでください。", "This person cannot be the deputy."},
	{string(account.ErrShort), 422, "パスワードが短すぎます。", "The password is too short."},
	{string(account.ErrLong), 422, "パスワードが長すぎます。", "The password is too long."},
	{string(account.ErrListed), 422, "よく使われるパスワードのため、使えません。", "The password is too common."},
	{string(account.ErrOwnWords), 422, "名前や団体名だけのパスワードは使えません。", "The password consists of your or the office's words."},
	{string(account.ErrUnchanged), 422, "今のパスワードと同じです。別のパスワードにしてください。", "The new password is the present one."},
	{string(account.ErrReplay), 401, "この確認コードは使用済みです。次のコードを待ってください。", "The code was used already; wait for the next."},
	{string(account.ErrCode), 422, "確認コードが違います。", "The code is wrong."},
	{string(account.ErrFactorPresent), 409, "認証アプリは登録済みです。", "There is a second factor already."},
	{string(account.ErrFactorAbsent), 409, "認証アプリは登録されていません。", "There is no second factor."},
	{string(account.ErrImport), 422, "利用者の一覧として読めません。", "The file is no list of users."},
}

// japanese reports whether Accept-Language prefers Japanese, which it does
// unless English is named before it.
func japanese(accept string) bool {
	for part := range strings.SplitSeq(strings.ToLower(accept), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch tag, _, _ = strings.Cut(tag, "-"); tag {
		case "ja":
			return true
		case "en":
			return false
		}
	}
	return true
}

// problem returns the problem of a code; one that is not in the table is
// internal.
func problem(code, accept string) *Problem {
	row := problems[0]
	found := false
	for _, p := range problems {
		if p.code == code {
			row, found = p, true
		}
	}
	if !found {
		return problem(codeInternal, accept)
	}
	p := &Problem{Type: "urn:sekisho:problem:" + code, Title: row.en, Status: row.status, Code: code}
	if japanese(accept) {
		p.Title = row.ja
	}
	return p
}

// refusalStatus is how the rules of quarantine are answered.
func refusalStatus(r quarantine.Refusal) int {
	switch r {
	case quarantine.AlreadyDecided, quarantine.Ended:
		return http.StatusConflict
	case quarantine.RequestExpired:
		return http.StatusGone
	case quarantine.TooManyOpen:
		return http.StatusTooManyRequests
	case quarantine.NoReason, quarantine.Incomplete, quarantine.NotRecipient, quarantine.OneRecipient:
		return http.StatusUnprocessableEntity
	}
	return http.StatusForbidden
}

// explain turns an error of the rules or the store into a problem. known is
// false for what nobody foresaw.
func explain(err error, accept string) (p *Problem, known bool) {
	var own *Problem
	var refused account.Refusal
	var ruled quarantine.Refusal
	var wait account.Wait
	switch {
	case errors.As(err, &own):
		return own, true
	case errors.As(err, &wait):
		p = problem(string(account.ErrTooMany), accept)
		p.wait = wait.After
		return p, true
	case errors.As(err, &refused):
		p = problem(string(refused), accept)
		return p, p.Code != codeInternal
	case errors.As(err, &ruled):
		p = &Problem{Type: "urn:sekisho:problem:" + string(ruled), Title: ruled.Text().EN, Status: refusalStatus(ruled), Code: string(ruled)}
		if japanese(accept) {
			p.Title = ruled.Text().JA
		}
		return p, true
	case errors.Is(err, quarantine.ErrState), errors.Is(err, gateway.ErrState):
		return problem(codeDecided, accept), true
	case errors.Is(err, gateway.ErrNotFound):
		return problem(string(account.ErrNotFound), accept), true
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return problem(codeTooLarge, accept), true
	}
	return problem(codeInternal, accept), false
}

// write answers with the problem.
func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", p.ContentType(""))
	if p.wait > 0 {
		w.Header().Set("Retry-After", seconds(p.wait))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="sekisho"`)
	}
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p) // the client may have gone; nothing to do
}

// seconds is a wait as Retry-After says it, rounded up.
func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }
