package magic

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/sanitizetest"
)

// judge does what the engine does with magic's rows alone: the first certain
// row, else the first plausible one.
func judge(data []byte) (format.Kind, format.Match, format.Reason) {
	var best *Row
	rows := Rows()
	for i := range rows {
		switch rows[i].Match(data) {
		case format.Certain:
			return answer(&rows[i], format.Certain, data)
		case format.Plausible:
			if best == nil {
				best = &rows[i]
			}
		}
	}
	if best != nil {
		return answer(best, format.Plausible, data)
	}
	return format.Unknown, format.NoMatch, ""
}

func answer(r *Row, m format.Match, data []byte) (format.Kind, format.Match, format.Reason) {
	if r.Reason == nil {
		return r.Kind, m, ""
	}
	return r.Kind, m, r.Reason(data)
}

type sample struct {
	name   string
	data   []byte
	kind   format.Kind
	match  format.Match
	reason format.Reason
}

func samples(t testing.TB) []sample { return append(codeSamples(t), contentSamples(t)...) }

// codeSamples are what is never accepted.
func codeSamples(t testing.TB) []sample {
	const c, p = format.Certain, format.Plausible
	msi := "\x84\x10\x0C\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46"
	return []sample{
		{"PE", padded("MZ\x90\x00", 200, 0x3C, "\x80\x00\x00\x00"+strings.Repeat("\x00", 64)+"PE\x00\x00"), format.Executable, c, ""},
		{"ELF", []byte("\x7FELF\x02\x01\x01"), format.Executable, c, ""},
		{"Mach-O", []byte("\xCF\xFA\xED\xFE\x07\x00"), format.Executable, c, ""},
		{"Java class", []byte("\xCA\xFE\xBA\xBE\x00\x00\x00\x34"), format.Executable, c, ""},
		{"dex", []byte("dex\n035\x00"), format.Executable, c, ""},
		{"wasm", []byte("\x00asm\x01\x00\x00\x00"), format.Executable, c, ""},
		{"flash", []byte("FWS\x0A\x00\x01\x00\x00"), format.Executable, c, ""},
		{"installer", oleOf(msi, "x"), format.Executable, c, ""},
		{"jar", zipOf(t, "META-INF/MANIFEST.MF=x", "a/B.class=x"), format.Executable, c, ""},
		{"apk", zipOf(t, "AndroidManifest.xml=x", "classes.dex=x"), format.Executable, c, ""},
		{"eicar", []byte(eicar + "$EICAR"), format.Executable, c, format.MalwareFound},
		{"lnk", append([]byte("L\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46"), 0, 0), format.Shortcut, c, ""},
		{"url", []byte("[InternetShortcut]\r\nURL=http://evil.test/\r\n"), format.Shortcut, c, ""},
		{"url behind properties", []byte("[{000214A0-0000-0000-C000-000000000046}]\r\nProp3=19,2\r\n[InternetShortcut]\r\nURL=x\r\n"), format.Shortcut, c, ""},
		{"wide url", wide("[InternetShortcut]\r\nURL=file://x\r\n"), format.Shortcut, c, ""},
		{"library", []byte("<?xml version=\"1.0\"?>\n<libraryDescription xmlns=\"x\">"), format.Shortcut, c, ""},
		{"settings", []byte("<?xml version=\"1.0\"?>\n<!-- x -->\n<PCSettings>"), format.Shortcut, c, ""},
		{"desktop", []byte("[Desktop Entry]\nExec=sh\n"), format.Shortcut, c, ""},
		{"scf", []byte("[Shell]\r\nCommand=2\r\nIconFile=\\\\x\\y\r\n"), format.Shortcut, c, ""},
		{"webloc", []byte("<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>URL</key>"), format.Shortcut, c, ""},
		{"iso", padded("", 0x9000, 0x8001, "CD001"), format.DiskImage, c, ""},
		{"udf", padded("", 0x9000, 0x8001, "BEA01"), format.DiskImage, c, ""},
		{"vhd footer", padded("x", 2048, 1536, "conectix"), format.DiskImage, c, ""},
		{"vhdx", []byte("vhdxfile\x00\x00"), format.DiskImage, c, ""},
		{"dmg", padded("x", 2048, 1536, "koly"), format.DiskImage, c, ""},
		{"vmdk", []byte("KDMV\x01\x00\x00\x00"), format.DiskImage, c, ""},
		{"shell", []byte("#!/bin/sh\nrm -rf /\n"), format.Script, c, ""},
		{"batch", []byte("\r\n@ECHO OFF\r\ndel x\r\n"), format.Script, c, ""},
		{"hta", []byte("<html><head><HTA:APPLICATION id=x></head>"), format.Script, c, ""},
		{"wsf", []byte("<job id=1><script language=VBScript>"), format.Script, c, ""},
		{"scriptlet", []byte("<?XML version=\"1.0\"?>\n<scriptlet>"), format.Script, c, ""},
		{"registry", wide("Windows Registry Editor Version 5.00\r\n"), format.Script, c, ""},
		{"inf", []byte("[Version]\r\nSignature=\"$CHICAGO$\"\r\n"), format.Script, c, ""},
		{"iqy", []byte("WEB\r\n1\r\nhttp://evil.test/x\r\n"), format.Script, c, ""},
		{"sylk", []byte("ID;PWXL;N;E\nP;PGeneral\n"), format.Script, c, ""},
		{"vbs", []byte("Set o = CreateObject(\"WScript.Shell\")\n"), format.Script, p, ""},
		{"powershell", []byte("powershell -enc AAAA\n"), format.Script, p, ""},
		{"chm", []byte("ITSF\x03\x00\x00\x00"), format.Help, c, ""},
	}
}

