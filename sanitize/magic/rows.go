package magic

import "sekisho/sanitize/format"

func dangerousRows() []Row {
	return []Row{
		{Kind: format.Executable, Blocked: true, Match: matchExecutable, Reason: executableReason,
			Names: []string{"exe", "dll", "com", "scr", "pif", "cpl", "sys", "ocx", "drv", "msi", "msp", "mst", "jar", "class", "apk", "ipa", "app", "appx", "msix", "dex", "deb", "rpm", "elf", "so", "wasm", "swf", "crx", "xpi"},
			Media: []string{"application/x-msdownload", "application/x-dosexec", "application/vnd.microsoft.portable-executable", "application/x-msi", "application/java-archive", "application/x-executable", "application/x-shockwave-flash"}},
		{Kind: format.Shortcut, Blocked: true, Match: matchShortcut,
			Names: []string{"lnk", "url", "website", "webloc", "desktop", "scf", "appref-ms", "library-ms", "search-ms", "searchconnector-ms", "settingcontent-ms"},
			Media: []string{"application/x-ms-shortcut", "application/x-mswinurl", "application/internet-shortcut"}},
		{Kind: format.DiskImage, Blocked: true, Match: matchDiskImage,
			Names: []string{"iso", "img", "vhd", "vhdx", "vmdk", "vdi", "dmg", "wim", "udf", "qcow2"},
			Media: []string{"application/x-iso9660-image", "application/x-apple-diskimage"}},
		{Kind: format.Script, Blocked: true, Match: matchScript,
			Names: []string{"bat", "cmd", "ps1", "psm1", "psd1", "js", "jse", "mjs", "vbs", "vbe", "wsf", "wsh", "wsc", "sct", "hta", "sh", "py", "pl", "rb", "php", "reg", "inf", "iqy", "slk"},
			Media: []string{"application/javascript", "text/javascript", "application/x-javascript", "application/hta", "application/x-sh", "application/x-bat", "text/vbscript", "application/x-powershell"}},
		{Kind: format.Help, Blocked: true, Match: letters("ITSF"),
			Names: []string{"chm", "hlp"}, Media: []string{"application/vnd.ms-htmlhelp"}},
	}
}

func documentRows() []Row {
	return []Row{
		{Kind: format.OOXML, Match: matchOOXML, Reason: ooxmlReason,
			Names: []string{"docx", "xlsx", "pptx", "docm", "xlsm", "pptm", "dotx", "dotm", "xltx", "xltm", "potx", "potm", "ppsx", "ppsm", "xlsb", "xlam", "ppam", "vsdx", "xps", "oxps"},
			Media: []string{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd.openxmlformats-officedocument.presentationml.presentation",
				"application/vnd.ms-word.document.macroenabled.12", "application/vnd.ms-excel.sheet.macroenabled.12", "application/vnd.ms-powerpoint.presentation.macroenabled.12"}},
		{Kind: format.ODF, Match: matchODF, Reason: odfReason,
			Names: []string{"odt", "ods", "odp", "odg", "ott", "ots", "otp"},
			Media: []string{"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.presentation"}},
		{Kind: format.MSG, Match: matchMSG, Names: []string{"msg", "oft"}, Media: []string{"application/vnd.ms-outlook"}},
		{Kind: format.JTD, Match: matchJTD, Names: []string{"jtd", "jtt", "jtdc", "jttc"}, Media: []string{"application/x-js-taro"}},
		{Kind: format.OLE, Match: matchOLE, Reason: oleReason,
			Names: []string{"doc", "xls", "ppt", "dot", "xlt", "pot", "pps", "vsd", "pub", "mpp", "wri", "hwp", "xla", "ppa", "xlw"},
			Media: []string{"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.visio"}},
		{Kind: format.RTF, Match: signature(`{\rt`), Names: []string{"rtf"}, Media: []string{"application/rtf", "text/rtf"}},
		{Kind: format.PDF, Match: matchPDF, Reason: pdfReason, Names: []string{"pdf"}, Media: []string{"application/pdf", "application/x-pdf"}},
		{Kind: format.XDW, Match: matchNothing, Names: []string{"xdw", "xbd", "xct"}, Media: []string{"application/vnd.fujixerox.docuworks", "application/vnd.fujifilm.fb.docuworks"}},
		{Kind: format.OneNote, Match: signature(oneNoteGUID, oneNoteTOC), Names: []string{"one", "onetoc2", "onepkg"}, Media: []string{"application/onenote", "application/msonenote"}},
		{Kind: format.MHT, Match: matchMHT, Names: []string{"mht", "mhtml"}, Media: []string{"application/x-mimearchive"}},
		{Kind: format.TNEF, Match: signature("\x78\x9F\x3E\x22"), Names: []string{"tnef"}, Media: []string{"application/ms-tnef", "application/vnd.ms-tnef"}},
		{Kind: format.ICS, Match: matchLine("begin:vcalendar"), Names: []string{"ics", "ical", "ifb", "vcs"}, Media: []string{"text/calendar", "application/ics"}},
		{Kind: format.VCF, Match: matchLine("begin:vcard"), Names: []string{"vcf", "vcard"}, Media: []string{"text/vcard", "text/x-vcard", "text/directory"}},
	}
}

