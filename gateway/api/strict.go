package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// errMember says that a JSON object has a member twice, one that nobody asked for,
// or one in another spelling.
var errMember = errors.New("a member that is doubled, unknown or spelt otherwise")

// maxNested is how deep a request is nested at most.
const maxNested = 32

// strictFormats are the library's formats with a reader of JSON that takes each
// member once and in its one spelling. The standard library matches names without
// regard to case and lets the last one win, so that whoever shows or filters a
// request before us sees another decision than we do (RFC 8259 section 4).
// spec: rfc8259#4
func strictFormats(formats map[string]huma.Format) map[string]huma.Format {
	out := maps.Clone(formats)
	for _, name := range []string{"application/json", "json"} {
		f := out[name]
		f.Unmarshal = strictJSON
		out[name] = f
	}
	return out
}

func strictJSON(data []byte, v any) error {
	t := reflect.TypeOf(v)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if err := onceEach(json.NewDecoder(bytes.NewReader(data)), t, 0); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// onceEach reads one value and holds its objects against a type; nil or an interface
// is any.
func onceEach(d *json.Decoder, t reflect.Type, depth int) error {
	if depth > maxNested {
		return errMember
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	tok, err := d.Token()
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('{'):
		err = members(d, t, depth)
	case json.Delim('['):
		var each reflect.Type
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			each = t.Elem()
		}
		for err == nil && d.More() {
			err = onceEach(d, each, depth+1)
		}
	default:
		return nil
	}
	if err == nil {
		_, err = d.Token() // its end
	}
	return err
}

// members reads those of one object.
func members(d *json.Decoder, t reflect.Type, depth int) error {
	seen := map[string]bool{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := tok.(string)
		if fold := strings.ToLower(name); seen[fold] {
			return errMember
		} else {
			seen[fold] = true
		}
		of, ok := member(t, name)
		if !ok {
			return errMember
		}
		if err := onceEach(d, of, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// member returns the type of a member, and false when there is no such one.
func member(t reflect.Type, name string) (reflect.Type, bool) {
	switch {
	case t == nil || t.Kind() == reflect.Interface:
		return nil, true
	case t.Kind() == reflect.Map:
		return t.Elem(), true
	case t.Kind() != reflect.Struct:
		return nil, true // of the wrong kind: the decoder says so
	}
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" {
			tag = f.Name
		}
		if tag == name && f.IsExported() {
			return f.Type, true
		}
	}
	return nil, false
}
