package magic

import (
	"bytes"
	"strings"

	"sekisho/sanitize/format"
)

// headBytes is how much of a text is looked at.
const headBytes = 4 << 10

// head returns the beginning of data as lower-case ASCII for a look at its
// words: without byte order marks, zero bytes (so that UTF-16 reads as well)
// and leading white space. Other bytes stay as they are.
func head(data []byte) string {
	p := data[:min(len(data), headBytes)]
	for _, mark := range []string{"\xEF\xBB\xBF", "\xFF\xFE", "\xFE\xFF"} {
		p = bytes.TrimPrefix(p, []byte(mark))
	}
	p = bytes.ReplaceAll(p, []byte{0}, nil)
	p = bytes.TrimLeft(p, " \t\r\n\f\v")
	return strings.Map(lower, string(p))
}

func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// skipXML passes over what may stand before the root of a document: the XML
// declaration, comments and white space.
func skipXML(s string) string {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		end := ""
		switch {
		case strings.HasPrefix(s, "<?"):
			end = "?>"
		case strings.HasPrefix(s, "<!--"):
			end = "-->"
		default:
			return s
		}
		_, after, ok := strings.Cut(s, end)
		if !ok {
			return ""
		}
		s = after
	}
}

// lineStarts reports whether some line of s begins with word.
func lineStarts(s, word string) bool {
	return strings.HasPrefix(s, word) || strings.Contains(s, "\n"+word) || strings.Contains(s, "\r"+word)
}

// matchLine recognizes texts by their first line.
func matchLine(word string) func([]byte) format.Match {
	return func(data []byte) format.Match { return certain(strings.HasPrefix(head(data), word)) }
}

// matchScript recognizes programs in words. Some beginnings leave no doubt;
// hints inside a text need a name without an extension, for a .txt that talks
// about PowerShell is only a text.
func matchScript(data []byte) format.Match {
	s := head(data)
	root := skipXML(s)
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	query := len(lines) >= 3 && lines[0] == "web" && lines[1] == "1" && strings.Contains(lines[2], ":")
	setup := strings.HasPrefix(s, "[version]") && (strings.Contains(s, "$chicago$") || strings.Contains(s, "$windows"))
	switch {
	case query, setup, isShebang(s), has(data, 0, "ID;P"),
		strings.HasPrefix(s, "@echo off"), strings.HasPrefix(s, "@echo on"), strings.HasPrefix(s, "<?php"),
		strings.HasPrefix(s, "windows registry editor version"), strings.HasPrefix(s, "regedit4"),
		strings.Contains(s, "hta:application"),
		strings.HasPrefix(root, "<scriptlet"), strings.HasPrefix(root, "<job") && strings.Contains(root, "<script"),
		strings.HasPrefix(root, "<package") && strings.Contains(root, "<script"),
		strings.HasPrefix(root, "<component") && strings.Contains(root, "<registration"):
		return format.Certain
	}
	for _, hint := range []string{"wscript.", "createobject(", "activexobject(", "invoke-expression", "invoke-webrequest", "powershell -", "powershell.exe", "new-object net.webclient", "document.write(unescape", "eval(function("} {
		if strings.Contains(s, hint) {
			return format.Plausible
		}
	}
	return format.NoMatch
}

// isShebang recognizes "#!/bin/sh" and the like, also with a space.
func isShebang(s string) bool {
	rest, ok := strings.CutPrefix(s, "#!")
	return ok && strings.HasPrefix(strings.TrimLeft(rest, " "), "/")
}

// matchShortcut recognizes files that point somewhere: Windows links
// ([MS-SHLLINK] 2.1), Internet shortcuts, and the settings that act like them.
func matchShortcut(data []byte) format.Match {
	if has(data, 0, "L\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46") {
		return format.Certain
	}
	s := head(data)
	root := skipXML(s)
	shell := strings.HasPrefix(s, "[shell]") && strings.Contains(s, "command=")
	plist := strings.Contains(s, "<plist") && strings.Contains(s, "<key>url</key>")
	return certain(shell || plist || strings.HasPrefix(s, "[") && lineStarts(s, "[internetshortcut]") ||
		strings.HasPrefix(s, "[desktop entry]") || strings.HasPrefix(root, "<librarydescription") ||
		strings.HasPrefix(root, "<persistedquery") || strings.HasPrefix(root, "<searchconnectordescription") ||
		strings.HasPrefix(root, "<pcsettings"))
}

// matchMHT recognizes saved web pages (RFC 2557). A mail has the same form; the
// marks of browsers leave no doubt, else the name decides.
func matchMHT(data []byte) format.Match {
	s := head(data)
	if strings.HasPrefix(s, "from: <saved by ") {
		return format.Certain
	}
	if lineStarts(s, "mime-version:") && strings.Contains(s, "multipart/related") &&
		!lineStarts(s, "received:") && !lineStarts(s, "to:") {
		return format.Plausible
	}
	return format.NoMatch
}

// matchPDF: readers accept the mark anywhere in the first 1024 bytes, but a
// text may also speak of it.
func matchPDF(data []byte) format.Match {
	i := bytes.Index(data[:min(len(data), 1024)], []byte("%PDF-"))
	switch {
	case i < 0:
		return format.NoMatch
	case i <= 8, bytes.Contains(data, []byte("startxref")), bytes.Contains(data, []byte(" obj")):
		return format.Certain
	}
	return format.Plausible
}

// pdfReason looks for an encryption dictionary's key (ISO 32000-1 7.5.5).
func pdfReason(data []byte) format.Reason {
	const key = "/Encrypt"
	for p := data; ; {
		i := bytes.Index(p, []byte(key))
		if i < 0 {
			return ""
		}
		p = p[i+len(key):]
		// EncryptMetadata is another key.
		if len(p) == 0 || strings.IndexByte(" \t\r\n\f\x00<", p[0]) >= 0 {
			return format.EncryptedDocument
		}
	}
}

// matchNothing is for kinds of which no public description exists: DocuWorks
// files are known by their names alone.
func matchNothing([]byte) format.Match { return format.NoMatch }
