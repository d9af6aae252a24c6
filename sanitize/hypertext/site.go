package hypertext

import "golang.org/x/net/publicsuffix"

// RegistrableDomain names the site of a host in ASCII: one label more than its
// public suffix (publicsuffix.org, with the suffixes of hosting companies), so
// that www.town.example.lg.jp and mail.example.lg.jp are one site and two
// customers of one host are not. It is "" for an address, for a public suffix
// itself and for what is no host name. The list is part of the program; no
// file is read.
func RegistrableDomain(host string) string {
	if isIP(host) {
		return ""
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	return site
}
