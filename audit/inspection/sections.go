package inspection

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sekisho/audit"
)

// report puts the sections together.
func (c *collector) report() Report {
	v := c.in.Verified
	r := Report{Title: "自己点検票（" + month(c.from) + "分）", Office: c.in.Office, Made: day(c.in.Now.In(c.from.Location())), Log: c.in.Origin,
		Root: v.Signed.String(), Verdict: v.JA()}
	if c.in.Now.Before(c.to) {
		r.Remarks = append(r.Remarks, "この月はまだ終わっていません。作成したときまでの記録によります。")
	}
	switch {
	case c.first.IsZero():
		r.Remarks = append(r.Remarks, "この月の記録がありません。")
	case !c.in.Verified.From.IsZero() && c.in.Verified.From.After(c.from):
		r.Remarks = append(r.Remarks, "この月の途中（"+day(c.in.Verified.From.In(c.from.Location()))+"）より前の記録がありません。")
	}
	if v.Verdict == audit.Unverified {
		r.Remarks = append(r.Remarks, "監査記録の検証をしていません。")
	}
	for i, f := range []func() Section{c.integrity, c.volumes, c.crossings, c.releases, c.approvals, c.registered, c.timeouts, c.looked, c.passwords,
		c.same, c.policies, c.accounts, c.signIns, c.outgoing, c.interruptions, c.programs} {
		s := f()
		s.Number = i + 1
		r.Sections = append(r.Sections, s)
	}
	return r
}

func (c *collector) integrity() Section {
	v := c.in.Verified
	s := Section{Title: "監査記録の検証", Mark: Look, Articles: "第6条(9)、第8条"}
	if v.Verdict == audit.Intact {
		s.Mark = Fine
	}
	s.Notes = append(s.Notes, v.JA(), fmt.Sprintf("照らし合わせたチェックポイントは%d個、外部に保全したものは%d個です。", v.Checkpoints, v.Anchors))
	if v.Anchors == 0 {
		s.Notes = append(s.Notes, "外部に保全したものと照らし合わせていないので、古い時点への巻き戻しは、この検証ではわかりません。")
	}
	t := Table{Caption: "見つかったこと", Head: []string{"内容", "場所", "記録"}}
	for _, f := range v.Faults {
		at := ""
		if f.Seq >= 0 {
			at = fmt.Sprintf("%d から %d", f.Seq, f.Until-1)
		}
		t.add(f.Code.JA(), f.Where, at)
	}
	s.Tables = append(s.Tables, t)
	return s
}

// volume is a row of the table of volumes.
type volume struct {
	name string
	verb audit.Verb
	with []audit.Outcome
}

func (c *collector) volumes() Section {
	t := Table{Caption: "受信（インターネット接続系からLGWAN接続系へ）", Head: []string{"こと", "件数"}}
	for _, v := range []volume{
		{"受信したメール", "message.received", nil}, {"受信を断った", "message.rejected", nil},
		{"無害化した宛先のまとまり", "message.sanitized", []audit.Outcome{audit.Success}}, {"全体を隔離した", "message.sanitized", []audit.Outcome{audit.Denied, audit.Failure}},
		{"テキスト化したパート", "part.textized", nil}, {"画像化したパート", "part.rasterized", nil}, {"再構築したパート", "part.reconstructed", nil},
		{"取り除いたパート", "part.stripped", nil}, {"隔離したパート", "part.quarantined", nil}, {"処理できず隔離したパート", "part.failed", nil},
		{"届けた配送", "relay.relayed", nil}, {"後に回した配送", "relay.deferred", nil}, {"渡せなかった配送", "relay.failed", nil},
		{"解除した", "item.released", nil}, {"破棄した", "item.discarded", nil}, {"保存期限が過ぎた", "item.expired", nil}, {"消した原本", "original.purged", nil},
	} {
		t.add(v.name, fmt.Sprint(c.count(v.verb, v.with...)))
	}
	return Section{Title: "取り扱った量", Mark: Figure, Articles: "第2条(15)(16)", Tables: []Table{t,
		c.reasons("断った理由", c.rejected), c.reasons("隔離した理由", c.held)}}
}

// reasons is a table of reason codes, the most frequent first.
func (c *collector) reasons(caption string, of map[string]int) Table {
	t := Table{Caption: caption, Head: []string{"理由", "理由コード", "件数"}}
	for _, k := range byCount(of) {
		text := ""
		if c.in.Reason != nil {
			text = c.in.Reason(k)
		}
		t.add(text, k, fmt.Sprint(of[k]))
	}
	return t
}

