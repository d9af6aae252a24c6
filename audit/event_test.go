package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fullEvent has a value in every field.
func fullEvent() Event {
	sum := strings.Repeat("0123456789abcdef", 4)
	return Event{
		V: Version, Seq: 4711, Seg: "2026-11", TS: time.Date(2026, 11, 25, 9, 0, 0, 123456000, jst), ID: "0123456789abcdef",
		Verb: VerbCheckpoint, Outcome: Success,
		Actor:      Actor{ActorUser, "u1", "山田 太郎", "総務課", []string{"approver", "staff"}, "password+totp", "s1", "2001:db8::1"},
		OnBehalfOf: "u2",
		Object:     Object{"item", "i1", "M-261125-00042", "2.1", sum, sum},
		Mail:       Mail{"sato@example.jp", []string{"a@example.lg.jp", "b@example.lg.jp"}},
		Route:      Route{"internet", "lgwan", "inbound"},
		Policy:     Policy{3, sum, `office "macro" \ rule`},
		Engine:     Engine{"pdf", "1.2"},
		Decision:   Decision{"text_only", "limit_pages", sum, "r1", 2},
		Change:     Change{"limits.pages", "100", "200"},
		Commit:     Commitment{sum, sum},
		Checkpoint: Signed{"sekisho-audit/test", 12, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAA"},
		Articles:   []string{"6(9)", "8"},
	}
}

const fullRecord = `{"actor":{"auth":"password+totp","dept":"総務課","id":"u1","ip":"2001:db8::1","name":"山田 太郎","roles":["approver","staff"],"session":"s1","type":"user"},` +
	`"articles":["6(9)","8"],"change":{"after":"200","before":"100","path":"limits.pages"},` +
	`"checkpoint":{"origin":"sekisho-audit/test","root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","sig":"AAAA","size":12},` +
	`"commit":{"filename":"SUM","subject":"SUM"},"decision":{"comment_c":"SUM","form":"text_only","order":2,"reason_code":"limit_pages","request_id":"r1"},` +
	`"engine":{"name":"pdf","version":"1.2"},"event":"audit.checkpoint","id":"0123456789abcdef",` +
	`"mail":{"recipients":["a@example.lg.jp","b@example.lg.jp"],"sender":"sato@example.jp"},` +
	`"object":{"id":"i1","part":"2.1","receipt_no":"M-261125-00042","sha256_original":"SUM","sha256_sanitized":"SUM","type":"item"},` +
	`"on_behalf_of":"u2","outcome":"success","policy":{"rule":"office \"macro\" \\ rule","sha256":"SUM","version":3},` +
	`"route":{"direction":"inbound","from":"internet","to":"lgwan"},"seg":"2026-11","seq":4711,"ts":"2026-11-25T09:00:00.123456+09:00","v":1}`

func goldenRecord() []byte {
	return []byte(strings.ReplaceAll(fullRecord, "SUM", strings.Repeat("0123456789abcdef", 4)))
}

func TestCanonicalGolden(t *testing.T) {
	got, err := fullEvent().Canonical()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(goldenRecord()), string(got)); diff != "" {
		t.Error(diff)
	}
	back, err := ParseRecord(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fullEvent(), back); diff != "" {
		t.Error(diff)
	}
}

// Every field of the schema reaches the record: leaving one out of the encoder
// or of fullEvent fails here.
func TestEveryFieldIsRecorded(t *testing.T) {
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		for i := range v.NumField() {
			f, name := v.Field(i), path+"."+v.Type().Field(i).Tag.Get("json")
			if f.IsZero() {
				t.Errorf("fullEvent has no %s", name)
			}
			if f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]() {
				walk(f, name)
			}
			last := name[strings.LastIndexByte(name, '.')+1:]
			if !bytes.Contains(goldenRecord(), []byte(`"`+last+`":`)) {
				t.Errorf("%s is not in the golden record", name)
			}
		}
	}
	walk(reflect.ValueOf(fullEvent()), "")
}

