package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// lookupTime bounds the look-up of one name during Check.
const lookupTime = 5 * time.Second

// Checker looks at a configuration and the machine that it describes.
type Checker struct {
	Resolver Resolver // nil: net.DefaultResolver
}

// Check looks with the system's resolver.
func Check(ctx context.Context, c Config) Problems { return Checker{}.Check(ctx, c) }

// Check reports everything that is wrong or doubtful, each with the next step,
// in the order of the file. The program must not start where Problems is Fatal.
func (k Checker) Check(ctx context.Context, c Config) Problems {
	if k.Resolver == nil {
		k.Resolver = net.DefaultResolver
	}
	r := &report{c: c, problems: slices.Clone(c.source.notes)}
	r.office()
	r.zones()
	r.route()
	r.intake()
	r.recipients()
	r.limits()
	r.relay()
	r.relayAddress(ctx, k.Resolver)
	r.storage()
	r.rest()
	r.policy()
	r.problems = append(r.problems, CheckKeys(c.Keys.Dir)...)
	return r.problems
}

// report gathers problems of one configuration.
type report struct {
	c        Config
	problems Problems
}

// add notes a problem of a key, with its place in the file.
func (r *report) add(s Severity, key, ja, en string) {
	p := Problem{Severity: s, File: r.c.source.file, Key: key, JA: ja, EN: en}
	at, ok := r.c.source.places[key]
	for above := key; !ok && strings.ContainsAny(above, ".["); {
		above = above[:strings.LastIndexAny(above, ".[")]
		at, ok = r.c.source.places[above]
	}
	if ok {
		p.Line, p.Column = at.line, at.column
	}
	d := decoder{lines: r.c.source.lines}
	r.problems = append(r.problems, d.show(p))
}

func (r *report) wrong(key, ja, en string)    { r.add(Error, key, ja, en) }
func (r *report) doubtful(key, ja, en string) { r.add(Warning, key, ja, en) }

// fault notes an error that may have both languages.
func (r *report) fault(key string, err error) {
	ja, en := sentences(err)
	r.wrong(key, ja, en)
}

func (r *report) office() {
	o := r.c.Office
	if strings.TrimSpace(o.Name) == "" {
		r.wrong("office.name", "団体の名前がありません。通知文に使うので書いてください。", "the office's name is missing; notices need it.")
	}
	if strings.TrimSpace(o.Contact) == "" {
		r.wrong("office.contact", "問い合わせ先がありません。課の名前と内線番号などを書いてください。", "the contact is missing; write a section and its extension.")
	}
	if o.PublicURL != "" {
		if u, err := url.Parse(o.PublicURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			r.wrong("office.public_url", "職員用ページのアドレスとして読めません。https://sekisho.example.lg.jp のように書いてください。",
				"this is not the address of a page; write it like https://sekisho.example.lg.jp.")
		}
	}
	if len(o.Domains) == 0 {
		r.wrong("office.domains", "団体のメールドメインがありません。1 つ以上書いてください。", "no mail domain is listed; write at least one.")
	}
	for i, d := range o.Domains {
		if err := checkDomain(d); err != nil {
			r.fault(fmt.Sprintf("office.domains[%d]", i), err)
		}
	}
	if o.Postmaster == "" || strings.HasPrefix(o.Postmaster, "@") || checkRecipient(o.Postmaster) != nil {
		r.wrong("office.postmaster", "連絡を受け取るメールアドレスがないか、読めません。情報政策課のアドレスなどを書いてください。",
			"the postmaster address is missing or cannot be read; write one that people read.")
	}
}

func (r *report) zones() {
	m := r.c.Zones.MyNumber
	switch {
	case len(m.Networks) == 0 && m.None != Confirmed:
		r.wrong("zones.mynumber", "マイナンバー利用事務系のネットワークが書かれていません。networks に書くか、このゾーンが無いことを確かめて none: confirmed と書いてください。",
			"the My Number networks are not listed; list them, or confirm with none: confirmed that there are none.")
	case len(m.Networks) > 0 && m.None == Confirmed:
		r.wrong("zones.mynumber.none", "networks と none: confirmed の両方が書かれています。どちらかを消してください。",
			"both networks and none: confirmed are written; delete one of them.")
	}
	for i, n := range m.Networks {
		key := fmt.Sprintf("zones.mynumber.networks[%d]", i)
		if n.Bits() == 0 {
			r.wrong(key, "すべてのアドレスを指しています。マイナンバー利用事務系のネットワークだけを書いてください。",
				"this is every address; write the My Number networks only.")
		}
		for _, other := range []struct {
			key      string
			networks []Network
		}{{"zones.internet.networks", r.c.Zones.Internet.Networks}, {"zones.lgwan.networks", r.c.Zones.LGWAN.Networks}, {"intake.networks", r.c.Intake.Networks}} {
			for _, o := range other.networks {
				if n.Bits() > 0 && n.Overlaps(o.Prefix) {
					r.wrong(key, fmt.Sprintf("%s の %s と重なっています。ゾーンのネットワークを確かめてください。", other.key, o),
						fmt.Sprintf("it overlaps %s of %s; check which network belongs to which zone.", o, other.key))
				}
			}
		}
	}
}

