package magic

import (
	"bytes"
	"encoding/binary"

	"sekisho/sanitize/format"
)

// matchBMP wants a known size of the information header behind "BM", which
// also begins words.
func matchBMP(data []byte) format.Match {
	h := at(data, 0, 26)
	if h == nil || h[0] != 'B' || h[1] != 'M' {
		return format.NoMatch
	}
	switch binary.LittleEndian.Uint32(h[14:]) {
	case 12, 16, 40, 52, 56, 64, 108, 124:
		return format.Certain
	}
	return format.NoMatch
}

// matchRIFF recognizes a RIFF file of the given form.
func matchRIFF(form string) func([]byte) format.Match {
	return func(data []byte) format.Match { return certain(has(data, 0, "RIFF") && has(data, 8, form)) }
}

// brands returns the brands of an ISO base media file (ISO/IEC 14496-12 4.3),
// the major one first, nil when it is none.
func brands(data []byte) []string {
	h := at(data, 0, 12)
	if h == nil || string(h[4:8]) != "ftyp" {
		return nil
	}
	size := int(min(binary.BigEndian.Uint32(h), 512))
	all := []string{string(h[8:12])}
	for off := 16; off+4 <= size && off+4 <= len(data); off += 4 {
		all = append(all, string(data[off:off+4]))
	}
	return all
}

func isAVIF(brands []string) bool {
	for _, b := range brands {
		if b == "avif" || b == "avis" {
			return true
		}
	}
	return false
}

func matchAVIF(data []byte) format.Match { return certain(isAVIF(brands(data))) }

func matchHEIC(data []byte) format.Match {
	b := brands(data)
	if len(b) == 0 || isAVIF(b) {
		return format.NoMatch
	}
	switch b[0] {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "mif2", "msf1":
		return format.Certain
	}
	return format.NoMatch
}

// matchICO wants a first entry whose reserved byte is zero and whose image
// begins behind the directory.
func matchICO(data []byte) format.Match {
	h := at(data, 0, 22)
	if h == nil || string(h[:2]) != "\x00\x00" || h[3] != 0 || h[2] != 1 && h[2] != 2 {
		return format.NoMatch
	}
	n := binary.LittleEndian.Uint16(h[4:])
	return certain(n > 0 && h[9] == 0 && binary.LittleEndian.Uint32(h[18:]) >= 6+16*uint32(n))
}

func matchEMF(data []byte) format.Match {
	return certain(has(data, 0, "\x01\x00\x00\x00") && has(data, 40, " EMF"))
}

// matchWMF recognizes placeable and bare metafiles ([MS-WMF] 2.3.2).
func matchWMF(data []byte) format.Match {
	if has(data, 0, "\xD7\xCD\xC6\x9A") {
		return format.Certain
	}
	h := at(data, 0, 18)
	return certain(h != nil && (h[0] == 1 || h[0] == 2) && h[1] == 0 && h[2] == 9 && h[3] == 0 && (h[5] == 1 || h[5] == 3) && h[4] == 0)
}

// matchSVG: a bare <svg> is also HTML, so its name decides; behind an XML
// declaration it is certain. Compressed drawings are gzip.
func matchSVG(data []byte) format.Match {
	s := head(data)
	root := skipXML(s)
	switch {
	case !bytes.HasPrefix([]byte(root), []byte("<svg")) && !bytes.HasPrefix([]byte(root), []byte("<!doctype svg")):
		return format.NoMatch
	case len(s) >= 5 && s[:5] == "<?xml":
		return format.Certain
	}
	return format.Plausible
}

// matchMedia recognizes sound and moving pictures.
func matchMedia(data []byte) format.Match {
	for _, p := range []string{"ID3\x02", "ID3\x03", "ID3\x04", "FLV\x01", "\x30\x26\xB2\x75\x8E\x66\xCF\x11", "\x1A\x45\xDF\xA3", "\x00\x00\x01\xBA", "\x00\x00\x01\xB3", "#!AMR", "MThd\x00\x00\x00\x06"} {
		if bytes.HasPrefix(data, []byte(p)) {
			return format.Certain
		}
	}
	if letters("OggS", "fLaC")(data) == format.Certain {
		return format.Certain
	}
	for _, box := range []string{"moov", "mdat", "wide", "free", "skip"} {
		if has(data, 4, box) && has(data, 0, "\x00") {
			return format.Certain
		}
	}
	form := string(at(data, 8, 4))
	riff := has(data, 0, "RIFF") && (form == "WAVE" || form == "AVI " || form == "RMID")
	iff := has(data, 0, "FORM") && (form == "AIFF" || form == "AIFC")
	video := len(brands(data)) > 0 && matchHEIC(data) == format.NoMatch && matchAVIF(data) == format.NoMatch
	return certain(riff || iff || video || isMPEGAudio(data))
}

// isMPEGAudio wants two frame headers in a row: two bytes of ones prove little.
func isMPEGAudio(data []byte) bool {
	n := mpegFrame(data)
	return n > 0 && (len(data) <= n || mpegFrame(data[n:]) > 0)
}

// mpegFrame returns the length of an MPEG 1 or 2 layer III frame, 0 if data
// does not begin with one (ISO/IEC 11172-3 2.4.2.3).
func mpegFrame(data []byte) int {
	h := at(data, 0, 4)
	if h == nil || h[0] != 0xFF || h[1]&0xE6 != 0xE2 || h[1]&0x18 == 0x08 {
		return 0
	}
	rates := [...]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0}
	samples := [...]int{44100, 48000, 32000, 0}
	slots := 144
	if h[1]&0x18 != 0x18 { // MPEG 2 and 2.5
		rates = [...]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0}
		samples = [...]int{22050, 24000, 16000, 0}
		slots = 72
		if h[1]&0x18 == 0 {
			samples = [...]int{11025, 12000, 8000, 0}
		}
	}
	rate, hz := rates[h[2]>>4], samples[h[2]>>2&3]
	if rate == 0 || hz == 0 {
		return 0
	}
	return slots*rate*1000/hz + int(h[2]>>1&1)
}
