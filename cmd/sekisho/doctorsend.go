package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"sekisho/gateway"
)

// sendTest sends a mail through our own listener, as the server in front does,
// and follows it in the ledger until the next hop has taken it (DECISIONS 15).
func (d *doctor) sendTest(to string, wait time.Duration) {
	ctx, cancel := context.WithTimeout(d.e.ctx, wait)
	defer cancel()
	receipt, err := d.submit(ctx, to)
	if err != nil {
		d.say("send_test", gradeBad, "試験のメールを受け取りませんでした: "+err.Error(), err.Error(), "この機械が intake.networks に、宛先が一覧にあること、sekisho が動いていることを確かめてください")
		return
	}
	state, reply, err := d.follow(ctx, receipt)
	switch {
	case err != nil:
		d.say("send_test", gradeNone, receipt+" を追えません", err.Error(), "")
	case state == gateway.Relayed:
		d.say("send_test", gradeGood, receipt+" を中継先が受け取りました", receipt+" was relayed: "+reply, "宛先のメールボックスに届いていることを見てください")
	default:
		d.say("send_test", gradeBad, fmt.Sprintf("%s は %s のままです。%s", receipt, state, reply), fmt.Sprintf("%s is %s: %s", receipt, state, reply), "sekisho queue show "+receipt+" を見てください。中継先は、このゲートウェイのアドレスを信頼している必要があります")
	}
}

// follow waits until all deliveries of a message have ended.
func (d *doctor) follow(ctx context.Context, receipt string) (gateway.DeliveryState, string, error) {
	m, err := d.ledger.MessageByReceipt(ctx, receipt)
	if err != nil {
		return "", "", err
	}
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	state, reply := gateway.DeliveryState("accepted"), ""
	for {
		ds, err := d.ledger.Deliveries(context.WithoutCancel(ctx), gateway.DeliveryQuery{Message: m.ID})
		if err != nil {
			return "", "", err
		}
		open := len(ds) == 0
		for _, v := range ds {
			state, open = v.State, open || !v.State.Final()
			for _, r := range v.Recipients {
				reply = strings.TrimSpace(fmt.Sprintf("%d %s", r.Code, r.Text))
			}
		}
		if !open {
			return state, reply, nil
		}
		select {
		case <-ctx.Done():
			return state, reply, nil
		case <-again.C:
		}
	}
}

// receiptPattern finds the receipt number in the reply to a mail.
var receiptPattern = regexp.MustCompile(`M-\d{6}-\d{5,}`)

// submit speaks SMTP with our first listener and returns the receipt number.
// The sender is empty: a test that fails is not answered to anybody.
func (d *doctor) submit(ctx context.Context, to string) (string, error) {
	if len(d.cfg.Intake.Listen) == 0 || strings.ContainsAny(to, "\r\n<> ") {
		return "", errors.New("no listener, or no address")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", ourselves(d.cfg.Intake.Listen[0]))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		conn.SetDeadline(end)
	}
	c := textproto.NewConn(conn)
	if _, _, err := c.ReadResponse(220); err != nil {
		return "", err
	}
	lines := []step{{"EHLO " + d.cfg.Intake.Hostname, 250}}
	if d.cfg.Intake.RequireTLS {
		if err := say(c, lines[0], step{"STARTTLS", 220}); err != nil {
			return "", err
		}
		// Our own listener, reached by its address: its name is not asked.
		c = textproto.NewConn(tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}))
	}
	lines = append(lines, step{"MAIL FROM:<>", 250}, step{"RCPT TO:<" + to + ">", 250}, step{"DATA", 354})
	if err := say(c, lines...); err != nil {
		return "", err
	}
	w := c.DotWriter()
	fmt.Fprintf(w, "From: sekisho doctor <doctor@%s>\nTo: <%s>\nSubject: sekisho doctor\nDate: %s\nMessage-ID: <%d.doctor@%s>\nMIME-Version: 1.0\n"+
		"Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n関所の試験のメールです。届いていれば、中継先はこのゲートウェイを信頼しています。\n",
		d.cfg.Intake.Hostname, to, time.Now().Format(time.RFC1123Z), time.Now().UnixNano(), d.cfg.Intake.Hostname)
	if err := w.Close(); err != nil {
		return "", err
	}
	_, text, err := c.ReadResponse(250)
	if err != nil {
		return "", err
	}
	receipt := receiptPattern.FindString(text)
	if receipt == "" {
		return "", fmt.Errorf("no receipt number in %.200q", text)
	}
	return receipt, c.PrintfLine("QUIT")
}

// step is a line of the client and the reply that it must get.
type step struct {
	line string
	want int
}

func say(c *textproto.Conn, steps ...step) error {
	for _, s := range steps {
		if err := c.PrintfLine("%s", s.line); err != nil {
			return err
		}
		if _, _, err := c.ReadResponse(s.want); err != nil {
			return fmt.Errorf("%s: %w", strings.Fields(s.line)[0], err)
		}
	}
	return nil
}
