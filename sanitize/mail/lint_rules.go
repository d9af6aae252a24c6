package mail

import (
	"regexp"
	"sync"
)

// lintRules are the compiled grammars; nothing changes them.
type lintRules struct {
	fields      map[string]*regexp.Regexp
	mailbox     *regexp.Regexp // 1 phrase, 2 or 3 address
	multipart   *regexp.Regexp // 1 boundary
	partType    *regexp.Regexp // 1 media, 2 charset, 3 name
	disposition *regexp.Regexp // 1 file name, 2 extended pieces
	extended    *regexp.Regexp // 1 number and star, 2 value
	word        *regexp.Regexp // 1 base64
	opensFile   *regexp.Regexp // a line of a text from which a file would be decoded
}

// Pieces of the grammar; spec: rfc5322#3.2 rfc2047#2 rfc5321#4.1.2.
const (
	lintAtext   = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+"
	lintLabel   = `[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?`
	lintHost    = lintLabel + `(?:\.` + lintLabel + `)*`
	lintAddr    = `(?:` + lintAtext + `(?:\.` + lintAtext + `)*|"(?:\.|` + lintAtext + `)+")@` + lintHost
	lintWord    = `=\?utf-8\?B\?[A-Za-z0-9+/]+=?=?\?=`
	lintQuoted  = `"(?:[ !#-\[\]-~]|\\["\\])*"`
	lintPhrase  = `(?:` + lintQuoted + `|` + lintWord + `(?: ` + lintWord + `)*)`
	lintMailbox = `(?:` + lintAddr + `|` + lintPhrase + ` <` + lintAddr + `>)`
	lintGroup   = `(?:undisclosed-recipients|` + lintPhrase + `):;`
	lintBox     = `(?:` + lintMailbox + `|` + lintGroup + `)`
	lintID      = "<[A-Za-z0-9.!#$%&'*+\\-/=?^_`{|}~\\[\\]:]+@[A-Za-z0-9.!#$%&'*+\\-/=?^_`{|}~@\\[\\]:]+>"
	lintDate    = `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ` +
		`[12][0-9]{3} [0-2][0-9]:[0-5][0-9]:[0-5][0-9] [+\-][01][0-9][0-5][0-9]`
	lintTag = `[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*`
	lintTok = `[A-Za-z0-9._\-]+`
)

// lintCompiled compiles the grammars at the first lint: a worker that never
// lints does not wait for them.
var lintCompiled = sync.OnceValue(lintNewRules)

// lintNewRules compiles the table of fields, one row a field.
func lintNewRules() *lintRules {
	re := func(s string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + s + `)$`) }
	list := lintMailbox + `(?:, ` + lintMailbox + `)*`
	boxes := lintBox + `(?:, ` + lintBox + `)*`
	ids := lintID + `(?: ` + lintID + `)*`
	return &lintRules{
		fields: map[string]*regexp.Regexp{
			"Received":         re(`from unspecified by ` + lintHost + ` \(sekisho\) id ` + lintTok + `; ` + lintDate),
			"Date":             re(lintDate),
			"From":             re(list),
			"Sender":           re(lintMailbox),
			"Reply-To":         re(list),
			"To":               re(boxes),
			"Cc":               re(boxes),
			"Subject":          re(lintWord + `(?: ` + lintWord + `)*|[!-~]+(?: [!-~]+)*`),
			"Message-ID":       re(lintID),
			"In-Reply-To":      re(ids),
			"References":       re(ids),
			"Auto-Submitted":   re(`no|auto-(?:generated|replied|notified)`),
			"Precedence":       re(`bulk|list|junk`),
			"List-Id":          re(`<[A-Za-z0-9_+=\-]+(?:\.[A-Za-z0-9_+=\-]+)*>`),
			"Importance":       re(`high|normal|low`),
			"Content-Language": re(lintTag + `(?:, ` + lintTag + `){0,9}`),
			"X-Sekisho-Result": re(`v=1; verdict=(?:rebuilt|partly|held); receipt=` + lintTok + `; id=` + lintTok +
				`; hops=[0-9]+; held=[0-9]+; stripped=[0-9]+; findings=(?:[a-z0-9_]+(?:, ?[a-z0-9_]+)*)?`),
			"MIME-Version": re(`1\.0`),
		},
		mailbox:     regexp.MustCompile(`(?:^|, )(?:(` + lintPhrase + `|undisclosed-recipients)(?: <(` + lintAddr + `)>|:;)|(` + lintAddr + `))`),
		multipart:   re(`multipart/mixed; boundary="(=_sekisho_[0-9a-f]{40})"`),
		partType:    re(`([a-z0-9.+\-]+/[a-z0-9.+\-]+)(?:; charset=(utf-8|Shift_JIS))?; name=(` + lintQuoted + `)`),
		disposition: re(`attachment; filename=(` + lintQuoted + `)((?:; filename\*(?:[0-9]{1,2}\*)?=[A-Za-z0-9%'._\-]+)*)`),
		extended:    regexp.MustCompile(`; filename\*(?:([0-9]{1,2})\*)?=([A-Za-z0-9%'._\-]+)`),
		opensFile:   regexp.MustCompile(`^(?:begin(?:-base64)?(?:[ \t][0-7]{3,}[ \t]|[ \t]{2})|=ybegin )`),
		word:        regexp.MustCompile(`=\?utf-8\?B\?([A-Za-z0-9+/]+=?=?)\?=`),
	}
}

// lintMedia is the closed table of attachments: media type to the extensions
// that a file of this type may have.
var lintMedia = map[string][]string{
	"text/plain":                {"txt", "md"},
	"text/csv":                  {"csv", "tsv"},
	"text/tab-separated-values": {"tsv"},
	"text/calendar":             {"ics"},
	"text/vcard":                {"vcf"},
	"image/png":                 {"png"},
	"image/jpeg":                {"jpg", "jpeg"},
	"image/gif":                 {"gif"},
	"image/bmp":                 {"bmp"},
	"image/tiff":                {"tif", "tiff"},
	"image/webp":                {"webp"},
	"message/rfc822":            {"eml"},
	"application/pdf":           {"pdf"},
	"application/zip":           {"zip"},
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   {"docx"},
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         {"xlsx"},
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": {"pptx"},
	"application/vnd.oasis.opendocument.text":                                   {"odt"},
	"application/vnd.oasis.opendocument.spreadsheet":                            {"ods"},
	"application/vnd.oasis.opendocument.presentation":                           {"odp"},
}
