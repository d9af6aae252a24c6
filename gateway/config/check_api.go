package config

import (
	"net/netip"
	"slices"
	"strings"
)

// api looks at the listener of the REST interface.
func (r *report) api() {
	l := r.c.API.Listen
	t := TLSFiles(r.c.API.Pair)
	r.pair("api.tls", t)
	if l == "" {
		return
	}
	r.listen("api.listen", l)
	a, err := netip.ParseAddrPort(strings.Replace(l, "localhost:", "127.0.0.1:", 1))
	if err == nil && !a.Addr().IsLoopback() && t.CertFile == "" {
		r.wrong("api.tls", "証明書がないので、パスワードが暗号化されずに流れます。証明書を書くか、127.0.0.1 で待ち受けてください。",
			"without a certificate passwords would go over the net in clear; write one, or listen on 127.0.0.1.")
	}
	if slices.Contains(r.c.Intake.Listen, l) || l == r.c.Management.Listen {
		r.wrong("api.listen", "ほかの受け口と同じアドレスです。別のポートにしてください。", "it is the same as another listener; use another port.")
	}
}
