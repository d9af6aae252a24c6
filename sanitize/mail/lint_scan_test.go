package mail

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// encodedWord is one of ours (RFC 2047): 1 base64.
var encodedWord = regexp.MustCompile(`=\?utf-8\?B\?([A-Za-z0-9+/]+=?=?)\?=`)

// The grammars of lint_scan.go said a second time, as regular expressions: the
// model that the readers are held to.
const (
	modelAtext   = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+"
	modelLabel   = `[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?`
	modelHost    = modelLabel + `(?:\.` + modelLabel + `)*`
	modelAddr    = `(?:` + modelAtext + `(?:\.` + modelAtext + `)*|"(?:\.|` + modelAtext + `)+")@` + modelHost
	modelWord    = `=\?utf-8\?B\?[A-Za-z0-9+/]+=?=?\?=`
	modelQuoted  = `"(?:[ !#-\[\]-~]|\\["\\])*"`
	modelPhrase  = `(?:` + modelQuoted + `|` + modelWord + `(?: ` + modelWord + `)*)`
	modelMailbox = `(?:` + modelAddr + `|` + modelPhrase + ` <` + modelAddr + `>)`
	modelGroup   = `(?:undisclosed-recipients|` + modelPhrase + `):;`
	modelBox     = `(?:` + modelMailbox + `|` + modelGroup + `)`
	modelID      = "<[A-Za-z0-9.!#$%&'*+\\-/=?^_`{|}~\\[\\]:]+@[A-Za-z0-9.!#$%&'*+\\-/=?^_`{|}~@\\[\\]:]+>"
	modelIDs     = modelID + `(?: ` + modelID + `)*`
	modelDate    = `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ` +
		`[12][0-9]{3} [0-2][0-9]:[0-5][0-9]:[0-5][0-9] [+\-][01][0-9][0-5][0-9]`
	modelTag   = `[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*`
	modelTok   = `[A-Za-z0-9._\-]+`
	modelList  = modelMailbox + `(?:, ` + modelMailbox + `)*`
	modelBoxes = modelBox + `(?:, ` + modelBox + `)*`
)

// modelFields has one row a field.
var modelFields = map[string]*regexp.Regexp{
	"Received":         whole(`from unspecified by ` + modelHost + ` \(sekisho\) id ` + modelTok + `; ` + modelDate),
	"Date":             whole(modelDate),
	"From":             whole(modelList),
	"Sender":           whole(modelMailbox),
	"Reply-To":         whole(modelList),
	"To":               whole(modelBoxes),
	"Cc":               whole(modelBoxes),
	"Subject":          whole(modelWord + `(?: ` + modelWord + `)*|[!-~]+(?: [!-~]+)*`),
	"Message-ID":       whole(modelID),
	"In-Reply-To":      whole(modelIDs),
	"References":       whole(modelIDs),
	"Auto-Submitted":   whole(`no|auto-(?:generated|replied|notified)`),
	"Precedence":       whole(`bulk|list|junk`),
	"List-Id":          whole(`<[A-Za-z0-9_+=\-]+(?:\.[A-Za-z0-9_+=\-]+)*>`),
	"Importance":       whole(`high|normal|low`),
	"Content-Language": whole(modelTag + `(?:, ` + modelTag + `){0,9}`),
	"X-Sekisho-Result": whole(`v=1; verdict=(?:rebuilt|partly|held); receipt=` + modelTok + `; id=` + modelTok +
		`; hops=[0-9]+; held=[0-9]+; stripped=[0-9]+; findings=(?:[a-z0-9_]+(?:, ?[a-z0-9_]+)*)?`),
	"MIME-Version": whole(`1\.0`),
}

var (
	modelMembers     = regexp.MustCompile(`(?:^|, )(?:(` + modelPhrase + `|undisclosed-recipients)(?: <(` + modelAddr + `)>|:;)|(` + modelAddr + `))`)
	modelMultipart   = whole(`multipart/mixed; boundary="(=_sekisho_[0-9a-f]{40})"`)
	modelPartType    = whole(`([a-z0-9.+\-]+/[a-z0-9.+\-]+)(?:; charset=(utf-8|Shift_JIS))?; name=(` + modelQuoted + `)`)
	modelDisposition = whole(`attachment; filename=(` + modelQuoted + `)((?:; filename\*(?:[0-9]{1,2}\*)?=[A-Za-z0-9%'._\-]+)*)`)
	modelExtended    = regexp.MustCompile(`; filename\*(?:([0-9]{1,2})\*)?=([A-Za-z0-9%'._\-]+)`)
	modelOpensFile   = regexp.MustCompile(`^(?:begin(?:-base64)?(?:[ \t][0-7]{3,}[ \t]|[ \t]{2})|=ybegin )`)
)

