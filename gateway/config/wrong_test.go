package config

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/japanese"
)

var update = flag.Bool("update", false, "write golden files")

// fakeNames is a resolver with a few names.
type fakeNames map[string][]string

func (n fakeNames) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if network != "ip" {
		return nil, fmt.Errorf("unexpected network %q", network)
	}
	var out []netip.Addr
	for _, a := range n[host] {
		out = append(out, netip.MustParseAddr(a))
	}
	if out == nil {
		return nil, errors.New("no such host")
	}
	return out, nil
}

// syslogAddress is the place of audit.syslog.address in the template.
const syslogAddress = "empty for none\n    address: "

// wrong are configurations with one fault: text replaced in a good one ("" for
// none), and what is done to its directory.
var wrong = []struct {
	name, old, new string
	prepare        func(t *testing.T, dir string)
}{
	{"unknown key near a known one", "require_tls: false", "requre_tls: false", nil},
	{"unknown key", "require_tls: false", "colour: red", nil},
	{"unknown section", "route:", "rout:", nil},
	{"key twice", "  require_tls: false", "  require_tls: false\n  require_tls: true", nil},
	{"section twice", "# 方針 / policy", "relay:\n  workers: 9", nil},
	{"broken yaml", "office:", "office: [", nil},
	{"key twice in Japanese text", "  name: \"試験町 メールゲートウェイ\"", "  {name: \"試験町\", nam: \"x\"}", nil},
	{"tab", "  contact:", "\tcontact:", nil},
	{"anchor", "  workers: 4", "  workers: &w 4", nil},
	{"alias", "  workers: 4", "  workers: *w", nil},
	{"tag", "  workers: 4", "  workers: !!str 4", nil},
	{"second document", "timezone:", "---\ntimezone:", nil},
	{"empty value", "  workers: 4", "  workers:", nil},
	{"mapping for a value", "  workers: 4", "  workers: {a: 1}", nil},
	{"value for a list", `  domains: ["town.example.lg.jp"]`, "  domains: town.example.lg.jp", nil},
	{"value for a section", "audit:", "audit: on\nxaudit:", nil},
	{"no number", "  workers: 4", "  workers: many", nil},
	{"fraction", "  workers: 4", "  workers: 1.5", nil},
	{"number too large", "  workers: 4", "  workers: 99999999999999999999", nil},
	{"yes for true", "require_tls: false", "require_tls: yes", nil},
	{"size without unit", "message_size: 50MB", "message_size: 50", nil},
	{"size with a strange unit", "message_size: 50MB", "message_size: 50メガ", nil},
	{"duration without unit", "idle: 5m", "idle: 300", nil},
	{"negative duration", "idle: 5m", "idle: -5m", nil},
	{"network with host bits", `["10.30.0.0/16"]`, `["10.30.0.1/16"]`, nil},
	{"no network", `["10.30.0.0/16"]`, `["10.30.0.0/33"]`, nil},
	{"mapped network", `["10.30.0.0/16"]`, `["::ffff:10.30.0.0/112"]`, nil},
	{"unknown zone", "to: lgwan", "to: dmz", nil},
	{"unknown tls mode", `tls: required`, "tls: always", nil},
	{"unknown log level", "level: info", "level: loud", nil},
	{"control character", `contact: "情報政策課 (内線 123)"`, `contact: "情報\u0007"`, nil},
	{"route to the third zone", "to: lgwan", "to: mynumber", nil},
	{"route from the third zone", "from: internet", "from: mynumber", nil},
	{"route outward", "from: internet\n  to: lgwan", "from: lgwan\n  to: internet", nil},
	{"third zone not listed", `networks: ["10.30.0.0/16"]`, "networks: []", nil},
	{"third zone listed and denied", "    # none: confirmed", "    none: confirmed", nil},
	{"third zone denied with another word", "    # none: confirmed", "    none: maybe", nil},
	{"third zone is everything", `["10.30.0.0/16"]`, `["0.0.0.0/0"]`, nil},
	{"third zone overlaps the clients", `["192.0.2.10"]`, `["10.30.4.0/24"]`, nil},
	{"third zone overlaps LGWAN", "lgwan:\n    networks: []", "lgwan:\n    networks: [10.0.0.0/8]", nil},
	{"no office", `"試験町 メールゲートウェイ"`, `""`, nil},
	{"bad page address", `public_url: ""`, `public_url: "sekisho.example"`, nil},
	{"page address with a secret", `public_url: ""`, `public_url: "https://u:p@x.example"`, nil},
	{"bad postmaster", `postmaster: "jouhou@town.example.lg.jp"`, `postmaster: "@town.example.lg.jp"`, nil},
	{"postmaster not in the table", `postmaster: "jouhou@town.example.lg.jp"`, `postmaster: "x@town.example.lg.jp"`, nil},
	{"bad domain", `["town.example.lg.jp"]`, `["-town.example.lg.jp"]`, nil},
	{"listen on a name", `["127.0.0.1:2525"]`, `["mail:25"]`, nil},
	{"listen without port", `["127.0.0.1:2525"]`, `["127.0.0.1"]`, nil},
	{"listen in the third zone", `["127.0.0.1:2525"]`, `["10.30.0.5:25"]`, nil},
	{"listen in the third zone, mapped", `["127.0.0.1:2525"]`, `["[::ffff:10.30.0.5]:25"]`, nil},
	{"listen twice", `["127.0.0.1:2525"]`, `["127.0.0.1:2525", "127.0.0.1:2525"]`, nil},
	{"listen nowhere", `["127.0.0.1:2525"]`, `[]`, nil},
	{"clients everywhere", `["192.0.2.10"]`, `["0.0.0.0/0"]`, nil},
	{"no clients", `["192.0.2.10"]`, `[]`, nil},
	{"certificate without key", `cert_file: ""`, `cert_file: "c.pem"`, nil},
	{"certificate missing", "cert_file: \"\"\n    key_file: \"\"", "cert_file: c.pem\n    key_file: k.pem", nil},
	{"tls required without certificate", "require_tls: false", "require_tls: true", nil},
	{"recipient file missing", "file: recipients.txt", "file: other.txt", nil},
	{"recipient file wrong", "", "", func(t *testing.T, dir string) {
		put(t, filepath.Join(dir, "recipients.txt"), "# list\na@town.example.lg.jp  # 係\n<b@town.example.lg.jp>\nc d@town.example.lg.jp\n", 0o644)
	}},
	{"recipient of others", "", "", func(t *testing.T, dir string) {
		put(t, filepath.Join(dir, "recipients.txt"), "jouhou@town.example.lg.jp\na@elsewhere.example\n", 0o644)
	}},
	{"no recipients", "", "", func(t *testing.T, dir string) { put(t, filepath.Join(dir, "recipients.txt"), "# none\n", 0o644) }},
	{"wrong recipient in the list", "list: []", `list: ["a b"]`, nil},
	{"limit of nothing", "message_size: 50MB", "message_size: 0B", nil},
	{"limit beyond the policy", "message_size: 50MB", "message_size: 500MB", nil},
	{"client limit above all", "connections_per_client: 20", "connections_per_client: 200", nil},
	{"relay missing", `"198.51.100.25:25"`, `""`, nil},
	{"relay without port", `"198.51.100.25:25"`, `"198.51.100.25"`, nil},
	{"relay is ourselves", `"198.51.100.25:25"`, `"127.0.0.1:2525"`, nil},
	{"relay in the third zone", `"198.51.100.25:25"`, `"10.30.1.1:25"`, nil},
	{"relay resolves into the third zone", `"198.51.100.25:25"`, `"two.example:25"`, nil},
	{"relay not resolved", `"198.51.100.25:25"`, `"nowhere.example:25"`, nil},
	{"relay outside of LGWAN", "lgwan:\n    networks: []", "lgwan:\n    networks: [172.16.0.0/12]", nil},
	{"relay unencrypted", `tls: required`, "tls: none", nil},
	{"authority missing", `ca_file: ""`, `ca_file: ca.pem`, nil},
	{"authority empty", `ca_file: ""`, `ca_file: recipients.txt`, nil},
	{"no upstream", `authserv_id: "mx.town.example.lg.jp"`, `authserv_id: ""`, nil},
	{"bad upstream", `authserv_id: "mx.town.example.lg.jp"`, `authserv_id: "mx; spf=pass"`, nil},
	{"storage missing", `dir: "data"`, `dir: "other"`, nil},
	{"storage open to others", "", "", func(t *testing.T, dir string) { mode(t, filepath.Join(dir, "data"), 0o755) }},
	{"storage limits", "min_free: 2GB", "min_free: 1KB", nil},
	{"originals shorter than retention", "originals: 30d", "originals: 7d", nil},
	{"requests wait for ever", "wait: 7d", "wait: 100d", nil},
	{"requests outlive their parts", "wait: 7d", "wait: 60d", nil},
	{"exceptions switched on", "exceptions: false", "exceptions: true", nil},
	{"digests without hours", "mode: now", "mode: digest", nil},
	{"hours without digests", "hours: []", `hours: ["08:30"]`, nil},
	{"no time of the day", "hours: []", `hours: ["24:00", 8]`, nil},
	{"another mode", "mode: now", "mode: later", nil},
	{"an alarm that is always on", "alarm: 4h", "alarm: 1m", nil},
	{"a copy to others", "copies: []", `copies: [{to: x@example.com, for: ["@town.example.lg.jp"]}, {to: a@town.example.lg.jp}]`, nil},
	{"a copy of nonsense", "hours: []\n", "hours: [\"8:30\"]\n", func(t *testing.T, dir string) {
		replaceIn(t, filepath.Join(dir, "sekisho.yaml"), "copies: []", `copies: [{to: a@town.example.lg.jp, for: ["a b"]}]`)
	}},
	{"keys missing", "dir: keys", "dir: nokeys", nil},
	{"key open to others", "", "", func(t *testing.T, dir string) { mode(t, filepath.Join(dir, "keys", "originals.agekey"), 0o640) }},
	{"key broken", "", "", func(t *testing.T, dir string) { put(t, filepath.Join(dir, "keys", "seal.key"), "nonsense\n", 0o600) }},
	{"keys of two sets", "", "", func(t *testing.T, dir string) {
		other := filepath.Join(t.TempDir(), "k")
		if _, err := InitKeys(other, "test-1", start); err != nil {
			t.Fatal(err)
		}
		for _, f := range publicFiles {
			b, err := os.ReadFile(filepath.Join(other, f.public))
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "keys", f.public), string(b), 0o644)
		}
	}},
	{"no fonts listed", "fonts: [fonts]", "fonts: []", nil},
	{"fonts missing", "fonts: [fonts]", "fonts: [fonts, ipa]", nil},
	{"no font in a directory", "fonts: [fonts]", "fonts: [keys]", nil},
	{"fonts of others", "", "", func(t *testing.T, dir string) { mode(t, filepath.Join(dir, "fonts"), 0o777) }},
	{"too many fonts", "fonts: [fonts]", "fonts: [a, b, c, d, e, f, g, h, i]", nil},
	{"fonts are no list", "fonts: [fonts]", "fonts: fonts", nil},
	{"cache not written", "cache: engine", `cache: ""`, nil},
	{"cache missing", "cache: engine", "cache: none", nil},
	{"cache empty", "", "", func(t *testing.T, dir string) {
		if err := os.Remove(filepath.Join(dir, "engine", "stamp")); err != nil {
			t.Fatal(err)
		}
	}},
	{"cache of others", "", "", func(t *testing.T, dir string) { mode(t, filepath.Join(dir, "engine"), 0o775) }},
	{"policy missing", "file: policy.yaml", "file: none.yaml", nil},
	{"policy wrong", "", "", func(t *testing.T, dir string) {
		put(t, filepath.Join(dir, "policy.yaml"), "default:\n  kinds:\n    zip: text\n    pngg: image\n    docx: text\n  limits:\n    depth: 0\n    output: 1B\n  csv_charset: sjis\n  jpeg_quality: 101\n  defang: none\n  spoofed: drop\n  own_domains: [a b]\n", 0o644)
	}},
	{"policy with wrong overrides", "", "", func(t *testing.T, dir string) {
		put(t, filepath.Join(dir, "policy.yaml"), "overrides:\n  - csv_bom: false\n  - recipients: [x]\n  - recipients: [a@b.jp]\n    kinds: {gif: text}\n  - recipients: [A@B.JP]\n    colour: red\n", 0o644)
	}},
	{"policy with an override twice", "", "", func(t *testing.T, dir string) {
		put(t, filepath.Join(dir, "policy.yaml"), "overrides:\n  - recipients: [a@b.jp]\n    kinds: {gif: text}\n  - recipients: [A@B.JP]\n    limits: {time: 0s}\n  - csv_bom: false\n  - recipients: [x]\n", 0o644)
	}},
	{"too many workers", "workers: 0", "workers: 1000", nil},
	{"bad instance", `instance: "test-1"`, `instance: "テスト"`, nil},
	{"audit interval", "interval: 5m", "interval: 1s", nil},
	{"texts for ever", "texts: 366d", "texts: 36600d", nil},
	{"syslog without a port", syslogAddress + `""`, syslogAddress + "192.0.2.30", nil},
	{"syslog in the third zone", syslogAddress + `""`, syslogAddress + "10.30.1.2:6514", nil},
	{"syslog that has no address now", syslogAddress + `""`, syslogAddress + "syslog.example.lg.jp:6514", nil},
	{"syslog with a certificate that is not there", syslogAddress + `""`, syslogAddress + "192.0.2.30:6514", func(t *testing.T, dir string) {
		replaceIn(t, filepath.Join(dir, "sekisho.yaml"), "asks for one\n    cert_file: \"\"", "asks for one\n    cert_file: no.pem")
	}},
	{"management for all", "listen: 127.0.0.1:8025", "listen: 0.0.0.0:8025", nil},
	{"management on the mail port", "listen: 127.0.0.1:8025", "listen: 127.0.0.1:2525", nil},
	{"weak without a reason", "allow_weak: false", "allow_weak: true", nil},
	{"weak with a reason", "allow_weak: false\n  # allow_weak を true にする理由 / why\n  reason: \"\"", "allow_weak: true\n  reason: 試験機", nil},
	{"no such time zone", "timezone: Asia/Tokyo", "timezone: Asia/Tokio", nil},
	{"saved in Shift_JIS", `contact: "情報政策課 (内線 123)"`, "contact: \"\x8f\xee\x95\xf1\"", nil},
	{"too deep", "timezone: Asia/Tokyo", "timezone: " + strings.Repeat("[", 500), nil},
	{"too large", "timezone: Asia/Tokyo", "timezone: Asia/Tokyo #" + strings.Repeat("x", 1<<20), nil},
}

