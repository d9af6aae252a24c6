package format

import "slices"

// Kind is what a file is, judged by its content.
type Kind string

// Kinds that this version rebuilds.
const (
	Mail Kind = "mail"
	Text Kind = "text"
	CSV  Kind = "csv"
	HTML Kind = "html"
	PNG  Kind = "png"
	JPEG Kind = "jpeg"
	GIF  Kind = "gif"
)

// Kinds that are recognized so that a hold can name them.
const (
	Unknown Kind = "unknown"

	PDF    Kind = "pdf"
	BMP    Kind = "bmp"
	TIFF   Kind = "tiff"
	WebP   Kind = "webp"
	HEIC   Kind = "heic"
	AVIF   Kind = "avif"
	ICO    Kind = "ico"
	SVG    Kind = "svg"
	EMF    Kind = "emf"
	WMF    Kind = "wmf"
	OOXML  Kind = "ooxml" // docx, xlsx, pptx and their macro variants
	ODF    Kind = "odf"
	OLE    Kind = "ole" // doc, xls, ppt, and other compound files
	MSG    Kind = "msg"
	RTF    Kind = "rtf"
	JTD    Kind = "jtd" // 一太郎
	XDW    Kind = "xdw" // DocuWorks
	MHT    Kind = "mht"
	TNEF   Kind = "tnef"
	ICS    Kind = "ics"
	VCF    Kind = "vcf"
	Zip    Kind = "zip"
	SevenZ Kind = "7z"
	RAR    Kind = "rar"
	LZH    Kind = "lzh"
	Tar    Kind = "tar"
	Gzip   Kind = "gz"
	Bzip2  Kind = "bz2"
	XZ     Kind = "xz"
	Zstd   Kind = "zst"
	Cab    Kind = "cab"

	OtherArchive Kind = "archive" // arj, cpio, ace and others

	Executable Kind = "executable"
	Script     Kind = "script"
	Shortcut   Kind = "shortcut"
	DiskImage  Kind = "disk_image"
	OneNote    Kind = "onenote"
	Help       Kind = "chm"
	Database   Kind = "database"
	Media      Kind = "media" // audio and video
	Fragment   Kind = "fragment"
	External   Kind = "external_body"
	Signature  Kind = "signature"
)

// kinds is the list of all kinds, in the order of the constants.
var kinds = []Kind{
	Mail, Text, CSV, HTML, PNG, JPEG, GIF, Unknown, PDF, BMP, TIFF, WebP, HEIC, AVIF, ICO, SVG, EMF, WMF, OOXML, ODF, OLE, MSG,
	RTF, JTD, XDW, MHT, TNEF, ICS, VCF, Zip, SevenZ, RAR, LZH, Tar, Gzip, Bzip2, XZ, Zstd, Cab, OtherArchive, Executable, Script,
	Shortcut, DiskImage, OneNote, Help, Database, Media, Fragment, External, Signature,
}

// Kinds returns every kind.
func Kinds() []Kind { return slices.Clone(kinds) }
