package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

// Config is the static configuration. Load fills it; a field's doc tag is the
// Japanese text of "config describe" and the comment says the rest. Paths are
// absolute once loaded: relative ones start at the configuration file.
type Config struct {
	Office     Office     `yaml:"office"`
	Zones      Zones      `yaml:"zones"`
	Route      Route      `yaml:"route"`
	Intake     Intake     `yaml:"intake"`
	Relay      Relay      `yaml:"relay"`
	Upstream   Upstream   `yaml:"upstream"`
	Storage    Storage    `yaml:"storage"`
	Keys       KeyFolder  `yaml:"keys"`
	Flow       Flow       `yaml:"flow"`
	Notices    Notices    `yaml:"notices"`
	Policy     PolicyFile `yaml:"policy"`
	Release    Release    `yaml:"release"`
	Audit      Audit      `yaml:"audit"`
	Management Management `yaml:"management"`
	API        API        `yaml:"api"`
	Engine     Engine     `yaml:"engine"`
	Sandbox    Sandbox    `yaml:"sandbox"`
	Log        Log        `yaml:"log"`
	// Timezone is an IANA name; receipt numbers and log months follow its days.
	Timezone string `yaml:"timezone" doc:"時間帯。受付番号と監査記録の日付に使います。"`

	source source
}

// source remembers where the values came from, for messages.
type source struct {
	file   string
	lines  []string
	places map[string]place
	notes  Problems // warnings of the loading
}

// Office is who runs the gateway; the texts stand in notices to staff.
type Office struct {
	Name       string   `yaml:"name" need:"y" doc:"団体の名前。通知文に出ます。"`
	Contact    string   `yaml:"contact" need:"y" doc:"職員からの問い合わせ先。通知文に出ます。"`
	PublicURL  string   `yaml:"public_url" doc:"職員用ページのアドレス。まだ無いときは空のままにします。"`
	Postmaster string   `yaml:"postmaster" need:"y" doc:"配送できなかったときの連絡を受け取るメールアドレス。"`
	Domains    []string `yaml:"domains" need:"y" doc:"団体のメールドメイン。差出人のなりすましの確認にも使います。"`
}

// Zones are the networks of the three zones.
type Zones struct {
	Internet ZoneNetworks `yaml:"internet"`
	LGWAN    ZoneNetworks `yaml:"lgwan"`
	MyNumber ThirdZone    `yaml:"mynumber"`
}

// ZoneNetworks are the networks of a zone that the gateway touches.
type ZoneNetworks struct {
	Networks []Network `yaml:"networks" doc:"そのゾーンのネットワーク。空のときは、そのゾーンの宛先を絞りません。"`
}

// ThirdZone is the My Number zone. Either its networks are listed or their
// absence is confirmed (DECISIONS 24).
type ThirdZone struct {
	Networks []Network    `yaml:"networks" doc:"マイナンバー利用事務系のネットワーク。ここへの通信はすべて拒否し、記録します。"`
	None     Confirmation `yaml:"none" doc:"このゾーンが無いことを確かめたときだけ confirmed と書きます。"`
}

// Route is the direction that this gateway carries (DECISIONS 20).
type Route struct {
	From Zone `yaml:"from" doc:"受け取る側のゾーン。この版では internet だけです。"`
	To   Zone `yaml:"to" doc:"送る側のゾーン。この版では lgwan だけです。"`
}

// Intake is SMTP from the Internet zone.
type Intake struct {
	Listen     []string  `yaml:"listen" need:"y" doc:"メールを受け取るアドレスとポート。"`
	Hostname   string    `yaml:"hostname" need:"y" doc:"このゲートウェイのホスト名。SMTP の応答と Received 欄に出ます。"`
	Networks   []Network `yaml:"networks" need:"y" doc:"メールを受け取る相手のネットワーク。ここに無い相手は拒否します。"`
	TLS        TLSFiles  `yaml:"tls"`
	RequireTLS bool      `yaml:"require_tls" doc:"true にすると、STARTTLS を使わない相手からは受け取りません。"`

	Recipients Recipients   `yaml:"recipients"`
	Limits     IntakeLimits `yaml:"limits"`
}

// TLSFiles are a certificate and its key in PEM. Without both, STARTTLS is not
// offered.
type TLSFiles struct {
	CertFile string `yaml:"cert_file" path:"y" doc:"証明書のファイル (PEM)。空のときは STARTTLS を使いません。"`
	KeyFile  string `yaml:"key_file" path:"y" doc:"証明書の秘密鍵のファイル (PEM、権限 0600)。"`
}

