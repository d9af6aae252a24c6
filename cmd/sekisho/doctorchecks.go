package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/deliver"
	"sekisho/gateway/store"
	"sekisho/sanitize/sandbox"
)

// Thresholds of the doctor; those of configs/alerts.yaml are the same.
const (
	certificateSoon = 30 * 24 * time.Hour
	queueOld        = 15 * time.Minute
	backupOld       = 8 * 24 * time.Hour
	// kernelUnsynced is the state that adjtimex(2) returns for a clock that
	// nothing keeps (TIME_ERROR).
	kernelUnsynced = 5
)

// settingBackup holds when the last backup was made, RFC 3339.
const settingBackup = "backup.last"

func (d *doctor) disk() {
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.cfg.Storage.Dir, &st); err != nil {
		d.say("disk", gradeNone, "ディスクの空きを調べられません", err.Error(), "")
		return
	}
	free, least := int64(st.Bavail)*st.Bsize, int64(d.cfg.Storage.MinFree)
	ja, en := fmt.Sprintf("ディスクの空きは %d MB です", free>>20), fmt.Sprintf("%d MB of the disk are free", free>>20)
	next := "空きを増やすか、storage.max_originals と storage.originals を見直してください"
	switch {
	case free < least:
		d.say("disk", gradeBad, ja+"。storage.min_free を下回っているため、受け取りを断ります", en+", below storage.min_free: mail is put off", next)
	case free < 2*least:
		d.say("disk", gradeNote, ja+"。もうすぐ storage.min_free を下回ります", en+", close to storage.min_free", next)
	default:
		d.say("disk", gradeGood, ja, en, "")
	}
}

// clock asks the kernel whether something keeps its clock (NTP).
func (d *doctor) clock() {
	state, err := syscall.Adjtimex(&syscall.Timex{})
	switch {
	case err != nil:
		d.say("clock", gradeNote, "時刻合わせの状態を調べられません", err.Error(), "NTP で合わせていることを確かめてください")
	case state == kernelUnsynced:
		d.say("clock", gradeNote, "時刻合わせ（NTP）が働いていないようです", "the kernel says that nothing keeps its clock", "timedatectl で確かめてください。監査記録と受付番号に使います")
	default:
		d.say("clock", gradeGood, "時刻は合わせられています", "the clock is kept", "")
	}
}