func whole(s string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + s + `)$`) }

// groups returns what a model captures, nil if it does not match.
func groups(model *regexp.Regexp, s string) []string {
	if m := model.FindStringSubmatch(s); m != nil {
		return m[1:]
	}
	return nil
}

// read returns what a reader returned, nil if it refused.
func read(ok bool, parts ...string) []string {
	if !ok {
		return nil
	}
	return parts
}

// scansAgree fails t when a reader and its model differ on s.
func scansAgree(t interface{ Fatalf(string, ...any) }, s string) {
	for name, model := range modelFields {
		want := model.MatchString(s)
		if got := lintFieldFits(name, s); got != want {
			t.Fatalf("%s of %q: read %t, the model says %t", name, s, got, want)
		}
	}
	same := func(what string, got, want []string) {
		if (got == nil) != (want == nil) || !slices.Equal(got, want) {
			t.Fatalf("%s of %q: read %q, the model reads %q", what, s, got, want)
		}
	}
	boundary, ok := (&lintScan{s}).multipart()
	same("multipart", read(ok, boundary), groups(modelMultipart, s))
	media, charset, name, ok := (&lintScan{s}).partType()
	same("part type", read(ok, media, charset, name), groups(modelPartType, s))
	file, pieces, ok := (&lintScan{s}).disposition()
	same("disposition", read(ok, file, pieces), groups(modelDisposition, s))
	if got, want := (&lintScan{s}).opensFile(), modelOpensFile.MatchString(s); got != want {
		t.Fatalf("opens a file, %q: read %t, the model says %t", s, got, want)
	}
	if modelFields["To"].MatchString(s) {
		same("members", scanBoxes(s), modelBoxMembers(s))
	}
	if ok {
		same("pieces", scanPieces(pieces), modelPieces(pieces))
	}
}

func scanBoxes(value string) []string {
	list := []string{}
	s := lintScan{value}
	for more := true; more; more = s.lit(", ") {
		phrase, addr, _ := s.box()
		list = append(list, phrase, addr)
	}
	return list
}

func modelBoxMembers(value string) []string {
	list := []string{}
	for _, m := range modelMembers.FindAllStringSubmatch(value, -1) {
		list = append(list, m[1], m[2]+m[3])
	}
	return list
}

func scanPieces(pieces string) []string {
	list := []string{}
	for s := (lintScan{pieces}); !s.end(); {
		number, value, _ := s.extended()
		list = append(list, number, value)
	}
	return list
}

func modelPieces(pieces string) []string {
	list := []string{}
	for _, m := range modelExtended.FindAllStringSubmatch(pieces, -1) {
		list = append(list, m[1:]...)
	}
	return list
}

