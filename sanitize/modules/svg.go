package modules

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"math"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// SVG draws drawings (resvg). Scripts, links, animations and pictures outside
// of the file mean nothing to it.
type SVG struct {
	*engine
	fonts  [][]byte
	family string // for words that name no family that is there
}

// LoadSVG loads the module "svg"; it must run before the box is shut.
func LoadSVG(ctx context.Context, cfg Config) (*SVG, error) {
	e, err := load(ctx, "svg", cfg, glue)
	if err != nil {
		return nil, err
	}
	return &SVG{e, cfg.Fonts, defaultFamily(cfg.Fonts)}, nil
}

// Fonts returns how many font files letters are drawn with.
func (s *SVG) Fonts() int { return len(s.fonts) }

// Draw draws a drawing of UTF-8 text with zoom pixels for each of its own, or
// fewer when it would have more than limit, and returns the zoom that was
// used. The errors are ErrRefused, ErrTrap and ErrTooBig.
func (s *SVG) Draw(text []byte, zoom float64, limit int64) (Picture, float64, error) {
	var p Picture
	err := s.run(func(in *instance) error {
		in.ctx = context.WithValue(in.ctx, thingsKey{}, &things{held: map[uint32]any{}})
		w, h, err := s.size(in, text)
		if err != nil {
			return err
		}
		if most := math.Sqrt(float64(limit) / (w * h)); zoom > most {
			zoom = most
		}
		if zoom < minZoom {
			return fmt.Errorf("%w: %.0f x %.0f", ErrTooBig, w, h)
		}
		p, err = s.draw(in, text, zoom, limit)
		return err
	})
	return p, zoom, err
}

// minZoom keeps letters readable.
const minZoom = 0.25

// drawer is a parsed drawing of an instance, with the objects that it holds.
type drawer struct {
	in     *instance
	things *things
	ret    uint64 // where functions put their results
	self   uint64
}

func (s *SVG) open(in *instance, text []byte, zoom float64) (*drawer, error) {
	d := &drawer{in: in, things: of(in.ctx)}
	type font struct {
		System bool   `json:"loadSystemFonts"`
		Family string `json:"defaultFontFamily"`
	}
	options, err := json.Marshal(map[string]any{
		"font":  font{Family: s.family},
		"fitTo": map[string]any{"mode": "zoom", "value": zoom},
	})
	if err != nil {
		return nil, err
	}
	fonts := make([]any, 0, len(s.fonts))
	for _, f := range s.fonts {
		fonts = append(fonts, f)
	}
	d.ret = in.call("__wbindgen_add_to_stack_pointer", api.EncodeI32(-16))
	at := in.call("__wbindgen_malloc", uint64(len(options)), 1)
	if in.err == nil && !in.mod.Memory().Write(uint32(at), options) {
		in.err = fmt.Errorf("%w: memory", ErrTrap)
	}
	in.call("resvg_new", d.ret, uint64(d.things.add(string(text))), at, uint64(len(options)), uint64(d.things.add(fonts)))
	d.self, err = d.result()
	return d, err
}

// result reads what a function returned: a value, or an error.
func (d *drawer) result() (uint64, error) {
	v, thing, failed := d.in.word(d.ret), d.in.word(d.ret+4), d.in.word(d.ret+8)
	switch {
	case d.in.err != nil:
		return 0, d.in.err
	case failed != 0:
		return 0, fmt.Errorf("%w: %.200v", ErrRefused, d.things.take(thing))
	}
	return uint64(v), nil
}

// size returns width and height in pixels of the drawing's own.
func (s *SVG) size(in *instance, text []byte) (float64, float64, error) {
	d, err := s.open(in, text, 1)
	if err != nil {
		return 0, 0, err
	}
	w, h := float64(api.DecodeF32(in.call("resvg_width", d.self))), float64(api.DecodeF32(in.call("resvg_height", d.self)))
	in.call("__wbg_resvg_free", d.self)
	switch {
	case in.err != nil:
		return 0, 0, in.err
	case !(w > 0 && h > 0 && w < 1e7 && h < 1e7): // NaN too
		return 0, 0, fmt.Errorf("%w: size", ErrRefused)
	}
	return w, h, nil
}

func (s *SVG) draw(in *instance, text []byte, zoom float64, limit int64) (Picture, error) {
	d, err := s.open(in, text, zoom)
	if err != nil {
		return Picture{}, err
	}
	in.call("resvg_render", d.ret, d.self)
	picture, err := d.result()
	if err != nil {
		return Picture{}, err
	}
	in.call("renderedimage_asPng", d.ret, picture)
	at, err := d.result()
	if err != nil {
		return Picture{}, err
	}
	data, ok := d.things.take(uint32(at)).([]byte)
	if !ok {
		return Picture{}, fmt.Errorf("%w: no picture", ErrTrap)
	}
	cfg, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return Picture{}, fmt.Errorf("%w: %w", ErrTrap, err)
	}
	if err := sized(cfg.Width, cfg.Height, limit+int64(cfg.Width)+int64(cfg.Height)); err != nil { // sides are rounded up
		return Picture{}, err
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return Picture{}, fmt.Errorf("%w: %w", ErrTrap, err)
	}
	return Picture{Image: img}, nil
}

// things are the objects of JavaScript that the module holds by number.
type things struct {
	held map[uint32]any
	last uint32
}

type thingsKey struct{}

// maxThings bounds them; the module holds a handful at a time.
const maxThings = 100_000

var errThings = errors.New("modules: too many objects")

func (t *things) add(v any) uint32 {
	if len(t.held) > maxThings {
		panic(errThings) // wazero turns it into an error of the call
	}
	t.last++
	t.held[t.last+200] = v // the first numbers stand for undefined and the like
	return t.last + 200
}

