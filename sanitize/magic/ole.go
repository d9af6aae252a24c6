package magic

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"sekisho/sanitize/format"
)

// Compound files ([MS-CFB]) hold the old Office formats, Outlook messages,
// installers and 一太郎 documents. What they are shows in the names of their
// directory.

const (
	oleMark      = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"
	maxDirectory = 4096       // entries looked at
	endOfChain   = 0xFFFFFFFA // this and above are no sector numbers
)

// oleFile is the directory of a compound file.
type oleFile struct {
	data    []byte
	shift   uint              // log2 of the sector size
	entries map[string]uint32 // first sector of each storage and stream
	class   []byte            // class of the root
}

// readOLE reads the directory of a compound file; what is damaged is missing.
func readOLE(data []byte) oleFile {
	f := oleFile{data: data, entries: map[string]uint32{}}
	if !has(data, 0, oleMark) || len(data) < 512 {
		return f
	}
	f.shift = uint(binary.LittleEndian.Uint16(data[30:]))
	if f.shift < 7 || f.shift > 16 {
		return f
	}
	sector := binary.LittleEndian.Uint32(data[48:])
	for n := 0; n < maxDirectory; {
		p := f.sector(sector)
		if p == nil {
			return f
		}
		for ; len(p) >= 128; p, n = p[128:], n+1 {
			f.entry(p[:128])
		}
		n++ // a short sector holds no entry
		sector = f.next(sector)
	}
	return f
}

// sector returns a sector's bytes, nil if there is no such sector. The last
// one of a file may be short.
func (f oleFile) sector(n uint32) []byte {
	if n >= endOfChain {
		return nil
	}
	start := (uint64(n) + 1) << f.shift
	if start >= uint64(len(f.data)) {
		return nil
	}
	return f.data[start:min(uint64(len(f.data)), start+1<<f.shift)]
}

// next follows the allocation table, of which the header lists 109 sectors:
// enough for 7 MB, and the directory is near the beginning.
func (f oleFile) next(n uint32) uint32 {
	per := uint32(1) << f.shift / 4
	i := n / per
	if i >= 109 {
		return endOfChain
	}
	table := f.sector(binary.LittleEndian.Uint32(f.data[76+4*i:]))
	p := at(table, int(n%per)*4, 4)
	if p == nil {
		return endOfChain
	}
	return binary.LittleEndian.Uint32(p)
}

func (f *oleFile) entry(p []byte) {
	size := int(binary.LittleEndian.Uint16(p[64:]))
	if p[66] == 0 || size < 2 || size > 64 {
		return
	}
	units := make([]uint16, 0, 32)
	for i := 0; i+1 < size-1; i += 2 {
		units = append(units, binary.LittleEndian.Uint16(p[i:]))
	}
	f.entries[string(utf16.Decode(units))] = binary.LittleEndian.Uint32(p[116:])
	if p[66] == 5 {
		f.class = p[80:96]
	}
}

// holds reports whether all names stand in the directory.
func (f oleFile) holds(names ...string) bool {
	for _, n := range names {
		if _, ok := f.entries[n]; !ok {
			return false
		}
	}
	return true
}

// head returns the first sector of a stream that is not a small one.
func (f oleFile) head(name string) []byte {
	n, ok := f.entries[name]
	if !ok {
		return nil
	}
	return f.sector(n)
}

// isEncryptedPackage recognizes an encrypted OOXML file.
func isEncryptedPackage(data []byte) bool {
	return readOLE(data).holds("EncryptedPackage")
}

func matchMSG(data []byte) format.Match {
	return certain(readOLE(data).holds("__properties_version1.0"))
}

// matchJTD recognizes 一太郎 documents, whose text is in a stream of this name.
func matchJTD(data []byte) format.Match {
	return certain(readOLE(data).holds("DocumentText"))
}

// matchOLE recognizes any compound file, the Office formats from before it
// (Write, Word 2, and Excel 2 to 4, whose files are bare records), and the XML
// that Office 2003 wrote, which opens in Word or Excel by its instruction.
func matchOLE(data []byte) format.Match {
	if has(data, 0, oleMark) {
		return format.Certain
	}
	if s := head(data); strings.HasPrefix(s, "<?xml") && strings.Contains(s, "<?mso-application") {
		return format.Certain
	}
	return signature("\x31\xBE\x00\x00", "\x32\xBE\x00\x00", "\xDB\xA5\x2D\x00", "\x09\x00\x04\x00", "\x09\x02\x06\x00", "\x09\x04\x06\x00")(data)
}

// oleReason recognizes encrypted Word, Excel and PowerPoint files.
func oleReason(data []byte) format.Reason {
	f := readOLE(data)
	if f.holds("EncryptedSummary") || f.encryptedWord() || f.encryptedBook("Workbook") || f.encryptedBook("Book") {
		return format.EncryptedDocument
	}
	return ""
}

// encryptedWord reads the fEncrypted bit ([MS-DOC] 2.5.2).
func (f oleFile) encryptedWord() bool {
	p := f.head("WordDocument")
	if len(p) < 12 || binary.LittleEndian.Uint16(p) != 0xA5EC {
		return false
	}
	return binary.LittleEndian.Uint16(p[10:])&0x0100 != 0
}

// encryptedBook looks for a FilePass record ([MS-XLS] 2.4.117) behind the
// first record of a workbook.
func (f oleFile) encryptedBook(name string) bool {
	const begin, filePass = 0x0809, 0x002F
	p := f.head(name)
	if len(p) < 4 || binary.LittleEndian.Uint16(p) != begin {
		return false
	}
	for len(p) >= 4 {
		if binary.LittleEndian.Uint16(p) == filePass {
			return true
		}
		n := 4 + int(binary.LittleEndian.Uint16(p[2:]))
		if n > len(p) {
			return false
		}
		p = p[n:]
	}
	return false
}
