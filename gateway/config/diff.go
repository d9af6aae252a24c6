package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"sekisho/sanitize/policy"
)

// entry is one value of a policy: its path, label and text.
type entry struct{ key, label, text string }

// Diff says in lines how b differs from a, for people: path, Japanese label,
// old and new value. It is empty for equal policies.
func Diff(a, b policy.Policy) []string {
	out := diffRules("default", fromRules(a.Default), fromRules(b.Default))
	before, after := named(a), named(b)
	for _, n := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[n]; !ok {
			out = append(out, fmt.Sprintf("overrides [%s]: 上書きがなくなります / removed", n))
		}
	}
	for _, n := range slices.Sorted(maps.Keys(after)) {
		old, ok := before[n]
		if !ok {
			out = append(out, fmt.Sprintf("overrides [%s]: 新しい上書きです / added", n))
			old = b.Default
		}
		out = append(out, diffRules(fmt.Sprintf("overrides [%s]", n), fromRules(old), fromRules(after[n]))...)
	}
	if len(out) == 0 && a.Digest() != b.Digest() {
		out = append(out, "overrides: 順番が変わります。最初に当てはまるものだけが使われます / the order changes; the first that matches counts")
	}
	return out
}

// named returns the overrides by their recipients.
func named(p policy.Policy) map[string]policy.Rules {
	out := map[string]policy.Rules{}
	for _, o := range p.Overrides {
		out[strings.Join(slices.Sorted(slices.Values(o.Recipients)), ", ")] = o.Rules
	}
	return out
}

func diffRules(where string, a, b rulesFile) []string {
	before, after := map[string]entry{}, map[string]entry{}
	for _, e := range entries(a) {
		before[e.key] = e
	}
	for _, e := range entries(b) {
		after[e.key] = e
	}
	all := map[string]entry{}
	maps.Copy(all, before)
	maps.Copy(all, after)
	var out []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		x, y := before[k].text, after[k].text
		if x == y {
			continue
		}
		if strings.HasPrefix(k, "kinds.") { // a kind without a line is quarantined
			x, y = orQuarantine(x), orQuarantine(y)
		}
		out = append(out, fmt.Sprintf("%s.%s (%s): %s → %s", where, k, all[k].label, x, y))
	}
	return out
}

func orQuarantine(s string) string {
	if s == "" {
		return string(policy.Quarantine)
	}
	return s
}

// entries lists the values of rules in the order of the file, kinds by name.
func entries(f rulesFile) []entry {
	var out []entry
	for _, k := range slices.Sorted(maps.Keys(f.Kinds)) {
		out = append(out, entry{"kinds." + k, k + " の扱い", f.Kinds[k]})
	}
	add := func(above string, v reflect.Value) {
		for i := range v.NumField() {
			t := v.Type().Field(i)
			switch x := v.Field(i).Interface().(type) {
			case map[string]string, limitsFile, pagesFile:
			case []string:
				out = append(out, entry{join(above, t.Tag.Get("yaml")), t.Tag.Get("doc"), flow(x)})
			default:
				out = append(out, entry{join(above, t.Tag.Get("yaml")), t.Tag.Get("doc"), print(v.Field(i))})
			}
		}
	}
	add("limits", reflect.ValueOf(f.Limits))
	add("pages", reflect.ValueOf(f.Pages))
	add("", reflect.ValueOf(f))
	return out
}
