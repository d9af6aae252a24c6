// Package ir defines the typed values that cross the wall between a boxed
// parser and the trusted side, and the frame codec that carries them.
//
// A worker parses hostile bytes and answers with a sequence of values: text,
// table rows, pixels, integers, names from closed lists, and child files as
// opaque bytes. Nothing else can be said in this language; in particular there
// is no value for markup, scripts, or "copy these bytes". The trusted side
// treats every frame as hostile: lengths are capped before memory is taken,
// text must be valid UTF-8 without control or bidi characters, numbers must be
// in range, and names must stand in the closed lists below.
//
// The package imports nothing of sekisho; every other room may import it.
package ir

// Tag names the type of a frame. The zero Tag is never valid.
type Tag uint8

// The closed list of frames. Their order is part of the wire format between a
// binary and its own workers, which are always of the same build.
const (
	_ Tag = iota
	TagRequest
	TagKind
	TagNote
	TagField
	TagAddress
	TagDate
	TagText
	TagRow
	TagPicture
	TagPixels
	TagChild
	TagData
	TagNumber
	TagSheet
	TagRaster
	TagRun
	TagFail
	TagEnd
)

// Value is one typed value; the types below are its only implementations.
type Value interface {
	tag() Tag
	encode(*encoder)
	// check reports why the value may not cross the wall.
	check() error
}

// Note is a finding: a stable lower-case code, where it was seen (a part path
// or position) and a short detail. Detail comes from hostile input: builders
// quote it, never interpret it.
type Note struct{ Code, Where, Detail string }

// Kind is the answer to an identification: the kind of file that the content
// is, the kind its name or MIME type claimed ("" when it claimed none), and a
// sharper reason to hold it than that it is not rebuilt, "" for none.
type Kind struct{ Content, Claimed, Sharper string }

// FieldName is a name from the closed list of single-line text values.
type FieldName string

// The closed list of fields.
const (
	FieldSubject         FieldName = "subject"
	FieldMessageID       FieldName = "message_id"
	FieldInReplyTo       FieldName = "in_reply_to"
	FieldReferences      FieldName = "references"
	FieldAutoSubmitted   FieldName = "auto_submitted"
	FieldPrecedence      FieldName = "precedence"
	FieldListID          FieldName = "list_id"
	FieldImportance      FieldName = "importance"
	FieldContentLanguage FieldName = "content_language"
	FieldAuthResult      FieldName = "auth_result"
	FieldCharset         FieldName = "charset"
	FieldTitle           FieldName = "title"
	FieldDelimiter       FieldName = "delimiter"
)

// Field is one single-line text value.
type Field struct {
	Name  FieldName
	Value string
}

// Role says what an address, a text or a child is for.
type Role string

// The closed list of roles.
const (
	RoleFrom    Role = "from"
	RoleSender  Role = "sender"
	RoleReplyTo Role = "reply_to"
	RoleTo      Role = "to"
	RoleCc      Role = "cc"

	RoleBody     Role = "body"     // text shown as the mail's own words
	RoleReport   Role = "report"   // delivery-status, disposition-notification, rfc822-headers
	RoleCalendar Role = "calendar" // what a held invitation says: summary, start, place
	RoleContent  Role = "content"  // the text of a text file

	RoleAttachment Role = "attachment"
	RoleInline     Role = "inline"  // shown inside the body by the sender's wish
	RoleMessage    Role = "message" // an attached mail
	RoleMember     Role = "member"  // a member of an archive
)

// Address is one mailbox of a header, display name decoded. Addr is empty for
// an empty group; it is never empty otherwise.
type Address struct {
	Role Role
	Name string
	Addr string
}

// Date is an instant: seconds since 1970-01-01 UTC and the sender's offset
// from UTC in minutes.
type Date struct {
	Unix   int64
	Offset int64
}

// Text is a run of text with LF line ends. Long texts come as several frames
// with the same Role and Seq; a builder joins them.
type Text struct {
	Role Role
	Seq  int64 // number of the text within its file, from 0
	S    string
}

// Row is one row of a table.
type Row struct{ Cells []string }

// Picture announces a picture of W × H pixels, followed by Pixels frames with
// exactly W·H·4 bytes in all: non-premultiplied RGBA, rows from the top.
type Picture struct {
	W, H  int64
	Page  int64 // from 0
	Alpha bool  // some pixel is not opaque
	// XRes and YRes are thousandths of a pixel an inch, 0 when the source does
	// not say.
	XRes, YRes int64
}

// Pixels is a run of picture bytes.
type Pixels struct{ B []byte }

// Child announces a file found inside the parsed one; the Data frames that
// follow hold its bytes. Name and Media are the sender's claims, cleaned.
type Child struct {
	Role  Role
	Name  string // decoded file name, "" when there was none
	Media string // claimed type/subtype in lower case, "" when there was none
	CID   string // Content-ID without brackets
	Note  Note   // why the bytes cannot be had (Code is a reason); zero when they can
}

// Data is a run of a child's bytes, opaque to this package.
type Data struct{ B []byte }

// NumberName is a name from the closed list of integer values.
type NumberName string

// The closed list of numbers.
const (
	NumberReceived NumberName = "received" // Received header fields seen
	NumberHTML     NumberName = "html"     // 1: the body was made from HTML
	NumberPixels   NumberName = "pixels"   // of a picture, said before it is decoded
	NumberPages    NumberName = "pages"    // of a document, said before its first Sheet
	NumberLossy    NumberName = "lossy"    // 1: the pixels of the picture were coded with loss
	NumberShared   NumberName = "shared"   // 1: other workers may draw further pages
	NumberTurned   NumberName = "turned"   // the page that ends here, from 0
)

// Number is one integer value.
type Number struct {
	Name NumberName
	N    int64
}

// Fail ends an answer without a result; Reason is one of format's reasons.
type Fail struct{ Reason, Detail string }

// End ends an answer.
type End struct{}

func (Request) tag() Tag { return TagRequest }
func (Note) tag() Tag    { return TagNote }
func (Kind) tag() Tag    { return TagKind }
func (Field) tag() Tag   { return TagField }
func (Address) tag() Tag { return TagAddress }
func (Date) tag() Tag    { return TagDate }
func (Text) tag() Tag    { return TagText }
func (Row) tag() Tag     { return TagRow }
func (Picture) tag() Tag { return TagPicture }
func (Pixels) tag() Tag  { return TagPixels }
func (Child) tag() Tag   { return TagChild }
func (Data) tag() Tag    { return TagData }
func (Number) tag() Tag  { return TagNumber }
func (Fail) tag() Tag    { return TagFail }
func (End) tag() Tag     { return TagEnd }