// genericJCS is RFC 8785 for any JSON of objects, lists, strings and integers,
// written without knowledge of the schema.
func genericJCS(t testing.TB, in []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var write func(v any)
	write = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for i, k := range slices.Sorted(maps.Keys(v)) {
				out.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
				fmt.Fprintf(&out, "%q:", k)
				write(v[k])
			}
			out.WriteByte('}')
		case []any:
			for i, e := range v {
				out.WriteString(map[bool]string{true: "[", false: ","}[i == 0])
				write(e)
			}
			out.WriteByte(']')
		case json.Number:
			out.WriteString(v.String())
		case string:
			e := json.NewEncoder(&out)
			e.SetEscapeHTML(false)
			if err := e.Encode(v); err != nil {
				t.Fatal(err)
			}
			out.Truncate(out.Len() - 1)
		default:
			t.Fatalf("unexpected %T", v)
		}
	}
	write(v)
	return out.Bytes()
}

func drawEvent(r *rapid.T) Event {
	text := func(name string, limit int) string {
		return Clean(rapid.StringN(0, 40, 120).Draw(r, name), limit)
	}
	e := fullEvent()
	if rapid.Bool().Draw(r, "sparse") {
		e = Event{V: Version, TS: e.TS, Outcome: Denied, Actor: Actor{Type: ActorSystem}}
	}
	e.ID = rapid.StringMatching(`[0-9A-Za-z_-]{8,64}`).Draw(r, "id")
	all := Verbs()
	e.Verb = all[rapid.IntRange(0, len(all)-1).Draw(r, "verb")].Verb
	if e.Verb != VerbCheckpoint && e.Verb != VerbAnchored {
		e.Checkpoint = Signed{}
	}
	e.Articles = e.Verb.Articles()
	e.Actor.Name, e.Actor.Dept = text("name", 256), text("dept", 256)
	e.Change = Change{text("path", 256), text("before", 2048), text("after", 2048)}
	e.Policy.Rule, e.Mail.Sender = text("rule", 256), text("sender", 320)
	if to := text("to", 320); to != "" {
		e.Mail.Recipients = []string{to, "x@example.jp"}
	}
	offset := rapid.IntRange(-14*4, 14*4).Draw(r, "offset") * 15 * 60
	at := time.Unix(rapid.Int64Range(1e9, 4e9).Draw(r, "s"), rapid.Int64Range(0, 999999999).Draw(r, "ns"))
	e.TS = at.In(time.FixedZone("", offset)).Truncate(time.Microsecond)
	e.Seg, e.Seq = "", 0
	if rapid.Bool().Draw(r, "placed") {
		e.Seg, e.Seq = "2026-11", rapid.Int64Range(0, maxSeq-1).Draw(r, "seq")
	}
	return e
}

func TestCanonicalIsJCSAndComesBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		e := drawEvent(r)
		b, err := e.Canonical()
		if err != nil {
			r.Fatal(err)
		}
		if want := genericJCS(t, b); !bytes.Equal(b, want) {
			r.Fatalf("not JCS:\n%s\n%s", b, want)
		}
		parse := ParseDraft
		if e.Seg != "" {
			parse = ParseRecord
		}
		back, err := parse(b)
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			r.Fatal(diff)
		}
		if ts, ok := peekTime(b); !ok || !ts.Equal(e.TS) {
			r.Fatalf("peeked %v %v", ts, ok)
		}
		placed := e
		placed.Seg, placed.Seq = "2031-01", 99
		placed.TS = e.TS.UTC()
		one, err1 := e.ContentDigest()
		two, err2 := placed.ContentDigest()
		if err1 != nil || err2 != nil || one != two {
			r.Fatalf("digest depends on the place: %v %v", err1, err2)
		}
		placed.Outcome = Failure
		if e.Outcome == Failure {
			placed.Outcome = Success
		}
		if two, err2 = placed.ContentDigest(); err2 != nil || one == two {
			r.Fatalf("digest does not depend on the outcome: %v", err2)
		}
	})
}

