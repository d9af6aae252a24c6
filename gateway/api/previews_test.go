package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/api"
	"sekisho/gateway/store/fs"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
)

func openShots(t *testing.T) gateway.Blobs {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	s, err := fs.Open(filepath.Join(t.TempDir(), "previews"), fs.Options{Recipients: []age.Recipient{id.Recipient()}, Identities: []age.Identity{id}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

const pixels = "\x89PNG of a page"

// draw does what flow does: the next page that waits, or why there is none.
func (w *world) draw(reason format.Reason) {
	w.T.Helper()
	scribe := w.Scribe()
	err := w.l.Do(w.T.Context(), func(tx gateway.Tx) error {
		j, err := tx.ClaimJob("flow", w.Now(), w.Now().Add(time.Minute), gateway.JobPreview)
		if err != nil {
			return err
		}
		j.EndedAt, j.Preview.ExpiresAt, j.State = w.Now(), w.Now().Add(10*time.Minute), gateway.JobDone
		verb := audit.Verb("job.done")
		if reason != "" {
			j.State, j.Reason, j.Detail, verb = gateway.JobFailed, string(reason), "the attacker's words", "job.failed"
		} else {
			j.Preview.Pages, j.Preview.Size, j.Preview.Sum = 12, int64(len(pixels)), sha256.Sum256([]byte(pixels))
			if j.Preview.Blob, err = w.shots.Put(w.T.Context(), func(o io.Writer) error { _, err := io.WriteString(o, pixels); return err }); err != nil {
				return err
			}
		}
		r, err := scribe.System(verb, audit.Success, nil)
		if err != nil {
			return err
		}
		return tx.EndJob(j, r)
	})
	if err != nil {
		w.T.Fatal(err)
	}
}

type previewJSON struct {
	ID, Item, Message, Part, State string
	Page, Pages                    int64
}

// look asks to see a page.
func (c *client) look(body map[string]any) previewJSON {
	c.w.T.Helper()
	a := c.want(http.StatusAccepted, "POST", "previews", body)
	var p previewJSON
	a.into(c.w.T, &p)
	if a.header.Get("Location") != "/api/v1/previews/"+p.ID {
		c.w.T.Errorf("location %q", a.header.Get("Location"))
	}
	return p
}

// itemOf is the held part of a mail for one recipient.
func (w *world) itemOf(m gateway.Message, to string) quarantine.Item {
	w.T.Helper()
	list, err := w.l.Items(w.T.Context(), gateway.ItemQuery{Message: m.ID})
	at := slices.IndexFunc(list, func(i quarantine.Item) bool { return i.Recipient == to })
	if err != nil || at < 0 {
		w.T.Fatal(list, err)
	}
	return list[at]
}

// TestPreview: a page is asked for, drawn, shown as a picture, and who looked is
// in the history of whose mail it is.
func TestPreview(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	w.user("kacho", "zeimu", account.Approver)
	m := w.mail("yamada@town.example", "tanaka@town.example")
	i := w.itemOf(m, "yamada@town.example")
	c := w.signIn("kacho")
	p := c.look(map[string]any{"item": i.ID, "page": 3})
	if p.State != "requested" || p.Item != i.ID || p.Part != "2" || p.Page != 3 || w.woken != 1 {
		t.Errorf("%+v, woken %d", p, w.woken)
	}
	if again := c.look(map[string]any{"item": i.ID, "page": 3}); again.ID != p.ID || w.woken != 1 {
		t.Errorf("asked again: %+v", again)
	}
	c.want(200, "GET", "previews/"+p.ID, nil)
	if a := c.want(409, "GET", "previews/"+p.ID+"/picture", nil); a.code() != "picture_in_progress" || a.header.Get("Retry-After") == "" {
		t.Errorf("%s %v", a.body, a.header)
	}
	if got := w.records("preview."); len(got) > 0 {
		t.Errorf("nobody has seen anything, on record: %q", got)
	}
	w.draw("")
	var done previewJSON
	c.want(200, "GET", "previews/"+p.ID, nil).into(t, &done)
	if done.State != "done" || done.Pages != 12 {
		t.Errorf("%+v", done)
	}
	a := c.want(200, "GET", "previews/"+p.ID+"/picture", nil)
	sum := sha256.Sum256([]byte(pixels))
	for name, want := range map[string]string{"Content-Type": "image/png", "Cache-Control": "private, no-store", "ETag": `"` + hex.EncodeToString(sum[:]) + `"`,
		"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if string(a.body) != pixels {
		t.Errorf("%q", a.body)
	}
	if b := c.want(304, "GET", "previews/"+p.ID+"/picture", nil, "If-None-Match", a.header.Get("ETag")); len(b.body) > 0 {
		t.Errorf("%q", b.body)
	}
	w.sawIt(t, m, 2)
}

// sawIt: the history of the mail says, to its owner, that the approver looked,
// and how often; and says nothing of it to others.
func (w *world) sawIt(t *testing.T, m gateway.Message, times int) {
	t.Helper()
	rows, err := w.l.Pending(t.Context(), -1, 10000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range rows {
		if e := r.Event; e.Verb == "preview.page_rendered" {
			n++
			if e.Actor.Name != "職員 kacho" || e.Object.Part != "2" || e.Object.ReceiptNo != m.Receipt || e.Change.After != "3 of 12" || e.Object.Sanitized == "" {
				t.Errorf("%+v", e)
			}
		}
	}
	if n != times {
		t.Errorf("%d looks on record, want %d", n, times)
	}
	w.user("tanaka", "soumu", account.Staff)
	for who, want := range map[string]int{"yamada": times, "tanaka": 0} {
		hist := w.signIn(who).want(200, "GET", "messages/"+string(m.ID)+"/timeline", nil, "Accept-Language", "ja")
		if got := strings.Count(string(hist.body), `"preview.page_rendered"`); got != want || want > 0 && !strings.Contains(string(hist.body), "職員 kacho") {
			t.Errorf("%s reads of %d looks: %s", who, got, hist.body)
		}
	}
}

// TestPreviewFailures: a part that cannot be drawn is told with its reason and
// the next step, in both languages, and without a word of the box.
func TestPreviewFailures(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	c := w.signIn("yamada")
	for _, r := range []format.Reason{format.EncryptedDocument, format.KindUnsupported, format.LimitPages, format.WorkerCrash, format.CrashLoop, format.Internal, "no_such_reason"} {
		m := w.mail("yamada@town.example")
		p := c.look(map[string]any{"item": w.itemOf(m, "yamada@town.example").ID, "page": 1})
		w.draw(r)
		for lang, word := range map[string]string{"ja": "原本は開かないでください", "en": "Do not open the original"} {
			for _, path := range []string{"previews/" + p.ID, "previews/" + p.ID + "/picture"} {
				a := c.want(422, "GET", path, nil, "Accept-Language", lang)
				var said api.Problem
				a.into(t, &said)
				if said.Code != string(r.Listed()) || !strings.Contains(said.Title, word) || said.Next == "" || a.header.Get("Content-Type") != "application/problem+json" ||
					strings.Contains(string(a.body), "attacker") {
					t.Errorf("%s in %s: %s", r, lang, a.body)
				}
			}
		}
		w.Wait(time.Minute)
	}
}

// TestPreviewReach: nobody sees what is not theirs to see, nor what another asked
// for, and what is not to be seen looks like what is not there.
func TestPreviewReach(t *testing.T) {
	w := newWorld(t)
	for name, role := range map[string]account.Role{"yamada": account.Staff, "sato": account.Staff, "kacho": account.Approver, "kansa": account.Auditor, "unyo": account.Operator} {
		w.user(name, "zeimu", role)
	}
	w.user("tanaka", "soumu", account.Staff)
	w.user("bucho", "soumu", account.Approver)
	w.user("admin", "", account.Admin)
	w.user("nishi", "zeimu", account.Auditor, account.Approver)
	m := w.mail("yamada@town.example")
	i := w.itemOf(m, "yamada@town.example")
	for _, c := range []struct {
		who    string
		status int
	}{{"yamada", 202}, {"kacho", 202}, {"admin", 202}, {"sato", 404}, {"tanaka", 404}, {"bucho", 404}, {"nishi", 404}, {"kansa", 403}, {"unyo", 403}} {
		b := w.signIn(c.who)
		for _, body := range []map[string]any{{"item": i.ID, "page": 1}, {"message": m.ID, "part": "2", "page": 1}, {"message": m.ID, "part": "1", "page": 1}} {
			a := b.do("POST", "previews", body)
			if a.status != c.status {
				t.Errorf("%s asks for %v: %d %s, want %d", c.who, body, a.status, a.body, c.status)
			}
		}
		w.Wait(20 * time.Minute)
	}
	// Of the three refusals of the same to each of two, within a minute, one is written down.
	if got := w.records("authz.denied"); len(got) != 2 {
		t.Errorf("%d refusals on record", len(got))
	}
	mine := w.signIn("yamada").look(map[string]any{"item": i.ID, "page": 2})
	unknown := w.signIn("yamada").want(404, "GET", "previews/00000000000000000000000000000000", nil)
	for _, who := range []string{"kacho", "admin", "sato", "tanaka"} {
		b := w.signIn(who)
		for _, path := range []string{"previews/" + mine.ID, "previews/" + mine.ID + "/picture"} {
			if a := b.want(404, "GET", path, nil); !bytes.Equal(a.body, unknown.body) {
				t.Errorf("%s sees a difference: %s", who, a.body)
			}
		}
	}
}

// TestPreviewsOfTheOfficesChoice: staff look at their own originals where the
// office lets them.
func TestPreviewsOfTheOfficesChoice(t *testing.T) {
	w := newWorldWith(t, func(c *api.Config) { c.NoOwnPreviews = true })
	w.user("yamada", "zeimu", account.Staff)
	w.user("kacho", "zeimu", account.Approver)
	i := w.itemOf(w.mail("yamada@town.example"), "yamada@town.example")
	w.signIn("yamada").want(403, "POST", "previews", map[string]any{"item": i.ID, "page": 1})
	w.signIn("kacho").want(202, "POST", "previews", map[string]any{"item": i.ID, "page": 1})
	if got := w.records("authz.denied"); len(got) != 1 {
		t.Errorf("refusals on record: %q", got)
	}
}

// TestPreviewsGo: what is gone, or whose minutes are over, is not shown.
func TestPreviewsGo(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	c := w.signIn("yamada")
	m := w.mail("yamada@town.example")
	i := w.itemOf(m, "yamada@town.example")
	drawn := func(body map[string]any) string {
		t.Helper()
		p := c.look(body)
		w.draw("")
		c.want(200, "GET", "previews/"+p.ID+"/picture", nil)
		return p.ID
	}
	gone := func(id string) {
		t.Helper()
		for _, path := range []string{"previews/" + id, "previews/" + id + "/picture"} {
			if a := c.want(410, "GET", path, nil); a.code() != "original_gone" {
				t.Errorf("%s", a.body)
			}
		}
	}
	first := drawn(map[string]any{"item": i.ID, "page": 1})
	w.Wait(10 * time.Minute)
	gone(first)
	second := drawn(map[string]any{"item": i.ID, "page": 1})
	if second == first {
		t.Error("an old picture was offered")
	}
	inside := drawn(map[string]any{"message": m.ID, "part": "2.1", "page": 1}) // of what lies in the held part
	beside := drawn(map[string]any{"message": m.ID, "part": "21", "page": 1})
	c.want(200, "POST", "item-discards", map[string]any{"items": []string{i.ID}}, "Idempotency-Key", "a-key-of-mine")
	gone(second)
	gone(inside)
	c.want(200, "GET", "previews/"+beside+"/picture", nil)
	for _, body := range []map[string]any{{"item": i.ID, "page": 1}, {"message": m.ID, "part": "2", "page": 1}, {"message": m.ID, "part": "2.1", "page": 1}} {
		c.want(410, "POST", "previews", body)
	}
	j, err := w.l.Job(t.Context(), gateway.ID(beside))
	if err == nil {
		err = w.shots.Delete(t.Context(), j.Preview.Blob)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.want(410, "GET", "previews/"+beside+"/picture", nil)
}

// TestPreviewOfAnotherPicture: whoever writes to the disk shows nobody anything.
func TestPreviewOfAnotherPicture(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	c := w.signIn("yamada")
	p := c.look(map[string]any{"item": w.itemOf(w.mail("yamada@town.example"), "yamada@town.example").ID, "page": 1})
	good := w.shots
	w.shots = swapped{good}
	w.draw("")
	w.shots = good
	if a := c.want(500, "GET", "previews/"+p.ID+"/picture", nil); strings.Contains(string(a.body), "drawn") {
		t.Errorf("%s", a.body)
	}
	if got := w.records("preview."); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// swapped stores another picture than it is given.
type swapped struct{ gateway.Blobs }

func (s swapped) Put(ctx context.Context, fill func(io.Writer) error) (string, error) {
	return s.Blobs.Put(ctx, func(w io.Writer) error {
		var b bytes.Buffer
		if err := fill(&b); err != nil {
			return err
		}
		_, err := w.Write(bytes.ToUpper(b.Bytes()))
		return err
	})
}

// TestPreviewRequests: what is asked wrongly, or too much of.
func TestPreviewRequests(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	c := w.signIn("yamada")
	m := w.mail("yamada@town.example")
	i := w.itemOf(m, "yamada@town.example")
	for n, body := range []map[string]any{{"page": 1}, {"item": i.ID}, {"item": i.ID, "page": 0}, {"item": i.ID, "page": 100001}, {"item": i.ID, "message": m.ID, "page": 1},
		{"item": i.ID, "part": "1", "page": 1}, {"message": m.ID, "part": "0", "page": 1}, {"message": m.ID, "part": "../1", "page": 1}, {"message": m.ID, "part": "1.", "page": 1}} {
		if a := c.want(422, "POST", "previews", body); a.code() != "invalid_request" {
			t.Errorf("%d: %s", n, a.body)
		}
		w.Wait(time.Second)
	}
	w.Wait(time.Minute)
	for page := 1; page <= 8; page++ {
		c.look(map[string]any{"item": i.ID, "page": page})
	}
	if a := c.want(429, "POST", "previews", map[string]any{"item": i.ID, "page": 9}); a.header.Get("Retry-After") == "" {
		t.Errorf("%v", a.header)
	}
	w.draw("")
	w.Wait(time.Minute)
	c.look(map[string]any{"item": i.ID, "page": 9})
	if got := w.records("job.requested"); len(got) != 9 {
		t.Errorf("%d jobs on record: %s", len(got), fmt.Sprint(got))
	}
}

// TestDeputyLooks: a deputy sees the part that waits for the decision, and no other
// one, and only while it waits.
func TestDeputyLooks(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	id := w.ask(w.clerk, "text_only")
	another := w.itemOf(w.mail("yamada@town.example"), "yamada@town.example").ID
	look := func(who, item string, status int) {
		t.Helper()
		c := w.signIn(who)
		if a := c.do("POST", "previews", map[string]any{"item": item, "page": 1}); a.status != status {
			t.Errorf("%s asks: %d %s, want %d", who, a.status, a.body, status)
		}
		c.want(map[int]int{202: 200, 404: 404}[status], "GET", "items/"+item, nil)
	}
	look("other", w.item, 404)
	w.deputy("kacho", "other")
	look("other", w.item, 202)
	look("other", another, 404)
	if a := w.decide(w.signIn("other"), id, "deny", "on_behalf_of", w.id("kacho")); a.status != 200 {
		t.Fatalf("%s", a.body)
	}
	look("other", w.item, 404)
}
