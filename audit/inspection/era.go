package inspection

import (
	"fmt"
	"time"
)

// reiwa is the first day of 令和.
var reiwa = time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC)

// year returns a year as offices write it: 令和8年. Years before 令和, which no
// record of ours has, are those of the West.
func year(t time.Time) string {
	d := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	switch n := t.Year() - 2018; {
	case d.Before(reiwa):
		return fmt.Sprintf("%d年", t.Year())
	case n == 1:
		return "令和元年"
	default:
		return fmt.Sprintf("令和%d年", n)
	}
}

func month(t time.Time) string { return fmt.Sprintf("%s%d月", year(t), t.Month()) }

func day(t time.Time) string {
	return fmt.Sprintf("%s%d日（%s）", month(t), t.Day(), []string{"日", "月", "火", "水", "木", "金", "土"}[t.Weekday()])
}

// moment is a time within the month of the report.
func moment(t time.Time) string {
	return fmt.Sprintf("%d月%d日 %d:%02d", t.Month(), t.Day(), t.Hour(), t.Minute())
}

// span is a length of time in words.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "1分未満"
	case d < time.Hour:
		return fmt.Sprintf("%d分", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d時間%d分", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d日%d時間", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}
