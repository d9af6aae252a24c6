package mail

import (
	"fmt"
	"strings"
	"time"

	"sekisho/sanitize/ir"
)

// Limits of what an invitation may say.
const (
	calendarMaxEvents = 5
	calendarMaxLine   = 300 // bytes of one value
	calendarMaxBytes  = 256 << 10
)

// calendarEvent is what people need to know of a VEVENT.
type calendarEvent struct {
	summary, start, end, place string
	repeats, cancelled         bool
}

// lines are what is shown of an event, label and value.
func (e calendarEvent) lines() [][2]string {
	l := [][2]string{{"件名", e.summary}, {"開始", e.start}, {"終了", e.end}, {"場所", e.place}}
	if e.repeats {
		l = append(l, [2]string{"繰り返し", "あり"})
	}
	if e.cancelled {
		l = append([][2]string{{"種別", "取消しの連絡"}}, l...)
	}
	return l
}

// calendar hands an invitation on as a file, which is held until its kind can
// be rebuilt, and shows its subject, time and place (DECISIONS 7).
func (w *bodyWalker) calendar(p *mimePart) ([]bodyItem, error) {
	items, err := w.file(p)
	if err != nil {
		return nil, err
	}
	c := items[0].child
	if c.Name == "" {
		c.Name = "invite.ics"
	}
	if c.Note.Code != "" {
		return items, nil
	}
	d := parseDecode(parseParam(p.ctype.params, "charset"), c.data[:min(len(c.data), calendarMaxBytes)])
	it := bodyItem{role: ir.RoleCalendar}
	it.decoded(d)
	var out strings.Builder
	for i, e := range calendarEvents(d.text) {
		if i > 0 {
			out.WriteByte('\n')
		}
		for _, l := range e.lines() {
			if v := parseCut(it.clean.line(l[1]), calendarMaxLine); v != "" {
				fmt.Fprintf(&out, "%s: %s\n", l[0], v)
			}
		}
	}
	it.text = w.links(&it, out.String())
	// Invitations come twice, as an alternative and as a file.
	if it.text != "" && !w.invited[it.text] {
		w.invited[it.text] = true
		items = append(items, it)
	}
	return items, nil
}

// calendarEvents reads the events of an iCalendar text (RFC 5545), unfolding
// its lines. Alarms and time zones inside are passed over.
// spec: rfc5545#3.1 rfc5545#3.6.1
func calendarEvents(s string) []calendarEvent {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.NewReplacer("\n ", "", "\n\t", "").Replace(s)
	var all []calendarEvent
	var e calendarEvent
	inside, below, cancelled := false, 0, false
	for line := range strings.SplitSeq(s, "\n") {
		name, params, value := calendarLine(line)
		switch {
		case name == "METHOD" && !inside:
			cancelled = strings.EqualFold(strings.TrimSpace(value), "CANCEL")
		case name == "BEGIN" && strings.EqualFold(value, "VEVENT"):
			e, inside, below = calendarEvent{cancelled: cancelled}, true, 0
		case name == "END" && strings.EqualFold(value, "VEVENT") && inside:
			all = append(all, e)
			inside = false
			if len(all) >= calendarMaxEvents {
				return all
			}
		case name == "BEGIN":
			below++
		case name == "END":
			below--
		case inside && below == 0:
			e.take(name, params, value)
		}
	}
	return all
}

func (e *calendarEvent) take(name, params, value string) {
	switch name {
	case "SUMMARY":
		e.summary = calendarText(value)
	case "LOCATION":
		e.place = calendarText(value)
	case "DTSTART":
		e.start = calendarTime(value, params)
	case "DTEND":
		e.end = calendarTime(value, params)
	case "RRULE":
		e.repeats = true
	case "STATUS":
		e.cancelled = e.cancelled || strings.EqualFold(strings.TrimSpace(value), "CANCELLED")
	}
}

// calendarLine splits `NAME;PARAM=x:value`; a quoted parameter may hold a colon.
func calendarLine(line string) (name, params, value string) {
	line = strings.TrimRight(line, "\r")
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ':' && !quoted:
			name, params, _ = strings.Cut(line[:i], ";")
			return strings.ToUpper(strings.TrimSpace(name)), params, line[i+1:]
		}
	}
	return "", "", ""
}

// calendarText undoes the escapes of a TEXT value (RFC 5545 section 3.3.11).
func calendarText(s string) string {
	return strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(s)
}

// calendarTime writes 20260406T090000 as 2026年4月6日 09:00 with its zone. A
// time in UTC is told in Japanese time, which is what the readers' clocks show.
func calendarTime(v, params string) string {
	v = strings.TrimSpace(v)
	if t, err := time.Parse("20060102T150405Z", v); err == nil {
		return t.In(time.FixedZone("JST", 9*60*60)).Format("2006年1月2日 15:04") + "（日本時間）"
	}
	if t, err := time.Parse("20060102", v); err == nil {
		return t.Format("2006年1月2日")
	}
	t, err := time.Parse("20060102T150405", v)
	if err != nil {
		return v
	}
	out := t.Format("2006年1月2日 15:04")
	for p := range strings.SplitSeq(params, ";") {
		if k, z, ok := strings.Cut(p, "="); ok && strings.EqualFold(k, "TZID") {
			return out + "（" + calendarZone(strings.Trim(z, `"`)) + "）"
		}
	}
	return out
}

func calendarZone(id string) string {
	switch strings.ToLower(id) {
	case "asia/tokyo", "tokyo standard time", "japan", "jst":
		return "日本時間"
	}
	return id
}