// Recipients say for whom mail is taken (DECISIONS 13). All that are given
// count together; with none of them no mail is taken.
type Recipients struct {
	File  string   `yaml:"file" path:"y" doc:"受け取る宛先の一覧のファイル。1 行に 1 つ書きます。"`
	List  []string `yaml:"list" doc:"受け取る宛先。一覧のファイルに加えて使います。"`
	Probe bool     `yaml:"probe" doc:"true にすると、一覧に無い宛先があるかどうかを中継先のサーバーに尋ねます。"`
}

// IntakeLimits bound what clients may use.
type IntakeLimits struct {
	MessageSize          Size     `yaml:"message_size" doc:"メール 1 通の大きさの上限。"`
	Recipients           int      `yaml:"recipients" doc:"メール 1 通の宛先の数の上限。"`
	Connections          int      `yaml:"connections" doc:"同時に受ける接続の数の上限。"`
	ConnectionsPerClient int      `yaml:"connections_per_client" doc:"1 つの相手から同時に受ける接続の数の上限。"`
	MailsPerMinute       int      `yaml:"mails_per_minute" doc:"1 つの相手から 1 分間に受けるメールの数の上限。"`
	BadRecipients        int      `yaml:"bad_recipients" doc:"1 回の接続で許す、存在しない宛先の数。"`
	Errors               int      `yaml:"errors" doc:"1 回の接続で許す、誤ったコマンドの数。"`
	Idle                 Duration `yaml:"idle" doc:"何も送られてこない接続を切るまでの時間。"`
	Upload               Duration `yaml:"upload" doc:"メール 1 通を送り終えるまでの時間の上限。"`
}

// Relay is the mail server in the LGWAN zone.
type Relay struct {
	Address    string  `yaml:"address" need:"y" doc:"LGWAN接続系のメールサーバー (ホスト:ポート)。"`
	TLS        TLSMode `yaml:"tls" doc:"中継の暗号化。required は証明書を確かめ、opportunistic は使えるときだけ使い、none は使いません。"`
	CAFile     string  `yaml:"ca_file" path:"y" doc:"中継先の証明書を確かめる認証局のファイル (PEM)。空のときは OS の一覧を使います。"`
	ServerName string  `yaml:"server_name" doc:"中継先の証明書に書かれた名前。空のときは address のホスト名です。"`
	Workers    int     `yaml:"workers" doc:"中継先への同時接続数。"`
}

// Upstream is the mail server in front of the gateway.
type Upstream struct {
	AuthservID string `yaml:"authserv_id" doc:"信頼する送信元認証の結果 (Authentication-Results) の authserv-id。空のときは信頼しません。"`
}

// Storage is where mails and the ledger lie.
type Storage struct {
	Dir          string   `yaml:"dir" path:"y" need:"y" doc:"台帳、原本、配送待ちを置くディレクトリ。"`
	MaxOriginals Size     `yaml:"max_originals" doc:"原本の保管に使う容量の上限。超えると、配送済みの古いものから消します。"`
	MinFree      Size     `yaml:"min_free" doc:"ディスクの空きがこれより減ると、受け取りを一時的に断ります。"`
	Originals    Duration `yaml:"originals" doc:"原本を保管する期間。"`
}

// KeyFolder is where the keys lie; InitKeys says which.
type KeyFolder struct {
	Dir string `yaml:"dir" path:"y" need:"y" doc:"鍵を置くディレクトリ (権限 0700)。"`
}

// Flow is the sanitizing.
type Flow struct {
	Workers int `yaml:"workers" doc:"同時に無害化するメールの数。0 は CPU の数の 2 倍です。"`
}

// PolicyFile names the policy.
type PolicyFile struct {
	File string `yaml:"file" path:"y" need:"y" doc:"方針のファイル。"`
}

// Release is which releases of held parts are offered, and for how long a request
// waits (DECISIONS 27).
type Release struct {
	SelfService bool     `yaml:"self_service" doc:"true のとき、方針と同じかより厳しい作り直しは、ほかの人の承認なしに届けます。"`
	Exceptions  bool     `yaml:"exceptions" doc:"true にすると、登録した例外措置と2人の承認で、無害化していない原本を届けられます。"`
	Wait        Duration `yaml:"wait" doc:"解除申請が承認を待つ期間。過ぎると申請は終わります。"`
}

