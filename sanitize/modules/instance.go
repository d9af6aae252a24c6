package modules

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// instance is a module at work on one picture. After the first error every
// call gives zero.
type instance struct {
	ctx context.Context
	mod api.Module
	err error
}

// run calls f with an instance of its own.
func (e *engine) run(f func(*instance) error) error {
	mod, err := e.rt.InstantiateModule(e.ctx, e.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTrap, err)
	}
	return errors.Join(f(&instance{ctx: e.ctx, mod: mod}), mod.Close(e.ctx))
}

// call calls an exported function and returns its result, 0 if it has none.
func (in *instance) call(name string, args ...uint64) uint64 {
	if in.err != nil {
		return 0
	}
	f := in.mod.ExportedFunction(name)
	if f == nil {
		in.err = fmt.Errorf("%w: no function %s", ErrTrap, name)
		return 0
	}
	out, err := f.Call(in.ctx, args...)
	if err != nil {
		in.err = fmt.Errorf("%w: %s: %w", ErrTrap, name, err)
		return 0
	}
	if len(out) == 0 {
		return 0
	}
	return out[0]
}

// alloc takes memory of the instance.
func (in *instance) alloc(size int64) uint64 {
	at := in.call("malloc", uint64(size))
	if at == 0 && in.err == nil {
		in.err = fmt.Errorf("%w: out of memory", ErrTooBig)
	}
	return at
}

// put copies bytes into the instance.
func (in *instance) put(data []byte) uint64 {
	at := in.alloc(int64(len(data)))
	if in.err == nil && !in.mod.Memory().Write(uint32(at), data) {
		in.err = fmt.Errorf("%w: memory", ErrTrap)
	}
	return at
}

// get copies bytes out of the instance.
func (in *instance) get(at uint64, size int64) []byte {
	if in.err != nil {
		return nil
	}
	view, ok := in.mod.Memory().Read(uint32(at), uint32(size))
	if !ok || size > 1<<31 {
		in.err = fmt.Errorf("%w: memory", ErrTrap)
		return nil
	}
	return bytes.Clone(view)
}

// word reads a number of 32 bits.
func (in *instance) word(at uint64) uint32 {
	b := in.get(at, 4)
	if in.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}
