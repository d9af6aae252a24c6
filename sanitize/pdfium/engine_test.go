package pdfium

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// load loads an engine in this process from the cache that TestMain made.
func load(tb testing.TB, change func(*Config)) *Engine {
	tb.Helper()
	cfg := Config{Cache: os.Getenv(cacheEnv), Fonts: DefaultFonts()}
	if change != nil {
		change(&cfg)
	}
	e, err := Load(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}

// opened opens a document that is closed with the test.
func opened(tb testing.TB, e *Engine, data []byte) *Document {
	tb.Helper()
	d, err := e.Open(data, "")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// first loads the first page.
func first(tb testing.TB, d *Document) *Page {
	tb.Helper()
	p, err := d.Page(0)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// TestVersions: the versions in the cache's stamp are those that are linked.
func TestVersions(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{compiler, module} {
		if !regexp.MustCompile(`(?m)^\t` + regexp.QuoteMeta(v) + `( // indirect)?$`).Match(text) {
			t.Errorf("go.mod has another version than %s", v)
		}
	}
}

// TestGuestSeesOnlyFonts lets PDFium itself open files by name. The library's
// default would show it the host's whole root directory.
// spec: g4
func TestGuestSeesOnlyFonts(t *testing.T) {
	e := load(t, nil)
	secret := filepath.Join(t.TempDir(), "secret.pdf")
	if err := os.WriteFile(secret, document("", nil, sheet{}), 0o644); err != nil {
		t.Fatal(err)
	}
	d := opened(t, e, document("", nil, sheet{}))
	fonts := e.fonts.list(guestFonts + "/0")
	if len(fonts) == 0 {
		t.Fatal("no fonts; the Makefile's target tools installs them")
	}
	for _, test := range []struct {
		path string
		code int
	}{
		{secret, lastFile},
		{"/.." + secret, lastFile},
		{"/" + guestFonts + "/../../.." + secret, lastFile},
		{strings.TrimPrefix(secret, "/"), lastFile},
		{"/etc/passwd", lastFile},
		{"/proc/self/exe", lastFile},
		{"/" + guestFonts + "/0/" + fonts[0].Name(), lastFormat}, // it opens, and is no PDF
	} {
		at, err := d.in.put(append([]byte(test.path), 0))
		if err != nil {
			t.Fatal(err)
		}
		if doc, err := d.in.call("FPDF_LoadDocument", uint64(at), 0); err != nil || doc != 0 {
			t.Fatalf("%s: document %d, %v", test.path, doc, err)
		}
		if code, err := d.in.number("FPDF_GetLastError"); err != nil || code != test.code {
			t.Errorf("%s: code %d, %v; want %d", test.path, code, err, test.code)
		}
	}
}

// TestOpen: what is refused, and why. The engine serves the next one.
func TestOpen(t *testing.T) {
	e := load(t, nil)
	file := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, test := range []struct {
		name, password string
		data           []byte
		want           error
		secure         Security
	}{
		{name: "plain", data: document("", nil, sheet{})},
		{name: "empty", want: ErrFormat},
		{name: "text", data: []byte("no PDF at all"), want: ErrFormat},
		{name: "a head without a body", data: []byte("%PDF-1.7\n%%EOF"), want: ErrFormat},
		{name: "user password is missing", data: file("user.pdf"), want: ErrPassword},
		{name: "wrong password", data: file("user.pdf"), password: "パスワード", want: ErrPassword},
		{name: "password with a NUL", data: file("user.pdf"), password: "user\x00", want: ErrPassword},
		{name: "user password", data: file("user.pdf"), password: "user", secure: Security{Encrypted: true, Revision: 6}},
		{name: "owner password", data: file("user.pdf"), password: "owner", secure: Security{Encrypted: true, Revision: 6}},
		{name: "old encryption", data: file("rc4.pdf"), password: "user", secure: Security{Encrypted: true, Revision: 3}},
		{name: "owner password only", data: file("owner.pdf"), secure: Security{Encrypted: true, Revision: 6}},
		{name: "unknown handler", data: []byte(strings.Replace(string(file("user.pdf")), "/Standard", "/Another_", 1)), password: "user", want: ErrSecurity},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := e.Open(test.data, test.password)
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			if err != nil {
				return
			}
			defer d.Close()
			s, err := d.Security()
			s.Allowed = 0
			if err != nil || d.Pages() != 1 || s != test.secure {
				t.Fatalf("%d pages, %+v, %v", d.Pages(), s, err)
			}
		})
	}
}

// TestFaultsStayInTheirDocument: a trap, an answer outside of memory, memory
// used up; each ends its document, and the engine opens the next.
func TestFaultsStayInTheirDocument(t *testing.T) {
	e := load(t, func(c *Config) { c.Memory = 64 << 20 })
	plain := document("", nil, sheet{})
	for _, test := range []struct {
		name string
		harm func(*Document) error
		want error
	}{
		{"trap", func(d *Document) error { _, err := d.in.call("FPDF_GetPageWidthF", 0x7FFF0000); return err }, ErrTrap},
		{"outside of memory", func(d *Document) error { _, err := d.in.view(0xFFFFFF00, 0x1000); return err }, ErrTrap},
		{"too large a piece", func(d *Document) error { _, err := d.in.alloc(512 << 20); return err }, ErrMemory},
		{"all of it", func(d *Document) error {
			for {
				if _, err := d.in.alloc(1 << 20); err != nil {
					return err
				}
			}
		}, ErrMemory},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := opened(t, e, plain)
			if err := test.harm(d); !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
		})
	}
	d := opened(t, e, plain)
	if _, err := first(t, d).Render(100, 50, Gray); err != nil {
		t.Fatal(err)
	}
	if d.in.broken {
		t.Fatal("the next document is broken")
	}
	if _, err := e.Open(make([]byte, 80<<20), ""); !errors.Is(err, ErrMemory) {
		t.Fatalf("a file larger than the memory: %v", err)
	}
}

