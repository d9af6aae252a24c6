package account

import "testing"

// TestNames: one script, nothing unseen; what people are shown may mix the two.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		name          string
		sign, display bool
	}{
		{"yamada", true, true}, {"yamada.taro-2", true, true}, {"josé", true, true}, {"ｙａｍａｄａ", true, true}, {"山田太郎", true, true}, {"やまだ", true, true},
		{"ヤマダー", true, true}, {"佐々木2", true, true}, {"山田yamada", false, true}, {"職員 yamada", false, true}, {"山田（税務課）", false, true},
		{"y\u0430mada", false, false}, {"\u0443\u0430", false, false}, {"yamada\u3164", false, false}, {"yamada\u200b", false, false}, {"山田\ufe00", false, false},
		{"葛\U000e0100", false, false}, {"yam\u0251da", false, false}, {"yamada\u202e", false, false}, {"yamad\u0131", false, false}, {"ya\u0645", false, false},
		{"a\u0301bc", true, true}, {"١٢٣", false, true}, {"", false, false},
	} {
		if _, err := CleanName(c.name); (err == nil) != c.sign {
			t.Errorf("%+q to sign in: %v", c.name, err)
		}
		if _, err := cleanDisplay(c.name); (err == nil) != c.display {
			t.Errorf("%+q to be shown: %v", c.name, err)
		}
	}
	if name, err := foldName("Иван"); err != nil || name != "иван" {
		t.Errorf("an account of before: %q %v", name, err)
	}
}
