package pdfread

import "slices"

// Layers (ISO 32000-2, 8.11) that are switched off are not drawn by the engine,
// but for annotations: those it draws whatever their layer. So it is looked up
// here; an annotation whose layer cannot be looked up is not drawn, and told of.

// shown reports whether the layer of an annotation is on, the i-th of a page,
// both from 0, and whether that is known.
func (t *tree) shown(page, i int) (on, known bool) {
	if page >= len(t.pages) {
		return false, false
	}
	t.blind = false
	all, _ := t.resolve(t.pages[page].annots).([]any)
	if i >= len(all) {
		return false, false
	}
	annot, ok := t.resolve(all[i]).(map[name]any)
	if !ok {
		return false, false
	}
	on = t.on(annot["OC"])
	return on && !t.blind, !t.blind
}

// on reports whether a layer, or a group of layers by its rule (table 97), is
// on. One with an expression is not: we do not read it.
func (t *tree) on(layer any) bool {
	d, ok := t.resolve(layer).(map[name]any)
	if !ok {
		return false
	}
	if d["Type"] != name("OCMD") {
		return t.switchedOn(layer, d)
	}
	if d["VE"] != nil {
		return false
	}
	members, several := t.resolve(d["OCGs"]).([]any)
	if !several {
		members = []any{d["OCGs"]}
	}
	on, off := 0, 0
	for _, m := range members {
		switch g, ok := t.resolve(m).(map[name]any); {
		case !ok: // null, as good as absent
		case t.switchedOn(m, g):
			on++
		default:
			off++
		}
	}
	switch {
	case on+off == 0:
		return true
	case d["P"] == name("AllOn"):
		return off == 0
	case d["P"] == name("AnyOff"):
		return off > 0
	case d["P"] == name("AllOff"):
		return on == 0
	}
	return on > 0
}

// switchedOn reports whether one layer is on: by what it says of viewing, as the
// engine has it, and else by the configuration that a document is opened with.
func (t *tree) switchedOn(layer any, d map[name]any) bool {
	usage, _ := t.resolve(d["Usage"]).(map[name]any)
	view, _ := t.resolve(usage["View"]).(map[name]any)
	if state, says := view["ViewState"]; says {
		return t.resolve(state) != name("OFF")
	}
	catalog, _ := t.resolve(t.t.root).(map[name]any)
	properties, _ := t.resolve(catalog["OCProperties"]).(map[name]any)
	config, _ := t.resolve(properties["D"]).(map[name]any)
	in := func(key name) bool {
		list, _ := t.resolve(config[key]).([]any)
		return slices.Contains(refs(list), layer)
	}
	if t.resolve(config["BaseState"]) == name("OFF") {
		return in("ON")
	}
	return !in("OFF")
}

// refs are the references in a list: only they can be compared.
func refs(list []any) []any {
	return slices.DeleteFunc(slices.Clone(list), func(v any) bool {
		_, ok := v.(ref)
		return !ok
	})
}