func put(t *testing.T, path, text string, perm os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), perm); err != nil {
		t.Fatal(err)
	}
}

func replaceIn(t *testing.T, path, old, new string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q: %v", path, old, err)
	}
	put(t, path, strings.Replace(string(text), old, new, 1), 0o644)
}

func mode(t *testing.T, path string, perm os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, perm); err != nil {
		t.Fatal(err)
	}
}

// TestWrongConfigurations compares every message with the golden file. Each
// case must have at least one problem, and the right one is read by people.
func TestWrongConfigurations(t *testing.T) {
	var all strings.Builder
	good := initialized(t, answers())
	for _, c := range wrong {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "sekisho")
			duplicate(t, good, dir)
			file := filepath.Join(dir, "sekisho.yaml")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(text), c.old) < 1 {
				t.Fatalf("the template has no %q", c.old)
			}
			put(t, file, strings.Replace(string(text), c.old, c.new, 1), 0o644)
			if c.prepare != nil {
				c.prepare(t, dir)
			}
			ps, code := problems(t, file)
			if len(ps) == 0 {
				t.Error("nothing was found")
			}
			for _, p := range ps {
				japaneseOnly(t, p.JA)
			}
			fmt.Fprintf(&all, "== %s: exit %d\n%s\n", c.name, code, strings.ReplaceAll(ps.Error(), dir, "DIR"))
		})
	}
	golden(t, "problems.golden", all.String())
}

