package realtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/gateway/peertest"
)

// maxMemory is what the gateway may take without its boxes, whatever comes, in
// bytes.
const maxMemory = 512 << 20

// TestOverload: more connections than there are places, more large mails than
// fit into memory, and mails made to hurt, all at once. Who comes too much is
// told to come later, nothing that was taken is lost, and a citizen's small
// mail goes through meanwhile.
// spec: g8
func TestOverload(t *testing.T) {
	connections, large, megabytes := rounds(t, 200, 1), rounds(t, 10, 0), 10
	if number(t, "SEKISHO_SOAK") > 0 {
		large, megabytes = 50, 25
	}
	host := peertest.Loopback()
	s := newSink(t, host)
	g := install(t, host, s.Address, "SEKISHO_INTAKE_LIMITS_CONNECTIONS_PER_CLIENT=20")
	g.start()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	turned := idle(ctx, t, g.smtp, connections)
	taken := map[string]int{}
	var mu sync.Mutex
	note := func(what, reply string) {
		mu.Lock()
		defer mu.Unlock()
		taken[what+" "+reply[:min(1, len(reply))]]++
	}
	var wg sync.WaitGroup
	for n := range large {
		wg.Go(func() { note("large", push(ctx, t, g.smtp, source4(2, n%3), largeMail(n, megabytes))) })
	}
	for n, body := range hostileMails() {
		wg.Go(func() { note("hostile", push(ctx, t, g.smtp, source4(3, n%2), body)) })
	}
	worst := honest(ctx, t, g, s)
	wg.Wait()
	cancel()
	t.Logf("%d of %d idle connections were turned away; replies %v; an honest mail took at most %v", turned, connections, taken, worst)
	if turned < connections/2 {
		t.Errorf("only %d of %d connections of one client were turned away", turned, connections)
	}
	if taken["large 2"] != large || taken["hostile "] > 0 {
		t.Errorf("replies: %v", taken)
	}
	within(t, 5*time.Minute, "all that was taken to be worked off", func() bool {
		n, ok := g.metric(`sekisho_queue_messages{state="accepted"}`)
		m, known := g.metric(`sekisho_queue_messages{state="sanitizing"}`)
		return ok && known && n+m == 0
	})
	g.drained()
	if peak := peakMemory(t, g.process.Process.Pid); peak > maxMemory {
		t.Errorf("the gateway took %d MB", peak>>20)
	} else {
		t.Logf("the gateway took %d MB at most", peak>>20)
	}
	g.stop()
	g.verify()
}

// source4 is an address of the loopback network for a sender.
func source4(net, n int) string { return fmt.Sprintf("127.200.%d.%d", net, n+1) }

// from connects from a sender's address.
func from(ctx context.Context, source, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	return d.DialContext(ctx, "tcp", address)
}

// idle opens connections of one client that say nothing until ctx ends, and
// counts those that are turned away with 421.
func idle(ctx context.Context, t *testing.T, address string, n int) int {
	t.Helper()
	turned := 0
	for range n {
		c, err := from(ctx, source4(1, 0), address)
		if err != nil {
			t.Fatalf("a connection was not even answered: %v", err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(c).ReadString('\n')
		switch {
		case err == nil && strings.HasPrefix(line, "421 "):
			turned++
		case err != nil || !strings.HasPrefix(line, "220 "):
			t.Fatalf("greeting %q, %v", line, err)
		}
	}
	return turned
}

// push sends one mail and comes back later, as a mail server does, as long as
// it is told to. It returns the last reply.
func push(ctx context.Context, t *testing.T, address, source string, body []byte) string {
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		reply := pushOnce(ctx, address, source, body)
		if reply != "" && reply[0] != '4' {
			return reply
		}
		select {
		case <-ctx.Done():
			return reply
		case <-again.C:
		}
	}
}

// pushOnce is one try; a broken connection counts as a reply to come later.
func pushOnce(ctx context.Context, address, source string, body []byte) string {
	conn, err := from(ctx, source, address)
	if err != nil {
		return "4"
	}
	c := &client{conn, bufio.NewReader(conn)}
	defer c.close()
	if err := conn.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		return "4"
	}
	if r, err := c.reply(); err != nil || r[0] != '2' {
		return "4"
	}
	if _, err := c.ask("EHLO mx.example.com\r\n"); err != nil {
		return "4"
	}
	reply, _, err := c.send("kumin@example.com", []string{"taro@" + domain}, body)
	if err != nil {
		return "4"
	}
	return reply
}

