package audit

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"time"
)

func exportLog(t *testing.T) *disk {
	t.Helper()
	d := newDisk()
	w := mustOpen(t, d, testKeys(t))
	list := events(0, 6)
	list[1].Mail.Sender = "Suzuki@Example.JP"
	list[2].Verb, list[2].Actor = "release.approved", Actor{Type: ActorUser, ID: "u7", Name: "=HYPERLINK(\"http://x\")", Dept: "＝1+1"}
	list[3].Verb, list[3].Outcome = "release.denied", Denied
	list[4].Change = Change{Path: "-2", Before: "+3", After: `a "quoted", text`}
	list[5].TS = start.AddDate(0, 1, 0)
	mustAppend(t, w, list)
	return d
}

func TestExportFilters(t *testing.T) {
	d := exportLog(t)
	all := bytes.Join([][]byte{d.read(november), d.read("segments/2026-12.jsonl")}, nil)
	for _, c := range []struct {
		name string
		f    Filter
		want string // places
	}{
		{"all", Filter{}, "0 1 2 3 4 5 6"},
		{"since", Filter{Since: start.Add(4 * time.Second)}, "4 5 6"},
		{"until", Filter{Until: start.Add(2 * time.Second)}, "0 1"},
		{"verb", Filter{Verbs: []Verb{"release.denied"}}, "3"},
		{"group", Filter{Verbs: []Verb{"release.*"}}, "2 3"},
		{"two verbs", Filter{Verbs: []Verb{"release.denied", "audit.checkpoint"}}, "3 5"},
		{"receipt", Filter{Receipt: "M-261125-00004"}, "4"},
		{"sender in any case", Filter{Sender: "suzuki@example.jp"}, "1"},
		{"actor", Filter{Actor: "u7"}, "2"},
		{"nothing", Filter{Receipt: "M-000000-00000"}, ""},
	} {
		var out bytes.Buffer
		n, err := ExportJSONL(t.Context(), d, &out, c.f)
		if err != nil {
			t.Fatal(err)
		}
		var places []string
		for line := range bytes.Lines(out.Bytes()) {
			e, err := ParseRecord(bytes.TrimSuffix(line, []byte("\n")))
			if err != nil || !bytes.Contains(all, line) {
				t.Errorf("%s: changed line %s: %v", c.name, line, err)
			}
			places = append(places, number(e.Seq+1))
		}
		for i, p := range places {
			places[i] = string(p[0] - 1)
		}
		if got := strings.Join(places, " "); got != c.want || int(n) != len(places) {
			t.Errorf("%s: %d records: %s, want %s", c.name, n, got, c.want)
		}
	}
}

func TestExportCSV(t *testing.T) {
	d := exportLog(t)
	for lang, words := range map[Language][]string{Japanese: {"番号", "解除を却下した", "拒否"}, English: {"seq", "release denied", "denied"}} {
		var out bytes.Buffer
		n, err := ExportCSV(t.Context(), d, &out, Filter{}, lang)
		if err != nil || n != 7 {
			t.Fatalf("%d rows, %v", n, err)
		}
		text, ok := strings.CutPrefix(out.String(), "\ufeff")
		if !ok || !strings.HasSuffix(text, "\r\n") || strings.Count(text, "\r\n") != 8 {
			t.Errorf("no byte order mark, or lines do not end in CRLF")
		}
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != 8 {
			t.Fatalf("%d rows read back, %v", len(rows), err)
		}
		col := map[string]int{}
		for i, c := range columns {
			col[c.en] = i
		}
		for name, want := range map[string]string{"description": words[1], "outcome": words[2]} {
			if got := rows[4][col[name]]; got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if rows[0][0] != words[0] || rows[1][col["time"]] != "2026-11-25 09:00:00" || rows[1][col["offset"]] != "UTC+09:00" {
			t.Errorf("header %v, first row %v", rows[0], rows[1])
		}
		if rows[5][col["after"]] != `a "quoted", text` || rows[5][col["before"]] != "'+3" || rows[5][col["change_path"]] != "'-2" {
			t.Errorf("change %v", rows[5])
		}
		for _, row := range rows[1:] {
			for i, v := range row {
				if v != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(v)[0]) {
					t.Errorf("column %s begins a formula: %q", columns[i].en, v)
				}
			}
		}
	}
}

// full fails after some bytes, as a disk does.
type full struct{ left int }

var errFull = errors.New("no room for the export")

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestExportReportsWriteErrors(t *testing.T) {
	d := exportLog(t)
	for _, room := range []int{0, 100, 1500} {
		if _, err := ExportJSONL(t.Context(), d, &full{room}, Filter{}); !errors.Is(err, errFull) {
			t.Errorf("JSONL with room for %d bytes: %v", room, err)
		}
		if _, err := ExportCSV(t.Context(), d, &full{room}, Filter{}, Japanese); !errors.Is(err, errFull) {
			t.Errorf("CSV with room for %d bytes: %v", room, err)
		}
	}
}
