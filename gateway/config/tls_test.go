package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate writes a self-signed pair that is valid until the given time.
func certificate(t *testing.T, dir string, until time.Time, mode os.FileMode) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"x.example"}, NotBefore: until.Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "c.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o644)
	put(t, filepath.Join(dir, "k.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})), mode)
}

func TestCertificates(t *testing.T) {
	for _, c := range []struct {
		name  string
		until time.Time
		mode  os.FileMode
		other bool   // the key is replaced by another
		want  string // in the Japanese message, "" for no problem
	}{
		{"good", time.Now().Add(time.Hour), 0o600, false, ""},
		{"expired", time.Now().Add(-time.Minute), 0o600, false, "期限が切れています"},
		{"key open to others", time.Now().Add(time.Hour), 0o644, false, "ほかの利用者が読めます"},
		{"key of another certificate", time.Now().Add(time.Hour), 0o600, true, "組になっているか"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := initialized(t, answers())
			certificate(t, dir, c.until, c.mode)
			if c.other {
				own := read(t, filepath.Join(dir, "c.pem"))
				certificate(t, dir, c.until, c.mode)
				put(t, filepath.Join(dir, "c.pem"), own, 0o644)
			}
			cfg, err := Load(filepath.Join(dir, "sekisho.yaml"), []string{"SEKISHO_INTAKE_TLS_CERT_FILE=c.pem", "SEKISHO_INTAKE_TLS_KEY_FILE=k.pem",
				"SEKISHO_INTAKE_REQUIRE_TLS=true", "SEKISHO_RELAY_CA_FILE=" + filepath.Join(dir, "c.pem")})
			if err != nil {
				t.Fatal(err)
			}
			ps := Check(t.Context(), cfg)
			if c.want == "" && len(ps) > 0 || c.want != "" && (len(ps) != 1 || !strings.Contains(ps[0].JA, c.want)) {
				t.Errorf("%v", ps)
			}
		})
	}
}