func (r *report) route() {
	from, to := r.c.Route.From, r.c.Route.To
	switch {
	case from == MyNumber || to == MyNumber:
		key := "route.from"
		if to == MyNumber {
			key = "route.to"
		}
		r.wrong(key, "マイナンバー利用事務系との通信は行いません。この経路は設定できません。internet から lgwan への経路だけを書いてください。",
			"nothing is carried to or from the My Number zone and no setting allows it; write from: internet, to: lgwan.")
	case from != Internet || to != LGWAN:
		r.wrong("route", fmt.Sprintf("%s から %s への経路は、この版にはありません。internet から lgwan への経路だけを書いてください。送信メールは今の経路のままにします。", from, to),
			fmt.Sprintf("this version has no route from %s to %s; write from: internet, to: lgwan. Outgoing mail keeps its present path.", from, to))
	}
}

func (r *report) intake() {
	in := r.c.Intake
	if len(in.Listen) == 0 {
		r.wrong("intake.listen", "メールを受け取るアドレスがありません。0.0.0.0:25 のように書いてください。", "there is no address to listen on; write one like 0.0.0.0:25.")
	}
	for i, l := range in.Listen {
		r.listen(fmt.Sprintf("intake.listen[%d]", i), l)
		if slices.Contains(in.Listen[:i], l) {
			r.wrong(fmt.Sprintf("intake.listen[%d]", i), "同じアドレスが 2 回書かれています。どちらかを消してください。", "the address is written twice; delete one.")
		}
	}
	if checkDomain(in.Hostname) != nil {
		r.wrong("intake.hostname", "ホスト名がないか、読めません。mail.town.example.lg.jp のように書いてください。", "the host name is missing or cannot be read; write it like mail.town.example.lg.jp.")
	}
	if len(in.Networks) == 0 {
		r.wrong("intake.networks", "メールを受け取る相手のネットワークがありません。このままでは、どこからも受け取りません。", "no client network is listed; as it is, mail is taken from nowhere.")
	}
	for i, n := range in.Networks {
		if n.Bits() == 0 {
			r.doubtful(fmt.Sprintf("intake.networks[%d]", i), "すべての相手から受け取ります。前段のメールサーバーがあるなら、そのアドレスだけにしてください。",
				"mail is taken from everywhere; if there is a mail server in front, list only that.")
		}
	}
	r.tls()
}

// listen checks an address to listen on: a literal one outside the third zone.
func (r *report) listen(key, l string) {
	a, err := netip.ParseAddrPort(strings.Replace(l, "localhost:", "127.0.0.1:", 1))
	if err != nil || a.Port() == 0 {
		r.wrong(key, fmt.Sprintf("「%s」は待ち受けるアドレスとして読めません。0.0.0.0:25 や [::1]:25 のように、IP アドレスとポートで書いてください。", l),
			fmt.Sprintf("%q is not an address to listen on; write an IP address and a port, like 0.0.0.0:25 or [::1]:25.", l))
		return
	}
	if covered(r.c.Forbidden(), a.Addr()) {
		r.wrong(key, "マイナンバー利用事務系のアドレスでは待ち受けません。別のアドレスを書いてください。", "nothing listens on an address of the My Number zone; write another.")
	}
}