func byCount(of map[string]int) []string {
	keys := slices.Collect(maps.Keys(of))
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(of[b]-of[a], strings.Compare(a, b)) })
	return keys
}

// none is the mark of what must not be.
func none(n int) Mark {
	if n == 0 {
		return Fine
	}
	return Look
}

func (c *collector) crossings() Section {
	n := len(c.bare.Rows) + c.bare.More
	return Section{Title: "無害化の記録のない通過", Mark: none(n), Articles: "第2条(15)(16)、第6条(3)2", Tables: []Table{c.bare}, Notes: []string{
		fmt.Sprintf("LGWAN接続系へ渡したもの%d件のうち、無害化して封じた記録と一致しないものは%d件です（0件でなければなりません）。", c.crossed, n),
		"渡したものの指紋を、封じたときの指紋と照らし合わせています。時間切れや上限で処理できなかったものは、渡さずに隔離します。"}}
}

func (c *collector) releases() Section {
	t := Table{Caption: "申請", Head: []string{"受付番号・パート", "形", "申請した人", "承認した人", "方針", "結果", "かかった時間"}}
	var waits []time.Duration
	forms, open, expired := map[string]int{}, 0, 0
	for _, r := range c.asked() {
		end, took := r.end, ""
		switch {
		case r.ended.IsZero():
			open++
			end = "待っている"
		case !r.asked.IsZero():
			waits = append(waits, r.ended.Sub(r.asked))
			took = span(r.ended.Sub(r.asked))
		}
		if strings.HasPrefix(r.end, "解除申請の期限") {
			expired++
		}
		if !r.ended.IsZero() {
			forms[r.form]++
		}
		t.add(strings.TrimSpace(r.receipt+" "+r.part), word(r.form), r.asker, strings.Join(r.approvals, "、"), version(r.policy), end, took)
	}
	s := Section{Title: "解除の申請と結果", Mark: Figure, Articles: "第5条(1)、第6条(3)2", Tables: []Table{t}}
	s.Notes = append(s.Notes, fmt.Sprintf("申請%d件、月末に待っているもの%d件、期限が過ぎたもの%d件、代理による承認%d件です。", len(t.Rows)+t.More, open, expired, c.deputies))
	if len(waits) > 0 {
		slices.Sort(waits)
		s.Notes = append(s.Notes, fmt.Sprintf("申請から結果までの時間は、中央値%s、最長%sです。", span(waits[len(waits)/2]), span(waits[len(waits)-1])))
	}
	for _, f := range slices.Sorted(maps.Keys(forms)) {
		s.Notes = append(s.Notes, fmt.Sprintf("%s：%d件", word(f), forms[f]))
	}
	return s
}

func (c *collector) approvals() Section {
	n := len(c.faults.Rows) + c.faults.More
	return Section{Title: "あってはならない承認", Mark: none(n), Articles: "第5条(1)", Tables: []Table{c.faults},
		Notes: []string{fmt.Sprintf("申請した本人の承認、同じ人の二度の承認、停止中の利用者の承認、人数の足りない解除は、合わせて%d件です（0件でなければなりません）。", n)}}
}

func (c *collector) registered() Section {
	t := Table{Caption: "例外措置", Head: []string{"番号", "開始", "関わった人", "範囲", "この月の使用", "状態"}}
	open, late, used := 0, 0, 0
	for _, id := range slices.Sorted(maps.Keys(c.exceptions)) {
		x := c.exceptions[id]
		state, begun := "続いている", ""
		switch {
		case !x.ended.IsZero():
			state = "終わった（" + day(x.ended) + "）"
		case x.opened.IsZero():
			state = "提案中"
		case !x.until.IsZero() && !c.to.Before(x.until.AddDate(0, 0, 2)): // the day is one of UTC
			state = "期限が過ぎて終わっていない"
			late++
		default:
			open++
		}
		if !x.opened.IsZero() {
			begun = day(x.opened)
		}
		if used += x.uses; x.touched || x.ended.IsZero() {
			t.add(x.id, begun, strings.Join(x.by, "、"), shorten(x.scope, 60), fmt.Sprint(x.uses), state)
		}
	}
	s := Section{Title: "例外措置", Mark: Figure, Articles: "第6条(3)2、第9条", Tables: []Table{t},
		Notes: []string{fmt.Sprintf("月末に続いているもの%d件、期限が過ぎて終わっていないもの%d件、この月に使われた回数%d回です。", open, late, used)}}
	switch {
	case late > 0:
		s.Mark = Look
	case open+used == 0:
		s.Mark = Fine
	}
	return s
}

