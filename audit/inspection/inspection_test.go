package inspection

import (
	"bytes"
	"encoding/csv"
	"flag"
	"html/template"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"

	"sekisho/audit"
)

var update = flag.Bool("update", false, "write golden files")

var jst = time.FixedZone("JST", 9*60*60)

// section returns the section with a title.
func section(t *testing.T, r Report, title string) Section {
	t.Helper()
	for _, s := range r.Sections {
		if s.Title == title {
			return s
		}
	}
	t.Fatalf("no section %s", title)
	return Section{}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test ./audit/inspection -update, and read the difference", path)
	}
}

// The report of an ordinary month, as it is printed and as a table.
// spec: art-6(9) art-8 art-2(15)
func TestOrdinaryMonth(t *testing.T) {
	b := newBook(t)
	ordinary(b)
	r := b.collect(people())
	if r.Mark() != Fine || len(r.Remarks) != 0 {
		t.Errorf("mark %v, remarks %v", r.Mark(), r.Remarks)
	}
	var page, table bytes.Buffer
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	if err := r.CSV(&table); err != nil {
		t.Fatal(err)
	}
	golden(t, "2026-11.html", page.Bytes())
	golden(t, "2026-11.csv", table.Bytes())
	for _, c := range []struct{ title, want string }{
		{"無害化の記録のない通過", "5件のうち、無害化して封じた記録と一致しないものは0件"},
		{"解除の申請と結果", "申請3件、月末に待っているもの1件、期限が過ぎたもの0件、代理による承認1件"},
		{"あってはならない承認", "合わせて0件"},
		{"例外措置", "月末に続いているもの0件、期限が過ぎて終わっていないもの0件、この月に使われた回数1回"},
		{"時間切れ・上限・処理の失敗", "上限で隔離したパートは1件"},
		{"監査記録の検証", "外部に保全したものは1個"},
	} {
		if s := section(t, r, c.title); !strings.Contains(strings.Join(s.Notes, "\n"), c.want) {
			t.Errorf("%s: %v", c.title, s.Notes)
		}
	}
	text := page.String()
	for _, no := range []string{"<script", "http://", "https://", "安全です", "M-261101-00099"} {
		if strings.Contains(text, no) {
			t.Errorf("the page has %q", no)
		}
	}
	for _, must := range []string{"令和8年11月分", template.HTMLEscapeString(r.Root), "所見", "監査担当", "default-src 'none'"} {
		if !strings.Contains(strings.ReplaceAll(text, "&#43;", "+"), must) {
			t.Errorf("the page lacks %q", must)
		}
	}
	for _, ch := range text + table.String() {
		if _, err := japanese.ISO2022JP.NewEncoder().String(string(ch)); err != nil && ch != '\ufeff' {
			t.Errorf("%q is not in JIS X 0208", ch)
		}
	}
}

// Whatever must not be is counted, and the report asks to look.
func TestWhatMustNotBe(t *testing.T) {
	for name, c := range map[string]struct {
		title string
		do    func(*book)
		want  string
	}{
		"relayed without seal": {"無害化の記録のない通過", func(b *book) {
			b.add("message.sanitized", audit.Success, "", func(e *audit.Event) { e.Object.ReceiptNo = "M-261101-00007" })
			b.add("relay.relayed", audit.Success, "", func(e *audit.Event) {
				e.Object = audit.Object{Type: "delivery", ID: "d7", ReceiptNo: "M-261101-00007", Sanitized: strings.Repeat("7", 64)}
				e.Decision.Form = "mail"
			})
		}, "一致しないものは1件"},
		"relayed other bytes": {"無害化の記録のない通過", func(b *book) {
			b.add("message.sanitized", audit.Success, "", func(e *audit.Event) { e.Object.ReceiptNo = "M-261101-00007" })
			b.relay(7, strings.Repeat("7", 64), strings.Repeat("8", 64), "mail")
		}, "一致しないものは1件"},
		"sealed, not sanitized": {"無害化の記録のない通過", func(b *book) { b.relay(7, strings.Repeat("7", 64), strings.Repeat("7", 64), "mail") }, "一致しないものは1件"},
		"own request": {"あってはならない承認", func(b *book) {
			b.add("release.requested", audit.Success, "u1", about("q9", 3, "resanitize", 0))
			b.add("release.approved", audit.Success, "u1", about("q9", 3, "resanitize", 1))
		}, "合わせて1件"},
		"own request by a deputy": {"あってはならない承認", func(b *book) {
			b.add("release.requested", audit.Success, "u1", about("q9", 3, "resanitize", 0))
			b.add("release.approved", audit.Success, "u2", func(e *audit.Event) { about("q9", 3, "resanitize", 1)(e); e.OnBehalfOf = "u1" })
		}, "合わせて1件"},
		"twice, and so too few": {"あってはならない承認", func(b *book) {
			b.add("release.requested", audit.Success, "u1", about("q9", 3, "exception", 0))
			b.add("release.approved", audit.Success, "u2", about("q9", 3, "exception", 1))
			b.add("release.approved", audit.Success, "u2", about("q9", 3, "exception", 2))
		}, "合わせて1件"},
		"original with one approval": {"あってはならない承認", func(b *book) {
			b.add("release.requested", audit.Success, "u1", about("q9", 3, "exception", 0))
			b.add("release.approved", audit.Success, "u2", about("q9", 3, "exception", 1))
			b.add("release.executed", audit.Success, "", about("q9", 3, "exception", 0))
		}, "合わせて1件"},
		"disabled": {"あってはならない承認", func(b *book) {
			b.add("release.requested", audit.Success, "u1", about("q9", 3, "resanitize", 0))
			b.add("user.disabled", audit.Success, "u8", func(e *audit.Event) { e.Object = audit.Object{Type: "user", ID: "u2"} })
			b.add("release.approved", audit.Success, "u2", about("q9", 3, "resanitize", 1))
		}, "合わせて1件"},
		"exception by its proposer": {"あってはならない承認", func(b *book) {
			b.add("exception.opened", audit.Pending, "u8", exceptional("proposed"))
			b.add("exception.opened", audit.Pending, "u2", exceptional("proposed"))
			b.add("exception.opened", audit.Success, "u8", exceptional("open"))
		}, "合わせて1件"},
		"exception overdue": {"例外措置", func(b *book) {
			b.add("exception.opened", audit.Pending, "u8", exceptional("proposed"))
			b.add("exception.opened", audit.Pending, "u2", exceptional("proposed"))
			b.add("exception.opened", audit.Success, "u3", exceptional("open"))
		}, "期限が過ぎて終わっていないもの1件"},
		"approval of nothing": {"あってはならない承認", func(b *book) { b.add("release.approved", audit.Success, "u2", about("q9", 3, "resanitize", 1)) }, "合わせて1件"},
		"clock": {"記録の途切れ、時計、外部保全", func(b *book) {
			b.add(audit.VerbClockChanged, audit.Success, "", func(e *audit.Event) { e.Object.Type = "sequencer" })
		}, "時計の変化1回"},
		"anchor":     {"記録の途切れ、時計、外部保全", func(b *book) { b.add("audit.anchor_failed", audit.Failure, "", nil) }, "失敗の記録1件"},
		"third zone": {"記録の途切れ、時計、外部保全", func(b *book) { b.add("zone.refused", audit.Denied, "", nil) }, "試み1回"},
		"silence": {"監査記録の検証", func(b *book) {
			b.mail(1, "")
			b.at = b.at.AddDate(0, 3, 0)
			b.add(audit.VerbHeartbeat, audit.Success, "", nil)
		}, "欠落があります"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(t)
			b.at = time.Date(2026, 11, 2, 9, 0, 0, 0, jst)
			c.do(b)
			r := b.collect(nil)
			s := section(t, r, c.title)
			if s.Mark != Look || r.Mark() != Look || !strings.Contains(strings.Join(s.Notes, "\n"), c.want) {
				t.Errorf("mark %v, notes %v", s.Mark, s.Notes)
			}
		})
	}
}

