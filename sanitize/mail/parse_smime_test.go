package mail

import (
	"encoding/base64"
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// berMake writes one element with a definite length.
func berMake(tag byte, content ...[]byte) []byte {
	var all []byte
	for _, c := range content {
		all = append(all, c...)
	}
	n := len(all)
	return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, all...)
}

// berOpen writes one element with an indefinite length and its end mark.
func berOpen(tag byte, content ...[]byte) []byte {
	out := []byte{tag, 0x80}
	for _, c := range content {
		out = append(out, c...)
	}
	return append(out, 0, 0)
}

// smimeSample wraps a mail entity as opaque signed data.
func smimeSample(entity string, mk func(byte, ...[]byte) []byte, octets []byte) []byte {
	if octets == nil {
		octets = berMake(0x04, []byte(entity))
	}
	encap := mk(0x30, berMake(0x06, smimeData), mk(0xA0, octets))
	signed := mk(0x30, berMake(0x02, []byte{1}), berMake(0x31), encap, berMake(0x31, []byte("signer infos")))
	return mk(0x30, berMake(0x06, smimeSigned), mk(0xA0, signed))
}

func smimeMail(der []byte) string {
	return parsePlain("Subject: s\nContent-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64", base64.StdEncoding.EncodeToString(der)+"\n")
}

func TestParseSMIME(t *testing.T) {
	inner := "Content-Type: multipart/mixed; boundary=i\n\n--i\n\nsigned words\n--i\n" + partPDF + "\n--i--\n"
	pieces := berOpen(0x24, berMake(0x04, []byte(inner[:40])), berMake(0x04, []byte(inner[40:])))
	want := []string{`body 0 "signed words"`, `child attachment "x.pdf"`, "note signature_stripped"}
	other := berMake(0x30, berMake(0x06, smimeEnveloped), berMake(0xA0, []byte("secret")))
	auth := berMake(0x30, berMake(0x06, smimeAuthEnveloped), berMake(0xA0, []byte("secret")))
	certs := berMake(0x30, berMake(0x06, smimeSigned), berMake(0xA0, berMake(0x30, berMake(0x02, []byte{1}), berMake(0x31), berMake(0x30, berMake(0x06, smimeData)))))
	nested := smimeSample(smimeMail(smimeSample(inner, berMake, nil)), berMake, nil)
	deep := smimeSample(parseNest(21), berMake, nil)
	parseRunCases(t, []parseCase{
		{name: "definite lengths", in: smimeMail(smimeSample(inner, berMake, nil)), want: want, absent: []string{"smime.p7m"}},
		{name: "indefinite lengths in pieces", in: smimeMail(smimeSample("", berOpen, pieces)), want: want},
		{name: "signed twice", in: smimeMail(nested), want: want},
		{name: "enveloped", in: smimeMail(other), want: []string{"why=encrypted_mail"}, absent: []string{"signature_stripped"}},
		{name: "authenticated enveloped", in: smimeMail(auth), want: []string{"why=encrypted_mail"}},
		{name: "certificates only", in: smimeMail(certs), want: []string{`child attachment "smime.p7m" application/pkcs7-mime cid= why= `}},
		{name: "garbage", in: smimeMail([]byte("no DER at all")), want: []string{"why=encrypted_mail"}},
		{name: "claimed enveloped but signed", in: strings.Replace(smimeMail(smimeSample(inner, berMake, nil)), "; name", "; smime-type=enveloped-data; name", 1), want: want},
		{name: "limits hold inside", in: smimeMail(deep), hold: format.LimitDepth},
	})
}

func TestParseSMIMETruncated(t *testing.T) {
	der := smimeSample("Subject: x\n\nwords", berMake, nil)
	for i := range len(der) {
		kind, content := smimeOpen(der[:i])
		if len(content) > 0 && (len(kind) == 0 || !strings.HasPrefix("Subject: x\n\nwords", string(content))) {
			t.Fatalf("cut at %d gave %q", i, content)
		}
	}
}
