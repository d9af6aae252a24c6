package account

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestZeroValuesRefuse: what was forgotten allows nothing.
func TestZeroValuesRefuse(t *testing.T) {
	now := time.Now()
	for _, c := range append(Capabilities(), "", "no:such") {
		if far, err := (Principal{}).Reach(c, now); err == nil || far != Nowhere {
			t.Errorf("the zero principal reaches %s of %s", far, c)
		}
		if ReachOf(nil, c) != Nowhere || ReachOf([]Role{"", "root"}, c) != Nowhere {
			t.Errorf("no role reaches %s", c)
		}
		if far, err := (Principal{User: User{ID: "x", Roles: Roles()}}).Reach(c, now); err == nil || far != Nowhere {
			t.Errorf("a user of no state reaches %s of %s", far, c)
		}
	}
	if (Session{}).live(User{}, time.Time{}) == nil || (Session{}).Fresh(time.Time{}) || (User{}).Missing() == nil ||
		(Deputy{}).Holds(time.Time{}) || !(User{}).Privileged() || !Capability("no:such").NeedsStepUp() {
		t.Error("a zero value allows something")
	}
	if _, err := (Proposal{}).Confirm("x", time.Time{}); err == nil {
		t.Error("the zero proposal can be confirmed")
	}
}

// TestReach is the table of UX-AUDIT section 6, written a second time.
func TestReach(t *testing.T) {
	table := map[Capability]string{ // staff approver admin auditor operator
		OwnAccount: "own own own own own", ReadMessages: "own department all all nowhere", ReadItems: "own department all all nowhere",
		DiscardItems: "own nowhere all nowhere nowhere", RequestRelease: "own own all nowhere nowhere",
		PreviewParts: "own department all nowhere nowhere",
		ReadRequests: "own department all all nowhere", DecideRelease: "nowhere department all nowhere nowhere",
		ReadExceptions: "nowhere all all all nowhere", OpenException: "nowhere all all nowhere nowhere",
		ReadUsers: "nowhere nowhere all all nowhere", WriteUsers: "nowhere nowhere all nowhere nowhere",
		SetDeputy: "nowhere own all nowhere nowhere", ReadAudit: "nowhere nowhere all all nowhere", ExportAudit: "nowhere nowhere nowhere all nowhere", ReadSystem: "nowhere nowhere all nowhere all",
	}
	if len(table) != len(Capabilities()) {
		t.Errorf("%d capabilities, %d rows", len(Capabilities()), len(table))
	}
	for c, row := range table {
		var got []string
		for _, r := range Roles() {
			got = append(got, ReachOf([]Role{r}, c).String())
		}
		if strings.Join(got, " ") != row {
			t.Errorf("%s: %s, want %s", c, strings.Join(got, " "), row)
		}
	}
	if got := ContentRoles([]Role{Auditor, Staff, Operator}); !slices.Equal(got, []Role{Staff}) {
		t.Errorf("content is for %v", got)
	}
}

// TestMoreRolesNeverLess: a further role takes nothing away.
func TestMoreRolesNeverLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfDistinct(rapid.SampledFrom(Roles()), func(r Role) Role { return r }).Draw(t, "roles")
		more := rapid.SampledFrom(Roles()).Draw(t, "one more")
		c := rapid.SampledFrom(Capabilities()).Draw(t, "capability")
		if ReachOf(append(some, more), c) < ReachOf(some, c) {
			t.Fatalf("%v with %s reach less of %s", some, more, c)
		}
	})
}

