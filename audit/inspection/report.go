package inspection

import (
	"time"

	"sekisho/audit"
)

// Mark is what a section says at its head. The zero Mark asks to look.
type Mark uint8

// The marks.
const (
	Look   Mark = iota // something that must not be, or that nobody can know
	Fine               // what must not be was looked for and is not there
	Figure             // figures, to be read
)

// JA is the mark in words.
func (m Mark) JA() string {
	switch m {
	case Fine:
		return "問題は見つかりませんでした"
	case Figure:
		return "参考"
	}
	return "確認してください"
}

// Report is the report of one month.
type Report struct {
	Title    string // 自己点検票（令和8年11月分）
	Office   string
	Made     string // the day, in words
	Log      string // the log's name
	Root     string // "<size> <root>", the anchor that is printed
	Verdict  string
	Remarks  []string // what keeps the report from being whole
	Sections []Section
}

// Mark is the worst mark of the sections.
func (r Report) Mark() Mark {
	for _, s := range r.Sections {
		if s.Mark == Look {
			return Look
		}
	}
	return Fine
}

// Section answers one or more questions.
type Section struct {
	Number   int
	Title    string
	Mark     Mark
	Notes    []string // sentences
	Tables   []Table
	Articles string // articles of the regulation that it helps to show
}

// Table has a row of headings, and rows of as many cells.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
	More    int // rows that were left out
}

// maxRows bounds a table: what is longer is told by its number, and searched for.
const maxRows = 100

// add appends a row, or counts it.
func (t *Table) add(cells ...string) {
	if len(t.Rows) == maxRows {
		t.More++
		return
	}
	t.Rows = append(t.Rows, cells)
}

// Account is a person's account as the register has it when the report is made.
type Account struct {
	ID, Name, Display, Dept string
	Roles                   []string
	Active, SecondFactor    bool
	CreatedAt, LastSignIn   time.Time // zero: never
}

// privileged reports whether the account may do more than read its own mail.
func (a Account) privileged() bool {
	for _, r := range a.Roles {
		if r != "staff" {
			return true
		}
	}
	return len(a.Roles) == 0
}

// dormantAfter is how long an account may rest before the report asks about it.
const dormantAfter = 90 * 24 * time.Hour

// ja names roles, forms and the like where the product has a word for them.
var ja = map[string]string{
	"staff": "職員", "approver": "承認者", "admin": "隔離管理者", "auditor": "監査者", "operator": "運用者",
	"resanitize": "再無害化", "text_only": "テキストのみ", "internet_side": "インターネット接続系で受取", "exception": "例外解除（原本）",
}

func word(s string) string {
	if w, ok := ja[s]; ok {
		return w
	}
	return s
}

// who names the actor of an event.
func who(e audit.Event) string {
	name := e.Actor.ID
	if e.Actor.Name != "" {
		name = e.Actor.Name + "（" + e.Actor.ID + "）"
	}
	switch {
	case name == "" && e.Actor.Type == audit.ActorSystem:
		name = "関所"
	case name == "":
		name = e.Actor.IP
	}
	if e.OnBehalfOf != "" {
		name += "（" + e.OnBehalfOf + " の代理）"
	}
	return name
}