// duplicate copies a directory with its modes.
func duplicate(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.Mkdir(target, st.Mode().Perm())
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, st.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// problems loads and checks a file as "config check" does, and returns its exit
// code.
func problems(t *testing.T, file string) (Problems, int) {
	t.Helper()
	c, err := Load(file, nil)
	if ps := (Problems)(nil); errors.As(err, &ps) {
		return ps, 2
	}
	if err != nil {
		t.Fatal(err)
	}
	ps := Checker{Resolver: fakeNames{"two.example": {"198.51.100.7", "::ffff:10.30.9.9"}}}.Check(t.Context(), c)
	return ps, ps.ExitCode()
}

// japaneseOnly fails for characters outside of ASCII and JIS X 0208, whose
// ISO-2022-JP form has no vendor rows.
func japaneseOnly(t *testing.T, s string) {
	t.Helper()
	for _, r := range s {
		if r < 0x7F {
			continue
		}
		b, err := japanese.EUCJP.NewEncoder().Bytes([]byte(string(r)))
		if err != nil || len(b) != 2 || b[0] < 0xA1 || b[0] >= 0xA9 && b[0] <= 0xAF || b[0] >= 0xF5 {
			t.Errorf("%q is not JIS X 0208: %s", r, s)
		}
	}
	for _, no := range []string{"安全です", "解放", "放出", "リリース", "検疫"} {
		if strings.Contains(s, no) {
			t.Errorf("the word %s: %s", no, s)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, path, got, 0o644)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("-golden +got:\n%s", d)
	}
}
