package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sekisho/gateway/notice"
)

// Notices say how staff are told of what is held. A part of a mail is told of in
// the mail that it came with, whatever stands here.
type Notices struct {
	Mode   NoticeMode   `yaml:"mode" doc:"お預かりの知らせ方。now はすぐに、digest は hours の時刻にまとめて知らせます。"`
	Hours  []TimeOfDay  `yaml:"hours" doc:"まとめて知らせる時刻。例: [\"08:30\", \"13:00\"]"`
	Copies []NoticeCopy `yaml:"copies" doc:"課などの代表のアドレス (to) に、その課の宛先 (for) の分もまとめて知らせるとき。"`
	Alarm  Duration     `yaml:"alarm" doc:"送るはずのお知らせをこの間 1 通も渡せないと、通知停止中として知らせます。"`
}

// NoticeMode is when recipients are told. The zero value is NoticeNow.
type NoticeMode string

// The modes.
const (
	NoticeNow    NoticeMode = "now"
	NoticeDigest NoticeMode = "digest"
)

func (NoticeMode) choices() []string { return []string{"now", "digest"} }

// UnmarshalText reads one of the modes.
func (m *NoticeMode) UnmarshalText(b []byte) error { return pick(m, b) }

// TimeOfDay is an hour and minute, written 08:30.
type TimeOfDay notice.Hour

// UnmarshalText reads hours and minutes.
func (t *TimeOfDay) UnmarshalText(b []byte) error {
	h, err := notice.ParseHour(string(b))
	if err != nil {
		return faultf("「%s」は時刻として読めません。\"08:30\" のように、引用符で囲んで書いてください。",
			"%q is not a time of the day; write it like \"08:30\", in quotes.", b)
	}
	*t = TimeOfDay(h)
	return nil
}

// String writes 08:30.
func (t TimeOfDay) String() string { return notice.Hour(t).String() }

// NoticeCopy is an address that is told of what is held for others.
type NoticeCopy struct {
	To  string   `yaml:"to"`
	For []string `yaml:"for"`
}

// NoticePlan returns who is told how, in the time zone of the configuration.
func (c Config) NoticePlan() (notice.Plan, error) {
	loc, err := c.Location()
	if err != nil {
		return notice.Plan{}, err
	}
	p := notice.Plan{Digest: c.Notices.Mode == NoticeDigest, Schedule: notice.Schedule{Location: loc}}
	for _, h := range c.Notices.Hours {
		p.Schedule.Hours = append(p.Schedule.Hours, notice.Hour(h))
	}
	for _, k := range c.Notices.Copies {
		p.Copies = append(p.Copies, notice.Copy{To: k.To, For: lower(k.For)})
	}
	return p, nil
}

// Limits of the notices.
const (
	maxNoticeHours  = 24
	maxNoticeCopies = 1000
)

func (r *report) notices() {
	n := r.c.Notices
	r.between("notices.alarm", int64(n.Alarm), int64(10*time.Minute), int64(7*day), "10m - 7d")
	switch used := n.Mode == NoticeDigest || len(n.Copies) > 0; {
	case used && len(n.Hours) == 0:
		r.wrong("notices.hours", "まとめて知らせる時刻がありません。[\"08:30\", \"13:00\"] のように書いてください。",
			"there is no hour for digests; write them like [\"08:30\", \"13:00\"].")
	case !used && len(n.Hours) > 0:
		r.doubtful("notices.hours", "mode が now で copies も無いので、この時刻は使われません。", "with mode now and no copies these hours have no effect.")
	case len(n.Hours) > maxNoticeHours:
		r.wrong("notices.hours", "時刻が多すぎます (24 まで)。", "there are too many hours (24 at most).")
	}
	if len(n.Copies) > maxNoticeCopies {
		r.wrong("notices.copies", "多すぎます (1000 まで)。", "there are too many (1000 at most).")
		return
	}
	for i, c := range n.Copies {
		r.copy(fmt.Sprintf("notices.copies[%d]", i), c)
	}
}

// copy checks one address that reads for others. It tells subjects and names of
// files, so it must be one of the office's own.
func (r *report) copy(key string, c NoticeCopy) {
	domain := c.To[strings.LastIndexByte(c.To, '@')+1:]
	ours := slices.ContainsFunc(r.c.Office.Domains, func(d string) bool { return strings.EqualFold(d, domain) })
	if checkRecipient(c.To) != nil || strings.HasPrefix(c.To, "@") || !ours {
		r.wrong(key, fmt.Sprintf("to の「%s」は、office.domains のメールアドレスではありません。件名とファイル名を知らせるので、団体のアドレスを書いてください。", c.To),
			fmt.Sprintf("to: %q is no address of office.domains; subjects and file names are told, so write one of the office's own.", c.To))
	}
	if len(c.For) == 0 {
		r.wrong(key, "for がありません。だれの分を知らせるか、[yamada@town.example.lg.jp] や [\"@town.example.lg.jp\"] のように書いてください。",
			"for is missing; write whose notices it gets, like [yamada@town.example.lg.jp] or [\"@town.example.lg.jp\"].")
	}
	for _, a := range c.For {
		if err := checkRecipient(a); err != nil {
			r.fault(key, err)
		}
	}
}