func (r *report) tls() {
	t := r.c.Intake.TLS
	if (t.CertFile == "") != (t.KeyFile == "") {
		r.wrong("intake.tls", "証明書と秘密鍵は両方を書くか、両方を空にしてください。", "write both certificate and key, or neither.")
		return
	}
	if t.CertFile == "" {
		if r.c.Intake.RequireTLS {
			r.wrong("intake.require_tls", "STARTTLS を必須にするには証明書が要ります。intake.tls に書いてください。", "require_tls needs a certificate; write it in intake.tls.")
		}
		return
	}
	if st, err := os.Stat(t.KeyFile); err == nil && st.Mode().Perm()&0o077 != 0 {
		r.wrong("intake.tls.key_file", fmt.Sprintf("秘密鍵をほかの利用者が読めます (権限 %04o)。chmod 600 %s を実行してください。", st.Mode().Perm(), t.KeyFile),
			fmt.Sprintf("other users can read the private key (mode %04o); run chmod 600 %s.", st.Mode().Perm(), t.KeyFile))
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		r.wrong("intake.tls", fmt.Sprintf("証明書と秘密鍵を読めません (%s)。ファイルと、2 つが組になっているかを確かめてください。", err),
			fmt.Sprintf("certificate and key cannot be used (%s); look at the files and whether they belong together.", err))
		return
	}
	if leaf, err := x509.ParseCertificate(pair.Certificate[0]); err == nil && time.Now().After(leaf.NotAfter) {
		r.wrong("intake.tls.cert_file", "証明書の期限が切れています。新しい証明書にしてください。", "the certificate has expired; install a new one.")
	}
}

func (r *report) recipients() {
	rec := r.c.Intake.Recipients
	table, err := r.c.RecipientTable()
	if ps, ok := err.(Problems); ok {
		for _, p := range ps {
			if p.File != "" {
				r.problems = append(r.problems, p)
				continue
			}
			r.wrong(p.Key, p.JA, p.EN)
		}
	}
	if err == nil && len(table) == 0 && !rec.Probe {
		r.wrong("intake.recipients", "受け取る宛先がありません。このままではすべてのメールを断ります。一覧のファイルか list に書くか、probe: true にしてください。",
			"there are no recipients and all mail would be refused; write a file or a list, or set probe: true.")
	}
	for _, a := range table {
		d := a[strings.LastIndexByte(a, '@')+1:]
		if len(r.c.Office.Domains) > 0 && !slices.ContainsFunc(r.c.Office.Domains, func(o string) bool { return strings.EqualFold(o, d) }) {
			r.wrong("intake.recipients", fmt.Sprintf("宛先 %s のドメインが office.domains にありません。よその宛先への中継を防ぐため、受け取れません。ドメインを足すか、宛先を消してください。", a),
				fmt.Sprintf("the domain of recipient %s is not in office.domains; relaying for others is prevented. Add the domain or delete the recipient.", a))
			break
		}
	}
	p := strings.ToLower(r.c.Office.Postmaster)
	if at := strings.LastIndexByte(p, '@'); at > 0 && len(table) > 0 && !slices.Contains(table, p) && !slices.Contains(table, p[at:]) {
		r.doubtful("office.postmaster", "連絡先のアドレスが宛先の一覧にありません。LGWAN接続系のメールサーバーがこのアドレスを受け取るか確かめてください。",
			"the postmaster is not in the recipient table; make sure that the LGWAN mail server takes mail for it.")
	}
}

func (r *report) limits() {
	l := r.c.Intake.Limits
	for _, c := range []struct {
		key          string
		n, low, high int64
		range_       string
	}{
		{"message_size", int64(l.MessageSize), 64 << 10, 1 << 30, "64KB - 1GB"},
		{"recipients", int64(l.Recipients), 1, 10_000, "1 - 10000"},
		{"connections", int64(l.Connections), 1, 10_000, "1 - 10000"},
		{"connections_per_client", int64(l.ConnectionsPerClient), 1, 10_000, "1 - 10000"},
		{"mails_per_minute", int64(l.MailsPerMinute), 1, 1_000_000, "1 - 1000000"},
		{"bad_recipients", int64(l.BadRecipients), 1, 1000, "1 - 1000"},
		{"errors", int64(l.Errors), 1, 1000, "1 - 1000"},
		{"idle", int64(l.Idle), int64(10 * time.Second), int64(time.Hour), "10s - 1h"},
		{"upload", int64(l.Upload), int64(time.Minute), int64(day), "1m - 1d"},
	} {
		if c.n < c.low || c.n > c.high {
			r.wrong("intake.limits."+c.key, "この範囲で書いてください: "+c.range_+"。", "write a value in this range: "+c.range_+".")
		}
	}
	if l.ConnectionsPerClient > l.Connections {
		r.doubtful("intake.limits.connections_per_client", "全体の上限 (connections) より大きいので、意味がありません。", "it is above the limit for all (connections) and has no effect.")
	}
}