// Audit is the log.
type Audit struct {
	Instance string   `yaml:"instance" need:"y" doc:"このゲートウェイの名前 (英数字と . _ -)。監査記録の署名とメールの循環の検出に使います。"`
	Interval Duration `yaml:"interval" doc:"監査記録にチェックポイントを打つ間隔。"`
	Texts    Duration `yaml:"texts" doc:"件名とファイル名の文字を残す期間。過ぎると消し、記録には指紋だけが残ります。"`

	Syslog Syslog `yaml:"syslog"`
}

// Syslog is the server that keeps our checkpoints out of our own reach, over TLS
// (RFC 5425). Without an address there is none.
type Syslog struct {
	Address    string `yaml:"address" doc:"チェックポイントを送る syslog サーバー (ホスト:ポート、TLS)。空のときは送りません。"`
	CAFile     string `yaml:"ca_file" path:"y" doc:"syslog サーバーの証明書を確かめる認証局のファイル (PEM)。空のときは OS の一覧を使います。"`
	ServerName string `yaml:"server_name" doc:"syslog サーバーの証明書に書かれた名前。空のときは address のホスト名です。"`
	CertFile   string `yaml:"cert_file" path:"y" doc:"syslog サーバーに示す証明書のファイル (PEM)。空のときは示しません。"`
	KeyFile    string `yaml:"key_file" path:"y" doc:"その証明書の秘密鍵のファイル (PEM、権限 0600)。"`
}

// Management is the listener for /healthz, /readyz and /metrics.
type Management struct {
	Listen string `yaml:"listen" doc:"稼働確認と計測値のアドレス。空にすると開きません。"`
}

// API is the listener of the REST interface. Without a certificate it may be on
// loopback only: passwords would go over the net in clear.
type API struct {
	Listen string `yaml:"listen" doc:"REST API のアドレスとポート。空にすると開きません。"`
	// StaffPreviews lets staff look at the pages of what was sent to themselves.
	StaffPreviews bool `yaml:"staff_previews" doc:"true なら、職員は自分あての原本をページごとの画像で見られます (画面転送プレビュー)。承認者と隔離管理者は、いつでも見られます。"`
	Pair          Pair `yaml:"tls"`
}

// Pair are a certificate and its key in PEM.
type Pair struct {
	CertFile string `yaml:"cert_file" path:"y" doc:"REST API の証明書のファイル (PEM)。空にできるのは 127.0.0.1 で待ち受けるときだけです。"`
	KeyFile  string `yaml:"key_file" path:"y" doc:"その秘密鍵のファイル (PEM、権限 0600)。"`
}

// Engine is what the programs that draw PDF and pictures need of this machine.
type Engine struct {
	Fonts []string `yaml:"fonts" path:"y" doc:"文字を描く書体のディレクトリ。書体を埋め込んでいないPDFと、図の文字に使います。"`
	Cache string   `yaml:"cache" path:"y" doc:"PDFを描くプログラムを、すぐに使える形で置くディレクトリ。root で sekisho engine を実行すると作られます。"`
}

// Sandbox is about the boxes of the workers.
type Sandbox struct {
	AllowWeak bool   `yaml:"allow_weak" doc:"true にすると、隔離が弱い OS でも動かします。監査記録に残ります。"`
	Reason    string `yaml:"reason" doc:"allow_weak を true にする理由。"`
}

// Log is the program's log, on standard error.
type Log struct {
	Level  LogLevel  `yaml:"level" doc:"ログに出す範囲: debug, info, warn, error。"`
	Format LogFormat `yaml:"format" doc:"ログの形: text か json。"`
}

// Default returns what holds where the file and the environment say nothing.
func Default() Config {
	return Config{
		Route: Route{From: Internet, To: LGWAN},
		Intake: Intake{
			Limits: IntakeLimits{MessageSize: 50 << 20, Recipients: 100, Connections: 100, ConnectionsPerClient: 20,
				MailsPerMinute: 600, BadRecipients: 20, Errors: 10, Idle: Duration(5 * time.Minute), Upload: Duration(30 * time.Minute)},
		},
		Relay: Relay{TLS: TLSRequired, Workers: 4},
		Storage: Storage{Dir: "/var/lib/sekisho", MaxOriginals: 200 << 30, MinFree: 2 << 30,
			Originals: Duration(30 * day)},
		Keys:       KeyFolder{Dir: "keys"},
		Notices:    Notices{Mode: NoticeNow, Alarm: Duration(4 * time.Hour)},
		Policy:     PolicyFile{File: "policy.yaml"},
		Release:    Release{SelfService: true, Wait: Duration(7 * day)},
		Audit:      Audit{Interval: Duration(5 * time.Minute), Texts: Duration(366 * day)},
		API:        API{StaffPreviews: true},
		Management: Management{Listen: "127.0.0.1:8025"},
		Engine: Engine{Fonts: []string{"/usr/share/fonts/opentype/ipafont-mincho", "/usr/share/fonts/opentype/ipafont-gothic"},
			Cache: "/var/cache/sekisho/engine"},
		Log:      Log{Level: "info", Format: "text"},
		Timezone: "Asia/Tokyo",
	}
}

