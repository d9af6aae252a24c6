package flow

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/notice"
	"sekisho/quarantine"
	"sekisho/sanitize"
)

const (
	yamada = "yamada@town.example.lg.jp"
	soumu  = "soumu@town.example.lg.jp"
)

// fragment is held as a whole, withExe in part.
const (
	fragment = "From: Sato <sato@example.com>\nTo: b@town.example.lg.jp\nSubject: piece\nMIME-Version: 1.0\n" +
		"Content-Type: message/partial; id=\"a@example.com\"; number=1; total=2\n\nSubject: inner\n\nsecret\n"
	withExe = "From: Sato <sato@example.com>\nTo: b@town.example.lg.jp\nSubject: bill\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n" +
		"--x\nContent-Type: text/plain\n\nbody\n--x\nContent-Type: application/octet-stream; name=setup.exe\nContent-Disposition: attachment; filename=setup.exe\n\n" +
		"MZ something\n--x--\n"
)

// digests turns a world to digests at half past eight and one o'clock.
func digests(w *world, copies ...notice.Copy) {
	w.Notices = notice.Plan{Digest: true, Copies: copies, Schedule: notice.Schedule{Hours: []notice.Hour{510, 780}, Location: w.Location}}
}

// tell drafts what is due and composes it, and returns how many digests there
// were.
func (w *world) tell() int {
	w.t.Helper()
	n := 0
	for ; ; n++ {
		more, err := w.Tell(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if !more {
			break
		}
	}
	for range n {
		w.step()
	}
	return n
}

// letters are the texts of the deliveries of a kind, by their recipients, in
// the order in which they came.
func (w *world) letters(k gateway.DeliveryKind) map[string][]string {
	w.t.Helper()
	ds, err := w.ledger.Deliveries(w.t.Context(), gateway.DeliveryQuery{States: []gateway.DeliveryState{gateway.Ready}})
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string][]string{}
	for _, d := range ds {
		if d.Kind == k {
			v, text := w.sealed(d)
			if v.From != "" || len(v.To) != 1 {
				w.t.Errorf("a %s from %q to %v", k, v.From, v.To)
			}
			out[v.To[0]] = append(out[v.To[0]], readable(w.t, text))
		}
	}
	return out
}

// readable is a mail of our own with its subject and text as people read them.
func readable(t *testing.T, text string) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	body := io.Reader(m.Body)
	switch m.Header.Get("Content-Transfer-Encoding") {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return "Auto-Submitted: " + m.Header.Get("Auto-Submitted") + "\n" + subject + "\n" + string(b)
}

// TestDigest: held parts are told at the next hour, each once, those of a mail
// together, and the department reads along.
// spec: g3
func TestDigest(t *testing.T) {
	w := newWorld(t) // at 9:12
	digests(w, notice.Copy{To: soumu, For: []string{"@town.example.lg.jp"}})
	w.accept(fragment, yamada, "suzuki@town.example.lg.jp")
	w.accept(withExe, yamada)
	w.step()
	w.step()
	if len(w.letters(gateway.KindSubstitute)) != 0 || w.tell() != 0 {
		t.Fatal("somebody was told before the hour")
	}
	w.now = time.Date(2026, 4, 17, 13, 0, 0, 0, w.Location)
	if n := w.tell(); n != 3 {
		t.Fatalf("%d digests", n)
	}
	got := w.letters(gateway.KindDigest)
	for to, want := range map[string][]string{
		yamada:                      {"（２件）", "「piece」", "メール全体", "分割されたメールの一部だけのため（fragment）", "「bill」", "「setup.exe」", "「sato@example.com」", "２０２６年５月１７日"},
		"suzuki@town.example.lg.jp": {"（１件）", "メール全体"},
		soumu:                       {"（３件）", "「" + yamada + "」", "「suzuki@town.example.lg.jp」", "「setup.exe」"},
	} {
		if len(got[to]) != 1 {
			t.Errorf("%s got %d digests", to, len(got[to]))
			continue
		}
		for _, s := range append(want, "Auto-Submitted: auto-generated", "情報政策課") {
			if !strings.Contains(got[to][0], s) {
				t.Errorf("the digest of %s lacks %q:\n%s", to, s, got[to][0])
			}
		}
		if strings.Contains(got[to][0], "secret") || to != soumu && strings.Contains(got[to][0], "宛先　") {
			t.Errorf("the digest of %s says too much:\n%s", to, got[to][0])
		}
	}
	w.now = w.now.Add(24 * time.Hour)
	if n := w.tell(); n != 0 {
		t.Errorf("%d digests of nothing", n)
	}
	if v := w.verbs(); v["delivery.created"] < 3 || v["item.held"] != 3 {
		t.Errorf("%v", v)
	}
}

