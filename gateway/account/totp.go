package account

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// Parameters of the second factor. Authenticator programs know SHA-1, six
// digits and thirty seconds; not all know others.
// spec: rfc6238#4
const (
	totpStep   = 30 // seconds
	totpDigits = 6
	totpSecret = 20 // bytes, RFC 4226 section 4 R6
	totpDrift  = 1  // steps before and after that are taken, RFC 6238 section 5.2
)

// timeStep is T of RFC 6238 section 4.2.
func timeStep(at time.Time) int64 { return at.Unix() / totpStep }

// hotp is the code of RFC 4226 section 5.3 for a counter.
// spec: rfc4226#5.3
func hotp(secret []byte, counter int64) string {
	mac := hmac.New(sha1.New, secret)
	var c [8]byte
	binary.BigEndian.PutUint64(c[:], uint64(counter))
	mac.Write(c[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, n%1_000_000)
}

// verifyCode returns the time step of a right code. A code of the last used step
// or an earlier one is ErrReplay: each can be used once.
// spec: rfc6238#5.2
func verifyCode(key []byte, last int64, code string, now time.Time) (int64, error) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, foldWidth(code))
	if len(code) != totpDigits || len(key) == 0 {
		return 0, ErrCode
	}
	var found int64
	for d := int64(-totpDrift); d <= totpDrift; d++ {
		s := timeStep(now) + d
		// All are compared, so that time says nothing about the clocks.
		if subtle.ConstantTimeCompare([]byte(hotp(key, s)), []byte(code)) == 1 {
			found = s
		}
	}
	switch {
	case found == 0:
		return 0, ErrCode
	case found <= last:
		return 0, ErrReplay
	}
	return found, nil
}

func newTOTP(random io.Reader) ([]byte, error) {
	key := make([]byte, totpSecret)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("new second factor: %w", err)
	}
	return key, nil
}

// typedKey is a key as authenticator programs take it.
func typedKey(key []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key)
}

// totpURI is the otpauth address that a QR code shows.
func totpURI(key []byte, issuer, name string) string {
	q := url.Values{"secret": {typedKey(key)}, "issuer": {issuer}, "algorithm": {"SHA1"},
		"digits": {fmt.Sprint(totpDigits)}, "period": {fmt.Sprint(totpStep)}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+name) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}
