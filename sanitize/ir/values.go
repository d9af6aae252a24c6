package ir

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Limits of single values, in bytes.
const (
	MaxLine   = 64 << 10 // a field, a name, a table cell
	MaxCode   = 64       // a code, role or kind
	MaxDetail = 1024
	// MaxSide bounds width and height of a picture in pixels.
	MaxSide = 1 << 20
	// MaxRes bounds a resolution in thousandths of a pixel an inch.
	MaxRes = 100_000_000
)

func (v Note) encode(e *encoder)    { e.str(v.Code); e.str(v.Where); e.str(v.Detail) }
func (v Kind) encode(e *encoder)    { e.str(v.Content); e.str(v.Claimed); e.str(v.Sharper) }
func (v Field) encode(e *encoder)   { e.str(string(v.Name)); e.str(v.Value) }
func (v Address) encode(e *encoder) { e.str(string(v.Role)); e.str(v.Name); e.str(v.Addr) }
func (v Date) encode(e *encoder)    { e.num(v.Unix); e.num(v.Offset) }
func (v Text) encode(e *encoder)    { e.str(string(v.Role)); e.num(v.Seq); e.str(v.S) }
func (v Pixels) encode(e *encoder)  { e.bytes(v.B) }
func (v Data) encode(e *encoder)    { e.bytes(v.B) }
func (v Number) encode(e *encoder)  { e.str(string(v.Name)); e.num(v.N) }
func (v Fail) encode(e *encoder)    { e.str(v.Reason); e.str(v.Detail) }
func (v End) encode(*encoder)       {}

func (v Row) encode(e *encoder) {
	e.num(int64(len(v.Cells)))
	for _, c := range v.Cells {
		e.str(c)
	}
}

func (v Picture) encode(e *encoder) {
	e.nums(v.W, v.H, v.Page)
	e.flag(v.Alpha)
	e.nums(v.XRes, v.YRes)
}

func (v Child) encode(e *encoder) {
	for _, s := range []string{string(v.Role), v.Name, v.Media, v.CID} {
		e.str(s)
	}
	v.Note.encode(e)
}

// decoders is the closed grammar: one row a frame. Index 0 is no frame.
var decoders = [TagEnd + 1]func(*decoder) Value{
	TagRequest: decodeRequest,
	TagKind:    func(d *decoder) Value { return Kind{d.str(), d.str(), d.str()} },
	TagNote:    func(d *decoder) Value { return decodeNote(d) },
	TagField:   func(d *decoder) Value { return Field{FieldName(d.str()), d.str()} },
	TagAddress: func(d *decoder) Value { return Address{Role(d.str()), d.str(), d.str()} },
	TagDate:    func(d *decoder) Value { return Date{d.num(), d.num()} },
	TagText:    func(d *decoder) Value { return Text{Role(d.str()), d.num(), d.str()} },
	TagRow:     decodeRow,
	TagPicture: func(d *decoder) Value {
		return Picture{d.num(), d.num(), d.num(), d.flag(), d.num(), d.num()}
	},
	TagPixels: func(d *decoder) Value { return Pixels{d.bytes()} },
	TagChild: func(d *decoder) Value {
		return Child{Role(d.str()), d.str(), d.str(), d.str(), decodeNote(d)}
	},
	TagData:   func(d *decoder) Value { return Data{d.bytes()} },
	TagSheet:  decodeSheet,
	TagRaster: decodeRaster,
	TagRun:    decodeRun,
	TagNumber: func(d *decoder) Value { return Number{NumberName(d.str()), d.num()} },
	TagFail:   func(d *decoder) Value { return Fail{d.str(), d.str()} },
	TagEnd:    func(*decoder) Value { return End{} },
}

func decodeNote(d *decoder) Note { return Note{d.str(), d.str(), d.str()} }

func decodeRow(d *decoder) Value {
	n := d.num()
	if n < 0 || n > maxCells {
		d.bad = true
		return Row{}
	}
	all := string(d.b) // of which the cells are parts
	r := Row{make([]string, 0, min(n, 64))}
	for range n {
		at := len(all) - len(d.b) + 4
		cell := d.bytes()
		if d.bad {
			break
		}
		r.Cells = append(r.Cells, all[at:at+len(cell)])
	}
	return r
}

var (
	fieldNames = []FieldName{FieldSubject, FieldMessageID, FieldInReplyTo, FieldReferences, FieldAutoSubmitted,
		FieldPrecedence, FieldListID, FieldImportance, FieldContentLanguage, FieldAuthResult, FieldCharset,
		FieldTitle, FieldDelimiter}
	numberNames  = []NumberName{NumberReceived, NumberHTML, NumberPixels, NumberPages, NumberLossy, NumberShared, NumberTurned}
	addressRoles = []Role{RoleFrom, RoleSender, RoleReplyTo, RoleTo, RoleCc}
	textRoles    = []Role{RoleBody, RoleReport, RoleCalendar, RoleContent}
	childRoles   = []Role{RoleAttachment, RoleInline, RoleMessage, RoleMember}
	ops          = []Op{OpIdentify, OpParse, OpLint}
)

