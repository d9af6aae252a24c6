package mail

// lintRow is one field and the reader of its value, which must also reach the end.
type lintRow struct {
	name  string
	reads func(*lintScan) bool
}

// lintGrammar is the closed grammar of the fields, one row a field. Those that
// the structure of a mail judges are not in it.
var lintGrammar = [...]lintRow{
	{"Received", (*lintScan).received},
	{"Date", (*lintScan).date},
	{"From", (*lintScan).mailboxes},
	{"Sender", (*lintScan).mailbox},
	{"Reply-To", (*lintScan).mailboxes},
	{"To", (*lintScan).boxes},
	{"Cc", (*lintScan).boxes},
	{"Subject", (*lintScan).visible}, // encoded words are judged when they are decoded
	{"Message-ID", (*lintScan).msgID},
	{"In-Reply-To", (*lintScan).msgIDs},
	{"References", (*lintScan).msgIDs},
	{"Auto-Submitted", func(s *lintScan) bool { return s.any("no", "auto-generated", "auto-replied", "auto-notified") }},
	{"Precedence", func(s *lintScan) bool { return s.any("bulk", "list", "junk") }},
	{"List-Id", (*lintScan).listID},
	{"Importance", func(s *lintScan) bool { return s.any("high", "normal", "low") }},
	{"Content-Language", (*lintScan).languages},
	{"X-Sekisho-Result", (*lintScan).result},
	{"MIME-Version", func(s *lintScan) bool { return s.lit("1.0") }},
}

// lintFieldFits reports whether value is one that the field called name may
// have; a field outside the table may have any.
func lintFieldFits(name, value string) bool {
	for _, row := range lintGrammar {
		if row.name == name {
			s := lintScan{value}
			return row.reads(&s) && s.end()
		}
	}
	return true
}

// lintMedia is the closed table of attachments: media type to the extensions
// that a file of this type may have.
var lintMedia = map[string][]string{
	"text/plain":                {"txt", "md"},
	"text/csv":                  {"csv", "tsv"},
	"text/tab-separated-values": {"tsv"},
	"text/calendar":             {"ics"},
	"text/vcard":                {"vcf"},
	"image/png":                 {"png"},
	"image/jpeg":                {"jpg", "jpeg"},
	"image/gif":                 {"gif"},
	"image/bmp":                 {"bmp"},
	"image/tiff":                {"tif", "tiff"},
	"image/webp":                {"webp"},
	"message/rfc822":            {"eml"},
	"application/pdf":           {"pdf"},
	"application/zip":           {"zip"},
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   {"docx"},
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         {"xlsx"},
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": {"pptx"},
	"application/vnd.oasis.opendocument.text":                                   {"odt"},
	"application/vnd.oasis.opendocument.spreadsheet":                            {"ods"},
	"application/vnd.oasis.opendocument.presentation":                           {"odp"},
}