func (t *things) take(i uint32) any {
	v := t.held[i]
	delete(t.held, i)
	return v
}

// window is a part of the module's memory, all of it, or an iterator's step.
type (
	window struct{ at, n uint32 }
	buffer struct{}
	steps  struct {
		left []any
	}
	step struct {
		value any
		done  bool
	}
)

// glue gives resvg the functions of JavaScript that its bindings name: strings,
// byte arrays, and a walk over the list of fonts.
func glue(ctx context.Context, rt wazero.Runtime) error {
	b := rt.NewHostModuleBuilder("wbg")
	for name, f := range glueFunctions() {
		b = b.NewFunctionBuilder().WithFunc(f).Export(name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

func of(ctx context.Context) *things {
	t, ok := ctx.Value(thingsKey{}).(*things)
	if !ok {
		panic(errThings)
	}
	return t
}

// text reads a string of the module.
func text(m api.Module, at, n uint32) string {
	b, ok := m.Memory().Read(at, n)
	if !ok {
		panic(errThings)
	}
	return string(b)
}

// contents returns the bytes that an object stands for.
func contents(m api.Module, v any) []byte {
	switch v := v.(type) {
	case window:
		b, ok := m.Memory().Read(v.at, v.n)
		if !ok {
			panic(errThings)
		}
		return b
	case []byte:
		return v
	}
	return nil
}

func glueFunctions() map[string]any {
	return map[string]any{
		"__wbindgen_memory":             func(ctx context.Context) uint32 { return of(ctx).add(buffer{}) },
		"__wbg_buffer_12d079cc21e14bdb": func(ctx context.Context, _ uint32) uint32 { return of(ctx).add(buffer{}) },
		"__wbindgen_object_drop_ref":    func(ctx context.Context, i uint32) { of(ctx).take(i) },
		"__wbg_new_16b304a2cfa7ff4a":    func(ctx context.Context) uint32 { return of(ctx).add([]any{}) },
		"__wbg_push_a5b05aedc7234f9f":   func(context.Context, uint32, uint32) uint32 { return 0 },
		"__wbindgen_throw":              func(_ context.Context, m api.Module, at, n uint32) { panic(errors.New(text(m, at, min(n, 200)))) },
		"__wbg_new_28c511d9baebfa89":    glueText,
		"__wbindgen_string_new":         glueText,
		"__wbindgen_string_get":         glueString,
		"__wbg_new_63b92bc8671ed464":    glueArray,
		"__wbg_set_a47bac70306a19a7":    glueSet,
		"__wbg_values_839f3396d5aac002": glueValues,
		"__wbg_next_196c84450b364254":   glueNext,
		"__wbg_length_c20a40f15020d68a": func(ctx context.Context, m api.Module, i uint32) uint32 {
			return uint32(len(contents(m, of(ctx).held[i])))
		},
		"__wbg_instanceof_Uint8Array_2b3bbecd033d19f6": func(ctx context.Context, i uint32) uint32 {
			if _, ok := of(ctx).held[i].([]byte); ok {
				return 1
			}
			return 0
		},
		"__wbg_newwithbyteoffsetandlength_aa4a17c33a06e5cb": func(ctx context.Context, _, at, n uint32) uint32 {
			return of(ctx).add(window{at, n})
		},
		"__wbg_done_298b57d23c0fc80c": func(ctx context.Context, i uint32) uint32 {
			if s, ok := of(ctx).held[i].(step); ok && !s.done {
				return 0
			}
			return 1
		},
		"__wbg_value_d93c65011f51a456": func(ctx context.Context, i uint32) uint32 {
			s, _ := of(ctx).held[i].(step)
			return of(ctx).add(s.value)
		},
	}
}

func glueText(ctx context.Context, m api.Module, at, n uint32) uint32 {
	return of(ctx).add(text(m, at, n))
}

// glueString copies a string into the module and tells where.
func glueString(ctx context.Context, m api.Module, ret, i uint32) {
	var at, n uint32
	if s, ok := of(ctx).held[i].(string); ok && s != "" {
		out, err := m.ExportedFunction("__wbindgen_malloc").Call(ctx, uint64(len(s)), 1)
		if err != nil || !m.Memory().WriteString(uint32(out[0]), s) {
			panic(errThings)
		}
		at, n = uint32(out[0]), uint32(len(s))
	}
	if !m.Memory().WriteUint32Le(ret, at) || !m.Memory().WriteUint32Le(ret+4, n) {
		panic(errThings)
	}
}

// glueArray is new Uint8Array of the memory, or of what another one holds.
func glueArray(ctx context.Context, m api.Module, i uint32) uint32 {
	v := of(ctx).held[i]
	if _, all := v.(buffer); all {
		return of(ctx).add(window{0, m.Memory().Size()})
	}
	return of(ctx).add(bytes.Clone(contents(m, v)))
}

// glueSet copies one array into another, which lies in the module's memory.
func glueSet(ctx context.Context, m api.Module, to, from, at uint32) {
	w, ok := of(ctx).held[to].(window)
	src := contents(m, of(ctx).held[from])
	if !ok || uint64(at)+uint64(len(src)) > uint64(w.n) || !m.Memory().Write(w.at+at, src) {
		panic(errThings)
	}
}

func glueValues(ctx context.Context, i uint32) uint32 {
	list, _ := of(ctx).held[i].([]any)
	return of(ctx).add(&steps{left: list})
}

func glueNext(ctx context.Context, i uint32) uint32 {
	s, ok := of(ctx).held[i].(*steps)
	if !ok || len(s.left) == 0 {
		return of(ctx).add(step{done: true})
	}
	v := s.left[0]
	s.left = s.left[1:]
	return of(ctx).add(step{value: v})
}
