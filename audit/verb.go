package audit

import "slices"

// Verb names what happened. It is an interface to auditors and to other
// programs: verbs are added, never renamed.
type Verb string

// VerbInfo describes a verb.
type VerbInfo struct {
	Verb     Verb
	JA, EN   string   // one short phrase each, for lists and generated documentation
	Articles []string // articles of the regulation that such a record helps to show
}

// The verbs that this package writes or interprets itself.
const (
	VerbHeartbeat    Verb = "audit.heartbeat"
	VerbCheckpoint   Verb = "audit.checkpoint"
	VerbAnchored     Verb = "audit.anchored"
	VerbPurged       Verb = "retention.purged"
	VerbStarted      Verb = "system.started"
	VerbStopped      Verb = "system.stopped"
	VerbClockChanged Verb = "system.clock_changed"
)

// verbs is the closed list. Nothing writes to it.
var verbs = [...]VerbInfo{
	{"message.received", "メールを受信した", "message received", crossing},
	{"message.sanitized", "メールを無害化した", "message sanitized", crossing},
	{"message.delivered", "メールを届けた", "message delivered", crossing},
	{"message.deferred", "メールの配送を後に回した", "message delivery put off", crossing},
	{"message.rejected", "メールの受信を断った", "message refused", crossing},
	{"message.viewed", "メールの処理内容を見た", "message viewed", insider},
	{"part.textized", "テキスト化した", "part converted to text", crossing},
	{"part.rasterized", "画像化した", "part converted to an image", crossing},
	{"part.reconstructed", "再構築した", "part reconstructed", crossing},
	{"part.stripped", "取り除いた", "part stripped", crossing},
	{"part.quarantined", "隔離した", "part quarantined", crossing},
	{"part.failed", "処理できず隔離した", "part could not be processed", crossing},
	{"archive.unlock_attempted", "パスワード解除を試みた", "archive unlock attempted", insider},
	{"preview.page_rendered", "画面転送プレビューで見た", "preview page shown", insider},
	{"delivery.created", "配送単位を作った", "delivery created", crossing},
	{"delivery.sealed", "無害化済みの配送単位を封じた", "delivery sealed", crossing},
	{"relay.intent", "配送を始める", "relay about to start", crossing},
	{"relay.relayed", "次のサーバーが受け取った", "relayed to the next hop", crossing},
	{"relay.deferred", "次のサーバーが後回しにした", "relay put off by the next hop", crossing},
	{"relay.failed", "次のサーバーに渡せなかった", "relay failed", crossing},
	{"item.held", "パートを隔離した", "item held", crossing},
	{"item.released", "隔離を解除した", "item released", release},
	{"item.discarded", "隔離したものを破棄した", "item discarded", release},
	{"item.expired", "保存期限が過ぎた", "item expired", release},
	{"release.requested", "解除を申請した", "release requested", release},
	{"release.approved", "解除を承認した", "release approved", release},
	{"release.denied", "解除を却下した", "release denied", release},
	{"release.sent_back", "解除申請を差し戻した", "release request sent back", release},
	{"release.withdrawn", "解除申請を取り下げた", "release request withdrawn", release},
	{"release.expired", "解除申請の期限が過ぎた", "release request expired", release},
	{"release.executed", "解除を実行した", "release carried out", release},
	{"exception.opened", "例外措置を始めた", "policy exception opened", exception},
	{"exception.used", "例外措置を使った", "policy exception used", exception},
	{"exception.ended", "例外措置を終えた", "policy exception ended", exception},
	{"outbound.held", "送信を保留した", "outbound mail held", outbound},
	{"outbound.confirmed", "送信者が確認した", "outbound mail confirmed by its sender", outbound},
	{"outbound.approved", "送信を承認した", "outbound mail approved", outbound},
	{"outbound.denied", "送信を却下した", "outbound mail denied", outbound},
	{"outbound.cancelled", "送信を取り消した", "outbound mail cancelled", outbound},
	{"outbound.split", "送信を分割した", "outbound mail split", outbound},
	{"original.exported", "原本を取り出した", "original exported", insider},
	{"original.purged", "原本を消去した", "original purged", insider},
	{"policy.drafted", "方針の案を作った", "policy drafted", review},
	{"policy.dry_run", "方針を試行した", "policy dry run", review},
	{"policy.approved", "方針を承認した", "policy approved", review},
	{"policy.applied", "方針を適用した", "policy applied", review},
	{"policy.rolled_back", "方針を元に戻した", "policy rolled back", review},
	{"user.created", "利用者を作った", "user created", access},
	{"user.changed", "利用者を変更した", "user changed", access},
	{"user.disabled", "利用者を停止した", "user disabled", access},
	{"user.imported", "利用者を一括で取り込んだ", "users imported", access},
	{"auth.succeeded", "ログインした", "sign-in succeeded", access},
	{"auth.failed", "ログインに失敗した", "sign-in failed", access},
	{"auth.locked", "アカウントをロックした", "account locked", access},
	{"auth.unlocked", "アカウントのロックを外した", "account unlocked", access},
	{"auth.step_up", "本人確認をやり直した", "identity confirmed again", access},
	{"session.revoked", "セッションを終わらせた", "session revoked", access},
	{"authz.denied", "権限がないため断った", "not permitted", access},
	{"zone.refused", "マイナンバー利用事務系への接続を断った", "connection to the My Number zone refused", zone},
	{"job.requested", "処理を依頼した", "job requested", insider},
	{"job.done", "処理を終えた", "job done", insider},
	{"job.failed", "処理に失敗した", "job failed", insider},
	{"notice.stopped", "お預かりのお知らせが届かなくなった", "notices about held parts stopped", running},
	{"notice.resumed", "お預かりのお知らせがまた届くようになった", "notices about held parts began again", running},
	{"key.created", "鍵を作った", "key created", keeping},
	{"key.rotated", "鍵を更新した", "key rotated", keeping},
	{VerbHeartbeat, "記録が続いている", "log is alive", keeping},
	{VerbCheckpoint, "チェックポイントを記録した", "checkpoint recorded", keeping},
	{VerbAnchored, "チェックポイントを外部に保全した", "checkpoint anchored outside", keeping},
	{"audit.anchor_failed", "外部保全に失敗した", "anchoring failed", keeping},
	{"audit.exported", "監査記録を書き出した", "audit records exported", keeping},
	{"audit.verified", "監査記録を検証した", "audit log verified", keeping},
	{VerbPurged, "保存期限を過ぎた記録を消去した", "records past retention purged", keeping},
	{VerbStarted, "起動した", "system started", running},
	{VerbStopped, "停止した", "system stopped", running},
	{VerbClockChanged, "時計が変わった", "clock changed", running},
	{"system.engine_updated", "処理エンジンを更新した", "engine updated", running},
	{"system.backup", "バックアップした", "backup made", running},
	{"system.restored", "バックアップから戻した", "restored from backup", running},
}