func (c *collector) timeouts() Section {
	return Section{Title: "時間切れ・上限・処理の失敗", Mark: Figure, Articles: "第6条(3)2", Notes: []string{
		fmt.Sprintf("時間や大きさなどの上限で隔離したパートは%d件、処理できずに隔離したパートは%d件です。", c.limits, c.count("part.failed")),
		"これらはすべて隔離され、そのまま渡されたものがないことは、第3項で確かめています。"}}
}

func (c *collector) looked() Section {
	t := Table{Caption: "メールの処理内容やプレビューを見た人", Head: []string{"だれが", "回数", "メールの数", "受付番号"}}
	for _, k := range slices.Sorted(maps.Keys(c.views)) {
		v := c.views[k]
		t.add(k, fmt.Sprint(v.n), fmt.Sprint(len(v.receipts)), some(v.receipts))
	}
	return Section{Title: "閲覧と取り出し", Mark: Figure, Articles: "第5条(1)", Tables: []Table{t, c.exported},
		Notes: []string{fmt.Sprintf("プレビューを見せたページは%d、処理内容の閲覧は%d、原本の取り出しは%d件です。", c.count("preview.page_rendered"), c.count("message.viewed"), c.count("original.exported"))}}
}

// some lists a few of a set.
func some(set map[string]bool) string {
	list := slices.Sorted(maps.Keys(set))
	if len(list) > 3 {
		return strings.Join(list[:3], " ") + fmt.Sprintf(" ほか%d", len(list)-3)
	}
	return strings.Join(list, " ")
}

func (c *collector) passwords() Section {
	t := Table{Caption: "パスワード解除を試みた人", Head: []string{"だれが", "回数", "失敗", "受付番号"}}
	for _, k := range slices.Sorted(maps.Keys(c.unlocks)) {
		v := c.unlocks[k]
		t.add(k, fmt.Sprint(v.n), fmt.Sprint(v.failed), some(v.receipts))
	}
	return Section{Title: "パスワード付きファイルの解除", Mark: Figure, Articles: "第5条(1)", Tables: []Table{t},
		Notes: []string{fmt.Sprintf("試みは%d回です。パスワードそのものは記録していません。", c.count("archive.unlock_attempted"))}}
}

func (c *collector) same() Section {
	t := Table{Caption: "2通以上で隔離した同じ原本", Head: []string{"SHA-256（先頭）", "理由コード", "通数", "受付番号"}}
	for _, h := range slices.Sorted(maps.Keys(c.hashes)) {
		if x := c.hashes[h]; len(x.receipts) > 1 {
			t.add(h[:16], x.reason, fmt.Sprint(len(x.receipts)), some(x.receipts))
		}
	}
	from := Table{Caption: "隔離したパートの差出人（多い順）", Head: []string{"差出人", "件数"}}
	for i, s := range byCount(c.senders) {
		if i < 10 {
			from.add(s, fmt.Sprint(c.senders[s]))
		}
	}
	return Section{Title: "同じ原本・同じ差出人", Mark: Figure, Articles: "第6条(7)", Tables: []Table{t, from},
		Notes: []string{"ほかにだれが受け取ったかは、監査記録の検索（--sha256、--sender）で調べられます。"}}
}

func (c *collector) policies() Section {
	return Section{Title: "方針の変更", Mark: Figure, Articles: "第5条(2)、第9条", Tables: []Table{c.policy},
		Notes: []string{fmt.Sprintf("適用した変更は%d件です。", c.count("policy.applied")+c.count("policy.rolled_back"))}}
}

