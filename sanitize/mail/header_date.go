package mail

import (
	"strconv"
	"strings"
	"time"

	"sekisho/sanitize/ir"
)

// hdrZones are the zone names of RFC 5322 section 4.3 and the one that
// Japanese mailers write, in minutes east of UTC.
var hdrZones = map[string]int{
	"ut": 0, "gmt": 0, "utc": 0, "z": 0, "est": -300, "edt": -240, "cst": -360, "cdt": -300,
	"mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "jst": 540,
}

// hdrMonths maps the first three letters of a month.
var hdrMonths = map[string]time.Month{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10,
	"nov": 11, "dec": 12,
}

// hdrClock is what was found of a date so far; -1 is unknown.
type hdrClock struct {
	day, year, hour, min, sec int
	month                     time.Month
	zone                      int
	haveZone                  bool
}

// hdrDate reads a Date value (RFC 5322 section 3.3 with the obsolete forms):
// weekday, seconds and zone may be missing, years may have two digits, and an
// ISO 8601 date is read as well.
// spec: rfc5322#3.3
func hdrDate(raw []byte) (ir.Date, bool) {
	s := hdrUncomment(hdrString(raw))
	if len(s) > 200 {
		return ir.Date{}, false
	}
	s = strings.ReplaceAll(strings.TrimSpace(s), ",", " ")
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		_, off := t.Zone()
		return hdrDateOf(t, off/60)
	}
	c := hdrClock{day: -1, year: -1, hour: -1}
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' }) {
		c.word(strings.ToLower(w))
	}
	if c.day < 1 || c.day > 31 || c.month == 0 || c.year < 1 || c.year > 9999 || c.hour < 0 || c.hour > 24 ||
		c.min > 59 || c.sec > 60 || c.zone < -1440 || c.zone > 1440 {
		return ir.Date{}, false
	}
	t := time.Date(c.year, c.month, c.day, c.hour, c.min, c.sec, 0, time.UTC)
	return hdrDateOf(t.Add(-time.Duration(c.zone)*time.Minute), c.zone)
}

func hdrDateOf(t time.Time, zone int) (ir.Date, bool) {
	d := ir.Date{Unix: t.Unix(), Offset: int64(zone)}
	ok := d.Unix >= -62135596800 && d.Unix <= 253402300799 && zone >= -1440 && zone <= 1440
	return d, ok
}

// word takes one word of a date into c; words that fit nowhere are ignored.
func (c *hdrClock) word(w string) {
	switch {
	case strings.Count(w, "-") == 2 && w[0] != '-': // 06-Apr-2026, 2026-04-06
		c.dashed(strings.Split(w, "-"))
	case w[0] == '+' || w[0] == '-':
		c.offset(w)
	case strings.Contains(w, ":"):
		c.time(w)
	case strings.HasPrefix(w, "gmt+"), strings.HasPrefix(w, "gmt-"), strings.HasPrefix(w, "utc+"), strings.HasPrefix(w, "utc-"):
		c.offset(w[3:])
	case w[0] >= '0' && w[0] <= '9':
		c.number(w)
	default:
		if z, ok := hdrZones[w]; ok && !c.haveZone {
			c.zone, c.haveZone = z, true
		} else if m, ok := hdrMonths[w[:min(3, len(w))]]; ok && c.month == 0 {
			c.month = m
		}
	}
}

func (c *hdrClock) number(w string) {
	n, err := strconv.Atoi(w)
	switch {
	case err != nil:
	case c.day < 0 && len(w) <= 2:
		c.day = n
	case c.year < 0:
		c.year = hdrYear(n, len(w))
	}
}

// hdrYear widens years of two and three digits (RFC 5322 section 4.3).
// spec: rfc5322#4.3
func hdrYear(n, digits int) int {
	switch {
	case digits == 2 && n < 50:
		return n + 2000
	case digits <= 3:
		return n + 1900
	}
	return n
}

func (c *hdrClock) dashed(p []string) {
	a, errA := strconv.Atoi(p[0])
	b, errB := strconv.Atoi(p[2])
	if errA != nil || errB != nil {
		return
	}
	if m, ok := hdrMonths[p[1][:min(3, len(p[1]))]]; ok {
		c.day, c.month, c.year = a, m, hdrYear(b, len(p[2]))
	} else if m, err := strconv.Atoi(p[1]); err == nil && m >= 1 && m <= 12 && len(p[0]) == 4 {
		c.year, c.month, c.day = a, time.Month(m), b
	}
}

func (c *hdrClock) time(w string) {
	if c.hour >= 0 {
		return
	}
	// The zone may follow without a blank.
	if i := strings.IndexAny(w, "+-"); i > 0 {
		c.offset(w[i:])
		w = w[:i]
	}
	p := strings.Split(w, ":")
	var n [3]int
	for i := range min(len(p), 3) {
		digits, _, _ := strings.Cut(p[i], ".")
		v, err := strconv.Atoi(digits)
		if err != nil || v < 0 {
			return
		}
		n[i] = v
	}
	c.hour, c.min, c.sec = n[0], n[1], n[2]
}

func (c *hdrClock) offset(w string) {
	if c.haveZone {
		return
	}
	digits := strings.ReplaceAll(w[1:], ":", "")
	n, err := strconv.Atoi(digits)
	if err != nil || len(digits) > 4 || n < 0 {
		return
	}
	if len(digits) <= 2 {
		n *= 100
	}
	c.zone, c.haveZone = n/100*60+n%100, true
	if w[0] == '-' {
		c.zone = -c.zone
	}
}
