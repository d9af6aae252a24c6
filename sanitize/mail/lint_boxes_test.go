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

// The grammars of whole address lists: the model that boxes is held to.
const (
	modelMailbox = `(?:` + lintAddr + `|` + lintPhrase + ` <` + lintAddr + `>)`
	modelBox     = `(?:` + modelMailbox + `|(?:undisclosed-recipients|` + lintPhrase + `):;)`
)

var (
	modelList    = regexp.MustCompile(`^(?:` + modelMailbox + `(?:, ` + modelMailbox + `)*)$`)
	modelBoxes   = regexp.MustCompile(`^(?:` + modelBox + `(?:, ` + modelBox + `)*)$`)
	modelMembers = regexp.MustCompile(`(?:^|, )(?:(` + lintPhrase + `|undisclosed-recipients)(?: <(` + lintAddr + `)>|:;)|(` + lintAddr + `))`)
)

// members reads a list that matches its model.
func members(value string) []lintMailbox {
	var list []lintMailbox
	for _, m := range modelMembers.FindAllStringSubmatch(value, -1) {
		list = append(list, lintMailbox{strings.TrimPrefix(m[1], "undisclosed-recipients"), m[2] + m[3]})
	}
	return list
}

func agree(t interface{ Fatalf(string, ...any) }, value string) {
	for groups, model := range map[bool]*regexp.Regexp{false: modelList, true: modelBoxes} {
		got := lintGrammar().boxes(value, groups)
		if (got != nil) != model.MatchString(value) {
			t.Fatalf("%q, groups %t: read %q, the model says %t", value, groups, got, model.MatchString(value))
		}
		if got != nil && !slices.Equal(got, members(value)) {
			t.Fatalf("%q: read %q, the model reads %q", value, got, members(value))
		}
	}
}

func TestBoxesAgreeWithTheGrammar(t *testing.T) {
	pieces := []string{
		"a@b.c", "a.b@host-1.example.jp", `"a..b"@x.y`, `"a"@x.y`, "=?utf-8?B?44GC?=@x.y", "=?utf-8?B?44GC?= <a@b>",
		"=?utf-8?B?44GC?= =?utf-8?B?44GC?= <a@b.c>", `"x, y@z" <a@b>`, `"q\"q\\" <a@b>`, "undisclosed-recipients:;", `"g":;`, "=?utf-8?B?44GC?=:;",
		"undisclosed-recipients <a@b>", "a@b-", "a@-b", "a@b..c", "a@", "@b", "", " ", ", ", ",", "a b@c", `"a`, "<a@b>", `"a" <"b"@c>`, `"a" <b>`,
	}
	for _, a := range pieces {
		agree(t, a)
		for _, b := range pieces {
			agree(t, a+", "+b)
			agree(t, a+b)
		}
	}
	const alphabet = "ab1-.@<>\",:; =?\\utf-8B/+u"
	rapid.Check(t, func(t *rapid.T) {
		value := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 4).Draw(t, "pieces"), rapid.SampledFrom([]string{", ", ",", "", " "}).Draw(t, "between"))
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			if value == "" {
				break
			}
			at := rapid.IntRange(0, len(value)-1).Draw(t, "at")
			c := string(alphabet[rapid.IntRange(0, len(alphabet)-1).Draw(t, "char")])
			switch rapid.IntRange(0, 2).Draw(t, "change") {
			case 0:
				value = value[:at] + c + value[at:]
			case 1:
				value = value[:at] + value[at+1:]
			default:
				value = value[:at] + c + value[at+1:]
			}
		}
		agree(t, value)
	})
}