func (d *doctor) boxes() {
	pool, err := openBoxes(d.cfg.Engine, sandbox.Config{MaxRunning: 2, AllowWeak: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		d.say("boxes", gradeBad, "隔離した作業プロセスを動かせません", err.Error(), "Linux 5.13 以上で動かし、Landlock と seccomp が使えることを確かめてください")
		return
	}
	defer pool.Close()
	w := pool.Walls()
	missing := strings.Join(w.Missing(), " ")
	switch {
	case !w.Minimum():
		d.say("boxes", gradeBad, "隔離の壁が足りません: "+missing, "walls are missing: "+missing, "Linux を新しくしてください。やむを得ないときだけ sandbox.allow_weak を使います")
	case missing != "":
		d.say("boxes", gradeNote, "隔離の最低限の壁はあります。無い壁: "+missing, "the least walls stand; missing: "+missing, "名前空間を使えるように、ユニットや OS の設定を確かめてください")
	default:
		d.say("boxes", gradeGood, "隔離の壁はすべてあります", "all walls of the boxes stand", "")
	}
}

// certificate looks at the end of the listener's certificate; one that is over
// is a fault of the configuration.
func (d *doctor) certificate() {
	if d.cfg.Intake.TLS.CertFile == "" {
		d.say("certificate", gradeNote, "受け口は STARTTLS を使いません", "the listener offers no STARTTLS", "前段との間を守るには intake.tls に証明書を書いてください")
		return
	}
	end, err := certificateEnd(d.cfg.Intake.TLS.CertFile)
	switch {
	case err != nil:
		d.say("certificate", gradeBad, "証明書を読めません: "+err.Error(), err.Error(), "")
	case time.Until(end) < certificateSoon:
		d.say("certificate", gradeBad, "証明書の期限は "+end.Local().Format(time.DateOnly)+" です", "the certificate ends at "+end.Format(time.RFC3339),
			"新しい証明書を置き、systemctl reload sekisho を実行してください")
	default:
		d.say("certificate", gradeGood, "証明書の期限は "+end.Local().Format(time.DateOnly)+" です", "the certificate ends at "+end.Format(time.RFC3339), "")
	}
}

// certificateEnd returns when the first certificate of a PEM file ends.
func certificateEnd(file string) (time.Time, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return time.Time{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return time.Time{}, fmt.Errorf("%s: no certificate in it", file)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", file, err)
	}
	return leaf.NotAfter, nil
}

func (d *doctor) nextHop() {
	ctx, cancel := d.limited()
	defer cancel()
	n := &node{cfg: d.cfg, guard: config.Guard{Forbidden: d.cfg.Forbidden()}, log: slog.New(slog.DiscardHandler)}
	hop, err := n.hop()
	if err != nil {
		d.say("next_hop", gradeBad, "中継先の設定を使えません", err.Error(), "relay.* を確かめてください")
		return
	}
	offers, err := deliver.New(deliver.Config{Hop: hop, Scribe: commandScribe(), Log: n.log}).Offers(ctx)
	if err != nil {
		d.say("next_hop", gradeBad, "中継先 "+d.cfg.Relay.Address+" に渡せません: "+err.Error(), err.Error(), "中継先が動いていること、経路、証明書（relay.ca_file、relay.server_name）を確かめてください")
		return
	}
	d.say("next_hop", gradeGood, "中継先 "+d.cfg.Relay.Address+" が答えました", "the next hop answers", "")
	for _, want := range []struct{ name, ja string }{
		{"SIZE", "受け取れる大きさがわかりません"}, {"8BITMIME", "8 ビットの本文を受け取れません"}, {"SMTPUTF8", "日本語などの文字を含むアドレスは断ることになります"},
	} {
		if !slices.Contains(offers, want.name) {
			d.say("next_hop", gradeNote, "中継先は "+want.name+" を示しません。"+want.ja, "the next hop does not offer "+want.name, "")
		}
	}
}

// listener asks each SMTP listener for its greeting.
func (d *doctor) listener() {
	for _, at := range d.cfg.Intake.Listen {
		conn, err := net.DialTimeout("tcp", ourselves(at), 5*time.Second)
		if err != nil {
			d.say("listener", gradeNote, at+" は答えません。動いていないようです", "nobody answers at "+at, "systemctl status sekisho を見てください")
			continue
		}
		text := make([]byte, 512)
		conn.SetDeadline(time.Now().Add(checkTime))
		n, err := conn.Read(text)
		conn.Close()
		switch {
		case err != nil:
			d.say("listener", gradeBad, at+" はあいさつを返しません", err.Error(), "journalctl -u sekisho を見てください")
		case strings.HasPrefix(string(text[:n]), "220"):
			d.say("listener", gradeGood, at+" は受け取れます", at+" takes mail", "")
		default: // this machine is no client, or there is no room now
			d.say("listener", gradeNote, at+" は動いていますが、この機械からは受け取りません", at+" answers "+strings.TrimSpace(string(text[:n])), "")
		}
	}
}

// ourselves is a listen address as one dials it from this machine.
func ourselves(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return listen
}

func (d *doctor) zones() {
	if n := d.cfg.Zones.MyNumber.Networks; len(n) > 0 {
		d.say("zones", gradeGood, fmt.Sprintf("マイナンバー利用事務系のネットワーク %d 件との通信を拒否します", len(n)), fmt.Sprintf("%d My Number networks are refused", len(n)), "")
		return
	}
	d.say("zones", gradeNote, "マイナンバー利用事務系が無いと設定されています", "the configuration says that there is no My Number zone", "本当に無いことを確かめてください")
}

func (d *doctor) queues() {
	n, err := d.ledger.Counts(d.e.ctx)
	if err != nil {
		d.say("queue", gradeBad, "台帳を読めません", err.Error(), "")
		return
	}
	switch {
	case !n.OldestWaiting.IsZero() && time.Since(n.OldestWaiting) > queueOld:
		d.say("queue", gradeBad, "待っている最も古いものは "+n.OldestWaiting.Local().Format("01-02 15:04")+" からです", "the oldest has waited since "+n.OldestWaiting.Format(time.RFC3339), "sekisho queue list を見てください")
	case n.Failed > 0:
		d.say("queue", gradeNote, fmt.Sprintf("届けられなかった配送が %d 件あります", n.Failed), fmt.Sprintf("%d deliveries failed", n.Failed), "sekisho queue list --state failed を見てください")
	default:
		d.say("queue", gradeGood, "配送は滞っていません", "nothing waits for long", "")
	}
	if limit := int64(d.cfg.Storage.MaxOriginals); n.OriginalBytes > limit/10*8 {
		d.say("originals", gradeNote, "原本が storage.max_originals の 8 割を超えました", "originals fill 80 % of storage.max_originals", "古いものから消えます。保管する期間か容量を見直してください")
	}
}

// keysKnown looks for keys that were in use and are not in the folder any more.
func (d *doctor) keysKnown() {
	infos, err := config.ListKeys(d.cfg.Keys.Dir)
	if err != nil {
		return // told by the configuration's check
	}
	var known string
	err = d.ledger.Do(d.e.ctx, func(tx gateway.Tx) error {
		known, err = tx.Setting(settingKeys)
		return err
	})
	if err != nil {
		d.say("keys", gradeNone, "鍵の記録を読めません", err.Error(), "")
		return
	}
	var lost []string
	for _, id := range strings.Fields(known) {
		if !slices.ContainsFunc(infos, func(k config.KeyInfo) bool { return k.Name+":"+k.ID == id }) {
			lost = append(lost, id)
		}
	}
	if len(lost) > 0 {
		d.say("keys", gradeBad, "使っていた鍵がありません: "+strings.Join(lost, " "), "keys that were in use are gone: "+strings.Join(lost, " "), "控えから戻してください。その鍵で保管した原本は、鍵がないと読めません")
		return
	}
	d.say("keys", gradeGood, "使っている鍵はすべてあります", "all keys in use are there", "")
}

func (d *doctor) lastBackup() {
	var text string
	err := d.ledger.Do(d.e.ctx, func(tx gateway.Tx) error {
		var err error
		text, err = tx.Setting(settingBackup)
		return err
	})
	at, bad := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		d.say("backup", gradeNone, "バックアップの記録を読めません", err.Error(), "")
	case bad != nil || time.Since(at) > backupOld:
		d.say("backup", gradeNote, "8 日以内のバックアップがありません", "there is no backup of the last 8 days", "sekisho backup を毎日実行するようにしてください")
	default:
		d.say("backup", gradeGood, "最後のバックアップは "+at.Local().Format("01-02 15:04")+" です", "the last backup is of "+text, "")
	}
}