// scanBoxSeeds are members of address lists and what is almost one.
var scanBoxSeeds = []string{
	"a@b.c", "a.b@host-1.example.jp", `"a..b"@x.y`, `"a"@x.y`, "=?utf-8?B?44GC?=@x.y", "=?utf-8?B?44GC?= <a@b>",
	"=?utf-8?B?44GC?= =?utf-8?B?44GC?= <a@b.c>", `"x, y@z" <a@b>`, `"q\"q\\" <a@b>`, "undisclosed-recipients:;", `"g":;`, "=?utf-8?B?44GC?=:;",
	"undisclosed-recipients <a@b>", "undisclosed-recipients@b", "a@b-", "a@-b", "a@b..c", "a.@b", ".a@b", "a..b@c", "a@", "@b", "", " ", ", ", ",",
	"a b@c", `"a`, `"a\`, `"a\b" <a@b>`, "<a@b>", `"a" <"b"@c>`, `"a" <b>`, `"a"  <a@b>`, `"" <a@b>`, `""@b`, "a@b>", "a@b\n",
}

// scanSeeds stand at the edges of the other grammars.
var scanSeeds = []string{
	"from unspecified by mx.example.jp (sekisho) id 01-a.b; Fri, 17 Apr 2026 09:00:00 +0900", "from unspecified by a. (sekisho) id x; Fri, 17 Apr 2026 09:00:00 +0900",
	"Fri, 17 Apr 2026 09:00:00 +0900", "Fri, 39 Feb 2999 29:59:59 -1959", "Fri, 7 Apr 2026 09:00:00 +0900", "Fri, 17 Apr 20266 09:00:00 +0900",
	"Report of April", "a  b", "a ", " a", "日本", "a\x7f", "=?utf-8?B?44GC?= =?utf-8?B?44GC?=", "=?utf-8?B?44GC===?=", "=?utf-8?B?=?=", "=?utf-8?B?44GC?=x",
	"<1@a>", "<1@a> <2@b>", "<1@a@b>", "<1@>", "<@a>", "<1@a>  <2@b>", "<1@[::1]>", "no", "not", "auto-replied", "auto-", "bulk", "list", "junk", "high", "normal", "low",
	"<a.b_c.example>", "<a..b>", "<.a>", "<>", "ja", "ja, en-US", "abcdefgh-12345678", "abcdefghi", "a-", strings.Repeat("a, ", 9) + "a", strings.Repeat("a, ", 10) + "a",
	"v=1; verdict=partly; receipt=-; id=a.b; hops=0; held=1; stripped=20; findings=", "v=1; verdict=held; receipt=-; id=-; hops=0; held=0; stripped=0; findings=a_1,b, c2",
	"v=1; verdict=rebuilt; receipt=-; id=-; hops=0; held=0; stripped=0; findings= a", "v=1; verdict=rebuilt; receipt=-; id=-; hops=; held=0; stripped=0; findings=a,",
	"1.0", "1x0", "multipart/mixed; boundary=\"=_sekisho_" + strings.Repeat("0a", 20) + `"`, "multipart/mixed; boundary=\"=_sekisho_" + strings.Repeat("0a", 21) + `"`,
	`text/csv; charset=utf-8; name="a.csv"`, `text/csv; charset=Shift_JIS; name=""`, `image/png; name="a\"b\\"`, `image/png; name="a`, `image/png/x; name="a"`, `image/png; charset=x; name="a"`,
	`attachment; filename="a"`, `attachment; filename="a"; filename*=utf-8''a`, `attachment; filename="a"; filename*0*=utf-8''%E5; filename*1*=b`,
	`attachment; filename="a"; filename*100*=b`, `attachment; filename="a"; filename**=b`, `attachment; filename="a"; filename*0=b`, `attachment; filename="a"; filename*=`,
	`attachment; filename="a; filename*=b"; filename*00*=c`, "begin 644 x", "begin-base64 0644 x", "begin  x", "begin\t\t", "begin 64 x", "begin 648 x", "begin", "begin-base64", "beginning", "=ybegin x", "=ybegin",
}

func TestScansAgreeWithTheModel(t *testing.T) {
	for _, s := range scanSeeds {
		scansAgree(t, s)
	}
	for _, a := range scanBoxSeeds {
		scansAgree(t, a)
		for _, b := range scanBoxSeeds {
			scansAgree(t, a+", "+b)
			scansAgree(t, a+b)
		}
	}
	sample, _ := lintSample(t)
	for line := range strings.SplitSeq(sample, "\r\n") {
		_, value, _ := strings.Cut(line, ": ")
		scansAgree(t, value)
	}
	for name := range modelFields {
		if !slices.ContainsFunc(lintGrammar[:], func(row lintRow) bool { return row.name == name }) {
			t.Errorf("no row of %s", name)
		}
	}
	if len(lintGrammar) != len(modelFields) {
		t.Errorf("%d rows, %d models", len(lintGrammar), len(modelFields))
	}
}

// scanWholes draws strings of each grammar.
func scanWholes() *rapid.Generator[string] {
	wholes := []*rapid.Generator[string]{rapid.SampledFrom(scanSeeds),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(scanBoxSeeds), 1, 3), func(l []string) string { return strings.Join(l, ", ") })}
	for _, row := range lintGrammar {
		wholes = append(wholes, rapid.StringMatching(modelFields[row.name].String()))
	}
	for _, m := range []*regexp.Regexp{modelMultipart, modelPartType, modelDisposition, modelOpensFile} {
		wholes = append(wholes, rapid.StringMatching(m.String()))
	}
	return rapid.OneOf(wholes...)
}

func TestScansOfMutationsAgreeWithTheModel(t *testing.T) {
	wholes := scanWholes()
	alphabet := rapid.SampledFrom(append(strings.Split("abfz019AZ-._@<>\"\\,:;()[] =?*%'+/\t\r\n\x00\x7f!~", ""), "\xff", "あ", ", ", "=?utf-8?B?", ""))
	rapid.Check(t, func(t *rapid.T) {
		s := wholes.Draw(t, "whole")
		scansAgree(t, s)
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(s)).Draw(t, "at")
			end := min(len(s), at+rapid.IntRange(0, 1).Draw(t, "gone"))
			s = s[:at] + alphabet.Draw(t, "new") + s[end:]
			scansAgree(t, s)
		}
	})
}

func FuzzScans(f *testing.F) {
	for _, s := range slices.Concat(scanSeeds, scanBoxSeeds) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { scansAgree(t, s) })
}
