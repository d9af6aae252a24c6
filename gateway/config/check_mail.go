package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

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
	r.pair("intake.tls", t)
	if t == (TLSFiles{}) && r.c.Intake.RequireTLS {
		r.wrong("intake.require_tls", "STARTTLS を必須にするには証明書が要ります。intake.tls に書いてください。", "require_tls needs a certificate; write it in intake.tls.")
	}
}

// pair looks at the certificate and key of a listener, where there are any.
func (r *report) pair(key string, t TLSFiles) {
	if (t.CertFile == "") != (t.KeyFile == "") {
		r.wrong(key, "証明書と秘密鍵は両方を書くか、両方を空にしてください。", "write both certificate and key, or neither.")
		return
	}
	if t.CertFile == "" {
		return
	}
	if st, err := os.Stat(t.KeyFile); err == nil && st.Mode().Perm()&0o077 != 0 {
		r.wrong(key+".key_file", fmt.Sprintf("秘密鍵をほかの利用者が読めます (権限 %04o)。chmod 600 %s を実行してください。", st.Mode().Perm(), t.KeyFile),
			fmt.Sprintf("other users can read the private key (mode %04o); run chmod 600 %s.", st.Mode().Perm(), t.KeyFile))
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		r.wrong(key, fmt.Sprintf("証明書と秘密鍵を読めません (%s)。ファイルと、2 つが組になっているかを確かめてください。", err),
			fmt.Sprintf("certificate and key cannot be used (%s); look at the files and whether they belong together.", err))
		return
	}
	if leaf, err := x509.ParseCertificate(pair.Certificate[0]); err == nil && time.Now().After(leaf.NotAfter) {
		r.wrong(key+".cert_file", "証明書の期限が切れています。新しい証明書にしてください。", "the certificate has expired; install a new one.")
	}
}

func (r *report) recipients() {
	table, err := r.c.RecipientTable()
	if ps := (Problems)(nil); errors.As(err, &ps) {
		for _, p := range ps {
			r.merge(p, p.Key)
		}
		return
	}
	if len(table) == 0 && !r.c.Intake.Recipients.Probe {
		r.wrong("intake.recipients", "受け取る宛先がありません。このままではすべてのメールを断ります。一覧のファイルか list に書くか、probe: true にしてください。",
			"there are no recipients and all mail would be refused; write a file or a list, or set probe: true.")
	}
	for _, a := range table {
		d := a[strings.LastIndexByte(a, '@')+1:]
		if !slices.ContainsFunc(r.c.Office.Domains, func(o string) bool { return strings.EqualFold(o, d) }) {
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

// merge takes over a problem that another file has, or gives it the place of
// key in ours.
func (r *report) merge(p Problem, key string) {
	if p.File == "" {
		r.add(p.Severity, key, p.JA, p.EN)
		return
	}
	r.problems = append(r.problems, p)
}

func (r *report) limits() {
	l := r.c.Intake.Limits
	const key = "intake.limits."
	r.between(key+"message_size", int64(l.MessageSize), 64<<10, 1<<30, "64KB - 1GB")
	r.between(key+"recipients", int64(l.Recipients), 1, 10_000, "1 - 10000")
	r.between(key+"connections", int64(l.Connections), 1, 10_000, "1 - 10000")
	r.between(key+"connections_per_client", int64(l.ConnectionsPerClient), 1, 10_000, "1 - 10000")
	r.between(key+"mails_per_minute", int64(l.MailsPerMinute), 1, 1_000_000, "1 - 1000000")
	r.between(key+"bad_recipients", int64(l.BadRecipients), 1, 1000, "1 - 1000")
	r.between(key+"errors", int64(l.Errors), 1, 1000, "1 - 1000")
	r.between(key+"idle", int64(l.Idle), int64(10*time.Second), int64(time.Hour), "10s - 1h")
	r.between(key+"upload", int64(l.Upload), int64(time.Minute), int64(day), "1m - 1d")
	if l.ConnectionsPerClient > l.Connections {
		r.doubtful(key+"connections_per_client", "全体の上限 (connections) より大きいので、意味がありません。", "it is above the limit for all (connections) and has no effect.")
	}
}

// between notes a value outside of its range, both ends included.
func (r *report) between(key string, n, low, high int64, text string) {
	if n < low || n > high {
		r.wrong(key, "この範囲で書いてください: "+text+"。", "write a value in this range: "+text+".")
	}
}

func (r *report) relay() {
	c := r.c.Relay
	r.between("relay.workers", int64(c.Workers), 1, 100, "1 - 100")
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
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || perr != nil || n == 0 {
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
		case r.ourselves(a, port):
			r.wrong("relay.address", "中継先がこのゲートウェイ自身です。メールが循環するので、LGWAN接続系のメールサーバーを書いてください。",
				"the relay is this gateway itself and mail would loop; write the LGWAN mail server.")
		case len(lgwan) > 0 && !covered(lgwan, a):
			r.wrong("relay.address", fmt.Sprintf("中継先のアドレス %s は zones.lgwan.networks にありません。どちらかを直してください。", a),
				fmt.Sprintf("the relay's address %s is not in zones.lgwan.networks; correct one of them.", a))
		}
	}
}

// ourselves reports whether intake listens there: on the address itself, or on
// all addresses where it is one of this machine.
func (r *report) ourselves(a netip.Addr, port string) bool {
	for _, l := range r.c.Intake.Listen {
		own, err := netip.ParseAddrPort(l)
		if err != nil || strconv.Itoa(int(own.Port())) != port {
			continue
		}
		if own.Addr().Unmap() == a || own.Addr().IsUnspecified() && (a.IsUnspecified() || a.IsLoopback() || ofMachine(a)) {
			return true
		}
	}
	return false
}

// ofMachine reports whether an interface of this machine has the address.
func ofMachine(a netip.Addr) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(addrs, func(n net.Addr) bool {
		p, err := netip.ParsePrefix(n.String())
		return err == nil && p.Addr().Unmap() == a
	})
}