// TestCheckRoles looks at every set of roles.
func TestCheckRoles(t *testing.T) {
	for set := range 1 << len(Roles()) {
		var roles []Role
		for i, r := range Roles() {
			if set&(1<<i) != 0 {
				roles = append(roles, r)
			}
		}
		u := User{Roles: roles}
		bad := u.Has(Auditor) && (u.Has(Admin) || u.Has(Operator))
		switch err := CheckRoles(roles); {
		case len(roles) == 0 && !errors.Is(err, ErrRole), bad && !errors.Is(err, ErrRolesExclude), len(roles) > 0 && !bad && err != nil:
			t.Errorf("%v: %v", roles, err)
		}
		if want := len(roles) != 1 || roles[0] != Staff; u.Privileged() != want {
			t.Errorf("%v privileged: %v", roles, !want)
		}
	}
	for _, roles := range [][]Role{{"root"}, {Staff, Staff}, {Staff, ""}} {
		if !errors.Is(CheckRoles(roles), ErrRole) {
			t.Errorf("%v passed", roles)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	words := []string{"yamada", "みなと町", "town", "ab"}
	for _, c := range []struct {
		password string
		alone    bool
		want     error
	}{
		{"", false, ErrShort},
		{"k7vq2m9", false, ErrShort},
		{"k7vq2m9w", false, nil},
		{"k7vq2m9w", true, ErrShort},
		{"k7vq2m9wk7vx2m", true, ErrShort},
		{"k7vq2m9wk7vx2mz", true, nil},
		{"あのころみたゆうやけのまち", true, ErrShort},
		{"あのころみたゆうやけのまちかど", true, nil},
		{strings.Repeat("ゆうやけ", 16), true, ErrListed}, // a repetition of four
		{"まい朝七時に犬とさんぽをする" + strings.Repeat("そして歩く", 10), true, nil},
		{strings.Repeat("k7vq2m9w", 32), true, nil},
		{strings.Repeat("k7vq2m9w", 33), true, ErrLong},
		{strings.Repeat("\xff", 20), true, ErrLong},
		{"password", false, ErrListed},
		{"PassWord!", false, ErrListed},
		{"password123", false, ErrListed},
		{"ｐａｓｓｗｏｒｄ", false, ErrListed},
		{"passwordpassword", true, ErrListed},
		{"qwertyuiopasdfg", true, nil},
		{"qwertyuiopasdfghjkl", true, ErrListed},
		{"aaaaaaaaaaaaaaaa", true, ErrListed},
		{"12345678901234567", true, ErrListed},
		{"zyxwvutsrqponmlk", true, ErrListed},
		{"abcabcabcabcabcabc", true, ErrListed},
		{"yamada-yamada-town", true, ErrOwnWords},
		{"Yamada19790401yamada", true, ErrOwnWords},
		{"みなと町みなと町のやまだ", false, ErrOwnWords},
		{"yamada likes green tea", true, nil},
		{"sakura2026", false, ErrListed},
		{"正しい馬と電池とホチキスと留め金", true, nil},
	} {
		if err := CheckPassword(c.password, c.alone, words); !errors.Is(err, c.want) {
			t.Errorf("%.40q alone %v: %v, want %v", c.password, c.alone, err, c.want)
		}
	}
}

// TestNoComposition: any long text that is not poor passes, whatever its
// characters are. SP 800-63B-4 section 3.1.1.2
func TestNoComposition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-z]{15,64}`).Draw(t, "password")
		switch err := CheckPassword(word, true, nil); {
		case err != nil && !errors.Is(err, ErrListed):
			t.Fatalf("%q: %v", word, err)
		}
		if CheckPassword(word, true, nil) == nil && CheckPassword(word, false, nil) != nil {
			t.Fatalf("%q is enough alone and too little with a factor", word)
		}
	})
}

func TestBlocklist(t *testing.T) {
	seen := map[string]bool{}
	n := 0
	for l := range strings.Lines(blocklist) {
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, "#") {
			continue
		}
		n++
		if l == "" || seen[l] || l != strings.ToLower(normal(l)) {
			t.Errorf("%q is empty, twice or not normal", l)
		}
		seen[l] = true
		if !listed(l) {
			t.Errorf("%q is not found", l)
		}
	}
	if n < 250 {
		t.Errorf("%d entries", n)
	}
}

// TestHOTP has the vectors of RFC 4226 appendix D and RFC 6238 appendix B.
// spec: rfc4226#5.3 rfc6238#4
func TestHOTP(t *testing.T) {
	secret := []byte("12345678901234567890")
	for i, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := hotp(secret, int64(i)); got != want {
			t.Errorf("counter %d: %s, want %s", i, got, want)
		}
	}
	for at, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924",
		2000000000: "69279037", 20000000000: "65353130"} {
		if got := hotp(secret, timeStep(time.Unix(at, 0))); got != want[2:] {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

// TestFactorUsedOnce: whatever codes come in whatever order, each step is taken
// at most once and none goes back.
// spec: rfc6238#5.2
func TestFactorUsedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := []byte("12345678901234567890")
		now, last := time.Unix(1_800_000_000, 0), int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "later")) * time.Second)
			s := timeStep(now) + int64(rapid.IntRange(-3, 3).Draw(t, "step"))
			got, err := verifyCode(key, last, hotp(key, s), now)
			d := s - timeStep(now)
			if want := d >= -1 && d <= 1 && s > last; (err == nil) != want && got != last {
				t.Fatalf("step %+d after %d: %v", d, last, err)
			}
			if err == nil {
				if got <= last {
					t.Fatalf("step %d after %d", got, last)
				}
				last = got
			}
		}
	})
}

func TestRecovery(t *testing.T) {
	codes, left, err := newRecovery(rand.NewChaCha8([32]byte{}))
	if err != nil || len(codes) != 10 || len(left) != 10 {
		t.Fatal(codes, err)
	}
	for i, c := range codes {
		if len(strings.ReplaceAll(c, "-", ""))*5 < 64 {
			t.Errorf("%s has fewer than 64 bits", c)
		}
		if _, ok := useRecovery(left, c[:18]+"="); ok {
			t.Error("a wrong code was taken")
		}
		was := len(left)
		var ok bool
		if left, ok = useRecovery(left, strings.ToLower(c)); !ok || len(left) != was-1 {
			t.Fatalf("code %d: %v, %d left", i, ok, len(left))
		}
		if _, ok := useRecovery(left, c); ok {
			t.Error("a code was taken twice")
		}
	}
}

type counter struct{ n byte }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		c.n = c.n*31 + 17
		b[i] = c.n + byte(i)
	}
	return len(b), nil
}

func TestThrottle(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var a Attempts
	locks := 0
	for i := 1; i <= HardCap; i++ {
		if err := a.Allow(now); err != nil {
			t.Fatalf("attempt %d: %v", i, err)
		}
		var locked bool
		if a, locked = a.Count(now); locked {
			locks++
			if a.Until.Sub(now) != LockTime {
				t.Errorf("attempt %d locks for %s", i, a.Until.Sub(now))
			}
		}
		now = a.Until
	}
	if locks != 10 || !errors.Is(a.Allow(now.Add(100*365*24*time.Hour)), ErrLocked) {
		t.Errorf("%d locks, then %v", locks, a.Allow(now))
	}
	// In a day, how many attempts does guessing get?
	a, now = Attempts{}, time.Unix(1_800_000_000, 0)
	n, end := 0, now.Add(24*time.Hour)
	for ; now.Before(end) && a.Allow(now) == nil; n++ {
		a, _ = a.Count(now)
		now = a.Until
	}
	if n != HardCap {
		t.Errorf("%d attempts in a day", n)
	}
}

func TestCheckToken(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		scopes []Capability
		after  time.Duration
		want   error
	}{
		{nil, time.Hour, ErrScope}, {[]Capability{"no:such"}, time.Hour, ErrScope}, {[]Capability{OwnAccount}, time.Hour, ErrScope},
		{[]Capability{ReadAudit, ReadAudit}, time.Hour, ErrScope}, {[]Capability{ReadAudit}, 0, ErrPeriod},
		{[]Capability{ReadAudit}, TokenTime, nil}, {[]Capability{ReadAudit}, TokenTime + 1, ErrPeriod},
		{[]Capability{ReadAudit, DecideRelease}, FreshTokenTime, nil}, {[]Capability{ReadAudit, DecideRelease}, FreshTokenTime + 1, ErrPeriod},
	} {
		if err := CheckToken(c.scopes, now, now.Add(c.after)); !errors.Is(err, c.want) {
			t.Errorf("%v for %s: %v, want %v", c.scopes, c.after, err, c.want)
		}
	}
}

func FuzzPHC(f *testing.F) {
	h, err := hashPassword("x", Params{8, 1, 1}, &counter{})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{h, "", "$argon2id$v=19$m=8,t=1,p=1$$", strings.Replace(h, "m=8", "m=4294967295", 1), strings.Replace(h, "t=1", "t=0", 1),
		strings.Replace(h, "p=1", "p=256", 1), strings.Replace(h, "argon2id", "argon2i", 1), h + "=", strings.Replace(h, "m=8", "m=+8", 1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err == nil && (h.String() != s || h.Memory > maxMemory || h.Time > maxTime) {
			t.Errorf("%q was read as %q", s, h)
		}
	})
}

func TestKeeper(t *testing.T) {
	k, err := newKeeper(Params{8, 1, 1}, &counter{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := k.hash(t.Context(), "がぎぐ") // half-width on another keyboard
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stored, typed string
		want          bool
	}{{h, "がぎぐ", true}, {h, "ｶﾞｷﾞｸﾞ", false}, {h, "か\u3099き\u3099く\u3099", true}, {h, "", false}, {"", "", false}, {k.decoy, "", true}, {"x", "x", false},
		{h, strings.Repeat("x", 5000), false}} {
		if got, err := k.verify(t.Context(), c.stored, c.typed); err != nil || got != c.want {
			t.Errorf("%q: %v, %v", c.typed, got, err)
		}
	}
}
