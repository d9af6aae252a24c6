package sanitize

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/seal"
)

// releaseInput is a mail with a table and a program, as flow gives it.
func releaseInput(t *testing.T, r policy.Rules) (Input, []byte) {
	t.Helper()
	program := append([]byte("MZ\x90\x00"), bytes.Repeat([]byte{0, 1, 2}, 300)...)
	mail := mailWith(map[string][]byte{"a.csv": []byte("x,y\r\n1,2\r\n"), "b.exe": program}, "a.csv", "b.exe")
	return Input{Kind: format.Mail, Data: memory(t, mail), Rules: r, Facts: testFacts()}, program
}

func budgetOf(r policy.Rules) format.Budget {
	b := BudgetOf(r)
	b.Deadline = time.Now().Add(30 * time.Second)
	return b
}

// TestRelease: one part is rebuilt by itself and comes in a mail of ours that
// passed the lint; what is held still says why.
// spec: g1 g2
func TestRelease(t *testing.T) {
	e, rules := testEngine(t), policy.Default()
	in, program := releaseInput(t, rules)
	for path, want := range map[string]struct {
		verdict format.Verdict
		reason  format.Reason
	}{
		"1": {format.Rebuilt, ""}, "2": {format.Held, format.KindBlocked}, "": {format.Partly, ""},
		"3": {format.Held, format.Internal}, "1.1": {format.Held, format.Internal}, "0": {format.Held, format.Internal}, "x": {format.Held, format.Internal},
	} {
		r, err := e.Release(context.Background(), in, path, budgetOf(rules))
		if err != nil {
			t.Fatal(err)
		}
		if r.Part.Verdict != want.verdict || r.Part.Reason != want.reason || r.Part.Path != path {
			t.Errorf("%q: %s %s %q", path, r.Part.Verdict, r.Part.Reason, r.Part.Detail)
		}
		b, err := e.FollowUp(context.Background(), FollowUp{Facts: *testFacts(), At: testFacts().ReceivedAt, Item: "i1", Subject: "４月分", From: "a@example.com",
			MessageID: "<1@example.jp>", Reason: format.ByPolicy}, &r.Part)
		if (err == nil) != r.Part.Body.OK() {
			t.Errorf("%q: follow-up %v", path, err)
		}
		if err == nil {
			mail := output(t, Node{Body: b})
			if !bytes.Contains(mail, []byte("References: <1@example.jp>\r\n")) || !bytes.Contains(mail, []byte("Auto-Submitted: auto-generated")) ||
				bytes.Contains(mail, []byte(base64.StdEncoding.EncodeToString(program)[:60])) || !strings.Contains(bodyText(t, mail), "無害化してお届けします") {
				t.Errorf("%q: %s", path, mail)
			}
			again, err := e.FollowUp(context.Background(), FollowUp{Facts: *testFacts(), At: testFacts().ReceivedAt, Item: "i1", Subject: "４月分", From: "a@example.com",
				MessageID: "<1@example.jp>", Reason: format.ByPolicy}, &r.Part)
			if err != nil || again.Sum() != b.Sum() {
				t.Errorf("%q: two mails of one item differ, %v", path, err)
			}
			again.Close()
			if _, err := e.FollowUp(context.Background(), FollowUp{Facts: *testFacts(), MaxBytes: 100}, &r.Part); !isTooLarge(err) {
				t.Errorf("%q: %v", path, err)
			}
			b.Close()
		}
		r.Part.Close()
	}
	if text, err := e.Release(context.Background(), in, "1", budgetOf(rules.TextOnly())); err != nil || text.Part.Verdict != format.Rebuilt {
		t.Errorf("%+v, %v", text, err)
	} else {
		text.Part.Close()
	}
}

func isTooLarge(err error) bool {
	var fe *format.Error
	return errors.As(err, &fe) && fe.Reason == format.TooLargeAfter
}

// TestWrap: an original comes out whole, in one place of a mail that is else
// ours, and nothing but an approved exception of three persons seals it.
// spec: g11
func TestWrap(t *testing.T) {
	e, rules := testEngine(t), policy.Default()
	in, program := releaseInput(t, rules)
	taken, err := e.Take(context.Background(), in, "2", budgetOf(rules))
	if err != nil || taken.Sum() != sha256.Sum256(program) {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := e.Take(context.Background(), in, "7", budgetOf(rules)); err == nil {
		t.Error("took what is not there")
	}
	f := FollowUp{Facts: *testFacts(), At: testFacts().ReceivedAt, Item: "i1", Subject: "s", Reason: format.KindBlocked}
	if _, err := e.Wrap(context.Background(), f, taken); err == nil {
		t.Error("wrapped without an exception")
	}
	f.Exception = "x1"
	if _, err := e.Wrap(context.Background(), f, Taken{}); err == nil {
		t.Error("wrapped nothing")
	}
	w, err := e.Wrap(context.Background(), f, taken)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	mail, err := io.ReadAll(w.Reader())
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.ReplaceAll(string(mail), "\r\n", "")
	if !strings.Contains(flat, base64.StdEncoding.EncodeToString(program)) || !strings.Contains(bodyText(t, mail), "無害化していない原本です") ||
		!bytes.Contains(mail, []byte("verdict=held;")) {
		t.Errorf("%s", mail)
	}
	if w.Basis(seal.Grant{Exception: "x1", Request: "r1", Requester: "a", Approvers: []string{"b", "a"}}).OK() {
		t.Error("the requester approved")
	}
	if !w.Basis(seal.Grant{Exception: "x1", Request: "r1", Requester: "a", Approvers: []string{"b", "c"}}).OK() {
		t.Error("no basis for an approved exception")
	}
}
