package account

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"

	"sekisho/audit"
	"sekisho/gateway"
)

// Limits of an import.
const (
	MaxImport     = 4 << 20 // bytes
	maxImportRows = 10_000
)

// ErrImport means that a file is no list of users at all.
const ErrImport Refusal = "bad_import"

// columns are the headings of the list, in Japanese and in English.
var columns = [...]struct{ ja, en string }{
	{"ログイン名", "name"}, {"氏名", "display"}, {"所属", "dept"}, {"メールアドレス", "addresses"}, {"役割", "roles"},
}

// ImportAction is what an import does with one row.
type ImportAction string

// The actions. The zero action does nothing.
const (
	ImportCreate ImportAction = "create"
	ImportChange ImportAction = "change"
	ImportSame   ImportAction = "same"
	ImportError  ImportAction = "error"
)

// ImportRow is one row of a list and what is done, or would be, with it.
type ImportRow struct {
	Line   int // in the file, from 1
	Name   string
	Action ImportAction
	Error  Refusal // of ImportError
	user   NewUser
}

// ParseImport reads a list of users: CSV with a heading, in UTF-8 or, as Excel
// saves it, in CP932. Addresses and roles of one person are parted by spaces or
// semicolons. Rows that cannot be understood have an Error; the error is
// ErrImport when the file is no such list.
func ParseImport(file []byte) ([]ImportRow, error) {
	if len(file) > MaxImport {
		return nil, ErrImport
	}
	text := bytes.TrimPrefix(file, []byte("\ufeff"))
	if !utf8.Valid(text) {
		var err error
		if text, err = japanese.ShiftJIS.NewDecoder().Bytes(text); err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return nil, ErrImport
		}
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return nil, ErrImport
	}
	at, err := headings(head)
	if err != nil {
		return nil, err
	}
	var rows []ImportRow
	seen := map[string]bool{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil || len(rows) == maxImportRows {
			return nil, ErrImport
		}
		line, _ := r.FieldPos(0)
		row := parseRow(cells, at)
		row.Line = line
		if row.Action != ImportError && seen[row.Name] {
			row.Action, row.Error = ImportError, ErrExists
		}
		seen[row.Name] = true
		rows = append(rows, row)
	}
}

// headings returns where each of columns stands.
func headings(head []string) ([len(columns)]int, error) {
	var at [len(columns)]int
	for i, c := range columns {
		at[i] = slices.IndexFunc(head, func(h string) bool {
			h = strings.ToLower(strings.TrimSpace(norm.NFKC.String(h)))
			return h == c.ja || h == c.en
		})
		if at[i] < 0 && i < 2 { // name and display must be there
			return at, ErrImport
		}
	}
	return at, nil
}

func parseRow(cells []string, at [len(columns)]int) ImportRow {
	cell := func(i int) string {
		if at[i] < 0 || at[i] >= len(cells) {
			return ""
		}
		return strings.TrimSpace(cells[at[i]])
	}
	list := func(i int) []string {
		return strings.FieldsFunc(cell(i), func(r rune) bool { return r == ' ' || r == '　' || r == ';' || r == '；' || r == '、' })
	}
	row := ImportRow{user: NewUser{Name: cell(0), Display: cell(1), Dept: cell(2), Addresses: list(3)}}
	fail := func(e Refusal) ImportRow {
		row.Action, row.Error = ImportError, e
		return row
	}
	name, err := CleanName(cell(0))
	if err != nil {
		return fail(ErrName)
	}
	row.Name, row.user.Name = name, name
	for _, word := range list(4) {
		role, ok := roleWord(word)
		switch {
		case !ok:
			return fail(ErrRole)
		case role == Admin:
			return fail(ErrTwoAdmins) // it takes two persons, not a file
		}
		row.user.Roles = append(row.user.Roles, role)
	}
	if len(row.user.Roles) == 0 {
		row.user.Roles = []Role{Staff}
	}
	return row
}

// roleWord reads a role in either language.
func roleWord(word string) (Role, bool) {
	ja := map[string]Role{"職員": Staff, "承認者": Approver, "隔離管理者": Admin, "監査者": Auditor, "運用者": Operator}
	if r, ok := ja[word]; ok {
		return r, true
	}
	r := Role(strings.ToLower(word))
	return r, slices.Contains(Roles(), r)
}

// Import makes and changes the accounts of a list. With dry it only says what
// it would do. One row with an Error and nothing is done. Accounts that the
// list does not name stay as they are; new ones have no password yet, see
// ResetPassword. A list gives nothing that takes two persons, unless an office
// begins (alone). Sessions of whoever changes end.
func (s *Service) Import(ctx context.Context, p Principal, rows []ImportRow, dry bool) ([]ImportRow, error) {
	if err := s.allow(p, WriteUsers); err != nil {
		return nil, err
	}
	var out []ImportRow
	plan := func(r Reader) ([]User, error) {
		var users []User
		var err error
		out, users, err = s.plan(r, p, rows)
		return users, err
	}
	if dry {
		err := s.store.View(ctx, func(r Reader) error { _, err := plan(r); return err })
		return out, err
	}
	err := s.store.Do(ctx, func(tx Tx) error {
		users, err := plan(tx)
		if err != nil || slices.ContainsFunc(out, func(r ImportRow) bool { return r.Action == ImportError }) {
			return err
		}
		return s.carryOut(tx, p, out, users)
	})
	return out, err
}