func (c *collector) accounts() Section {
	s := Section{Title: "利用者と権限（棚卸し）", Mark: Figure, Articles: "第6条(6)(8)", Tables: []Table{c.users}}
	if c.in.Accounts == nil {
		s.Notes = append(s.Notes, "利用者の台帳を渡さずに作ったので、二要素認証のない利用者と、使われていない利用者は載せていません。")
		return s
	}
	var bare, rest, off Table
	bare = Table{Caption: "二要素認証のない利用者（職員のほか）", Head: []string{"名前", "所属", "役割"}}
	rest = Table{Caption: "90日以上使われていない利用者", Head: []string{"名前", "所属", "役割", "最後のログイン"}}
	off = Table{Caption: "停止中の利用者", Head: []string{"名前", "所属", "役割"}}
	all := Table{Caption: "特別な役割を持つ利用者", Head: []string{"名前", "所属", "役割", "最後のログイン"}}
	active := 0
	for _, a := range c.in.Accounts {
		name, roles := a.Display+"（"+a.Name+"）", rolesOf(a)
		if !a.Active {
			off.add(name, a.Dept, roles)
			continue
		}
		active++
		if a.privileged() {
			all.add(name, a.Dept, roles, last(a))
			if !a.SecondFactor {
				bare.add(name, a.Dept, roles)
			}
		}
		if used := later(a.LastSignIn, a.CreatedAt); c.in.Now.Sub(used) >= dormantAfter {
			rest.add(name, a.Dept, roles, last(a))
		}
	}
	s.Mark = none(len(bare.Rows) + len(rest.Rows))
	s.Notes = append(s.Notes, fmt.Sprintf("使える利用者%d人、停止中%d人、二要素認証のない特別な役割の利用者%d人、90日以上使われていない利用者%d人です。異動や退職をした人が残っていないかを確かめてください。",
		active, len(off.Rows)+off.More, len(bare.Rows)+bare.More, len(rest.Rows)+rest.More))
	s.Tables = append(s.Tables, bare, rest, all, off)
	return s
}

func rolesOf(a Account) string {
	var list []string
	for _, r := range a.Roles {
		list = append(list, word(r))
	}
	return strings.Join(list, "、")
}

func last(a Account) string {
	if a.LastSignIn.IsZero() {
		return "なし"
	}
	return day(a.LastSignIn)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (c *collector) signIns() Section {
	t := Table{Caption: "権限がないため断った操作", Head: []string{"だれが", "回数"}}
	denied := 0
	for _, k := range byCount(c.denied) {
		t.add(k, fmt.Sprint(c.denied[k]))
		denied += c.denied[k]
	}
	return Section{Title: "ログインと権限", Mark: Figure, Articles: "第6条(6)", Tables: []Table{t}, Notes: []string{
		fmt.Sprintf("ログインの成功%d回、失敗%d回、アカウントのロック%d回、権限がないため断った操作%d回です。",
			c.count("auth.succeeded"), c.failedSignIns["auth.failed"], c.failedSignIns["auth.locked"], denied)}}
}

func (c *collector) outgoing() Section {
	t := Table{Caption: "ルールごとの送信保留", Head: []string{"出来事", "ルール", "件数"}}
	for _, k := range slices.Sorted(maps.Keys(c.outbound)) {
		what, rule, _ := strings.Cut(k, "\t")
		t.add(what, rule, fmt.Sprint(c.outbound[k]))
	}
	return Section{Title: "送信の保留", Mark: Figure, Articles: "第6条(2)(5)", Tables: []Table{t},
		Notes: []string{fmt.Sprintf("保留した送信は%d件です。この版の関所は、受信だけを扱います。", c.count("outbound.held"))}}
}

func (c *collector) interruptions() Section {
	gaps := 0
	for _, f := range c.in.Verified.Faults {
		if !f.Code.Tampering() {
			gaps++
		}
	}
	clock, anchors := c.count(audit.VerbClockChanged), c.count("audit.anchor_failed")
	zone := c.count("zone.refused")
	return Section{Title: "記録の途切れ、時計、外部保全", Mark: none(gaps + clock + anchors + zone), Articles: "第6条(3)1、第6条(7)(9)", Tables: []Table{c.running}, Notes: []string{
		fmt.Sprintf("説明のない途切れなど%d件、時計の変化%d回、外部保全の成功%d回、失敗の記録%d件、マイナンバー利用事務系への通信の試み%d回（すべて断りました）です。",
			gaps, clock, c.count(audit.VerbAnchored), anchors, zone)}}
}

func (c *collector) programs() Section {
	t := Table{Caption: "使ったプログラム", Head: []string{"名前と版", "この月で最初の記録"}}
	for _, k := range slices.Sorted(maps.Keys(c.engines)) {
		t.add(k, moment(c.engines[k]))
	}
	return Section{Title: "処理エンジンと控え", Mark: Figure, Articles: "第6条(7)", Tables: []Table{t}, Notes: []string{
		fmt.Sprintf("処理エンジンの更新%d回、バックアップ%d回、復元%d回です。", c.count("system.engine_updated"), c.count("system.backup"), c.count("system.restored"))}}
}
