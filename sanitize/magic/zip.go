package magic

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"strings"

	"sekisho/sanitize/format"
)

// Limits of the look into a ZIP.
const (
	maxEntries  = 20000
	maxManifest = 1 << 20 // bytes of an ODF manifest
)

// zipScan is what the directory of a ZIP tells.
type zipScan struct {
	names     map[string]bool // of entries, lower case, forward slashes
	classes   bool            // some entry is a Java class
	encrypted bool            // some entry is encrypted
	manifest  zipEntry        // META-INF/manifest.xml
}

// zipEntry is where an entry lies.
type zipEntry struct {
	header int // offset of its local header
	size   int // compressed
	method uint16
}

// isZip reports whether data begins as a ZIP does (APPNOTE 4.3): a local
// header, an empty archive's end, or a spanned archive's mark.
func isZip(data []byte) bool {
	return has(data, 0, "PK\x03\x04") || has(data, 0, "PK\x05\x06") || has(data, 0, "PK\x07\x08PK")
}

// scanZip reads the central directory or, where there is none, the local
// headers. It answers an empty scan for what is not a ZIP.
func scanZip(data []byte) zipScan {
	z := zipScan{names: map[string]bool{}}
	if !isZip(data) {
		return z
	}
	if !z.central(data) {
		z.local(data)
	}
	return z
}

// central walks the central directory (APPNOTE 4.3.12) and reports whether it
// found an entry.
func (z *zipScan) central(data []byte) bool {
	const endLen = 22
	tail := max(0, len(data)-endLen-0xFFFF)
	end := bytes.LastIndex(data[tail:], []byte("PK\x05\x06"))
	if end < 0 || at(data, tail+end, endLen) == nil {
		return false
	}
	e := data[tail+end:]
	size, offset := int(binary.LittleEndian.Uint32(e[12:])), int(binary.LittleEndian.Uint32(e[16:]))
	// Bytes in front of the archive shift every offset.
	shift := tail + end - size - offset
	if shift < 0 {
		shift = 0
	}
	pos := offset + shift
	n := 0
	for ; n < maxEntries; n++ {
		h := at(data, pos, 46)
		if h == nil || string(h[:4]) != "PK\x01\x02" {
			break
		}
		nameLen := int(binary.LittleEndian.Uint16(h[28:]))
		name := at(data, pos+46, nameLen)
		if name == nil {
			break
		}
		z.entry(name, binary.LittleEndian.Uint16(h[8:]), zipEntry{
			header: int(binary.LittleEndian.Uint32(h[42:])) + shift,
			size:   int(binary.LittleEndian.Uint32(h[20:])),
			method: binary.LittleEndian.Uint16(h[10:]),
		})
		pos += 46 + nameLen + int(binary.LittleEndian.Uint16(h[30:])) + int(binary.LittleEndian.Uint16(h[32:]))
	}
	return n > 0
}

// local looks for local headers anywhere: sizes in them may be missing.
func (z *zipScan) local(data []byte) {
	pos := 0
	for range maxEntries {
		i := bytes.Index(data[pos:], []byte("PK\x03\x04"))
		if i < 0 {
			return
		}
		pos += i
		h := at(data, pos, 30)
		if h == nil {
			return
		}
		if name := at(data, pos+30, int(binary.LittleEndian.Uint16(h[26:]))); name != nil {
			z.entry(name, binary.LittleEndian.Uint16(h[6:]), zipEntry{
				header: pos, size: int(binary.LittleEndian.Uint32(h[18:])), method: binary.LittleEndian.Uint16(h[8:]),
			})
		}
		pos += 4
	}
}

func (z *zipScan) entry(name []byte, flags uint16, e zipEntry) {
	s := strings.ReplaceAll(strings.ToLower(string(name)), `\`, "/")
	z.names[s] = true
	z.classes = z.classes || strings.HasSuffix(s, ".class")
	z.encrypted = z.encrypted || flags&1 != 0
	if s == "meta-inf/manifest.xml" {
		z.manifest = e
	}
}

// content inflates an entry, at most limit bytes. It answers nil for what it
// cannot read.
func (e zipEntry) content(data []byte, limit int64) []byte {
	h := at(data, e.header, 30)
	if h == nil || string(h[:4]) != "PK\x03\x04" {
		return nil
	}
	start := e.header + 30 + int(binary.LittleEndian.Uint16(h[26:])) + int(binary.LittleEndian.Uint16(h[28:]))
	if start > len(data) {
		return nil
	}
	raw := data[start:]
	if e.size > 0 { // 0 where the size follows the data
		raw = raw[:min(len(raw), e.size)]
	}
	switch e.method {
	case 0:
		return raw[:min(int64(len(raw)), limit)]
	case 8:
		// An error leaves what came before it, which is enough to look at.
		b, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), limit))
		return b
	}
	return nil
}

func matchZip(data []byte) format.Match { return certain(isZip(data)) }

func zipReason(data []byte) format.Reason {
	if scanZip(data).encrypted {
		return format.EncryptedArchive
	}
	return ""
}

// matchOOXML recognizes OPC packages (ECMA-376 part 2), and encrypted ones,
// which are compound files ([MS-OFFCRYPTO] 2.3).
func matchOOXML(data []byte) format.Match {
	return certain(scanZip(data).names["[content_types].xml"] || isEncryptedPackage(data))
}

func ooxmlReason(data []byte) format.Reason {
	if isEncryptedPackage(data) || scanZip(data).encrypted {
		return format.EncryptedDocument
	}
	return ""
}

// matchODF recognizes OpenDocument packages by their parts; the mimetype entry
// may be damaged.
func matchODF(data []byte) format.Match {
	z := scanZip(data)
	if z.names["meta-inf/manifest.xml"] && z.names["content.xml"] {
		return format.Certain
	}
	const prefix = "mimetypeapplication/vnd.oasis.opendocument"
	return certain(isZip(data) && bytes.Contains(data[:min(len(data), 256)], []byte(prefix)))
}

// odfReason looks for encryption-data in the manifest (OpenDocument 1.3 part
// 2, 4.4).
func odfReason(data []byte) format.Reason {
	z := scanZip(data)
	m := z.manifest.content(data, maxManifest)
	if z.encrypted || bytes.Contains(m, []byte("encryption-data")) || bytes.Contains(m, []byte("encrypted-key")) {
		return format.EncryptedDocument
	}
	return ""
}
