package pdfium

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"

	lib "github.com/klippa-app/go-pdfium"
)

// instance is one PDFium with its own memory. Its calls go straight to the
// exported functions: the library's own methods look handles up in tables and
// allocate and free four numbers to read one box, for each character.
type instance struct {
	of     lib.Pdfium
	export func(name string) (function, error)
	funcs  map[string]function
	mem    memory
	stack  [16]uint64
	limit  int64 // bytes of memory it may have
	space  uint32
	broken bool
}

// function and memory are what we use of an instance; the library's types for
// them cannot be named from outside.
type function interface {
	CallWithStack(ctx context.Context, stack []uint64) error
}

type memory interface {
	Size() uint32
	Read(offset, count uint32) ([]byte, bool)
	Write(offset uint32, v []byte) bool
	ReadUint32Le(offset uint32) (uint32, bool)
	ReadUint64Le(offset uint32) (uint64, bool)
}

// spaceSize is the room for results that a function writes to memory.
const spaceSize = 256

// errHidden is a version of the library that enter does not fit.
var errHidden = errors.New("pdfium: this version of the library hides its functions")

// enter finds the functions and the memory behind the library's instance: the
// exported method Fn and field Module of its implementation, whose types are
// internal. A version without them fails here, before anything is read.
func enter(p lib.Pdfium) (*instance, error) {
	impl := reflect.ValueOf(p.GetImplementation())
	fn := impl.MethodByName("Fn")
	if !fn.IsValid() || impl.Kind() != reflect.Pointer {
		return nil, errHidden
	}
	module := impl.Elem().FieldByName("Module")
	if !module.IsValid() || module.Kind() != reflect.Interface {
		return nil, errHidden
	}
	mem, ok := module.Elem().MethodByName("Memory").Call(nil)[0].Interface().(memory)
	if !ok {
		return nil, errHidden
	}
	in := &instance{of: p, funcs: map[string]function{}, mem: mem}
	in.export = func(name string) (function, error) {
		f, ok := fn.Call([]reflect.Value{reflect.ValueOf(name)})[0].Interface().(function)
		if !ok {
			return nil, fmt.Errorf("pdfium: no function %s", name)
		}
		return f, nil
	}
	var err error
	in.space, err = in.alloc(spaceSize)
	return in, err
}

// close gives the instance's memory back.
func (in *instance) close() error {
	in.broken = true
	if err := in.of.Close(); err != nil {
		return fmt.Errorf("pdfium: close an instance: %w", err)
	}
	return nil
}

// call calls an exported function. Arguments and result are the raw 64 bits of
// a WebAssembly value. After an error the instance answers nothing more.
func (in *instance) call(name string, args ...uint64) (uint64, error) {
	f, err := in.function(name)
	if err != nil {
		return 0, err
	}
	return in.invoke(f, name, args...)
}

// function finds an exported function.
func (in *instance) function(name string) (function, error) {
	if f, known := in.funcs[name]; known {
		return f, nil
	}
	f, err := in.export(name)
	if err == nil {
		in.funcs[name] = f
	}
	return f, err
}

// invoke is call for a function that was found.
func (in *instance) invoke(f function, name string, args ...uint64) (uint64, error) {
	if in.broken {
		return 0, ErrTrap
	}
	copy(in.stack[:], args)
	if err := f.CallWithStack(context.Background(), in.stack[:]); err != nil {
		in.broken = true
		if in.full() {
			return 0, fmt.Errorf("%w: %s", ErrMemory, name)
		}
		return 0, fmt.Errorf("%w: %s: %w", ErrTrap, name, err)
	}
	return in.stack[0], nil
}

// full reports whether the memory has grown to where little more can be had:
// C++ ends the program when an allocation fails, which looks like any fault.
func (in *instance) full() bool {
	return int64(in.mem.Size()) > in.limit-in.limit/8
}

// number is call for a function that returns an int.
func (in *instance) number(name string, args ...uint64) (int, error) {
	r, err := in.call(name, args...)
	return int(int32(uint32(r))), err
}

// real is call for a function that returns a float.
func (in *instance) real(name string, args ...uint64) (float32, error) {
	r, err := in.call(name, args...)
	return math.Float32frombits(uint32(r)), err
}

// alloc takes size bytes of the instance's memory.
func (in *instance) alloc(size int) (uint32, error) {
	if size <= 0 || int64(size) > math.MaxInt32 {
		return 0, fmt.Errorf("%w: %d bytes", ErrMemory, size)
	}
	p, err := in.call("malloc", uint64(size))
	if err != nil {
		return 0, err
	}
	if uint32(p) == 0 {
		return 0, fmt.Errorf("%w: %d bytes", ErrMemory, size)
	}
	return uint32(p), nil
}

// put copies bytes into the instance's memory and returns where they are.
func (in *instance) put(data []byte) (uint32, error) {
	at, err := in.alloc(len(data))
	if err != nil {
		return 0, err
	}
	if !in.mem.Write(at, data) {
		return 0, in.lied()
	}
	return at, nil
}

// view returns a part of the instance's memory, not a copy.
func (in *instance) view(at uint32, size int) ([]byte, error) {
	if size < 0 || int64(size) > math.MaxInt32 {
		return nil, in.lied()
	}
	b, ok := in.mem.Read(at, uint32(size))
	if !ok {
		return nil, in.lied()
	}
	return b, nil
}

// lied ends an instance that names memory which it does not have.
func (in *instance) lied() error {
	in.broken = true
	return fmt.Errorf("%w: an answer outside of its memory", ErrTrap)
}

// word reads the n-th 32 bits of the space for results. The space was
// allocated, and memory never shrinks.
func (in *instance) word(n uint32) uint32 {
	v, _ := in.mem.ReadUint32Le(in.space + 4*n)
	return v
}

// float reads the n-th float of the space for results.
func (in *instance) float(n uint32) float32 { return math.Float32frombits(in.word(n)) }

// double reads the n-th double of the space for results.
func (in *instance) double(n uint32) float64 {
	v, _ := in.mem.ReadUint64Le(in.space + 8*n)
	return math.Float64frombits(v)
}

// at is the address of the n-th byte of the space for results.
func (in *instance) at(n uint32) uint64 { return uint64(in.space + n) }
