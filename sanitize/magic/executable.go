package magic

import (
	"bytes"
	"encoding/binary"

	"sekisho/sanitize/format"
)

// eicar begins the industry's test file for virus scanners, a DOS program that
// is plain text (EICAR, "Anti-Malware Testfile").
const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$`

// matchExecutable recognizes programs and packages of programs.
func matchExecutable(data []byte) format.Match {
	for _, p := range []string{
		"\x7FELF", "\xFE\xED\xFA\xCE", "\xFE\xED\xFA\xCF", "\xCE\xFA\xED\xFE", "\xCF\xFA\xED\xFE", // ELF, Mach-O
		"\xCA\xFE\xBA\xBE", "\xCA\xFE\xD0\x0D", "\x00asm", "\x1BLua", "\xED\xAB\xEE\xDB", // Java, WebAssembly, Lua, rpm
	} {
		if bytes.HasPrefix(data, []byte(p)) {
			return format.Certain
		}
	}
	// Dalvik, deb and libraries, Chrome extension
	if letters("dex\n", "!<arch>\n", "Cr24")(data) == format.Certain {
		return format.Certain
	}
	return certain(isEicar(data) || isMZ(data) || isFlash(data) || isProgramZip(data) || isInstaller(data))
}

func executableReason(data []byte) format.Reason {
	if isEicar(data) {
		return format.MalwareFound
	}
	return ""
}

func isEicar(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data[:min(len(data), 128)], "\xEF\xBB\xBF \t\r\n"), []byte(eicar))
}

// isMZ recognizes DOS and Windows programs. A text that begins with the
// letters MZ has neither a new header where byte 60 points nor a zero byte
// among the first 64.
func isMZ(data []byte) bool {
	if !has(data, 0, "MZ") && !has(data, 0, "ZM") {
		return false
	}
	if p := at(data, 0x3C, 4); p != nil {
		switch string(at(data, int(binary.LittleEndian.Uint32(p)), 2)) {
		case "PE", "NE", "LE", "LX":
			return true
		}
	}
	return bytes.IndexByte(data[:min(len(data), 64)], 0) >= 0
}

// isFlash wants a small version number behind the letters, and a zero byte
// soon after.
func isFlash(data []byte) bool {
	return letters("FWS", "CWS", "ZWS")(data) == format.Certain && len(data) >= 8 && data[3] < 0x30
}

// isProgramZip recognizes Java, Android and Windows packages.
func isProgramZip(data []byte) bool {
	z := scanZip(data)
	return z.names["classes.dex"] || z.names["androidmanifest.xml"] || z.names["appxmanifest.xml"] ||
		z.names["appxblockmap.xml"] || z.names["extension.vsixmanifest"] ||
		z.names["meta-inf/manifest.mf"] && z.classes
}

// isInstaller recognizes Windows Installer files by the class of their root:
// {000C108x-0000-0000-C000-000000000046} for packages, patches, transforms.
func isInstaller(data []byte) bool {
	switch string(readOLE(data).class) {
	case "\x84\x10\x0C\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46",
		"\x86\x10\x0C\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46",
		"\x82\x10\x0C\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46":
		return true
	}
	return false
}

// matchDiskImage recognizes images of disks and discs.
func matchDiskImage(data []byte) format.Match {
	if has(data, 0, "# Disk DescriptorFile") || letters("conectix", "vhdxfile", "KDMV", "QFI\xFB", "MSWIM\x00", "hsqs")(data) == format.Certain {
		return format.Certain
	}
	const sector = 2048
	for _, off := range []int{16 * sector, 17 * sector, 18 * sector} { // ISO 9660 8.1, ECMA-167
		switch string(at(data, off+1, 5)) {
		case "CD001", "BEA01", "NSR02", "NSR03":
			return format.Certain
		}
	}
	footer := len(data) - 512
	return certain(has(data, footer, "conectix") || has(data, footer, "koly") || has(data, 0x40, "\x7F\x10\xDA\xBE"))
}
