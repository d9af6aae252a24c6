package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file: an operator's file is short, and anything larger is not one.
const (
	maxFile    = 1 << 20 // bytes
	maxNesting = 16      // mappings and lists within each other
	maxFaults  = 50      // problems reported
)

// place is where a key stands in a file, or the environment variable that gives
// its value instead.
type place struct {
	line, column int
	variable     string
}

// decoder lays one YAML document over a Go value. It goes on after a fault, so
// that an operator sees all of them at once.
type decoder struct {
	file     string
	lines    []string
	places   map[string]place
	problems Problems
	prepare  func(v reflect.Value) // called for each new element of a list
}

// decode lays the YAML text over into, a pointer to a struct whose fields have
// yaml tags. Keys that no field has, keys written twice, anchors, aliases, tags,
// empty values and wrong types are problems.
func decode(file string, text []byte, into any) *decoder {
	return decodeOver(file, text, into, func(reflect.Value) {})
}

// decodeOver is decode with list elements that do not start at zero.
func decodeOver(file string, text []byte, into any, prepare func(reflect.Value)) *decoder {
	d := &decoder{file: file, places: map[string]place{}, prepare: prepare}
	if len(text) > maxFile {
		d.add(nil, "", "ファイルが大きすぎます (1MB まで)。別のファイルを指定していないか確かめてください。",
			"the file is too large (1MB at most); is it the right one?")
		return d
	}
	// The line breaks of YAML 1.2 §5.4, so that our lines are the parser's.
	source := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(text), "\ufeff"))
	d.lines = strings.Split(source, "\n")
	if d.unreadable() || d.deep() {
		return d
	}
	text = []byte(source)
	f, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return d
	}
	if len(f.Docs) > 1 {
		d.add(f.Docs[1].GetToken(), "", "「---」で区切った 2 つ目の文書があります。1 つにまとめてください。",
			"there is a second document behind ---; join them into one.")
		return d
	}
	if len(f.Docs) == 1 && f.Docs[0].Body != nil {
		d.value(f.Docs[0].Body, reflect.ValueOf(into).Elem(), "", 0)
	}
	return d
}

// unreadable refuses text that is not UTF-8, as editors that save in Shift_JIS
// write it.
func (d *decoder) unreadable() bool {
	for i, line := range d.lines {
		if !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
			d.problems = append(d.problems, d.show(Problem{File: d.file, Line: i + 1,
				JA: "UTF-8 ではない文字があります。エディターで文字コードを UTF-8 にして保存し直してください。",
				EN: "this is not UTF-8; save the file as UTF-8."}))
			return true
		}
	}
	return false
}

// deep refuses nesting that no file of ours has, before the recursive parser
// sees it: flow brackets, list dashes of one line and indentation.
func (d *decoder) deep() bool {
	open := 0
	for i, line := range d.lines {
		open += strings.Count(line, "[") + strings.Count(line, "{") - strings.Count(line, "]") - strings.Count(line, "}")
		trimmed := strings.TrimLeft(line, " ")
		if open > 8*maxNesting || len(line)-len(trimmed) > 8*maxNesting ||
			strings.Count(line, "[")+strings.Count(line, "{")+strings.Count(line, "- ")+strings.Count(line, "? ") > 8*maxNesting {
			d.problems = append(d.problems, Problem{File: d.file, Line: i + 1,
				JA: "入れ子が深すぎます。雛形と見比べてください。", EN: "nesting is too deep; compare with the template."})
			return true
		}
	}
	return false
}

// syntax reports what the YAML parser refused.
func (d *decoder) syntax(err error) {
	var e yaml.Error
	if !errors.As(err, &e) {
		d.add(nil, "", "YAML として読めません: "+err.Error(), "this is not YAML: "+err.Error())
		return
	}
	what := strings.Map(func(r rune) rune {
		if control(r) {
			return ' '
		}
		return r
	}, e.GetMessage())
	d.add(e.GetToken(), "", "YAML の書き方が正しくありません ("+what+")。字下げ (タブは使えません)、コロンの後の空白、引用符を確かめてください。",
		"this is not well-formed YAML ("+what+"); look at indentation (no tabs), the space after a colon, and quotes.")
}

// add notes an error at a token.
func (d *decoder) add(t *token.Token, key, ja, en string) {
	if len(d.problems) >= maxFaults {
		return
	}
	p := Problem{File: d.file, Key: key, JA: ja, EN: en}
	if t != nil && t.Position != nil {
		p.Line, p.Column = t.Position.Line, t.Position.Column
	}
	d.problems = append(d.problems, d.show(p))
}

// show adds the source line.
func (d *decoder) show(p Problem) Problem {
	if p.Line > 0 && p.Line <= len(d.lines) {
		if s := strings.TrimRight(d.lines[p.Line-1], "\r"); len(s) <= 200 {
			p.Source = strings.ToValidUTF8(s, "?")
		}
	}
	if p.Source == "" || p.Column > len([]rune(p.Source))+1 {
		p.Column = 0
	}
	return p
}

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

// value lays one node over v.
func (d *decoder) value(n ast.Node, v reflect.Value, key string, depth int) {
	if depth > maxNesting {
		d.add(n.GetToken(), key, "入れ子が深すぎます。雛形と見比べてください。", "nesting is too deep; compare with the template.")
		return
	}
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.add(n.GetToken(), key, "「&」「*」「!」「<<」の記法は使えません。値をそのまま書いてください。引用符で囲むと文字として書けます。",
			"anchors, aliases, merge keys and tags are not used here; write the value itself, or quote it.")
		return
	case *ast.NullNode:
		if depth == 0 {
			return
		}
		d.add(n.GetToken(), key, "値がありません。値を書くか、この行を消してください。", "there is no value; write one, or delete the line.")
		return
	}
	switch {
	case reflect.PointerTo(v.Type()).Implements(textType):
		d.text(n, v, key)
	case v.Kind() == reflect.Struct:
		d.object(n, v, key, depth)
	case v.Kind() == reflect.Map:
		d.table(n, v, key)
	case v.Kind() == reflect.Slice:
		d.list(n, v, key, depth)
	default:
		d.scalar(n, v, key)
	}
}

