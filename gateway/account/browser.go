package account

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// browserMark is the random part of what a browser keeps that signed in before, in
// bytes.
const browserMark = 16

// newBrowser returns what a browser keeps after it signed in: a mark by chance, and
// its keyed digest for this name. It proves nothing but that somebody who could sign
// in by this name sat there once: its failures have a row of their own, so that
// strangers who type the name elsewhere do not stop whom it belongs to. A new key
// of second factors makes all browsers unknown.
func (s *Service) newBrowser(name string) (string, error) {
	b := make([]byte, browserMark)
	if _, err := io.ReadFull(s.random(), b); err != nil {
		return "", fmt.Errorf("mark a browser: %w", err)
	}
	mark := base64.RawURLEncoding.EncodeToString(b)
	return mark + "." + base64.RawURLEncoding.EncodeToString(s.sealer.mac("browser", folded(name), mark)), nil
}

// browserKey returns under which attempts of a browser are counted, "" for one that
// has not signed in by this name.
func (s *Service) browserKey(browser, name string) string {
	mark, sum, ok := strings.Cut(browser, ".")
	got, err := base64.RawURLEncoding.Strict().DecodeString(sum)
	if !ok || err != nil || len(browser) > maxTyped || !hmac.Equal(got, s.sealer.mac("browser", folded(name), mark)) {
		return ""
	}
	return "browser:" + hex.EncodeToString(got)
}

// nameKey is under which attempts of a name are counted, whether or not there is
// such an account: its keyed digest, so that a password typed in the wrong field is
// neither kept nor can be guessed from a copy of the ledger.
func (s *Service) nameKey(name string) string {
	return "name:" + hex.EncodeToString(s.sealer.mac("name", folded(name)))
}

// folded is a name in its one spelling, or what else was typed.
func folded(name string) string {
	if clean, err := foldName(name); err == nil {
		return clean
	}
	return strings.ToLower(name)
}

// rows are what an attempt is counted in.
type rows struct {
	name string // or of a browser
	ip   string // "" for a browser that is known: many people are behind an address
}

// rowsOf decides it. A browser that failed as often as a name may is no better known
// than others.
func (s *Service) rowsOf(r Reader, c Credentials) (rows, error) {
	if key := s.browserKey(c.Browser, c.Name); key != "" {
		a, err := r.Attempts(key)
		if err != nil || a.N < HardCap {
			return rows{name: key}, err
		}
	}
	return rows{name: s.nameKey(c.Name), ip: "ip:" + recordIP(c.IP)}, nil
}
