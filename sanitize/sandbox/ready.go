package sandbox

import (
	"encoding/binary"
	"fmt"
	"io"
)

// ready is the one message of the handshake, sent after the box is shut and
// before any input is read.
type ready struct {
	Walls Walls
	Fault string // why the worker will not serve
	Weak  bool   // the fault is that the minimum is missing
}

const maxReady = 4 << 10

// send writes the message with a length of four bytes before it, so that the
// parent reads exactly this much and leaves the rest to the caller.
func (r ready) send(w io.Writer) error {
	if len(r.Fault) > maxReady/8 {
		r.Fault = r.Fault[:maxReady/8]
	}
	body := fmt.Appendf(nil, "%d %d %t %q", r.Walls.bits(), r.Walls.LandlockABI, r.Weak, r.Fault)
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	if _, err := w.Write(append(frame, body...)); err != nil {
		return fmt.Errorf("write ready: %w", err)
	}
	return nil
}

// readReady reads the message, at most maxReady bytes.
func readReady(r io.Reader) (ready, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return ready{}, fmt.Errorf("read ready: %w", err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxReady {
		return ready{}, fmt.Errorf("read ready: %d bytes are too many", size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return ready{}, fmt.Errorf("read ready: %w", err)
	}
	var msg ready
	var bits uint
	if _, err := fmt.Sscanf(string(body), "%d %d %t %q", &bits, &msg.Walls.LandlockABI, &msg.Weak, &msg.Fault); err != nil {
		return ready{}, fmt.Errorf("read ready: %w", err)
	}
	msg.Walls.setBits(bits)
	return msg, nil
}