// contentSamples are documents, pictures, archives and the rest.
func contentSamples(t testing.TB) []sample {
	const c, p = format.Certain, format.Plausible
	docx := zipOf(t, "[Content_Types].xml=<Types/>", "word/document.xml=<w/>")
	odt := zipOf(t, "mimetype=application/vnd.oasis.opendocument.text", "content.xml=x", "META-INF/manifest.xml=<manifest/>")
	lockedODT := zipOf(t, "mimetype=application/vnd.oasis.opendocument.text", "content.xml=x", "META-INF/manifest.xml=<manifest:encryption-data/>")
	plainZip := zipOf(t, "a.txt=hello")
	frame := append([]byte{0xFF, 0xFB, 0x90, 0x00}, make([]byte, 413)...)
	bof := "\x09\x08\x10\x00" + strings.Repeat("\x00", 16)
	return []sample{
		{"docx", docx, format.OOXML, c, ""},
		{"docx without its directory", withoutDirectory(docx), format.OOXML, c, ""},
		{"docx with a prefix of nothing", docx, format.OOXML, c, ""},
		{"encrypted docx", oleOf("", "EncryptedPackage", "EncryptionInfo"), format.OOXML, c, format.EncryptedDocument},
		{"odt", odt, format.ODF, c, ""},
		{"odt without its directory", withoutDirectory(odt), format.ODF, c, ""},
		{"encrypted odt", lockedODT, format.ODF, c, format.EncryptedDocument},
		{"encrypted odt without its directory", withoutDirectory(lockedODT), format.ODF, c, format.EncryptedDocument},
		{"msg", oleOf("", "__nameid_version1.0", "__properties_version1.0", "__substg1.0_0037001F"), format.MSG, c, ""},
		{"jtd", oleOf("", "DocumentText", "LineMark", "a", "b", "c", "d"), format.JTD, c, ""},
		{"doc", oleOf("", "WordDocument=\xEC\xA5\xC1\x00\x00\x00\x00\x00\x00\x00\x00\x00", "1Table"), format.OLE, c, ""},
		{"encrypted doc", oleOf("", "WordDocument=\xEC\xA5\xC1\x00\x00\x00\x00\x00\x00\x00\x00\x01"), format.OLE, c, format.EncryptedDocument},
		{"xls", oleOf("", "Workbook="+bof+"\xE1\x00\x02\x00\xB0\x04"), format.OLE, c, ""},
		{"encrypted xls", oleOf("", "a", "b", "c", "d", "e", "Workbook="+bof+"\x2F\x00\x06\x00\x00\x00"), format.OLE, c, format.EncryptedDocument},
		{"encrypted ppt", oleOf("", "PowerPoint Document", "EncryptedSummary"), format.OLE, c, format.EncryptedDocument},
		{"damaged ole", []byte(oleMark), format.OLE, c, ""},
		{"excel 4", []byte("\x09\x04\x06\x00\x00\x00\x10\x00"), format.OLE, c, ""},
		{"rtf", []byte(`{\rtf1\ansi`), format.RTF, c, ""},
		{"short rtf mark", []byte(`{\rt1`), format.RTF, c, ""},
		{"pdf", []byte("%PDF-1.7\n1 0 obj\n"), format.PDF, c, ""},
		{"pdf behind junk", []byte(strings.Repeat("x", 900) + "%PDF-1.4\n1 0 obj\nstartxref\n"), format.PDF, c, ""},
		{"text about pdf", []byte("ファイルは%PDF-で始まります。"), format.PDF, p, ""},
		{"encrypted pdf", []byte("%PDF-1.7\ntrailer <</Root 1 0 R/Encrypt 5 0 R>>"), format.PDF, c, format.EncryptedDocument},
		{"pdf with plain metadata", []byte("%PDF-1.7\n<</EncryptMetadata false>>"), format.PDF, c, ""},
		{"one", []byte(oneNoteGUID), format.OneNote, c, ""},
		{"mht by a browser", []byte("From: <Saved by Blink>\r\nMIME-Version: 1.0\r\n"), format.MHT, c, ""},
		{"mht", []byte("MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n"), format.MHT, p, ""},
		{"tnef", []byte("\x78\x9F\x3E\x22\x01\x00"), format.TNEF, c, ""},
		{"ics", []byte("\xEF\xBB\xBFBEGIN:VCALENDAR\r\nVERSION:2.0\r\n"), format.ICS, c, ""},
		{"vcf", []byte("begin:vcard\r\n"), format.VCF, c, ""},
		{"bmp", padded("BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28", 60, 20, ""), format.BMP, c, ""},
		{"tiff", []byte("II*\x00\x08\x00\x00\x00"), format.TIFF, c, ""},
		{"webp", []byte("RIFF\x10\x00\x00\x00WEBPVP8 "), format.WebP, c, ""},
		{"heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), format.HEIC, c, ""},
		{"avif", []byte("\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif"), format.AVIF, c, ""},
		{"ico", padded("\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00\x68\x04\x00\x00\x16", 30, 24, ""), format.ICO, c, ""},
		{"svg", []byte("<?xml version=\"1.0\"?>\n<!DOCTYPE svg PUBLIC \"x\">\n<svg>"), format.SVG, c, ""},
		{"bare svg", []byte("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), format.SVG, p, ""},
		{"emf", padded("\x01\x00\x00\x00", 100, 40, " EMF"), format.EMF, c, ""},
		{"wmf", []byte("\xD7\xCD\xC6\x9A\x00\x00"), format.WMF, c, ""},
		{"bare wmf", []byte("\x01\x00\x09\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), format.WMF, c, ""},
		{"zip", plainZip, format.Zip, c, ""},
		{"empty zip", zipOf(t), format.Zip, c, ""},
		{"encrypted zip", encrypted(plainZip), format.Zip, c, format.EncryptedArchive},
		{"encrypted zip without its directory", withoutDirectory(encrypted(plainZip)), format.Zip, c, format.EncryptedArchive},
		{"7z", append([]byte("7z\xBC\xAF\x27\x1C\x00\x04"), make([]byte, 40)...), format.SevenZ, c, ""},
		{"encrypted 7z", append(padded("7z\xBC\xAF\x27\x1C\x00\x04", 32, 20, "\x08"), "\x17\x06\x06\xF1\x07\x01\x00\x00"...), format.SevenZ, c, format.EncryptedArchive},
		{"rar 4", []byte("Rar!\x1A\x07\x00\x00\x00\x73\x00\x00\x0D\x00\x00\x00\x00\x00\x00\x00"), format.RAR, c, ""},
		{"encrypted rar 4", []byte("Rar!\x1A\x07\x00\x00\x00\x73\x80\x00\x0D\x00\x00\x00\x00\x00\x00\x00"), format.RAR, c, format.EncryptedArchive},
		{"rar 5", []byte("Rar!\x1A\x07\x01\x00\x00\x00\x00\x00\x03\x01\x00\x00"), format.RAR, c, ""},
		{"encrypted rar 5", []byte("Rar!\x1A\x07\x01\x00\x00\x00\x00\x00\x03\x04\x00\x00"), format.RAR, c, format.EncryptedArchive},
		{"encrypted file in a rar 5", []byte("Rar!\x1A\x07\x01\x00\x00\x00\x00\x00\x05\x02\x01\x02\x01\x01"), format.RAR, c, format.EncryptedArchive},
		{"lzh", []byte("\x20\x00-lh5-\x00\x00"), format.LZH, c, ""},
		{"tar", tarOf(t), format.Tar, c, ""},
		{"old tar", bytes.Replace(tarOf(t), []byte("ustar\x0000"), make([]byte, 8), 1), format.Unknown, format.NoMatch, ""},
		{"gz", gzipOf(t, []byte("x")), format.Gzip, c, ""},
		{"bz2", []byte("BZh91AY&SY\x00"), format.Bzip2, c, ""},
		{"xz", []byte("\xFD7zXZ\x00\x00"), format.XZ, c, ""},
		{"zst", []byte("\x28\xB5\x2F\xFD\x00"), format.Zstd, c, ""},
		{"cab", []byte("MSCF\x00\x00\x00\x00"), format.Cab, c, ""},
		{"arj", []byte("\x60\xEA\x2B\x00"), format.OtherArchive, c, ""},
		{"cpio", []byte("070701000001ED\x00"), format.OtherArchive, c, ""},
		{"ace", []byte("\x00\x00\x31\x00\x00\x00\x90**ACE**"), format.OtherArchive, c, ""},
		{"access", []byte("\x00\x01\x00\x00Standard ACE DB\x00"), format.Database, c, ""},
		{"sqlite", []byte("SQLite format 3\x00"), format.Database, c, ""},
		{"mp3 with tags", []byte("ID3\x03\x00\x00\x00"), format.Media, c, ""},
		{"mp3", append(bytes.Clone(frame), frame...), format.Media, c, ""},
		{"mp4", []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42"), format.Media, c, ""},
		{"quicktime", []byte("\x00\x00\x00\x08wide\x00\x00\x00\x00mdat"), format.Media, c, ""},
		{"wav", []byte("RIFF\x24\x00\x00\x00WAVEfmt "), format.Media, c, ""},
		{"ogg", []byte("OggS\x00\x02"), format.Media, c, ""},
		{"wmv", []byte("\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9"), format.Media, c, ""},
		{"matroska", []byte("\x1A\x45\xDF\xA3\x01"), format.Media, c, ""},
	}
}

func TestJudge(t *testing.T) {
	seen := map[format.Kind]bool{}
	for _, s := range samples(t) {
		kind, match, reason := judge(s.data)
		if kind != s.kind || match != s.match || reason != s.reason {
			t.Errorf("%s: %s %d %q, want %s %d %q", s.name, kind, match, reason, s.kind, s.match, s.reason)
		}
		seen[s.kind] = true
	}
	for _, r := range Rows() {
		if !seen[r.Kind] && r.Kind != format.XDW {
			t.Errorf("no sample of %s", r.Kind)
		}
	}
}

// Texts that begin like something else.
func TestTextsAreNoKind(t *testing.T) {
	for name, s := range map[string]string{
		"empty":             "",
		"letters MZ":        "MZ世代について\r\n若い職員の採用に関する資料です。ここは長い文章です。長い文章です。長い文章です。\r\n",
		"letters BM":        "BM会議の議事録\r\n日時と場所と出席者と議題と決定事項とその他の連絡事項\r\n",
		"letters ID3":       "ID3,氏名\r\n",
		"letters PK":        "PK戦の結果\r\n",
		"letters ITSF":      "ITSF is an international table soccer federation.\n",
		"letters FWS":       "FWS is the Fish and Wildlife Service.\n",
		"letters ID":        "ID,氏名\r\n1,山田\r\n",
		"letters WEB":       "WEB\r\n会議\r\n資料\r\n",
		"a bracket section": "[設定]\r\nurl=https://example.jp/\r\n",
		"markdown":          "# 見出し\n\n#!important\n",
		"html":              "<!DOCTYPE html><html><body><script>x()</script></body></html>",
		"xml":               "<?xml version=\"1.0\"?><data><a/></data>",
		"json":              "{\"a\": 1}",
		"mail":              "Received: from a\r\nTo: b@example.jp\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n",
		"numbers":           "070701 は番号です\n",
		"echo in a text":    "次に @echo off と入力します。\n",
		"wide text":         string(wide("会議の案内\r\n")),
		"sjis":              "\x89\xEF\x8Bc\x82\xCC\x88\xC4\x93\xE0\r\n",
	} {
		if kind, match, _ := judge([]byte(s)); match != format.NoMatch {
			t.Errorf("%s: %s %d", name, kind, match)
		}
	}
}

func TestRowsAreWhole(t *testing.T) {
	ext := regexp.MustCompile(`^[a-z0-9-]{1,20}$`)
	media := regexp.MustCompile(`^[a-z]+/[a-z0-9.+-]+$`)
	names := map[string]format.Kind{}
	kinds := map[format.Kind]bool{}
	blocked := BlockedNames()
	for _, r := range Rows() {
		if r.Kind == "" || r.Match == nil || len(r.Names) == 0 || kinds[r.Kind] {
			t.Errorf("row %q", r.Kind)
		}
		kinds[r.Kind] = true
		for _, n := range r.Names {
			if !ext.MatchString(n) || names[n] != "" {
				t.Errorf("%s: name %q, also %s", r.Kind, n, names[n])
			}
			names[n] = r.Kind
			if r.Blocked && !blocked[n] {
				t.Errorf("%s: .%s is not blocked", r.Kind, n)
			}
		}
		for _, m := range r.Media {
			if !media.MatchString(m) {
				t.Errorf("%s: media %q", r.Kind, m)
			}
		}
	}
	if len(blocked) < 80 {
		t.Errorf("%d blocked names", len(blocked))
	}
	for n := range blocked {
		if !ext.MatchString(n) {
			t.Errorf("blocked name %q", n)
		}
	}
	for _, n := range []string{"txt", "csv", "tsv", "log", "md", "json", "xml", "pdf", "docx", "xlsx", "docm", "png", "jpg", "zip", "eml", "html", "ics", "jtd"} {
		if blocked[n] {
			t.Errorf(".%s must not be blocked", n)
		}
	}
	for n := range strings.FieldsSeq("bat cmd com exe scr pif js jse vbs vbe wsf wsh hta url website iqy slk lnk msi msp reg ps1 psm1 jar cpl inf scf sct ws chm msc application appref-ms iso img vhd vhdx library-ms search-ms settingcontent-ms diagcab xll wll") {
		if !blocked[n] {
			t.Errorf(".%s must be blocked", n)
		}
	}
}

// Matchers answer hostile input in linear time.
func TestMatchersAreLinear(t *testing.T) {
	const size = 1 << 20
	loop := oleOf("", "a")
	loop[512+4] = 1 // the directory's sector is its own successor
	for name, data := range map[string][]byte{
		"local headers":   bytes.Repeat([]byte("PK\x03\x04"), size/4),
		"central headers": append([]byte("PK\x03\x04"), bytes.Repeat([]byte("PK\x01\x02"), size/4)...),
		"zip ends":        append([]byte("PK\x03\x04"), bytes.Repeat([]byte("PK\x05\x06"), size/4)...),
		"ole loop":        loop,
		"ole short":       append(bytes.Clone(loop[:1024]), make([]byte, 100)...),
		"rar 4 blocks":    append([]byte(rarMark+"\x00"), bytes.Repeat([]byte("\x00\x00\x72\x00\x00\x07\x00"), size/7)...),
		"rar 5 blocks":    append([]byte(rarMark+"\x01\x00"), bytes.Repeat([]byte("\x00\x00\x00\x00\x02\x01\x00"), size/7)...),
		"pdf marks":       append([]byte("%PDF-1.7"), bytes.Repeat([]byte("/Encrypted "), size/11)...),
		"open comments":   bytes.Repeat([]byte("<!--"), size/4),
		"declarations":    bytes.Repeat([]byte("<??>"), size/4),
	} {
		start := time.Now()
		judge(data)
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s: %v", name, d)
		}
	}
}

// What the corpus's folders hold; files that differ are listed by name.
func TestCorpus(t *testing.T) {
	folders := map[string]format.Kind{
		"7z": format.SevenZ, "cab": format.Cab, "csv": format.Unknown, "doc": format.OLE, "docx": format.OOXML, "eml": "",
		"gz": format.Gzip, "html": "", "image": "", "jp": "", "lzh": format.LZH, "msg": format.MSG, "odf": format.ODF,
		"pdf": format.PDF, "ppt": format.OLE, "pptx": format.OOXML, "rar": format.RAR, "rtf": format.RTF, "svg": format.SVG,
		"tar": format.Tar, "tnef": format.TNEF, "xls": format.OLE, "xlsx": format.OOXML, "zip": format.Zip,
	}
	files := corpusExpectations()
	got := map[string]string{}
	for name, data := range sanitizetest.Corpus(t, "*/*") {
		kind, _, reason := judge(data)
		got[name] = string(kind) + " " + string(reason)
		want, listed := files[name]
		if !listed {
			dir, _, _ := strings.Cut(name, "/")
			k, known := folders[dir]
			if !known || k == "" {
				continue
			}
			want = string(k) + " "
		}
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	for name := range files {
		if _, ok := got[name]; !ok && len(got) > 0 {
			t.Errorf("%s is not in the corpus", name)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.data)
	}
	rows := Rows()
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, r := range rows {
			if m := r.Match(data); m > format.Certain {
				t.Fatal(r.Kind, m)
			}
			if r.Reason == nil {
				continue
			}
			if reason := r.Reason(data); reason != "" && !reason.Known() {
				t.Fatal(r.Kind, reason)
			}
		}
	})
}

func BenchmarkJudgeText(b *testing.B) {
	data := bytes.Repeat([]byte("会議の日程を変更します。\n"), 1000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		judge(data)
	}
}
