package modules

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// Limits of the fonts of drawings. Each picture gets a copy of all of them.
const (
	maxFonts     = 8
	maxFontBytes = 32 << 20
	maxAllFonts  = 64 << 20
)

// ReadFonts reads the font files of directories, as far as drawings use them.
// Directories that are missing are passed over.
func ReadFonts(dirs []string) ([][]byte, error) {
	var all [][]byte
	left := int64(maxAllFonts)
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("modules: read fonts: %w", err)
		}
		for _, e := range entries {
			ext := strings.ToLower(filepath.Ext(e.Name()))
			if !e.Type().IsRegular() || !slices.Contains([]string{".ttf", ".otf", ".ttc", ".otc"}, ext) || len(all) >= maxFonts {
				continue
			}
			data, err := readFont(filepath.Join(dir, e.Name()), min(left, maxFontBytes))
			if err != nil {
				return nil, fmt.Errorf("modules: read fonts: %w", err)
			}
			if data != nil {
				all, left = append(all, data), left-int64(len(data))
			}
		}
	}
	return all, nil
}

// readFont returns a whole file, nil for one over the limit: a font that is cut
// off is none.
func readFont(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err = errors.Join(err, f.Close()); err != nil || int64(len(data)) > limit {
		return nil, err
	}
	return data, nil
}

// proportional is the family for words that name no other that is there, where
// it is installed: drawings are mostly of proportional letters.
const proportional = "IPAPGothic"

// defaultFamily chooses the family for such words: resvg would leave them out
// if it were one that is not there.
func defaultFamily(fonts [][]byte) string {
	first := ""
	for _, f := range fonts {
		switch name := family(f); {
		case name == proportional:
			return name
		case first == "":
			first = name
		}
	}
	return first
}

// family returns the English family name of a font, or of the first of a
// collection (OpenType 1.9, "name": platform 3, name 1, in UTF-16); "" if it
// cannot be read.
func family(font []byte) string {
	at := 0
	if tag(font, 0) == "ttcf" { // the table of offsets is behind tag, version and count
		at = int(u32(font, 12))
	}
	names := table(font, at, "name")
	count, texts := int(u16(names, 2)), int(u16(names, 4))
	other := ""
	for i := range count {
		r := 6 + 12*i
		if u16(names, r) != 3 || u16(names, r+6) != 1 {
			continue
		}
		start := texts + int(u16(names, r+10))
		end := start + int(u16(names, r+8))
		if start > end || end > len(names) {
			continue
		}
		name := utf16be(names[start:end])
		if u16(names, r+4) == 0x409 { // English (US), which is what fonts are asked for by
			return name
		}
		if other == "" {
			other = name
		}
	}
	return other
}

// table returns a table of the font whose directory is at an offset.
func table(font []byte, at int, name string) []byte {
	for i := range int(u16(font, at+4)) {
		r := at + 12 + 16*i
		if tag(font, r) != name {
			continue
		}
		start, length := int(u32(font, r+8)), int(u32(font, r+12))
		if start > len(font) || length > len(font)-start {
			return nil
		}
		return font[start : start+length]
	}
	return nil
}

// u16, u32 and tag read zero, or nothing, beyond the end.
func u16(b []byte, at int) uint16 {
	if at < 0 || at+2 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint16(b[at:])
}

func u32(b []byte, at int) uint32 {
	if at < 0 || at+4 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint32(b[at:])
}

func tag(b []byte, at int) string {
	if at < 0 || at+4 > len(b) {
		return ""
	}
	return string(b[at : at+4])
}

func utf16be(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+2 <= len(b); i += 2 {
		units = append(units, binary.BigEndian.Uint16(b[i:]))
	}
	return string(utf16.Decode(units))
}