// honest sends ten small mails, one after the other is delivered, and returns
// the longest time that one took.
func honest(ctx context.Context, t *testing.T, g *gateway, s *sink) time.Duration {
	t.Helper()
	var worst time.Duration
	for n := range 10 {
		m := newLetter(plain, 900_000+n)
		begin := time.Now()
		if r := push(ctx, t, g.smtp, source4(4, 0), m.body); r[0] != '2' {
			t.Errorf("an honest mail was answered with %q", r)
		}
		until(t, "an honest mail", func() bool { return len(s.copies(m.id)) > 0 })
		worst = max(worst, time.Since(begin))
	}
	return worst
}

// peakMemory is the largest resident size of a process so far, in bytes.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

const mailHead = "From: kumin@example.com\r\nTo: taro@" + domain + "\r\nSubject: x\r\nMIME-Version: 1.0\r\n"

// largeMail is a mail of so many megabytes: text, a table, or a program that
// is held.
func largeMail(n, megabytes int) []byte {
	size := megabytes << 20
	id := fmt.Sprintf("Message-ID: <large-%d@example.com>\r\n", n)
	line := "本日は晴天なり。予算編成方針について通知します。\r\n"
	switch n % 3 {
	case 0:
		return []byte(id + mailHead + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + strings.Repeat(line, size/len(line)))
	case 1:
		row := "1024,山田太郎,総務課,03-1234-5678,2026-11-25\r\n"
		return attachment(id, "text/csv", "table.csv", []byte(strings.Repeat(row, size*3/4/len(row))))
	}
	return attachment(id, "application/octet-stream", "setup.exe", append([]byte("MZ"), make([]byte, size*3/4)...))
}

// hostileMails are small or of middling size, and made to cost much: by depth,
// parts, fields, tags, escapes, pixels, and by lines of many megabytes.
func hostileMails() [][]byte {
	deep := mailHead
	for n := range 3000 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", n, n)
	}
	parts := mailHead + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment\r\n\r\n=1+1\r\n", 3000)
	header := mailHead + strings.Repeat("X-A: "+strings.Repeat("=?utf-8?B?44GC?= ", 50)+"\r\n", 3000) + "\r\nx\r\n"
	lines := mailHead + "Content-Type: text/html\r\n\r\n" + strings.Repeat(strings.Repeat("<div><table><tr><td>", 40)+"\r\n", 8000)
	codes := mailHead + "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + strings.Repeat(strings.Repeat("\x1b$B$\"\x1b(B", 100)+"\r\n", 4000)
	flat := attachment("", "image/png", "flat.png", flatPNG())
	line := mailHead + "Content-Type: text/html\r\n\r\n<p>" + strings.Repeat("x ", 10<<20) + "\r\n"
	one := attachment("", "text/plain", "line.txt", bytes.Repeat([]byte("x"), 15<<20))
	return [][]byte{[]byte(line), one, []byte(deep + "x\r\n"), []byte(parts + "--b--\r\n"), []byte(header), []byte(lines), []byte(codes), flat, flat}
}

// attachment is a mail with one file.
func attachment(id, media, name string, data []byte) []byte {
	var b strings.Builder
	b.WriteString(id + mailHead + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\n")
	fmt.Fprintf(&b, "Content-Type: %s; name=%s\r\nContent-Disposition: attachment; filename=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n", media, name, name)
	code := base64.StdEncoding.EncodeToString(data)
	for len(code) > 76 {
		b.WriteString(code[:76] + "\r\n")
		code = code[76:]
	}
	b.WriteString(code + "\r\n--b--\r\n")
	return []byte(b.String())
}

// flatPNG is a picture of 49 million white pixels in some kilobytes.
func flatPNG() []byte {
	var b bytes.Buffer
	m := image.NewGray(image.Rect(0, 0, 7000, 7000))
	for i := range m.Pix {
		m.Pix[i] = 0xFF
	}
	if err := png.Encode(&b, m); err != nil {
		panic(err) // a constant
	}
	return b.Bytes()
}
