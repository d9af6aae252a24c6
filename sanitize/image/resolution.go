package image

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// The standard encoders write no resolution, so that a scanned page would
// print at another size. Its bytes are put behind the start of what they write.
const (
	pngHeader = 8 + 25 // signature and IHDR, PNG 5.2
	jpegStart = 2      // SOI, T.81 B.2.1
)

// physChunk makes a pHYs chunk, nil when there is no resolution.
// spec: png#11.3.4.3
func physChunk(d density) []byte {
	if d == (density{}) {
		return nil
	}
	x, y := d.metres()
	b := append(binary.BigEndian.AppendUint32(nil, 9), "pHYs"...)
	b = binary.BigEndian.AppendUint32(b, x)
	b = binary.BigEndian.AppendUint32(b, y)
	b = append(b, 1)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// jfifSegment makes a JFIF segment (1.02, without a thumbnail), nil when there
// is no resolution.
// spec: jfif#10.1
func jfifSegment(d density) []byte {
	x, y, ok := d.inches()
	if !ok {
		return nil
	}
	b := append([]byte{0xFF, markAPP0, 0, 16}, "JFIF\x00\x01\x02\x01"...)
	b = binary.BigEndian.AppendUint16(b, x)
	b = binary.BigEndian.AppendUint16(b, y)
	return append(b, 0, 0)
}

// inserter passes bytes on and puts extra behind the first at of them.
type inserter struct {
	w     io.Writer
	at    int
	extra []byte
}

// Write implements io.Writer.
func (i *inserter) Write(p []byte) (int, error) {
	n := 0
	if i.extra != nil && len(p) >= i.at {
		var err error
		if n, err = i.w.Write(p[:i.at]); err != nil {
			return n, err
		}
		if _, err = i.w.Write(i.extra); err != nil {
			return n, err
		}
		i.extra, p = nil, p[i.at:]
	}
	i.at -= len(p)
	m, err := i.w.Write(p)
	return n + m, err
}
