package magic

import (
	"bytes"
	"encoding/binary"
	"strings"

	"sekisho/sanitize/format"
)

const (
	rarMark   = "Rar!\x1A\x07"
	maxBlocks = 10000 // of a RAR
)

// sevenReason looks for the AES coder in the header at the end of a 7z
// (7zFormat.txt). A header that is itself compressed hides it; then the reason
// stays general.
func sevenReason(data []byte) format.Reason {
	h := at(data, 0, 32)
	if h == nil {
		return ""
	}
	off, size := binary.LittleEndian.Uint64(h[12:]), binary.LittleEndian.Uint64(h[20:])
	if off > uint64(len(data)) || size > uint64(len(data)) {
		return ""
	}
	next := at(data, 32+int(off), int(size))
	if bytes.Contains(next, []byte{0x06, 0xF1, 0x07, 0x01}) {
		return format.EncryptedArchive
	}
	return ""
}

// rarReason walks the blocks of a RAR 4 or 5 for one that is encrypted.
func rarReason(data []byte) format.Reason {
	encrypted := false
	switch {
	case has(data, 6, "\x00"):
		encrypted = rar4(data[7:])
	case has(data, 6, "\x01\x00"):
		encrypted = rar5(data[8:])
	}
	if encrypted {
		return format.EncryptedArchive
	}
	return ""
}

// rar4: CRC (2), type (1), flags (2), size (2), and a data size (4) if flag
// 0x8000 is set.
func rar4(p []byte) bool {
	for range maxBlocks {
		if len(p) < 7 {
			return false
		}
		kind, flags := p[2], binary.LittleEndian.Uint16(p[3:])
		size := uint64(binary.LittleEndian.Uint16(p[5:]))
		if kind == 0x73 && flags&0x0080 != 0 || kind == 0x74 && flags&0x0004 != 0 {
			return true
		}
		if flags&0x8000 != 0 && len(p) >= 11 {
			size += uint64(binary.LittleEndian.Uint32(p[7:]))
		}
		if size < 7 || size > uint64(len(p)) {
			return false
		}
		p = p[size:]
	}
	return false
}

// rar5: CRC (4), then variable-length numbers: header size, type, flags, the
// size of the extra area (flag 1) and of the data (flag 2). Type 4 encrypts
// all headers; record 1 in a file's extra area encrypts the file.
func rar5(p []byte) bool {
	for range maxBlocks {
		if len(p) < 5 {
			return false
		}
		size, rest, ok := vint(p[4:])
		if !ok || size > uint64(len(rest)) {
			return false
		}
		head, after := rest[:size], rest[size:]
		kind, head, _ := vint(head)
		flags, head, ok := vint(head)
		if !ok {
			return false
		}
		var extra, content uint64
		if flags&1 != 0 {
			extra, head, _ = vint(head)
		}
		if flags&2 != 0 {
			content, head, _ = vint(head)
		}
		if kind == 4 || kind == 2 && encryptedRecord(head, extra) {
			return true
		}
		if content > uint64(len(after)) {
			return false
		}
		p = after[content:]
	}
	return false
}

// encryptedRecord looks for record 1 in the extra area at the end of a header.
func encryptedRecord(head []byte, extra uint64) bool {
	if extra > uint64(len(head)) {
		return false
	}
	for p := head[uint64(len(head))-extra:]; len(p) > 0; {
		size, rest, ok := vint(p)
		if !ok || size == 0 || size > uint64(len(rest)) {
			return false
		}
		if kind, _, ok := vint(rest); ok && kind == 1 {
			return true
		}
		p = rest[size:]
	}
	return false
}

// vint reads a number of seven bits a byte.
func vint(p []byte) (uint64, []byte, bool) {
	n, used := binary.Uvarint(p[:min(len(p), 10)])
	if used <= 0 {
		return 0, nil, false
	}
	return n, p[used:], true
}

// matchLZH recognizes "-lh5-" and its kin behind two bytes of header.
func matchLZH(data []byte) format.Match {
	m := at(data, 2, 5)
	return certain(m != nil && m[0] == '-' && m[4] == '-' &&
		(string(m[1:3]) == "lh" || string(m[1:3]) == "lz" || string(m[1:3]) == "pm") &&
		(m[3] >= '0' && m[3] <= '9' || m[3] == 'd' || m[3] == 's' || m[3] == 'x'))
}

// matchTar recognizes POSIX and GNU archives by their mark, older ones by the
// checksum of their first header.
func matchTar(data []byte) format.Match {
	if has(data, 257, "ustar") {
		return format.Certain
	}
	h := at(data, 0, 512)
	if h == nil || h[0] == 0 {
		return format.NoMatch
	}
	sum, want := int64(0), int64(0)
	for i, c := range h {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int64(c)
	}
	for _, c := range strings.Trim(string(h[148:156]), " \x00") {
		if c < '0' || c > '7' {
			return format.NoMatch
		}
		want = want*8 + int64(c-'0')
	}
	return certain(sum == want)
}

// matchBzip2 wants the mark of the first block, or of an empty file's end.
func matchBzip2(data []byte) format.Match {
	level := at(data, 3, 1)
	return certain(has(data, 0, "BZh") && level != nil && level[0] >= '1' && level[0] <= '9' &&
		(has(data, 4, "1AY&SY") || has(data, 4, "\x17\x72\x45\x38\x50\x90")))
}

// matchOtherArchive recognizes archives that nobody here is expected to send.
func matchOtherArchive(data []byte) format.Match {
	if signature("\x60\xEA", "\xC7\x71", "\x71\xC7", "\x1F\x9D", "\x1F\xA0", "LZIP\x01", "\x04\x22\x4D\x18", "ALZ\x01")(data) == format.Certain ||
		letters("StuffIt", "xar!", "EGGA", "070701", "070702", "070707")(data) == format.Certain {
		return format.Certain
	}
	return certain(has(data, 7, "**ACE**"))
}
