package text

import "strings"

// The cells that begin with a sign and are no formulas. Each grammar is read
// by hand from left to right: at every place one character decides, so there
// is nothing to go back for, and nothing to compile when a worker starts.

// harmless reports whether s, which begins with a sign, is a number, a clock
// time or a telephone number, or signs alone.
func harmless(s string) bool {
	return onlySigns(s) || signedNumber(s) || signedClock(s) || phoneNumber(s)
}

// onlySigns takes 1 to 40 signs; 「-」 stands for "none".
func onlySigns(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "+-") == ""
}

// signedNumber takes a sign, a currency or none, a number, and a unit or none:
// "-1,234.5", "+ ¥ 300", "-2e-3 %", "+5 円".
func signedNumber(s string) bool {
	s, ok := cutAny(s, "+-")
	if !ok {
		return false
	}
	s = strings.TrimPrefix(s, " ")
	s = cutCurrency(s)
	s = strings.TrimPrefix(s, " ")
	if s, ok = cutDecimal(s); !ok {
		return false
	}
	if s, ok = cutExponent(s); !ok {
		return false
	}
	return isUnit(strings.TrimPrefix(s, " "))
}

// signedClock takes a sign, 1 to 3 digits of hours, minutes, and perhaps
// seconds with or without a fraction: "+9:00", "-0:00:01.5".
func signedClock(s string) bool {
	s, ok := cutAny(s, "+-")
	if !ok {
		return false
	}
	n := digits(s)
	if n < 1 || n > 3 {
		return false
	}
	if s, ok = cutGroup(s[n:], ':', 2); !ok || s == "" {
		return ok
	}
	if s, ok = cutGroup(s, ':', 2); !ok || s == "" {
		return ok
	}
	return s[0] == '.' && len(s) > 1 && digits(s[1:]) == len(s)-1
}

// phoneNumber takes a plus, a digit, and 4 to 28 digits and marks between
// them: "+81 (3) 1234-5678".
func phoneNumber(s string) bool {
	if len(s) < 6 || len(s) > 30 || s[0] != '+' || digits(s[1:2]) == 0 {
		return false
	}
	return strings.Trim(s[2:], "0123456789 ().-") == ""
}

// cutDecimal takes the digits of a number, in groups of three or in one row,
// with a fraction or none; or a fraction alone.
func cutDecimal(s string) (string, bool) {
	n := digits(s)
	if n == 0 {
		s, ok := cutAny(s, ".")
		n := digits(s)
		return s[n:], ok && n > 0
	}
	s = s[n:]
	for ok := true; s != "" && s[0] == ','; {
		if s, ok = cutGroup(s, ',', 3); !ok || n > 3 {
			return s, false
		}
	}
	if s, ok := cutAny(s, "."); ok {
		return s[digits(s):], true
	}
	return s, true
}

// cutExponent takes an exponent of 1 to 4 digits, or nothing.
func cutExponent(s string) (string, bool) {
	s, ok := cutAny(s, "eE")
	if !ok {
		return s, true
	}
	s, _ = cutAny(s, "+-")
	n := digits(s)
	return s[n:], n >= 1 && n <= 4
}

// cutGroup takes mark and exactly n digits.
func cutGroup(s string, mark byte, n int) (string, bool) {
	if s == "" || s[0] != mark || digits(s[1:]) != n {
		return s, false
	}
	return s[1+n:], true
}

// cutCurrency takes the sign of a currency, or nothing. A backslash is what
// the yen is in Shift_JIS.
func cutCurrency(s string) string {
	for _, sign := range [...]string{"¥", "$", "€", "£", `\`} {
		if rest, ok := strings.CutPrefix(s, sign); ok {
			return rest
		}
	}
	return s
}

// cutAny takes one byte of set.
func cutAny(s, set string) (string, bool) {
	if s == "" || strings.IndexByte(set, s[0]) < 0 {
		return s, false
	}
	return s[1:], true
}

// digits returns how many ASCII digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// isUnit reports whether s may follow a number without making it a formula;
// nothing may.
func isUnit(s string) bool {
	switch s {
	case "", "%", "‰", "円", "千円", "万円", "百万円", "億円", "ドル", "件", "人", "名", "点",
		"個", "回", "歳", "年", "月", "日", "時間", "分", "秒", "度", "℃", "㎡", "㎏", "㎞":
		return true
	}
	return false
}
