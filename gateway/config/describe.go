package config

import (
	"encoding"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// envPrefix begins the names of the environment variables.
const envPrefix = "SEKISHO_"

// notOurs are variables with the prefix that are no settings: the test corpus
// and the ones that the command line reads itself.
var notOurs = []string{"SEKISHO_CORPUS", "SEKISHO_CONFIG"}

// Setting describes one key of the file.
type Setting struct {
	Path    string // "intake.require_tls"
	Env     string // "SEKISHO_INTAKE_REQUIRE_TLS"
	Type    string // "true/false", "size", "list of networks", …
	Default string // "" for none
	Needed  bool   // an operator must fill it
	Doc     string // Japanese
	path    bool
	value   reflect.Value
}

// Settings lists every key in the order of the file.
func Settings() []Setting {
	c := Default()
	return keysOf(&c)
}

func keysOf(c *Config) []Setting {
	return walk(reflect.ValueOf(c).Elem(), "")
}

func walk(v reflect.Value, above string) []Setting {
	var out []Setting
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag := f.Tag.Get("yaml")
		if tag == "" {
			continue
		}
		key := join(above, tag)
		if f.Type.Kind() == reflect.Struct && !reflect.PointerTo(f.Type).Implements(textType) {
			out = append(out, walk(v.Field(i), key)...)
			continue
		}
		out = append(out, Setting{Path: key, Env: envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_")),
			Type: typeName(f.Type), Default: print(v.Field(i)), Needed: f.Tag.Get("need") != "",
			Doc: f.Tag.Get("doc"), path: f.Tag.Get("path") != "", value: v.Field(i)})
	}
	return out
}

// typeName is the word for a type in the table.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Size]():
		return "大きさ"
	case reflect.TypeFor[Duration]():
		return "時間"
	case reflect.TypeFor[Network]():
		return "ネットワーク"
	case reflect.TypeFor[TimeOfDay]():
		return "時刻"
	case reflect.TypeFor[Zone]():
		return "ゾーン"
	}
	if c, ok := reflect.New(t).Interface().(choice); ok {
		return strings.Join(c.choices(), "/")
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true/false"
	case reflect.Int, reflect.Int64:
		return "整数"
	case reflect.Slice:
		return typeName(t.Elem()) + "の並び"
	case reflect.Struct:
		return "組"
	}
	return "文字"
}

// print writes a value as the file has it.
func print(v reflect.Value) string {
	if v.Kind() == reflect.Slice {
		var items []string
		for i := range v.Len() {
			items = append(items, print(v.Index(i)))
		}
		return strings.Join(items, ",")
	}
	if s, ok := v.Interface().(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprint(v.Interface())
}

// maxColumn bounds the width of a column by what most of its values need.
const maxColumn = 40

// Describe writes the table of all settings.
func Describe(w io.Writer) error {
	rows := [][]string{{"項目", "型", "既定値", "意味"}}
	for _, k := range Settings() {
		d := k.Default
		switch {
		case k.Needed && d == "":
			d = "(要記入)"
		case d == "":
			d = "(なし)"
		}
		rows = append(rows, []string{k.Path, k.Type, d, k.Doc})
	}
	widths := make([]int, 3)
	for _, r := range rows {
		for i := range widths {
			if w := width(r[i]); w <= maxColumn { // a longer one stands out
				widths[i] = max(widths[i], w)
			}
		}
	}
	for _, r := range rows {
		var b strings.Builder
		for i, n := range widths {
			b.WriteString(r[i] + strings.Repeat(" ", max(n-width(r[i]), 0)+2))
		}
		if _, err := fmt.Fprintln(w, b.String()+r[3]); err != nil {
			return fmt.Errorf("describe configuration: %w", err)
		}
	}
	_, err := fmt.Fprint(w, "\n環境変数でも指定できます (ファイルより優先): 項目 intake.require_tls は SEKISHO_INTAKE_REQUIRE_TLS です。\n"+
		"並びはコンマで区切ります。\n")
	return err
}

// width is the number of terminal columns of s.
func width(s string) int { return len(indent(s, utf8.RuneCountInString(s))) }

// environment lays SEKISHO_ variables over c. A variable with the prefix that
// is no setting is a warning: it may be a slip of the pen.
func (d *decoder) environment(c *Config, environ []string) Problems {
	keys := keysOf(c)
	var notes Problems
	for _, e := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(notOurs, name) {
			continue
		}
		at := slices.IndexFunc(keys, func(k Setting) bool { return k.Env == name })
		if at < 0 {
			var envs []string
			for _, k := range keys {
				envs = append(envs, k.Env)
			}
			hint, english := "", ""
			if near := nearest(name, envs); near != "" {
				hint, english = near+" の書き誤りではありませんか。", " did you mean "+near+"?"
			}
			notes = append(notes, Problem{Severity: Warning, Key: name, JA: "環境変数 " + name + " に当たる項目はありません。" + hint,
				EN: "no setting belongs to the environment variable " + name + "." + english})
			continue
		}
		d.setBy(keys[at].Path, name)
		if err := assign(keys[at].value, value); err != nil {
			ja, en := sentences(err)
			d.problems = append(d.problems, Problem{Key: keys[at].Path, JA: "環境変数 " + name + ": " + ja,
				EN: "environment variable " + name + ": " + en})
		}
	}
	return notes
}

// setBy notes that a variable gives the setting: faults of it, and of its
// elements, are not of a line of the file any more.
func (d *decoder) setBy(path, variable string) {
	for key := range d.places {
		if strings.HasPrefix(key, path+"[") {
			delete(d.places, key)
		}
	}
	d.places[path] = place{variable: variable}
}

// assign reads the value of a variable; lists are separated by commas.
func assign(v reflect.Value, s string) error {
	if v.Kind() == reflect.Slice {
		out := reflect.MakeSlice(v.Type(), 0, 4)
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			item := reflect.New(v.Type().Elem()).Elem()
			if err := assign(item, part); err != nil {
				return err
			}
			out = reflect.Append(out, item)
		}
		v.Set(out)
		return nil
	}
	if t, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return t.UnmarshalText([]byte(s))
	}
	return set(v, s)
}