func (r *report) relay() {
	c := r.c.Relay
	if c.Workers < 1 || c.Workers > 100 {
		r.wrong("relay.workers", "この範囲で書いてください: 1 - 100。", "write a value in this range: 1 - 100.")
	}
	if c.TLS == TLSNone {
		r.doubtful("relay.tls", "中継を暗号化しません。中継先が STARTTLS に対応していれば required にしてください。", "mail is relayed unencrypted; use required if the mail server offers STARTTLS.")
	}
	if c.CAFile == "" {
		return
	}
	pem, err := readFile(c.CAFile, maxFile)
	if err != nil {
		p := missing(c.CAFile, "relay.ca_file", err, "認証局の証明書を置くか、空にしてください。", "put the certificate there, or leave the key empty.")
		r.wrong(p.Key, p.JA, p.EN)
		return
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		r.wrong("relay.ca_file", "認証局の証明書 (PEM) がファイルにありません。別のファイルではないか確かめてください。", "the file holds no PEM certificate; is it the right one?")
	}
}

// relayAddress keeps the relay out of the third zone and away from ourselves.
func (r *report) relayAddress(ctx context.Context, resolver Resolver) {
	host, port, err := net.SplitHostPort(r.c.Relay.Address)
	if err != nil || host == "" || port == "" || port == "0" {
		r.wrong("relay.address", "中継先がないか、読めません。mail.lgwan.example.lg.jp:25 のように、ホストとポートで書いてください。",
			"the relay address is missing or cannot be read; write a host and a port, like mail.lgwan.example.lg.jp:25.")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	addrs, err := lookup(ctx, resolver, host)
	if err != nil {
		r.doubtful("relay.address", fmt.Sprintf("中継先の名前 %s を今は引けません。名前と DNS の設定を確かめてください。", host),
			fmt.Sprintf("the name %s cannot be resolved now; look at the name and at DNS.", host))
		return
	}
	lgwan := prefixes(r.c.Zones.LGWAN.Networks)
	for _, a := range addrs {
		switch {
		case covered(r.c.Forbidden(), a):
			r.wrong("relay.address", fmt.Sprintf("中継先のアドレス %s はマイナンバー利用事務系にあります。そこへは中継しません。", a),
				fmt.Sprintf("the relay's address %s lies in the My Number zone; nothing is relayed there.", a))
		case len(lgwan) > 0 && !covered(lgwan, a):
			r.wrong("relay.address", fmt.Sprintf("中継先のアドレス %s は zones.lgwan.networks にありません。どちらかを直してください。", a),
				fmt.Sprintf("the relay's address %s is not in zones.lgwan.networks; correct one of them.", a))
		}
		for _, l := range r.c.Intake.Listen {
			if own, err := netip.ParseAddrPort(l); err == nil && fmt.Sprint(own.Port()) == port &&
				(own.Addr().Unmap() == a || own.Addr().IsUnspecified() && a.IsLoopback()) {
				r.wrong("relay.address", "中継先がこのゲートウェイ自身です。メールが循環するので、LGWAN接続系のメールサーバーを書いてください。",
					"the relay is this gateway itself and mail would loop; write the LGWAN mail server.")
			}
		}
	}
}

func (r *report) storage() {
	s := r.c.Storage
	if s.MinFree < 16<<20 {
		r.wrong("storage.min_free", "空き容量の下限は 16MB 以上にしてください。", "min_free must be at least 16MB.")
	}
	if s.MaxOriginals < 64<<20 {
		r.wrong("storage.max_originals", "原本の容量は 64MB 以上にしてください。", "max_originals must be at least 64MB.")
	}
	if s.Originals < Duration(day) || s.Originals > Duration(3660*day) {
		r.wrong("storage.originals", "この範囲で書いてください: 1d - 3660d。", "write a value in this range: 1d - 3660d.")
	}
	st, err := os.Stat(s.Dir)
	if err != nil || !st.IsDir() {
		r.wrong("storage.dir", fmt.Sprintf("ディレクトリ %s がありません。sekisho init で作るか、storage.dir を直してください。", s.Dir),
			fmt.Sprintf("directory %s does not exist; sekisho init creates it, or correct storage.dir.", s.Dir))
		return
	}
	if st.Mode().Perm()&0o077 != 0 {
		r.wrong("storage.dir", fmt.Sprintf("ほかの利用者が中を見られます (権限 %04o)。chmod 700 %s を実行してください。", st.Mode().Perm(), s.Dir),
			fmt.Sprintf("other users can look into it (mode %04o); run chmod 700 %s.", st.Mode().Perm(), s.Dir))
	}
	f, err := os.CreateTemp(s.Dir, ".check-")
	if err != nil {
		r.wrong("storage.dir", fmt.Sprintf("%s に書き込めません。所有者と権限を確かめてください。", s.Dir), fmt.Sprintf("%s cannot be written; look at its owner and mode.", s.Dir))
		return
	}
	f.Close()
	os.Remove(f.Name())
}

func (r *report) rest() {
	if r.c.Flow.Workers < 0 || r.c.Flow.Workers > 256 {
		r.wrong("flow.workers", "この範囲で書いてください: 0 - 256。", "write a value in this range: 0 - 256.")
	}
	if !instance(r.c.Audit.Instance) {
		r.wrong("audit.instance", "このゲートウェイの名前がないか、使えない文字があります。英数字と . _ - の 64 文字以内で書いてください。",
			"the instance name is missing or has other characters; write at most 64 of 0-9 A-Z a-z . _ -.")
	}
	if r.c.Audit.Interval < Duration(10*time.Second) || r.c.Audit.Interval > Duration(time.Hour) {
		r.wrong("audit.interval", "この範囲で書いてください: 10s - 1h。", "write a value in this range: 10s - 1h.")
	}
	if m := r.c.Management.Listen; m != "" {
		r.listen("management.listen", m)
		if a, err := netip.ParseAddrPort(m); err == nil && !a.Addr().IsLoopback() {
			r.doubtful("management.listen", "ほかの機器からも見えます。監視サーバーだけが届くようにファイアウォールで絞ってください。", "other machines can see it; let a firewall admit the monitoring server only.")
		}
		if slices.Contains(r.c.Intake.Listen, m) {
			r.wrong("management.listen", "メールを受け取るアドレスと同じです。別のポートにしてください。", "it is the same as an address of intake.listen; use another port.")
		}
	}
	if _, err := r.c.Location(); err != nil || r.c.Timezone == "" || r.c.Timezone == "Local" {
		r.wrong("timezone", fmt.Sprintf("「%s」という時間帯はありません。Asia/Tokyo のように書いてください。", r.c.Timezone), fmt.Sprintf("there is no time zone %q; write it like Asia/Tokyo.", r.c.Timezone))
	}
	switch s := r.c.Sandbox; {
	case s.AllowWeak && strings.TrimSpace(s.Reason) == "":
		r.wrong("sandbox.reason", "allow_weak を使う理由がありません。監査記録に残すので書いてください。", "the reason for allow_weak is missing; it goes into the audit log.")
	case s.AllowWeak:
		r.doubtful("sandbox.allow_weak", "隔離が弱い OS でも動かします。seccomp と Landlock のある Linux に移ったら false に戻してください。", "weak boxes are accepted; set it to false again on a Linux with seccomp and Landlock.")
	}
	if u := r.c.Upstream.AuthservID; u == "" {
		r.doubtful("upstream.authserv_id", "送信元認証の結果を信頼しないので、団体のドメインを名乗る外部メールにはすべて警告が付きます。前段のメールサーバーの authserv-id を書いてください。",
			"no authentication result is trusted, so outside mail of own domains always gets a warning; write the authserv-id of the mail server in front.")
	} else if strings.ContainsAny(u, " \t;\"()") {
		r.wrong("upstream.authserv_id", "authserv-id として読めません。Authentication-Results 欄の最初の語をそのまま書いてください。", "this is not an authserv-id; copy the first word of Authentication-Results.")
	}
}

func instance(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.' || r == '_' || r == '-')
	})
}