// plan compares rows with what the reader has. users[i] is the account of row i
// as it is to be.
func (s *Service) plan(r Reader, p Principal, rows []ImportRow) ([]ImportRow, []User, error) {
	depts, err := r.Departments()
	if err != nil {
		return nil, nil, err
	}
	owners := map[string][]string{} // active accounts of a mailbox, of this list too
	if err := eachUser(r, func(u User) { owned(owners, u) }); err != nil {
		return nil, nil, err
	}
	out, users := slices.Clone(rows), make([]User, len(rows))
	for i := range out {
		row := &out[i]
		if row.Action == ImportError {
			continue
		}
		for _, d := range depts { // the list may have the name of the department
			if row.user.Dept == d.Name {
				row.user.Dept = d.ID
			}
		}
		want, err := row.user.check(depts)
		var have User
		if err == nil {
			have, err = find(r.UserNamed(want.Name))
		}
		if err == nil && have.ID == p.ID() {
			err = ErrSelf
		}
		if err == nil && have.Has(Admin) { // the list neither gives nor takes that role
			want.Roles = with(want.Roles, Admin)
			err = CheckRoles(want.Roles)
		}
		if err == nil || errors.Is(err, ErrNotFound) {
			if two := importTakesTwo(r, p, have, want, owners); two != nil {
				err = two
			}
			want.ID = have.ID
			owned(owners, want)
		}
		var refused Refusal
		switch {
		case errors.Is(err, ErrNotFound):
			row.Action, users[i] = ImportCreate, want
		case errors.As(err, &refused):
			row.Action, row.Error = ImportError, refused
		case err != nil:
			return nil, nil, err
		case summary(have) == summary(want) && joined(have.Roles) == joined(want.Roles):
			row.Action = ImportSame
		default:
			row.Action = ImportChange
			have.Display, have.Dept, have.Addresses, have.Roles = want.Display, want.Dept, want.Addresses, want.Roles
			users[i] = have
		}
	}
	return out, users, nil
}

// owned notes whose the mailboxes of an active user are. One that is new has no id.
func owned(owners map[string][]string, u User) {
	for _, a := range u.Addresses {
		if id := cmp.Or(u.ID, u.Name); u.State == Active && !slices.Contains(owners[a], id) {
			owners[a] = append(owners[a], id)
		}
	}
}

// importTakesTwo reports ErrTwoAdmins when a row gives what takes two persons, and
// p is not the user of a machine that has none.
func importTakesTwo(r Reader, p Principal, have, want User, owners map[string][]string) error {
	var w = Proposal{Act: ActGrant}
	for _, role := range want.Roles {
		if !have.Has(role) {
			w.Roles = append(w.Roles, role)
		}
	}
	shared := false
	for _, a := range want.Addresses {
		if !slices.Contains(have.Addresses, a) {
			w.Addresses = append(w.Addresses, a)
			shared = shared || len(owners[a]) > 0
		}
	}
	if have.ID == "" {
		have.Roles = []Role{Staff} // who is new has not been given anything yet
	}
	if !w.takesTwo(have, shared) {
		return nil
	}
	alone, err := alone(r, p, have.ID)
	if err == nil && !alone {
		err = ErrTwoAdmins
	}
	return err
}

func (s *Service) carryOut(tx Tx, p Principal, rows []ImportRow, users []User) error {
	made, altered := 0, 0
	for i, row := range rows {
		var err error
		switch row.Action {
		case ImportCreate:
			made++
			err = s.importNew(tx, p, users[i])
		case ImportChange:
			altered++
			u := users[i]
			u.Version++
			u.ChangedAt = s.Now()
			var r gateway.Record
			if r, err = s.record("user.changed", audit.Success, p, about(u, "import", "", summary(u)+" "+joined(u.Roles))); err == nil {
				err = tx.ChangeUser(u, r)
			}
			if err == nil {
				err = s.endSessions(tx, p, u, "", "imported")
			}
		}
		if err != nil {
			return fmt.Errorf("import line %d: %w", row.Line, err)
		}
	}
	r, err := s.record("user.imported", audit.Success, p, func(e *audit.Event) {
		e.Object = audit.Object{Type: "user_import"}
		e.Change = audit.Change{Path: "users", After: fmt.Sprintf("created %d, changed %d, of %d", made, altered, len(rows))}
	})
	if err != nil {
		return err
	}
	return tx.Note(r)
}

func (s *Service) importNew(tx Tx, p Principal, u User) error {
	id, err := s.newID()
	if err != nil {
		return err
	}
	u.ID, u.Version, u.CreatedAt, u.ChangedAt = id, 1, s.Now(), s.Now()
	r, err := s.record("user.created", audit.Success, p, about(u, "user", "", u.Name+" "+joined(u.Roles)))
	if err != nil {
		return err
	}
	return tx.AddUser(u, r)
}
