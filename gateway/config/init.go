package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sekisho/configs"
)

// Answers are what an operator may say at once to Init. Empty ones stay marked
// in the template.
type Answers struct {
	Name, Contact, Postmaster string
	Domains                   []string
	Listen                    []string
	Hostname                  string
	Clients                   []string // networks that mail is taken from
	MyNumber                  []string // networks of the third zone
	NoMyNumber                bool     // confirmed: there is no third zone
	Relay                     string   // host:port
	RelayTLS                  string
	Authserv                  string
	Instance                  string   // "" for the first label of the machine's host name
	Storage                   string   // data directory; "" for /var/lib/sekisho below /etc, else "data" beside the configuration
	Recipients                []string // addresses or @domain
}

// Init writes sekisho.yaml, policy.yaml, recipients.txt and the keys into dir
// and creates the data directory. It writes over nothing: where one of them
// exists, the error says so and nothing is written. It returns the next steps
// in Japanese, one a line.
func Init(dir string, a Answers, now time.Time) ([]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	if a.Instance == "" {
		a.Instance = machineName()
	}
	if !instance(a.Instance) {
		return nil, faultf("「%s」はゲートウェイの名前として使えません。英数字と . _ - の 64 文字以内にしてください。",
			"%q cannot name a gateway; use at most 64 of 0-9 A-Z a-z . _ -.", a.Instance)
	}
	data := a.Storage
	switch {
	case data != "":
	case strings.HasPrefix(dir, "/etc/"):
		data = Default().Storage.Dir
	default:
		data = "data"
	}
	text, err := fill(configs.Config, a.values(data))
	if err != nil {
		return nil, err
	}
	files := []struct{ name, text string }{{"sekisho.yaml", text}, {"policy.yaml", configs.Policy},
		{"recipients.txt", configs.Recipients + lines(a.Recipients)}}
	if err := absent(dir, files[0].name, files[1].name, files[2].name, "keys"); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(data) {
		data = filepath.Join(dir, data)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o750), os.MkdirAll(data, 0o700)); err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	keys, err := InitKeys(filepath.Join(dir, "keys"), a.Instance, now)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if err := createEx(filepath.Join(dir, f.name), f.text, fs.FileMode(0o640)); err != nil {
			return nil, err
		}
	}
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	return steps(dir, keys), nil
}

// absent reports the first of the names that exists in dir.
func absent(dir string, names ...string) error {
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return Problems{{File: filepath.Join(dir, name),
				JA: "すでにあります。上書きはしません。別のディレクトリを指定するか、先に移してください。",
				EN: "it exists and is not written over; choose another directory, or move it away."}}
		}
	}
	return nil
}

// values lists what the answers put into the template, by key.
func (a Answers) values(data string) [][2]string {
	out := [][2]string{{"office.name", quote(a.Name)}, {"office.contact", quote(a.Contact)}, {"office.postmaster", quote(a.Postmaster)},
		{"office.domains", flow(a.Domains)}, {"intake.listen", flow(a.Listen)}, {"intake.hostname", quote(a.Hostname)},
		{"intake.networks", flow(a.Clients)}, {"zones.mynumber.networks", flow(a.MyNumber)}, {"relay.address", quote(a.Relay)},
		{"relay.tls", quote(a.RelayTLS)}, {"upstream.authserv_id", quote(a.Authserv)}, {"audit.instance", quote(a.Instance)},
		{"storage.dir", quote(data)}}
	if a.NoMyNumber {
		out = append(out, [2]string{"zones.mynumber.none", "confirmed"})
	}
	return out
}

// fill writes values over those of the template, whose every key stands on a
// line of its own. "# none: confirmed" is the one key that the template has as
// a comment.
func fill(template string, values [][2]string) (string, error) {
	c := Default()
	d := decode("sekisho.yaml", []byte(template), &c)
	for _, v := range values {
		if v[1] == "" || v[1] == `""` || v[1] == "[]" {
			continue
		}
		if v[0] == "zones.mynumber.none" {
			at := slices.Index(d.lines, "    # none: confirmed")
			if at < 0 {
				return "", fmt.Errorf("the template has no key %s", v[0])
			}
			d.lines[at] = "    none: confirmed"
			continue
		}
		at, ok := d.places[v[0]]
		if !ok {
			return "", fmt.Errorf("the template has no key %s", v[0])
		}
		line := d.lines[at.line-1]
		d.lines[at.line-1] = line[:strings.IndexByte(line, ':')] + ": " + v[1]
	}
	return strings.Join(d.lines, "\n"), nil
}

// quote writes a YAML string in double quotes, whose escapes are Go's for what
// is printable.
func quote(s string) string {
	return strconv.Quote(strings.Map(func(r rune) rune {
		if control(r) {
			return -1
		}
		return r
	}, s))
}

func flow(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, quote(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func lines(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\n") + "\n"
}

// machineName is the first label of the host name, "sekisho" where it has none
// that can be used.
func machineName() string {
	h, err := os.Hostname()
	if h, _, _ = strings.Cut(h, "."); err != nil || !instance(h) {
		return "sekisho"
	}
	return h
}

func steps(dir string, keys []KeyInfo) []string {
	file := filepath.Join(dir, "sekisho.yaml")
	out := []string{
		"次のものを作りました: " + dir,
		"  sekisho.yaml (設定)、policy.yaml (方針)、recipients.txt (宛先の一覧)、keys (鍵)",
		"次にすること:",
		"  1. " + file + " の【要記入】の項目を書く",
		"  2. " + filepath.Join(dir, "recipients.txt") + " に受け取る宛先を書く",
		"  3. sekisho config check " + file,
		"  4. keys の控えを、バックアップとは別の安全な場所に保管する (原本の鍵を失うと、保管した原本は読めなくなります)",
		"  5. 監査記録の公開鍵の指紋を紙に控え、監査担当に渡す:",
	}
	for _, k := range keys {
		if k.Name == "audit" {
			out = append(out, "       "+k.Fingerprint)
		}
	}
	return append(out, "  6. sekisho serve --config "+file)
}

func instance(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.' || r == '_' || r == '-')
	})
}
