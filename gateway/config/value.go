package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// fault is a wrong value, in both languages.
type fault struct{ ja, en string }

func (f fault) Error() string { return f.ja + " / " + f.en }

func faultf(ja, en string, args ...any) error {
	return fault{fmt.Sprintf(ja, args...), fmt.Sprintf(en, args...)}
}

// sentences returns both sentences of an error.
func sentences(err error) (ja, en string) {
	var f fault
	if errors.As(err, &f) {
		return f.ja, f.en
	}
	return err.Error(), err.Error()
}

// Zone is a network zone of the office. The zero value is no zone and is
// refused wherever a zone is needed.
type Zone string

// The zones: the closed list of DECISIONS 24.
const (
	Internet Zone = "internet" // インターネット接続系
	LGWAN    Zone = "lgwan"    // LGWAN接続系
	MyNumber Zone = "mynumber" // マイナンバー利用事務系
)

// UnmarshalText reads the name of a zone.
func (z *Zone) UnmarshalText(b []byte) error {
	switch v := Zone(b); v {
	case Internet, LGWAN, MyNumber:
		*z = v
		return nil
	}
	return faultf("「%s」というゾーンはありません。internet か lgwan を書いてください。",
		"there is no zone %q; write internet or lgwan.", b)
}

// Size is a number of bytes, written with a unit: 25MB. KB, MB, GB and TB are
// 1024-fold steps, as KiB, MiB, GiB and TiB are.
type Size int64

// units in falling order, so that String finds the largest that fits.
var units = []struct {
	name string
	n    int64
}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}, {"B", 1}}

// UnmarshalText reads a whole number and a unit.
func (s *Size) UnmarshalText(b []byte) error {
	text := strings.ToUpper(strings.TrimSpace(string(b)))
	number := strings.TrimRight(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit := strings.Replace(text[len(number):], "IB", "B", 1)
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	for _, u := range units {
		if err == nil && n >= 0 && u.name == unit && n <= math.MaxInt64/u.n {
			*s = Size(n * u.n)
			return nil
		}
	}
	return faultf("「%s」は大きさとして読めません。25MB や 500GB のように、数と単位 (KB, MB, GB, TB) で書いてください。",
		"%q is not a size; write a number and a unit (KB, MB, GB, TB), such as 25MB or 500GB.", b)
}

// String writes the size with the largest unit that divides it.
func (s Size) String() string {
	for _, u := range units {
		if s != 0 && int64(s)%u.n == 0 {
			return strconv.FormatInt(int64(s)/u.n, 10) + u.name
		}
	}
	return "0B"
}

// Duration is a length of time, written with a unit: 30d, 12h, 5m, 90s.
type Duration time.Duration

const day = 24 * time.Hour

// UnmarshalText reads numbers with the units d, h, m, s and ms.
func (d *Duration) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	var total time.Duration
	rest, ok := text, text != ""
	if days, after, has := strings.Cut(text, "d"); has {
		n, err := strconv.ParseInt(days, 10, 64)
		ok = err == nil && n >= 0 && n <= 100*366
		total, rest = time.Duration(n)*day, after
	}
	if ok && rest != "" {
		v, err := time.ParseDuration(rest)
		ok = err == nil && v >= 0 && v < 100*366*day
		total += v
	}
	if !ok {
		return faultf("「%s」は時間として読めません。30d (日)、12h (時間)、5m (分)、90s (秒) のように単位を付けて書いてください。",
			"%q is not a duration; write it with a unit: 30d, 12h, 5m or 90s.", b)
	}
	*d = Duration(total)
	return nil
}

// String writes whole days as days, and leaves out zero parts.
func (d Duration) String() string {
	t := time.Duration(d)
	if t != 0 && t%day == 0 {
		return fmt.Sprintf("%dd", t/day)
	}
	s := t.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Network is a network in CIDR form, or one address. A network with host bits
// set is refused: it is usually a slip.
type Network struct{ netip.Prefix }

// UnmarshalText reads 192.0.2.0/24, 2001:db8::/32 or one address.
func (n *Network) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		n.Prefix = netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return faultf("「%s」はネットワークとして読めません。192.0.2.0/24 や 192.0.2.10 のように書いてください。",
			"%q is not a network; write it like 192.0.2.0/24 or 192.0.2.10.", b)
	}
	if p.Masked() != p {
		return faultf("「%s」はネットワークの先頭のアドレスではありません。%s ではないか確かめてください。",
			"%q is not the first address of its network; is it %s?", b, p.Masked())
	}
	if p.Addr().Is4In6() {
		return faultf("「%s」は IPv4 を IPv6 の形で書いています。IPv4 の形で書いてください。",
			"%q is IPv4 written as IPv6; write it as IPv4.", b)
	}
	n.Prefix = p
	return nil
}

// Choice is a word of a closed list that Load checks.
type choice interface {
	encoding.TextUnmarshaler
	choices() []string
}

// TLSMode says how the connection to the next hop is protected.
type TLSMode string

// The modes. The zero value is read as TLSRequired.
const (
	TLSNone          TLSMode = "none"
	TLSOpportunistic TLSMode = "opportunistic"
	TLSRequired      TLSMode = "required"
)

func (TLSMode) choices() []string { return []string{"none", "opportunistic", "required"} }

// UnmarshalText reads one of the modes.
func (m *TLSMode) UnmarshalText(b []byte) error { return pick(m, b) }

// Confirmation is the word "confirmed", by which an operator states something
// that the program cannot find out.
type Confirmation string

// Confirmed is the only word.
const Confirmed Confirmation = "confirmed"

func (Confirmation) choices() []string { return []string{"confirmed"} }

// UnmarshalText reads the word.
func (c *Confirmation) UnmarshalText(b []byte) error { return pick(c, b) }

// LogLevel is the least severe line that is logged.
type LogLevel string

func (LogLevel) choices() []string { return []string{"debug", "info", "warn", "error"} }

// UnmarshalText reads one of debug, info, warn and error.
func (l *LogLevel) UnmarshalText(b []byte) error { return pick(l, b) }

// LogFormat is how log lines are written.
type LogFormat string

func (LogFormat) choices() []string { return []string{"text", "json"} }

// UnmarshalText reads text or json.
func (f *LogFormat) UnmarshalText(b []byte) error { return pick(f, b) }

// pick sets a closed word.
func pick[T interface {
	~string
	choices() []string
}](to *T, b []byte) error {
	for _, c := range (*to).choices() {
		if c == string(b) {
			*to = T(c)
			return nil
		}
	}
	list := strings.Join((*to).choices(), ", ")
	return faultf("「%s」とは書けません。次のどれかを書いてください: %s。", "%q is not possible; write one of: %s.", b, list)
}