// The first bytes of OneNote files: GUIDs of [MS-ONESTORE] 2.3.1.
const (
	oneNoteGUID = "\xE4\x52\x5C\x7B\x8C\xD8\xA7\x4D\xAE\xB1\x53\x78\xD0\x29\x96\xD3"
	oneNoteTOC  = "\xA1\x2F\xFF\x43\xD9\xEF\x76\x4C\x9E\xE2\x10\xEA\x57\x22\x76\x5F"
)

func pictureRows() []Row {
	return []Row{
		{Kind: format.BMP, Match: matchBMP, Names: []string{"bmp", "dib"}, Media: []string{"image/bmp", "image/x-ms-bmp"}},
		{Kind: format.TIFF, Match: signature("II*\x00", "MM\x00*", "II+\x00", "MM\x00+"), Names: []string{"tif", "tiff"}, Media: []string{"image/tiff"}},
		{Kind: format.WebP, Match: matchRIFF("WEBP"), Names: []string{"webp"}, Media: []string{"image/webp"}},
		{Kind: format.HEIC, Match: matchHEIC, Names: []string{"heic", "heif", "hif"}, Media: []string{"image/heic", "image/heif"}},
		{Kind: format.AVIF, Match: matchAVIF, Names: []string{"avif"}, Media: []string{"image/avif"}},
		{Kind: format.ICO, Match: matchICO, Names: []string{"ico", "cur"}, Media: []string{"image/vnd.microsoft.icon", "image/x-icon"}},
		{Kind: format.SVG, Match: matchSVG, Names: []string{"svg", "svgz"}, Media: []string{"image/svg+xml"}},
		{Kind: format.EMF, Match: matchEMF, Names: []string{"emf"}, Media: []string{"image/emf", "image/x-emf"}},
		{Kind: format.WMF, Match: matchWMF, Names: []string{"wmf"}, Media: []string{"image/wmf", "image/x-wmf"}},
	}
}

func archiveRows() []Row {
	return []Row{
		{Kind: format.Zip, Match: matchZip, Reason: zipReason, Names: []string{"zip", "zipx", "epub", "kmz"}, Media: []string{"application/zip", "application/x-zip-compressed", "application/epub+zip"}},
		{Kind: format.SevenZ, Match: signature("7z\xBC\xAF\x27\x1C"), Reason: sevenReason, Names: []string{"7z"}, Media: []string{"application/x-7z-compressed"}},
		{Kind: format.RAR, Match: signature(rarMark), Reason: rarReason, Names: []string{"rar"}, Media: []string{"application/vnd.rar", "application/x-rar-compressed"}},
		{Kind: format.LZH, Match: matchLZH, Names: []string{"lzh", "lha"}, Media: []string{"application/x-lzh-compressed", "application/x-lha"}},
		{Kind: format.Tar, Match: matchTar, Names: []string{"tar"}, Media: []string{"application/x-tar"}},
		{Kind: format.Gzip, Match: signature("\x1F\x8B\x08"), Names: []string{"gz", "tgz", "taz"}, Media: []string{"application/gzip", "application/x-gzip"}},
		{Kind: format.Bzip2, Match: matchBzip2, Names: []string{"bz2", "tbz", "tbz2"}, Media: []string{"application/x-bzip2"}},
		{Kind: format.XZ, Match: signature("\xFD7zXZ\x00"), Names: []string{"xz", "txz"}, Media: []string{"application/x-xz"}},
		{Kind: format.Zstd, Match: signature("\x28\xB5\x2F\xFD"), Names: []string{"zst", "tzst"}, Media: []string{"application/zstd"}},
		{Kind: format.Cab, Match: signature("MSCF\x00\x00\x00\x00"), Names: []string{"cab"}, Media: []string{"application/vnd.ms-cab-compressed"}},
		{Kind: format.OtherArchive, Match: matchOtherArchive, Names: []string{"arj", "cpio", "ace", "z", "lz", "lz4", "lzma", "sit", "xar", "pkg", "alz", "egg"}},
	}
}

func otherRows() []Row {
	return []Row{
		{Kind: format.Database, Match: signature("\x00\x01\x00\x00Standard Jet DB", "\x00\x01\x00\x00Standard ACE DB", "SQLite format 3\x00"), Names: []string{"mdb", "accdb", "mde", "accde", "sqlite", "db"}, Media: []string{"application/vnd.ms-access", "application/x-msaccess", "application/vnd.sqlite3"}},
		{Kind: format.Media, Match: matchMedia, Names: []string{"mp3", "mp4", "m4a", "m4v", "mov", "wav", "avi", "wmv", "wma", "ogg", "oga", "ogv", "opus", "flac", "aac", "mkv", "webm", "mpg", "mpeg", "mid", "midi", "aif", "aiff", "amr", "flv", "3gp"},
			Media: []string{"audio/mpeg", "audio/mp4", "audio/wav", "audio/x-wav", "audio/ogg", "audio/aac", "audio/x-ms-wma", "video/mp4", "video/mpeg", "video/quicktime", "video/x-msvideo", "video/x-ms-wmv", "video/webm", "video/3gpp"}},
	}
}