// TestMemoryIsBounded: a picture that would need more memory than an instance
// may have ends its document, not the process.
func TestMemoryIsBounded(t *testing.T) {
	e := load(t, func(c *Config) { c.Memory = 48 << 20 })
	const side = 6000
	huge := stream(fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/RunLengthDecode", side, side),
		strings.Repeat("\x81\x40", side*side*3/128)+"\x80")
	d := opened(t, e, document("", []string{huge}, sheet{content: "q 200 0 0 100 0 0 cm /X Do Q"}))
	p := first(t, d)
	if _, err := p.Render(200, 100, Gray); err != nil && !errors.Is(err, ErrMemory) && !errors.Is(err, ErrTrap) {
		t.Fatal(err)
	}
	if int64(d.in.mem.Size()) > e.limit {
		t.Fatalf("%d bytes of memory", d.in.mem.Size())
	}
}

// TestInventory counts what is not drawn.
func TestInventory(t *testing.T) {
	e := load(t, nil)
	for _, test := range []struct {
		name, catalog string
		extra         []string
		page          string
		want          Inventory
		notes         Annotations
	}{
		{name: "nothing"},
		{name: "script", catalog: "/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(app.alert\\(1\\))>>]>>>>", want: Inventory{Scripts: 1}},
		{name: "file", catalog: "/Names<</EmbeddedFiles<</Names[(a)<</Type/Filespec/F(a)/EF<</F 100 0 R>>>>]>>>>",
			extra: []string{stream("/Type/EmbeddedFile", "x")}, want: Inventory{Attachments: 1}},
		{name: "form", catalog: "/AcroForm<</Fields[100 0 R]>>", extra: []string{"<</Type/Annot/Subtype/Widget/FT/Tx/T(f)/V(v)/Rect[0 0 50 20]>>"},
			page: "/Annots[100 0 R]", want: Inventory{Form: AcroForm}, notes: Annotations{All: 1, Widgets: 1}},
		{name: "XFA", catalog: "/AcroForm<</Fields[]/XFA 100 0 R>>", extra: []string{stream("", "<xdp/>")}, want: Inventory{Form: ForegroundXFA}},
		{name: "annotations", page: "/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(http://a.example/)>>>>" +
			"<</Type/Annot/Subtype/FileAttachment/Rect[0 0 9 9]>><</Type/Annot/Subtype/Movie/Rect[0 0 9 9]>>]", notes: Annotations{All: 3, Links: 1, Files: 1, Media: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := opened(t, e, document(test.catalog, test.extra, sheet{more: test.page}))
			got, err := d.Inventory()
			if err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
			notes, err := first(t, d).Annotations(10)
			if err != nil || notes != test.notes {
				t.Errorf("%+v, %v; want %+v", notes, err, test.notes)
			}
			if test.notes.All > 0 {
				if _, err := first(t, d).Annotations(test.notes.All - 1); !errors.Is(err, ErrLimit) {
					t.Errorf("over the limit: %v", err)
				}
			}
		})
	}
}
