package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/text/encoding/japanese"
)

// sample writes a harmless file of a kind: jpeg with a place in its metadata,
// png with bytes after its end, exe (a header without code), or pad SIZE.
func sample(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "sample jpeg|png|pdf|exe|pad FILE [SIZE]")
	var b bytes.Buffer
	switch args[0] {
	case "jpeg":
		ts.Check(jpeg.Encode(&b, drawing(), nil))
		b = *bytes.NewBuffer(withComment(b.Bytes(), "GPS 35.6895 139.6917"))
	case "png":
		ts.Check(png.Encode(&b, drawing()))
		b.WriteString("TRAILING-CANARY")
	case "pdf":
		b.Write(document(6))
	case "exe":
		b.WriteString("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00")
		b.Write(make([]byte, 44))
		b.WriteString("\x40\x00\x00\x00PE\x00\x00L\x01CODE-CANARY")
	case "pad":
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		for b.Len() < n {
			b.WriteString(strings.Repeat("あ", 20) + "\n")
		}
	default:
		ts.Fatalf("sample %s: no such kind", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o644))
}

func drawing() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 96, 72))
	for y := range 72 {
		for x := range 96 {
			m.Set(x, y, color.RGBA{uint8(2 * x), uint8(3 * y), 90, 255})
		}
	}
	return m
}

// document is a PDF of pages full of words, with a script.
func document(pages int) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	object := func(s string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), s)
	}
	var kids strings.Builder
	for i := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", 4+2*i)
	}
	object("<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>")
	object(fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", pages, kids.String()))
	object("<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>")
	for i := range pages {
		object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>", 5+2*i))
		var text strings.Builder
		for y := range 52 {
			fmt.Fprintf(&text, "BT /F 11 Tf 60 %d Td (Line %d of page %d: a gateway between two zones hands on only what it has rebuilt) Tj ET ", 780-14*y, y, i+1)
		}
		object(fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", text.Len(), text.String()))
	}
	x := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, a := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, x)
	return b.Bytes()
}

// withComment puts a COM segment behind the SOI marker (ITU-T T.81 §B.2.4.5).
func withComment(jpg []byte, text string) []byte {
	n := len(text) + 2
	out := append([]byte{}, jpg[:2]...)
	out = append(out, 0xff, 0xfe, byte(n>>8), byte(n))
	return append(append(out, text...), jpg[2:]...)
}

// fill replaces each line "@FILE" of a mail by that file in base64.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "fill FILE")
	var out strings.Builder
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "@")
		if !ok {
			out.WriteString(line)
			continue
		}
		code := base64.StdEncoding.EncodeToString([]byte(ts.ReadFile(name)))
		for len(code) > 76 {
			out.WriteString(code[:76] + "\n")
			code = code[76:]
		}
		out.WriteString(code + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(out.String()), 0o644))
}

// jis turns a file into ISO-2022-JP, or into the charset named.
func jis(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) == 0 || len(args) > 2, "jis FILE [cp932]")
	enc := japanese.ISO2022JP.NewEncoder()
	if len(args) == 2 {
		enc = japanese.ShiftJIS.NewEncoder()
	}
	out, err := enc.String(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(out), 0o644))
}

// flipByte changes one bit of one byte: at an offset, in the middle, or in the
// first occurrence of a text.
func flipByte(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "flipbyte FILE OFFSET|mid|TEXT")
	b := []byte(ts.ReadFile(args[0]))
	at, err := strconv.Atoi(args[1])
	switch {
	case args[1] == "mid":
		at = len(b) / 2
	case err != nil:
		at = bytes.Index(b, []byte(args[1]))
	}
	if at < 0 || at >= len(b) {
		ts.Fatalf("flipbyte: %s is not in %s", args[1], args[0])
	}
	b[at] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// cutTail removes the last lines of a file.
func cutTail(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "cuttail FILE LINES")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	lines := strings.SplitAfter(ts.ReadFile(args[0]), "\n")
	lines = lines[:len(lines)-1] // what follows the last LF
	if n < 1 || n > len(lines) {
		ts.Fatalf("cuttail: %s has %d lines", args[0], len(lines))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(lines[:len(lines)-n], "")), 0o600))
}

// seek succeeds when a file below a folder has the text in it.
func seek(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) != 2, "seek TEXT DIR")
	files, found := 0, ""
	err := filepath.WalkDir(ts.MkAbs(args[1]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // gone meanwhile
			}
			return err
		}
		b, err := os.ReadFile(path)
		if files++; bytes.Contains(b, []byte(args[0])) {
			found = path
		}
		return err
	})
	ts.Check(err)
	if files == 0 {
		ts.Fatalf("seek: %s is empty", args[1])
	}
	if err = errors.New("not found"); found != "" {
		err = nil
		ts.Logf("%q is in %s", args[0], found)
	}
	expect(ts, neg, err, "seek "+args[0])
}

// certCommand makes a certificate for a name that is its own authority:
// tls/NAME.crt and tls/NAME.key. "expired" makes one of last year.
func certCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) == 0, "cert NAME [expired]")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	until := time.Now().Add(24 * time.Hour)
	if len(args) > 1 {
		until = time.Now().Add(-24 * time.Hour)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: args[0]}, DNSNames: []string{args[0]},
		NotBefore: until.Add(-365 * 24 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	base := filepath.Join(ts.MkAbs("tls"), args[0])
	ts.Check(os.MkdirAll(ts.MkAbs("tls"), 0o700))
	ts.Check(os.WriteFile(base+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	ts.Check(os.WriteFile(base+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	fmt.Fprintln(ts.Stdout(), base+".crt")
}
