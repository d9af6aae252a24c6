package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"sekisho/audit"
)

type auditSearchCmd struct {
	Log     string   `help:"監査記録のフォルダ / the log's folder" required:"" type:"existingdir" placeholder:"DIR"`
	From    string   `help:"この日または時刻から / from this day or time" placeholder:"2026-11-01"`
	To      string   `help:"この日の終わり、またはこの時刻まで / to the end of this day, or to this time" placeholder:"2026-11-30"`
	Verb    []string `help:"出来事の名前または群 / events or groups such as release.*" placeholder:"NAME"`
	Actor   string   `help:"行為者のID / id of who acted" placeholder:"ID"`
	Receipt string   `help:"受付番号 / receipt number" placeholder:"NO"`
	SHA256  string   `help:"原本または無害化済みファイルの SHA-256 / of an original or a sanitized copy" name:"sha256" placeholder:"HEX"`
	Sender  string   `help:"差出人 / envelope sender" placeholder:"ADDRESS"`
	Request string   `help:"解除申請のID / id of a release request" placeholder:"ID"`
	Limit   int      `help:"件数の上限 / at most" default:"200"`
	After   int64    `help:"この番号より前の記録を続けて見る / go on with the records before this number" default:"-1" placeholder:"SEQ"`
	JSON    bool     `help:"記録の行そのまま / the records as they stand"`
	Zone    string   `help:"日付の時間帯 / time zone of the days" default:"Asia/Tokyo" placeholder:"NAME"`
}

// Help says what a search is not.
func (auditSearchCmd) Help() string {
	return "新しい順に表示します。検索は検証を兼ねません。検索用のファイルに細工がないことは sekisho audit verify が確かめます。\n" +
		"Newest first. A search does not verify; sekisho audit verify finds an index that hides something."
}

// Run searches by the index.
func (c *auditSearchCmd) Run(e env) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	n := 0
	next, err := audit.Search(e.ctx, os.DirFS(c.Log), f, audit.Page{Limit: max(c.Limit, 1), Newest: true, After: c.After}, func(line []byte, ev audit.Event) error {
		n++
		if c.JSON {
			_, err := fmt.Fprintf(e.stdout, "%s\n", line)
			return err
		}
		_, err := fmt.Fprintln(e.stdout, searchLine(ev))
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "%d 件 / records\n", n)
	if next >= 0 {
		fmt.Fprintf(e.stderr, "続きがあります / there are more: --after %d\n", next)
	}
	return nil
}

func (c *auditSearchCmd) filter() (audit.Filter, error) {
	a := filterArgs{Event: c.Verb, Receipt: c.Receipt, Sender: c.Sender, Actor: c.Actor, SHA256: c.SHA256}
	f, err := a.filter()
	if err != nil {
		return f, err
	}
	f.Request = c.Request
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return f, err
	}
	if f.Since, err = dayOrTime(c.From, zone, 0); err != nil {
		return f, err
	}
	f.Until, err = dayOrTime(c.To, zone, 1)
	return f, err
}

// dayOrTime reads a time, or a day, whose beginning it is, or with after 1 the
// beginning of the next.
func dayOrTime(s string, zone *time.Location, after int) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation("2006-01-02", s, zone); err == nil {
		return t.AddDate(0, 0, after), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%.40q は日付（2026-11-01）でも時刻（2026-11-01T09:00:00+09:00）でもありません / neither a day nor a time", s)
	}
	return t, nil
}

// searchLine is a record in one line. Records hold no control characters.
func searchLine(ev audit.Event) string {
	info, _ := ev.Verb.Info()
	words := []string{fmt.Sprintf("%8d  %s  %-22s", ev.Seq, ev.TS.Format("2006-01-02 15:04:05"), ev.Verb), info.JA}
	who := ev.Actor.ID
	if ev.Actor.Name != "" {
		who += "（" + ev.Actor.Name + "）"
	}
	if ev.Outcome != audit.Success {
		words = append(words, "["+ev.Outcome.JA()+"]")
	}
	for _, w := range []string{ev.Object.ReceiptNo, who, ev.Decision.Form, ev.Decision.ReasonCode, ev.Mail.Sender, strings.Join(ev.Mail.Recipients, " ")} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, "  ")
}