// Default articles by subject, as UX-AUDIT assigns them. Nothing writes to them.
var (
	crossing  = []string{"2(15)", "2(16)", "6(3)2"}
	insider   = []string{"5(1)"}
	release   = []string{"5(1)", "6(3)2"}
	exception = []string{"6(3)2", "9"}
	outbound  = []string{"6(2)", "6(5)"}
	review    = []string{"5(2)", "9"}
	access    = []string{"6(6)"}
	zone      = []string{"6(3)1"}
	keeping   = []string{"6(9)", "8"}
	running   = []string{"6(7)"}
)

// Verbs returns the closed list in the order of the documentation.
// spec: art-6(9)
func Verbs() []VerbInfo {
	list := slices.Clone(verbs[:])
	for i := range list {
		list[i].Articles = slices.Clone(list[i].Articles)
	}
	return list
}

// Info returns the description of v, and false for a verb outside the list.
func (v Verb) Info() (VerbInfo, bool) {
	for _, i := range verbs {
		if i.Verb == v {
			i.Articles = slices.Clone(i.Articles)
			return i, true
		}
	}
	return VerbInfo{}, false
}

// Known reports whether v is in the closed list.
func (v Verb) Known() bool {
	return slices.ContainsFunc(verbs[:], func(i VerbInfo) bool { return i.Verb == v })
}

// Articles returns the default articles of v, nil for an unknown verb.
func (v Verb) Articles() []string {
	i, _ := v.Info()
	return i.Articles
}