// TestDigestAfterADowntime: hours that passed while nothing ran are made up in
// one digest; what came behind the last of them waits for the next.
func TestDigestAfterADowntime(t *testing.T) {
	w := newWorld(t)
	digests(w)
	w.accept(withExe, yamada)
	w.step()
	w.now = w.now.Add(5 * time.Hour) // 14:12
	w.accept(fragment, yamada)
	w.step()
	w.now = time.Date(2026, 4, 20, 7, 0, 0, 0, w.Location) // three days down
	if n := w.tell(); n != 1 {
		t.Fatalf("%d digests", n)
	}
	w.accept(fragment, yamada)
	w.step()
	if n := w.tell(); n != 0 {
		t.Errorf("%d digests before the hour", n)
	}
	w.now = time.Date(2026, 4, 20, 8, 30, 0, 0, w.Location)
	if n := w.tell(); n != 1 {
		t.Errorf("%d digests at the hour", n)
	}
	got := w.letters(gateway.KindDigest)[yamada]
	if len(got) != 2 || strings.Count(got[0], "受付番号　") != 2 || strings.Count(got[1], "受付番号　") != 1 {
		t.Errorf("%q", got)
	}
}

// TestDigestIsToldOnce: a process that dies before the draft, behind it, or while
// it composes, leaves one digest; and a clock that is put back makes no second.
func TestDigestIsToldOnce(t *testing.T) {
	w := newWorld(t)
	digests(w)
	w.accept(withExe, yamada)
	w.step()
	w.now = w.now.Add(4 * time.Hour)
	if more, err := w.Tell(t.Context()); !more || err != nil {
		t.Fatal(more, err)
	}
	if more, err := w.Tell(t.Context()); more || err != nil {
		t.Fatal("a second draft", err)
	}
	engine := w.Engine
	w.Engine = failing{engine}
	if _, err := w.Step(t.Context()); err == nil {
		t.Fatal("a digest was composed by an engine that fails")
	}
	w.Engine = engine
	w.now = w.now.Add(leaseTime + time.Second)
	w.step()
	w.now = w.now.Add(-24 * time.Hour)
	if n := w.tell(); n != 0 {
		t.Errorf("%d digests after the clock was put back", n)
	}
	if got := w.letters(gateway.KindDigest)[yamada]; len(got) != 1 {
		t.Errorf("%d digests", len(got))
	}
}

