package api

import (
	"strings"
	"testing"
)

type strictBody struct {
	Decision string `json:"decision"`
	Scope    struct {
		Kinds []string `json:"kinds"`
	} `json:"scope"`
	List []struct {
		ID string `json:"id"`
	} `json:"list"`
	Any map[string]int `json:"any"`
}

// TestStrictJSON: each member once, in its spelling, wherever it stands.
// spec: rfc8259#4
func TestStrictJSON(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true, `{"decision":"deny"}`: true, `{"scope":{"kinds":["a"]},"list":[{"id":"1"},{"id":"1"}],"any":{"x":1,"y":2}}`: true,
		`{"decision":"deny","decision":"approve"}`: false, `{"decision":"deny","Decision":"approve"}`: false, `{"Decision":"approve"}`: false,
		`{"decision":"deny","x":1}`: false, `{"scope":{"Kinds":[]}}`: false, `{"scope":{"kinds":[],"kinds":[]}}`: false, `{"list":[{"id":"1","ID":"2"}]}`: false,
		`{"any":{"x":1,"X":2}}`: false, `{"decision":"deny"}{"decision":"approve"}`: false, `{"decision"`: false, ``: false,
		strings.Repeat(`[`, 60_000): false, `{"decision":` + strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `}`: false,
	} {
		var v strictBody
		if err := strictJSON([]byte(text), &v); (err == nil) != want {
			t.Errorf("%.60s: %v", text, err)
		}
		var a any
		if err := strictJSON([]byte(text), &a); err == nil && strings.Count(strings.ToLower(text), `"decision"`) > 1 {
			t.Errorf("%.60s passed as anything", text)
		}
	}
}

func FuzzStrictJSON(f *testing.F) {
	f.Add([]byte(`{"decision":"deny","scope":{"kinds":["a"]},"list":[{"id":"1"}],"any":{"x":1}}`))
	f.Add([]byte(`{"decision":"deny","Decision":"approve"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v strictBody
		if strictJSON(b, &v) == nil && strings.Count(strings.ToLower(string(b)), `"decision":"`) > 1 && !strings.Contains(string(b), `\`) &&
			strings.Count(string(b), `"`) == 4*strings.Count(string(b), `:`) {
			t.Errorf("%s passed", b)
		}
	})
}
