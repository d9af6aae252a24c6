package demo

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/mail"
)

// facts are those of a delivery.
func facts(receipt string) format.Facts {
	at := time.Date(2026, 4, 17, 9, 12, 30, 0, time.FixedZone("JST", 9*3600))
	return format.Facts{ReceiptNo: receipt, ReceivedAt: at, ExpiresAt: at.AddDate(0, 0, 30), Recipients: []string{"soumu@town.example.lg.jp"},
		Sender: "sato@example.jp", MessageID: "0123456789abcdef0123456789abcdef", Instance: "gw1", Host: "gw.town.example.lg.jp", Version: "test",
		Office: format.Office{Name: "サンプル町", Contact: "情報政策課"}}
}

// substitute builds the mail that tells of a held one.
func substitute(t *testing.T, receipt string) []byte {
	t.Helper()
	var b bytes.Buffer
	err := mail.BuildSubstitute(mail.Substitute{Facts: facts(receipt), Reason: format.KindBlocked, From: "佐藤 <sato@example.jp>", Subject: "請求書"}, &b)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rebuilt builds a mail with a text and attachments as flow does.
func rebuilt(t *testing.T, receipt, subject, text string, kids ...format.Child) []byte {
	t.Helper()
	var frames, out bytes.Buffer
	w := ir.NewWriter(&frames)
	values := []ir.Value{ir.Field{Name: ir.FieldSubject, Value: subject}, ir.Address{Role: ir.RoleFrom, Name: "山田 太郎", Addr: "yamada@example.org"},
		ir.Text{Role: ir.RoleBody, S: text}}
	for _, v := range values {
		if err := w.Write(v); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range kids {
		if err := w.Write(ir.Child{Role: ir.RoleAttachment, Name: k.Original}); err != nil {
			t.Fatal(err)
		}
	}
	f := facts(receipt)
	if _, err := mail.Build(ir.NewReader(&frames, 1<<20), format.Construction{Facts: &f, Kids: kids}, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func child(name, media string, kind format.Kind, content string) format.Child {
	return format.Child{Name: name, Original: name, Kind: kind, Media: media, Verdict: format.Rebuilt, Method: format.MethodImage,
		Sum: sha256.Sum256([]byte(content)), Size: int64(len(content)), Open: func() io.Reader { return strings.NewReader(content) }}
}

// mailbox starts a mailbox and returns its address.
func mailbox(t *testing.T, b *Board) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := NewMailbox(b)
	ended := make(chan struct{})
	go func() { m.Serve(l); close(ended) }()
	t.Cleanup(func() { m.Close(); <-ended })
	return l.Addr().String()
}

func TestMailboxShowsWhatIsBuilt(t *testing.T) {
	b := NewBoard()
	addr := mailbox(t, b)
	png := "\x89PNG\r\n\x1a\n....\r\n.\r\n" // its dots are stuffed on the way
	raw := rebuilt(t, "M-260417-00001", "現場の写真", "本文です。\n.点で始まる行\n", child("現場写真.png", "image/png", format.PNG, png))
	if err := smtp.SendMail(addr, nil, "yamada@example.org", []string{"soumu@town.example.lg.jp", "b@town.example.lg.jp"}, raw); err != nil {
		t.Fatal(err)
	}
	if err := smtp.SendMail(addr, nil, "", []string{"soumu@town.example.lg.jp"}, substitute(t, "M-260417-00002")); err != nil {
		t.Fatal(err)
	}
	<-b.Arrivals()
	if delivered(b, "M-260417-00001") != 1 || delivered(b, "M-260417-00002") != 1 || delivered(b, "M-260417-00003") != 0 {
		t.Fatal("not on the board")
	}
	m, ok := b.mail(0)
	if !ok || m.Subject != "現場の写真" || !strings.Contains(m.From, "山田 太郎") || m.Sender != "yamada@example.org" || len(m.Recipients) != 2 {
		t.Errorf("mail %+v", m)
	}
	if !strings.Contains(m.Text, "本文です。\r\n.点で始まる行") || !bytes.Equal(m.Raw, raw) {
		t.Errorf("text %q", m.Text)
	}
	if len(m.Files) != 1 || m.Files[0].Name != "現場写真.png" || string(m.Files[0].Body) != png || !m.Files[0].Picture() {
		t.Errorf("files %+v", m.Files)
	}
	m, ok = b.mail(1)
	if !ok || m.Sender != "" || !strings.Contains(m.Subject, "M-260417-00002") || !strings.Contains(m.Text, "請求書") || len(m.Files) != 0 {
		t.Errorf("substitute %+v", m)
	}
}

func TestMailboxRefusesWhatIsNoMail(t *testing.T) {
	b := NewBoard()
	addr := mailbox(t, b)
	for name, raw := range map[string]string{
		"no header":       "no header\r\n",
		"no content type": "Subject: x\r\n\r\nx\r\n",
		"no boundary":     "Content-Type: multipart/mixed\r\n\r\nx\r\n",
		"bad base64":      "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n",
		"bad part":        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: ;\r\n\r\nx\r\n--b--\r\n",
		"cut":             "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n",
	} {
		err := smtp.SendMail(addr, nil, "a@example.org", []string{"b@town.example.lg.jp"}, []byte(raw))
		if err == nil || !strings.HasPrefix(err.Error(), "554") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(b.snapshot()) != 0 {
		t.Error("something is on the board")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\n" +
		"Content-Type: image/png\r\nContent-Disposition: attachment; filename=a.png\r\n\r\nx\r\n--b--\r\n"))
	f.Add([]byte("X-Sekisho-Result: held; receipt=M-1\r\nContent-Type: text/plain\r\n\r\nx\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := read(raw)
		if err != nil {
			return
		}
		if len(m.Files) > maxFiles {
			t.Errorf("%d files", len(m.Files))
		}
		for _, f := range m.Files {
			if d := disposition(f); strings.HasPrefix(d, "inline") != f.Picture() || strings.ContainsAny(d, "\r\n") {
				t.Errorf("%q of %q", d, f.Media)
			}
		}
	})
}

func TestBoardForgets(t *testing.T) {
	b := NewBoard()
	at := time.Date(2026, 4, 17, 9, 0, 0, 0, time.UTC)
	receipt := func(i int) string { return fmt.Sprintf("M-260417-%05d", i) }
	for i := range maxMails + 50 {
		b.deliver(Mail{Receipt: receipt(i)}) // before Received, without a time
		b.Received(Incoming{Receipt: receipt(i), At: at})
	}
	pairs := b.snapshot()
	if len(pairs) != maxMails || pairs[0].Receipt != receipt(maxMails+49) || pairs[maxMails-1].Receipt != receipt(50) {
		t.Fatalf("%d pairs, %s to %s", len(pairs), pairs[0].Receipt, pairs[len(pairs)-1].Receipt)
	}
	if len(b.mails) != maxMails {
		t.Errorf("%d mails are kept", len(b.mails))
	}
	if _, ok := b.mail(49); ok {
		t.Error("a mail of a forgotten pair is kept")
	}
	if m, ok := b.mail(50); !ok || m.Receipt != receipt(50) {
		t.Errorf("mail 50 is %+v", m)
	}
	for range 3 * maxSides {
		b.deliver(Mail{Receipt: receipt(100)})
	}
	if n := delivered(b, receipt(100)); n != maxSides || len(b.mails) != maxMails-1+maxSides {
		t.Errorf("%d mails for one receipt number, %d in all", n, len(b.mails))
	}
	b.Received(Incoming{Receipt: "x", Source: strings.Repeat("あ", maxSource)})
	for _, p := range b.snapshot() {
		if p.Receipt == "x" && (len(p.Source) > maxSource+3 || !strings.HasSuffix(p.Source, "\uFFFD")) {
			t.Errorf("%d bytes of source", len(p.Source))
		}
	}
}

// delivered counts the delivered mails of a receipt number.
func delivered(b *Board, receipt string) int {
	for _, p := range b.snapshot() {
		if p.Receipt == receipt {
			return len(p.Delivered)
		}
	}
	return 0
}