// TestDraftEnds: a mail of our own that cannot be composed is tried for a day, and
// then ends as failed with the postmaster told, once.
// spec: g3
func TestDraftEnds(t *testing.T) {
	w := newWorld(t)
	digests(w)
	w.accept(withExe, yamada)
	w.step()
	w.now = w.now.Add(4 * time.Hour)
	if _, err := w.Tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Engine = failing{w.Engine}
	due := w.now
	state := func() gateway.Delivery {
		t.Helper()
		ds, err := w.ledger.Deliveries(t.Context(), gateway.DeliveryQuery{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(ds, func(d gateway.Delivery) bool { return d.Kind == gateway.KindDigest })
		return ds[i]
	}
	for w.now.Before(due.Add(draftTime)) {
		if _, err := w.Step(t.Context()); err == nil || state().State != gateway.Drafted {
			t.Fatal(state().State, err)
		}
		w.now = w.now.Add(8*time.Hour + time.Second)
	}
	if _, err := w.Step(t.Context()); err == nil {
		t.Fatal("the failure is not told")
	}
	if d := state(); d.State != gateway.Failed || d.Reason != "internal" || d.Recipients[0].State != gateway.Refused {
		t.Errorf("%+v", d)
	}
	w.step()
	if got := w.letters(gateway.KindPostmaster); len(got) != 1 || len(got["postmaster@town.example.lg.jp"]) != 1 {
		t.Errorf("the postmaster was told %v", got)
	}
	if worked, err := w.Step(t.Context()); worked || err != nil {
		t.Errorf("worked on: %v, %v", worked, err)
	}
}

// failing cannot write digests.
type failing struct{ Engine }

func (failing) Digest(context.Context, sanitize.Digest) (sanitize.Body, error) {
	return sanitize.Body{}, errors.New("no room")
}

// TestDigestOfMany: more than one digest has room for comes in several, at once.
func TestDigestOfMany(t *testing.T) {
	w := newWorld(t)
	digests(w)
	var b strings.Builder
	b.WriteString("From: a@example.com\nSubject: many\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n")
	for i := range sanitize.DigestMost + 20 {
		fmt.Fprintf(&b, "--x\nContent-Type: application/octet-stream; name=s%d.exe\nContent-Disposition: attachment; filename=s%03d.exe\n\nMZ something\n", i, i)
	}
	m := w.accept(b.String()+"--x--\n", yamada)
	w.step()
	w.now = w.now.Add(4 * time.Hour)
	if n := w.tell(); n != 2 {
		t.Fatalf("%d digests", n)
	}
	got := w.letters(gateway.KindDigest)[yamada]
	if len(got) != 2 {
		t.Fatalf("%d digests", len(got))
	}
	all := got[0] + got[1]
	for i := range sanitize.DigestMost + 20 {
		if n := strings.Count(all, fmt.Sprintf("「s%03d.exe」", i)); n != 1 {
			t.Errorf("part %d is told %d times", i, n)
		}
	}
	if !strings.Contains(got[0], "続けてもう１通") || strings.Contains(got[1], "続けてもう１通") {
		t.Error("the first does not say that there is another, or the second does")
	}
	// Asked for again it is one mail, which says that it is not all.
	d := notice.Desk{Ledger: w.ledger, Scribe: w.Scribe}
	if ds, err := d.Again(t.Context(), audit.Actor{Type: audit.ActorOS, ID: "clerk"}, m.Receipt, ""); err != nil || len(ds) != 1 {
		t.Fatal(ds, err)
	}
	w.step()
	again := w.letters(gateway.KindNotice)[yamada]
	if len(again) != 1 || strings.Contains(again[0], "続けて") || !strings.Contains(again[0], "ほかにもお預かりしているもの") || strings.Count(again[0], ".exe」") != sanitize.DigestMost {
		t.Error(again)
	}
}

// TestDigestSaysWhatEnded: a part that is held no more is told all the same,
// with what became of it; a loop of automatic mail is not.
func TestDigestSaysWhatEnded(t *testing.T) {
	w := newWorld(t)
	digests(w)
	m := w.accept(withExe, yamada)
	w.step()
	looped := w.acceptFrom("", "From: a@example.com\nX-Sekisho-Result: v=1; verdict=held; receipt=-; id=gw1; hops=1; held=0; stripped=0; findings=\n\nx\n", yamada)
	w.step()
	if its := w.items(looped); len(its) != 1 || its[0].Reason != "mail_loop" {
		t.Fatalf("%+v", its)
	}
	i, err := w.items(m)[0].Discard("boss", w.now)
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.Scribe.System("item.discarded", audit.Success, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ledger.Do(t.Context(), func(tx gateway.Tx) error { return tx.MoveItem(i, r) }); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(4 * time.Hour)
	if n := w.tell(); n != 1 {
		t.Fatalf("%d digests", n)
	}
	got := w.letters(gateway.KindDigest)[yamada][0]
	if !strings.Contains(got, "「setup.exe」　破棄しました") || strings.Count(got, "受付番号　") != 1 {
		t.Error(got)
	}
}

// TestBackToTellingAtOnce: what waited for a digest when the plan was changed is
// not forgotten.
func TestBackToTellingAtOnce(t *testing.T) {
	w := newWorld(t)
	digests(w)
	w.accept(withExe, yamada)
	w.step()
	w.Notices = notice.Plan{}
	if n := w.tell(); n != 1 || len(w.letters(gateway.KindDigest)[yamada]) != 1 {
		t.Errorf("%d digests", n)
	}
	w.accept(fragment, yamada)
	w.step()
	if n := w.tell(); n != 0 || len(w.letters(gateway.KindSubstitute)[yamada]) != 1 {
		t.Errorf("%d digests, and no mail at once", n)
	}
}

// TestAskedNotices: one mail's notice again, with what is held still, and a
// trial.
func TestAskedNotices(t *testing.T) {
	w := newWorld(t)
	m := w.accept(withExe, yamada, soumu)
	w.step()
	finish(t, w, m)
	d := notice.Desk{Ledger: w.ledger, Scribe: w.Scribe}
	if _, err := d.Again(t.Context(), audit.Actor{Type: audit.ActorOS, ID: "clerk"}, m.Receipt, yamada); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Trial(t.Context(), audit.Actor{Type: audit.ActorOS, ID: "clerk"}, soumu); err != nil {
		t.Fatal(err)
	}
	w.step()
	w.step()
	again, trial := w.letters(gateway.KindNotice), w.letters(gateway.KindTrial)
	if len(again) != 1 || len(again[yamada]) != 1 || len(trial) != 1 || len(trial[soumu]) != 1 {
		t.Fatalf("%v %v", again, trial)
	}
	for _, s := range []string{"もう一度", "受付番号 " + m.Receipt, "「setup.exe」", "「bill」"} {
		if !strings.Contains(again[yamada][0], s) {
			t.Errorf("no %q in\n%s", s, again[yamada][0])
		}
	}
	if !strings.Contains(trial[soumu][0], "試験") || strings.Contains(trial[soumu][0], "setup.exe") {
		t.Error(trial[soumu][0])
	}
	if its := w.items(m); len(its) != 2 || its[0].State != quarantine.Held {
		t.Errorf("%+v", its)
	}
}