func (r *report) policy() {
	p, err := LoadPolicy(r.c.Policy.File)
	if ps, ok := err.(Problems); ok {
		for _, p := range ps {
			if p.File == "" {
				r.wrong("policy.file", p.JA, p.EN)
				continue
			}
			r.problems = append(r.problems, p)
		}
		return
	}
	if err != nil {
		r.fault("policy.file", err)
		return
	}
	if int64(r.c.Intake.Limits.MessageSize) > p.Default.Limits.Bytes {
		r.doubtful("intake.limits.message_size", fmt.Sprintf("方針の limits.bytes (%s) より大きいので、大きなメールは受け取っても隔離されます。", Size(p.Default.Limits.Bytes)),
			fmt.Sprintf("it is above the policy's limits.bytes (%s); larger mails are taken and then held.", Size(p.Default.Limits.Bytes)))
	}
	if p.Default.Limits.Retain > time.Duration(r.c.Storage.Originals) {
		r.doubtful("storage.originals", "方針の limits.retain より短いので、隔離したものの原本が先に消えることがあります。", "it is shorter than the policy's limits.retain; originals of held parts may go first.")
	}
	if filepath.Dir(r.c.Policy.File) == r.c.Keys.Dir {
		r.wrong("policy.file", "方針のファイルは鍵のディレクトリに置かないでください。", "keep the policy out of the key directory.")
	}
}