// The register of accounts: who has no second factor, who rests.
func TestAccounts(t *testing.T) {
	b := newBook(t)
	b.at = time.Date(2026, 11, 2, 9, 0, 0, 0, jst)
	b.mail(1, "")
	list := people()
	list[1].SecondFactor = false
	list[0].LastSignIn, list[0].CreatedAt = time.Date(2026, 8, 1, 0, 0, 0, 0, jst), time.Date(2025, 8, 1, 0, 0, 0, 0, jst)
	s := section(t, b.collect(list), "利用者と権限（棚卸し）")
	if s.Mark != Look || !strings.Contains(s.Notes[0], "使える利用者2人、停止中1人、二要素認証のない特別な役割の利用者1人、90日以上使われていない利用者1人") {
		t.Errorf("%v %v", s.Mark, s.Notes)
	}
	if s := section(t, b.collect(nil), "利用者と権限（棚卸し）"); !strings.Contains(s.Notes[0], "渡さずに") {
		t.Errorf("%v", s.Notes)
	}
}

// Names that people chose stay text on the page, and cells in the table.
func TestHostileNames(t *testing.T) {
	b := newBook(t)
	b.at = time.Date(2026, 11, 2, 9, 0, 0, 0, jst)
	b.add("preview.page_rendered", audit.Success, "=cmd|' /C calc'!A0", func(e *audit.Event) { e.Actor.Name = "<script>alert(1)</script>" })
	b.add("authz.denied", audit.Denied, "=1+1", nil)
	for range maxRows + 5 {
		b.add("policy.applied", audit.Success, "@sum", nil)
	}
	r := b.collect(nil)
	var page, table bytes.Buffer
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	if err := r.CSV(&table); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<script") || !strings.Contains(page.String(), "&lt;script&gt;") || !strings.Contains(page.String(), "ほか5件") {
		t.Error("markup of a name stands in the page, or rows are missing without a word")
	}
	c := csv.NewReader(strings.NewReader(strings.TrimPrefix(table.String(), "\ufeff")))
	c.FieldsPerRecord = -1
	rows, err := c.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("a cell begins a formula: %q", cell)
			}
		}
	}
}

func TestEra(t *testing.T) {
	for want, at := range map[string]time.Time{
		"令和8年11月25日（水）": time.Date(2026, 11, 25, 0, 0, 0, 0, jst), "令和元年5月1日（水）": time.Date(2019, 5, 1, 0, 0, 0, 0, jst),
		"2019年4月30日（火）": time.Date(2019, 4, 30, 23, 59, 0, 0, jst), "令和2年1月1日（水）": time.Date(2020, 1, 1, 0, 0, 0, 0, jst),
	} {
		if got := day(at); got != want {
			t.Errorf("%v is %s, want %s", at, got, want)
		}
	}
	for want, d := range map[string]time.Duration{"1分未満": 59 * time.Second, "59分": 59 * time.Minute, "47時間59分": 48*time.Hour - time.Minute, "2日1時間": 49 * time.Hour} {
		if got := span(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}
