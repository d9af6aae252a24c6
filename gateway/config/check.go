package config

import (
	"context"
	"errors"
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
	r.upstream()
	r.storage()
	for _, p := range CheckKeys(c.Keys.Dir) {
		r.merge(p, p.Key)
	}
	r.between("flow.workers", int64(c.Flow.Workers), 0, 256, "0 - 256")
	r.notices()
	r.policy()
	r.release()
	r.audit()
	r.syslog(ctx, k.Resolver)
	r.management()
	r.api()
	r.engine()
	r.sandbox()
	r.timezone()
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
	if ok && at.variable != "" {
		p.File, p.JA, p.EN = "", "環境変数 "+at.variable+": "+p.JA, "environment variable "+at.variable+": "+p.EN
		r.problems = append(r.problems, p)
		return
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
			continue
		}
		r.apart(key, n, "zones.internet.networks", r.c.Zones.Internet.Networks)
		r.apart(key, n, "zones.lgwan.networks", r.c.Zones.LGWAN.Networks)
		r.apart(key, n, "intake.networks", r.c.Intake.Networks)
	}
}

// apart notes networks of another zone that overlap one of the third zone.
// "Everywhere" as a client network is another matter: Guard still refuses.
func (r *report) apart(key string, n Network, other string, networks []Network) {
	for _, o := range networks {
		if o.Bits() > 0 && n.Overlaps(o.Prefix) {
			r.wrong(key, fmt.Sprintf("%s の %s と重なっています。ゾーンのネットワークを確かめてください。", other, o),
				fmt.Sprintf("it overlaps %s of %s; check which network belongs to which zone.", o, other))
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

func (r *report) storage() {
	s := r.c.Storage
	r.between("storage.max_originals", int64(s.MaxOriginals), 64<<20, 1<<50, "64MB - 1024TB")
	r.between("storage.min_free", int64(s.MinFree), 16<<20, 1<<50, "16MB - 1024TB")
	r.between("storage.originals", int64(s.Originals), int64(day), int64(3660*day), "1d - 3660d")
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

func (r *report) audit() {
	if !instance(r.c.Audit.Instance) {
		r.wrong("audit.instance", "このゲートウェイの名前がないか、使えない文字があります。英数字と . _ - の 64 文字以内で書いてください。",
			"the instance name is missing or has other characters; write at most 64 of 0-9 A-Z a-z . _ -.")
	}
	r.between("audit.interval", int64(r.c.Audit.Interval), int64(10*time.Second), int64(time.Hour), "10s - 1h")
	r.between("audit.texts", int64(r.c.Audit.Texts), int64(30*day), int64(1100*day), "30d - 1100d")
}

func (r *report) management() {
	m := r.c.Management.Listen
	if m == "" {
		return
	}
	r.listen("management.listen", m)
	if a, err := netip.ParseAddrPort(m); err == nil && !a.Addr().IsLoopback() {
		r.doubtful("management.listen", "ほかの機器からも見えます。監視サーバーだけが届くようにファイアウォールで絞ってください。",
			"other machines can see it; let a firewall admit the monitoring server only.")
	}
	if slices.Contains(r.c.Intake.Listen, m) {
		r.wrong("management.listen", "メールを受け取るアドレスと同じです。別のポートにしてください。", "it is the same as an address of intake.listen; use another port.")
	}
}

func (r *report) sandbox() {
	switch s := r.c.Sandbox; {
	case s.AllowWeak && strings.TrimSpace(s.Reason) == "":
		r.wrong("sandbox.reason", "allow_weak を使う理由がありません。監査記録に残すので書いてください。", "the reason for allow_weak is missing; it goes into the audit log.")
	case s.AllowWeak:
		r.doubtful("sandbox.allow_weak", "隔離が弱い OS でも動かします。seccomp と Landlock のある Linux に移ったら false に戻してください。",
			"weak boxes are accepted; set it to false again on a Linux with seccomp and Landlock.")
	}
}

func (r *report) upstream() {
	switch u := r.c.Upstream.AuthservID; {
	case u == "":
		r.doubtful("upstream.authserv_id", "送信元認証の結果を信頼しないので、団体のドメインを名乗る外部メールにはすべて警告が付きます。前段のメールサーバーの authserv-id を書いてください。",
			"no authentication result is trusted, so outside mail of own domains always gets a warning; write the authserv-id of the mail server in front.")
	case strings.ContainsAny(u, " \t;\"()"):
		r.wrong("upstream.authserv_id", "authserv-id として読めません。Authentication-Results 欄の最初の語をそのまま書いてください。",
			"this is not an authserv-id; copy the first word of Authentication-Results.")
	}
}

func (r *report) timezone() {
	if _, err := r.c.Location(); err != nil || r.c.Timezone == "" || r.c.Timezone == "Local" {
		r.wrong("timezone", fmt.Sprintf("「%s」という時間帯はありません。Asia/Tokyo のように書いてください。", r.c.Timezone),
			fmt.Sprintf("there is no time zone %q; write it like Asia/Tokyo.", r.c.Timezone))
	}
}

func (r *report) policy() {
	p, err := r.c.LoadPolicy()
	if ps := (Problems)(nil); errors.As(err, &ps) {
		for _, p := range ps {
			r.merge(p, "policy.file")
		}
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