func TestValidateRefuses(t *testing.T) {
	if err := fullEvent().Validate(); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("あ", 86)
	for name, change := range map[string]func(*Event){
		"version":                func(e *Event) { e.V = 2 },
		"unknown verb":           func(e *Event) { e.Verb = "part.verified_passed" },
		"empty verb":             func(e *Event) { e.Verb = "" },
		"no outcome":             func(e *Event) { e.Outcome = "" },
		"unknown outcome":        func(e *Event) { e.Outcome = "ok" },
		"no actor type":          func(e *Event) { e.Actor.Type = "" },
		"no id":                  func(e *Event) { e.ID = "" },
		"short id":               func(e *Event) { e.ID = "1234567" },
		"id with a quote":        func(e *Event) { e.ID = `123456789"` },
		"no time":                func(e *Event) { e.TS = time.Time{} },
		"far time":               func(e *Event) { e.TS = time.Date(10000, 1, 1, 0, 0, 0, 0, jst) },
		"odd offset":             func(e *Event) { e.TS = e.TS.In(time.FixedZone("", 32401)) },
		"month 13":               func(e *Event) { e.Seg = "2026-13" },
		"path as month":          func(e *Event) { e.Seg = "../2026-1" },
		"negative number":        func(e *Event) { e.Seq = -1 },
		"inexact number":         func(e *Event) { e.Seq = 1 << 53 },
		"line end":               func(e *Event) { e.Actor.Name = "a\nb" },
		"tab":                    func(e *Event) { e.Change.After = "a\tb" },
		"delete character":       func(e *Event) { e.Actor.Name = "a\x7f" },
		"C1 control":             func(e *Event) { e.Actor.Name = "a\u0085" },
		"bidi override":          func(e *Event) { e.Object.ID = "a\u202eb" },
		"bidi isolate":           func(e *Event) { e.Object.ID = "a\u2066b" },
		"line separator":         func(e *Event) { e.Mail.Sender = "a\u2028b" },
		"byte order mark":        func(e *Event) { e.Mail.Sender = "\ufeffa" },
		"bad UTF-8":              func(e *Event) { e.Actor.Dept = "a\xff" },
		"long name":              func(e *Event) { e.Actor.Name = long },
		"long address":           func(e *Event) { e.Mail.Sender = strings.Repeat("a", 321) },
		"long recipient":         func(e *Event) { e.Mail.Recipients = []string{strings.Repeat("a", 321)} },
		"empty recipient":        func(e *Event) { e.Mail.Recipients = []string{""} },
		"too many recipients":    func(e *Event) { e.Mail.Recipients = slices.Repeat([]string{"a@b"}, 101) },
		"too many roles":         func(e *Event) { e.Actor.Roles = slices.Repeat([]string{"staff"}, 17) },
		"role with a space":      func(e *Event) { e.Actor.Roles = []string{"a b"} },
		"article":                func(e *Event) { e.Articles = []string{"第6条"} },
		"digest in upper case":   func(e *Event) { e.Object.Original = strings.ToUpper(e.Object.Original) },
		"short digest":           func(e *Event) { e.Commit.Subject = "00" },
		"subject in clear":       func(e *Event) { e.Commit.Subject = "４月分請求書" },
		"file name in clear":     func(e *Event) { e.Commit.Filename = strings.Repeat("請", 21) + "x" },
		"address not an IP":      func(e *Event) { e.Actor.IP = "localhost" },
		"address not shortest":   func(e *Event) { e.Actor.IP = "2001:0db8::1" },
		"direction":              func(e *Event) { e.Route.Direction = "sideways" },
		"zone":                   func(e *Event) { e.Route.To = "LGWAN" },
		"reason":                 func(e *Event) { e.Decision.ReasonCode = "Limit-Pages" },
		"negative order":         func(e *Event) { e.Decision.Order = -1 },
		"checkpoint elsewhere":   func(e *Event) { e.Verb = VerbHeartbeat },
		"checkpoint root":        func(e *Event) { e.Checkpoint.Root = "AA" },
		"negative size":          func(e *Event) { e.Checkpoint.Size = -1 },
		"change longer than set": func(e *Event) { e.Change.After = strings.Repeat("a", 2049) },
	} {
		e := fullEvent()
		change(&e)
		if err := e.Validate(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := e.Canonical(); err == nil {
			t.Errorf("%s: encoded as %s", name, b)
		}
	}
}

func TestParseRecordRefuses(t *testing.T) {
	good := string(goldenRecord())
	for name, line := range map[string]string{
		"empty":              "",
		"null":               "null",
		"list":               "[]",
		"not JSON":           "hello",
		"cut":                good[:len(good)-1],
		"trailing space":     good + " ",
		"trailing record":    good + good,
		"line end":           good + "\n",
		"leading space":      " " + good,
		"byte order mark":    "\ufeff" + good,
		"unknown member":     strings.Replace(good, `"v":1}`, `"v":1,"w":2}`, 1),
		"unknown inner":      strings.Replace(good, `"actor":{`, `"actor":{"admin":"y",`, 1),
		"repeated member":    strings.Replace(good, `"outcome":"success"`, `"outcome":"success","outcome":"success"`, 1),
		"first one wins?":    strings.Replace(good, `"outcome":"success"`, `"outcome":"failure","outcome":"success"`, 1),
		"other case":         strings.Replace(good, `"outcome"`, `"Outcome"`, 1),
		"reordered":          strings.Replace(good, `"seg":"2026-11","seq":4711`, `"seq":4711,"seg":"2026-11"`, 1),
		"space":              strings.Replace(good, `"v":1`, `"v": 1`, 1),
		"escaped letter":     strings.Replace(good, `"success"`, `"\u0073uccess"`, 1),
		"escaped slash":      strings.Replace(good, "sekisho-audit/test", `sekisho-audit\/test`, 1),
		"number as float":    strings.Replace(good, `"seq":4711`, `"seq":4711.0`, 1),
		"number as exponent": strings.Replace(good, `"seq":4711`, `"seq":4711e0`, 1),
		"leading zero":       strings.Replace(good, `"seq":4711`, `"seq":04711`, 1),
		"minus zero":         strings.Replace(good, `"seq":4711`, `"seq":-0`, 1),
		"empty member":       strings.Replace(good, `"v":1}`, `"articles":[],"v":1}`, 1),
		"null member":        strings.Replace(good, `"on_behalf_of":"u2"`, `"on_behalf_of":null`, 1),
		"lone surrogate":     strings.Replace(good, "総務課", `\ud800`, 1),
		"bad UTF-8":          strings.Replace(good, "総務課", "\xff", 1),
		"time in UTC":        strings.Replace(good, "+09:00", "Z", 1),
		"time without parts": strings.Replace(good, ".123456", "", 1),
		"minus zero offset":  strings.Replace(good, "+09:00", "-00:00", 1),
		"no place":           strings.Replace(good, `"seg":"2026-11","seq":4711,`, "", 1),
		"no seq":             strings.Replace(good, `"seq":4711,`, "", 1),
		"too long":           strings.Replace(good, "山田 太郎", strings.Repeat("a", MaxRecord), 1),
		"deep":               strings.Repeat(`{"actor":`, 20000),
	} {
		if line == good {
			t.Errorf("%s: case changes nothing", name)
		}
		if _, err := ParseRecord([]byte(line)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseDraft([]byte(good)); !errors.Is(err, ErrInvalid) {
		t.Errorf("placed record as draft: %v", err)
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add(goldenRecord())
	b, err := event(3).Canonical()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, parse := range []func([]byte) (Event, error){ParseRecord, ParseDraft} {
			e, err := parse(in)
			if err != nil {
				if !errors.Is(err, ErrInvalid) {
					t.Errorf("error of another kind: %v", err)
				}
				continue
			}
			again, err := e.Canonical()
			if err != nil || !bytes.Equal(again, in) {
				t.Errorf("accepted %q, which is %q: %v", in, again, err)
			}
			if strings.ContainsFunc(string(in), forbidden) || !utf8.Valid(in) || len(in) > MaxRecord {
				t.Errorf("accepted %q", in)
			}
		}
	})
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"a\r\nb":           "a\ufffd\ufffdb",
		"x\u202egpj.exe":   "x\ufffdgpj.ex",
		"\xffa":            "\ufffda",
		"ああああ":             "あああ",
		"0123456789abcdef": "0123456789",
	} {
		if got := Clean(in, 10); got != want || !isPlain(got) {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNewEvent(t *testing.T) {
	e, err := New("item.held", start, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Outcome, e.Actor.Type = Success, ActorSystem
	if err := e.Validate(); err != nil || len(e.ID) != 32 || len(e.Articles) == 0 {
		t.Errorf("%+v: %v", e, err)
	}
	if _, err := New("item.held", start, strings.NewReader("")); err == nil {
		t.Error("an id without randomness")
	}
}

func BenchmarkParseRecord(b *testing.B) {
	line := goldenRecord()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := ParseRecord(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	for b.Loop() {
		if _, err := fullEvent().Canonical(); err != nil {
			b.Fatal(err)
		}
	}
}