// leftovers looks for what should be gone and keeps words or originals.
func (d *doctor) leftovers() {
	left, err := leftStaging(d.cfg.Storage.Dir)
	switch {
	case err != nil:
		d.say("leftovers", gradeNone, "データの置き場所を調べられません", err.Error(), "")
	case len(left) > 0:
		d.say("leftovers", gradeBad, "途中で止まったバックアップの残りに原本があります: "+strings.Join(left, " "),
			"left by backups that were killed, with originals in them: "+strings.Join(left, " "), "次の sekisho backup か再起動で消えます")
	default:
		d.say("leftovers", gradeGood, "途中で止まったバックアップの残りはありません", "no backup left anything", "")
	}
	old, err := oldLedgers(d.cfg.Storage.Dir)
	if err != nil {
		d.say("leftovers", gradeNone, "データの置き場所を調べられません", err.Error(), "")
	}
	for _, o := range old {
		until := o.at.Add(copyKept).Local().Format(time.DateOnly)
		d.say("leftovers", gradeNote, "更新の前の台帳があります。その後に消した件名なども入っています: "+o.file, "a ledger of before an upgrade, with what was erased since: "+o.file,
			"切り戻さないと決めたら消してください。"+until+" に自動で消えます")
	}
}

// log verifies the whole log against the public keys.
func (d *doctor) log() {
	keys, err := config.LoadKeys(d.cfg.Keys.Dir, config.AuditorRole)
	if err != nil {
		return // told by the configuration's check
	}
	r, err := audit.Verify(d.e.ctx, os.DirFS(store.AuditDir(d.cfg.Storage.Dir)), keys.AuditPublic, audit.VerifyOptions{})
	switch {
	case err != nil:
		d.say("audit", gradeNone, "監査記録を読めません", err.Error(), "sekisho audit verify を実行してください")
	case r.Verdict.ExitCode() != 0:
		d.say("audit", gradeBad, r.JA(), r.EN(), "監査担当に知らせてください。audit フォルダーには触れないでください")
	default:
		d.say("audit", gradeGood, r.JA(), r.EN(), "")
	}
}