func oneOf[T ~string](list []T, v T) error {
	if !slices.Contains(list, v) {
		return fmt.Errorf("%q is not in the closed list", v)
	}
	return nil
}

func (v Request) check() error {
	if len(v.Known)%32 != 0 {
		return errors.New("known sums are not a multiple of 32 bytes")
	}
	return errors.Join(oneOf(ops, v.Op), code(v.Kind), code(v.Method), code(v.Shade), line(v.Name, MaxLine), line(v.Media, MaxDetail),
		line(v.Self, MaxDetail), line(v.Authserv, MaxDetail),
		within(0, v.Bytes, v.Files, v.Pixels, v.Depth, v.DeadlineUnixMilli, v.DPI, v.Page, v.Size, v.Pages, v.From, v.Step, v.To, v.Whole))
}
func (v Note) check() error {
	return errors.Join(code(v.Code), line(v.Where, MaxDetail), line(v.Detail, MaxDetail))
}
func (v Kind) check() error  { return errors.Join(code(v.Content), code(v.Claimed), code(v.Sharper)) }
func (v Field) check() error { return errors.Join(oneOf(fieldNames, v.Name), line(v.Value, MaxLine)) }
func (v Address) check() error {
	return errors.Join(oneOf(addressRoles, v.Role), line(v.Name, MaxLine), line(v.Addr, MaxDetail))
}
func (v Date) check() error {
	// Years 1 to 9999, offsets within a day.
	if v.Unix < -62135596800 || v.Unix > 253402300799 || v.Offset < -1440 || v.Offset > 1440 {
		return errors.New("date out of range")
	}
	return nil
}
func (v Text) check() error {
	return errors.Join(oneOf(textRoles, v.Role), within(0, v.Seq), Clean(v.S, true))
}
func (v Row) check() error {
	for _, c := range v.Cells {
		if err := Clean(c, true); err != nil {
			return err
		}
	}
	return nil
}
func (v Picture) check() error {
	if v.W < 1 || v.H < 1 || v.W > MaxSide || v.H > MaxSide {
		return errors.New("picture size out of range")
	}
	if v.XRes > MaxRes || v.YRes > MaxRes {
		return errors.New("resolution out of range")
	}
	return within(0, v.Page, v.XRes, v.YRes)
}
func (v Pixels) check() error { return nil }
func (v Data) check() error   { return nil }
func (v End) check() error    { return nil }
func (v Child) check() error {
	return errors.Join(oneOf(childRoles, v.Role), line(v.Name, MaxLine), line(v.Media, MaxDetail),
		line(v.CID, MaxDetail), v.Note.check())
}
func (v Number) check() error { return errors.Join(oneOf(numberNames, v.Name), within(0, v.N)) }
func (v Fail) check() error   { return errors.Join(code(v.Reason), line(v.Detail, MaxDetail)) }

func within(least int64, ns ...int64) error {
	for _, n := range ns {
		if n < least {
			return fmt.Errorf("number %d below %d", n, least)
		}
	}
	return nil
}

// code accepts "" or lower snake case of at most MaxCode bytes.
func code(s string) error {
	if len(s) > MaxCode {
		return errors.New("code too long")
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return errors.New("code is not lower snake case")
		}
	}
	return nil
}

func line(s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("line of %d bytes exceeds %d", len(s), limit)
	}
	return Clean(s, false)
}

// Clean reports why s may not cross the wall: invalid UTF-8, a control
// character (LF and TAB are allowed in multi-line text), a line or paragraph
// separator, a bidi control or mark, or a noncharacter. Bidi controls can make
// text read differently from what it is (CVE-2021-42574).
func Clean(s string, multiline bool) error {
	if !utf8.ValidString(s) {
		return errors.New("text is not UTF-8")
	}
	for _, r := range s {
		if r >= 0x20 && r < 0x7F {
			continue
		}
		if r == '\n' || r == '\t' {
			if !multiline {
				return errors.New("control character in a line")
			}
			continue
		}
		if Forbidden(r) {
			return fmt.Errorf("forbidden character %U", r)
		}
	}
	return nil
}

// Cut shortens s to at most n bytes at a character.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Forbidden reports whether r may stand in no text at all. LF and TAB are
// judged by Clean.
func Forbidden(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7F && r <= 0x9F:
		return true
	case r == 0x061C, r == 0x200E, r == 0x200F, r >= 0x2028 && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		return true
	case r == 0xFEFF, r >= 0xFFF9 && r <= 0xFFFB, r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE:
		return true
	case r >= 0xE0000 && r <= 0xE007F: // tag characters: invisible text
		return true
	}
	return false
}