// pairs returns the entries of a mapping, without those whose key is written
// twice or is no plain word; those are reported.
func (d *decoder) pairs(n ast.Node, key string) []*ast.MappingValueNode {
	var all []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		all = n.Values
	case *ast.MappingValueNode:
		all = []*ast.MappingValueNode{n}
	default:
		d.add(n.GetToken(), key, "ここには「項目: 値」の並びを書いてください。", "write \"key: value\" lines here.")
		return nil
	}
	seen := map[string]bool{}
	var out []*ast.MappingValueNode
	for _, e := range all {
		t := e.Key.GetToken()
		name, ok := plain(e.Key)
		if !ok {
			d.add(t, key, "項目の名前として読めません。", "this is not the name of a key.")
			continue
		}
		if seen[name] {
			first := d.places[join(key, name)].line
			d.add(t, join(key, name), fmt.Sprintf("同じ項目が 2 回書かれています (1 回目は %d 行目)。どちらかを消してください。", first),
				fmt.Sprintf("the key is written twice (first in line %d); delete one of them.", first))
			continue
		}
		seen[name] = true
		d.places[join(key, name)] = place{line: t.Position.Line, column: t.Position.Column}
		out = append(out, e)
	}
	return out
}

func (d *decoder) object(n ast.Node, v reflect.Value, key string, depth int) {
	for _, e := range d.pairs(n, key) {
		name, _ := plain(e.Key)
		f, ok := field(v, name)
		if !ok {
			ja, en := unknown(name, names(v.Type()))
			d.add(e.Key.GetToken(), join(key, name), ja, en)
			continue
		}
		d.value(e.Value, f, join(key, name), depth+1)
	}
}

// table lays a mapping over a map with string keys and values.
func (d *decoder) table(n ast.Node, v reflect.Value, key string) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for _, e := range d.pairs(n, key) {
		name, _ := plain(e.Key)
		s, ok := plain(e.Value)
		if !ok {
			d.add(e.Value.GetToken(), join(key, name), "ここには 1 つの値を書いてください。", "write one value here.")
			continue
		}
		v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), reflect.ValueOf(s).Convert(v.Type().Elem()))
	}
}

// list replaces a slice: a list is never added to the default one.
func (d *decoder) list(n ast.Node, v reflect.Value, key string, depth int) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.add(n.GetToken(), key, "ここには並びを書いてください。例: [値1, 値2]", "write a list here, such as [one, two].")
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(seq.Values))
	for i, e := range seq.Values {
		k := fmt.Sprintf("%s[%d]", key, i)
		if t := e.GetToken(); t != nil && t.Position != nil {
			d.places[k] = place{line: t.Position.Line, column: t.Position.Column}
		}
		item := reflect.New(v.Type().Elem()).Elem()
		d.prepare(item)
		d.value(e, item, k, depth+1)
		out = reflect.Append(out, item)
	}
	v.Set(out)
}

func (d *decoder) text(n ast.Node, v reflect.Value, key string) {
	s, ok := plain(n)
	if !ok {
		d.add(n.GetToken(), key, "ここには 1 つの値を書いてください。", "write one value here.")
		return
	}
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
		ja, en := sentences(err)
		d.add(n.GetToken(), key, ja, en)
	}
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, key string) {
	s, ok := plain(n)
	if !ok {
		d.add(n.GetToken(), key, "ここには 1 つの値を書いてください。", "write one value here.")
		return
	}
	if err := set(v, s); err != nil {
		ja, en := sentences(err)
		d.add(n.GetToken(), key, ja, en)
	}
}

// set reads a plain word into a string, bool or whole number.
func set(v reflect.Value, s string) error {
	switch v.Kind() {
	case reflect.String:
		if strings.ContainsFunc(s, control) {
			return faultf("制御文字が含まれています。消してください。", "it holds a control character; remove it.")
		}
		v.SetString(s)
		return nil
	case reflect.Bool:
		if s != "true" && s != "false" {
			return faultf("「%s」とは書けません。true か false を書いてください。", "%q is not possible; write true or false.", s)
		}
		v.SetBool(s == "true")
		return nil
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, v.Type().Bits())
		if err != nil {
			return faultf("「%s」は整数として読めません。数字だけで書いてください。", "%q is not a whole number; write digits only.", s)
		}
		v.SetInt(i)
		return nil
	}
	return fmt.Errorf("a field of type %s cannot be set", v.Type())
}

func control(r rune) bool { return r < 0x20 || r >= 0x7F && r < 0xA0 }

// plain returns the text of a scalar.
func plain(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return strings.TrimRight(n.Value.Value, "\n"), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// field finds a struct's field by its yaml tag; inlined structs are searched.
func field(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch tag := f.Tag.Get("yaml"); {
		case tag == ",inline":
			if in, ok := field(v.Field(i), name); ok {
				return in, true
			}
		case tag == name && name != "":
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// names lists the keys that a struct type has.
func names(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		switch tag := t.Field(i).Tag.Get("yaml"); tag {
		case "":
		case ",inline":
			out = append(out, names(t.Field(i).Type)...)
		default:
			out = append(out, tag)
		}
	}
	return out
}
