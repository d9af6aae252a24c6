package account

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
)

const list = "ログイン名,氏名,所属,メールアドレス,役割\r\nyamada,山田　太郎,税務課,yamada@town.example;zei@town.example,職員 承認者\r\n" +
	"Ｔanaka,田中,,,\r\n\"x y\",空白,,,\r\nkanri,管理,,,隔離管理者\r\nyamada,二度目,,,\r\nsato,佐藤,,,課長\r\n"

func TestParseImport(t *testing.T) {
	cp932, err := japanese.ShiftJIS.NewEncoder().String(list)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"utf-8": list, "with a mark": "\ufeff" + list, "cp932": cp932} {
		rows, err := ParseImport([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%d %s %s %d %v", r.Line, r.Name, string(r.Error), len(r.user.Addresses), r.user.Roles))
		}
		want := "2 yamada  2 [staff approver]\n3 tanaka  0 [staff]\n4  bad_name 0 []\n5 kanri two_admins_needed 0 []\n6 yamada already_exists 0 [staff]\n7 sato unknown_role 0 []"
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, s, want)
		}
	}
	for _, bad := range []string{"", "a,b\n1,2\n", "name,display\n\"x", "name\nx\n", "\xff\xfe\x00", strings.Repeat("x", MaxImport+1)} {
		if _, err := ParseImport([]byte(bad)); !errors.Is(err, ErrImport) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func FuzzParseImport(f *testing.F) {
	f.Add([]byte(list))
	f.Add([]byte("name,display,roles\nx,y,admin\n\"a\nb\",c,\n"))
	f.Add([]byte("name,display\n\x83\x41\x83\x43,\x88\xc0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := ParseImport(b)
		if err != nil && !errors.Is(err, ErrImport) || len(rows) > maxImportRows {
			t.Errorf("%d rows, %v", len(rows), err)
		}
		seen := map[string]bool{}
		for _, r := range rows {
			if r.Action == ImportError {
				continue
			}
			if clean, err := CleanName(r.Name); err != nil || clean != r.Name || seen[r.Name] || CheckRoles(r.user.Roles) != nil && len(r.user.Roles) < 2 {
				t.Errorf("row %+v passed", r)
			}
			if (User{Roles: r.user.Roles}).Has(Admin) {
				t.Error("a file made an administrator")
			}
			seen[r.Name] = true
		}
	})
}