// Load reads the file and lays environ ("NAME=value", as os.Environ gives) over
// it: SEKISHO_INTAKE_REQUIRE_TLS for intake.require_tls, lists joined by commas.
// The error is Problems where the content is at fault. Callers go on to Check.
func Load(path string, environ []string) (Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Config{}, fmt.Errorf("load configuration: %w", err)
	}
	text, err := readFile(abs, maxFile+1)
	if err != nil {
		return Config{}, Problems{missing(path, "", err, "sekisho init で雛形を作れます。", "sekisho init writes a template.")}
	}
	c, err := parse(path, text, environ)
	if err != nil {
		return Config{}, err
	}
	c.absolute(filepath.Dir(abs))
	return c, nil
}

// parse is Load without the file system.
func parse(file string, text []byte, environ []string) (Config, error) {
	c := Default()
	d := decode(file, text, &c)
	notes := d.environment(&c, environ)
	c.source = source{file: file, lines: d.lines, places: d.places, notes: notes}
	if err := d.problems.Err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// absolute makes paths absolute; a path that is not given stays empty.
func (c *Config) absolute(dir string) {
	for _, k := range keysOf(c) {
		if !k.path {
			continue
		}
		values := []reflect.Value{k.value}
		if k.value.Kind() == reflect.Slice {
			k.value.Set(reflect.ValueOf(slices.Clone(k.value.Interface().([]string)))) // not the default's own
			values = values[:0]
			for i := range k.value.Len() {
				values = append(values, k.value.Index(i))
			}
		}
		for _, v := range values {
			if s := v.String(); s != "" && !filepath.IsAbs(s) {
				v.SetString(filepath.Join(dir, s))
			}
		}
	}
}

// Location returns the time zone, which Check has found to exist.
func (c Config) Location() (*time.Location, error) {
	l, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", c.Timezone, err)
	}
	return l, nil
}

// Forbidden returns the networks that nothing may listen on or connect to.
func (c Config) Forbidden() []netip.Prefix { return prefixes(c.Zones.MyNumber.Networks) }

// Clients returns the networks that mail is taken from.
func (c Config) Clients() []netip.Prefix { return prefixes(c.Intake.Networks) }

// LoadPolicy reads the policy file. Rules without own_domains get the office's.
func (c Config) LoadPolicy() (policy.Policy, error) {
	p, err := LoadPolicy(c.Policy.File)
	if err != nil {
		return policy.Policy{}, err
	}
	return c.WithDomains(p), nil
}

// WithDomains returns the policy with office.domains where rules name no own
// domains.
func (c Config) WithDomains(p policy.Policy) policy.Policy {
	own := lower(c.Office.Domains)
	if len(p.Default.OwnDomains) == 0 {
		p.Default.OwnDomains = own
	}
	p.Overrides = slices.Clone(p.Overrides)
	for i := range p.Overrides {
		if len(p.Overrides[i].Rules.OwnDomains) == 0 {
			p.Overrides[i].Rules.OwnDomains = own
		}
	}
	return p
}

// Notice returns the office as notices name it.
func (c Config) Notice() format.Office {
	return format.Office{Name: c.Office.Name, Contact: c.Office.Contact, PublicURL: c.Office.PublicURL}
}

func prefixes(ns []Network) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(ns))
	for _, n := range ns {
		out = append(out, n.Prefix)
	}
	return out
}

// missing is the problem of a file that cannot be read.
func missing(file, key string, err error, ja, en string) Problem {
	why, english := "開けません", "cannot be opened"
	switch {
	case os.IsNotExist(err):
		why, english = "ありません", "does not exist"
	case os.IsPermission(err):
		why, english = "読む権限がありません", "may not be read by this user"
	}
	return Problem{Key: key, JA: fmt.Sprintf("ファイル %s は%s。%s", file, why, ja),
		EN: fmt.Sprintf("file %s %s; %s", file, english, en)}
}
